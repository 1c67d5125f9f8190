"""Every fault of a model's server, over real HTTP: within the deadline the reader has the sources,
and exact quotes that are told from a model's words."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import pytest
from openai_server import OpenAIServer

from ingestion.opening import open_library
from retrieval.assistant import open_assistant
from store.embedding import Embedder
from store.models import LOCAL_ADMIN, Answer
from store.opening import Store, open_store
from store.settings import Settings

HANDBOOK = b"""The annual leave at Larkspur is 25 days. After ten years of service it is 32 days.

A meal allowance of EUR 72 is paid for each full day in Norway. Flights are booked through the
travel desk on extension 225.
"""
QUESTION = "How many days of annual leave are there?"
FACT = "The annual leave at Larkspur is 25 days."
DEADLINE_S = 4.0
FAULTS = {
    "slow": ["endless"],
    "hang": ["stalls"],
    "429": ["429"],
    "500": ["500"],
    "garbage": ["nonsense", "not json", "broken stream"],
    "cut stream": ["cut", "cut early"],
    "never": ["silent"],
}
"""What the server does, by the name of the fault; of several, one after the other."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("faults")
    settings = Settings(data=folder / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as opened:
        library = open_library(opened)
        library.add(LOCAL_ADMIN, "handbook.txt", HANDBOOK)
        assert library.wait(60)
        yield opened
        library.close()


def asked(store: Store, faults: Sequence[str], times: int) -> tuple[list[Answer], float]:
    """The answers while the server has these faults in turn, and the longest wait in seconds."""
    answers, longest = [], 0.0
    for i in range(times):
        with OpenAIServer(first=[faults[i % len(faults)]]) as server:
            settings = store.settings.model_copy(
                update={
                    "openai_base_url": server.base_url,
                    "models": "first",
                    "answer_deadline_s": DEADLINE_S,
                }
            )
            assistant = open_assistant(settings, store.catalog, store.indexes, store.embedder)
            assistant.warm()
            began = time.monotonic()
            answers.append(assistant.ask(LOCAL_ADMIN, QUESTION))
            longest = max(longest, time.monotonic() - began)
            assistant.close()
    return answers, longest


def check(fault: str, answers: list[Answer], longest_s: float) -> None:
    sys.stderr.write(f"{fault}: {len(answers)} answers, the last after {longest_s:.1f} s\n")
    for answer in answers:
        assert answer.citations, answer
        supported = [s for s in answer.sentences if s.supported and s.citations]
        assert any(FACT in s.text for s in supported), answer
        # Marked: no model is named, or a warning says what of it came; nothing else is a fact.
        assert answer.model is None or answer.warnings, answer
        for sentence in supported:
            said = " ".join(answer.citations[n - 1].text for n in sentence.citations)
            assert all(
                word.strip(".,") in said for word in sentence.text.split() if word[0].isdigit()
            )
    assert longest_s < DEADLINE_S


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_reader_has_sources_and_quotes_whatever_the_model_does(fault: str, store: Store):
    check(fault, *asked(store, FAULTS[fault], len(FAULTS[fault])))


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_twenty_times_each_fault(fault: str, store: Store):
    check(fault, *asked(store, FAULTS[fault], 20))
