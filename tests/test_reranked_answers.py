"""Searches and answers where a cross-encoder is configured: its order, its scores, its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import files
import pytest
from openai_server import OpenAIServer
from rerank_server import RerankServer, by_word

from ingestion.opening import open_library
from pages.parts.health import model_check
from retrieval.assistant import Assistant, open_assistant
from store.embedding import Embedder
from store.errors import BadInput
from store.models import LOCAL_ADMIN
from store.opening import Store, open_store
from store.settings import Settings
from store.wire import hits_json

Open = Callable[..., Assistant]
QUESTION = "How high is the mast of the lighthouse?"
FIRST = "The mast of the lighthouse is forty feet high."
SECOND = "The lighthouse mast was painted by Quill."


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("rerank")
    settings = Settings(data=folder / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as opened:
        library = open_library(opened)
        for name, text in (("first.txt", FIRST), ("second.txt", SECOND)):
            library.add(LOCAL_ADMIN, name, files.txt(folder / name, text))
        assert library.wait(60)
        yield opened
        library.close()


@pytest.fixture
def opened(store: Store) -> Iterator[Open]:
    made: list[Assistant] = []

    def open_(server: RerankServer | None, **changed: object) -> Assistant:
        update = {"rerank_base_url": server.base_url if server else None, **changed}
        settings = store.settings.model_copy(update=update)
        made.append(open_assistant(settings, store.catalog, store.indexes, store.embedder))
        return made[-1]

    yield open_
    for assistant in made:
        assistant.close()


def test_a_search_shows_the_cross_encoders_order_and_scores(opened: Open, store: Store):
    before = opened(None).find(LOCAL_ADMIN, QUESTION)
    assert [hit.chunk.name for hit in before.hits] == ["first.txt", "second.txt"]
    with RerankServer(by_word("Quill")) as server:
        found = opened(server).find(LOCAL_ADMIN, QUESTION)
        one = opened(server).find(LOCAL_ADMIN, QUESTION, k=1)
        assert [len(request["documents"]) for request in server.requests] == [2, 2]
    assert [hit.chunk.name for hit in found.hits] == ["second.txt", "first.txt"]
    assert [hit.chunk.name for hit in one.hits] == ["second.txt"]
    shown = hits_json(found.hits, store.catalog, store.catalog.spaces(), 1.0)["hits"]
    assert [hit["rerank_score"] for hit in shown] == [0.9, 0.1]
    assert hits_json(before.hits, store.catalog, {}, 1.0)["hits"][0]["rerank_score"] is None


def test_an_answers_trace_shows_both_scores(opened: Open):
    with RerankServer(by_word("Quill")) as server:
        answer = opened(server, rerank_model="cross").ask(LOCAL_ADMIN, QUESTION)
    trace = answer.trace
    assert trace is not None
    assert [step.name for step in trace.steps][:3] == ["condense", "search", "rerank"]
    first, second = trace.candidates
    assert (first.doc, first.rerank_score, first.score) == ("second.txt", 0.9, 0.9)
    assert first.fused_score is not None
    assert second.fused_score is not None
    assert first.fused_score < second.fused_score
    assert answer.warnings == ()


def test_a_model_is_given_the_passages_in_the_new_order(opened: Open):
    with RerankServer(by_word("Quill")) as server, OpenAIServer() as model:
        opened(server, openai_base_url=model.base_url, models="first").ask(LOCAL_ADMIN, QUESTION)
        system = model.requests[0]["messages"][0]["content"]
    assert system.index("Quill") < system.index("forty feet")


def test_a_fault_is_shown_with_the_answer_and_with_the_search(opened: Open):
    with RerankServer("500") as server:
        assistant = opened(server)
        answer = assistant.ask(LOCAL_ADMIN, QUESTION)
        found = assistant.find(LOCAL_ADMIN, QUESTION)
    assert "forty feet" in answer.text
    assert "did not rank what was found (it failed (500))" in answer.warnings[0]
    assert found.warnings == answer.warnings
    assert found.hits[0].chunk.name == "first.txt"


def test_a_slow_server_leaves_time_for_the_answer(opened: Open):
    with RerankServer("silent") as server:
        assistant = opened(server, answer_deadline_s=4.0)
        assistant.warm()
        answer = assistant.ask(LOCAL_ADMIN, QUESTION)
    assert "forty feet" in answer.text
    assert answer.ms < 4000


def test_the_status_names_the_host_that_passages_go_to(opened: Open):
    with RerankServer(by_word("x")) as server:
        status = opened(server).model_status(LOCAL_ADMIN)
        both = opened(server, openai_base_url="http://llm.example/v1").model_status(LOCAL_ADMIN)
        key = opened(None, rerank_base_url=f"http://me:secret@{server.host}/v1")
    assert (status.configured, status.rerank_host) == (False, server.host)
    assert status.note.endswith(
        f"Questions and the passages found are sent to {server.host} to be ranked."
    )
    assert server.host in model_check(status).detail  # as the Admin screen says it
    assert server.host in model_check(both).detail
    assert both.host == "llm.example"
    assert "sent to llm.example. " in both.note
    assert server.host in both.note
    assert "secret" not in key.model_status(LOCAL_ADMIN).note


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rerank_base_url": "localhost:8080"}, "write it with http:// or https://"),
        ({"rerank_base_url": "ftp://x/y"}, "write it with http:// or https://"),
        ({"rerank_base_url": "http://"}, "write it with http:// or https://"),
        ({"rerank_model": "cross"}, "set FOOTNOTE_RERANK_BASE_URL"),
    ],
)
def test_settings_that_name_no_server_are_told_at_the_start(
    opened: Open, changed: dict[str, str], said: str
):
    with pytest.raises(BadInput, match=said):
        opened(None, **changed)
