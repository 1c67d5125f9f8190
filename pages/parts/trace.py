"""How an answer came about: its steps with their times, and what the search brought."""

from __future__ import annotations

import streamlit as st

from pages.parts.inert import inert
from store.models import Answer, ModelCall, TraceCandidate, Usage


def show(turn_id: str, answer: Answer) -> None:
    """Closed until somebody wants to know."""
    trace = answer.trace
    if trace is None:
        return
    with st.expander("How this answer came about", key=f"trace-{turn_id}"):
        if trace.prompt:
            st.caption(f"Prompt: {inert(trace.prompt)}")
        if trace.usage:
            st.caption(_spent(trace.usage, len(trace.calls)))
            st.dataframe(list(map(_call, trace.calls)), hide_index=True, key=f"calls-{turn_id}")
        steps = [
            {"Step": step.name, "Milliseconds": step.ms, "": step.detail} for step in trace.steps
        ]
        st.dataframe(steps, hide_index=True, key=f"steps-{turn_id}")
        for sentence in trace.dropped:
            st.caption(f"Left out: {inert(sentence)}")
        if trace.candidates:
            st.caption("What the search brought, best first")
            cited = {(c.document_id, c.page) for c in answer.citations}
            reranked = any(c.fused_score is not None for c in trace.candidates)
            rows = [_row(c, (c.document_id, c.page) in cited, reranked) for c in trace.candidates]
            st.dataframe(rows, hide_index=True, key=f"candidates-{turn_id}")


def _spent(usage: Usage, requests: int) -> str:
    """What the models took, in a sentence."""
    about = "about " if usage.estimated else ""
    said = (
        f"Models: {requests} request{'' if requests == 1 else 's'}, {about}{usage.input_tokens:,}"
        f" tokens sent and {about}{usage.output_tokens:,} received"
    )
    return said if usage.cost is None else f"{said}, cost {about}{_money(usage.cost)}"


def _call(call: ModelCall) -> dict[str, object]:
    counted = call.input_tokens or call.output_tokens
    return {
        "Prompt": call.prompt,
        "Model": call.model,
        "Milliseconds": call.ms,
        "Tokens sent": call.input_tokens,
        "Tokens received": call.output_tokens,
        "Counted by": ("us, estimated" if call.estimated else "its server") if counted else None,
        "Cost": None if call.cost is None else _money(call.cost),
        "Failed": call.error,
    }


def _money(cost: float) -> str:
    """An answer costs a fraction of a cent: two places would say nothing."""
    return f"{cost:.6f}".rstrip("0").rstrip(".")


def _row(candidate: TraceCandidate, cited: bool, reranked: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "Document": candidate.doc,
        "Page": candidate.page,
        "Page cited": cited,
        "Score": candidate.score,
    }
    if reranked:
        row["Reranker's score"] = candidate.rerank_score
        row["Search's score"] = candidate.fused_score
    row["Place by meaning"] = candidate.vector_rank
    row["Place by words"] = candidate.lexical_rank
    return row
