"""How a document's state is said: alike in lists, on screens, on command lines and in the API."""

from __future__ import annotations

import re
from collections.abc import Iterable

from store.models import Document, Status

LABELS: dict[Status, str] = {
    "queued": "Waiting",
    "processing": "Being read",
    "ready": "Ready",
    "partial": "Partly read",
    "no_text": "No text found",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "duplicate": "Already here",
}
PAUSED = "Paused"
EARLIER_ANSWERS = "Until it is ready, the version before goes on answering."
EARLIER_STAYS = "The version before goes on answering."
OUTDATED = "read by an older Footnote, or with other settings"
# What the pipeline says of lost pages; the numbers are ours, the reason may be a parser's.
_LOSS = re.compile(
    r"^(?:Pages? \d[\d,– ]* (?:failed|breaks? off): |[\d,]+ pages beyond the limit )"
)
_LAST_COMMA = re.compile(r"^(Pages \d[\d,– ]*), (\d[\d–]*) (failed|break off): ")


def label(document: Document) -> str:
    """One or two words: Ready, Partly read, Paused …"""
    return PAUSED if document.paused else LABELS[document.status]


def sentence(document: Document) -> str:
    """The state with its reason: “Partly read, pages 3 and 7 failed: …”."""
    lost = losses(document)
    if document.status == "partial" and lost:
        said = [_LAST_COMMA.sub(r"\1 and \2 \3: ", loss) for loss in lost]
        return f"{LABELS['partial']}, {' '.join([said[0][0].lower() + said[0][1:], *said[1:]])}"
    return f"{label(document)}: {document.error}" if document.error else label(document)


def losses(document: Document) -> tuple[str, ...]:
    """The sentences among its warnings that say which pages were lost."""
    return tuple(w for w in document.warnings if _LOSS.match(w))


def without_losses(warnings: Iterable[str]) -> list[str]:
    """What is left to say of a document that is read again."""
    return [w for w in warnings if not _LOSS.match(w)]


def described_by(model: str | None) -> str:
    """What is said beside every word of a vision model."""
    return f"described by a vision model ({model}), not read from the document"


def earlier(document: Document) -> str | None:
    """What the version before does meanwhile; None where there is none that answers."""
    if not document.earlier_answers:
        return None
    return EARLIER_ANSWERS if document.status in ("queued", "processing") else EARLIER_STAYS
