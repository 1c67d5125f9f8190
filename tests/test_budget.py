"""Tokens are counted by the day and outlive a restart; what is not supported may be left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import files
import pytest
from openai_server import OpenAIServer

from ingestion.opening import open_library
from retrieval.assistant import open_assistant
from retrieval.budget import Budget
from store.embedding import Embedder
from store.models import LOCAL_ADMIN, Answer
from store.opening import Store, open_store
from store.settings import Settings

HANDBOOK = "The annual leave at Larkspur is 25 days. After ten years of service it is 32 days.\n"
QUESTION = "How many days of annual leave are there?"
MIDNIGHT = 1_700_006_400.0
"""15 November 2023, 00:00 UTC."""


@pytest.fixture
def store(tmp_path: Path, settings: Settings, embedder: Embedder) -> Iterator[Store]:
    with open_store(settings, embedder=embedder) as opened:
        library = open_library(opened)
        library.add(LOCAL_ADMIN, "handbook.txt", files.txt(tmp_path / "handbook.txt", HANDBOOK))
        assert library.wait(60)
        yield opened
        library.close()


def ask(store: Store, server: OpenAIServer, times: int = 1, **changed: object) -> list[Answer]:
    """The question asked some times of one assistant that a change of settings is made for."""
    update = {"openai_base_url": server.base_url, "models": "first", **changed}
    settings = store.settings.model_copy(update=update)
    assistant = open_assistant(settings, store.catalog, store.indexes, store.embedder)
    answers = [assistant.ask(LOCAL_ADMIN, QUESTION) for _ in range(times)]
    assistant.close()
    return answers


def test_when_the_tokens_of_a_day_are_used_up_the_documents_are_quoted(store: Store):
    with OpenAIServer() as server:
        first, second = ask(store, server, 2, daily_tokens=100)
        again = ask(store, server, daily_tokens=100)[0]  # another assistant: a restart
        assert server.asked("first") == 1
    assert (first.model, first.warnings) == ("first", ())
    for answer in (second, again):
        assert answer.model is None
        assert "25 days" in answer.text
        assert answer.warnings == (
            "No language model answered (the 100 tokens of today are used up): these are quotes"
            " from the documents.",
        )


def test_without_a_limit_every_question_is_asked(store: Store):
    with OpenAIServer() as server:
        answers = ask(store, server, 3)
        assert server.asked("first") == 3
    assert [a.model for a in answers] == ["first"] * 3
    assert Budget(store.catalog, 0).spent() > 300


def test_a_day_ends_at_midnight_utc(store: Store):
    now = [MIDNIGHT - 1]
    budget = Budget(store.catalog, 1000, clock=lambda: now[0])
    budget.spend(600)
    assert not budget.used_up()
    budget.spend(400)
    assert budget.used_up()
    now[0] = MIDNIGHT
    assert not budget.used_up()
    assert budget.spent() == 0


def test_what_no_document_says_is_marked_or_left_out(store: Store):
    said = "say The annual leave at Larkspur is 25 days [1]. Sharks attended the gala in Rome [1]."
    with OpenAIServer(first=[said]) as server:
        (marked,) = ask(store, server)
        (dropped,) = ask(store, server, unsupported="drop")
    assert [s.supported for s in marked.sentences] == [True, False]
    assert marked.warnings == ()
    assert [s.text for s in dropped.sentences] == ["The annual leave at Larkspur is 25 days."]
    assert dropped.warnings == ("1 sentence was left out: the documents do not confirm it.",)


def test_where_everything_was_left_out_the_documents_are_quoted(store: Store):
    with OpenAIServer(first=["nonsense"]) as server:
        (answer,) = ask(store, server, unsupported="drop")
    assert "25 days" in answer.text
    assert all(s.supported for s in answer.sentences)
    assert "2 sentences were left out: the documents do not confirm them." in answer.warnings
