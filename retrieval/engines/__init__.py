"""The query engines, one file each: a new one is a file and a line in ENGINES."""

from __future__ import annotations

from retrieval.engines.base import Tools
from retrieval.engines.compare import CompareEngine
from retrieval.engines.facts import FactsEngine
from retrieval.engines.mentions import MentionsEngine
from retrieval.engines.summary import SummaryEngine
from retrieval.engines.tables import TablesEngine

ENGINES = {
    "facts": (FactsEngine, "Answers a question from the passages that say it."),
    "summary": (SummaryEngine, "Gives the main points of a document or of a subject."),
    "compare": (CompareEngine, "Puts what several documents, things or years say side by side."),
    "tables": (TablesEngine, "Computes over the rows of a table: counts, sums, extremes, lists."),
    "mentions": (MentionsEngine, "Finds and counts every place where a word or number occurs."),
}

__all__ = ["ENGINES", "Tools"]
