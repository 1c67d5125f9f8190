"""Answers without a model, conversations, and who may see what; over real parts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import files
import pytest

from ingestion.library import Library
from ingestion.opening import open_library
from retrieval.assistant import Assistant, open_assistant
from retrieval.llama import REFUSAL
from retrieval.sources import one_line
from retrieval.turns import INTERRUPTED
from store.embedding import Embedder
from store.errors import BadInput, NotFound
from store.models import CELLS_APART, LOCAL_ADMIN, Answer, Principal
from store.opening import Store, open_store
from store.settings import ROOT, Settings

SAMPLES = ROOT / "data" / "samples"
QUESTIONS = [
    json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    """A data folder with the sample documents, in their space."""
    folder = tmp_path_factory.mktemp("answers")
    settings = Settings(data=folder / "store", _env_file=None)
    with open_store(settings, embedder=embedder) as opened:
        library = open_library(opened)
        for path in sorted(SAMPLES.iterdir()):
            if path.suffix != ".jsonl":
                library.add(LOCAL_ADMIN, path.name, path, "samples")
        assert library.wait(240)
        yield opened
        library.close()


@pytest.fixture(scope="module")
def assistant(samples: Store) -> Iterator[Assistant]:
    yield from _assistant(samples)


@pytest.fixture
def own(store: Store) -> Iterator[Assistant]:
    """An assistant over a data folder of this test's own."""
    yield from _assistant(store)


def _assistant(store: Store) -> Iterator[Assistant]:
    opened = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
    yield opened
    opened.close()


def add(library: Library, folder: Path, name: str, text: str, space: str = "main") -> str:
    document = library.add(LOCAL_ADMIN, name, files.txt(folder / f"{space} {name}", text), space)
    assert library.wait(60)
    return document.id


def finished(assistant: Assistant, turn_id: str) -> Answer:
    *_, last = assistant.follow(LOCAL_ADMIN, turn_id)
    assert last.state == "done"
    return last.answer


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda q: q["id"])
def test_a_sample_question_is_answered_from_its_page_or_refused(
    assistant: Assistant, samples: Store, asked: dict
):
    answer = assistant.ask(LOCAL_ADMIN, asked["question"])
    assert answer.refused is not asked["answerable"], answer.text
    if answer.refused:
        assert answer.text == REFUSAL
        assert answer.citations == ()
        assert answer.nearest
        return
    assert (asked["document"], asked["page"]) in [(c.doc, c.page) for c in answer.citations]
    assert any(asked["answer"].casefold() in c.text.casefold() for c in answer.citations)
    for citation in answer.citations:
        pages = samples.catalog.pages({s.page_id for s in citation.spans})
        texts = [pages[s.page_id].text[s.start : s.end] for s in citation.spans]
        assert citation.text == "\n".join(texts)
    for sentence in answer.sentences:
        assert sentence.supported
        (n,) = sentence.citations
        said = sentence.text.replace(CELLS_APART, " ").split()
        assert said == one_line(answer.citations[n - 1].text).split()


def test_a_table_row_is_quoted_under_its_header(assistant: Assistant):
    answer = assistant.ask(LOCAL_ADMIN, "What does a soil moisture probe cost?")
    first = answer.citations[0]
    header, row = first.text.split("\n")
    assert "price_eur" in header
    assert "118.00" in row
    assert len(first.spans) == 2


def test_the_stream_grows_to_what_ask_returns(assistant: Assistant):
    question = "Who has to find another source of circuit boards?"
    grown = list(assistant.ask_stream(LOCAL_ADMIN, question))
    counts = [len(a.sentences) for a in grown]
    assert counts == sorted(counts)
    took = {"ms": 0, "trace": None}
    whole = assistant.ask(LOCAL_ADMIN, question)
    assert grown[-1].model_copy(update=took) == whole.model_copy(update=took)


def test_a_summary_gives_points_from_several_places(assistant: Assistant):
    answer = assistant.ask(LOCAL_ADMIN, "Summarise the Larkspur employee handbook")
    assert answer.route == "summary"
    assert len(answer.sentences) >= 4
    assert {c.doc for c in answer.citations} == {"Larkspur employee handbook.pdf"}
    assert len({c.page for c in answer.citations}) >= 3
    assert all(s.supported for s in answer.sentences)


def test_a_section_is_summarised_from_that_section_alone(assistant: Assistant):
    asked = "Summarise the section on suppliers of the board minutes"
    answer = assistant.ask(LOCAL_ADMIN, asked)
    assert answer.route == "summary"
    assert "A second supplier of circuit boards" in answer.text
    assert {c.doc for c in answer.citations} == {"Board minutes May 2024.docx"}
    assert "credit line" not in answer.text


