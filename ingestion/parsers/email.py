"""E-mail: the lines a reader sees on top, the body, and then whatever is attached."""

from __future__ import annotations

import email
import email.message
import email.policy
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.attached import with_attachments
from ingestion.parsers.email_parts import ENCRYPTED, Parts, date_of, header, parts_of, walk
from ingestion.parsers.flow import Flow, FlowedFile
from ingestion.parsers.html import parse, show_links, write_html
from ingestion.parsers.kinds import OLE
from ingestion.parsers.outlook import Losses, read_message
from ingestion.parsers.text import write_text

if TYPE_CHECKING:
    from ingestion.parsers import OpenedFile, ParseOptions

_SHOWN = ("From", "To", "Cc", "Date")
_RICHER, _RICHER_BY_WORDS = 1.5, 20
"""An HTML body with that many more words than the plain one is the real message."""


def open_file(path: Path, options: ParseOptions) -> OpenedFile:
    with path.open("rb") as file:
        from_outlook = file.read(8) == OLE
    if from_outlook:
        message, losses = read_message(path)
    else:
        losses = Losses()
        # compat32 keeps malformed headers as they are; the newer policies raise on some of them.
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
    parts = parts_of(message)
    return with_attachments(_written(message, parts, losses, options), parts.attached, options)


def _written(
    message: email.message.Message, parts: Parts, losses: Losses, options: ParseOptions
) -> FlowedFile:
    flow = Flow(options.max_pages)
    subject = header(message, "Subject")
    if subject:
        flow.heading(f"Subject: {subject}", 1)
    lines = [f"{name}: {value}" for name in _SHOWN if (value := header(message, name))]
    flow.paragraph("\n".join(lines))
    for body in parts.bodies:
        _body(flow, body.plain, body.rich)
    if any(part.get_content_type() in ENCRYPTED for part in walk(message)):
        flow.warnings.append("The message is encrypted; its text was not read.")
    names = [attachment.name for attachment in parts.attached if attachment.label is None]
    if names:
        flow.note("Attachments: " + ", ".join(names))
    if parts.left_out:
        flow.unread += 1
        flow.warnings.append("The message has more parts than are read.")
    flow.unread += losses.unread
    flow.warnings += losses.warnings()
    return flow.finish(
        title=subject or None, date=date_of(message), author=header(message, "From") or None
    )


def _body(flow: Flow, plain: str, rich: str) -> None:
    """One body in the form that says more; both forms say the same in most messages."""
    root = parse(rich) if rich.strip() else None
    if root is None:
        write_text(flow, plain)
        return
    shown = Flow()
    write_html(shown, root)
    words = shown.words
    if not plain.strip() or words > _RICHER * len(plain.split()) + _RICHER_BY_WORDS:
        show_links(root)
        write_html(flow, root)
    else:
        write_text(flow, plain)
