"""Chat: ask, read an answer whose every sentence has a footnote, open the footnote's page."""

import streamlit as st

from pages.parts import answers, conversations, scope, source
from pages.parts.examples import example_questions
from pages.parts.inert import inert
from server import doors, principals
from store.errors import FootnoteError, NotFound
from store.models import Turn

who = principals.of_screen()
assistant, library = doors.current().assistant, doors.current().library


def asked(question: str, chosen: scope.Scope) -> None:
    """Start answering in the open conversation, or in a new one."""
    conversation_id = st.query_params.get("c")
    try:
        if not conversation_id:
            conversation_id = assistant.new_conversation(who)
        where = (chosen.space, chosen.document, chosen.route)
        assistant.start(who, conversation_id, question, *where)
    except FootnoteError as error:
        st.session_state.chat_error = str(error)
        return
    st.query_params["c"] = conversation_id
    source.close()


def shown(turn: Turn) -> None:
    """A turn; while its answer is being written it alone is drawn again, by a timer."""
    if turn.state != "running":
        answers.show_turn(turn)
        return
    now = assistant.turn(who, turn.id)
    if now.state != "running":
        st.rerun()
    answers.show_turn(now)
    if not now.answer.sentences:
        st.caption("Looking through the documents …")
    st.button(
        "Stop",
        icon=":material/stop_circle:",
        key=f"stop-{turn.id}",
        on_click=assistant.cancel,
        args=(who, turn.id),
    )


def empty(chosen: scope.Scope) -> None:
    """What a new conversation shows: what this is, and what one could ask."""
    st.title("Ask your documents")
    st.markdown(
        "Every sentence of an answer has a footnote. Open it and you see the page it comes from, "
        "with the words highlighted. Where the documents do not say, you are told so."
    )
    documents = library.list(who)
    if not documents:
        st.info("There are no documents yet. Add some on the *Documents* screen.")
    elif all(document.space == "samples" for document in documents):
        st.markdown(
            "These are sample documents of an invented company. Try one of these questions, "
            "or add your own files on the *Documents* screen."
        )
        for question in example_questions():
            if st.button(inert(question), icon=":material/north_east:", key=f"try-{question}"):
                asked(question, chosen)
                st.rerun()


def shown_turns() -> tuple[Turn, ...]:
    """The turns of the conversation in the address; a wrong address starts a new one."""
    conversation_id = st.query_params.get("c")
    if not conversation_id:
        return ()
    try:
        return assistant.conversation(who, conversation_id).turns
    except NotFound:
        del st.query_params["c"]
        st.warning("That conversation is not there any more. This is a new one.")
        return ()


with st.sidebar:
    conversations.new_button()
    chosen = scope.choose(library, who)
    conversations.earlier(assistant, who)

turns = shown_turns()
if opened := source.opened():
    reading, beside = st.columns([11, 10], gap="medium")
    with beside:
        source.show(opened)
else:
    reading = st.container(key="reading")

with reading:
    if not turns:
        empty(chosen)
    for turn in turns:
        with st.chat_message("user", avatar=":material/person:"):
            st.text(turn.question)
        with st.chat_message("assistant", avatar=":material/format_quote:"):
            # One fragment whether or not it has a timer: a click under way finds it again.
            st.fragment(shown, run_every=0.3 if turn.state == "running" else None)(turn)
    if message := st.session_state.pop("chat_error", None):
        st.error(inert(message))

if question := st.chat_input("Ask about your documents", max_chars=2000):
    asked(question, chosen)
    st.rerun()
