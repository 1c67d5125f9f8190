"""What tesseract adds where rapidocr is kept: spaces, decimal points, look-alikes, missed words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cached_property
from itertools import pairwise

from ingestion.ocr.words import Line, Rect, Word

SURE_OF_WORD = 0.88
SURE_OF_SPACE = 0.6
SURE_OF_AMOUNT = 0.6
SURE_OF_LETTERS = 0.9
MIN_SPACE = 0.3
"""Of a line's height; print heads with one width for all characters leave nearly that much."""
MIN_ALIKE = 0.8
"""Share of characters in which two readings agree where one may tell the other its spaces."""
_AMOUNT = re.compile(r"\d[\d.,]*[.,]\d\d\D?")
_SIGNS = re.compile(r"[^\w]")
_ALIKE = str.maketrans("0OoQ1lIi!|5Ss8B2Zz", "ooooiiiiiisssbbzzz")
"""Characters that small print confuses, each by one of its group."""


def fuse(kept: list[Line], other: list[Line]) -> list[Line]:
    """`kept` mended and completed by `other`; both in pixels of the same picture."""
    spare = _Places([w for line in other for w in line.words])
    mended = [Line(tuple(_mended(line.words, spare))) for line in kept]
    taken = _Places([w for line in mended for w in line.words])
    passed_over = [w for w in spare.words if _is_passed_over(w, taken)]
    return [*mended, *(Line((w,)) for w in passed_over)]


@dataclass(frozen=True)
class _Places:
    """Words to be found by their place."""

    words: list[Word]
    step: float = 64.0

    @cached_property
    def _grid(self) -> dict[int, list[Word]]:
        grid: dict[int, list[Word]] = {}
        for word in self.words:
            for key in range(int(word.box[1] // self.step), int(word.box[3] // self.step) + 1):
                grid.setdefault(key, []).append(word)
        return grid

    def under(self, box: Rect, least: float) -> list[Word]:
        """Words that share `least` of the smaller one's area with `box`, left to right."""
        rows = range(int(box[1] // self.step), int(box[3] // self.step) + 1)
        near = {id(w): w for key in rows for w in self._grid.get(key, ())}
        found = [w for w in near.values() if _shared(w.box, box) > least]
        return sorted(found, key=lambda w: w.box[0])


def _mended(words: Sequence[Word], spare: _Places) -> list[Word]:
    mended: list[Word] = []
    for word in words:
        others = spare.under(word.box, 0.5)
        if mended and len(others) == 1:
            whole = _rejoined(mended[-1], word, others[0])
            if whole:
                mended[-1] = whole
                continue
        parts = _spaced(word, others)
        if len(parts) == 1 and len(others) == 1:
            parts = [_mended_word(word, others[0])]
        mended += parts
    return mended


def _rejoined(left: Word, right: Word, other: Word) -> Word | None:
    """Both as one word where the other engine read exactly their characters as one."""
    covered = min(_shared(left.box, other.box), _shared(right.box, other.box)) > 0.5
    both = left.text + right.text
    if not covered or other.confidence < SURE_OF_SPACE or right.joined:
        return None
    if right.box[0] - left.box[2] > MIN_SPACE * (left.box[3] - left.box[1]):
        return None
    if other.text != both and not _lost_point(both, other):
        return None
    (x0, y0, _, y1), (_, top, x1, bottom) = left.box, right.box
    box = (x0, min(y0, top), x1, max(y1, bottom))
    return Word(other.text, min(left.confidence, right.confidence), box, left.joined)


def _spaced(word: Word, others: list[Word]) -> list[Word]:
    """The word parted where the other engine, which read the same letters, saw a space."""
    others = [w for w in others if any(c.isalnum() for c in w.text)]
    if len(others) < 2 or word.joined or any(w.joined for w in others):
        return [word]
    if min(w.confidence for w in others) < SURE_OF_SPACE:
        return [word]
    said = "".join(w.text for w in others)
    matcher = SequenceMatcher(None, _folded(word.text), _folded(said), autojunk=False)
    if matcher.ratio() < MIN_ALIKE:
        return [word]
    cuts, at = [], 0
    for part in others[:-1]:
        at += len(part.text)
        cuts.append(_place_of(at, matcher))
    x0, y0, x1, y1 = word.box
    edges = [(a.box[2], b.box[0]) for a, b in pairwise(others)]
    kept = [
        (cut, (left + right) / 2)
        for cut, (left, right) in zip(cuts, edges, strict=True)
        if right - left >= MIN_SPACE * (y1 - y0) and _may_part(word.text, cut)
    ]
    bounds = [(0, x0), *kept, (len(word.text), x1)]
    if any(b[0] <= a[0] or b[1] <= a[1] for a, b in pairwise(bounds)):
        return [word]
    return [
        replace(word, text=word.text[a[0] : b[0]], box=(a[1], y0, b[1], y1))
        for a, b in pairwise(bounds)
    ]


def _may_part(text: str, at: int) -> bool:
    """Not inside an amount, a date or a time, whose signs stand apart in many fonts."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before in ".,:/-" and after.isdigit():
        return at < 2 or not text[at - 2].isdigit()
    return not (after in ".,:;/-)%" and before.isalnum())


def _place_of(at: int, matcher: SequenceMatcher) -> int:
    """Where in the first text the place `at` of the second lies; 0 where nothing says it."""
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if b0 <= at <= b1 and tag == "equal":
            return a0 + at - b0
        if b0 < at < b1 and a1 - a0 == b1 - b0:
            return a0 + at - b0
    return 0


def _mended_word(word: Word, other: Word) -> Word:
    if _lost_point(word.text, other):
        return replace(word, text=other.text)
    if _is_look_alike(word.text, other.text) and other.confidence >= SURE_OF_LETTERS:
        return replace(word, text=other.text)
    return word


def _lost_point(text: str, other: Word) -> bool:
    """A decimal point is easily lost, and then an amount is a hundred times too large."""
    if not text.isdigit() or len(text) < 3 or other.confidence < SURE_OF_AMOUNT:
        return False
    return _SIGNS.sub("", other.text) == text and bool(_AMOUNT.fullmatch(other.text))


def _is_look_alike(text: str, other: str) -> bool:
    """Whether the other reading is the same word without digits among its letters, or reversed."""
    plain = _SIGNS.sub("", text)
    mixed = any(c.isalpha() for c in plain) and any(c.isdigit() for c in plain)
    pure = _SIGNS.sub("", other)
    if not mixed or not (pure.isdigit() or (pure.isalpha() and not pure.isupper())):
        return False
    return len(plain) > 2 and _folded(text) == _folded(other)


def _is_passed_over(word: Word, taken: _Places) -> bool:
    if word.confidence < SURE_OF_WORD or not any(c.isalnum() for c in word.text):
        return False
    return not taken.under(word.box, 0.1)


def _folded(text: str) -> str:
    return text.translate(_ALIKE).lower()


def _shared(a: Rect, b: Rect) -> float:
    """Area of both as a share of the smaller one."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return width * height / max(smaller, 1.0)
