"""Word boxes of a page as one packed blob: 16 bytes a word, sorted by offset.

A word is characters [start, end) with its box as 16-bit fractions of the page as displayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from store.models import Box

_WORD = np.dtype(
    [("start", "<u4"), ("end", "<u4"), ("x0", "<u2"), ("y0", "<u2"), ("x1", "<u2"), ("y1", "<u2")]
)
_SCALE = 65535


def pack(words: Iterable[tuple[int, int, Box]]) -> bytes:
    """Words `(start, end, box)` in text order → blob; boxes are clipped to the page."""
    rows = [(s, e, *(round(min(1.0, max(0.0, v)) * _SCALE) for v in box)) for s, e, box in words]
    return np.array(rows, dtype=_WORD).tobytes()


def pack_arrays(starts: np.ndarray, ends: np.ndarray, boxes: np.ndarray) -> bytes:
    """As `pack`, from arrays: starts, ends int [n], boxes float [n, 4]."""
    out = np.zeros(len(starts), dtype=_WORD)
    out["start"], out["end"] = starts, ends
    scaled = np.rint(np.clip(boxes, 0.0, 1.0) * _SCALE).astype("<u2")
    for i, name in enumerate(("x0", "y0", "x1", "y1")):
        out[name] = scaled[:, i]
    return out.tobytes()


def unpack(blob: bytes) -> list[tuple[int, int, Box]]:
    """Inverse of `pack`."""
    return [(int(w[0]), int(w[1]), _box(w)) for w in np.frombuffer(blob, dtype=_WORD)]


def highlight(blob: bytes | None, start: int, end: int) -> list[Box]:
    """Boxes to draw for characters [start, end): the words' boxes, merged along each line."""
    if not blob:
        return []
    words = np.frombuffer(blob, dtype=_WORD)
    merged: list[Box] = []
    for w in words[(words["end"] > start) & (words["start"] < end)]:
        box = _box(w)
        if merged and _same_line(merged[-1], box):
            last = merged[-1]
            merged[-1] = (
                min(last[0], box[0]), min(last[1], box[1]),
                max(last[2], box[2]), max(last[3], box[3]),
            )  # fmt: skip
        else:
            merged.append(box)
    return merged


def heights(blob: bytes, lines: Sequence[tuple[int, int]]) -> dict[int, tuple[float, float]]:
    """Index → (top, bottom) of those lines `[start, end)`, in text order, that have words."""
    words = np.frombuffer(blob, dtype=_WORD)
    if not len(words) or not lines:
        return {}
    at = np.searchsorted([start for start, _ in lines], words["start"], side="right") - 1
    top = np.full(len(lines) + 1, _SCALE)
    bottom = np.zeros(len(lines) + 1)
    np.minimum.at(top, at, words["y0"])
    np.maximum.at(bottom, at, words["y1"])
    have = np.unique(at[at >= 0]).tolist()
    return {i: (float(top[i]) / _SCALE, float(bottom[i]) / _SCALE) for i in have}


def _same_line(a: Box, b: Box) -> bool:
    height = min(a[3] - a[1], b[3] - b[1])
    overlap = min(a[3], b[3]) - max(a[1], b[1])
    gap = b[0] - a[2]
    return overlap > 0.5 * height and -0.02 < gap < 3 * max(a[3] - a[1], 0.005)


def _box(word: np.void) -> Box:
    return tuple(round(int(word[n]) / _SCALE, 5) for n in ("x0", "y0", "x1", "y1"))  # type: ignore[return-value]
