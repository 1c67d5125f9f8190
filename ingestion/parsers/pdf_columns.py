"""Columns of prose that a file paints line by line across the page, parted again.

A row of such text looks like one of a table with two or three long cells. It is prose when one
gutter runs through many rows and the cells on each side are lines of words that fill their column.
"""

from __future__ import annotations

from dataclasses import replace

from ingestion.parsers.pdf_rows import Row
from ingestion.parsers.pdf_text import Words

_LEAST_ROWS = 5
_LEAST_WORDS = 3.5
_LEAST_FILL = 0.72
_MOST_FIGURES = 0.2


def part_columns(rows: list[Row], words: Words) -> list[Row]:
    """The same words; rows that run across columns of prose become rows of each column in turn."""
    out: list[Row] = []
    boxes: list[list[float]] | None = None
    i = 0
    while i < len(rows):
        last = max(i + 1, _run(rows, i))
        run = rows[i:last]
        if _may_be_prose(run):
            boxes = boxes or words.boxes.tolist()
            run = _parted(run, boxes, words.texts) or run
        out += run
        i = last
    return out


def _may_be_prose(run: list[Row]) -> bool:
    cells = [cell for row in run if len(row.cells) > 1 for cell in row.cells]
    return len(run) >= _LEAST_ROWS and sum(map(len, cells)) >= _LEAST_WORDS * len(cells)


def _run(rows: list[Row], first: int) -> int:
    """Past the last of the rows of two or three cells from here on; one of one cell may stand
    between two of them."""
    last = i = first
    while i < len(rows) and rows[i].upright and len(rows[i].cells) <= 3:
        if i > first and not 0 < rows[i].y0 - rows[i - 1].y0 < 4 * rows[i].height:
            break
        if len(rows[i].cells) > 1:
            last = i + 1
        elif i - last > 1:
            break
        i += 1
    return last if len(rows[first].cells) > 1 else first


def _parted(run: list[Row], boxes: list[list[float]], texts: list[str]) -> list[Row]:
    crossed = [r for r in run if len(r.cells) > 1]
    if len(crossed) < _LEAST_ROWS:
        return []
    gutter = _gutter(crossed, boxes)
    if gutter is None:
        return []
    sides: list[list[list[int]]] = [[], []]
    owners: list[list[Row]] = [[], []]
    for row in run:
        left = [w for cell in row.cells for w in cell if boxes[w][0] < gutter]
        right = [w for cell in row.cells for w in cell if not boxes[w][0] < gutter]
        for side, mine in enumerate((left, right)):
            if mine:
                sides[side].append(mine)
                owners[side].append(row)
    if not all(_is_prose(side, boxes, texts) for side in sides):
        return []
    return [
        _row_of(row, mine, boxes, texts)
        for side in (0, 1)
        for row, mine in zip(owners[side], sides[side], strict=True)
    ]


def _gutter(rows: list[Row], boxes: list[list[float]]) -> float | None:
    """An x that lies between two cells in nearly all rows."""
    gaps = [
        (boxes[a[-1]][2], boxes[b[0]][0])
        for row in rows
        for a, b in zip(row.cells, row.cells[1:], strict=False)
    ]
    best, most = None, 0
    for _, x in gaps:
        place = x - 0.5
        through = sum(a <= place <= b for a, b in gaps)
        if through > most:
            best, most = place, through
    return best if most >= 0.85 * len(rows) else None


def _is_prose(lines: list[list[int]], boxes: list[list[float]], texts: list[str]) -> bool:
    if len(lines) < _LEAST_ROWS:
        return False
    starts = [boxes[line[0]][0] for line in lines]
    ends = [boxes[line[-1]][2] for line in lines]
    width = max(ends) - min(starts)
    fills = sorted((e - s) / max(1.0, width) for s, e in zip(starts, ends, strict=True))
    words = [texts[w] for line in lines for w in line]
    figures = sum(t[:1].isdigit() or t[-1:].isdigit() for t in words) / len(words)
    return (
        len(words) / len(lines) >= _LEAST_WORDS
        and fills[len(fills) // 2] >= _LEAST_FILL
        and figures <= _MOST_FIGURES
    )


def _row_of(row: Row, mine: list[int], boxes: list[list[float]], texts: list[str]) -> Row:
    part = [boxes[w] for w in mine if boxes[w][0] == boxes[w][0]]
    x0, x1 = min(b[0] for b in part), max(b[2] for b in part)
    y0, y1 = min(b[1] for b in part), max(b[3] for b in part)
    return replace(
        row, x0=x0, y0=y0, x1=x1, y1=y1, segments=[(x0, x1, mine)], cells=[mine],
        cell_texts=[" ".join(texts[w] for w in mine)],
    )  # fmt: skip
