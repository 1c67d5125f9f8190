"""What the Documents screen is made of: upload, list, one row, one document's pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.parts import source
from pages.parts.inert import inert
from server.words import file_size, how_read
from store.errors import FootnoteError, NotFound
from store.models import Document, Page, Principal, Status

if TYPE_CHECKING:
    from ingestion.library import Library

_SHOWN = 50
_BEING_READ: tuple[Status, ...] = ("queued", "processing")
_Colour = Literal["gray", "blue", "green", "orange", "red"]
_LOOKS: dict[Status, tuple[str, _Colour, str]] = {
    "queued": ("Waiting", "gray", ":material/schedule:"),
    "processing": ("Being read", "blue", ":material/hourglass_top:"),
    "ready": ("Ready", "green", ":material/check:"),
    "partial": ("Partly read", "orange", ":material/rule:"),
    "no_text": ("No text found", "orange", ":material/hide_source:"),
    "failed": ("Failed", "red", ":material/error:"),
    "cancelled": ("Cancelled", "gray", ":material/cancel:"),
    "duplicate": ("Duplicate", "gray", ":material/content_copy:"),
}


def any_being_read(documents: Iterable[Document]) -> bool:
    """Whether any is waiting or at work."""
    return any(d.status in _BEING_READ for d in documents)


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


def upload(library: Library, who: Principal, space: str, max_file_mb: int) -> None:
    """The place to drop files; each goes into the library at once."""
    # A new key empties the box, and frees its copies of the files.
    round_ = st.session_state.setdefault("upload_round", 0)
    files = st.file_uploader(
        "Add documents: PDF, images, Word, PowerPoint, Excel, CSV, HTML, Markdown, text, e-mail",
        accept_multiple_files=True,
        max_upload_size=max_file_mb,
        key=f"upload-{round_}",
    )
    if not files:
        return
    messages = []
    for file in files:
        try:
            document = library.add(who, file.name, file, space)
        except FootnoteError as error:
            messages.append(("error", f"{file.name}: {error}"))
            continue
        if document.status == "duplicate":
            messages.append(("info", f"{file.name}: {' '.join(document.warnings)}"))
    st.session_state.document_messages = messages
    st.session_state.upload_round = round_ + 1
    st.rerun()


def counts(documents: list[Document]) -> None:
    """One line: how many, in what state."""
    if not documents:
        st.caption("No documents yet.")
        return
    states: dict[str, int] = {}
    for document in documents:
        label = _LOOKS[document.status][0].lower()
        states[label] = states.get(label, 0) + 1
    pages = sum(d.pages for d in documents)
    noun = "document" if len(documents) == 1 else "documents"
    listed = ", ".join(f"{n} {label}" for label, n in states.items())
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


def row(library: Library, who: Principal, document: Document) -> None:
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
            label, color, icon = _LOOKS[document.status]
            st.badge(label, color=color, icon=icon)
            _actions(library, who, document)
        st.caption(_facts(document))
        if document.status in _BEING_READ:
            done, total = document.pages_done, document.pages
            share = min(1.0, done / total) if total else 0.0
            pages = f": {done} of {total} pages" if total else ""
            st.progress(share, text=inert(f"{document.step or 'waiting'}{pages}"))
        if document.error:
            st.error(inert(document.error))
        for warning in document.warnings[:3]:
            st.caption(f":material/info: {inert(warning)}")


def _facts(document: Document) -> str:
    pages = f"{document.pages} {'page' if document.pages == 1 else 'pages'}"
    facts = (f"space {document.space}", pages if document.pages else "", file_size(document.size))
    return inert(" · ".join(f for f in facts if f))


def _actions(library: Library, who: Principal, document: Document) -> None:
    if document.status in _BEING_READ:
        st.button(
            "Cancel",
            key=f"cancel-{document.id}",
            on_click=_call,
            args=(library.cancel, who, document.id),
        )
    if document.status in ("failed", "cancelled", "partial"):
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
            on_click=_call,
            args=(library.remove, who, document.id),
        )


def _call(verb, who: Principal, document_id: str) -> None:
    """A verb of the library on one document; what it refuses is shown above the list."""
    try:
        verb(who, document_id)
    except FootnoteError as error:
        st.session_state.document_messages = [("error", str(error))]


def _open(document_id: str | None) -> None:
    st.session_state.opened_document = document_id


def opened_document() -> str | None:
    """The document this session looks into."""
    return st.session_state.get("opened_document")


def detail(library: Library, who: Principal, document_id: str) -> None:
    """One document: what is known of it, and each page with how it was read."""
    try:
        document, pages = library.show(who, document_id)
    except NotFound:
        st.info("This document is not there any more.")
        return
    with st.container(key="source", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{inert(document.title or document.name, 80)}**", width="stretch")
            new_tab = st.empty()
            source.close_button("close-document", _open, None)
        date = document.date[:10] if document.date else None
        known = (document.kind, date, f"{document.chunks} passages")
        st.caption(inert(" · ".join(k for k in known if k)))
        if not pages:
            st.info("No page has been read yet.")
            return
        page = st.selectbox(
            "Page",
            pages,
            format_func=_page_line,
            key=f"page-{document.id}",
            label_visibility="collapsed",
        )
        with new_tab:
            source.new_tab(source.address(page.id))
        source.frame(source.address(page.id))


def _page_line(page: Page) -> str:
    flags = f" · {', '.join(page.flags)}" if page.flags else ""
    label = f" ({page.label})" if page.label else ""
    return f"Page {page.number}{label}: {how_read(page)}{flags}"
