"""Words of a PDF page → rows as a reader sees them: what shares a baseline is one line.

Reading order is pdfium's. One thing is repaired: cells of one table row that the file paints as
separate lines come together again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ingestion.parsers.pdf_text import Words

CELL_GAP = 0.9
"""A gap of this many line heights separates two cells; a justified space is under half of it."""
_LOOK_BACK = 4
_OPENERS = frozenset(("$", "(", "€", "£", "¥", "$(", "($", "US$"))
_CLOSERS = frozenset((")", "%", ")%", "%)", "]"))


@dataclass
class Row:
    """One printed line. `cells` are lists of word numbers; coordinates are points, y down."""

    x0: float
    y0: float
    x1: float
    y1: float
    height: float
    upright: bool
    segments: list[tuple[float, float, list[int]]]
    bold: bool = False
    cells: list[list[int]] = field(default_factory=list)
    cell_texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(self.cell_texts)

    @property
    def words(self) -> list[int]:
        return [w for cell in self.cells for w in cell]


def make_rows(words: Words, is_bold: Callable[[int], bool]) -> list[Row]:
    """Rows in reading order; every word is in exactly one."""
    rows: list[Row] = []
    for line in _lines(words):
        home = next((r for r in reversed(rows[-_LOOK_BACK:]) if _beside(r, line, rows)), None)
        if home is None:
            rows.append(line)
        else:
            _take_in(home, line)
    boxes = words.boxes.tolist()
    for row in rows:
        _cut_cells(row, words.texts, boxes)
        row.cell_texts = [" ".join(words.texts[w] for w in cell) for cell in row.cells]
        numbers = row.words
        row.bold = is_bold(int(words.first[numbers[0]])) and (
            len(numbers) == 1 or is_bold(int(words.first[numbers[-1]]))
        )
    return rows


def row_of_cells(
    cells: list[list[int]], words: Words, is_bold: Callable[[int], bool]
) -> Row:  # fmt: skip
    """A row of a ruled table; its cells may have several lines, `height` is that of one."""
    numbers = [w for cell in cells for w in cell]
    boxes = words.boxes[numbers]
    x0, y0 = np.nanmin(boxes[:, :2], axis=0).tolist()
    x1, y1 = np.nanmax(boxes[:, 2:], axis=0).tolist()
    height = float(np.nanmedian(boxes[:, 3] - boxes[:, 1])) or 1.0
    bold = all(is_bold(int(words.first[w])) for w in (numbers[0], numbers[-1]))
    texts = [" ".join(words.texts[w] for w in cell) for cell in cells]
    return Row(x0, y0, x1, y1, height, True, [(x0, x1, numbers)], bold, cells, texts)


def _lines(words: Words) -> list[Row]:
    starts = np.flatnonzero(np.concatenate(([True], words.lines[1:] != words.lines[:-1])))
    low = np.fmin.reduceat(words.boxes[:, :2], starts)
    high = np.fmax.reduceat(words.boxes[:, 2:], starts)
    # Heights weigh by length so that a footnote mark does not shrink its line.
    lengths = np.array([len(t) for t in words.texts], float)
    lengths[np.isnan(words.boxes[:, 0])] = 0
    heights = np.nan_to_num(words.boxes[:, 3] - words.boxes[:, 1]) * lengths
    weights = np.maximum(np.add.reduceat(lengths, starts), 1e-9)
    mean_heights = (np.add.reduceat(heights, starts) / weights).tolist()
    corners = np.concatenate((low, high), axis=1).tolist()
    ends = [*starts[1:].tolist(), len(words.texts)]
    out: list[Row] = []
    for i, (first, last) in enumerate(zip(starts.tolist(), ends, strict=True)):
        x0, y0, x1, y1 = corners[i]
        if x0 != x0:  # painted nowhere: it stays with the line before it
            x0 = x1 = out[-1].x1 if out else 0.0
            y0, y1 = (out[-1].y0, out[-1].y1) if out else (0.0, 0.0)
        characters = sum(len(t) for t in words.texts[first:last])
        upright = characters < 4 or (y1 - y0) < 1.5 * (x1 - x0)
        height = mean_heights[i] or (y1 - y0) or 1.0
        segment = (x0, x1, list(range(first, last)))
        out.append(Row(x0, y0, x1, y1, height, upright, [segment]))
    return out


def _beside(row: Row, line: Row, rows: list[Row]) -> bool:
    """Whether `line` is a further part of `row`: same baseline, free place beside it."""
    smaller = min(row.height, line.height)
    if not (row.upright and line.upright) or max(row.height, line.height) > 2 * smaller:
        return False
    if min(row.y1, line.y1) - max(row.y0, line.y0) < 0.6 * smaller:
        return False
    if max(row.y1 - row.y0, line.y1 - line.y0) > 2 * smaller:
        return False
    if any(line.x0 < x1 - 0.2 * smaller and line.x1 > x0 + 0.2 * smaller
           for x0, x1, _ in row.segments):  # fmt: skip
        return False
    # Side by side lines of prose are two columns, not one row; so are lines further back.
    wide = 12 * line.height if row is not rows[-1] else 22 * line.height
    return min(line.x1 - line.x0, row.x1 - row.x0) < wide


def _take_in(row: Row, line: Row) -> None:
    row.segments = sorted(row.segments + line.segments, key=lambda s: s[0])
    row.x0, row.x1 = min(row.x0, line.x0), max(row.x1, line.x1)
    row.y0, row.y1 = min(row.y0, line.y0), max(row.y1, line.y1)


def _cut_cells(row: Row, texts: list[str], boxes: list[list[float]]) -> None:
    gap = CELL_GAP * row.height
    cells: list[list[int]] = []
    before = -1
    for _, _, numbers in row.segments:
        reach = float("-inf") if not cells or not row.upright else boxes[cells[-1][-1]][2]
        for w in numbers:
            x0, _, x1, _ = boxes[w]
            if not cells or (row.upright and (x0 - reach > gap or _new_amount(texts, w, before))):
                cells.append([w])
            else:
                cells[-1].append(w)
            reach = max(reach, x1) if x1 == x1 else reach
            before = w
    row.cells = _join_signs(cells, texts)


def _new_amount(texts: list[str], word: int, before: int) -> bool:
    """A currency sign after a figure or leader dots: narrow tables leave no more gap than that."""
    if before < 0 or texts[word][0] not in "$€£¥":
        return False
    last = texts[before]
    return last[-1].isdigit() or last[-1] in ")—" or last[-2:] == ".."


def _join_signs(cells: list[list[int]], texts: list[str]) -> list[list[int]]:
    """A currency sign belongs to the number after it, a closing bracket to the one before."""
    joined: list[list[int]] = []
    opened = False
    for cell in cells:
        alone = texts[cell[0]] if len(cell) == 1 else ""
        if joined and (opened or alone in _CLOSERS):
            joined[-1] += cell
        else:
            joined.append(cell)
        opened = alone in _OPENERS
    return joined
