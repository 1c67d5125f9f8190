"""Answers that people marked right or wrong: who may, what is kept, and asking them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from evals.running import run_marked
from ingestion.library import Library
from ingestion.opening import open_library
from retrieval.assistant import Assistant, open_assistant
from server import doors, principals
from server.doors import Doors
from store.catalog.marks import MAX_NOTE
from store.embedding import Embedder
from store.errors import BadInput, NotFound
from store.models import LOCAL_ADMIN, Principal
from store.opening import Store, open_store
from store.settings import ROOT, Settings

WHO = principals.of_screen()
RED = "How is our lighthouse painted?"
FISH = "What are the lighthouse keepers paid in?"


@pytest.fixture
def assistant(store: Store, library: Library) -> Iterator[Assistant]:
    library.add(LOCAL_ADMIN, "a.txt", b"Our lighthouse is painted red and white.")
    library.add(LOCAL_ADMIN, "b.txt", b"The lighthouse keepers are paid in herring.")
    assert library.wait(60)
    opened = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
    yield opened
    opened.close()


def answered(assistant: Assistant, question: str, who: Principal = WHO) -> str:
    """The id of a finished turn in a conversation of its own."""
    turn_id = assistant.start(who, assistant.new_conversation(who), question)
    *_, last = assistant.follow(who, turn_id)
    assert last.state == "done"
    return turn_id


def test_the_last_word_on_an_answer_is_kept_and_can_be_taken_back(assistant: Assistant):
    turn_id = answered(assistant, RED)
    assert assistant.mark_of(WHO, turn_id) is None
    assistant.mark(WHO, turn_id, "right")
    assistant.mark(WHO, turn_id, "wrong", "  It was painted over.\n")
    (mark,) = assistant.marks(WHO)
    assert mark == assistant.mark_of(WHO, turn_id)
    assert (mark.verdict, mark.note, mark.turn_id) == ("wrong", "It was painted over.", turn_id)
    assert (mark.principal_id, mark.marked_at > 1.7e9) == (WHO.id, True)
    assistant.mark(WHO, turn_id, None)
    assert assistant.marks(WHO) == []


def test_only_who_asked_marks_and_sees_the_mark(assistant: Assistant):
    other = Principal(id="somebody else")
    turn_id = answered(assistant, RED)
    assistant.mark(WHO, turn_id, "right")
    for forbidden in (
        lambda: assistant.mark(other, turn_id, "wrong"),
        lambda: assistant.mark_of(other, turn_id),
        lambda: assistant.mark(WHO, "no such turn", "right"),
    ):
        with pytest.raises(NotFound):
            forbidden()
    assert assistant.marks(other) == []
    theirs = answered(assistant, RED, other)
    assistant.mark(other, theirs, "right")
    assert [m.turn_id for m in assistant.marks(other)] == [theirs]
    assert [m.turn_id for m in assistant.marks(LOCAL_ADMIN)] == [turn_id, theirs]


def test_an_unfinished_answer_and_too_long_a_note_are_refused(assistant: Assistant):
    conversation = assistant.new_conversation(WHO)
    running = assistant.catalog.add_turn(conversation, "Where?")
    with pytest.raises(BadInput, match="still being written"):
        assistant.mark(WHO, running, "right")
    with pytest.raises(BadInput, match="longer than"):
        assistant.mark(WHO, answered(assistant, RED), "wrong", "x" * (MAX_NOTE + 1))


def test_a_deleted_conversation_takes_its_marks_and_notes_with_it(
    assistant: Assistant, store: Store
):
    gone, kept = answered(assistant, RED), answered(assistant, FISH)
    assistant.mark(WHO, gone, "wrong", "secret remark")
    assistant.mark(WHO, kept, "right")
    assistant.delete_conversation(WHO, assistant.turn(WHO, gone).conversation_id)
    assert [m.turn_id for m in assistant.marks(WHO)] == [kept]
    with sqlite3.connect(store.settings.data / "catalog.db") as catalog:
        catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"secret remark" not in (store.settings.data / "catalog.db").read_bytes()


def test_marked_questions_are_asked_again_and_told_apart(settings: Settings, embedder: Embedder):
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        library.add(LOCAL_ADMIN, "a.txt", b"Our lighthouse is painted red and white.")
        library.add(LOCAL_ADMIN, "b.txt", b"The lighthouse keepers are paid in herring.")
        assert library.wait(60)
        assistant = open_assistant(settings, store.catalog, store.indexes, embedder)
        strange = "What is the boiling point of tungsten hexafluoride?"
        for question, verdict in ((RED, "right"), (FISH, "wrong"), (strange, "right")):
            assistant.mark(WHO, answered(assistant, question), verdict)
        assistant.close()
        library.close()

    def figures() -> dict[str, tuple[float, int]]:
        found = run_marked(settings, embedder=embedder).figures
        return {name: (f.value, f.n) for name, f in found.items()}

    before = figures()
    assert before["kept_pages"] == before["kept_documents"] == (1.0, 2)
    assert before["cited_page_hit"] == before["page_hit@1"] == (1.0, 1)
    assert before["refusal_recall"] == (1.0, 1)
    assert before["changed"] == (0.0, 1)
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        library.remove(LOCAL_ADMIN, "a.txt")
        library.add(LOCAL_ADMIN, "b.txt", b"The lighthouse keepers are paid in silver.")
        assert library.wait(60)
        library.close()
    after = figures()
    assert after["kept_pages"] == (0.5, 2)
    assert after["changed"] == (1.0, 1)


def test_with_nothing_marked_there_is_nothing_to_ask_again(settings: Settings, embedder: Embedder):
    with pytest.raises(BadInput, match="No answer is marked yet"):
        run_marked(settings, embedder=embedder)


# On the screen


@pytest.fixture
def chat(store: Store, library: Library, assistant: Assistant) -> Iterator[AppTest]:
    """The chat with one finished answer; `turn` in the session is its id."""
    doors.fill(Doors(store.settings, library, assistant, store.catalog, store.owner.token))
    turn_id = answered(assistant, RED)
    test = AppTest.from_file(str(ROOT / "pages" / "chat.py"), default_timeout=60)
    test.query_params["c"] = assistant.turn(WHO, turn_id).conversation_id
    test.run()
    assert not test.exception
    yield test
    doors.fill(None)


def test_an_answer_is_marked_right_by_one_click_and_unmarked_by_another(
    chat: AppTest, assistant: Assistant
):
    right = next(b for b in chat.button if b.label == "Right")
    right.click().run()
    assert not chat.exception
    assert [m.verdict for m in assistant.marks(WHO)] == ["right"]
    chat.button(key=right.key).click().run()
    assert assistant.marks(WHO) == []


def test_a_wrong_answer_is_marked_with_a_note(chat: AppTest, assistant: Assistant):
    chat.text_area[0].set_value("It is white and red.")
    next(b for b in chat.button if b.label == "Mark as wrong").click().run()
    assert not chat.exception
    (mark,) = assistant.marks(WHO)
    assert (mark.verdict, mark.note) == ("wrong", "It is white and red.")
    assert chat.text_area[0].value == "It is white and red."
    next(b for b in chat.button if b.label == "Take it back").click().run()
    assert assistant.marks(WHO) == []


def test_a_refusal_can_be_marked_too(chat: AppTest, assistant: Assistant):
    turn_id = answered(assistant, "What is the boiling point of tungsten hexafluoride?")
    chat.query_params["c"] = assistant.turn(WHO, turn_id).conversation_id
    chat.run()
    chat.button(key=f"right-{turn_id}").click().run()
    assert [m.turn_id for m in assistant.marks(WHO)] == [turn_id]
