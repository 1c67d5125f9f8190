"""`read`: tesseract first, rapidocr where that is not good enough; the better one is kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ingestion.ocr import geometry, quality, rapid, tesseract
from ingestion.ocr.fusing import fuse
from ingestion.ocr.geometry import View
from ingestion.ocr.handwriting import looks_written
from ingestion.ocr.layout import arrange
from ingestion.ocr.page import OcrPage
from ingestion.ocr.quality import Evidence
from ingestion.ocr.words import Line, are_standing, characters, confidence, scaled
from ingestion.ocr_languages import problem
from store.errors import Unreadable
from store.models import Flag

GOOD_CONFIDENCE = 0.92
UPRIGHT_CONFIDENCE = 0.80
"""Below this a page may be lying on its side or upside down."""
MISSED_LETTERS = 0.25
"""More than this share of letter-like shapes outside all words: the engine skipped text."""
SHOWN_SKEW_DEG = 1.0
BLANK_DEVIATION = 3.0
FEW_LETTERS = 20
FEW_READ = 0.1
SPECK = 0.35
"""Of the height of the words read: letter-like shapes under it are no letters."""
LIMIT_S = 40.0


def read(
    image: np.ndarray, languages: str = "eng", *, upright: bool = False, limit_s: float = LIMIT_S
) -> OcrPage:
    """The text of a picture, uint8 RGB [h, w, 3], EXIF orientation already applied.

    `languages` are tesseract's names joined by `+`. `upright` says that the page does not stand on
    its side or head. After about `limit_s` of CPU time nothing further is begun, and the page
    says that it breaks off. Raises Unreadable where a language's data is not installed.
    """
    return examine(image, languages, upright=upright, limit_s=limit_s)[0]


def examine(
    image: np.ndarray, languages: str = "eng", *, upright: bool = False, limit_s: float = LIMIT_S
) -> tuple[OcrPage, Evidence | None]:
    """As `read`, with what the quality was judged from."""
    sheet = Sheet.of(image)
    if float(sheet.gray.std()) < BLANK_DEVIATION:
        return OcrPage(text="", flags=("blank",)), None
    made = attempts(sheet, languages, upright, time.process_time() + limit_s)
    best = max(made, key=_worth)
    if best.engine == "rapidocr" and len(made) > 1:
        best = fused(best, made[0])
    evidence = best.evidence(sheet)
    return _page(best, sheet, evidence), evidence


@dataclass(frozen=True)
class Sheet:
    """The picture made dark on light, and not larger than the engines can use."""

    rgb: np.ndarray
    gray: np.ndarray
    dark: bool
    shapes: np.ndarray
    letters: np.ndarray

    @staticmethod
    def of(image: np.ndarray) -> Sheet:
        rgb = image
        longest = max(image.shape[:2])
        if longest > geometry.MAX_SIDE_PX:
            factor = geometry.MAX_SIDE_PX / longest
            rgb = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        dark = geometry.is_dark(gray)
        if dark:
            rgb, gray = 255 - rgb, 255 - gray
        gray, shapes = geometry.calmed(gray)
        return Sheet(rgb, gray, dark, shapes, geometry.letters(shapes))

    @property
    def enlargement(self) -> float:
        return geometry.enlargement(self.letters, self.gray.shape)


@dataclass(frozen=True)
class Attempt:
    """What one engine read in one view of the sheet.

    `mended`: the other engine's words were used; `cut`: there was no time for the rest.
    """

    engine: str
    lines: list[Line]
    view: View
    turns: int
    angle: float
    mended: bool = False
    cut: bool = False

    @property
    def confidence(self) -> float:
        return confidence(self.lines)

    def missed(self, sheet: Sheet) -> float:
        """Share of letter-like shapes, of the size of those read, that lie outside every word."""
        if len(sheet.letters) < FEW_LETTERS:
            return 0.0 if self.lines else 1.0
        height, width = sheet.gray.shape
        covered = np.zeros((height, width), np.uint8)
        heights = []
        for word in (w for line in self.lines for w in line.words):
            x0, y0, x1, y1 = self.view.fractions(word.box, width, height)
            left, top, right, bottom = x0 * width, y0 * height, x1 * width, y1 * height
            pad = max(2.0, (bottom - top) / 4)
            rows = slice(max(0, int(top - pad)), int(bottom + pad) + 1)
            covered[rows, max(0, int(left - pad)) : int(right + pad) + 1] = 1
            heights.append(bottom - top)
        # Specks of noise are small; but a few large words read say nothing of a page of small ones.
        judges = heights and not self.turns % 2
        judges = judges and characters(self.lines) > FEW_READ * len(sheet.letters)
        least = SPECK * float(np.median(heights)) if judges else 0.0
        letters = sheet.letters[sheet.letters[:, 3] >= least]
        if not len(letters):
            return 0.0
        middles = letters[:, :2] + letters[:, 2:] // 2
        return float(1 - covered[middles[:, 1], middles[:, 0]].mean())

    def evidence(self, sheet: Sheet) -> Evidence:
        return quality.gathered(
            self.engine, self.lines,
            mended=self.mended, missed=self.missed(sheet),
        )  # fmt: skip


def attempts(
    sheet: Sheet, languages: str = "eng", upright: bool = False, until: float = math.inf
) -> list[Attempt]:
    """One reading, or two where the first is doubtful: tesseract's first."""
    if not tesseract.available():
        fault = problem(languages)
        if fault:
            raise Unreadable(fault)
        seen = rapid.UPRIGHT if upright else rapid.look(sheet.rgb)
        return [by_rapid(sheet, seen, until)]
    seen = rapid.UPRIGHT
    first = by_tesseract(sheet, 0, languages, until)
    doubtful = first.confidence < UPRIGHT_CONFIDENCE or are_standing(first.lines)
    if doubtful and not upright and _time_is_left(until):
        seen = _look(sheet, languages)
        if seen.turns:
            first = by_tesseract(sheet, seen.turns, languages, until)
    if not rapid.reads(languages) or not _time_is_left(until):
        return [first]
    if first.confidence < GOOD_CONFIDENCE or first.missed(sheet) > MISSED_LETTERS:
        return [first, by_rapid(sheet, seen, until, first.angle)]
    return [first]


