"""A table element to rows of texts, with spans of rows and columns laid out on a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress

from ingestion.parsers.column_names import table_header_rows
from ingestion.parsers.flow import one_line
from ingestion.parsers.html_text import Element, inline_text, visible

_MAX_SPAN = 200
_MAX_CELLS = 200_000


@dataclass(frozen=True, slots=True)
class HtmlTable:
    rows: list[list[str]]
    header_rows: int


def read_table(table: Element) -> HtmlTable | None:
    """The table's rows, a spanning cell's text at its first place only.

    None where the element lays out a page rather than data: it holds other tables or headings,
    or a single cell.
    """
    if next(table.iterdescendants("table", "h1", "h2", "h3"), None) is not None:
        return None
    grid: list[list[str]] = []
    emphasised: list[list[bool]] = []
    taken: dict[tuple[int, int], bool] = {}
    named = 0
    count = 0
    for row, element in enumerate(_rows(table)):
        cells = [c for c in element.iterchildren("td", "th") if visible(c)]
        if not visible(element):
            cells = []
        line: list[str] = []
        marks: list[bool] = []
        column = 0
        for cell in cells:
            while taken.pop((row, column), False):
                line.append("")
                column += 1
            wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
            line.append(one_line(inline_text(cell)))
            line.extend([""] * (wide - 1))
            marks.extend([_stands_out(cell)] * (len(line) - len(marks)))
            for below in range(1, high):
                for beside in range(wide):
                    taken[row + below, column + beside] = True
            column += wide
            count += wide * high
            if count > _MAX_CELLS:
                return None
        grid.append(line)
        emphasised.append(marks)
        head = element.getparent().tag == "thead" or all(c.tag == "th" for c in cells)
        if cells and head and named == row:
            named += 1
    kept = [any(line) for line in grid]
    filled = list(compress(grid, kept))
    if len(filled) < 2 and sum(map(bool, filled[0] if filled else [])) < 2:
        return None
    if named == len(grid):
        named = min(1, named) if len(grid) > 1 else 0
    return HtmlTable(grid, named or table_header_rows(filled, list(compress(emphasised, kept))))


def _stands_out(cell: Element) -> bool:
    """A heading cell, or one whose text is all bold."""
    if cell.tag == "th":
        return True
    text = inline_text(cell)
    bold = " ".join(inline_text(e) for e in cell.iter("b", "strong"))
    return bool(text) and bold == text


def _rows(table: Element) -> Iterator[Element]:
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from child.iterchildren("tr")


def _span(cell: Element, name: str) -> int:
    text = (cell.get(name) or "1").strip()
    return min(max(int(text), 1), _MAX_SPAN) if text.isdecimal() and text.isascii() else 1
