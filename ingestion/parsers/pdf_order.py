"""Reading order of a page's blocks.

The order in which a file paints its text is nearly always the order in which it was written, and
keeps columns apart. It is changed only where it cannot be right: a block comes after another that
stands below it in the same column.
"""

from __future__ import annotations

import numpy as np

_MOST_BLOCKS = 1500
_SAME_COLUMN = 0.5
_SLACK = 0.35


def reading_order(boxes: np.ndarray, heights: np.ndarray) -> list[int]:
    """Numbers of the blocks in reading order; `boxes` float [n, 4], `heights` of their lines."""
    n = len(boxes)
    if n < 2 or n > _MOST_BLOCKS:
        return list(range(n))
    x0, y0, x1, y1 = boxes.T
    wide = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    narrower = np.minimum(x1 - x0, (x1 - x0)[:, None])
    above = y1[:, None] <= y0 + _SLACK * np.minimum(heights, heights[:, None])
    comes_first = above & (wide > _SAME_COLUMN * np.maximum(narrower, 1e-6))
    np.fill_diagonal(comes_first, False)
    if not np.tril(comes_first, -1).any():
        return list(range(n))
    order: list[int] = []
    placed = np.zeros(n, bool)
    for block in range(n):
        # What must come before a block is put there, and the order goes on as painted.
        waiting = [block]
        while waiting:
            now = waiting[-1]
            before = np.flatnonzero(comes_first[:, now] & ~placed)
            if len(before) and len(waiting) <= n:
                waiting.append(int(before[0]))
                continue
            waiting.pop()
            if not placed[now]:
                placed[now] = True
                order.append(now)
    return order


def columns(boxes: np.ndarray, rows: np.ndarray, width: float) -> int:
    """How many columns of prose stand side by side; `rows` int [n] counts each block's lines."""
    prose = np.flatnonzero((rows >= 3) & (boxes[:, 2] - boxes[:, 0] > 0.16 * width))
    most = 1
    for i in prose.tolist():
        beside = [
            j for j in prose.tolist()
            if boxes[j, 0] > boxes[i, 2] - 1
            and min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1]) > 0
        ]  # fmt: skip
        reach, count = boxes[i, 2], 1
        for j in sorted(beside, key=lambda j: boxes[j, 0]):
            if boxes[j, 0] > reach - 1:
                count += 1
                reach = boxes[j, 2]
        most = max(most, count)
    return most
