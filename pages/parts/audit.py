"""The audit trail on the Admin screen: the newest entries, and all of them as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.parts.backups import when

if TYPE_CHECKING:
    from ingestion.library import Library
    from store.models import Principal

_SHOWN = 100
_STEP = 5000
_TABLE_PX = 300


def trail(library: Library, who: Principal) -> None:
    """Newest first. The whole chain is checked by Verify, not each time somebody looks."""
    entries = library.newest_audit(who, _SHOWN)
    if not entries:
        st.markdown("Nothing has been done yet.")
        return
    st.caption(
        "Who did what to which document. Entries hold ids, never names or texts, and each is "
        "chained to the one before: Verify notices a change."
    )
    st.dataframe(
        {
            "When": [when(e.at) for e in entries],
            "Who": [e.principal_id for e in entries],
            "What": [e.action.replace("_", " ") for e in entries],
            "Document": [e.document_id or "" for e in entries],
            "Detail": [", ".join(f"{k} {v}" for k, v in e.detail.items()) for e in entries],
            "Entry": [e.seq for e in entries],
        },
        hide_index=True,
        height=min(_TABLE_PX, 38 + 35 * len(entries)),
        key="audit-trail",
    )
    st.download_button(
        f"Download all {entries[0].seq} entries",
        data=lambda: _lines(library, who),
        file_name="audit.jsonl",
        mime="application/jsonl",
        icon=":material/download:",
        on_click="ignore",
        key="audit-download",
    )


def _lines(library: Library, who: Principal) -> bytes:
    """A JSON object a line, as `python -m ingestion audit --json` prints them."""
    lines: list[str] = []
    after = 0
    while entries := library.audit(who, after, _STEP):
        lines += [entry.model_dump_json() for entry in entries]
        after = entries[-1].seq
    return ("\n".join(lines) + "\n").encode()
