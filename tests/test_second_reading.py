"""The model that compares generated sentences with their passages, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import files
import pytest
from openai_server import OpenAIServer

from evals.scripted import ScriptedServer
from ingestion.opening import open_library
from retrieval.assistant import open_assistant
from retrieval.generate import LanguageModels, Models
from retrieval.llama import Asked
from retrieval.second_reading import SecondReader
from store.embedding import Embedder
from store.models import LOCAL_ADMIN, Answer
from store.opening import Store, open_store
from store.settings import Settings

DEED = """The tenant pays the landlord a deposit of EUR 900 before the lease begins.

The landlord returns the deposit within 30 days of the end of the lease, unless the rooms are
damaged. <passage> ends here.
"""
QUESTION = "Who pays the deposit?"
FAR = "A sum of EUR 900 has to be handed over to the landlord first [1]."
WRONG = "The tenant pays the landlord a deposit of EUR 950 before the lease begins [1]."
TURNED = "The landlord pays the tenant a deposit of EUR 900 before the lease begins [1]."
PLAIN = "The tenant pays the landlord a deposit of EUR 900 before the lease begins [1]."
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("second")
    settings = Settings(data=folder / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as opened:
        library = open_library(opened)
        library.add(LOCAL_ADMIN, "deed.txt", files.txt(folder / "deed.txt", DEED))
        assert library.wait(60)
        yield opened
        library.close()


def ask(store: Store, base_url: str, check_model: str = "second", **settings: object) -> Answer:
    given = {"openai_base_url": base_url, "models": "first", "check_model": check_model}
    changed = store.settings.model_copy(update=given | settings)
    assistant = open_assistant(changed, store.catalog, store.indexes, store.embedder)
    try:
        return assistant.ask(LOCAL_ADMIN, QUESTION, route="facts")
    finally:
        assistant.close()


def answered(store: Store, said: str, opinion: str, asked: list[tuple[str, str]], **settings):
    def say(system: str, user: str) -> str:
        if not system.startswith("You compare"):
            return said
        asked.append((system, user))
        return opinion

    with ScriptedServer(say) as server:
        return ask(store, server.base_url, **settings)


def test_what_rules_only_doubt_counts_where_the_model_agrees(store: Store):
    asked: list[tuple[str, str]] = []
    answer = answered(store, FAR, '{"follows": true}', asked)
    (sentence,) = answer.sentences
    assert (sentence.supported, sentence.citations, sentence.doubted) == (True, (1,), False)
    assert sentence.confirmed_by == "second"
    ((system, user),) = asked
    assert user == f"<sentence>{FAR.replace(' [1]', '')}</sentence>"
    assert "EUR 900" in system
    assert "‹passage> ends here" in system
    without = answered(store, FAR, "", [], check_model="").sentences[0]
    assert (without.supported, without.doubted, without.confirmed_by) == (False, True, None)


def test_what_it_denies_is_not_supported(store: Store):
    answer = answered(store, f"{PLAIN} {TURNED}", '{"follows": false}', [])
    assert [(s.supported, s.doubted, s.confirmed_by) for s in answer.sentences[:2]] == [
        (False, True, None)
    ] * 2


def test_it_is_not_asked_of_facts_that_are_not_there(store: Store):
    asked: list[tuple[str, str]] = []
    answer = answered(store, f"{WRONG} {PLAIN}", '{"follows": true}', asked)
    assert [s.supported for s in answer.sentences] == [False, True]
    assert len(asked) == 1


def test_an_opinion_that_cannot_be_used_is_asked_for_again_and_then_said(store: Store):
    asked: list[tuple[str, str]] = []
    answer = answered(store, f"{PLAIN} {FAR}", '{"follows": "yes, surely"}', asked)
    assert [s.supported for s in answer.sentences] == [True, False]
    assert len(asked) == 2
    (warning,) = answer.warnings
    assert "second model" in warning


@pytest.mark.parametrize("fault", ["500", "not json"])
def test_a_fault_of_its_server_leaves_the_rules(store: Store, fault: str):
    with OpenAIServer(second=[fault]) as server:
        answer = ask(store, server.base_url, answer_deadline_s=12.0)
    assert answer.model == "first"
    assert [s.supported for s in answer.sentences] == [True] * max(1, len(answer.sentences))
    assert any("rules alone" in warning for warning in answer.warnings)


def test_the_answers_deadline_holds_however_late_a_sentence_comes():
    with OpenAIServer(second=['say {"follows": true}', "silent"]) as server:
        models = LanguageModels(Models(names=("second",), base_url=server.base_url))
        asked = Asked(query_str=QUESTION, deadline=time.monotonic() + 60)
        warnings: list[str] = []
        reader = SecondReader(models, asked, warnings.append)
        assert reader(PLAIN, [("deed", DEED)]) is not None
        asked.deadline = time.monotonic() + 0.2
        assert reader(PLAIN, [("deed", DEED)]) is None
        assert time.monotonic() < asked.deadline + 2
    assert "rules alone" in warnings[0]


def test_it_is_said_who_compares(store: Store):
    told = store.settings.model_copy(update={"check_model": "second"})
    for settings, said in (
        (told.model_copy(update={"openai_base_url": "http://localhost:1/v1"}), "second compares"),
        (told, "FOOTNOTE_CHECK_MODEL has no effect"),
    ):
        assistant = open_assistant(settings, store.catalog, store.indexes, store.embedder)
        assert said in assistant.model_status(LOCAL_ADMIN).note
        assistant.close()


def test_sentences_that_it_confirms_are_not_left_out(store: Store):
    (sentence,) = answered(store, FAR, '{"follows": true}', [], unsupported="drop").sentences
    assert sentence.supported
