"""How often answers without a model are right, refused rightly, and refused wrongly.

python -m evals.answers QUESTIONS.jsonl [--most N] [--unanswerable]

Asks the questions (`{question, answerable, answers | answer, document?, page?, evidence?}` a line)
of the documents in FOOTNOTE_DATA. `--unanswerable` says that none of them can be answered there,
whatever the file says: the way to measure refusals of questions that belong elsewhere.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
from pathlib import Path

from retrieval.assistant import open_assistant
from store.models import LOCAL_ADMIN, Answer
from store.opening import open_store
from store.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--most", type=int, default=0, help="ask a fixed random sample of N")
    parser.add_argument("--unanswerable", action="store_true")
    args = parser.parse_args()
    lines = args.questions.read_text("utf-8").splitlines()
    asked = [json.loads(line) for line in lines if line.strip()]
    if args.most and len(asked) > args.most:
        asked = random.Random(1).sample(asked, args.most)
    settings = Settings()
    rows = []
    with open_store(settings) as store:
        assistant = open_assistant(settings, store.catalog, store.indexes, store.embedder)
        assistant.warm()
        for q in asked:
            rows.append((q, assistant.ask(LOCAL_ADMIN, q["question"])))
        assistant.close()
    can = [(q, a) for q, a in rows if q.get("answerable", True) and not args.unanswerable]
    cannot = [(q, a) for q, a in rows if not q.get("answerable", True) or args.unanswerable]
    if can:
        _print("answerable", len(can))
        _print("  refused wrongly", _share(a.refused for _, a in can))
        _print("  a right document cited", _share(_cites(q, a, False) for q, a in can))
        paged = [(q, a) for q, a in can if any(p for _, p in _places(q))]
        if paged:
            _print(
                f"  the right page cited, of {len(paged)}",
                _share(_cites(q, a, True) for q, a in paged),
            )
        spans = [(q, a) for q, a in can if 0 < len(_answers(q)[0]) <= 60]
        if spans:
            _print(
                f"  short answer quoted, of {len(spans)}", _share(_quotes(q, a) for q, a in spans)
            )
    if cannot:
        _print("unanswerable", len(cannot))
        _print("  refused", _share(a.refused for _, a in cannot))
    _print("ms, median", round(statistics.median(a.ms for _, a in rows)))


def _places(q: dict) -> list[tuple[str, int | None]]:
    if q.get("document"):
        return [(q["document"], q.get("page"))]
    return [(e["doc"], e.get("page")) for e in q.get("evidence") or []]


def _answers(q: dict) -> list[str]:
    return [_plain(a) for a in (q.get("answers") or [q.get("answer") or ""])]


def _cites(q: dict, answer: Answer, page: bool) -> bool:
    cited = {(c.doc, c.page) for c in answer.citations}
    docs = {doc for doc, _ in cited}
    return any((d, p) in cited if page else d in docs for d, p in _places(q))


def _quotes(q: dict, answer: Answer) -> bool:
    said = _plain(answer.text)
    return any(a and a in said for a in _answers(q))


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


def _share(found: object) -> str:
    values = [bool(x) for x in found]  # type: ignore[attr-defined]
    return f"{sum(values) / len(values):.2f}"


def _print(label: str, value: object) -> None:
    print(f"{label:32} {value}")


if __name__ == "__main__":
    main()
