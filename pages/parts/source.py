"""The source beside an answer: the page of a footnote in the viewer, with its words marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from pages.parts.inert import inert
from store.models import Citation, Span
from store.states import described_by

_KEY = "opened_source"
VISION = ":material/visibility:"
"""Marks a vision model's words."""
GONE = ":material/delete_forever:"
"""Marks a source that was removed for good."""
_HEIGHT_PX = 640  # style.css makes it as tall as the window allows


class Source(NamedTuple):
    """A page to show. `label` goes above it, `address` is the viewer's; `note` says whose words
    are marked where they are not the document's."""

    label: str
    address: str
    note: str | None = None


def address(page_id: int, spans: Sequence[Span] = ()) -> str:
    """The viewer's address of a page, its words marked."""
    marks = ",".join(f"{s.start}-{s.end}" for s in spans if s.page_id == page_id)
    return f"/view/{page_id}?spans={marks}#mark" if marks else f"/view/{page_id}"


def of_citation(citation: Citation) -> Source:
    """What opening a footnote shows: the page of its first span."""
    first = citation.spans[0].page_id
    return Source(f"Footnote [{citation.n}]", address(first, citation.spans), note_of(citation))


def note_of(citation: Citation) -> str | None:
    """Whose words a citation quotes; None where they are the document's."""
    return described_by(citation.described_by) if citation.how == "vision" else None


def opened() -> Source | None:
    """The source this session has open."""
    return st.session_state.get(_KEY)


def open_source(source: Source) -> None:
    """Show `source` from the next run on."""
    st.session_state[_KEY] = source


def close() -> None:
    """Show none."""
    st.session_state.pop(_KEY, None)


def show(source: Source) -> None:
    """The viewer in a frame; it stays in sight while the conversation scrolls."""
    with st.container(key="source", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{inert(source.label, 80)}**", width="stretch")
            new_tab(source.address)
            close_button("close-source", close)
        if source.note:
            st.caption(f"{VISION} {inert(source.note)}")
        frame(source.address)


def frame(of_page: str) -> None:
    """The viewer in a frame."""
    st.iframe(of_page, height=_HEIGHT_PX, alt="The page, with the cited words highlighted")


def new_tab(of_page: str) -> None:
    """The viewer on its own."""
    st.link_button("New tab", of_page, icon=":material/open_in_new:", type="tertiary")


def close_button(key: str, on_click: Callable[..., None], *args: object) -> None:
    """Closes what stands beside."""
    icon = ":material/close:"
    st.button("Close", key=key, icon=icon, type="tertiary", on_click=on_click, args=args)
