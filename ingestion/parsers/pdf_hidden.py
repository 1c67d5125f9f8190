"""Words in a PDF's text layer that nobody sees on the page.

Off the page, too small to be read, invisible without a picture behind, white on white, or under a
shape painted later. Letters that a scanner's software lays invisibly over its picture, or paints
before it, are seen: as the picture. What may be covered is decided by drawing the page without it:
where that changes nothing, nobody sees it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from ingestion.parsers.pdf_paint import MOST_OBJECTS, Paint, are_filled, colours_of
from ingestion.parsers.pdf_text import Frame, Words, fast

_INVISIBLE = 3
_TINY_PT, _TINY_SHARE = 2.0, 0.0025
_FAINT = 16
"""Levels of grey between the darkest and the lightest pixel of a word that can still be read."""
_WHITE = 256 - _FAINT
_COVER_PT = 3.0
_MOST_COVERS = 500
_LEAST_PX = 3
"""A word drawn lower than this is taken as seen, whatever covers it."""

_text_object = fast(pdfium.FPDFText_GetTextObject, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int)
_set_active = fast(pdfium.FPDFPageObj_SetIsActive, ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_render_mode = fast(pdfium.FPDFTextObj_GetTextRenderMode, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Sight:
    """bool [n] for each word: nobody sees it; it is laid invisibly over (or under) a picture."""

    hidden: np.ndarray
    over_picture: np.ndarray


def look_for(
    words: Words, text_page: Any, frame: Frame, paint: Paint, draw: Callable[[], np.ndarray]
) -> Sight:
    """`draw` renders the page, uint8 [h, w, 3]; it is called only where colours leave a doubt."""
    n = len(words.texts)
    boxes = words.boxes
    width, height = frame.size
    tiny_pt = min(_TINY_PT, _TINY_SHARE * height)
    with np.errstate(invalid="ignore"):
        outside = (
            (boxes[:, 2] < 0) | (boxes[:, 0] > width) | (boxes[:, 3] < 0) | (boxes[:, 1] > height)
        )
        tiny = np.minimum(boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]) < tiny_pt
        tiny &= boxes[:, 3] - boxes[:, 1] < tiny_pt
    if tiny.any():
        tiny &= _are_tiny(text_page, words.first, tiny, tiny_pt)
    pictures = paint.pictures()
    covers = _covers(boxes, paint)
    if not len(pictures) and not len(covers) and _all_plain(paint, n):
        return Sight(outside | tiny, np.zeros(n, bool))
    of_word, objects = _objects(text_page, words.first)
    modes = np.fromiter(map(_render_mode, objects.tolist()), np.int32, len(objects))
    colours = colours_of(objects)
    unseen = ((modes == _INVISIBLE) | (colours[:, 3] == 0))[of_word]
    white = (colours[:, :3].min(1) >= _WHITE)[of_word] & ~unseen
    over = np.zeros(n, bool)
    in_picture = _within(boxes, pictures)
    place = _places(objects, paint)[of_word] if len(pictures) or len(covers) else over
    under_picture = in_picture & ~unseen & (place < _last_large_picture(paint))
    under_shape = (modes < _INVISIBLE)[of_word] & ~unseen & _under(boxes, place, covers, paint)
    covered = under_picture | under_shape
    if covered.any():
        covered &= ~_shows(boxes, covered, objects[np.unique(of_word[covered])], frame, draw)
    if len(pictures) and n:
        over = in_picture & (unseen | (covered & under_picture))
    if unseen.any():
        over |= unseen & _within(boxes, paint.paths())
    hidden = outside | (tiny & ~over) | (unseen & ~over) | (covered & ~over)
    doubtful = ~hidden & (over | (white & ~_on_dark_fill(boxes, white, paint)))
    if doubtful.any():
        hidden |= doubtful & _blend_in(boxes, doubtful, frame, draw())
    return Sight(hidden, over & ~hidden)


def _all_plain(paint: Paint, words: int) -> bool:
    """Whether every piece of text is painted visibly and not in white; asked of the pieces, which
    are usually fewer than the words."""
    pieces = paint.handles[paint.kinds == pdfium.FPDF_PAGEOBJ_TEXT]
    if len(pieces) > words or len(paint.handles) >= MOST_OBJECTS:
        return False
    modes = np.fromiter(map(_render_mode, pieces.tolist()), np.int32, len(pieces))
    colours = colours_of(pieces)
    return not (
        (modes == _INVISIBLE) | (colours[:, 3] == 0) | (colours[:, :3].min(1) >= _WHITE)
    ).any()


def _objects(text_page: Any, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The painted text that each word begins in: its number, and pdfium's handles."""
    page = ctypes.cast(text_page, ctypes.c_void_p).value
    handles = np.fromiter(
        map(_text_object, repeat(page), first.tolist()), np.uint64, len(first)
    )  # fmt: skip
    objects, of_word = np.unique(handles, return_inverse=True)
    return of_word, objects


