"""Where an answer may come from: a space, a document, or everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from store.models import ANSWERING, Principal

if TYPE_CHECKING:
    from ingestion.library import Library


class Scope(NamedTuple):
    """None means all."""

    space: str | None = None
    document: str | None = None


def choose(library: Library, who: Principal) -> Scope:
    """Two boxes; the second offers the documents of the first."""
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
    return Scope(space, document)
