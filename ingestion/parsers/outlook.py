"""Outlook messages (.msg), turned into the internet messages that they once were.

([MS-OXMSG] describes the storages, [MS-OXPROPS] the numbers of the properties.)
"""

from __future__ import annotations

import email.message
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Any

from ingestion.parsers.decoding import decode
from ingestion.parsers.flow import one_line
from ingestion.parsers.ole_objects import file_at
from ingestion.parsers.outlook_rtf import NotRtf, body_of
from store.errors import Unreadable

MAX_DEPTH = 5
MAX_ATTACHED = 500
_PROPERTIES = "__properties_version1.0"
_SUBJECT, _BODY, _HTML, _TO, _CC = "0037", "1000", "1013", "0E04", "0E03"
_RTF = "10090102"
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP = "0C1A", "0C1F", "5D01"
_DATA, _LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _CONTENT_ID = "3701", "3707", "3704", "3001", "3712"
_TIMES = (0x00390040, 0x0E060040, 0x30070040)
"""Sent, delivered, created."""
_DAMAGED = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error)


@dataclass(slots=True)
class Losses:
    """What a message holds and is not read, at every depth together."""

    bodies: int = 0
    too_deep: int = 0
    too_many: int = 0
    objects: list[str] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """How many pieces lie beyond what is read."""
        return self.bodies + self.too_deep + self.too_many

    def warnings(self) -> list[str]:
        """A sentence for each kind of loss."""
        said = []
        if self.bodies:
            said.append("The text of a message is formatted (RTF) and could not be read.")
        if self.too_deep:
            messages = _count(self.too_deep, "attached message")
            said.append(f"{messages} not read: messages in messages are followed {MAX_DEPTH} deep.")
        if self.too_many:
            attached = _count(self.too_many, "attachment")
            said.append(f"{attached} not read: a message has at most {MAX_ATTACHED} that are.")
        if self.objects:
            objects = _count(len(self.objects), "embedded object")
            names = ", ".join(dict.fromkeys(name for name in self.objects[:20] if name))
            said.append(f"{objects} not read, of another program{f': {names}' if names else ''}.")
        return said


def read_message(path: Path) -> tuple[email.message.Message, Losses]:
    """The message with its bodies and attachments. Raises Unreadable where it is damaged."""
    from olefile.olefile import OleFileIO

    try:
        with OleFileIO(str(path)) as file:
            losses = Losses()
            return _message(file, [], 0, losses), losses
    except _DAMAGED as error:
        raise Unreadable("This Outlook message is damaged and cannot be opened.") from error


def _message(file: Any, at: list[str], depth: int, losses: Losses) -> email.message.Message:
    message = MIMEMultipart("mixed")
    _head(message, "Subject", _text(file, at, _SUBJECT))
    name, address = _text(file, at, _SENDER), _text(file, at, _SENDER_SMTP)
    address = address or _text(file, at, _SENDER_ADDRESS)
    sender = formataddr((name, address)) if "@" in address and address.isascii() else name
    _head(message, "From", sender)
    _head(message, "To", _text(file, at, _TO))
    _head(message, "Cc", _text(file, at, _CC))
    if sent := _sent(file, at):
        message["Date"] = format_datetime(sent)
    bodies = MIMEMultipart("alternative")
    for number, kind in ((_BODY, "plain"), (_HTML, "html")):
        if text := _text(file, at, number):
            bodies.attach(MIMEText(text, kind, "utf-8"))
    if not bodies.get_payload() and (packed := _bytes(file, at, _RTF)):
        try:
            text, kind = body_of(packed)
            bodies.attach(MIMEText(text, kind, "utf-8"))
        except NotRtf:
            losses.bodies += 1
    message.attach(bodies)
    inside = [e for e in file.listdir(streams=False, storages=True) if len(e) == len(at) + 1]
    attached = [e for e in inside if e[:-1] == at and e[-1].startswith("__attach_version1.0")]
    losses.too_many += max(0, len(attached) - MAX_ATTACHED)
    for storage in attached[:MAX_ATTACHED]:
        _attach(file, message, storage, depth, losses)
    return message


def _attach(file: Any, message: MIMEMultipart, at: list[str], depth: int, losses: Losses) -> None:
    name = _text(file, at, _LONG_NAME) or _text(file, at, _SHORT_NAME)
    name = one_line(name or _text(file, at, _SHOWN_NAME))
    inner = [*at, f"__substg1.0_{_DATA}000D"]
    if file.exists(inner):
        # An object of another program may lie there instead of a message.
        if not file.exists([*inner, _PROPERTIES]):
            if (held := file_at(file, inner)) is None:
                losses.objects.append(name)
                return
            name, data = held
        elif depth < MAX_DEPTH:
            message.attach(MIMEMessage(_message(file, inner, depth + 1, losses)))
            return
        else:
            losses.too_deep += 1
            return
    else:
        data = _bytes(file, at, f"{_DATA}0102")
    part = MIMEApplication(data)
    part.add_header("Content-Disposition", "attachment", filename=name or "attachment")
    if identity := _text(file, at, _CONTENT_ID):
        _head(part, "Content-ID", f"<{identity}>")
    if Path(name.lower()).suffix in (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff"):
        part.replace_header("Content-Type", f"image/{Path(name.lower()).suffix[1:]}")
    message.attach(part)


def _count(number: int, noun: str) -> str:
    return f"1 {noun} was" if number == 1 else f"{number} {noun}s were"


def _head(message: email.message.Message, name: str, value: str) -> None:
    if value := one_line(value):
        message[name] = value


def _text(file: Any, at: list[str], number: str) -> str:
    """A property as text: UTF-16, in the writer's code page, or bytes that name their own."""
    if wide := _bytes(file, at, f"{number}001F"):
        return wide.decode("utf-16-le", errors="replace").rstrip("\0")
    narrow = _bytes(file, at, f"{number}001E") or _bytes(file, at, f"{number}0102")
    return decode(narrow)[0].rstrip("\0") if narrow else ""


def _bytes(file: Any, at: list[str], tag: str) -> bytes:
    stream = [*at, f"__substg1.0_{tag}"]
    if not file.exists(stream):
        return b""
    with file.openstream(stream) as opened:
        return opened.read()


def _sent(file: Any, at: list[str]) -> datetime | None:
    stream = [*at, _PROPERTIES]
    if not file.exists(stream):
        return None
    with file.openstream(stream) as opened:
        data = opened.read()
    times = {}
    for start in range(24 if at else 32, len(data) - 15, 16):
        (tag,) = struct.unpack_from("<I", data, start)
        (times[tag],) = struct.unpack_from("<Q", data, start + 8)
    for tag in _TIMES:
        if 0 < times.get(tag, 0) < 2**60:
            return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=times[tag] // 10)
    return None
