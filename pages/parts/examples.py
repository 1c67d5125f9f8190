"""Questions to try on the sample documents, from the samples' own list."""

from __future__ import annotations

import json

from store.settings import ROOT

QUESTIONS = ROOT / "data" / "samples" / "questions.jsonl"
_SHOWN = 3


def example_questions() -> list[str]:
    """Answerable questions, one a document."""
    if not QUESTIONS.is_file():
        return []
    by_document: dict[str, str] = {}
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["answerable"]:
            by_document.setdefault(row["document"], row["question"])
    return list(by_document.values())[:_SHOWN]
