"""Files that come in on the Documents screen: the place to drop them, and what their names meet.

A file whose name is known with other content waits here, in this session, until the person has
chosen; the others go in at once. A reload of the browser, or the end of the session, forgets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import streamlit as st

from pages.parts import messages
from pages.parts.inert import inert
from store.errors import FootnoteError, NameTaken
from store.models import Principal, SameName

if TYPE_CHECKING:
    from ingestion.library import Library

_CHOICES: dict[SameName, str] = {
    "replace": "Replace",
    "keep_both": "Keep both",
    "skip": "Skip",
}
_WAITING = "files_to_decide"
_FOR_ALL = "same-name-all"


@dataclass(frozen=True)
class Waiting:
    """A file that waits for a choice. `number` keeps two of one name apart."""

    number: int
    name: str
    space: str
    file: BinaryIO

    @property
    def key(self) -> str:
        return f"same-name-{self.number}"


def upload(library: Library, who: Principal, space: str, max_file_mb: int, ask: bool) -> None:
    """The place to drop files; each goes into the library at once, or waits for a choice."""
    # A new key empties the box, and frees its copies of the files.
    round_ = st.session_state.setdefault("upload_round", 0)
    files = st.file_uploader(
        "Add documents: PDF, pictures, Word, PowerPoint, Excel, OpenDocument, CSV, HTML, Markdown, "
        "text, e-mail",
        accept_multiple_files=True,
        max_upload_size=max_file_mb,
        key=f"upload-{round_}",
        help="Pictures: PNG, JPEG, TIFF, WebP, BMP, GIF. E-mail: EML, and Outlook's MSG.",
    )
    if not files:
        return
    for file in files:
        try:
            _add(library, who, file.name, file, space, "ask" if ask else None)
        except NameTaken:
            _wait(Waiting(_next_number(), file.name, space, file))
    st.session_state.upload_round = round_ + 1
    st.rerun()


def choices(library: Library, who: Principal) -> None:
    """The files that wait, with a choice for each and one for all; nothing where none waits."""
    waiting = _all()
    if not waiting:
        return
    with st.container(border=True, key="same-name"):
        one = len(waiting) == 1
        st.markdown(
            "**A file of this name is already here, with other content.**"
            if one
            else f"**{len(waiting)} files have names that are already here, with other content.**"
        )
        st.caption(
            "Replace: the new version answers as soon as it is read, until then the old one does. "
            "Keep both: the new one gets a number. Skip: the new one is left out."
        )
        if not one:
            st.segmented_control(
                "For all", list(_CHOICES), format_func=_label, key=_FOR_ALL, on_change=_for_all
            )
        chosen = [_choose(w) for w in waiting]
        with st.container(horizontal=True):
            st.button(
                "Go on",
                type="primary",
                disabled=None in chosen,
                key="same-name-go",
                on_click=_carry_out,
                args=(library, who),
                help="Choose for every file first" if None in chosen else None,
            )
            st.button("Leave out all of them", key="same-name-none", on_click=_forget)


def _choose(waiting: Waiting) -> SameName | None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(inert(f"{waiting.name} · space {waiting.space}", 90), width="stretch")
        return st.segmented_control(
            f"What to do with {inert(waiting.name, 60)}",
            list(_CHOICES),
            format_func=_label,
            key=waiting.key,
            label_visibility="collapsed",
        )


def _carry_out(library: Library, who: Principal) -> None:
    # As chosen now, not when the button was drawn: the last click may be younger than that.
    chosen = {w.number: st.session_state.get(w.key) for w in _all()}
    if None in chosen.values():
        return
    for waiting in _all():
        waiting.file.seek(0)
        _add(library, who, waiting.name, waiting.file, waiting.space, chosen[waiting.number])
    _forget()


def _add(
    library: Library,
    who: Principal,
    name: str,
    file: BinaryIO,
    space: str,
    same_name: SameName | None,
) -> None:
    """Into the library; what there is to say stands above the list. Raises NameTaken."""
    try:
        document = library.add(who, name, file, space, same_name=same_name)
    except NameTaken:
        raise
    except FootnoteError as error:
        messages.say("error", f"{name}: {error}")
        return
    if document.status == "duplicate":
        messages.say("info", f"{name}: {' '.join(document.warnings)}")


def _for_all() -> None:
    for waiting in _all():
        st.session_state[waiting.key] = st.session_state[_FOR_ALL]


def _wait(new: Waiting) -> None:
    """The last file of a name and space is the one that is meant."""
    others = [w for w in _all() if (w.name, w.space) != (new.name, new.space)]
    st.session_state[_WAITING] = [*others, new]


def _forget() -> None:
    st.session_state.pop(_WAITING, None)
    st.session_state.pop(_FOR_ALL, None)


def _all() -> list[Waiting]:
    return st.session_state.get(_WAITING, [])


def _next_number() -> int:
    st.session_state.file_number = st.session_state.get("file_number", 0) + 1
    return st.session_state.file_number


def _label(choice: SameName) -> str:
    return _CHOICES[choice]
