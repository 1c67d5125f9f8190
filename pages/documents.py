"""Documents: drop files in, watch them become ready, look into them, remove them."""

import streamlit as st

from pages.parts import documents as parts
from pages.parts.inert import inert
from server import doors, principals

who = principals.of_screen()
opened = doors.current()
library = opened.library

st.title("Documents")

messages = st.session_state.pop("document_messages", [])
with st.container(border=True):
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    with right:
        space = parts.choose_space(library.spaces(who))
    with left:
        parts.upload(library, who, space, opened.settings.max_file_mb)
for kind, message in messages:
    (st.error if kind == "error" else st.info)(inert(message))


@st.fragment(run_every=1)
def listing_while_reading() -> None:
    """The list, drawn again every second; the whole page once, when nothing is read any more."""
    if not listing():
        st.rerun()


def listing() -> bool:
    """Draw the list; says whether something is still being read."""
    documents = library.list(who)
    parts.counts(documents)
    for document in parts.filtered(documents):
        parts.row(library, who, document)
    return any(parts.is_being_read(d) for d in documents)


chosen = parts.opened_document()
if chosen:
    wide, beside = st.columns([11, 10], gap="medium")
    with beside:
        parts.detail(library, who, chosen)
else:
    wide = st.container()
with wide:
    if any(parts.is_being_read(d) for d in library.list(who)):
        listing_while_reading()
    else:
        listing()
