"""Backups on the Admin screen: the last one, the schedule, a button, how far one is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from pages.parts.inert import inert
from server.words import file_size
from store.errors import FootnoteError

if TYPE_CHECKING:
    from ingestion.library import Library
    from ingestion.schedule import BackupStatus
    from store.models import Principal


def panel(library: Library, who: Principal) -> None:
    """All there is to backups; looks again every second while one is made."""
    running = library.backup_status(who).state == "running"
    st.fragment(_panel, run_every=1 if running else None)(library, who, running)


def _panel(library: Library, who: Principal, running: bool) -> None:
    status = library.backup_status(who)
    if running != (status.state == "running"):
        st.rerun()
    with st.empty().container():
        if running:
            done, total = status.done_bytes, status.total_bytes
            text = f"Backing up: {file_size(done)} of {file_size(total)}"
            st.progress(min(1.0, done / total) if total else 0.0, text=text)
            st.button("Cancel", key="cancel-backup", on_click=library.cancel_backup, args=(who,))
            return
        _ended(status)
        st.markdown(_last(status))
        if status.folder is None:
            st.markdown(
                "None are made by themselves: set `FOOTNOTE_BACKUP_FOLDER` to a folder on another "
                "disk. Or run `python -m ingestion backup FILE` while Footnote goes on."
            )
            return
        st.markdown(_schedule(status))
        if st.button("Back up now", icon=":material/archive:", key="back-up-now"):
            try:
                library.backup(who)
                st.rerun()
            except FootnoteError as error:
                st.error(inert(str(error)))


def _ended(status: BackupStatus) -> None:
    if status.failure is not None:
        st.error(inert(f"{when(status.failure.at)}: {status.failure.error}"))
    elif status.state == "failed":
        st.error(inert(status.error or "The backup was not made."))
    elif status.state == "cancelled":
        st.info("The backup was cancelled; nothing of it was left.")


def _last(status: BackupStatus) -> str:
    made = status.last
    if made is None:
        return "No backup has been made yet."
    documents = "1 document" if made.documents == 1 else f"{made.documents} documents"
    new = f" ({file_size(made.new_bytes)} new)" if made.new_bytes != made.bytes else ""
    said = (
        f"**Last backup** {when(made.at)}: {documents}, {file_size(made.bytes)}{new}, "
        f"{made.seconds:.1f} s, {inert(made.path)}"
    )
    if made.lacking:
        said += f". It lacks {len(made.lacking)} originals that are missing or have changed"
    return said


def _schedule(status: BackupStatus) -> str:
    due = max(status.next_at or 0.0, time.time())
    return (
        f"Every {status.every_hours or 0:g} hours into {inert(status.folder or '')}, of which the "
        f"newest {status.keep} are kept; the next one {when(due)}."
    )


def when(at: float) -> str:
    """A moment, in seconds since 1970, for a person."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
