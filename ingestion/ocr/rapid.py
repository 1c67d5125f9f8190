"""RapidOCR (PP-OCR models, in its wheel): better than tesseract on receipts, forms and screenshots.

The detector and the recogniser are called one after the other, with crops of our own: its angle
classifier turns upright English upside down, it lays tall narrow crops ("1", "I") on their side,
and the confidences it gives its words are those of single characters.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from ingestion.ocr.words import Found, Line, Rect, Word, is_dense_script
from ingestion.ocr_languages import READ_BY_RAPIDOCR

if TYPE_CHECKING:
    from rapidocr import RapidOCR

DETECTION_SIDE_PX = 1600
ORIENTATION_SAMPLE = 6
ORIENTATION_LEAD = 0.8
WIDE_GAP = 2.2
"""Characters this many times further apart than usual belong to two words, read space or not."""
UNIT_GAP = 1.7
"""The same between a digit and a letter ("26 pm")."""
STOP_GAP = 1.3
"""The same between a stop, which is narrow, and a letter ("No. 10")."""
MIN_LINE_CONFIDENCE = 0.6
SQUEEZE = 0.85
"""Lines are read a little narrower than they are: the wide letters of receipts are read better."""


@cache
def available() -> bool:
    return importlib.util.find_spec("rapidocr") is not None


def reads(languages: str) -> bool:
    return available() and set(languages.split("+")) <= READ_BY_RAPIDOCR


def read_lines(
    rgb: np.ndarray, until: float = math.inf, quads: Sequence[np.ndarray] | None = None
) -> Found:
    """Pieces of lines, in no particular order. `rgb` uint8 [h, w, 3], upright.

    After `until` (CPU time of this process) no further line is read. `quads` is where they lie, if
    that is known already.
    """
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    lines: list[Line] = []
    for quad in _detect(bgr) if quads is None else quads:
        if time.process_time() > until:
            return Found(lines, cut=True)
        crop = _crop(bgr, quad)
        if crop is None:
            continue
        read = _recognise(crop)
        if read.score < MIN_LINE_CONFIDENCE:  # what pictures and noise look like to it
            continue
        words = _words(read, crop, quad)
        if words:
            lines.append(Line(words))
    return Found(lines)


def lines_of(rgb: np.ndarray) -> list[np.ndarray]:
    """The pictures of the lines that `read_lines` would read."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    crops = (_crop(bgr, quad) for quad in _detect(bgr))
    return [crop for crop in crops if crop is not None]


def engine_alone(rgb: np.ndarray, crops: list[np.ndarray]) -> None:
    """What the engine itself must do for this page; for measuring what is added to it."""
    _detect(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    for crop in crops:
        _recognise(crop)


class Seen(NamedTuple):
    """Quarter turns (counter-clockwise) that make a page upright; its lines as it was given."""

    turns: int
    quads: Sequence[np.ndarray] = ()


UPRIGHT = Seen(0)


def look(rgb: np.ndarray) -> Seen:
    """Which way a page lies.

    The shapes of the lines tell level from standing; a few of them, read both ways, tell the rest.
    """
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    quads = _detect(bgr)
    if len(quads) < 3:
        return Seen(0, quads)
    sizes = [tuple(q.max(0) - q.min(0)) for q in quads]
    longest = sorted(range(len(quads)), key=lambda i: -max(sizes[i]))[:25]
    standing = sum(sizes[i][1] > 1.5 * sizes[i][0] for i in longest) > len(longest) / 2
    fit = [i for i in longest if (sizes[i][1] > sizes[i][0]) == standing]
    fit = sorted(fit, key=lambda i: abs(max(sizes[i]) / max(1.0, min(sizes[i])) - 10))
    ways = (1, 3) if standing else (0, 2)
    lead = 0.0
    for i in fit[:ORIENTATION_SAMPLE]:
        x0, y0 = quads[i].min(0).clip(0).astype(int)
        x1, y1 = quads[i].max(0).astype(int)
        line = bgr[y0:y1, x0:x1]
        one, other = (_recognise(np.ascontiguousarray(np.rot90(line, way))).score for way in ways)
        lead += one - other
        if abs(lead) > ORIENTATION_LEAD:
            break
    return Seen(ways[lead < 0], quads)


@dataclass(frozen=True)
class _Read:
    """One line: its characters with confidence and position (fraction of the crop's width)."""

    text: str
    confidences: tuple[float, ...]
    positions: tuple[float, ...]

    @property
    def score(self) -> float:
        return float(np.mean(self.confidences)) if self.confidences else 0.0


@cache
def _engine() -> RapidOCR:
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "Global.use_cls": False, "Global.use_preprocess_img": False, "Global.text_score": 0.0,
            "Global.use_vertical_padding": False, "Global.log_level": "critical",
            "Det.limit_type": "max", "Det.limit_side_len": DETECTION_SIDE_PX,
            "Rec.rec_batch_num": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )  # fmt: skip
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return engine