def _are_tiny(
    text_page: Any, first: np.ndarray, suspects: np.ndarray, tiny_pt: float
) -> np.ndarray:
    """By the ink itself: some fonts lie about how tall they are."""
    out = suspects.copy()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    for i in np.flatnonzero(suspects)[:2000].tolist():
        told = pdfium.FPDFText_GetCharBox(text_page, int(first[i]), left, right, bottom, top)
        size = max(top.value - bottom.value, right.value - left.value)
        out[i] = bool(told) and size < tiny_pt
    return out


def _covers(boxes: np.ndarray, paint: Paint) -> np.ndarray:
    """Numbers of the filled shapes, the largest ones, that are painted after some text and have a
    word within them. Most are grounds whose text is painted after them."""
    letters = np.flatnonzero(paint.kinds == pdfium.FPDF_PAGEOBJ_TEXT)
    paths = paint.of(pdfium.FPDF_PAGEOBJ_PATH)
    if not len(letters) or not len(paths):
        return paths[:0]
    paths = paths[paths > letters[0]]
    sides = paint.boxes[paths][:, 2:] - paint.boxes[paths][:, :2]
    large = np.flatnonzero(sides.min(1) >= _COVER_PT)
    paths = paths[large[np.argsort(-sides[large].prod(1))[:_MOST_COVERS]]]
    paths = paths[are_filled(paint.handles[paths])]
    around = [bool(_within(boxes, paint.boxes[[i]]).any()) for i in paths.tolist()]
    return paths[np.array(around, bool)]


def _places(objects: np.ndarray, paint: Paint) -> np.ndarray:
    """When each object is painted; last where that is not known."""
    order = {h: i for i, h in enumerate(paint.handles.tolist())}
    return np.array([order.get(o, len(order)) for o in objects.tolist()], int)


def _last_large_picture(paint: Paint) -> int:
    images = paint.of(pdfium.FPDF_PAGEOBJ_IMAGE)
    if not len(images):
        return -1
    boxes = paint.boxes[images]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return int(images[areas >= 0.5 * areas.max()].max())


def _under(boxes: np.ndarray, place: np.ndarray, covers: np.ndarray, paint: Paint) -> np.ndarray:
    """Words within a shape that is painted after them."""
    out = np.zeros(len(boxes), bool)
    for i in covers.tolist():
        out |= (place < i) & _within(boxes, paint.boxes[[i]])
    return out


def _shows(
    boxes: np.ndarray, suspects: np.ndarray, objects: np.ndarray, frame: Frame,
    draw: Callable[[], np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Whether the page looks different without these words; `objects` are what paints them."""
    shown = draw()
    try:
        for each in objects.tolist():
            _set_active(each, 0)
        bare = draw()
    finally:
        for each in objects.tolist():
            _set_active(each, 1)
    same = _blend_in(boxes, suspects, frame, np.abs(shown.astype(np.int16) - bare))
    too_coarse = boxes[:, 3] - boxes[:, 1] < _LEAST_PX * frame.size[1] / shown.shape[0]
    return ~same | too_coarse


def _within(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether the middle of each box lies in one of the others."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    out = np.zeros(len(boxes), bool)
    for x0, y0, x1, y1 in others.tolist():
        out |= (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    return out


def _on_dark_fill(boxes: np.ndarray, white: np.ndarray, paint: Paint) -> np.ndarray:
    """White words whose ground, the last filled shape around them, is not white itself."""
    out = np.zeros(len(boxes), bool)
    paths = paint.of(pdfium.FPDF_PAGEOBJ_PATH)
    numbers = np.flatnonzero(white)
    if not len(numbers) or not len(paths):
        return out
    paths = paths[are_filled(paint.handles[paths])]
    light = colours_of(paint.handles[paths])[:, :3].min(1) >= _WHITE
    areas = paint.boxes[paths]
    for i in numbers.tolist():
        x, y = (boxes[i, 0] + boxes[i, 2]) / 2, (boxes[i, 1] + boxes[i, 3]) / 2
        around = np.flatnonzero(
            (areas[:, 0] <= x) & (areas[:, 2] >= x) & (areas[:, 1] <= y) & (areas[:, 3] >= y)
        )
        out[i] = len(around) > 0 and not light[around[-1]]
    return out


def _blend_in(
    boxes: np.ndarray, suspects: np.ndarray, frame: Frame, pixels: np.ndarray
) -> np.ndarray:
    """Whether the page as drawn shows nothing where the word should be."""
    out = np.zeros(len(boxes), bool)
    height, width = pixels.shape[:2]
    x_scale, y_scale = width / frame.size[0], height / frame.size[1]
    for i in np.flatnonzero(suspects).tolist():
        if np.isnan(boxes[i, 0]):
            continue
        x0, x1 = int(boxes[i, 0] * x_scale), int(np.ceil(boxes[i, 2] * x_scale))
        y0, y1 = int(boxes[i, 1] * y_scale), int(np.ceil(boxes[i, 3] * y_scale))
        patch = pixels[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1].astype(int)
        out[i] = patch.size == 0 or int(np.ptp(patch.reshape(-1, 3), axis=0).max()) < _FAINT
    return out
