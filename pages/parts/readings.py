"""What a vision model said of a document's pages: offered, and looked at beside what was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.parts import messages, source
from store.errors import FootnoteError
from store.models import Document, Page, Principal

if TYPE_CHECKING:
    from ingestion.library import Library

_READ, _DESCRIBED = "As it was read", "As a vision model describes it"


def offer(library: Library, who: Principal, document: Document) -> None:
    """A button where pictures of the document are still to be described."""
    if not library.is_to_be_described(who, document.id):
        return
    if st.button(
        "Describe pictures",
        icon=source.VISION,
        key=f"describe-{document.id}",
        help="Charts, drawings and poorly readable pages are sent to the vision model",
    ):
        try:
            library.retry(who, document.id)
        except FootnoteError as error:
            messages.say("error", str(error))
        st.rerun()


def chosen(readings: Sequence[Page], number: int, document_id: str) -> Page | None:
    """The reading of a page, when there is one and the person wants to see it."""
    reading = next((page for page in readings if page.number == number), None)
    if reading is None:
        return None
    wanted = st.segmented_control(
        "Shown",
        (_READ, _DESCRIBED),
        default=_READ,
        key=f"reading-{document_id}",
        label_visibility="collapsed",
    )
    return reading if wanted == _DESCRIBED else None
