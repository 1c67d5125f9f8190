"""Ruled tables of a PDF page: lines that cross make cells, whatever the text in them looks like.

A cell may hold several lines; its words then stand together. Where the line between two cells is
missing they are one, which belongs to the first of its rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.parsers.pdf_text import Words

_THIN_PT = 2.5
_SHORTEST_PT = 5.0
_SAME_PT = 2.5
_LEAST_LINES = 3
_MOST_LINES = 300
_LONGEST_CELL = 120
_FRAME = 0.85
_COVERED = 0.6
_MEETING = 0.8


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
    # A frame around the page is no table's.
    across, down = paths[flat], paths[tall & (high < _FRAME * size[1])]
    found = []
    for first, last in _bands(down):
        mine = down[(down[:, 1] >= first) & (down[:, 3] <= last)]
        left, right = mine[:, 0].min(), mine[:, 2].max()
        between = across[
            (across[:, 1] >= first - _SAME_PT) & (across[:, 3] <= last + _SAME_PT)
            & (across[:, 2] > left) & (across[:, 0] < right)
        ]  # fmt: skip
        grid = _grid(between, mine, words)
        if grid is not None:
            found.append(grid)
    return found


def _bands(down: np.ndarray) -> list[tuple[float, float]]:
    """Stretches of the page's height that upright lines cover without a break."""
    bands: list[tuple[float, float]] = []
    for y0, y1 in sorted(down[:, [1, 3]].tolist()):
        if bands and y0 <= bands[-1][1] + _SAME_PT:
            bands[-1] = (bands[-1][0], max(y1, bands[-1][1]))
        else:
            bands.append((y0, y1))
    return bands


def _grid(flat: np.ndarray, tall: np.ndarray, words: Words) -> Grid | None:
    if len(flat) < _LEAST_LINES or len(tall) < _LEAST_LINES:
        return None
    ys = _places((flat[:, 1] + flat[:, 3]) / 2)
    xs = _places((tall[:, 0] + tall[:, 2]) / 2)
    if not (_LEAST_LINES <= len(xs) <= _MOST_LINES and _LEAST_LINES <= len(ys) <= _MOST_LINES):
        return None
    if not _meet(flat, xs):
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


def _meet(flat: np.ndarray, xs: np.ndarray) -> bool:
    """Whether lines go all the way between upright neighbours, above and below.

    The strokes under the sums of a balance sheet stop short of the tinted strips that part its
    columns: these are no cells' borders.
    """
    runs: list[list[float]] = []
    for x0, _, x1, y in flat[np.lexsort((flat[:, 0], np.round(flat[:, 3])))].tolist():
        if runs and abs(y - runs[-1][2]) < 1 and x0 <= runs[-1][1] + 1:
            runs[-1][1] = max(runs[-1][1], x1)
        else:
            runs.append([x0, x1, y])
    x0, x1, _ = np.array(runs).T
    reach = (x0[:, None] <= xs[:-1] + _SAME_PT) & (x1[:, None] >= xs[1:] - _SAME_PT)
    return float((reach.sum(0) > 1).mean()) >= _MEETING


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
    beside = _ruled(tall[:, [0, 2]], tall[:, [1, 3]], xs, ys).tolist()
    above = _ruled(flat[:, [1, 3]], flat[:, [0, 2]], ys, xs).tolist()
    home: dict[tuple[int, int], tuple[int, int]] = {}
    for r in range(len(ys) - 1):
        for c in range(len(xs) - 1):
            if c and not beside[c][r]:
                home[r, c] = home[r, c - 1]
            elif r and not above[r][c]:
                home[r, c] = home[r - 1, c]
            else:
                home[r, c] = (r, c)
    return home


def _ruled(
    across: np.ndarray, along: np.ndarray, places: np.ndarray, marks: np.ndarray
) -> np.ndarray:
    """bool [places, stretches]: lines at a place cover most of the way from mark to mark.

    `across` and `along` float [n, 2] are where each line begins and ends in either direction.
    """
    shared = np.minimum(along[:, 1:], marks[1:]) - np.maximum(along[:, :1], marks[:-1])
    of_line = np.abs(across.mean(1)[:, None] - places).argmin(1)
    covered = np.zeros((len(places), len(marks) - 1))
    np.add.at(covered, of_line, np.clip(shared, 0, None))
    return covered >= _COVERED * np.diff(marks)
