"""What the Documents screen is made of: the list, one row, one document's pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.parts import deletions, ledger, messages, readings, source
from pages.parts.inert import inert
from server import words
from server.words import file_size
from store import states
from store.errors import FootnoteError, NotFound
from store.models import Document, Page, Principal, Status

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from ingestion.library import Library
    from store.catalog.jobs import Queue
    from store.catalog.ledger import LedgerLine

SECONDS_WHILE_READ = 2
_SHOWN = 50
_BEING_READ: tuple[Status, ...] = ("queued", "processing")
_Colour = Literal["gray", "blue", "green", "orange", "red"]
_LOOKS: dict[Status, tuple[_Colour, str]] = {
    "queued": ("gray", ":material/schedule:"),
    "processing": ("blue", ":material/hourglass_top:"),
    "ready": ("green", ":material/check:"),
    "partial": ("orange", ":material/rule:"),
    "no_text": ("orange", ":material/hide_source:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("gray", ":material/cancel:"),
    "duplicate": ("gray", ":material/content_copy:"),
}


def any_being_read(documents: Iterable[Document]) -> bool:
    """Whether any is waiting or at work; a paused one changes only when somebody asks."""
    return any(d.status in _BEING_READ and not d.paused for d in documents)


def being_read(library: Library, who: Principal, document_id: str) -> bool:
    """Whether this document is waiting or at work."""
    try:
        return any_being_read([library.document(who, document_id)])
    except NotFound:
        return False


def choose_space(spaces: dict[str, str]) -> str:
    """The space new files go to; a name that is not in the list makes a new one."""
    names = sorted({"main", *spaces.values()} - {"samples"})
    return (
        st.selectbox(
            "Add to space",
            names,
            index=names.index("main"),
            accept_new_options=True,
            key="upload_space",
            help="A space holds documents that belong together. Type a new name to make one.",
        )
        or "main"
    )


def pausing(library: Library, who: Principal, queue: Queue) -> None:
    """Pause or resume the whole queue, while there is one."""
    if queue.paused:
        wait = "1 file waits" if queue.held == 1 else f"{queue.held} files wait"
        st.badge(f"Reading is paused; {wait}", color="orange", icon=":material/pause:")
        st.button("Resume all", key="resume-all", on_click=library.resume, args=(who,))
    elif queue.waiting:
        st.button(
            "Pause all",
            key="pause-all",
            icon=":material/pause:",
            on_click=library.pause,
            args=(who,),
            help="What is being read stops after the page it is at; resume goes on from there",
        )


def counts(documents: list[Document]) -> None:
    """One line: how many, in what state."""
    if not documents:
        st.caption("No documents yet.")
        return
    tally: dict[str, int] = {}
    for document in documents:
        label = states.label(document).lower()
        tally[label] = tally.get(label, 0) + 1
    pages = sum(d.pages for d in documents)
    noun = "document" if len(documents) == 1 else "documents"
    listed = ", ".join(f"{n} {label}" for label, n in tally.items())
    st.caption(f"{len(documents)} {noun}, {pages} pages: {listed}")


def filtered(documents: list[Document]) -> list[Document]:
    """The newest first, so that rows stay where they are; a search box once the list is long."""
    documents = sorted(documents, key=lambda d: -d.added_at)
    if len(documents) <= 10:
        return documents
    wanted = st.text_input("Find", placeholder="Find by name or space", key="find_document")
    words = (wanted or "").casefold().split()
    found = [d for d in documents if all(w in f"{d.name} {d.space}".casefold() for w in words)]
    if len(found) > _SHOWN:
        st.caption(f"The first {_SHOWN} of {len(found)} are listed.")
    return found[:_SHOWN]


def row(library: Library, who: Principal, document: Document, all_paused: bool) -> None:
    """One document: name, state, progress or reason, and what can be done with it."""
    with st.container(border=True, key=f"document-{document.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button(
                inert(document.name, 70),
                key=f"open-{document.id}",
                type="tertiary",
                width="stretch",
                help="Look into this document",
            ):
                _open(document.id)
                st.rerun()
            color, icon = _LOOKS[document.status]
            icon = ":material/pause:" if document.paused else icon
            st.badge(states.label(document), color=color, icon=icon)
            _actions(library, who, document, all_paused)
        st.caption(_facts(document))
        if document.status in _BEING_READ:
            done, total = document.pages_done, document.pages
            share = min(1.0, done / total) if total else 0.0
            pages = f": {done} of {total} pages" if total else ""
            step = "paused" if document.paused else document.step or "waiting"
            st.progress(share, text=inert(f"{step}{pages}"))
        _said(document)


def _said(document: Document) -> None:
    """What there is to know: what was lost first, then the rest."""
    if document.status == "partial":
        st.warning(inert(states.sentence(document)))
    if document.error:
        st.error(inert(document.error))
    if earlier := states.earlier(document):
        st.caption(f":material/history: {inert(earlier)}")
    if document.status not in _BEING_READ:
        lost = states.losses(document)
        for warning in [w for w in document.warnings if w not in lost][:3]:
            st.caption(f":material/info: {inert(warning)}")


def _facts(document: Document) -> str:
    pages = f"{document.pages} {'page' if document.pages == 1 else 'pages'}"
    came = document.sync_path or ""
    facts = (
        f"space {document.space}",
        pages if document.pages else "",
        file_size(document.size),
        f"folder file {came}" if came and came != document.name else "",
    )
    return inert(" · ".join(f for f in facts if f))


def _actions(library: Library, who: Principal, document: Document, all_paused: bool) -> None:
    if document.status in _BEING_READ:
        st.button(
            "Cancel",
            key=f"cancel-{document.id}",
            on_click=_call,
            args=(library.cancel, who, document.id),
        )
        held = document.paused and not all_paused
        if document.paused == held:
            st.button(
                "Resume" if held else "Pause",
                key=f"pause-{document.id}",
                on_click=_call,
                args=(library.resume if held else library.pause, who, document.id),
            )
    if document.status in ("failed", "cancelled", "partial", "no_text"):
        st.button(
            "Retry",
            key=f"retry-{document.id}",
            on_click=_call,
            args=(library.retry, who, document.id),
        )
    with st.popover("", icon=":material/delete:", type="tertiary", help="Remove"):
        st.text(f"Remove {document.name}?")
        st.caption("It is taken out of all answers at once.")
        st.button(
            "Remove",
            key=f"remove-{document.id}",
            type="primary",
            on_click=deletions.remove,
            args=(library, who, document.id),
        )


def _call(verb, who: Principal, document_id: str) -> None:
    """A verb of the library on one document; what it refuses is shown above the list."""
    try:
        verb(who, document_id)
    except FootnoteError as error:
        messages.say("error", str(error))


def _open(document_id: str | None) -> None:
    st.session_state.opened_document = document_id


def opened_document() -> str | None:
    """The document this session looks into."""
    return st.session_state.get("opened_document")


def detail(library: Library, who: Principal, document_id: str) -> None:
    """One document: what is known of it, how each page was read, and the page itself."""
    try:
        document, lines = library.document(who, document_id), library.ledger(who, document_id)
    except NotFound:
        st.info("This document is not there any more.")
        return
    with st.container(key="source", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{inert(document.title or document.name, 80)}**", width="stretch")
            new_tab = st.empty()
            source.close_button("close-document", _open, None)
        date = document.date[:10] if document.date else None
        passages = f"{document.chunks} {'passage' if document.chunks == 1 else 'passages'}"
        known = (document.kind, date, passages, states.sentence(document))
        st.caption(inert(" · ".join(k for k in known if k)))
        if not lines:
            st.info("No page has been read yet.")
            return
        _offer_newer(library, who, document)
        readings.offer(library, who, document)
        _pages(document, lines, library.readings(who, document_id), new_tab)


def _offer_newer(library: Library, who: Principal, document: Document) -> None:
    """A button where today's Footnote would read the document otherwise."""
    if not library.is_outdated(who, document.id):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Read by an older Footnote, or with other settings.", width="stretch")
        st.button(
            "Read again",
            icon=":material/refresh:",
            key=f"read-again-{document.id}",
            on_click=_call,
            args=(library.retry, who, document.id),
            help="Until it is ready, what was read before goes on answering",
        )


def _pages(
    document: Document, lines: list[LedgerLine], described: list[Page], new_tab: DeltaGenerator
) -> None:
    by_number = {line.page: line for line in lines}
    key = f"page-{document.id}"
    if st.session_state.get(key) not in by_number:
        st.session_state.pop(key, None)

    def open_page(number: int) -> None:
        st.session_state[key] = number

    opened = st.session_state.get(key, lines[0].page)
    ledger.strip(lines, opened, f"strip-{document.id}", open_page)
    with st.expander("All pages as a table", key=f"table-{document.id}"):
        ledger.table(lines, f"ledger-{document.id}", open_page)
    number = st.selectbox(
        "Page",
        list(by_number),
        format_func=lambda n: _page_line(by_number[n]),
        key=key,
        label_visibility="collapsed",
    )
    shown = readings.chosen(described, number, document.id)
    address = source.address(shown.id if shown else by_number[number].page_id)
    with new_tab:
        source.new_tab(address)
    source.frame(address)


def _page_line(line: LedgerLine) -> str:
    remarks = words.flags(line)
    label = f" ({line.label})" if line.label else ""
    return f"Page {line.page}{label}: {words.how_read(line)}{f' · {remarks}' if remarks else ''}"
