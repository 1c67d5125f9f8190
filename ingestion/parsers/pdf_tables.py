"""Tables of a PDF page: rows whose cells stand under each other. When unsure, there is none."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from ingestion.column_bands import column_bands, nearest_band
from ingestion.parsers.pdf_rows import Row

_MIN_ROWS = 3
_MAX_LABELS = 2
_LONG_CELL = 70
_PERIOD = re.compile(
    r"(Q|H|FY|CY|WK?|KW|No\.?|Nr\.?)[ .]?[0-9]{1,2}([ /'’-]*(19|20)?[0-9]{2})?"
    r"|[0-9]{1,2}[./-][0-9]{1,2}[./-](19|20)?[0-9]{2}|(19|20)[0-9]{2}[-/–]([0-9]{2}){1,2}",
    re.IGNORECASE,
)
"""Headings of columns that look like figures: quarters, years, dates."""


@dataclass(frozen=True)
class Table:
    """Rows [first, last) of the page; `columns[row][cell]` is a cell's column from 0.

    The first `header_rows` rows are headings.
    """

    first: int
    last: int
    columns: list[list[int]]
    header_rows: int


def find_tables(
    rows: list[Row], boxes: list[list[float]], apart: Container[int] = ()
) -> list[Table]:
    """Tables in the order of the rows, without overlaps; rows `apart` belong to none."""
    tables = []
    for first, last in _runs(rows, apart):
        table = _table(rows, boxes, first, last)
        if table is not None:
            tables.append(table)
    return tables


def _runs(rows: list[Row], apart: Container[int]) -> list[tuple[int, int]]:
    """Stretches of rows with several cells; a label alone on its line may stand between."""
    runs: list[tuple[int, int]] = []
    first = last = -1
    for i, row in enumerate(rows):
        follows = first >= 0 and i not in apart and _follows(rows[i - 1], row)
        if len(row.cells) > 1 and row.upright and i not in apart:
            if first < 0 or not follows or i - last > _MAX_LABELS:
                runs.append((first, last))
                first = i
            last = i + 1
        elif not follows:
            runs.append((first, last))
            first = last = -1
    runs.append((first, last))
    return [
        (a, b) for a, b in runs
        if a >= 0 and sum(len(r.cells) > 1 for r in rows[a:b]) >= _MIN_ROWS
    ]  # fmt: skip


def _follows(above: Row, below: Row) -> bool:
    pitch = below.y0 - above.y0
    return 0 < pitch < 4 * max(above.height, below.height)


def _table(rows: list[Row], boxes: list[list[float]], first: int, last: int) -> Table | None:
    body = rows[first:last]
    cells = [c for r in body if len(r.cells) > 1 for c in r.cells]
    spans = [[_extent(c, boxes) for c in r.cells] for r in body]
    long = sum(x1 - x0 > _LONG_CELL * 0.5 * body[0].height for s in spans for x0, x1 in s)
    if long > 0.4 * len(cells):
        return None
    widest = max(len(r.cells) for r in body)
    bands = column_bands([s for s in spans if len(s) >= max(2, widest * 0.6)])
    if len(bands) < 2:
        return None
    columns = [[nearest_band(bands, extent) for extent in row] for row in spans]
    # Cells that stand under each other fall into bands of their own; where they do not, this is
    # text with wide gaps.
    multi = [c for c in columns if len(c) > 1]
    clashing = sum(len(set(c)) < len(c) for c in multi)
    if clashing > 0.34 * len(multi):
        return None
    return Table(first, last, columns, _header_rows(body))


def _extent(cell: list[int], boxes: list[list[float]]) -> tuple[float, float]:
    x0 = min((boxes[w][0] for w in cell if boxes[w][0] == boxes[w][0]), default=0.0)
    x1 = max((boxes[w][2] for w in cell if boxes[w][2] == boxes[w][2]), default=0.0)
    return x0, x1


def _header_rows(body: list[Row]) -> int:
    """Rows before the first that holds a figure beside its label; at most four."""
    for i, row in enumerate(body[:5]):
        figures = sum(_is_figure(row, c) for c in range(1, len(row.cells)))
        if len(row.cells) > 1 and figures * 2 >= len(row.cells) - 1:
            return i
    return 1 if body[0].bold and not body[1].bold else 0


def ruled_header_rows(body: list[Row]) -> int:
    """As above; a table of texts alone has its first row as heading, where that is all labels."""
    found = _header_rows(body)
    if found or len(body) < 3:
        return found
    labels = all(len(t) <= 60 and not any(c.isdigit() for c in t) for t in body[0].cell_texts)
    return int(labels and len(body[0].cells) >= max(len(r.cells) for r in body[1:]))


def _is_figure(row: Row, cell: int) -> bool:
    text = row.cell_texts[cell]
    if _PERIOD.fullmatch(text):
        return False
    digits = sum(ch.isdigit() for ch in text)
    year = len(text) == 4 and text.isdigit() and text[:2] in ("19", "20")
    letters = sum(ch.isalpha() for ch in text)
    return not year and (text in ("—", "-", "–") or (digits > 0 and digits >= letters))
