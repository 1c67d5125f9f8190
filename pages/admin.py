"""Admin: re-index, check and repair, the health of every part, and how pages were read."""

import streamlit as st

from pages.parts import health as parts
from pages.parts import ledger
from pages.parts.inert import inert
from server import doors, principals
from store.errors import FootnoteError

who = principals.of_screen()
opened = doors.current()
library, assistant = opened.library, opened.assistant


def index(running: bool) -> None:
    """Re-index: the button, or progress every second; the whole page once, when it has ended."""
    status = library.reindex_status(who)
    if running != (status.state == "running"):
        st.rerun()
    # Replaced as a whole: the button would stay in sight until the rest of the page is drawn.
    with st.empty().container():
        if running:
            parts.reindex_progress(status)
            st.button("Cancel", key="cancel-reindex", on_click=library.cancel_reindex, args=(who,))
            return
        if st.button("Re-index", icon=":material/refresh:", type="primary"):
            try:
                library.reindex(who)
                st.rerun()
            except FootnoteError as error:
                st.error(inert(str(error)))
        parts.reindex_result(status)


def older() -> None:
    """How many documents an older Footnote read, with a button; nothing where there are none."""
    count = len(library.outdated(who))
    if not count:
        return
    noun = "1 document was" if count == 1 else f"{count} documents were"
    st.markdown(
        f"{noun} read by an older Footnote, or with other settings. Read again, they say what "
        "today's reading finds; until then they answer as they are."
    )
    if st.button("Read them all again", icon=":material/refresh:", key="read-all-again"):
        library.retry_outdated(who)
        st.rerun()


st.title("Admin")
if not who.admin:
    st.error("Only administrators may use this screen.")
    st.stop()

st.subheader("Search index")
st.markdown(
    "Re-index builds a new index from the documents beside the one in use, and then changes over. "
    "Questions are answered meanwhile."
)
running = library.reindex_status(who).state == "running"
st.fragment(index, run_every=1 if running else None)(running)

older()

st.subheader("Check and repair")
st.markdown(
    "Verify compares the catalog with the vector and the word index. Repair also rebuilds what "
    "differs."
)
with st.container(horizontal=True):
    verify = st.button("Verify", icon=":material/fact_check:")
    repair = st.button("Verify and repair", icon=":material/build:")
if verify or repair:
    with st.spinner("Comparing …"):
        parts.report(library.verify(who, repair=repair))

st.subheader("Health")
health = library.health(who)
left, right = st.columns(2, gap="large")
with left:
    parts.checks([*health.checks, parts.model_check(assistant.model_status(who))])
    st.markdown("**Protection of the file readers**")
    parts.protection(health.protection)
    st.markdown("**What one of them may use**")
    parts.limits(library.limits(who))
with right:
    parts.figures(health, library.queue(who))
    st.markdown("**How pages were read**")
    ledger.counts(library.ledger_counts(who))
    st.markdown("**Storage**")
    parts.storage(health.storage)
    with st.expander("Versions"):
        parts.versions(health)
