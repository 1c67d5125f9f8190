"""Admin: re-index, check and repair, the health of every part, and how pages were read."""

import streamlit as st

from pages.parts import audit, backups, deletions, ledger, reindex
from pages.parts import health as parts
from server import doors, principals

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
            reindex.progress(library, who, status)
            return
        reindex.begin(library, who)
        reindex.result(library, who, status)
        reindex.way_back(library, who)


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
    "Re-index builds a new index from the documents beside the one in use, asks both the same "
    "questions, and changes over where the new one finds no less. Questions are answered meanwhile."
)
running = library.reindex_status(who).state == "running"
st.fragment(index, run_every=1 if running else None)(running)

older()

st.subheader("Check and repair")
st.markdown(
    "Verify looks whether each document is there once and whole, whether both indexes hold and "
    "find every passage, and whether nothing deleted is left. Repair also rebuilds what differs."
)
with st.container(horizontal=True):
    verify = st.button("Verify", icon=":material/fact_check:")
    repair = st.button("Verify and repair", icon=":material/build:")
if verify or repair:
    with st.spinner("Comparing …"):
        parts.report(library.verify(who, repair=repair))

st.subheader("Backups")
backups.panel(library, who)

st.subheader("Removed documents")
deletions.listed(library, who)

st.subheader("Audit trail")
audit.trail(library, who)

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
