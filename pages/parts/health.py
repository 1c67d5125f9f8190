"""What the Admin screen is made of: checks, protection, storage, versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.parts.inert import inert
from server.words import file_size
from store.models import Check

if TYPE_CHECKING:
    from ingestion.checkup import Health, VerifyReport
    from ingestion.sandbox import Limits, Protection
    from retrieval.assistant import ModelStatus
    from store.catalog.jobs import Queue

_LIMITS = {
    "memory_mb": ("Memory", "MB", "FOOTNOTE_PARSER_MEMORY_MB"),
    "page_timeout_s": ("One page", "s", "FOOTNOTE_PAGE_TIMEOUT_S"),
    "stuck_s": ("No page back", "s", "FOOTNOTE_PARSER_STUCK_S"),
    "recycle_pages": ("Its life", "pages", "FOOTNOTE_PARSER_RECYCLE_PAGES"),
    "idle_s": ("No work", "s", "FOOTNOTE_PARSER_IDLE_S"),
    "open_files": ("Open files", "", "FOOTNOTE_PARSER_OPEN_FILES"),
    "file_mb": ("A file written", "MB", "FOOTNOTE_PARSER_FILE_MB"),
    "scratch_mb": ("Scratch folder", "MB", "FOOTNOTE_PARSER_SCRATCH_MB"),
    "answer_mb": ("One answer", "MB", "FOOTNOTE_PARSER_ANSWER_MB"),
}
"""What `ingestion.sandbox.Limits` says, in words: label, unit, setting."""


def report(found: VerifyReport) -> None:
    """What a comparison found, and what was repaired."""
    if found.repaired:
        st.success(inert(f"Repaired: {', '.join(found.repaired)}"))
    elif found.ok:
        st.success("Everything agrees.")
    else:
        st.error("Not everything agrees. Verify and repair rebuilds what differs.")
    checks(found.checks)


def model_check(status: ModelStatus) -> Check:
    """The language model as one line among the checks."""
    said = f"{', '.join(status.models)} at {status.host}. {status.note}"
    return Check(name="model", ok=True, detail=said if status.configured else status.note)


def checks(found: Iterable[Check]) -> None:
    """One line a check."""
    _table(
        ("", "Part", "Found"),
        [(_sign(check.ok), inert(check.name), inert(check.detail)) for check in found],
    )


def protection(found: Sequence[Protection]) -> None:
    """What keeps a hostile file from doing harm, and whether it is active here."""
    _table(
        ("", "Protection", ""),
        [(_sign(p.active), inert(p.name), inert(p.detail)) for p in found],
    )


def limits(of: Limits) -> None:
    """What a process that reads files may use, each with the setting that changes it."""
    _table(
        ("Limit", "", "Setting"),
        [
            (said, f"{getattr(of, name):g}\u00a0{unit}", f"`{setting}`")
            for name, (said, unit, setting) in _LIMITS.items()
        ],
    )


def figures(health: Health, queue: Queue) -> None:
    """The large numbers."""
    with st.container(horizontal=True):
        st.metric("Documents", health.documents)
        st.metric("Passages", health.chunks)
        st.metric("Waiting", queue.waiting)
        if queue.held:
            st.metric("Paused", queue.held)


def storage(sizes: Mapping[str, int]) -> None:
    """What lies on the disk."""
    rows = [(inert(name), file_size(size)) for name, size in sizes.items()]
    _table(("Kept", "Size"), [*rows, ("**all**", f"**{file_size(sum(sizes.values()))}**")])


def versions(health: Health) -> None:
    """What runs here."""
    ours = {
        "index generation": health.generation,
        "embedder": health.fingerprint,
        "chunker": health.chunker,
    }
    rows = [(inert(what), inert(version)) for what, version in (ours | health.versions).items()]
    _table(("What", "Version"), rows)


def _sign(ok: bool) -> str:
    return ":green[:material/check_circle:]" if ok else ":orange[:material/warning:]"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A markdown table; the cells are inert already."""
    lines = [head, ["---"] * len(head), *rows]
    st.markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