def test_an_overview_of_a_space_tells_something_of_every_document(assistant: Assistant):
    answer = assistant.ask(LOCAL_ADMIN, "Give me an overview of everything in here")
    assert {c.doc for c in answer.citations} == {
        document.name for document in assistant.catalog.documents()
    }


def test_a_follow_up_carries_the_subject_over(assistant: Assistant):
    conversation = assistant.new_conversation(LOCAL_ADMIN)
    question = "What is the daily meal allowance for Norway?"
    first = finished(assistant, assistant.start(LOCAL_ADMIN, conversation, question))
    assert any("Norway" in c.text for c in first.citations)
    assert first.rewritten is None
    turn_id = assistant.start(LOCAL_ADMIN, conversation, "And for Denmark?")
    second = finished(assistant, turn_id)
    assert second.rewritten == "And for Denmark? (daily meal allowance)"
    assert any("Denmark EUR 64" in one_line(c.text) for c in second.citations)
    turns = assistant.conversation(LOCAL_ADMIN, conversation).turns
    assert [t.question for t in turns] == [question, "And for Denmark?"]
    assert [t.state for t in turns] == ["done", "done"]


def test_conversations_belong_to_one_principal(assistant: Assistant):
    other = Principal(id="somebody else")
    conversation = assistant.new_conversation(LOCAL_ADMIN)
    turn_id = assistant.start(LOCAL_ADMIN, conversation, "Where is the company?")
    finished(assistant, turn_id)
    assert conversation in [c.id for c in assistant.conversations(LOCAL_ADMIN)]
    assert assistant.conversations(other) == []
    for forbidden in (
        lambda: assistant.conversation(other, conversation),
        lambda: assistant.turn(other, turn_id),
        lambda: assistant.follow(other, turn_id),
        lambda: assistant.cancel(other, turn_id),
        lambda: assistant.delete_conversation(other, conversation),
        lambda: assistant.start(other, conversation, "Mine now?"),
        lambda: assistant.ask(other, "Mine now?", conversation_id=conversation),
    ):
        with pytest.raises(NotFound):
            forbidden()
    assistant.delete_conversation(LOCAL_ADMIN, conversation)
    with pytest.raises(NotFound):
        assistant.conversation(LOCAL_ADMIN, conversation)


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ({"space": "nowhere"}, NotFound),
        ({"document": "nothing.pdf"}, NotFound),
        ({"question": "   "}, BadInput),
        ({"question": "why " * 2000}, BadInput),
    ],
)
def test_wrong_requests_are_answered_by_a_sentence_at_once(
    assistant: Assistant, where: dict, error: type[Exception]
):
    with pytest.raises(error, match=r"\.$"):
        assistant.ask_stream(LOCAL_ADMIN, **({"question": "Where?"} | where))


def test_a_principal_is_answered_from_its_spaces_only(
    own: Assistant, store: Store, library: Library, tmp_path: Path
):
    add(library, tmp_path, "a.txt", "The password of the vault is swordfish.", "secret")
    add(library, tmp_path, "b.txt", "The vault stands in the cellar of the main house.", "open")
    ids = {name: id_ for id_, name in store.catalog.spaces().items()}
    reader = Principal(id="reader", spaces=frozenset([ids["open"]]))
    question = "What is the password of the vault?"
    assert "swordfish" in own.ask(LOCAL_ADMIN, question).text
    answer = own.ask(reader, question)
    assert "swordfish" not in answer.model_dump_json()
    assert own.search(reader, "password swordfish")
    assert {h.chunk.name for h in own.search(reader, "password swordfish")} == {"b.txt"}
    for where in ({"space": "secret"}, {"document": "a.txt"}):
        with pytest.raises(NotFound):
            own.ask(reader, question, **where)


def test_samples_step_aside_once_there_are_documents(
    own: Assistant, library: Library, tmp_path: Path
):
    add(library, tmp_path, "s.txt", "The sample lighthouse is painted green.", "samples")
    question = "What colour is the lighthouse?"
    assert "green" in own.ask(LOCAL_ADMIN, question).text
    add(library, tmp_path, "m.txt", "Our lighthouse is painted red and white.")
    assert "green" not in own.ask(LOCAL_ADMIN, question).text
    assert "red and white" in own.ask(LOCAL_ADMIN, question).text
    assert "green" in own.ask(LOCAL_ADMIN, question, space="samples").text
    assert "green" in own.ask(LOCAL_ADMIN, question, document="s.txt").text


