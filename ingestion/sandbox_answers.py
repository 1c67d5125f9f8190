"""What a child says, as far as it may be believed: it may have been taken over by its file."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from pydantic import ValidationError

from ingestion.sandbox_child import ChildFault
from store.errors import Unreadable
from store.models import ParsedDocument, ParsedPage

_NOT_CANONICAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def believed_page(number: int, message: dict[str, Any], blob: bytes) -> ParsedPage:
    """The page as it may be believed. Raises ChildFault when it breaks the rules."""
    if "unreadable" in message:
        return failed_page(number, Unreadable(sentence(message["unreadable"])))
    if "fault" in message:
        return failed_page(number, ChildFault(sentence(message["fault"])))
    try:
        page = ParsedPage.model_validate(
            {**message["page"], "boxes": blob if message["pictured"] else None}
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise ChildFault("it made the reader fail") from error
    text, end = page.text, 0
    lawful = page.number == number and len(blob) % 16 == 0 and not _NOT_CANONICAL.search(text)
    lawful = lawful and unicodedata.is_normalized("NFC", text)
    for block in page.blocks:
        inside = end <= block.start <= block.end <= len(text)
        cells = all(block.start <= c.start <= c.end <= block.end for c in block.cells)
        lawful, end = lawful and inside and cells, block.end
    if not lawful:
        raise ChildFault("it made the reader fail")
    figures = tuple(tuple(min(1.0, max(0.0, v)) for v in box) for box in page.figures[:50])
    said = {"error": page.error, "label": page.label}
    plain = {name: sentence(text) for name, text in said.items() if text is not None}
    return page.model_copy(update={**plain, "flags": page.flags[:20], "figures": figures})


def believed_info(message: dict[str, Any], max_pages: int) -> ParsedDocument:
    """What the file is, its texts made plain. Raises Unreadable when it breaks the rules."""
    try:
        info = ParsedDocument.model_validate(message["info"])
        if not (0 <= info.pages <= max_pages and info.unread >= 0):
            raise ValueError("no such number of pages")
    except (KeyError, ValueError) as error:
        reason = sentence(message.get("fault", "it is damaged"))
        raise Unreadable(f"This file could not be read: {reason}.") from error
    plain = {
        name: sentence(text)
        for name in ("title", "date", "author", "language")
        if (text := getattr(info, name)) is not None
    }
    return info.model_copy(update={**plain, "warnings": tuple(map(sentence, info.warnings))})


def failed_page(number: int, fault: Exception) -> ParsedPage:
    reason = str(fault)
    if not isinstance(fault, Unreadable):
        reason = f"This page could not be read: {reason}."
    return ParsedPage(number=number, text="", how="failed", error=reason)


def sentence(text: object) -> str:
    """A child's words to a person: one line, bounded, printable."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:500]).split())
