"""Answers by a model over real HTTP: every way a server may behave, and what the reader gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import files
import pytest
from openai_server import OpenAIServer

from ingestion.opening import open_library
from retrieval.assistant import Assistant, open_assistant
from store.embedding import Embedder
from store.models import LOCAL_ADMIN, Answer
from store.opening import Store, open_store
from store.settings import Settings

HANDBOOK = """The annual leave at Larkspur is 25 days. After ten years of service it is 32 days.

A meal allowance of EUR 72 is paid for each full day in Norway. Flights are booked through the
travel desk on extension 225.

Laptops are replaced after four years. A lost laptop is reported to the service desk within four
hours.
"""
QUESTION = "How many days of annual leave are there?"

Open = Callable[..., Assistant]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    """One data folder with the handbook for all tests here: none of them changes it."""
    folder = tmp_path_factory.mktemp("generate")
    settings = Settings(data=folder / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as opened:
        library = open_library(opened)
        library.add(LOCAL_ADMIN, "handbook.txt", files.txt(folder / "handbook.txt", HANDBOOK))
        assert library.wait(60)
        yield opened
        library.close()


@pytest.fixture
def opened(store: Store) -> Iterator[Open]:
    """Opens an assistant over the handbook that asks the given server."""
    made: list[Assistant] = []

    def open_(server: OpenAIServer, models: str = "first", deadline_s: float = 20.0) -> Assistant:
        settings = store.settings.model_copy(
            update={
                "openai_base_url": server.base_url,
                "models": models,
                "answer_deadline_s": deadline_s,
            }
        )
        made.append(open_assistant(settings, store.catalog, store.indexes, store.embedder))
        return made[-1]

    yield open_
    for assistant in made:
        assistant.close()


def quoted(answer: Answer) -> bool:
    """Whether the answer holds exact quotes, all of them footnoted."""
    return any(
        s.supported and s.citations and answer.citations[s.citations[0] - 1].text == s.text
        for s in answer.sentences
    )


def test_a_models_answer_is_checked_and_narrowed_to_sentences(opened: Open):
    with OpenAIServer() as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
    assert (answer.model, answer.warnings, answer.refused) == ("first", (), False)
    assert answer.sentences
    assert all(s.supported and s.citations for s in answer.sentences)
    leave = next(s for s in answer.sentences if "25 days" in s.text)
    cited = answer.citations[leave.citations[0] - 1].text
    assert cited == "The annual leave at Larkspur is 25 days."


def test_the_prompt_holds_excerpts_and_no_ids(opened: Open):
    with OpenAIServer() as server:
        opened(server).ask(LOCAL_ADMIN, QUESTION)
        (request,) = server.requests
    system, user = request["messages"]
    assert user["content"] == QUESTION
    assert '<excerpt n="1">' in system["content"]
    assert "handbook.txt" in system["content"]
    assert "page_id" not in system["content"]
    assert "chunk_id" not in system["content"]
    assert request["stream"] is True
    assert request["max_tokens"] == 800


def test_sentences_arrive_while_the_model_still_writes(opened: Open):
    with OpenAIServer(first=["slow"]) as server:
        assistant = opened(server)
        assistant.warm()
        grown = [
            (time.monotonic(), len(a.sentences))
            for a in assistant.ask_stream(LOCAL_ADMIN, QUESTION)
        ]
    counts = [n for _, n in grown]
    assert counts == sorted(counts)
    assert counts[0] == 1 < counts[-1]
    assert grown[-1][0] - grown[0][0] > 0.1


def test_too_many_requests_are_waited_out_as_long_as_the_server_says(opened: Open):
    with OpenAIServer(first=["429 after 1", "normal"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
        first, second = server.times
    assert answer.model == "first"
    assert 1.0 <= second - first < 3.0


@pytest.mark.parametrize("fault", ["500", "cut early", "429"])
def test_a_passing_fault_is_retried_in_silence(opened: Open, fault: str):
    with OpenAIServer(first=[fault, "normal"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
        assert server.asked("first") == 2, answer
    assert (answer.model, answer.warnings) == ("first", ())
    assert all(s.supported for s in answer.sentences)


@pytest.mark.parametrize(
    ("fault", "tries"),
    [("401", 1), ("not json", 1), ("broken stream", 1), ("empty", 1), ("429 after 600", 1)],
)
def test_a_lasting_fault_goes_to_the_next_model(opened: Open, fault: str, tries: int):
    with OpenAIServer(first=[fault], second=["normal"]) as server:
        answer = opened(server, "first, second").ask(LOCAL_ADMIN, QUESTION)
        assert server.asked("first") == tries
    assert (answer.model, answer.warnings) == ("second", ())


@pytest.mark.parametrize(
    "fault", ["500", "429", "401", "not json", "broken stream", "empty", "cut early", "silent"]
)
def test_when_no_model_answers_the_documents_are_quoted_and_it_is_said(opened: Open, fault: str):
    with OpenAIServer(first=[fault]) as server:
        began = time.monotonic()
        answer = opened(server, deadline_s=4.0).ask(LOCAL_ADMIN, QUESTION)
        took = time.monotonic() - began
    assert quoted(answer)
    assert answer.model is None
    assert answer.warnings[0].startswith("No language model answered (first: ")
    assert answer.warnings[0].endswith("): these are quotes from the documents.")
    assert took < 12.0


def test_a_silent_model_leaves_time_for_the_next(opened: Open):
    with OpenAIServer(first=["silent"], second=["normal"]) as server:
        answer = opened(server, "first,second", deadline_s=6.0).ask(LOCAL_ADMIN, QUESTION)
    assert answer.model == "second"


@pytest.mark.parametrize("fault", ["cut", "stalls"])
def test_a_cut_after_a_shown_sentence_is_said_and_quotes_follow(opened: Open, fault: str):
    with OpenAIServer(first=[fault]) as server:
        answer = opened(server, deadline_s=5.0).ask(LOCAL_ADMIN, QUESTION)
        assert server.asked("first") == 1
    assert answer.model == "first"
    assert answer.sentences[0].supported
    assert len(answer.sentences) > 1
    assert answer.warnings[0].startswith("The model's answer ends here (first: ")
    assert quoted(answer)


def test_an_invented_number_is_shown_as_not_supported(opened: Open):
    with OpenAIServer(first=["invents"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
    (invented,) = [s for s in answer.sentences if "987,654" in s.text]
    assert not invented.supported
    assert invented.citations == ()
    assert answer.sentences[0].supported


def test_nonsense_is_marked_and_quotes_follow(opened: Open):
    with OpenAIServer(first=["nonsense"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
    assert [s.supported for s in answer.sentences[:2]] == [False, False]
    assert quoted(answer)
    assert "the documents confirm nothing of what it wrote" in answer.warnings[0]


def test_forgotten_markers_are_added(opened: Open):
    with OpenAIServer(first=["unmarked"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
    assert answer.sentences
    assert all(s.supported and s.citations for s in answer.sentences)


def test_a_models_refusal_is_a_refusal_with_the_nearest_pages(opened: Open):
    with OpenAIServer(first=["refuses"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, "Who won the world cup?")
    assert answer.refused
    assert answer.text == "The documents do not say."
    assert answer.citations == ()
    assert [n.doc for n in answer.nearest] == ["handbook.txt"]


def test_links_and_images_of_a_model_never_reach_the_reader(opened: Open):
    said = "say The annual leave at Larkspur is 25 days ![x](http://evil.example/?q=leave) [1]."
    with OpenAIServer(first=[said]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
    assert "evil" not in answer.text
    assert "](" not in answer.text


def test_a_cancelled_answer_stops_soon_and_keeps_what_it_has(opened: Open):
    with OpenAIServer(first=["stalls"]) as server:
        assistant = opened(server, deadline_s=60.0)
        conversation = assistant.new_conversation(LOCAL_ADMIN)
        turn_id = assistant.start(LOCAL_ADMIN, conversation, QUESTION)
        turn = None
        for turn in assistant.follow(LOCAL_ADMIN, turn_id):
            if turn.answer.sentences and turn.state == "running":
                began = time.monotonic()
                assistant.cancel(LOCAL_ADMIN, turn_id)
        assert time.monotonic() - began < 2.0
    assert turn is not None
    assert turn.state == "cancelled"
    assert len(turn.answer.sentences) == 1
    assert turn.answer.sentences[0].supported


def test_a_follow_up_is_rewritten_by_the_model(opened: Open):
    rewritten = "say How many days of annual leave are there after ten years?"
    with OpenAIServer(first=["normal", rewritten, "normal"]) as server:
        assistant = opened(server)
        conversation = assistant.new_conversation(LOCAL_ADMIN)
        list(assistant.follow(LOCAL_ADMIN, assistant.start(LOCAL_ADMIN, conversation, QUESTION)))
        answer = assistant.ask(
            LOCAL_ADMIN, "And after ten years of it?", conversation_id=conversation
        )
    assert answer.rewritten == "How many days of annual leave are there after ten years?"
    assert any("32 days" in s.text for s in answer.sentences)


def test_excerpts_stay_within_the_token_budget(opened: Open):
    with OpenAIServer() as server:
        assistant = opened(server)
        assistant.settings = assistant.settings.model_copy(update={"context_tokens": 60})
        assistant.ask(LOCAL_ADMIN, QUESTION)
        (request,) = server.requests
    assert request["messages"][0]["content"].count('<excerpt n="') == 1


def test_two_answers_are_written_at_once(opened: Open):
    with OpenAIServer(first=["slow"]) as server:
        assistant = opened(server)
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda: answers.append(assistant.ask(LOCAL_ADMIN, QUESTION)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert [a.model for a in answers] == ["first"] * 3
    assert len({a.text for a in answers}) == 1
