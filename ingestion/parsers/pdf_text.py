"""Characters of a PDF page with their boxes, in one pass, grouped into words.

pdfium's own page text differs from its per-character stream, so the canonical text is built from
the stream: every word here is a run of printed characters with the box that they cover.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections import deque
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from store.errors import Unreadable

MAX_CHARACTERS = 1_000_000
_HYPHEN = 2


def fast(function: Any, result: Any, *arguments: Any) -> Any:
    """The same C function with plain integer arguments, so that map() can drive it.

    It keeps the interpreter's lock, which is cheaper: nothing else runs in a child that parses.
    """
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return ctypes.PYFUNCTYPE(result, *arguments)(address)


_get_unicode = fast(pdfium.FPDFText_GetUnicode, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_int)
_get_box = fast(
    pdfium.FPDFText_GetLooseCharBox,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_int,
    ctypes.c_void_p,
)


@dataclass(frozen=True)
class Frame:
    """The page as displayed: `box` is left, bottom, right, top in the file's coordinates."""

    box: tuple[float, float, float, float]
    quarter_turns: int

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points as displayed."""
        wide, high = self.box[2] - self.box[0], self.box[3] - self.box[1]
        return (high, wide) if self.quarter_turns % 2 else (wide, high)

    def place(self, left: Any, bottom: Any, right: Any, top: Any) -> tuple[Any, Any, Any, Any]:
        """Boxes in the file's coordinates → x0, y0, x1, y1 in points from the top left."""
        page_left, page_bottom, page_right, page_top = self.box
        if self.quarter_turns == 1:
            return bottom - page_bottom, left - page_left, top - page_bottom, right - page_left
        if self.quarter_turns == 2:
            return page_right - right, bottom - page_bottom, page_right - left, top - page_bottom
        if self.quarter_turns == 3:
            return page_top - top, page_right - right, page_top - bottom, page_right - left
        return left - page_left, page_top - top, right - page_left, page_top - bottom


@dataclass(frozen=True)
class Words:
    """The words of a page in reading order.

    `boxes` float [n, 4] in points as displayed (NaN where a word was painted nowhere); `lines`
    int [n] is pdfium's line; `glued` is True where no space stands before the word (CJK);
    `first` int [n] is the index of the word's first character in pdfium's stream, -1 for a word
    that is not of the text layer.
    """

    texts: list[str]
    boxes: np.ndarray
    lines: np.ndarray
    glued: np.ndarray
    first: np.ndarray
    unmapped: float
    """Share of printed characters without a meaning: private use, replacement, controls."""


def frame_of(page: Any) -> Frame:
    """Where the page's visible part lies; its CropBox may start anywhere."""
    rectangle = pdfium.FS_RECTF()
    if not pdfium.FPDF_GetPageBoundingBox(page, rectangle):
        raise Unreadable("This page has no size.")
    box = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
    if not (0 < box[2] - box[0] < 1e7 and 0 < box[3] - box[1] < 1e7):
        raise Unreadable("This page has no sensible size.")
    return Frame(box, pdfium.FPDFPage_GetRotation(page) % 4)


def read_words(text_page: Any, frame: Frame) -> Words:
    """All words of pdfium's text page. Raises Unreadable for absurd amounts of text."""
    count = pdfium.FPDFText_CountChars(text_page)
    if count > MAX_CHARACTERS:
        raise Unreadable(f"This page holds {count:,} characters, more than a page can.")
    if count <= 0:
        return _no_words()
    handle = ctypes.cast(text_page, ctypes.c_void_p).value
    codes = np.fromiter(map(_get_unicode, repeat(handle), range(count)), np.uint32, count)
    _turn_ligatures(handle, codes)
    rects = _rects(handle, codes)
    # FS_RECTF is left, top, right, bottom.
    x0, y0, x1, y1 = frame.place(rects[:, 0], rects[:, 3], rects[:, 2], rects[:, 1])
    boxes = np.stack((x0, y0, x1, y1), axis=1)
    boxes[~((rects[:, 2] > rects[:, 0]) & (rects[:, 1] > rects[:, 3]))] = np.nan
    return _cut(codes, boxes, text_page)