def _detect(bgr: np.ndarray) -> list[np.ndarray]:
    """Quads [4, 2] of line pieces: top left, top right, bottom right, bottom left."""
    padded, border = _padded(bgr)
    found: Any = _engine()(
        padded, use_det=True, use_cls=False, use_rec=False, return_word_box=False
    )  # flags stick to the engine, so every call passes all of them
    if found.boxes is None:
        return []
    return [np.asarray(quad, np.float32) - border for quad in found.boxes]


def _padded(bgr: np.ndarray) -> tuple[np.ndarray, int]:
    """With a border: the detector misses lines at the very edge and in very flat pictures."""
    border = 32 if min(bgr.shape[:2]) > 64 else 64
    padded = cv2.copyMakeBorder(
        bgr, border, border, border, border, cv2.BORDER_CONSTANT,
        value=[float(v) for v in np.median(bgr[::8, ::8], axis=(0, 1))],
    )  # fmt: skip
    return padded, border


def _crop(bgr: np.ndarray, quad: np.ndarray) -> np.ndarray | None:
    """The line piece laid level; None where it is too small to hold a character."""
    width = round(float(max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[3] - quad[2]))))
    height = round(float(max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))))
    if width < 3 or height < 5:
        return None
    width = max(3, round(SQUEEZE * width))
    level = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(np.asarray(quad, np.float32), level)
    return cv2.warpPerspective(
        bgr, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _recognise(crop: np.ndarray) -> _Read:
    read: Any = _engine()(crop, use_det=False, use_cls=False, use_rec=True, return_word_box=True)
    text = read.txts[0] if read.txts else ""
    if not text.strip():
        return _Read("", (), ())
    info = read.word_results[0]
    columns = [c for word in info.word_cols for c in word]
    steps = max(1.0, float(info.line_txt_len))
    spaced: list[float] = []
    kept = iter(columns)
    for char in text:
        spaced.append(float("nan") if char.isspace() else (next(kept) + 0.5) / steps)
    return _Read(text, tuple(info.confs), tuple(spaced))


def _words(read: _Read, crop: np.ndarray, quad: np.ndarray) -> tuple[Word, ...]:
    """Words with boxes: parted where the picture is blank between their nearest characters."""
    gaps = [b - a for a, b in pairwise(read.positions) if b > a]  # not beside spaces: those are NaN
    usual = median(gaps) if gaps else 1.0
    pieces: list[tuple[int, int, bool]] = []  # first and last character, joined to the one before
    for i, char in enumerate(read.text):
        if char.isspace():
            continue
        if pieces and pieces[-1][1] == i - 1:
            before = read.text[i - 1]
            gap = read.positions[i] - read.positions[i - 1]
            wide = gap > usual * _limit(before, char)
            dense = is_dense_script(char) or is_dense_script(before)
            if not (wide or dense):
                pieces[-1] = (pieces[-1][0], i, pieces[-1][2])
                continue
            pieces.append((i, i, dense))
        else:
            pieces.append((i, i, False))
    if not pieces:
        return ()
    edges = _edges(crop, [(read.positions[a], read.positions[b]) for a, b, _ in pieces])
    return tuple(
        Word(
            read.text[a : b + 1],
            float(np.mean(read.confidences[a : b + 1])),
            _box(quad, *edge),
            joined,
        )
        for (a, b, joined), edge in zip(pieces, edges, strict=True)
    )


def _limit(before: str, char: str) -> float:
    """How many times the usual distance two characters of one word may stand apart."""
    if before in ".,:;)" and char.isalpha():
        return STOP_GAP
    unlike = char.isalnum() and before.isalnum() and char.isdigit() != before.isdigit()
    return UNIT_GAP if unlike else WIDE_GAP


def _edges(crop: np.ndarray, centres: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Left and right of each word as fractions, from the centres of its outer characters."""
    gray = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    _, ink = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    if float(np.mean(ink)) > 127:
        ink = 255 - ink
    inked = (ink > 0).sum(0) > max(1, crop.shape[0] // 20)
    width = len(inked)
    cuts: list[tuple[float, float]] = []
    for (_, right), (left, _) in pairwise(centres):
        first, last = int(right * width), min(width, int(left * width) + 1)
        cuts.append(_widest_blank(inked, first, last))
    starts = [0.0, *(b / width for _, b in cuts)]
    ends = [*(a / width for a, _ in cuts), 1.0]
    return list(zip(starts, ends, strict=True))


def _widest_blank(inked: np.ndarray, first: int, last: int) -> tuple[float, float]:
    """Start and end of the widest run without ink in [first, last); the middle if there is none."""
    best, start = (0, 0), None
    for x in range(first, last + 1):
        blank = x < last and not inked[min(x, len(inked) - 1)]
        if blank and start is None:
            start = x
        elif not blank and start is not None:
            best, start = max(best, (start, x), key=lambda run: run[1] - run[0]), None
    if best[1] > best[0]:
        return float(best[0]), float(best[1])
    middle = (first + last) / 2
    return middle, middle


def _box(quad: np.ndarray, left: float, right: float) -> Rect:
    top, bottom = quad[1] - quad[0], quad[2] - quad[3]
    points = np.array(
        [quad[0] + left * top, quad[0] + right * top,
         quad[3] + right * bottom, quad[3] + left * bottom]
    )  # fmt: skip
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    return float(x0), float(y0), float(x1), float(y1)