def test_a_question_to_no_documents_is_refused(own: Assistant):
    answer = own.ask(LOCAL_ADMIN, "What colour is the lighthouse?")
    assert answer.refused
    assert answer.nearest == ()
    assert own.ask(LOCAL_ADMIN, "Summarise everything").refused


def test_a_removed_document_is_not_quoted(own: Assistant, library: Library, tmp_path: Path):
    add(library, tmp_path, "m.txt", "Our lighthouse is painted red and white.")
    assert not own.ask(LOCAL_ADMIN, "How is our lighthouse painted?").refused
    library.remove(LOCAL_ADMIN, "m.txt")
    assert own.ask(LOCAL_ADMIN, "How is our lighthouse painted?").refused


def test_an_answer_left_by_a_dead_process_is_shown_as_failed(own: Assistant, store: Store):
    conversation = own.new_conversation(LOCAL_ADMIN)
    turn_id = store.catalog.add_turn(conversation, "Where?")
    assert store.catalog.turn(turn_id).state == "running"
    for again in _assistant(store):
        turn = again.turn(LOCAL_ADMIN, turn_id)
        assert turn.state == "failed"
        assert turn.answer.warnings == (INTERRUPTED,)
        assert [t.state for t in again.follow(LOCAL_ADMIN, turn_id)] == ["failed"]


def test_a_cancelled_question_that_waits_is_never_answered(assistant: Assistant):
    conversation = assistant.new_conversation(LOCAL_ADMIN)
    turns = [
        assistant.start(LOCAL_ADMIN, conversation, f"How much is the allowance in {place}?")
        for place in ("Norway", "Italy", "France", "Iceland", "Germany", "Portugal")
    ]
    assistant.cancel(LOCAL_ADMIN, turns[-1])
    *_, last = assistant.follow(LOCAL_ADMIN, turns[-1])
    assert last.state == "cancelled"
    for turn_id in turns[:-1]:
        assert finished(assistant, turn_id).sentences


def test_several_readers_follow_one_answer(assistant: Assistant):
    conversation = assistant.new_conversation(LOCAL_ADMIN)
    turn_id = assistant.start(LOCAL_ADMIN, conversation, "What does a barometer cost?")
    ends: list[str] = []

    def read() -> None:
        *_, last = assistant.follow(LOCAL_ADMIN, turn_id)
        ends.append(last.answer.text)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ends) == 4
    assert len(set(ends)) == 1


def test_without_a_model_nothing_is_sent_anywhere(assistant: Assistant):
    status = assistant.model_status(LOCAL_ADMIN)
    assert (status.configured, status.host) == (False, None)
    assert status.note.endswith("answers are quotes from the documents.")


def test_a_partly_read_document_is_cited_with_a_warning(
    settings: Settings, embedder: Embedder, tmp_path: Path
):
    short = settings.model_copy(update={"max_pages": 1})
    with open_store(short, embedder=embedder) as store:
        library = open_library(store)
        path = files.text_pdf(tmp_path / "a.pdf", ["The lighthouse is white.", "The boat is red."])
        library.add(LOCAL_ADMIN, path.name, path)
        assert library.wait(60)
        for opened in _assistant(store):
            answer = opened.ask(LOCAL_ADMIN, "What colour is the lighthouse?")
            assert "The lighthouse is white." in answer.text
            assert answer.warnings == ("“a.pdf” was only partly read.",)
        library.close()


def test_documents_that_are_still_read_are_told_and_a_new_version_is_not(
    store: Store, own: Assistant, tmp_path: Path
):
    library = open_library(store, start=False)
    text = "The north gate opens at seven."
    library.add(LOCAL_ADMIN, "gate.txt", files.txt(tmp_path / "gate", text), "main")
    answer = own.ask(LOCAL_ADMIN, "When does the north gate open?")
    assert answer.refused
    said = "1 document is still being read and was not looked at; ask again when it is ready."
    assert answer.warnings == (said,)
    library.close()

    library = open_library(store)
    assert library.wait(60)
    library.close()
    library = open_library(store, start=False)
    changed = files.txt(tmp_path / "later", text + " It closes at nine.")
    library.add(LOCAL_ADMIN, "gate.txt", changed, "main", same_name="replace")
    answer = own.ask(LOCAL_ADMIN, "When does the north gate open?")
    assert answer.text == text
    assert answer.warnings == ()
    library.close()


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTNOTE_DATA", "")
    assert Settings(_env_file=None).data == ROOT / "data" / "store"
