"""PDF files: pdfium for characters, boxes and pictures, pypdf for what the file says of itself."""

from __future__ import annotations

import ctypes
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium_file
import pypdfium2.raw as pdfium

from ingestion.parsers import ParseOptions
from ingestion.parsers.pdf_info import FileInfo, read_info
from ingestion.parsers.pdf_layout import Laid, lay_out
from ingestion.parsers.pdf_text import Frame, frame_of, read_words
from store.boxes import pack
from store.errors import Unreadable
from store.models import ParsedDocument, ParsedPage

_LOW_QUALITY = 0.8
_GARBLED = 0.5
_STAMP_CHARACTERS = 100
_BOLD_NAME = re.compile(rb"bold|black|heavy|semibd|demi", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûåæøœ]", re.IGNORECASE)


def open_file(path: Path, options: ParseOptions) -> PdfFile:
    """Raises Unreadable when the file needs a password, is damaged or has no pages."""
    return PdfFile(path, options)


class PdfFile:
    """An open PDF; pages are read one at a time and nothing is kept of them."""

    def __init__(self, path: Path, options: ParseOptions):
        self._options = options
        try:
            self._file = pdfium_file.PdfDocument(path)
        except pdfium_file.PdfiumError as error:
            raise Unreadable(_open_fault(error)) from error
        count = len(self._file)
        if count <= 0:
            raise Unreadable("This PDF has no pages.")
        self._first: tuple[Laid, float] | None = None
        said = FileInfo() if options.only_pages else read_info(path, self._file)
        warnings = list(said.warnings)
        if count > options.max_pages:
            warnings.append(f"Only the first {options.max_pages:,} of {count:,} pages were read.")
        self._pages = min(count, options.max_pages)
        self.info = ParsedDocument(
            pages=self._pages,
            unread=count - self._pages,
            title=said.title or self._title_on_first_page(),
            date=said.date,
            author=said.author,
            language=said.language,
            warnings=tuple(warnings),
        )

    def page(self, number: int) -> ParsedPage:
        """One page: its text layer, or what OCR reads where there is none or a bad one."""
        with _Page(self._file, self._index(number)) as page:
            width, height = page.frame.size
            laid, quality = (self._first if number == 1 else None) or page.read()
            self._first = None
            flags = ("rotated",) if page.frame.quarter_turns else ()
            parsed = ParsedPage(
                number=number, text=laid.text, how="text", quality=quality, flags=flags,
                width=width, height=height, boxes=laid.boxes, blocks=laid.blocks,
            )  # fmt: skip
            if laid.text and quality >= _GARBLED and not page.is_stamped_scan(laid.text):
                return parsed
            if not laid.text and page.is_bare():
                return parsed.model_copy(update={"how": "nothing", "quality": None})
            if laid.text and quality < _GARBLED:
                parsed = parsed.model_copy(update={"flags": (*flags, "garbled_text_layer")})
            return self._recognise(page, parsed)

    def picture(self, number: int, width_px: int) -> bytes:
        """A PNG of the page as displayed, `width_px` wide where `max_pixels` allows."""
        from PIL import Image

        with _Page(self._file, self._index(number)) as page:
            scale = width_px / page.frame.size[0]
            pixels = page.render(scale, min(self._options.max_pixels, 40_000_000))
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG", compress_level=3)
        return out.getvalue()

    def close(self) -> None:
        self._file.close()

    def _index(self, number: int) -> int:
        if not 1 <= number <= self._pages:
            raise Unreadable(f"There is no page {number}; this PDF has {self._pages}.")
        return number - 1

    def _title_on_first_page(self) -> str | None:
        if self._options.only_pages:
            return None
        try:
            with _Page(self._file, 0) as page:
                self._first = page.read()
                return self._first[0].title
        except Unreadable:
            return None

    def _recognise(self, page: _Page, layer: ParsedPage) -> ParsedPage:
        """OCR of the rendered page. `layer` is what the text layer gave, kept if OCR adds none."""
        pixels = page.render(self._options.ocr_dpi / 72, self._options.ocr_pixels)
        if int(pixels.max()) - int(pixels.min()) < 16:
            if layer.text:
                return layer
            return layer.model_copy(update={"how": "nothing", "quality": None})
        try:
            from ingestion import ocr
        except ImportError:
            return ParsedPage(
                number=layer.number, text="", how="failed", width=layer.width, height=layer.height,
                error="This page is a picture of text and OCR is not installed.",
            )  # fmt: skip
        found = ocr.read(pixels, self._options.ocr_languages)
        garbled = "garbled_text_layer" in layer.flags
        if layer.text and not garbled and len(found.text) < 2 * len(layer.text):
            return layer
        if not found.text:
            keep = {"how": "text"} if layer.text else {"how": "nothing", "quality": None}
            return layer.model_copy(update=keep)
        flags = tuple(dict.fromkeys((*layer.flags, *found.flags)))
        if found.quality < _LOW_QUALITY and "low_quality_scan" not in flags:
            flags = (*flags, "low_quality_scan")
        return layer.model_copy(
            update={
                "text": found.text,
                "how": "both" if layer.text and not garbled else "ocr",
                "quality": found.quality,
                "flags": flags,
                "boxes": pack(found.words),
                "blocks": tuple(found.blocks),
            }
        )


