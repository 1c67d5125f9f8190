"""Certificates of deletion: the one of what was just removed, and the list of all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from pages.parts import messages
from store.errors import FootnoteError
from store.models import Principal
from store.wire import certificate_json

if TYPE_CHECKING:
    from ingestion.library import Library
    from store.catalog.deletions import Certificate

_KEY = "removed_document"


def remove(library: Library, who: Principal, document_id: str) -> None:
    """Remove a document; its certificate is offered above the list from the next run on."""
    try:
        library.remove(who, document_id)
        st.session_state[_KEY] = document_id
    except FootnoteError as error:
        messages.say("error", str(error))


def offer(library: Library, who: Principal) -> None:
    """What the last removal of this session came to, until it is closed."""
    document_id = st.session_state.get(_KEY)
    if document_id is None or not who.admin:
        return
    certificate = library.certificate(who, document_id)
    with st.container(horizontal=True, vertical_alignment="center", key="removed", border=True):
        st.text(_said(certificate), width="stretch")
        _download("Deletion certificate", f"deletion-{document_id}", [certificate])
        st.button("Close", key="close-removed", type="tertiary", on_click=_close)


def listed(library: Library, who: Principal) -> None:
    """All that was removed for good, newest first; documents are named by id only."""
    certificates = library.certificates(who)[::-1]
    if not certificates:
        st.caption("Nothing was removed yet.")
        return
    rows = [
        {
            "Document": c.document_id,
            "Removed": datetime.fromtimestamp(c.begun_at, UTC),
            "By": c.by,
            "Found": sum(s.before for s in c.stores),
            "Left": sum(s.after for s in c.stores),
            "Backups told": len(c.backups),
        }
        for c in certificates
    ]
    st.dataframe(rows, hide_index=True, key="deletions")
    _download("All certificates", "deletions", certificates)


def _said(certificate: Certificate) -> str:
    if certificate.proved:
        return "The document was removed for good; nothing is left of it."
    if certificate.done_at is None:
        return "The document answers no more; the rest of it is removed in a moment."
    left = ", ".join(f"{s.store} ({s.after})" for s in certificate.stores if s.after)
    return f"The document was removed, but something is left: {left}. Verify and repair."


def _download(label: str, name: str, certificates: list[Certificate]) -> None:
    data = json.dumps([certificate_json(c) for c in certificates], indent=2)
    st.download_button(
        label,
        data,
        file_name=f"{name}.json",
        mime="application/json",
        icon=":material/download:",
        key=f"download-{name}",
    )


def _close() -> None:
    st.session_state.pop(_KEY, None)
