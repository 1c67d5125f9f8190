"""The query engines, one file each: a new one is a file and a line in ENGINES."""

from __future__ import annotations

from retrieval.engines.base import Tools
from retrieval.engines.facts import FactsEngine
from retrieval.engines.summary import SummaryEngine

ENGINES = {
    "facts": (FactsEngine, "Answers a question from the passages that say it."),
    "summary": (SummaryEngine, "Gives the main points of a document or of a subject."),
}

__all__ = ["ENGINES", "Tools"]
