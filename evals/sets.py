"""Reading sets of questions with known answers from a folder, whichever way it states them."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from store.catalog.marks import Verdict
from store.errors import BadInput
from store.models import Frozen
from store.settings import ROOT

SAMPLES = "samples"
SAMPLES_FOLDER = ROOT / "data" / "samples"
_SEED = 1


class Place(Frozen):
    """Where something stands: a document's name and a page, None where only the document counts."""

    doc: str
    page: int | None = None


class Right(Place):
    """A place that should be found, and how much it is worth."""

    grade: float = 1.0


class Then(Frozen):
    """The answer that somebody marked. `pages`: document ids and pages it cited."""

    verdict: Verdict
    text: str
    refused: bool
    pages: tuple[tuple[str, int], ...] = ()


class Question(Frozen):
    """`answerable` None: nobody said. `right` is empty where no place is known.

    `named`: the documents that the question is about, also where they do not answer it.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool | None = True
    right: tuple[Right, ...] = ()
    named: tuple[str, ...] = ()
    then: Then | None = None


class QuestionSet(Frozen):
    """Documents by name, each a file or the text itself, and the questions about them."""

    name: str
    documents: Mapping[str, Path | str]
    questions: tuple[Question, ...]


def read_set(given: str, foreign: Path | None = None, limit: int | None = None) -> QuestionSet:
    """The set `samples`, or of a folder with `docs/` and `questions*.jsonl`, or with
    `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`.

    `foreign`: a file of questions that these documents cannot answer, to be asked instead of the
    set's own. `limit`: ask a fixed random sample of so many. Raises BadInput.
    """
    folder = SAMPLES_FOLDER if given == SAMPLES else Path(given)
    if (folder / "corpus.jsonl").is_file():
        name, documents, questions = _titled(folder), _corpus(folder), _queries(folder)
    else:
        name, documents = _titled(folder), _files(folder)
        questions = [q for file in sorted(folder.glob("questions*.jsonl")) for q in _asked(file)]
    if foreign is not None:
        name = f"{name}-asked-{_titled(foreign.parent)}"
        questions = [
            q.model_copy(update={"answerable": False, "right": (), "answers": ()})
            for q in _asked(foreign)
        ]
    if not documents or not questions:
        raise BadInput(
            f"{folder} is no set: it needs docs/ and questions.jsonl, or corpus.jsonl, "
            "queries.jsonl and qrels.tsv."
        )
    return QuestionSet(name=name, documents=documents, questions=sampled(questions, limit))


def sampled(questions: Sequence[Question], limit: int | None) -> tuple[Question, ...]:
    """All of them, or the same random `limit` every time."""
    if not limit or len(questions) <= limit:
        return tuple(questions)
    return tuple(random.Random(_SEED).sample(questions, limit))


def _files(folder: Path) -> dict[str, Path | str]:
    """By name, the second of a name by its path inside the folder."""
    inside = folder / "docs" if (folder / "docs").is_dir() else folder
    found: dict[str, Path | str] = {}
    for path in sorted(inside.rglob("*")) if inside.is_dir() else ():
        if path.is_file() and path.suffix != ".jsonl" and not path.name.startswith("."):
            name = path.name if path.name not in found else path.relative_to(inside).as_posix()
            found[name] = path
    return found


def _asked(file: Path) -> Iterator[Question]:
    for line in _lines(file):
        given = dict.fromkeys([*(line.get("answers") or []), line.get("answer")])
        places: list[dict] = line.get("evidence") or []
        if line.get("document"):
            places = [{"doc": line["document"], "page": line.get("page")}]
        answerable = line.get("answerable", True)
        yield Question(
            id=str(line["id"]),
            text=line["question"],
            answers=tuple(str(a) for a in given if a not in (None, "")) if answerable else (),
            answerable=answerable,
            named=tuple(p["doc"] for p in places),
            # What an unanswerable question names is only where one would look.
            right=tuple(Right(doc=p["doc"], page=p.get("page")) for p in places)
            if answerable
            else (),
        )


def _corpus(folder: Path) -> dict[str, Path | str]:
    lines = _lines(folder / "corpus.jsonl")
    texts = {_file(c["_id"]): "\n\n".join(filter(None, (c.get("title"), c["text"]))) for c in lines}
    return {name: text for name, text in texts.items() if text.strip()}


def _queries(folder: Path) -> list[Question]:
    judged: dict[str, list[Right]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if float(row["score"]) > 0:
                right = Right(doc=_file(row["corpus-id"]), grade=float(row["score"]))
                judged.setdefault(row["query-id"], []).append(right)
    return [
        Question(
            id=str(line["_id"]),
            text=line["text"],
            answers=(str(line["answer"]),) if line.get("answer") else (),
            right=tuple(judged[str(line["_id"])]),
        )
        for line in _lines(folder / "queries.jsonl")
        if str(line["_id"]) in judged
    ]


def _file(corpus_id: object) -> str:
    return f"{corpus_id}.txt"


def _titled(folder: Path) -> str:
    """A folder's name; behind its parent's where it names only a language."""
    path = folder.resolve()
    return f"{path.parent.name}-{path.name}" if len(path.name) == 2 else path.name


def _lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line.strip()]
