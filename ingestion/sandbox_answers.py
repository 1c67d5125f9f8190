"""What a child says, as far as it may be believed: it may have been taken over by its file."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from pydantic import ValidationError

from ingestion.sandbox_child import ChildFault
from store.errors import Unreadable
from store.models import ParsedPage

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
    return page


def failed_page(number: int, fault: Exception) -> ParsedPage:
    reason = str(fault)
    if not isinstance(fault, Unreadable):
        reason = f"This page could not be read: {reason}."
    return ParsedPage(number=number, text="", how="failed", error=reason)


def sentence(text: object) -> str:
    """A child's words to a person: one line, bounded, printable."""
    return "".join(c for c in str(text)[:500] if c.isprintable())
