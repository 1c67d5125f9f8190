"""What a computation says, and the cells, rows and doubts that go with it."""

from __future__ import annotations

from retrieval.tabular.plan import Plan, Unclear
from retrieval.tabular.table import Table
from retrieval.tabular.wording import shown
from store.models import Frozen

Place = tuple[int, int]
"""Row and column of a cell, from 0."""

MOST_VALUES = 12
"""Different values that one sentence gives."""


class Computed(Frozen):
    """`values` are the answer itself, `text` says it whole; `cells` are what it stands on, `rows`
    the rows used, `columns` those of them that matter. `warnings` are sentences."""

    text: str
    values: tuple[str, ...]
    cells: tuple[Place, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    warnings: tuple[str, ...] = ()


def number_of(table: Table, row: int, column: int) -> float | None:
    cell = table.rows[row][column]
    return cell.quantity.number if cell and cell.quantity else None


def distinct(table: Table, rows: tuple[int, ...], column: int, year: bool = False) -> list[str]:
    """The different texts of a column in these rows, or the years of its dates, in their order."""
    texts: dict[str, str] = {}
    for row in rows:
        cell = table.rows[row][column]
        if year:
            if cell is None or cell.day is None or not cell.day.year:
                raise Unclear("the year is not written there")
            said = f"{cell.day.year}" if cell.day.month else shown(table, row, column)
            texts.setdefault(said, said)
        elif table.rows[row][column] is not None:
            texts.setdefault(table.folded(row, column), shown(table, row, column))
    return list(texts.values())


def parts(plan: Plan) -> tuple[int, ...]:
    """Columns of a row that the answer stands on, the one shown first."""
    parts = [plan.target, plan.by, *(f.column for f in plan.filters)]
    return tuple(dict.fromkeys(part for part in parts if part is not None))


def columns_of(plan: Plan, table: Table) -> tuple[int, ...]:
    """Columns that are worth showing, in the table's order."""
    if len(table.columns) <= 6:
        return tuple(range(len(table.columns)))
    sides = [f.column for side in plan.sides for f in side]
    return tuple(sorted({table.key, *parts(plan), *sides}))


def doubts_of(column: int, table: Table, strange: bool = True) -> tuple[str, ...]:
    found = table.columns[column]
    doubts: list[str] = []
    units = [unit or "none" for unit in found.units]
    if len(units) > 1:
        doubts.append(f"The column “{found.name}” mixes units: {', '.join(units[:4])}.")
    if found.strange and strange:
        one = found.strange == 1
        doubts.append(
            f"{_some(found.strange, 'cell')} of “{found.name}” {'was' if one else 'were'}"
            f" no {'number' if one else 'numbers'} and {'was' if one else 'were'} left out."
        )
    return tuple(doubts)


def left_out(table: Table) -> tuple[str, ...]:
    found: list[str] = []
    if table.left_out:
        one = table.left_out == 1
        found.append(
            f"{_some(table.left_out, 'row')} of totals {'was' if one else 'were'} left out."
        )
    if table.cut:
        found.append(f"Only the first {len(table.rows):,} rows of the table were read.")
    return tuple(found)


def _some(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
