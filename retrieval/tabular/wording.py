"""How conditions, cells and numbers are said in a computed sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.tabular.plan import Filter
from retrieval.tabular.table import Table
from retrieval.tabular.values import plain

_LONGEST = 160


def named(table: Table, column: int) -> str:
    """A column's name in quotes, or its place."""
    name = printable(table.columns[column].name)
    return f"“{name}”" if name else f"column {column + 1}"


def shown(table: Table, row: int, column: int) -> str:
    """A cell's text on one line, shortened where it is long; empty where there is none."""
    value = table.rows[row][column]
    text = printable(value.text) if value else ""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()}…"


def label(table: Table, row: int, but: int | None = None) -> str:
    """What names the row; empty where that is the column `but`."""
    return shown(table, row, table.key) if table.key != but else ""


def conditions(filters: Sequence[Filter], table: Table) -> str:
    """“Role” “Gwen” and “Year” 2010."""
    parts: list[str] = []
    for f in filters:
        said = printable(f.said)
        parts.append(f"{named(table, f.column)} {f'“{said}”' if f.op in ('is', 'holds') else said}")
    return " and ".join(parts)


def number_text(
    value: float, table: Table, column: int, rows: Sequence[int], averaged: bool = False
) -> str:
    """With as many decimals as its cells have, two more for an average, and their common unit."""
    texts = [cell.text for row in rows if (cell := table.rows[row][column])]
    decimals = max(
        (len(m[1]) for t in texts if (m := re.search(r"\.(\d+)\D*$", plain(t)))), default=0
    )
    if not float(value).is_integer() and not decimals:
        decimals = 2
    said = (
        f"{value:,.{min(decimals + 2 * averaged, 6)}f}" if decimals or averaged else f"{value:,.0f}"
    )
    said = said.rstrip("0").rstrip(".") if averaged and "." in said else said
    units = {
        cell.quantity.unit for row in rows if (cell := table.rows[row][column]) and cell.quantity
    }
    unit = units.pop() if len(units) == 1 else ""
    if not unit:
        return said
    if len(unit) == 1 and not unit.isalpha() and unit != "%":
        return f"{unit}{said}"
    return f"{said}{'' if unit == '%' else ' '}{unit}"


def printable(text: str) -> str:
    """`text` on one line; a control character would end the sentence it stands in."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
