"""How figures and states are said to a person, alike on every screen and in the viewer."""

from __future__ import annotations

from typing import Literal, Protocol

from store.models import POOR_QUALITY, Flag, How

_HOW: dict[How, str] = {
    "text": "text of the file",
    "ocr": "read by OCR",
    "both": "text of the file, completed by OCR",
    "vision": "described by a vision model",
    "nothing": "nothing readable on this page",
    "failed": "could not be read",
}


FLAGS: dict[Flag, str] = {
    "garbled_text_layer": "the file's own text is garbled",
    "low_quality_scan": "poor scan",
    "handwriting_suspected": "perhaps handwriting",
    "hidden": "hidden in the file",
    "hidden_text": "holds text that nobody sees",
    "two_columns": "in columns",
    "rotated": "stood on its side or head",
    "skewed": "lay askew",
    "dark": "light on dark",
    "blank": "blank",
    "breaks_off": "breaks off",
    "attachment": "an attachment",
}
_DOUBTFUL: frozenset[Flag] = frozenset(
    {"garbled_text_layer", "low_quality_scan", "handwriting_suspected", "breaks_off"}
)
Reading = Literal["text", "ocr", "poor", "vision", "nothing", "failed"]
READINGS: dict[Reading, str] = {
    "text": "Text of the file",
    "ocr": "OCR",
    "poor": "Read poorly",
    "vision": "Vision model",
    "nothing": "Nothing to read",
    "failed": "Failed",
}
"""How a page was read, in as many words as a legend has room for."""


class ReadPage(Protocol):
    """A page as far as it is said how it was read."""

    @property
    def how(self) -> How: ...

    @property
    def quality(self) -> float | None: ...

    @property
    def flags(self) -> tuple[Flag, ...]: ...


def how_read(page: ReadPage) -> str:
    """One phrase on how a page was read and, where that can vary, how well."""
    if page.how in ("ocr", "both", "vision") and page.quality is not None:
        return f"{_HOW[page.how]}, quality {page.quality:.0%}"
    return _HOW[page.how]


def how(of: How) -> str:
    """One phrase on a way of reading."""
    return _HOW[of]


def flags(page: ReadPage) -> str:
    """What else there is to say of a page, in words."""
    return ", ".join(FLAGS[flag] for flag in page.flags)


def reading(page: ReadPage) -> Reading:
    """How a page was read, and whether well, as one of few."""
    if page.how in ("failed", "nothing"):
        return page.how
    if page.quality is not None and page.quality < POOR_QUALITY:
        return "poor"
    if page.how == "vision":
        return "vision"
    return "text" if page.how == "text" else "ocr"


def doubtful(page: ReadPage) -> bool:
    """Whether a person should look at the page before relying on what was read."""
    return reading(page) in ("poor", "failed") or not _DOUBTFUL.isdisjoint(page.flags)


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
