"""The conversations in the sidebar: a new one, the earlier ones, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.parts import source
from pages.parts.inert import inert
from store.models import Principal

if TYPE_CHECKING:
    from retrieval.assistant import Assistant

_SHOWN = 30


def new_button() -> None:
    """Leaves the open conversation; a new one begins with its first question."""
    st.button(
        "New conversation",
        icon=":material/add_comment:",
        width="stretch",
        on_click=_open,
        args=(None,),
    )


def earlier(assistant: Assistant, who: Principal) -> None:
    """The principal's conversations, newest first."""
    conversations = assistant.conversations(who)
    if not conversations:
        return
    current = st.query_params.get("c")
    st.caption("Earlier conversations")
    with st.container(key="earlier", gap=None):
        for conversation in conversations[:_SHOWN]:
            title = inert(conversation.title, 28) or "Untitled"
            with st.container(horizontal=True, vertical_alignment="center", gap=None):
                st.button(
                    f"**{title}**" if conversation.id == current else title,
                    key=f"conversation-{conversation.id}",
                    type="tertiary",
                    width="stretch",
                    on_click=_open,
                    args=(conversation.id,),
                )
                st.button(
                    "",
                    key=f"delete-{conversation.id}",
                    icon=":material/delete:",
                    help="Delete this conversation",
                    type="tertiary",
                    on_click=_delete,
                    args=(assistant, who, conversation.id),
                )


def _open(conversation_id: str | None) -> None:
    st.query_params.from_dict({"c": conversation_id} if conversation_id else {})
    source.close()


def _delete(assistant: Assistant, who: Principal, conversation_id: str) -> None:
    assistant.delete_conversation(who, conversation_id)
    if st.query_params.get("c") == conversation_id:
        _open(None)
