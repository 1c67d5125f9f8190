"""A message taken apart: its bodies, and what it carries, as bytes with names."""

from __future__ import annotations

import email.header
import email.message
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ingestion.parsers.attached import Attachment
from ingestion.parsers.decoding import decode
from ingestion.parsers.flow import one_line
from ingestion.parsers.inline_pictures import worth_reading

Message = email.message.Message

ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")
_MAX_PARTS = 1000
_CID = re.compile(r"cid:([^\"'\s>)]+)", re.IGNORECASE)
_PROTOCOL = frozenset(
    ("message/delivery-status", "message/disposition-notification", "text/rfc822-headers")
)
"""What machines tell each other; short texts, worth reading like a body."""
_SUFFIXES = {
    "application/pdf": ".pdf", "text/csv": ".csv", "text/html": ".html", "text/plain": ".txt",
    "text/calendar": ".ics", "image/png": ".png", "image/jpeg": ".jpg", "message/rfc822": ".eml",
}  # fmt: skip


@dataclass(slots=True)
class Body:
    """What one place of the message says, in one or two forms."""

    plain: str = ""
    rich: str = ""


@dataclass(slots=True)
class Parts:
    """`left_out`: the message has more parts than are looked at."""

    bodies: list[Body] = field(default_factory=list)
    attached: list[Attachment] = field(default_factory=list)
    left_out: bool = False


def parts_of(message: Message) -> Parts:
    """Bodies and attachments in order; pictures that only adorn the message are left out."""
    found = Parts()
    pictures: list[tuple[Message, str]] = []
    shown: set[str] = set()
    forms: dict[int, Body] = {}
    count = 0
    for part, alternative in _parts(message):
        count += 1
        kind = part.get_content_type()
        if kind in ENCRYPTED or (part.is_multipart() and not _is_message(part)):
            continue
        name = one_line(decoded(part.get_filename() or ""))
        disposition = part.get_content_disposition()
        if kind in _PROTOCOL:
            found.bodies.append(Body(plain=_text(part)))
        elif disposition != "attachment" and kind in ("text/plain", "text/html") and not name:
            text = _text(part)
            body = forms.get(alternative) if alternative else None
            if body is None or (body.plain if kind == "text/plain" else body.rich):
                body = forms[alternative] = Body()
                found.bodies.append(body)
            if kind == "text/plain":
                body.plain = text
            else:
                body.rich = text
                shown.update(_CID.findall(text))
        elif kind.startswith("image/"):
            pictures.append((part, name))
        elif kind in ("message/rfc822", "message/global"):
            found.attached += [_forwarded(inner, name) for inner in _inside(part)]
        else:
            found.attached.append(Attachment(name or _nameless(kind), _data(part)))
    found.left_out = count >= _MAX_PARTS
    for part, name in pictures:
        data = _data(part)
        identity = (part.get("Content-ID") or "").strip("<> \t")
        inline = part.get_content_disposition() != "attachment" or identity in shown
        if not inline:
            found.attached.append(Attachment(name or _nameless(part.get_content_type()), data))
        elif worth_reading(data):
            found.attached.append(Attachment(name, data, f"Picture {name}".strip()))
    return found


def walk(message: Message) -> Iterator[Message]:
    """Parts in order, not into attached messages; a bounded number of them."""
    return (part for part, _ in _parts(message))


def header(message: Message, name: str) -> str:
    """All values of a header on one line, "" where it is absent."""
    values = message.get_all(name) or []
    return one_line(", ".join(decoded(str(value)) for value in values))


def decoded(value: str) -> str:
    """A header's text with its encoded words decoded; what cannot be is kept as it is."""
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (ValueError, LookupError, UnicodeError, AssertionError):
        return value


def date_of(message: Message) -> str | None:
    """When the message was sent, ISO 8601."""
    try:
        sent: datetime = email.utils.parsedate_to_datetime(header(message, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return sent.isoformat(timespec="seconds")


def _parts(message: Message) -> Iterator[tuple[Message, int]]:
    """Parts with the number of the multipart/alternative they are a form of, 0 for none."""
    waiting = [(message, 0)]
    for number in range(1, _MAX_PARTS + 1):
        if not waiting:
            return
        part, alternative = waiting.pop()
        yield part, alternative
        if part.get_content_type() == "multipart/alternative":
            alternative = number
        if part.get_content_type() not in ENCRYPTED and not _is_message(part):
            waiting.extend((inner, alternative) for inner in reversed(_inside(part)))


def _is_message(part: Message) -> bool:
    return part.get_content_type().startswith("message/")


def _inside(part: Message) -> list[Message]:
    payload = part.get_payload()
    if not isinstance(payload, list):
        return []
    return [inner for inner in payload if isinstance(inner, Message)]


def _forwarded(message: Message, name: str) -> Attachment:
    subject = header(message, "Subject")
    try:
        data = message.as_bytes()
    except (UnicodeError, LookupError, ValueError, TypeError, KeyError):
        data = message.as_string().encode("utf-8", errors="replace")
    return Attachment(name or f"{subject or 'message'}.eml".replace("/", "-"), data)


def _nameless(kind: str) -> str:
    return f"without a name{_SUFFIXES.get(kind, '')}"


def _data(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, UnicodeError):
        data = None
    if isinstance(data, bytes):
        return data
    inner = _inside(part)
    return b"\n".join(one.as_bytes() for one in inner)


def _text(part: Message) -> str:
    data = _data(part)
    if not data:
        payload = part.get_payload()
        return payload if isinstance(payload, str) else ""
    return decode(data, part.get_content_charset())[0]
