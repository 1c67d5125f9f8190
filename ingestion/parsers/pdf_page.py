"""One loaded page of a PDF: its layer of text, what else it paints, and its picture."""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from ingestion.parsers.pdf_hidden import look_for
from ingestion.parsers.pdf_notes import Additions, additions_of
from ingestion.parsers.pdf_paint import Paint, look_at
from ingestion.parsers.pdf_quality import of_ocr_layer, readable
from ingestion.parsers.pdf_text import Frame, Words, frame_of, only, read_words
from store.errors import Unreadable

_BOLD_NAME = re.compile(rb"bold|black|heavy|semibd|demi", re.IGNORECASE)
_FEW_LOST = 3
_SEEN_SCALE, _SEEN_PIXELS = 1.5, 2_000_000


@dataclass(frozen=True)
class Layer:
    """The text layer as far as it can be seen.

    `quality` 0..1: how well it reads. `hidden`: it held words that nobody sees, which are left out.
    `of_scan`: it is the invisible text that some OCR has laid over a picture.
    """

    words: Words
    quality: float
    hidden: bool
    of_scan: bool


class Page:
    """Closes what it opened. Raises Unreadable for a page that is damaged."""

    def __init__(self, file: Any, index: int, form: Any = None):
        self._form = form
        self.handle = pdfium.FPDF_LoadPage(file, index)
        if not self.handle:
            raise Unreadable("This page is damaged.")
        self._text: Any = None
        self._buffer = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self.frame: Frame

    def __enter__(self) -> Page:
        try:
            self.frame = frame_of(self.handle)
        except Unreadable:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._text:
            pdfium.FPDFText_ClosePage(self._text)
        pdfium.FPDF_ClosePage(self.handle)

    @cached_property
    def layer(self) -> Layer:
        """The visible words with their boxes."""
        self._text = self._text or pdfium.FPDFText_LoadPage(self.handle)
        if not self._text:
            raise Unreadable("The text of this page is damaged.")
        words = read_words(self._text, self.frame)
        if not words.texts:
            return Layer(words, 1.0, False, False)
        sight = look_for(
            words, self._text, self.frame, self.paint,
            lambda: self.render(_SEEN_SCALE, _SEEN_PIXELS),
        )  # fmt: skip
        of_scan = float(sight.over_picture.mean()) > 0.5
        lost = int(np.count_nonzero(sight.hidden))
        # OCR invents a word here and there on an empty spot; that is no attempt to hide one.
        hidden = lost > (_FEW_LOST + 0.05 * len(words.texts) if of_scan else 0)
        words = only(words, ~sight.hidden)
        unmapped = max(words.unmapped, self._unmapped_share(words.first))
        reads = of_ocr_layer(words.texts) if of_scan else readable(words.texts)
        return Layer(words, round(max(0.0, 1.0 - 2 * unmapped) * reads, 3), hidden, of_scan)

    @cached_property
    def paint(self) -> Paint:
        return look_at(self.handle, self.frame)

    @cached_property
    def additions(self) -> Additions:
        """Comments and field values."""
        return additions_of(self.handle, self._form, self.frame)

    def is_bold(self, character: int) -> bool:
        """Whether a character of the text layer is set in bold, by its font's flags or name."""
        if character < 0:
            return False
        buffer, flags = self._buffer, self._flags
        size = pdfium.FPDFText_GetFontInfo(self._text, character, buffer, 128, flags)
        if not 0 < size <= 128:
            return False
        return bool(flags.value & 1 << 18) or bool(_BOLD_NAME.search(buffer.value))

    def is_bare(self) -> bool:
        """Nothing is painted here."""
        return pdfium.FPDFPage_CountObjects(self.handle) <= 0 and (
            pdfium.FPDFPage_GetAnnotCount(self.handle) <= 0
        )

    def render(
        self, scale: float, max_pixels: int, region: tuple[float, ...] | None = None
    ) -> np.ndarray:
        """RGB uint8 [h, w, 3] on white, annotations included; of `region` (points) if given."""
        left, top, right, bottom = region or (0.0, 0.0, *self.frame.size)
        width, height = max(right - left, 0.1), max(bottom - top, 0.1)
        scale = min(scale, math.sqrt(max_pixels / (width * height)))
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        if w * h > max_pixels * 1.1 or max(w, h) > 32_000:
            raise Unreadable("This page is too large or too thin to be drawn.")
        whole_w, whole_h = (max(1, round(side * scale)) for side in self.frame.size)
        pixels = np.full((h, w, 3), 255, np.uint8)
        bitmap = pdfium.FPDFBitmap_CreateEx(
            w, h, pdfium.FPDFBitmap_BGR, pixels.ctypes.data_as(ctypes.c_void_p), w * 3
        )
        if not bitmap:
            raise Unreadable("This page could not be drawn.")
        try:
            flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
            x, y = -round(left * scale), -round(top * scale)
            pdfium.FPDF_RenderPageBitmap(bitmap, self.handle, x, y, whole_w, whole_h, 0, flags)
        finally:
            pdfium.FPDFBitmap_Destroy(bitmap)
        return pixels

    def _unmapped_share(self, characters: np.ndarray) -> float:
        """pdfium's own word on characters it found no Unicode for, from a sample."""
        sample = characters[:: max(1, len(characters) // 60)].tolist()
        errors = sum(pdfium.FPDFText_HasUnicodeMapError(self._text, i) == 1 for i in sample)
        return errors / len(sample) if len(sample) > 4 else 0.0
