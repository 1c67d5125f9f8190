"""Tables among the rows of a scanned page: cells that stand under each other. When unsure, none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from ingestion.column_bands import column_bands, nearest_band
from ingestion.ocr.words import Line, Word

CELL_GAP = 1.0
"""A gap this many line heights wide parts two cells; a space is under half of it."""
MIN_ROWS = 3
MAX_LABELS = 1
"""Rows of a single cell (a group's name, the rest of a long label) that may stand between."""
MAX_PITCH = 3.2
MIN_FILLED = 0.7
MIN_FIGURES = 0.75
MAX_CELL_WORDS = 5.0


@dataclass(frozen=True)
class Table:
    """Rows [first, last); `cells[row]` holds (first word, word after the last, column)."""

    first: int
    last: int
    cells: tuple[tuple[tuple[int, int, int], ...], ...]
    header_rows: int


def find_tables(rows: Sequence[Line]) -> list[Table]:
    """Tables from top to bottom, without overlaps."""
    parted = [_parted(row) for row in rows]
    found = (_table(rows, parted, first, last) for first, last in _runs(rows, parted))
    return [table for table in found if table is not None]


def _parted(row: Line) -> list[tuple[int, int]]:
    cells: list[tuple[int, int]] = []
    for i, word in enumerate(row.words):
        if cells and word.box[0] - row.words[i - 1].box[2] <= CELL_GAP * row.height:
            cells[-1] = (cells[-1][0], i + 1)
        else:
            cells.append((i, i + 1))
    return cells


def _runs(rows: Sequence[Line], parted: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    first = last = -1
    for i, row in enumerate(rows):
        near = i > 0 and row.middle - rows[i - 1].middle < MAX_PITCH * max(
            row.height, rows[i - 1].height
        )
        if first >= 0 and (not near or i - last > MAX_LABELS):
            runs.append((first, last))
            first = -1
        if len(parted[i]) > 1:
            first = i if first < 0 else first
            last = i + 1
    if first >= 0:
        runs.append((first, last))
    return runs


def _table(
    rows: Sequence[Line], parted: list[list[tuple[int, int]]], first: int, last: int
) -> Table | None:
    several = [i for i in range(first, last) if len(parted[i]) > 1]
    if len(several) < MIN_ROWS:
        return None
    extents = [[_extent(rows[i].words[a:b]) for a, b in parted[i]] for i in range(first, last)]
    bands = column_bands([e for e in extents if len(e) > 1])
    columns = [[nearest_band(bands, extent) for extent in row] for row in extents]
    body = [columns[i - first] for i in several]
    if any(len(set(row)) < len(row) for row in body):
        return None
    if not _is_sure(rows, parted, several, body, len(bands)):
        return None
    cells = tuple(
        tuple((a, b, column) for (a, b), column in zip(parted[i], columns[i - first], strict=True))
        for i in range(first, last)
    )
    return Table(first, last, cells, _header_rows(rows, parted, first, last))


def _is_sure(
    rows: Sequence[Line],
    parted: list[list[tuple[int, int]]],
    several: list[int],
    columns: list[list[int]],
    count: int,
) -> bool:
    """Whether these are cells, and not the two sides of a form or of prose with wide gaps."""
    if count < 2 or mean(len(row) for row in columns) / count < MIN_FILLED:
        return False
    words = [b - a for i in several for a, b in parted[i]]
    if mean(words) > MAX_CELL_WORDS:
        return False
    if any(sum(c in row for row in columns) < len(columns) / 2 for c in range(count)):
        return False
    right = [(i, cell) for i in several for cell in parted[i][1:]]
    figures = sum(is_figure(rows[i].words[a:b]) for i, (a, b) in right) / len(right)
    return figures >= (MIN_FIGURES if count == 2 else 0.0)


def _extent(words: Sequence[Word]) -> tuple[float, float]:
    return words[0].box[0], max(w.box[2] for w in words)


def _header_rows(
    rows: Sequence[Line], parted: list[list[tuple[int, int]]], first: int, last: int
) -> int:
    """Rows before the first that holds mostly figures beside its label; at most three."""
    for i in range(first, min(last, first + 4)):
        right = parted[i][1:]
        figures = sum(is_figure(rows[i].words[a:b]) for a, b in right)
        if right and 2 * figures >= len(right):
            return i - first
    return 0


def is_figure(words: Sequence[Word]) -> bool:
    text = "".join(w.text for w in words)
    digits, letters = sum(c.isdigit() for c in text), sum(c.isalpha() for c in text)
    return text in ("-", "–", "—") or (digits > 0 and digits >= letters)
