"""Pictures on a PDF page that are pictures of text: a pasted screenshot, a scanned table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.parsers.pdf_text import Words, joined, only

LOOK_DPI = 72
"""Enough to see whether there are lines of text, not to read them."""
_MOST_LOOK_PIXELS = 400_000
_LEVELS = 14
_LEAST_GROUND = 0.42
_LEAST_CONTRAST = 48
_CROSSINGS_PER_PX = 0.045
_LEAST_LINES = 3
_LEAST_BUSY = 0.3
"""Share of its height under lines of text; a diagram with its labels has less."""
_LINE_PX = (3, 40)


@dataclass(frozen=True)
class PictureText:
    """What OCR read in one region: words in points of the page, one confidence a word."""

    words: Words
    confidences: tuple[float, ...]
    quality: float


def look_scale(region: tuple[float, float, float, float]) -> float:
    """Pixels a point for `holds_text`."""
    area = max(1.0, (region[2] - region[0]) * (region[3] - region[1]))
    return min(LOOK_DPI / 72, (_MOST_LOOK_PIXELS / area) ** 0.5)


def holds_text(pixels: np.ndarray, known: np.ndarray) -> bool:
    """Whether a picture (uint8 [h, w, 3]) looks like lines of text on an even ground.

    `known` float [n, 4] are boxes, as fractions of the picture, of words that are known already.
    Most pixels have nearly the same brightness, and rows with many changes from dark to light
    come in bands with quiet rows between them. Photographs have neither, and are not read.
    """
    gray = pixels.mean(axis=2)
    height, width = gray.shape
    if height < 12 or width < 40:
        return False
    counts = np.bincount(gray.astype(np.uint8).ravel(), minlength=256)
    around = np.convolve(counts, np.ones(2 * _LEVELS + 1), "same")
    ground = int(around.argmax())
    if around[ground] < _LEAST_GROUND * gray.size:
        return False
    ink = np.abs(gray - ground) > _LEAST_CONTRAST
    scale = (width, height, width, height)
    for x0, y0, x1, y1 in np.clip(known * scale, 0, max(scale)).astype(int).tolist():
        ink[y0 : y1 + 2, x0 : x1 + 2] = False
    changes = (ink[:, 1:] != ink[:, :-1]).sum(axis=1)
    busy = changes > max(8.0, _CROSSINGS_PER_PX * width)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], busy.astype(np.int8), [0]))))
    heights = edges[1::2] - edges[::2]
    lines = int(((heights >= _LINE_PX[0]) & (heights <= _LINE_PX[1])).sum())
    enough = lines >= _LEAST_LINES and float(busy.mean()) >= _LEAST_BUSY
    return enough and float(np.median(heights)) >= _LINE_PX[0]


def words_in(
    found_text: str,
    found_words: tuple[tuple[int, int, tuple[float, float, float, float]], ...],
    found_lines: tuple[tuple[int, int], ...],
    region: tuple[float, float, float, float],
) -> Words:
    """Words that OCR found in a picture of the region, as words of the page."""
    x0, y0, x1, y1 = region
    scale = np.array((x1 - x0, y1 - y0, x1 - x0, y1 - y0))
    texts = [found_text[s:e] for s, e, _ in found_words]
    boxes = np.array([b for _, _, b in found_words], float).reshape(-1, 4)
    starts = np.array([s for s, _, _ in found_words], int)
    line_starts = np.array([s for s, _ in found_lines] or [0], int)
    lines = np.searchsorted(line_starts, starts, "right")
    glued = np.array(
        [s > 0 and not found_text[s - 1].isspace() for s, _, _ in found_words], bool
    )  # fmt: skip
    return Words(
        texts,
        boxes * scale + (x0, y0, x0, y0),
        lines,
        glued,
        np.full(len(texts), -1),
        0.0,
    )


def added(words: Words, pieces: list[PictureText]) -> tuple[Words, list[float]]:
    """The page's words and those of its pictures that do not stand on one of them, with the
    confidences of what was added."""
    confidences: list[float] = []
    everything = words
    for piece in pieces:
        free = ~_on_words(piece.words.boxes, words.boxes)
        everything = joined(everything, only(piece.words, free))
        confidences += [c for c, f in zip(piece.confidences, free.tolist(), strict=True) if f]
    return everything, confidences


def _on_words(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether the middle of each box lies in one of the others."""
    if not len(others) or not len(boxes):
        return np.zeros(len(boxes), bool)
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    with np.errstate(invalid="ignore"):
        inside = (
            (x[:, None] >= others[:, 0]) & (x[:, None] <= others[:, 2])
            & (y[:, None] >= others[:, 1]) & (y[:, None] <= others[:, 3])
        )  # fmt: skip
    return np.any(inside, axis=1, keepdims=False)
