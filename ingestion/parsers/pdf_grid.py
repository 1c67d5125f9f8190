"""Ruled tables of a PDF page: lines that cross make cells, whatever the text in them looks like.

A cell may hold several lines; its words then stand together. Where the line between two cells is
missing they are one, which belongs to the first of its rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.parsers.pdf_figures import clusters
from ingestion.parsers.pdf_text import Words

_THIN_PT = 2.5
_SHORTEST_PT = 5.0
_SAME_PT = 2.5
_LEAST_LINES = 3
_MOST_LINES = 300
_LONGEST_CELL = 120
_REACH_PT = 3.0
_COVERED = 0.6


@dataclass(frozen=True)
class Grid:
    """`rows` of (column, word numbers), empty cells left out, rows without words too."""

    rows: list[list[tuple[int, list[int]]]]


def grids(words: Words, paths: np.ndarray, size: tuple[float, float]) -> list[Grid]:
    """`paths` float [n, 4] are boxes of what is drawn; words are in one grid at most."""
    wide, high = paths[:, 2] - paths[:, 0], paths[:, 3] - paths[:, 1]
    flat = (high < _THIN_PT) & (wide >= _SHORTEST_PT)
    tall = (wide < _THIN_PT) & (high >= _SHORTEST_PT)
    if np.count_nonzero(flat) < _LEAST_LINES or np.count_nonzero(tall) < _LEAST_LINES:
        return []
    rules = paths[flat | tall]
    rules = rules[
        (rules[:, 0] > -1) & (rules[:, 1] > -1)
        & (rules[:, 2] < size[0] + 1) & (rules[:, 3] < size[1] + 1)
    ]  # fmt: skip
    if len(rules) < 2 * _LEAST_LINES:
        return []
    found = []
    for _, members in clusters(np.clip(rules, 0, None), size, _SAME_PT):
        grid = _grid(rules[members], words)
        if grid is not None:
            found.append(grid)
    return found


def _grid(rules: np.ndarray, words: Words) -> Grid | None:
    flat = rules[(rules[:, 3] - rules[:, 1]) < _THIN_PT]
    tall = rules[(rules[:, 2] - rules[:, 0]) < _THIN_PT]
    ys = _places((flat[:, 1] + flat[:, 3]) / 2)
    xs = _places((tall[:, 0] + tall[:, 2]) / 2)
    if not (_LEAST_LINES <= len(xs) <= _MOST_LINES and _LEAST_LINES <= len(ys) <= _MOST_LINES):
        return None
    x = (words.boxes[:, 0] + words.boxes[:, 2]) / 2
    y = (words.boxes[:, 1] + words.boxes[:, 3]) / 2
    with np.errstate(invalid="ignore"):
        inside = (x > xs[0]) & (x < xs[-1]) & (y > ys[0]) & (y < ys[-1])
    numbers = np.flatnonzero(inside)
    if len(numbers) < 4:
        return None
    row_of = np.searchsorted(ys, y[numbers]) - 1
    column_of = np.searchsorted(xs, x[numbers]) - 1
    home = _merged(xs, ys, flat, tall)
    cells: dict[tuple[int, int], list[int]] = {}
    for word, r, c in zip(numbers.tolist(), row_of.tolist(), column_of.tolist(), strict=True):
        cells.setdefault(home[r, c], []).append(word)
    if not _is_table(cells):
        return None
    rows: dict[int, list[tuple[int, list[int]]]] = {}
    used = {c: i for i, c in enumerate(sorted({c for _, c in cells}))}
    for (r, c), mine in sorted(cells.items()):
        rows.setdefault(r, []).append((used[c], mine))
    return Grid([rows[r] for r in sorted(rows)])


def _is_table(cells: dict[tuple[int, int], list[int]]) -> bool:
    """Several rows of several cells, none of which is a page's worth of prose."""
    by_row: dict[int, int] = {}
    for r, _ in cells:
        by_row[r] = by_row.get(r, 0) + 1
    long = sum(len(mine) > _LONGEST_CELL for mine in cells.values())
    return sum(n > 1 for n in by_row.values()) >= 2 and long * 4 <= len(cells)


def _places(values: np.ndarray) -> np.ndarray:
    """Values nearer to each other than a line is thick, as one."""
    if not len(values):
        return values
    ordered = np.sort(values)
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) > _SAME_PT) + 1)
    return np.array([group.mean() for group in groups])


def _merged(
    xs: np.ndarray, ys: np.ndarray, flat: np.ndarray, tall: np.ndarray
) -> dict[tuple[int, int], tuple[int, int]]:  # fmt: skip
    """For every place of the grid the row and column of the cell that covers it."""
    rows, columns = len(ys) - 1, len(xs) - 1
    home = {(r, c): (r, c) for r in range(rows) for c in range(columns)}
    for r in range(rows):
        for c in range(columns):
            if c and not _is_ruled(tall, 0, xs[c], ys[r], ys[r + 1]):
                home[r, c] = home[r, c - 1]
            elif r and not _is_ruled(flat, 1, ys[r], xs[c], xs[c + 1]):
                home[r, c] = home[r - 1, c]
    return home


def _is_ruled(rules: np.ndarray, axis: int, place: float, start: float, end: float) -> bool:
    """Whether lines at `place` (x for axis 0, y for axis 1) cover most of start to end."""
    across = 1 - axis
    middle = (rules[:, axis] + rules[:, axis + 2]) / 2
    near = rules[np.abs(middle - place) <= _REACH_PT]
    shared = np.minimum(near[:, across + 2], end) - np.maximum(near[:, across], start)
    return float(np.clip(shared, 0, None).sum()) >= _COVERED * (end - start)
