"""How figures and states are said to a person, alike on every screen and in the viewer."""

from __future__ import annotations

from store.models import How, Page

_HOW: dict[How, str] = {
    "text": "text of the file",
    "ocr": "read by OCR",
    "both": "text of the file, completed by OCR",
    "vision": "read by a vision model",
    "nothing": "nothing readable on this page",
    "failed": "could not be read",
}


def how_read(page: Page) -> str:
    """One phrase on how a page was read and, where that can vary, how well."""
    if page.how in ("ocr", "both", "vision") and page.quality is not None:
        return f"{_HOW[page.how]}, quality {page.quality:.0%}"
    return _HOW[page.how]


def file_size(size_bytes: int) -> str:
    """12 kB, 3.4 MB."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    size, unit = size_bytes / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if size < 10 else f"{size:.0f} {unit}"
