"""Rows of an OpenDocument table, of a text or of a sheet, by the columns that are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ingestion.parsers.docx_styles import attribute
from ingestion.parsers.flow import one_line
from ingestion.parsers.odf_text import Hanging, inline, is_drawn
from ingestion.parsers.ooxml import Element, elements, local
from ingestion.parsers.xlsx_tables import Rows

MAX_CELLS = 2_000_000
_MOST_ROWS, _MOST_COLUMNS = 10_000, 1000
_MOST_COPIES = 50_000
"""Filled rows and cells that are said to repeat more often are styling, or an attack."""
_GROUPS = frozenset(("table-rows", "table-row-group", "table-header-rows"))
MAX_DEPTH = 20


class TableRows(NamedTuple):
    """Rows that are not empty, how many of them the file calls headers, how many were not read."""

    rows: Rows
    header_rows: int
    left_out: int


def read_rows(table: Element, hanging: Hanging) -> TableRows:
    """The rows of a table; what is drawn over it goes to `hanging`."""
    hanging.frames += [child for child in elements(table) if local(child) == "shapes"]
    rows: Rows = []
    index = headers = cells = copies = left_out = 0
    for row, is_header in _rows(table, False, 0):
        texts, whole = _cells(row, hanging)
        repeats = _number(row, "number-rows-repeated")
        if texts:
            read = 0
            while read < min(repeats, _MOST_ROWS) and cells + len(texts) <= MAX_CELLS:
                if read and copies + len(texts) > _MOST_COPIES:
                    break
                copies += len(texts) if read else 0
                cells += len(texts)
                rows.append((index + read, texts))
                headers += is_header
                read += 1
            left_out += repeats - read if whole else repeats
        index += repeats
    return TableRows(rows, headers if headers < len(rows) else 0, left_out)


def _rows(parent: Element, is_header: bool, depth: int) -> Iterator[tuple[Element, bool]]:
    for child in elements(parent):
        name = local(child)
        if name == "table-row":
            yield child, is_header
        elif name in _GROUPS and depth < MAX_DEPTH:
            yield from _rows(child, is_header or name == "table-header-rows", depth + 1)


def _cells(row: Element, hanging: Hanging) -> tuple[dict[int, str], bool]:
    """Texts by column, and whether these are all of them."""
    texts: dict[int, str] = {}
    whole = True
    column = 0
    for cell in elements(row):
        if local(cell) not in ("table-cell", "covered-table-cell"):
            continue
        repeats = _number(cell, "number-columns-repeated")
        text = one_line(" ".join(_texts(cell, hanging, 0)))
        if text:
            whole = whole and repeats <= _MOST_COLUMNS
            for at in range(min(repeats, _MOST_COLUMNS)):
                texts[column + at] = text
        column += repeats
    return texts, whole


def _texts(parent: Element, hanging: Hanging, depth: int) -> Iterator[str]:
    """Texts of a cell's paragraphs, those of lists and tables inside it too."""
    for child in elements(parent):
        name = local(child)
        if name in ("p", "h"):
            yield inline(child, hanging)
        elif name == "annotation":
            hanging.annotate(child)
        elif is_drawn(child):
            hanging.frames.append(child)
        elif depth < MAX_DEPTH:
            yield from _texts(child, hanging, depth + 1)


def _number(element: Element, name: str) -> int:
    text = attribute(element, name)
    return max(1, min(int(text), 1_048_576)) if text.isdecimal() and len(text) < 9 else 1
