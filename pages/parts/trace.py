"""How an answer came about: its steps with their times, and what the search brought."""

from __future__ import annotations

import streamlit as st

from pages.parts.inert import inert
from store.models import Answer, TraceCandidate


def show(turn_id: str, answer: Answer) -> None:
    """Closed until somebody wants to know."""
    trace = answer.trace
    if trace is None:
        return
    with st.expander("How this answer came about", key=f"trace-{turn_id}"):
        if trace.prompt:
            st.caption(f"Prompt: {inert(trace.prompt)}")
        steps = [
            {"Step": step.name, "Milliseconds": step.ms, "": step.detail} for step in trace.steps
        ]
        st.dataframe(steps, hide_index=True, key=f"steps-{turn_id}")
        for sentence in trace.dropped:
            st.caption(f"Left out: {inert(sentence)}")
        if trace.candidates:
            st.caption("What the search brought, best first")
            cited = {(c.document_id, c.page) for c in answer.citations}
            rows = [_row(c, (c.document_id, c.page) in cited) for c in trace.candidates]
            st.dataframe(rows, hide_index=True, key=f"candidates-{turn_id}")


def _row(candidate: TraceCandidate, cited: bool) -> dict[str, object]:
    return {
        "Document": candidate.doc,
        "Page": candidate.page,
        "Page cited": cited,
        "Score": candidate.score,
        "Place by meaning": candidate.vector_rank,
        "Place by words": candidate.lexical_rank,
    }
