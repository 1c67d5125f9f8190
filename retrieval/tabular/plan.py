"""What a question about a table comes down to, before it is SQL."""

from __future__ import annotations

from typing import Literal

from store.models import Frozen

Kind = Literal[
    "lookup", "count", "extreme", "sum", "average", "difference", "comparison", "neighbour"
]
Op = Literal["is", "holds", "number", "day", "<", "<=", ">", ">=", "between", "<day", ">day"]


class Filter(Frozen):
    """Rows in which `column` fits one of `values`.

    `is`, `holds`: folded words that are the whole cell, or among its words. `number`: its number.
    `day`: YYYYMMDD in which 00 and 0000 mean any. `<` … `between`: its number. `<day`, `>day`: its
    date is before, after. `said` is how the question says it.
    """

    column: int
    op: Op
    values: tuple[str | float, ...]
    said: str


class Plan(Frozen):
    """`target` is the column that is shown, `by` the one that is ordered, added or compared.

    `extreme` with `grouped` compares how many rows each value of `target` has. `distinct` counts
    the values of `target`. `sides` are the two things of a difference or a comparison; without
    `by` their rows are counted. `step` is 1 for the row after, -1 for the row before.
    """

    kind: Kind
    filters: tuple[Filter, ...] = ()
    target: int | None = None
    by: int | None = None
    descending: bool = False
    grouped: bool = False
    distinct: bool = False
    sides: tuple[tuple[Filter, ...], ...] = ()
    asks: Literal["which", "whether", "relation"] = "which"
    """Of a comparison: the side, yes or no, or above or below."""
    step: int = 0
    year: bool = False
    """Only the year of the target's dates is asked for."""
    several: bool = False
    """Whether the question may have more than one answer."""
    limit: int = 200
    assumed: tuple[str, ...] = ()
    """Words of the question that nothing in the table says, taken for what all of it is about."""


class Unclear(Exception):
    """The question is not understood well enough to compute it; the text says what of it."""
