"""The one holder of the open doors: the server's lifespan fills it, screens and API read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.errors import FootnoteError
from store.settings import Settings

if TYPE_CHECKING:
    from ingestion.library import Library
    from retrieval.assistant import Assistant
    from store.wire import PageSource


class NotOpen(FootnoteError):
    """Nobody has opened the data folder in this process."""


@dataclass(frozen=True)
class Doors:
    """What is behind the front door of one data folder."""

    settings: Settings
    library: Library
    assistant: Assistant
    pages: PageSource
    token: str = ""
    """The owner's token: a command line shows it to prove that it read owner.json."""


_held: Doors | None = None


def fill(doors: Doors | None) -> None:
    """Put the open doors into the holder; None empties it."""
    global _held
    _held = doors


def current() -> Doors:
    """The open doors. Raises NotOpen where nobody has opened them."""
    if _held is None:
        raise NotOpen(
            "Footnote is not open. Start it with `streamlit run app.py` or `uvicorn app:app`."
        )
    return _held
