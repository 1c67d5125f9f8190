"""What a model must give in a shape: used, mended once, or left to the rules, and that is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from llama_index.core.tools import ToolMetadata
from openai_server import OpenAIServer

from ingestion.opening import open_library
from retrieval.condense import condensed
from retrieval.engines import ENGINES
from retrieval.generate import LanguageModels, Models
from retrieval.llama import Asked
from retrieval.router import by_model
from retrieval.search import Searcher
from retrieval.structured import json_in
from retrieval.tabular.extract import tables_in
from retrieval.tabular.plan import Unclear
from retrieval.tabular.table import Table
from retrieval.tabular.written import written
from store.embedding import Embedder
from store.errors import ModelUnavailable
from store.models import LOCAL_ADMIN, Answer, Turn
from store.opening import open_store
from store.settings import Settings

SECRET = "Larkspur"
WAYS = [ToolMetadata(name=name, description=about) for name, (_, about) in ENGINES.items()]
TURN = Turn(
    id="t",
    conversation_id="c",
    question="What is the annual leave in Norway?",
    answer=Answer(question="What is the annual leave in Norway?"),
    state="done",
    created_at=0.0,
)
QUERY = '{"sql": "SELECT max(c1n) FROM t0", "rows": "SELECT id FROM t0"}'


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Table]:
    folder = tmp_path_factory.mktemp("structured")
    settings = Settings(data=folder / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as store:
        library = open_library(store)
        orders = folder / "orders.csv"
        orders.write_text(f"Order,Price\n1,10\n2,25\n{SECRET},40\n", "utf-8")
        library.add(LOCAL_ADMIN, "orders.csv", orders)
        assert library.wait(60)
        searcher = Searcher(store.catalog, store.indexes, store.embedder)
        hits = searcher.search("price of orders", tuple(store.catalog.spaces()), k=10).hits
        (found,) = tables_in(store.catalog, [hit.chunk for hit in hits])
        yield found
        library.close()


@dataclass
class Way:
    """One of the three things that a model gives in a shape: how it is asked for, what fits."""

    prompt: str
    good: str
    result: str
    by_rules: str

    def ask(self, server: OpenAIServer, asked: Asked, table: Table) -> str:
        models = LanguageModels(Models(names=("first",), base_url=server.base_url))
        if self.prompt == "route 1":
            choice = by_model(asked, WAYS, models)
            return choice.route if choice else "none"
        if self.prompt == "condense 1":
            return condensed(asked.query_str, [TURN], asked, models) or "none"
        try:
            return written(models, asked, table)[0].values[0]
        except (Unclear, ModelUnavailable):
            return "none"


ALL = [
    Way("route 1", "Summary.", "summary", "none"),
    Way("route 1", '{"route": "tables"}', "tables", "none"),
    Way(
        "condense 1",
        "What is the annual leave in Denmark?",
        "What is the annual leave in Denmark?",
        "And in Denmark? (annual leave)",
    ),
    Way("sql 1", f"```json\n{QUERY}\n```", "40", "none"),
]
BAD = {
    "route 1": "say facts or summary",
    "condense 1": "say A first line.\nAnd a second one.",
    "sql 1": f'say {{"sql": "SELECT {SECRET} FROM t0", "rows": "SELECT id FROM t0"}}',
}


@pytest.fixture(params=ALL, ids=lambda way: f"{way.prompt[:-2]}-{way.good[:1]}")
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


def question(deadline_s: float = 20.0) -> Asked:
    return Asked(query_str="And in Denmark?", deadline=time.monotonic() + deadline_s)


def test_what_fits_is_used_at_once(way: Way, table: Table):
    asked = question()
    with OpenAIServer(first=[f"say {way.good}"]) as server:
        assert way.ask(server, asked, table) == way.result
        assert server.asked("first") == 1
    trace = asked.trace.trace()
    assert trace.dropped == ()
    assert [call.prompt for call in trace.calls] == [way.prompt]


def test_what_does_not_fit_is_asked_for_again_with_the_reason(way: Way, table: Table):
    asked = question()
    with OpenAIServer(first=[BAD[way.prompt], f"say {way.good}"]) as server:
        assert way.ask(server, asked, table) == way.result
        _, repair = server.requests
    said = repair["messages"][1]["content"]
    assert said.startswith("And in Denmark?\n\nYour last answer cannot be used: ")
    assert said.endswith(". Answer again, as asked.")
    trace = asked.trace.trace()
    (dropped,) = trace.dropped
    assert dropped.startswith(f"a model's answer to the prompt “{way.prompt}” (")
    assert dropped.endswith("): it was asked again")
    assert [call.prompt for call in trace.calls] == [way.prompt] * 2


@pytest.mark.parametrize(
    "bad", ["as above", "say x%$& {{{ ]", 'say {"a": 1}', "say [1]\nnull", "huge"]
)
def test_what_does_not_fit_twice_is_left_to_the_rules(way: Way, table: Table, bad: str):
    asked = question()
    with OpenAIServer(first=[BAD[way.prompt] if bad == "as above" else bad]) as server:
        began = time.monotonic()
        result = way.ask(server, asked, table)
        assert time.monotonic() - began < 6.0
    if way.prompt == "condense 1" and bad.startswith(("say x", "say {")):
        return  # one line of nonsense is one line
    assert server.asked("first") == 2
    assert result == way.by_rules
    again, last = asked.trace.trace().dropped
    assert again.endswith("): it was asked again")
    assert last.endswith(", also when asked again): rules go on")
    assert SECRET not in again + last


@pytest.mark.parametrize("fault", ["401", "empty", "not json", "endless"])
def test_a_model_that_fails_is_not_asked_to_mend_anything(way: Way, table: Table, fault: str):
    asked = question()
    with OpenAIServer(first=[fault]) as server:
        assert way.ask(server, asked, table) == way.by_rules
        assert server.asked("first") == 1
    (dropped,) = asked.trace.trace().dropped
    assert dropped.endswith("): rules go on")


@pytest.mark.parametrize("fault", ["silent", "hang after facts. Then"])
def test_a_model_that_hangs_costs_no_more_than_the_deadline(way: Way, table: Table, fault: str):
    asked = question(1.0)
    with OpenAIServer(first=[fault]) as server:
        began = time.monotonic()
        assert way.ask(server, asked, table) == way.by_rules
        assert time.monotonic() - began < 3.0
    assert "no answer in time" in asked.trace.trace().dropped[0]


def test_a_model_that_hangs_when_asked_again_costs_no_more_either(way: Way, table: Table):
    asked = question(1.5)
    with OpenAIServer(first=[BAD[way.prompt], "silent"]) as server:
        began = time.monotonic()
        assert way.ask(server, asked, table) == way.by_rules
        assert time.monotonic() - began < 3.5
    assert len(asked.trace.trace().dropped) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [('Here: {"a": {"b": 1}} Good luck!', '{"a": {"b": 1}}'), ("none", "none"), ("} {", "} {")],
)
def test_an_object_is_found_between_other_words(text: str, found: str):
    assert json_in(text) == found
