"""A table as the package works with it: typed values that know the characters they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Literal

from retrieval.tabular.lexicon import INDEXES, root
from retrieval.tabular.values import Day, Quantity

ColumnKind = Literal["number", "date", "text"]
_WORD = re.compile(r"[^\W_]+(?:[.,](?=\d)[^\W_]+)*")


def folded(text: str) -> str:
    """Roots of the words of `text` between spaces, " so that every word has both ends "."""
    return f" {' '.join(map(root, _WORD.findall(text.casefold())))} "


@dataclass(frozen=True, slots=True)
class Value:
    """A cell: `text` is characters [start, end) of page `page_id`, the document's `page`."""

    text: str
    page_id: int
    page: int
    start: int
    end: int
    quantity: Quantity | None = None
    day: Day | None = None


@dataclass(frozen=True)
class Column:
    """`units` are those of its numbers, `strange` counts cells in a number column that are none."""

    name: str
    kind: ColumnKind
    units: tuple[str, ...] = ()
    strange: int = 0

    @cached_property
    def roots(self) -> tuple[str, ...]:
        return tuple(folded(self.name).split())


Row = tuple[Value | None, ...]


@dataclass(frozen=True)
class Table:
    """Rows are as long as `columns`; an empty cell is None.

    `context` is what stands around it: the names of document and sheet, titles above it.
    `left_out` counts rows of totals, which no question counts. `cut`: further cells were not read.
    """

    document_id: str
    doc: str
    chunk_id: str
    space: str
    context: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    left_out: int = 0
    cut: bool = False
    _folded: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)

    def folded(self, row: int, column: int) -> str:
        """The cell's words as `folded` gives them; a single space where it is empty."""
        key = row, column
        if key not in self._folded:
            value = self.rows[row][column]
            self._folded[key] = folded(value.text) if value else " "
        return self._folded[key]

    @cached_property
    def key(self) -> int:
        """The column that names the rows: the first of words that differ, else the first."""
        for least in (0.95, 0.7):
            for at, column in enumerate(self.columns):
                texts = [value.text for row in self.rows if (value := row[at])]
                if column.kind == "text" and len(set(texts)) > least * len(self.rows) > 0:
                    return at
        return 0

    def is_index(self, column: int) -> bool:
        """Whether its numbers say which row rather than how much: nobody adds them up."""
        numbers = [v.quantity.number for row in self.rows if (v := row[column]) and v.quantity]
        if set(self.columns[column].roots) <= INDEXES and len(set(numbers)) > 0.9 * len(numbers):
            return True
        steps = {b - a for a, b in pairwise(numbers)}
        return len(numbers) > 2 and (steps <= {1.0} or steps <= {-1.0})

    def distinct(self, column: int) -> int:
        return len({self.folded(row, column) for row in range(len(self.rows))} - {" "})
