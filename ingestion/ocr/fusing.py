"""What tesseract adds where rapidocr is kept: lost decimal points, words it passed over."""

from __future__ import annotations

import re
from dataclasses import replace

from ingestion.ocr.words import Line, Rect, Word

SURE_OF_WORD = 0.88
SURE_OF_AMOUNT = 0.6
_AMOUNT = re.compile(r"\d[\d.,]*[.,]\d\d\D?")
_SIGNS = re.compile(r"[^\w]")


def fuse(kept: list[Line], other: list[Line]) -> list[Line]:
    """`kept` with the amounts and words of `other`; both in pixels of the same picture."""
    spare = [w for line in other for w in line.words]
    fused = [Line(tuple(_with_point(w, spare) for w in line.words)) for line in kept]
    taken = [w.box for line in fused for w in line.words]
    passed_over = [w for w in spare if _is_passed_over(w, taken)]
    return [*fused, *(Line((w,)) for w in passed_over)]


def _with_point(word: Word, others: list[Word]) -> Word:
    """A decimal point is easily lost, and then an amount is a hundred times too large."""
    if not word.text.isdigit() or len(word.text) < 3:
        return word
    for other in others:
        same = _SIGNS.sub("", other.text) == word.text and _AMOUNT.fullmatch(other.text)
        if same and other.confidence >= SURE_OF_AMOUNT and _shared(word.box, other.box) > 0.5:
            return replace(word, text=other.text)
    return word


def _is_passed_over(word: Word, taken: list[Rect]) -> bool:
    if word.confidence < SURE_OF_WORD or not any(c.isalnum() for c in word.text):
        return False
    return all(_shared(word.box, box) < 0.1 for box in taken)


def _shared(a: Rect, b: Rect) -> float:
    """Area of both as a share of the smaller one."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return width * height / max(smaller, 1.0)
