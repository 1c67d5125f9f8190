"""E-mail: the lines a reader sees on top, the body, and the names of what is attached."""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import email.utils
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.decoding import decode
from ingestion.parsers.flow import Flow, FlowedFile, one_line
from ingestion.parsers.html import parse, write_html
from ingestion.parsers.text import write_text

if TYPE_CHECKING:
    from ingestion.parsers import ParseOptions

_SHOWN = ("From", "To", "Cc", "Date")
_MAX_PARTS = 1000
_ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")


def open_file(path: Path, options: ParseOptions) -> FlowedFile:
    # compat32 keeps malformed headers as they are; the newer policies raise on some of them.
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
    flow = Flow()
    subject = _header(message, "Subject")
    if subject:
        flow.heading(f"Subject: {subject}", 1)
    lines = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    flow.paragraph("\n".join(lines))
    plain, rich, attached = _parts(message)
    encrypted = any(part.get_content_type() in _ENCRYPTED for part in _walk(message))
    if any(text.strip() for text in plain):
        for text in plain:
            write_text(flow, text)
    else:
        for text in rich:
            if (root := parse(text)) is not None:
                write_html(flow, root)
    if encrypted:
        flow.warnings.append("The message is encrypted; its text was not read.")
    if attached:
        flow.note("Attachments: " + ", ".join(attached))
        noun = "attachment" if len(attached) == 1 else "attachments"
        flow.warnings.append(f"{len(attached)} {noun} not read: {', '.join(attached)}")
    return flow.finish(
        title=subject or None, date=_date(message), author=_header(message, "From") or None
    )


def _parts(message: email.message.Message) -> tuple[list[str], list[str], list[str]]:
    """(plain texts, HTML texts, names of attachments)."""
    plain: list[str] = []
    rich: list[str] = []
    attached: list[str] = []
    for part in _walk(message):
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            continue
        name = one_line(_decoded(part.get_filename() or ""))
        kind = part.get_content_type()
        disposition = part.get_content_disposition()
        if disposition != "attachment" and kind in ("text/plain", "text/html"):
            (plain if kind == "text/plain" else rich).append(_text(part))
        elif kind == "message/rfc822":
            subject = next((_header(inner, "Subject") for inner in _inside(part)), "")
            attached.append(name or (f"message “{subject}”" if subject else "a message"))
        elif disposition != "inline" or (name and not kind.startswith("image/")):
            attached.append(name or f"a part without a name ({kind})")
    return plain, rich, attached


def _walk(message: email.message.Message) -> Iterator[email.message.Message]:
    """Parts in order, not into attached messages; a bounded number of them."""
    waiting = [message]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        yield part
        if part.get_content_type() != "message/rfc822":
            waiting.extend(reversed(_inside(part)))


def _inside(part: email.message.Message) -> list[email.message.Message]:
    payload = part.get_payload()
    if not isinstance(payload, list):
        return []
    return [inner for inner in payload if isinstance(inner, email.message.Message)]


def _text(part: email.message.Message) -> str:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, UnicodeError):
        data = None
    if not isinstance(data, bytes):
        payload = part.get_payload()
        return payload if isinstance(payload, str) else ""
    return decode(data, part.get_content_charset())[0]


def _header(message: email.message.Message, name: str) -> str:
    values = message.get_all(name) or []
    return one_line(", ".join(_decoded(str(value)) for value in values))


def _decoded(value: str) -> str:
    """A header's text with its encoded words decoded; what cannot be is kept as it is."""
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (ValueError, LookupError, UnicodeError, AssertionError):
        return value


def _date(message: email.message.Message) -> str | None:
    try:
        sent: datetime = email.utils.parsedate_to_datetime(_header(message, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return sent.isoformat(timespec="seconds")
