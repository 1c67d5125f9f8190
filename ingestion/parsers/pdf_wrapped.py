"""Labels of a table that run over several lines, joined, so that a figure keeps its whole label.

    Total revenue from continuing
      operations ............  $2,014,908        the label ends beside its figures
    Net change in fair value   (1,250)
      of derivatives                             or goes on below them

What a label goes on with begins with a small letter, under the label's own column.
"""

from __future__ import annotations

from dataclasses import replace

from ingestion.parsers.pdf_rows import Row

_MOST_LINES = 4
_LINE_PITCH = 1.7
_INDENT = 3.0
_ENDS = (".", ":", ";", "?", "!")


def join_wrapped(rows: list[Row], boxes: list[list[float]]) -> list[Row]:
    """The same words in fewer rows."""
    out: list[Row] = []
    i = 0
    while i < len(rows):
        last = _figures_below(rows, i, boxes)
        if last is None and out and _goes_on(out[-1], rows[i], boxes):
            out[-1] = _joined([out[-1], rows[i]], 0)
            i += 1
            continue
        last = i if last is None else last
        out.append(_joined(rows[i : last + 1], last - i) if last > i else rows[i])
        i = last + 1
    return out


def _figures_below(rows: list[Row], first: int, boxes: list[list[float]]) -> int | None:
    """The row that ends the label which begins at `first` and has its figures."""
    for at in range(first + 1, min(first + _MOST_LINES, len(rows))):
        above, row = rows[at - 1], rows[at]
        if len(above.cells) != 1 or not _is_continued(above, row):
            return None
        if len(row.cells) > 1:
            place = boxes[row.cells[1][0]][0]
            fits = all(r.x1 < place for r in rows[first:at])
            return at if fits and _has_figures(row) else None
    return None


def _goes_on(above: Row, row: Row, boxes: list[list[float]]) -> bool:
    """Whether `row` is the rest of the label of `above`, whose figures stand beside its first
    line."""
    if len(above.cells) < 2 or len(row.cells) != 1 or not _has_figures(above):
        return False
    return _is_continued(above, row) and row.x1 < boxes[above.cells[1][0]][0]


def _is_continued(above: Row, below: Row) -> bool:
    height = min(above.height, below.height)
    return (
        above.upright
        and below.upright
        and below.cell_texts[0][:1].islower()
        and above.cell_texts[0][:1].isalpha()
        and not above.cell_texts[0].endswith(_ENDS)
        and 0 < below.y0 - above.y0 < _LINE_PITCH * max(above.height, below.height)
        and abs(below.x0 - above.x0) < _INDENT * height
        and max(above.height, below.height) < 1.15 * height
    )


def _has_figures(row: Row) -> bool:
    return all(
        sum(c.isdigit() for c in text) >= sum(c.isalpha() for c in text)
        for text in row.cell_texts[1:]
    ) and any(c.isdigit() for text in row.cell_texts[1:] for c in text)


def _joined(rows: list[Row], owner: int) -> Row:
    """One row: the labels of all, then the figures of `rows[owner]`."""
    row = rows[owner]
    label = [word for r in rows for word in r.cells[0]]
    text = " ".join(r.cell_texts[0] for r in rows)
    return replace(
        row,
        x0=min(r.x0 for r in rows), y0=min(r.y0 for r in rows),
        x1=max(r.x1 for r in rows), y1=max(r.y1 for r in rows),
        segments=[s for r in rows for s in r.segments],
        cells=[label, *row.cells[1:]], cell_texts=[text, *row.cell_texts[1:]],
    )  # fmt: skip
