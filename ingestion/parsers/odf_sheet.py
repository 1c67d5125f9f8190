"""Rows of an OpenDocument table, of a text or of a sheet, by the columns that are used."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.parsers.docx_styles import attribute
from ingestion.parsers.flow import one_line
from ingestion.parsers.odf_text import Hanging, inline
from ingestion.parsers.ooxml import Element, elements, local
from ingestion.parsers.xlsx_tables import Rows

MAX_CELLS = 2_000_000
_MOST_REPEATS = 1000
_MOST_COPIES = 50_000
"""Filled rows and cells that are said to repeat more often are styling, or an attack."""
_GROUPS = frozenset(("table-rows", "table-row-group", "table-header-rows"))
MAX_DEPTH = 20


def read_rows(table: Element, hanging: Hanging) -> tuple[Rows, int]:
    """(rows that are not empty, how many of them the file calls headers)."""
    rows: Rows = []
    index = headers = cells = copies = 0
    for row, is_header in _rows(table, False, 0):
        texts = _cells(row, hanging)
        repeats = _number(row, "number-rows-repeated")
        if texts:
            for at in range(min(repeats, _MOST_REPEATS)):
                cells += len(texts)
                copies += len(texts) if at else 0
                if cells > MAX_CELLS or copies > _MOST_COPIES:
                    break
                rows.append((index + at, texts))
                headers += is_header
        index += repeats
    return rows, headers if headers < len(rows) else 0


def _rows(parent: Element, is_header: bool, depth: int) -> Iterator[tuple[Element, bool]]:
    for child in elements(parent):
        name = local(child)
        if name == "table-row":
            yield child, is_header
        elif name in _GROUPS and depth < MAX_DEPTH:
            yield from _rows(child, is_header or name == "table-header-rows", depth + 1)


def _cells(row: Element, hanging: Hanging) -> dict[int, str]:
    texts: dict[int, str] = {}
    column = 0
    for cell in elements(row):
        if local(cell) not in ("table-cell", "covered-table-cell"):
            continue
        repeats = _number(cell, "number-columns-repeated")
        text = one_line(" ".join(_texts(cell, hanging, 0)))
        if text:
            for at in range(min(repeats, _MOST_REPEATS)):
                texts[column + at] = text
        column += repeats
    return texts


def _texts(parent: Element, hanging: Hanging, depth: int) -> Iterator[str]:
    """Texts of a cell's paragraphs, those of lists and tables inside it too."""
    for child in elements(parent):
        name = local(child)
        if name in ("p", "h"):
            yield inline(child, hanging)
        elif name == "annotation":
            hanging.annotate(child)
        elif name == "frame":
            hanging.frames.append(child)
        elif depth < MAX_DEPTH:
            yield from _texts(child, hanging, depth + 1)


def _number(element: Element, name: str) -> int:
    text = attribute(element, name)
    return max(1, min(int(text), 1_048_576)) if text.isdecimal() and len(text) < 9 else 1
