"""`read`: tesseract first, rapidocr where that is not good enough; the better one is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ingestion.ocr import geometry, rapid, tesseract
from ingestion.ocr.fusing import fuse
from ingestion.ocr.geometry import View
from ingestion.ocr.layout import arrange
from ingestion.ocr.words import Line, are_standing, characters, confidence, scaled
from store.errors import Unreadable
from store.models import Block, Box, Flag, Frozen

GOOD_CONFIDENCE = 0.92
UPRIGHT_CONFIDENCE = 0.80
"""Below this a page may be lying on its side or upside down."""
MISSED_LETTERS = 0.25
"""More than this share of letter-like shapes outside all words: the engine skipped text."""
LOW_QUALITY = 0.80
SHOWN_SKEW_DEG = 1.0
BLANK_DEVIATION = 3.0

# Mean confidence → share of words read rightly, as measured on receipts, old books and drawn pages.
_TESSERACT_QUALITY = (
    (0.0, 0.4, 0.6, 0.75, 0.87, 0.925, 0.955, 1.0),
    (0.0, 0.05, 0.55, 0.74, 0.88, 0.95, 0.985, 1.0),
)
_RAPID_QUALITY = (
    (0.0, 0.6, 0.9, 0.968, 0.985, 0.99, 0.995, 0.998, 1.0),
    (0.0, 0.2, 0.6, 0.82, 0.90, 0.94, 0.96, 0.985, 1.0),
)


class OcrPage(Frozen):
    """What stands on a picture of a page.

    `text` is canonical: a line end after each line, an empty line between blocks, a tab where a
    wide gap parts the cells of a row. `words` are `(start, end, box)` in text order, boxes as
    fractions of the picture as given; `confidences` (0..1) go with them. `quality` 0..1 estimates
    the share of words read rightly; 0 where there are none. Flags: blank, dark, rotated, skewed,
    low_quality_scan. `engine` is tesseract, rapidocr or none.
    """

    text: str
    words: tuple[tuple[int, int, Box], ...] = ()
    confidences: tuple[float, ...] = ()
    lines: tuple[tuple[int, int], ...] = ()
    blocks: tuple[Block, ...] = ()
    quality: float = 0.0
    flags: tuple[Flag, ...] = ()
    engine: str = "none"


def read(image: np.ndarray, languages: str = "eng", *, upright: bool = False) -> OcrPage:
    """The text of a picture, uint8 RGB [h, w, 3], EXIF orientation already applied.

    `languages` are tesseract's names joined by `+`. `upright` says that the page does not stand on
    its side or head. Raises Unreadable where a language's data is not installed.
    """
    sheet = _Sheet.of(image)
    if float(sheet.gray.std()) < BLANK_DEVIATION:
        return OcrPage(text="", flags=("blank",))
    attempts: list[_Attempt] = []
    turns = 0
    if tesseract.available():
        first = _by_tesseract(sheet, 0, languages)
        doubtful = first.confidence < UPRIGHT_CONFIDENCE or are_standing(first.lines)
        if doubtful and not upright:
            turns = _quarter_turns(sheet)
            if turns:
                first = _by_tesseract(sheet, turns, languages)
        attempts.append(first)
    if not attempts:
        if not rapid.reads(languages):
            raise Unreadable(f"Nothing installed here reads pictures in {languages}.")
        turns = 0 if upright else rapid.quarter_turns(sheet.rgb)
        attempts.append(_by_rapid(sheet, turns))
    elif rapid.reads(languages) and (
        attempts[0].confidence < GOOD_CONFIDENCE or _skipped(attempts[0])
    ):
        attempts.append(_by_rapid(sheet, turns))
    best = max(attempts, key=lambda a: a.quality * min(1.0, a.characters / 20))
    if best.engine == "rapidocr" and len(attempts) > 1:
        best = _fused(best, attempts[0])
    return _page(best, sheet)


@dataclass(frozen=True)
class _Sheet:
    """The picture made dark on light, and not larger than the engines can use."""

    rgb: np.ndarray
    gray: np.ndarray
    dark: bool

    @staticmethod
    def of(image: np.ndarray) -> _Sheet:
        rgb = image
        longest = max(image.shape[:2])
        if longest > geometry.MAX_SIDE_PX:
            factor = geometry.MAX_SIDE_PX / longest
            rgb = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        dark = geometry.is_dark(gray)
        return _Sheet(255 - rgb if dark else rgb, 255 - gray if dark else gray, dark)


@dataclass(frozen=True)
class _Attempt:
    """What one engine read in one view of the sheet."""

    engine: str
    lines: list[Line]
    view: View
    turns: int
    angle: float

    @property
    def confidence(self) -> float:
        return confidence(self.lines)

    @property
    def characters(self) -> int:
        return characters(self.lines)

    @property
    def quality(self) -> float:
        """Confidence on one scale for both engines: the share of words to expect right."""
        curve = _TESSERACT_QUALITY if self.engine == "tesseract" else _RAPID_QUALITY
        return float(np.interp(self.confidence, *curve))


def _by_tesseract(sheet: _Sheet, turns: int, languages: str) -> _Attempt:
    level = geometry.view(sheet.gray, turns, 0.0, 1.0)
    angle = geometry.skew(level.pixels)
    factor = geometry.enlargement(geometry.letters(sheet.gray), sheet.gray.shape)
    view = geometry.view(sheet.gray, turns, angle, factor)
    lines = tesseract.read_lines(view.pixels, languages)
    return _Attempt("tesseract", lines, view, turns, angle)


def _by_rapid(sheet: _Sheet, turns: int) -> _Attempt:
    angle = geometry.skew(geometry.view(sheet.gray, turns, 0.0, 1.0).pixels)
    view = geometry.view(sheet.rgb, turns, angle, 1.0)
    return _Attempt("rapidocr", rapid.read_lines(view.pixels), view, turns, angle)


def _fused(kept: _Attempt, other: _Attempt) -> _Attempt:
    """The words of `kept`, mended and completed with those of `other`, in its view."""
    lines = fuse(kept.lines, scaled(other.lines, kept.view.scale / other.view.scale))
    return replace(kept, lines=lines)


def _quarter_turns(sheet: _Sheet) -> int:
    factor = geometry.enlargement(geometry.letters(sheet.gray), sheet.gray.shape)
    sure = tesseract.quarter_turns(geometry.view(sheet.gray, 0, 0.0, factor).pixels)
    if sure is None:
        return rapid.quarter_turns(sheet.rgb) if rapid.available() else 0
    return sure


def _skipped(attempt: _Attempt) -> bool:
    """Whether many letter-like shapes lie outside every word that was read."""
    shapes = geometry.letters(attempt.view.pixels)
    if len(shapes) < 20:
        return not attempt.lines
    covered = np.zeros(attempt.view.pixels.shape[:2], np.uint8)
    for line in attempt.lines:
        for word in line.words:
            x0, y0, x1, y1 = (int(v) for v in word.box)
            pad = max(2, (y1 - y0) // 4)
            covered[max(0, y0 - pad) : y1 + pad, max(0, x0 - pad) : x1 + pad] = 1
    middles = shapes[:, :2] + shapes[:, 2:] // 2
    return float(1 - covered[middles[:, 1], middles[:, 0]].mean()) > MISSED_LETTERS


def _page(attempt: _Attempt, sheet: _Sheet) -> OcrPage:
    arranged = arrange(attempt.lines)
    height, width = sheet.gray.shape
    quality = round(attempt.quality, 4) if arranged.words else 0.0
    flags: dict[Flag, bool] = {
        "dark": sheet.dark,
        "rotated": attempt.turns != 0,
        "skewed": bool(arranged.words) and abs(attempt.angle) >= SHOWN_SKEW_DEG,
        "low_quality_scan": bool(arranged.words) and quality < LOW_QUALITY,
        "blank": not arranged.words,
    }
    return OcrPage(
        text=arranged.text,
        words=tuple(
            (w.start, w.end, attempt.view.fractions(w.box, width, height)) for w in arranged.words
        ),
        confidences=tuple(round(w.confidence, 3) for w in arranged.words),
        lines=arranged.lines,
        blocks=arranged.blocks,
        quality=quality,
        flags=tuple(name for name, set_ in flags.items() if set_),
        engine=attempt.engine,
    )