def _worth(attempt: Attempt) -> float:
    """Confidence on one scale for both engines, little where little was read."""
    return quality.trust(attempt.engine, attempt.confidence) * min(
        1.0, characters(attempt.lines) / 20
    )


def by_tesseract(
    sheet: Sheet, turns: int = 0, languages: str = "eng", until: float = math.inf
) -> Attempt:
    level = geometry.view(sheet.gray, turns, 0.0, 1.0)
    angle = geometry.skew(level.pixels)
    view = geometry.view(sheet.gray, turns, angle, sheet.enlargement)
    found = tesseract.read_lines(view.pixels, languages, until)
    return Attempt("tesseract", found.lines, view, turns, angle, cut=found.cut)


def by_rapid(
    sheet: Sheet,
    seen: rapid.Seen = rapid.UPRIGHT,
    until: float = math.inf,
    angle: float | None = None,
) -> Attempt:
    turns = seen.turns
    if angle is None:
        angle = geometry.skew(geometry.view(sheet.gray, turns, 0.0, 1.0).pixels)
    view = geometry.view(sheet.rgb, turns, angle, 1.0)
    # Where the lines lie is known where this very picture has been looked at.
    quads = seen.quads if seen.quads and not turns and not angle else None
    found = rapid.read_lines(view.pixels, until, quads)
    return Attempt("rapidocr", found.lines, view, turns, angle, cut=found.cut)


def fused(kept: Attempt, other: Attempt) -> Attempt:
    """The words of `kept`, mended and completed with those of `other`, in its view."""
    lines = fuse(kept.lines, scaled(other.lines, kept.view.scale / other.view.scale))
    return replace(kept, lines=lines, mended=True)


def _look(sheet: Sheet, languages: str) -> rapid.Seen:
    """Which way the page lies. Rapidocr's look is not lost: it will read the page as well."""
    if rapid.reads(languages):
        return rapid.look(sheet.rgb)
    turns = tesseract.quarter_turns(geometry.view(sheet.gray, 0, 0.0, sheet.enlargement).pixels)
    if turns is None and rapid.available():
        return rapid.look(sheet.rgb)
    return rapid.Seen(turns or 0)


def _time_is_left(until: float) -> bool:
    return time.process_time() < until


def _page(attempt: Attempt, sheet: Sheet, evidence: Evidence) -> OcrPage:
    arranged = arrange(attempt.lines)
    height, width = sheet.gray.shape
    read = bool(arranged.words)
    expected = round(quality.estimate(evidence), 4) if read else 0.0
    if attempt.cut:
        expected = round(expected * (1 - evidence.missed), 4)
    blank = not read and not attempt.cut and len(sheet.letters) < FEW_LETTERS
    flags: dict[Flag, bool] = {
        "dark": sheet.dark,
        "rotated": attempt.turns != 0,
        "skewed": read and abs(attempt.angle) >= SHOWN_SKEW_DEG,
        "two_columns": arranged.columns > 1,
        "low_quality_scan": not blank and expected < quality.LOW_QUALITY,
        "handwriting_suspected": looks_written(sheet.shapes, evidence),
        "breaks_off": attempt.cut,
        "blank": blank,
    }
    return OcrPage(
        text=arranged.text,
        words=tuple(
            (w.start, w.end, attempt.view.fractions(w.box, width, height)) for w in arranged.words
        ),
        confidences=tuple(round(w.confidence, 3) for w in arranged.words),
        lines=arranged.lines,
        blocks=arranged.blocks,
        quality=expected,
        flags=tuple(name for name, set_ in flags.items() if set_),
        engine=attempt.engine,
    )