class _Page:
    """One loaded page; closes what it opened."""

    def __init__(self, file: Any, index: int):
        self._page = pdfium.FPDF_LoadPage(file, index)
        if not self._page:
            raise Unreadable("This page is damaged.")
        self._text: Any = None
        self._fonts: dict[tuple[bytes, int], bool] = {}
        self._buffer = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self.frame: Frame

    def __enter__(self) -> _Page:
        try:
            self.frame = frame_of(self._page)
        except Unreadable:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._text:
            pdfium.FPDFText_ClosePage(self._text)
        pdfium.FPDF_ClosePage(self._page)

    def read(self) -> tuple[Laid, float]:
        """The text layer laid out, and how well it reads, 0..1."""
        self._text = self._text or pdfium.FPDFText_LoadPage(self._page)
        if not self._text:
            raise Unreadable("The text of this page is damaged.")
        words = read_words(self._text, self.frame)
        laid = lay_out(words, self.frame.size, self._is_bold)
        unmapped = max(words.unmapped, self._unmapped_share(words.first))
        return laid, round(max(0.0, 1.0 - 2 * unmapped) * _readable(words.texts), 3)

    def _is_bold(self, character: int) -> bool:
        buffer, flags = self._buffer, self._flags
        size = pdfium.FPDFText_GetFontInfo(self._text, character, buffer, 128, flags)
        if not 0 < size <= 128:
            return False
        return bool(flags.value & 1 << 18) or bool(_BOLD_NAME.search(buffer.value))

    def _unmapped_share(self, characters: np.ndarray) -> float:
        """pdfium's own word on characters it found no Unicode for, from a sample."""
        sample = characters[:: max(1, len(characters) // 60)].tolist()
        errors = sum(pdfium.FPDFText_HasUnicodeMapError(self._text, i) == 1 for i in sample)
        return errors / len(sample) if len(sample) > 4 else 0.0

    def is_bare(self) -> bool:
        """Nothing is painted here."""
        return pdfium.FPDFPage_CountObjects(self._page) <= 0 and (
            pdfium.FPDFPage_GetAnnotCount(self._page) <= 0
        )

    def is_stamped_scan(self, text: str) -> bool:
        """A picture fills most of the page and the text layer is no more than a stamp on it."""
        if len(text) > _STAMP_CHARACTERS:
            return False
        width, height = self.frame.size
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        for i in range(min(200, pdfium.FPDFPage_CountObjects(self._page))):
            thing = pdfium.FPDFPage_GetObject(self._page, i)
            if pdfium.FPDFPageObj_GetType(thing) != pdfium.FPDF_PAGEOBJ_IMAGE:
                continue
            if pdfium.FPDFPageObj_GetBounds(thing, left, bottom, right, top):
                area = (right.value - left.value) * (top.value - bottom.value)
                if area > 0.5 * width * height:
                    return True
        return False

    def render(self, scale: float, max_pixels: int) -> np.ndarray:
        """RGB uint8 [h, w, 3] on white, annotations included."""
        width, height = self.frame.size
        scale = min(scale, math.sqrt(max_pixels / (width * height)))
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        if w * h > max_pixels * 1.1 or max(w, h) > 32_000:
            raise Unreadable("This page is too large or too thin to be drawn.")
        pixels = np.full((h, w, 3), 255, np.uint8)
        bitmap = pdfium.FPDFBitmap_CreateEx(
            w, h, pdfium.FPDFBitmap_BGR, pixels.ctypes.data_as(ctypes.c_void_p), w * 3
        )
        if not bitmap:
            raise Unreadable("This page could not be drawn.")
        try:
            flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
            pdfium.FPDF_RenderPageBitmap(bitmap, self._page, 0, 0, w, h, 0, flags)
        finally:
            pdfium.FPDFBitmap_Destroy(bitmap)
        return pixels


def _readable(texts: list[str]) -> float:
    """1.0 where words look like words; falls when most Latin words have no vowel."""
    latin = [t for t in texts[:600] if len(t) >= 4 and t.isalpha() and t < "\u0250"]
    if len(latin) < 12:
        return 1.0
    share = sum(bool(_VOWEL.search(t)) for t in latin) / len(latin)
    return min(1.0, share / 0.7)


def _open_fault(error: pdfium_file.PdfiumError) -> str:
    code = getattr(error, "err_code", None)
    if code == pdfium.FPDF_ERR_PASSWORD:
        return "This PDF needs a password; upload an unlocked copy."
    if code == pdfium.FPDF_ERR_SECURITY:
        return "This PDF is protected in a way that cannot be read; upload an unlocked copy."
    return "This PDF is damaged and cannot be opened."
