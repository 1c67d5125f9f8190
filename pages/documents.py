"""Documents: drop files in, watch them become ready, look into them, remove them."""

import streamlit as st

from pages.parts import arrivals, deletions, messages
from pages.parts import documents as parts
from server import doors, principals

who = principals.of_screen()
opened = doors.current()
library = opened.library

st.title("Documents")

with st.container(border=True):
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    with right:
        space = parts.choose_space(library.spaces(who))
    with left:
        ask = opened.settings.same_name == "ask"
        arrivals.upload(library, who, space, opened.settings.max_file_mb, ask)
arrivals.choices(library, who)


def listing(reading: bool) -> None:
    """The list. While something is read it is drawn every second, and the page once at the end."""
    messages.show()
    deletions.offer(library, who)
    documents = library.list(who)
    if reading != parts.any_being_read(documents):
        st.rerun()
    queue = library.queue(who)
    with st.container(horizontal=True, vertical_alignment="center"):
        parts.counts(documents)
        parts.pausing(library, who, queue)
    for document in parts.filtered(documents):
        parts.row(library, who, document, queue.paused)


chosen = parts.opened_document()
if chosen:
    wide, beside = st.columns([11, 10], gap="medium")
    with beside:
        every = parts.SECONDS_WHILE_READ if parts.being_read(library, who, chosen) else None
        st.fragment(parts.detail, run_every=every)(library, who, chosen)
else:
    wide = st.container()
with wide:
    # One fragment whether or not it has a timer: a click that is under way finds it again.
    reading = parts.any_being_read(library.list(who))
    st.fragment(listing, run_every=1 if reading else None)(reading)
