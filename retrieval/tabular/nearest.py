"""The rows nearest to a question that could not be computed."""

from __future__ import annotations

from collections import Counter

from retrieval.tabular.lexicon import FUNCTION, LIGHT
from retrieval.tabular.reading import words_of
from retrieval.tabular.table import Table


def nearest_rows(question: str, table: Table, most: int) -> list[int]:
    """Rows that share the question's rarer words, in the table's order; else the first ones."""
    wanted = {word.root for word in words_of(question)} - FUNCTION - LIGHT
    columns = range(len(table.columns))
    held = [
        wanted & {part for c in columns for part in table.folded(row, c).split()}
        for row in range(len(table.rows))
    ]
    often = Counter(word for words in held for word in words)
    scores = [sum(1 / often[word] for word in words) for words in held]
    best = sorted((row for row in range(len(held)) if scores[row]), key=lambda r: (-scores[r], r))
    return sorted(best[:most]) or list(range(min(most, len(table.rows))))
