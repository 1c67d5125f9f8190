"""What a PDF page paints besides its letters: pictures, lines, fills, as boxes on the page."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from ingestion.parsers.pdf_text import Frame, fast

MOST_OBJECTS = 20_000
_DEEPEST_FORM = 4
_MOST_FORMS = 200

_count_on_page = fast(pdfium.FPDFPage_CountObjects, ctypes.c_int, ctypes.c_void_p)
_on_page = fast(pdfium.FPDFPage_GetObject, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int)
_count_in_form = fast(pdfium.FPDFFormObj_CountObjects, ctypes.c_int, ctypes.c_void_p)
_in_form = fast(pdfium.FPDFFormObj_GetObject, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_ulong)
_type = fast(pdfium.FPDFPageObj_GetType, ctypes.c_int, ctypes.c_void_p)
_bounds = fast(pdfium.FPDFPageObj_GetBounds, ctypes.c_int, *[ctypes.c_void_p] * 5)
_colour = fast(pdfium.FPDFPageObj_GetFillColor, ctypes.c_int, *[ctypes.c_void_p] * 5)
_draw_mode = fast(pdfium.FPDFPath_GetDrawMode, ctypes.c_int, *[ctypes.c_void_p] * 3)


@dataclass(frozen=True)
class Paint:
    """Objects in the order they are painted; those inside forms are listed like the others.

    `handles` are pdfium's, valid while the page is open; `kinds` its FPDF_PAGEOBJ numbers; `boxes`
    float [n, 4] in points as displayed, NaN for letters.
    """

    handles: np.ndarray
    kinds: np.ndarray
    boxes: np.ndarray

    def of(self, kind: int) -> np.ndarray:
        """Numbers of the objects of this kind that have a place on the page."""
        return np.flatnonzero((self.kinds == kind) & ~np.isnan(self.boxes[:, 0]))

    def pictures(self) -> np.ndarray:
        return self.boxes[self.of(pdfium.FPDF_PAGEOBJ_IMAGE)]

    def paths(self) -> np.ndarray:
        return self.boxes[self.of(pdfium.FPDF_PAGEOBJ_PATH)]


def look_at(page: Any, frame: Frame) -> Paint:
    """All objects of a loaded page, at most 20,000."""
    handles: list[np.ndarray] = []
    kinds: list[np.ndarray] = []
    boxes: list[np.ndarray] = []
    forms = listed = 0

    def walk(
        parent: int, count: Callable[..., int], get: Callable[..., int], matrix: np.ndarray | None,
        depth: int,
    ) -> None:  # fmt: skip
        nonlocal forms, listed
        n = min(max(0, count(parent)), MOST_OBJECTS - listed)
        if n <= 0:
            return
        mine = np.fromiter(map(get, repeat(parent), range(n)), np.uint64, n)
        sorts = np.fromiter(map(_type, mine.tolist()), np.int32, n)
        inner = np.flatnonzero(sorts == pdfium.FPDF_PAGEOBJ_FORM)[:_MOST_FORMS]
        done = 0
        for i in [*inner.tolist(), n]:
            handles.append(mine[done:i])
            kinds.append(sorts[done:i])
            boxes.append(_boxes(mine[done:i], sorts[done:i], matrix))
            listed += i - done
            done = i
            if i < n and depth < _DEEPEST_FORM and forms < _MOST_FORMS:
                forms += 1
                form = int(mine[i])
                walk(form, _count_in_form, _in_form, _inside(form, matrix), depth + 1)

    address = ctypes.cast(page, ctypes.c_void_p).value
    assert address is not None
    walk(address, _count_on_page, _on_page, None, 0)
    if not handles:
        return Paint(np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros((0, 4), np.float32))
    everything = np.concatenate(boxes)
    placed = np.stack(frame.place(*everything.T), axis=1)
    return Paint(np.concatenate(handles), np.concatenate(kinds), placed)


def colours_of(handles: np.ndarray) -> np.ndarray:
    """Fill colours, int [n, 4] red, green, blue, alpha; -1 where pdfium cannot tell."""
    n = len(handles)
    out = np.zeros((n, 4), np.uint32)
    base = out.ctypes.data
    places = [range(base + 4 * i, base + 4 * i + 16 * n, 16) for i in range(4)]
    told = np.fromiter(map(_colour, handles.tolist(), *places), np.int32, n)
    return np.where(told[:, None] != 0, out.astype(np.int64), -1)


def are_filled(handles: np.ndarray) -> np.ndarray:
    """Whether each path is filled, not only stroked."""
    n = len(handles)
    modes = np.zeros((n, 2), np.int32)
    base = modes.ctypes.data
    deque(
        map(_draw_mode, handles.tolist(), range(base, base + 8 * n, 8),
            range(base + 4, base + 4 + 8 * n, 8)),
        0,
    )  # fmt: skip
    return modes[:, 0] != 0


def _boxes(handles: np.ndarray, kinds: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """left, top, right, bottom … in the file's coordinates, in the order `Frame.place` takes."""
    out = np.full((len(handles), 4), np.nan, np.float32)
    wanted = np.flatnonzero(
        (kinds == pdfium.FPDF_PAGEOBJ_PATH)
        | (kinds == pdfium.FPDF_PAGEOBJ_IMAGE)
        | (kinds == pdfium.FPDF_PAGEOBJ_SHADING)
    )
    n = len(wanted)
    if not n:
        return out
    found = np.zeros((n, 4), np.float32)
    base = found.ctypes.data
    places = [range(base + 4 * i, base + 4 * i + 16 * n, 16) for i in range(4)]
    told = np.fromiter(map(_bounds, handles[wanted].tolist(), *places), np.int32, n)
    found[told == 0] = np.nan
    out[wanted] = found if matrix is None else _moved(found, matrix)
    return out


def _moved(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    a, b, c, d, e, f = matrix
    xs = boxes[:, [0, 0, 2, 2]]
    ys = boxes[:, [1, 3, 1, 3]]
    x, y = a * xs + c * ys + e, b * xs + d * ys + f
    return np.stack((x.min(1), y.min(1), x.max(1), y.max(1)), axis=1)


def _inside(form: int, outer: np.ndarray | None) -> np.ndarray:
    """What takes a form's coordinates to the page's."""
    own = pdfium.FS_MATRIX(1, 0, 0, 1, 0, 0)
    handle = ctypes.cast(form, pdfium.FPDF_PAGEOBJECT)
    pdfium.FPDFPageObj_GetMatrix(handle, own)
    a, b, c, d, e, f = own.a, own.b, own.c, own.d, own.e, own.f
    if outer is None:
        return np.array((a, b, c, d, e, f))
    p, q, r, s, t, u = outer
    return np.array(
        (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t,
         e * q + f * s + u)
    )  # fmt: skip
