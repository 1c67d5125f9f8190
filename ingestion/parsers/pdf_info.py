"""What a PDF says of itself: title, author, date, language. Its loss never costs the document."""

from __future__ import annotations

import ctypes
import re
import signal
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pypdfium2.raw as pdfium

from store.models import Frozen

_TIME_S = 4.0
_MAX_BYTES = 80_000_000
_GARBAGE_TITLE = re.compile(
    r"(untitled|title|document|dokument|unknown|none|null|slide|presentation|powerpoint"
    r"|microsoft (word|excel|powerpoint)|pdf|scan|image|print|layout|draft|output|file|tmp)"
    r"([ _-]?\d+)?( -.*)?|.*\.(docx?|pdf|xlsx?|pptx?|indd|qxd|rtf|tex|dvi|html?|tmp|txt|ps)"
    r"|.*\\.*|[\W\d_]*",
    re.IGNORECASE,
)
_PDF_DATE = re.compile(
    r"D?:?\s*(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?\s*(Z|[+-]\d{2}'?\d{2})?"
)


class FileInfo(Frozen):
    """What was found; `date` is ISO 8601."""

    title: str | None = None
    author: str | None = None
    date: str | None = None
    language: str | None = None
    warnings: tuple[str, ...] = ()


class _OutOfTime(Exception):
    """pypdf took longer than a file's properties are worth."""


def read_info(path: Path, file: Any) -> FileInfo:
    """pypdf first, within a few seconds; where it fails, what pdfium gives and a warning."""
    try:
        with _at_most(_TIME_S):
            said = _from_pypdf(path)
        warnings: tuple[str, ...] = ()
    # pypdf raises of all kinds on damaged files (RecursionError, KeyError, LimitReachedError …),
    # and no fault of it may cost the document.
    except Exception:  # noqa: BLE001
        said = dict(file.get_metadata_dict(skip_empty=True))
        warnings = ("Some of this PDF's own properties could not be read.",)
    title = _clean(said.get("Title"))
    return FileInfo(
        title=None if title is None or _GARBAGE_TITLE.fullmatch(title) else title,
        author=_clean(said.get("Author")),
        date=iso_date(said.get("CreationDate") or ""),
        language=_clean(_language(file)),
        warnings=warnings,
    )


def iso_date(text: str) -> str | None:
    """`D:20240131120000+01'00'` → `2024-01-31T12:00:00+01:00`; None where it is no date."""
    match = _PDF_DATE.match(text.strip())
    if not match:
        return None
    year, month, day, hour, minute, second = (int(g) if g else None for g in match.groups()[:6])
    try:
        when = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0)
    except ValueError:
        return None
    if hour is None:
        return when.date().isoformat()
    zone = (match.group(7) or "").replace("'", "")
    if zone and zone != "Z":
        zone = f"{zone[:3]}:{zone[3:]}"
    return when.isoformat() + zone


def _from_pypdf(path: Path) -> dict[str, str]:
    import logging

    if path.stat().st_size > _MAX_BYTES:
        raise _OutOfTime
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(path, strict=False)
    try:
        if reader.is_encrypted:
            reader.decrypt("")
        metadata = reader.metadata or {}
        return {str(k).lstrip("/"): str(v) for k, v in metadata.items() if isinstance(v, str)}
    finally:
        reader.close()


def _language(file: Any) -> str | None:
    """From pdfium: the catalog of some reports is larger than pypdf reads."""
    size = pdfium.FPDFCatalog_GetLanguage(file, None, 0)
    if not 2 < size <= 200:
        return None
    buffer = (ctypes.c_ushort * (size // 2))()
    pdfium.FPDFCatalog_GetLanguage(file, buffer, size)
    return bytes(buffer)[:-2].decode("utf-16-le", errors="replace")


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Interrupts Python code in the main thread, which is where a child parses."""

    def stop(*_: object) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _clean(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    kept = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(kept.split())[:300] or None
