"""Files inside a PDF: those embedded in the document and those pinned to a page."""

from __future__ import annotations

import ctypes
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdfium2.raw as pdfium

from ingestion.parsers.attached import MAX_BYTES, MAX_FILES, Attachment

_MOST_PINNED = 1000
_MOST_NAME = 2000
_PINNED = b"/FileAttachment"
_MOST_SEARCHED = 80_000_000
_OBJECT_STREAM = re.compile(rb"/ObjStm\b.{0,400}?\bstream\r?\n", re.DOTALL)


def embedded_files(file: Any, path: Path, pages: int) -> Iterator[Attachment]:
    """Each file once it is asked for; those that cannot be taken out are left out.

    Pages are looked through for pinned files only where the file speaks of any: loading all pages
    of a long report would take as long as reading it.
    """
    left = MAX_BYTES
    for handle in _handles(file, pages if _has_pinned(path) else 0):
        data = _data(handle, left)
        if data is None:
            continue
        left -= len(data)
        name = _text(lambda b, n, h=handle: pdfium.FPDFAttachment_GetName(h, b, n))
        yield Attachment(name or "attachment", data)


def _handles(file: Any, pages: int) -> Iterator[Any]:
    count = pdfium.FPDFDoc_GetAttachmentCount(file)
    for index in range(min(count, MAX_FILES + 1)):
        handle = pdfium.FPDFDoc_GetAttachment(file, index)
        if handle:
            yield handle
    for number in range(pages):
        yield from _pinned(file, number)


def _has_pinned(path: Path) -> bool:
    """Whether annotations that carry files are named anywhere, in compressed objects too."""
    if path.stat().st_size > _MOST_SEARCHED:
        return False
    data = path.read_bytes()
    if _PINNED in data:
        return True
    left = _MOST_SEARCHED
    for match in _OBJECT_STREAM.finditer(data):
        try:
            objects = zlib.decompressobj().decompress(data[match.end() : match.end() + left], left)
        except zlib.error:
            continue
        if _PINNED in objects:
            return True
        left -= len(objects)
        if left <= 0:
            return False
    return False


def _pinned(file: Any, number: int) -> Iterator[Any]:
    page = pdfium.FPDF_LoadPage(file, number)
    if not page:
        return
    try:
        for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST_PINNED)):
            annotation = pdfium.FPDFPage_GetAnnot(page, index)
            if not annotation:
                continue
            try:
                if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_FILEATTACHMENT:
                    handle = pdfium.FPDFAnnot_GetFileAttachment(annotation)
                    if handle:
                        yield handle
            finally:
                pdfium.FPDFPage_CloseAnnot(annotation)
    finally:
        pdfium.FPDF_ClosePage(page)


def _data(handle: Any, most: int) -> bytes | None:
    size = ctypes.c_ulong()
    if not pdfium.FPDFAttachment_GetFile(handle, None, 0, size) or size.value > most:
        return None
    buffer = ctypes.create_string_buffer(max(1, size.value))
    if not pdfium.FPDFAttachment_GetFile(handle, buffer, size.value, size):
        return None
    return buffer.raw[: size.value]


def _text(get: Callable[[Any, int], int]) -> str:
    size = get(None, 0)
    if not 2 < size <= _MOST_NAME:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    get(buffer, size)
    return bytes(buffer)[:-2].decode("utf-16-le", errors="replace")
