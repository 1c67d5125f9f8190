"""Figures of the tables engine over a folder of tables with questions.

python -m benchmarks.wikitables FOLDER [--half first|second] [--together] [--show] [--keep DATA]

FOLDER holds `docs/` (CSV, XLSX) and `questions.jsonl` with `question`, `answers` and
`evidence: [{doc}]`. Each question is asked with its document named, or with --together of all
documents at once. Printed: the share of questions that are attempted (computed rather than said to
be unclear), the share of those that are right (an answer of the question equals what was computed,
as words or as a number), and both by kind. --keep names a data folder to reuse.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from ingestion.opening import open_library
from retrieval.engines.base import Tools
from retrieval.engines.tables import DEPTH, TablesEngine
from retrieval.llama import Asked
from retrieval.presupposed import Likeness
from retrieval.search import Searcher
from retrieval.tabular.extract import tables_in
from retrieval.tabular.plan import Unclear
from retrieval.tabular.table import folded
from retrieval.tabular.values import plain, quantity
from store.models import LOCAL_ADMIN
from store.opening import Store, open_store
from store.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=["first", "second"], help="of the documents by name")
    parser.add_argument("--together", action="store_true", help="no document is named")
    parser.add_argument("--show", choices=["wrong", "right", "unclear", "all"])
    parser.add_argument("--keep", type=Path, help="a data folder to reuse")
    parser.add_argument("--predictions", type=Path, help="a file to write for another scorer")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(
            data=chosen.keep or Path(temporary) / "store", samples=False, _env_file=None
        )
        with open_store(settings) as store:
            _fill(store, chosen.folder / "docs")
            _ask(store, chosen)


def _fill(store: Store, folder: Path) -> None:
    known = {document.name for document in store.catalog.documents()}
    library = open_library(store)
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            library.add(LOCAL_ADMIN, path.name, path, "main")
    if not library.wait(1800):
        raise SystemExit("The documents were not read in half an hour.")
    library.close()


def _ask(store: Store, chosen: argparse.Namespace) -> None:
    text = (chosen.folder / "questions.jsonl").read_text("utf-8")
    questions = [json.loads(line) for line in text.splitlines()]
    docs = sorted({q["evidence"][0]["doc"] for q in questions})
    half = {"first": docs[: len(docs) // 2], "second": docs[len(docs) // 2 :], None: docs}
    questions = [q for q in questions if q["evidence"][0]["doc"] in half[chosen.half]]
    searcher = Searcher(store.catalog, store.indexes, store.embedder)
    engine = TablesEngine(Tools(store.catalog, searcher, store.embedder, None, Likeness()))
    ids = {document.name: document.id for document in store.catalog.documents()}
    kinds: dict[str, list[bool]] = defaultdict(list)
    times: list[float] = []
    predictions: list[dict] = []
    for q in questions:
        asked = Asked(query_str=q["question"], space_ids=tuple(store.catalog.spaces()))
        if not chosen.together:
            asked.document_ids = frozenset([ids[q["evidence"][0]["doc"]]])
        began = time.monotonic()
        found = searcher.search(asked.query_str, asked.space_ids, asked.document_ids, k=DEPTH)
        tables = tables_in(store.catalog, [hit.chunk for hit in found.hits])
        said, values, kind = "no table", (), ""
        try:
            answered = engine.answer(asked, tables) if tables else None
            if answered:
                said, values, kind = answered.result.text, answered.result.values, answered.kind
        except Unclear as reason:
            said = str(reason)
        times.append(time.monotonic() - began)
        right = bool(kind) and _same(values, q["answers"])
        if kind:
            kinds[kind].append(right)
        predictions.append({"id": q["id"], "answer": said if kind else "", "refused": not kind})
        state = ("right" if right else "wrong") if kind else "unclear"
        if chosen.show in (state, "all"):
            print(f"{state:8}{kind:11}{q['evidence'][0]['doc']:14}{q['question']}")
            print(f"{'':19}{said}  =>  {q['answers']}")
    if chosen.predictions:
        lines = "".join(json.dumps(p, ensure_ascii=False) + "\n" for p in predictions)
        chosen.predictions.write_text(lines, "utf-8")
    _print(kinds, len(questions), times)


def _print(kinds: dict[str, list[bool]], questions: int, times: list[float]) -> None:
    every = [right for rights in kinds.values() for right in rights]
    print(f"{'questions':24}{questions}")
    print(f"{'attempted':24}{len(every) / questions:.3f}  ({len(every)})")
    print(f"{'right of attempted':24}{sum(every) / max(1, len(every)):.3f}")
    for kind, rights in sorted(kinds.items()):
        print(f"  {kind:22}{sum(rights) / len(rights):.3f}  ({sum(rights)} of {len(rights)})")
    print(f"{'median time':24}{sorted(times)[len(times) // 2] * 1000:.0f} ms")


def _same(values: tuple[str, ...], answers: list[str]) -> bool:
    """Whether the values are the answers, each as words or as a number."""
    if len(values) != len(answers):
        return False
    return all(any(_equal(value, answer) for answer in answers) for value in values)


def _equal(value: str, answer: str) -> bool:
    a, b = quantity(value), quantity(answer)
    if a and b:
        return abs(a.number - b.number) <= 1e-6 * max(1.0, abs(b.number))
    bare = re.sub(r"\([^()]*\)", "", plain(value))
    return folded(answer) in (folded(value), folded(plain(value)), folded(bare))


if __name__ == "__main__":
    main()
