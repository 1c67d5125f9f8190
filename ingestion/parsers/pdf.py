"""PDF files: pdfium for characters, boxes and pictures, pypdf for what the file says of itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium_file
import pypdfium2.raw as pdfium

from ingestion.parsers import OpenedFile, ParseOptions
from ingestion.parsers.attached import Attachment, with_attachments
from ingestion.parsers.pdf_edges import NOT_RUNNING, learn
from ingestion.parsers.pdf_embedded import embedded_files
from ingestion.parsers.pdf_info import FileInfo, read_info
from ingestion.parsers.pdf_layout import lay_out
from ingestion.parsers.pdf_page import Page
from ingestion.parsers.pdf_reading import read_page
from store.errors import Unreadable
from store.models import ParsedDocument, ParsedPage

_MOST_PICTURE_PIXELS = 40_000_000


def open_file(path: Path, options: ParseOptions) -> OpenedFile:
    """Raises Unreadable when the file needs a password, is damaged or has no pages."""
    file = PdfFile(path, options)
    return with_attachments(file, file.attachments(), options)


class PdfFile:
    """An open PDF; pages are read one at a time and nothing is kept of them.

    A few pages are looked at when it is opened, for what they have in common at their edges; they
    stay loaded until they are read.
    """

    def __init__(self, path: Path, options: ParseOptions):
        self._options = options
        try:
            self._file = pdfium_file.PdfDocument(path)
        except pdfium_file.PdfiumError as error:
            raise Unreadable(_open_fault(error)) from error
        count = len(self._file)
        if count <= 0:
            raise Unreadable("This PDF has no pages.")
        self._path = path
        self._form = _form_of(self._file)
        self._loaded: dict[int, Page] = {}
        self._running = NOT_RUNNING
        self._pages = min(count, options.max_pages)
        said = FileInfo() if options.only_pages else read_info(path, self._file)
        warnings = list(said.warnings)
        if count > options.max_pages:
            warnings.append(f"Only the first {options.max_pages:,} of {count:,} pages were read.")
        if not options.only_pages:
            self._look_around()
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
        index = self._index(number)
        with self._loaded.pop(number, None) or Page(self._file, index, self._form) as page:
            return read_page(page, number, self._options, self._running)

    def picture(self, number: int, width_px: int) -> bytes:
        """A PNG of the page as displayed, `width_px` wide where `max_pixels` allows."""
        from PIL import Image

        with Page(self._file, self._index(number)) as page:
            scale = width_px / page.frame.size[0]
            pixels = page.render(scale, min(self._options.max_pixels, _MOST_PICTURE_PIXELS))
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG", compress_level=3)
        return out.getvalue()

    def attachments(self) -> Iterator[Attachment]:
        """Files that are embedded in this one."""
        return embedded_files(self._file, self._path, self._pages)

    def close(self) -> None:
        for page in self._loaded.values():
            page.__exit__()
        self._loaded.clear()
        self._file.close()

    def _index(self, number: int) -> int:
        if not 1 <= number <= self._pages:
            raise Unreadable(f"There is no page {number}; this PDF has {self._pages}.")
        return number - 1

    def _look_around(self) -> None:
        """Learns what runs through the pages from a few neighbours: left and right pages differ."""
        middle = self._pages // 2
        wanted = {1, 2, 3, 4, 5, middle, middle + 1} if self._pages > 6 else range(1, 7)
        for number in sorted(n for n in wanted if 1 <= n <= self._pages):
            try:
                page = Page(self._file, number - 1, self._form).__enter__()
            except Unreadable:
                continue
            try:
                _ = page.layer
            except Unreadable:
                page.__exit__()
                continue
            self._loaded[number] = page
        seen = [(p.layer.words, p.frame.size[1]) for p in self._loaded.values()]
        self._running = learn((w.texts, w.boxes, height) for w, height in seen)

    def _title_on_first_page(self) -> str | None:
        page = self._loaded.get(1)
        if page is None:
            return None
        return lay_out(page.layer.words, page.frame.size, page.is_bold, number=1).title


def _form_of(file: pdfium_file.PdfDocument) -> Any:
    """pdfium's handle on the fields of a form, None where there are none."""
    if pdfium.FPDF_GetFormType(file) == pdfium.FORMTYPE_NONE:
        return None
    file.init_forms()
    return file.formenv


def _open_fault(error: pdfium_file.PdfiumError) -> str:
    code = getattr(error, "err_code", None)
    if code == pdfium.FPDF_ERR_PASSWORD:
        return "This PDF needs a password; upload an unlocked copy."
    if code == pdfium.FPDF_ERR_SECURITY:
        return "This PDF is protected in a way that cannot be read; upload an unlocked copy."
    return "This PDF is damaged and cannot be opened."
