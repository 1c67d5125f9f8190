"""Two small buttons under a finished answer: it was right, or it was wrong, and why."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from server import doors, principals
from store.catalog.marks import MAX_NOTE, Verdict
from store.errors import NotFound


def show_marks(turn_id: str) -> None:
    """What the person said of the answer stands out, and a second click takes it back."""
    try:
        mark = doors.current().assistant.mark_of(principals.of_screen(), turn_id)
    except NotFound:  # the conversation was deleted in another window
        return
    said = mark.verdict if mark else None
    with st.container(horizontal=True, gap="small", key=f"marks-{turn_id}"):
        st.button(
            "Right",
            key=f"right-{turn_id}",
            icon=":material/thumb_up:",
            type="secondary" if said == "right" else "tertiary",
            help="Take this back" if said == "right" else "This answer is right",
            on_click=_say,
            args=(turn_id, None if said == "right" else "right"),
        )
        # Another key once something is said: the box closes.
        at = mark.marked_at if mark else 0
        with st.popover(
            "Wrong",
            key=f"wrong-{turn_id}-{at}",
            icon=":material/thumb_down:",
            type="secondary" if said == "wrong" else "tertiary",
            help="This answer is wrong",
        ):
            st.text_area(
                "What is wrong? (optional)",
                value=mark.note if mark else "",
                max_chars=MAX_NOTE,
                key=f"note-{turn_id}-{at}",
            )
            with st.container(horizontal=True, gap="xsmall"):
                st.button(
                    "Mark as wrong",
                    key=f"is-wrong-{turn_id}",
                    on_click=_say,
                    args=(turn_id, "wrong", f"note-{turn_id}-{at}"),
                )
                if said == "wrong":
                    st.button(
                        "Take it back",
                        key=f"unmark-{turn_id}",
                        type="tertiary",
                        on_click=_say,
                        args=(turn_id, None),
                    )


def _say(turn_id: str, verdict: Verdict | None, note_key: str | None = None) -> None:
    note = st.session_state.get(note_key, "") if note_key else ""
    with suppress(NotFound):  # deleted in another window: what is drawn next shows no marks
        doors.current().assistant.mark(principals.of_screen(), turn_id, verdict, note)
