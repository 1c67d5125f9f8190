"""Where an answer may come from (a space, a document, everything), and how it is to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from retrieval.routes import ROUTES
from store.models import ANSWERING, Principal

if TYPE_CHECKING:
    from ingestion.library import Library


class Scope(NamedTuple):
    """None means all; a `route` of None lets the question decide."""

    space: str | None = None
    document: str | None = None
    route: str | None = None


def choose(library: Library, who: Principal) -> Scope:
    """Three boxes; the second offers the documents of the first."""
    spaces = sorted(library.spaces(who).values())
    space = st.selectbox("Space", spaces, index=None, placeholder="All spaces", key="scope_space")
    documents = [d for d in library.list(who, space) if d.status in ANSWERING]
    names = {d.id: d.name for d in sorted(documents, key=lambda d: d.name.casefold())}
    document = st.selectbox(
        "Document",
        list(names),
        format_func=lambda document_id: names.get(document_id, ""),
        index=None,
        placeholder="All documents",
        key="scope_document",
    )
    route = st.selectbox(
        "Answer as",
        ROUTES,
        format_func=str.capitalize,
        index=None,
        placeholder="Automatic",
        key="scope_route",
        help="How the question is answered. Automatic: its words decide.",
    )
    return Scope(space, document, route)