def _turn_ligatures(handle: int | None, codes: np.ndarray) -> None:
    """Puts the letters of one right-to-left glyph in their order.

    pdfium turns a line that is painted from the left round letter by letter, also the two that
    one glyph of lam and alef stands for: the article would come out as another word.
    """
    letters = (codes >= 0x590) & (codes < 0x900)
    places = np.flatnonzero(letters)
    if not len(places):
        return
    rects = np.zeros((len(codes), 4), np.float32)
    addresses = rects.ctypes.data + 16 * places
    deque(map(_get_box, repeat(handle), places.tolist(), addresses.tolist()), 0)
    same = np.zeros(len(codes) + 1, bool)
    same[1:-1] = (
        letters[:-1]
        & letters[1:]
        & (rects[:-1] == rects[1:]).all(1)
        & (rects[1:, 2] > rects[1:, 0])
    )
    edges = np.flatnonzero(np.diff(same.astype(np.int8)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        codes[first : last + 1] = codes[first : last + 1][::-1].copy()


def _rects(handle: int | None, codes: np.ndarray) -> np.ndarray:
    """Rectangles float32 [n, 4] of the characters that decide a word's box, zeros elsewhere.

    These are its first and its last, which saves half of the time; all of them where the two are
    not simply beside each other, and in scripts whose every character is a word.
    """
    count = len(codes)
    rects = np.zeros((count, 4), np.float32)

    def fetch(characters: np.ndarray) -> None:
        places = rects.ctypes.data + 16 * characters
        deque(map(_get_box, repeat(handle), characters.tolist(), places.tolist()), 0)

    sorts = _SORTS[np.minimum(codes, len(_SORTS) - 1)]
    printed = (sorts != _SPACE) & (sorts != _LOST) | (codes == _HYPHEN)
    if (codes >= 0x2E80).any():
        fetch(np.flatnonzero(printed))
        return rects
    edges = np.flatnonzero(np.diff(printed.astype(np.int8), prepend=0, append=0))
    firsts, lasts = edges[::2], edges[1::2] - 1
    fetch(np.unique(edges - np.arange(len(edges)) % 2))
    a, b = rects[firsts], rects[lasts]
    beside = (np.abs(a[:, 1] + a[:, 3] - b[:, 1] - b[:, 3]) < 0.6 * np.abs(a[:, 1] - a[:, 3])) & (
        (a[:, 0] < b[:, 0]) & (a[:, 2] > a[:, 0])
    )
    for first, last in zip(
        firsts[~beside].tolist(), lasts[~beside].tolist(), strict=True
    ):  # fmt: skip
        if last - first > 1:
            fetch(np.arange(first + 1, last))
    return rects


_FFI = 0xFB03
_DROPPED_F = re.compile(
    r"(?<![A-Za-z])(?:(?:[Ii]n)?(?:[Dd]if|[Ss]uf)(?= (?:er|ic|us|ix))"
    r"|(?:[Ii]n|[Cc]o)?[Ee]f(?= (?:ect|ic|ort|us))|(?:[Uu]n)?[Aa]f(?= (?:ect|ord|irm|ili|ix))"
    r"|[Oo]f(?= (?:ering|ered|icer|icial)))( )"
)


_LOST_FFI = re.compile(
    r"(?<![A-Za-z])(?:(?:[Ii]n)?(?:[Ee]|[Ss]u)|[Cc]oe|[Dd]i|[Oo]|[Tt]ra|[Uu]no)(\x00)(?=c)"
    r"|(?<![A-Za-z])(?:[Aa]|[Rr]ea)(\x00)(?=[lnrx])"
)


def _restore_f(codes: np.ndarray, text_page: Any) -> bool:
    """Of two f set tightly pdfium takes one for the shadow of the other and invents a space.

    A space that the file holds is never touched, nor one behind a word of its own (`of ice`).
    Where a font does not say what its ligature of ffi stands for, common words with it are known:
    True says that some were marked as `_FFI`.
    """
    text = codes.astype("<u4").tobytes().decode("utf-32-le", "replace")
    for found in _DROPPED_F.finditer(text):
        at = found.start(1)
        if pdfium.FPDFText_IsGenerated(text_page, at) == 1:
            codes[at] = ord("f")
    if "\0" not in text:
        return False
    lost = [found.start(found.lastindex or 0) for found in _LOST_FFI.finditer(text)]
    codes[lost] = _FFI
    return bool(lost)


def _cut(codes: np.ndarray, boxes: np.ndarray, text_page: Any) -> Words:
    breaks = codes == 10
    codes = codes.copy()
    restored = _restore_f(codes, text_page)
    for i in np.flatnonzero(codes == _HYPHEN):
        if pdfium.FPDFText_IsHyphen(text_page, int(i)) == 1:
            # pdfium joins a word hyphenated at a line's end; the hyphen is printed, so it is kept,
            # and so is the end of the line.
            codes[i] = ord("-")
            breaks[i] = True
    line_of = np.cumsum(breaks) - breaks
    codes, boxes, line_of, kept = _join_surrogates(codes, boxes, line_of)
    sorts = _SORTS[np.minimum(codes, len(_SORTS) - 1)]
    space, lost = sorts == _SPACE, sorts == _LOST
    meaningless = int(np.count_nonzero(lost | (sorts == _PRIVATE)))
    unmapped = meaningless / max(1, int(np.count_nonzero(~space)))
    keep = ~lost
    codes, boxes, line_of, space, kept = (a[keep] for a in (codes, boxes, line_of, space, kept))
    if not len(codes) or space.all():
        return _no_words(unmapped)
    word = ~space
    line_of = line_of + np.cumsum(_falls_to_next_line(boxes, line_of, np.flatnonzero(word)))
    before = np.concatenate(([False], word[:-1])) & (
        np.concatenate(([True], line_of[1:] == line_of[:-1]))
    )
    alone = _stands_alone(codes)
    split = np.zeros(len(codes), bool)
    split[1:] = alone[1:] | (alone[:-1] & ~_attaches(codes[1:]))
    begins = word & (~before | split)
    glued = before & begins
    starts = np.flatnonzero(begins)
    ends_at = word & ~np.concatenate((before[1:] & word[1:] & ~begins[1:], [False]))
    ends = np.flatnonzero(ends_at) + 1
    # reduceat over [start, end) pairs: the odd results are the gaps between words.
    pairs = np.stack((starts, ends), axis=1).ravel()
    padded = np.concatenate((boxes, np.full((1, 4), np.nan, boxes.dtype)))
    low = np.fmin.reduceat(padded[:, :2], pairs)[::2]
    high = np.fmax.reduceat(padded[:, 2:], pairs)[::2]
    string = codes.astype("<u4").tobytes().decode("utf-32-le")
    texts = [string[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    if not string.isascii() and restored:
        texts = [t.replace(chr(_FFI), "ffi") for t in texts]
    if not string.isascii() and not unicodedata.is_normalized("NFC", string):
        # Words never compose with the separators between them, so NFC word by word is NFC.
        texts = [unicodedata.normalize("NFC", t) for t in texts]
    return Words(
        texts,
        np.concatenate((low, high), axis=1).astype(float),
        line_of[starts],
        glued[starts],
        kept[starts],
        unmapped,
    )


def _falls_to_next_line(boxes: np.ndarray, line_of: np.ndarray, printed: np.ndarray) -> np.ndarray:
    """Where pdfium runs on although the pen went back and a whole line up or down.

    It does so for short cells painted column by column: 18 above 9 would read 189. Text that is
    written upwards or downwards moves like this too, but its boxes lie on their side.
    """
    a, b = boxes[printed[:-1]], boxes[printed[1:]]
    heights = np.fmax(a[:, 3] - a[:, 1], b[:, 3] - b[:, 1])
    widths = np.fmin(a[:, 2] - a[:, 0], b[:, 2] - b[:, 0])
    drop = np.abs(b[:, 1] + b[:, 3] - a[:, 1] - a[:, 3]) / 2
    sideways = (np.abs(a[:, 0] - b[:, 0]) < 0.15 * widths) & (widths > 0.9 * heights)
    with np.errstate(invalid="ignore"):
        falls = (drop > 0.95 * heights) & (b[:, 0] < a[:, 2]) & ~sideways
    falls &= line_of[printed[:-1]] == line_of[printed[1:]]
    out = np.zeros(len(line_of), bool)
    out[printed[1:]] = falls
    return out


_SPACE, _LOST, _PRIVATE = 1, 2, 3
_SORTS = np.zeros(0x10001, np.uint8)
"""What each character is to us; those past the table are printed."""
_SORTS[[0, *range(1, 32), *range(127, 160), 0xFEFF, 0xFFFE, 0xFFFF]] = _LOST
_SORTS[[9, 10, 13, 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029]] = _SPACE
_SORTS[[0x202F, 0x205F, 0x3000]] = _SPACE
_SORTS[[*range(0xE000, 0xF900), 0xFFFD]] = _PRIVATE


def _stands_alone(codes: np.ndarray) -> np.ndarray:
    """Characters of scripts written without spaces, each its own word (Han, kana)."""
    return ((codes >= 0x2E80) & (codes < 0xA000) & (codes != 0x3099) & (codes != 0x309A)) | (
        (codes >= 0x20000) & (codes < 0x40000)
    ) | ((codes >= 0xF900) & (codes < 0xFB00))  # fmt: skip


def _attaches(codes: np.ndarray) -> np.ndarray:
    """Marks that belong to the character before them and may compose with it."""
    return np.isin(codes, (0x3099, 0x309A)) | ((codes >= 0xFE00) & (codes < 0xFE10)) | (
        (codes >= 0x300) & (codes < 0x370)
    )  # fmt: skip


def _join_surrogates(
    codes: np.ndarray, boxes: np.ndarray, line_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Halves of a pair that a font maps one by one become one character; lone halves go."""
    index = np.arange(len(codes))
    half = ((codes >= 0xD800) & (codes < 0xE000)) | (codes > 0x10FFFF)
    if not half.any():
        return codes, boxes, line_of, index
    for i in np.flatnonzero((codes[:-1] >> 10 == 0x36) & (codes[1:] >> 10 == 0x37)):
        codes[i] = 0x10000 + ((codes[i] & 0x3FF) << 10) + (codes[i + 1] & 0x3FF)
        half[i] = False
    keep = ~half
    return codes[keep], boxes[keep], line_of[keep], index[keep]


def only(words: Words, kept: np.ndarray) -> Words:
    """The words where `kept`, bool [n], is True."""
    if kept.all():
        return words
    texts = [t for t, k in zip(words.texts, kept.tolist(), strict=True) if k]
    return Words(
        texts, words.boxes[kept], words.lines[kept], words.glued[kept], words.first[kept],
        words.unmapped,
    )  # fmt: skip


def reordered(words: Words, order: list[int]) -> Words:
    """The same words in another order."""
    return Words(
        [words.texts[i] for i in order], words.boxes[order], words.lines[order],
        words.glued[order], words.first[order], words.unmapped,
    )  # fmt: skip


def joined(words: Words, more: Words) -> Words:
    """First these words, then those; no line is shared."""
    if not more.texts:
        return words
    after = int(words.lines[-1]) + 1 if len(words.lines) else 0
    return Words(
        words.texts + more.texts,
        np.concatenate((words.boxes, more.boxes)),
        np.concatenate((words.lines, more.lines + after)),
        np.concatenate((words.glued, more.glued)),
        np.concatenate((words.first, more.first)),
        words.unmapped,
    )


def _no_words(unmapped: float = 0.0) -> Words:
    none = np.zeros(0, int)
    return Words([], np.zeros((0, 4)), none, none.astype(bool), none, unmapped)
