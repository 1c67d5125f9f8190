"""The search index on the Admin screen: what a re-index would cost, how it goes, the way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import streamlit as st

from pages.parts.inert import inert
from store.errors import FootnoteError

if TYPE_CHECKING:
    from ingestion.library import Library
    from ingestion.reindex_status import ReindexStatus
    from ingestion.reindexing import ReindexScope
    from store.gates import Asked
    from store.models import Principal

_ASKED = {"marked": "marked right by people", "made": "made from the documents"}


def begin(library: Library, who: Principal) -> None:
    """What a re-index would do now, with its button; why one is advised, where it is."""
    scope = library.reindex_scope(who)
    if scope.why:
        st.warning(inert(scope.why))
    st.markdown(_scope(scope))
    if st.button("Re-index", icon=":material/refresh:", type="primary"):
        _try(lambda: library.reindex(who))


def progress(library: Library, who: Principal, status: ReindexStatus) -> None:
    """How far a running one is, with the button that stops it."""
    done, total = status.documents_done, status.documents_total
    share = min(1.0, done / total) if total else 0.0
    what = "Returning to the earlier index" if status.returning else "Re-indexing"
    st.progress(share, text=f"{what}: {done} of {_many(total, 'document')}, "
                f"{_many(status.chunks, 'passage')}")  # fmt: skip
    st.caption(inert(_cost(status)))
    st.button("Cancel", key="cancel-reindex", on_click=library.cancel_reindex, args=(who,))


def result(library: Library, who: Principal, status: ReindexStatus) -> None:
    """How the last one ended; nothing where there was none."""
    if status.state == "done" and status.returning:
        st.success("The earlier index is in use again.")
    elif status.state == "done":
        st.success(
            f"Re-indexed {_many(status.documents_total, 'document')}, "
            f"{_many(status.chunks, 'passage')}. The new index is in use."
        )
    elif status.state == "held":
        st.warning(inert(f"The new index is built and does not serve. {status.error}"))
        with st.container(horizontal=True):
            if st.button("Use it anyway", icon=":material/check:", key="reindex-anyway"):
                _try(lambda: library.reindex(who, anyway=True))
            st.button(
                "Give it up", key="reindex-give-up", on_click=library.cancel_reindex, args=(who,)
            )
    elif status.state == "cancelled":
        st.info("The re-index was cancelled. The index before it is still in use.")
    elif status.state == "failed":
        st.error(inert(f"The re-index failed; the index before it is still in use. {status.error}"))
    if status.state in ("done", "held"):
        if status.generation and not status.returning:
            st.caption(inert(_cost(status)))
        _gate(status)


def way_back(library: Library, who: Principal) -> None:
    """The earlier index, until when it is kept, and the button that returns to it."""
    kept = library.way_back(who)
    if kept is None:
        return
    more = f" {_many(kept.missing, 'document')} will be put into it first." if kept.missing else ""
    st.markdown(
        inert(
            f"The index that was in use until {_when(kept.retired_at)} is kept until"
            f" {_when(kept.until)}.{more}"
        )
    )
    if st.button("Return to it", icon=":material/undo:", key="reindex-rollback"):
        _try(lambda: library.rollback(who))


def _try(do: Callable[[], object]) -> None:
    try:
        do()
    except FootnoteError as error:
        st.error(inert(str(error)))
    else:
        st.rerun()


def _scope(scope: ReindexScope) -> str:
    texts = _many(scope.to_compute, "text")
    where = f"sent to {scope.host}" if scope.host else "embedded on this machine"
    if scope.to_compute:
        most = "at most " if scope.cut_anew else ""
        said = f"{most}{texts} would be {where}, {_many(scope.reused, 'vector')} used again"
    else:
        said = "all vectors would be used again"
    return inert(
        f"A re-index now: {_many(scope.documents, 'document')}, {_many(scope.chunks, 'passage')};"
        f" {said}. It would take about {_time(scope.seconds)}, and longer while questions are"
        " asked: it makes room for them."
    )


def _cost(status: ReindexStatus) -> str:
    where = f"sent to {status.sent_to}" if status.sent_to else "embedded on this machine"
    texts = f"{_many(status.computed, 'text')} {where}, " if status.computed else ""
    after = f" in {_time(status.seconds)}" if status.seconds is not None else ""
    said = f"{texts}{_many(status.reused, 'vector')} used again{after}."
    return said[0].upper() + said[1:]


def _gate(status: ReindexStatus) -> None:
    if not status.asked:
        return
    lines = ["| Questions asked of both | | Pages found before | and now |", "|---|---|---|---|"]
    lines += [_line(asked) for asked in status.asked]
    st.markdown("\n".join(lines))


def _line(asked: Asked) -> str:
    before = "–" if asked.before is None else f"{asked.before:.0%}"
    return f"| {_ASKED[asked.kind]} | {asked.questions} | {before} | {asked.after:.0%} |"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%-d %B %Y, %H:%M")
