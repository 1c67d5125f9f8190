"""What an answer's requests to models took: tokens by the server or by us, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import files
import pytest
from openai_server import OpenAIServer

from ingestion.opening import open_library
from retrieval.assistant import Assistant, open_assistant
from retrieval.budget import Budget
from retrieval.usage import Price, prices_of
from store.embedding import Embedder
from store.errors import BadInput
from store.models import LOCAL_ADMIN, Answer, ModelCall, Trace
from store.opening import Store, open_store
from store.settings import Settings
from store.wire import answer_json

HANDBOOK = "The annual leave at Larkspur is 25 days. After ten years of service it is 32 days.\n"
QUESTION = "How many days of annual leave are there?"
PRICES = "first=2/10, second=1/1"

Open = Callable[..., Assistant]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("usage")
    settings = Settings(data=folder / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as opened:
        library = open_library(opened)
        library.add(LOCAL_ADMIN, "handbook.txt", files.txt(folder / "handbook.txt", HANDBOOK))
        orders = folder / "orders.csv"
        orders.write_text("Order,Price\n1,10\n2,25\n3,40\n", "utf-8")
        library.add(LOCAL_ADMIN, "orders.csv", orders)
        assert library.wait(60)
        yield opened
        library.close()


@pytest.fixture
def opened(store: Store) -> Iterator[Open]:
    made: list[Assistant] = []

    def open_(server: OpenAIServer, **changed: object) -> Assistant:
        update = {"openai_base_url": server.base_url, "models": "first", **changed}
        settings = store.settings.model_copy(update=update)
        made.append(open_assistant(settings, store.catalog, store.indexes, store.embedder))
        return made[-1]

    yield open_
    for assistant in made:
        assistant.close()


def traced(answer: Answer) -> Trace:
    assert answer.trace is not None
    return answer.trace


def only_call(answer: Answer) -> ModelCall:
    (call,) = traced(answer).calls
    return call


def words_sent(request: dict) -> int:
    return sum(len(message["content"].split()) for message in request["messages"])


@pytest.mark.parametrize("usage", ["asked", "grows"])
def test_the_tokens_are_those_that_the_server_says(opened: Open, store: Store, usage: str):
    spent = Budget(store.catalog, 0).spent()
    with OpenAIServer(usage) as server:
        answer = opened(server, model_prices=PRICES).ask(LOCAL_ADMIN, QUESTION)
        (request,) = server.requests
    call = only_call(answer)
    assert (call.model, call.prompt, call.error) == ("first", "answer 2", None)
    assert call.input_tokens == words_sent(request)
    assert 0 < call.output_tokens < 100
    assert not call.estimated
    cost = (2 * call.input_tokens + 10 * call.output_tokens) / 1_000_000
    assert call.cost == pytest.approx(cost)
    whole = traced(answer).usage
    assert whole is not None
    assert (whole.input_tokens, whole.output_tokens) == (call.input_tokens, call.output_tokens)
    assert (whole.estimated, whole.cost) == (False, call.cost)
    assert Budget(store.catalog, 0).spent() - spent == call.input_tokens + call.output_tokens
    shown = answer_json(answer, store.catalog)["trace"]
    assert shown["usage"]["input_tokens"] == call.input_tokens
    assert shown["calls"][0]["prompt"] == "answer 2"


@pytest.mark.parametrize("usage", ["never", "odd"])
def test_a_server_that_says_nothing_of_use_leaves_an_estimate_that_is_said_to_be_one(
    opened: Open, usage: str
):
    with OpenAIServer(usage) as server:
        answer = opened(server, model_prices=PRICES).ask(LOCAL_ADMIN, QUESTION)
        (request,) = server.requests
    call = only_call(answer)
    assert call.estimated
    assert words_sent(request) < call.input_tokens < 10 * words_sent(request)
    assert call.output_tokens > 10
    assert call.cost
    whole = traced(answer).usage
    assert whole is not None
    assert whole.estimated


def test_a_server_that_refuses_to_be_asked_for_tokens_is_asked_without_and_once_only(opened: Open):
    with OpenAIServer("refuses") as server:
        assistant = opened(server)
        first, second = (assistant.ask(LOCAL_ADMIN, QUESTION) for _ in range(2))
        wishes = ["stream_options" in request for request in server.requests]
    assert wishes == [True, False, False]
    for answer in (first, second):
        assert (answer.model, answer.warnings) == ("first", ())
        assert only_call(answer).estimated
        assert only_call(answer).cost is None


def test_a_server_that_refuses_everything_is_no_server_without_usage(opened: Open):
    with OpenAIServer(first=["400"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, QUESTION)
        assert server.asked("first") == 2
    call = only_call(answer)
    assert call.error == "the server refused the request (400)"
    assert (call.input_tokens, call.output_tokens, call.cost) == (0, 0, None)
    assert "25 days" in answer.text


def test_every_request_counts_those_that_failed_too(opened: Open):
    with OpenAIServer(first=["500", "cut early", "401"], second=["normal"]) as server:
        answer = opened(server, models="first,second", model_prices=PRICES).ask(
            LOCAL_ADMIN, QUESTION
        )
    calls = traced(answer).calls
    assert [(c.model, c.error) for c in calls] == [
        ("first", "the server failed (500)"),
        ("first", "the connection was cut"),
        ("first", "the server refused the request (401)"),
        ("second", None),
    ]
    assert [c.input_tokens > 0 for c in calls] == [False, True, False, True]
    whole = traced(answer).usage
    assert whole is not None
    assert whole.estimated  # of the one that was cut
    assert whole.cost == pytest.approx(sum(c.cost or 0 for c in calls))


def test_the_whole_has_no_cost_where_a_model_that_wrote_has_no_price(opened: Open):
    with OpenAIServer(first=["cut early", "401"], second=["normal"]) as server:
        answer = opened(server, models="first,second", model_prices="second=1/1").ask(
            LOCAL_ADMIN, QUESTION
        )
    whole = traced(answer).usage
    assert whole is not None
    assert whole.cost is None
    assert traced(answer).calls[-1].cost is not None


def test_condensing_and_routing_are_calls_of_their_own(opened: Open):
    with OpenAIServer(
        first=["normal", "say How has the leave at Larkspur changed?", "say facts", "normal"]
    ) as server:
        assistant = opened(server)
        conversation = assistant.new_conversation(LOCAL_ADMIN)
        turn = assistant.start(LOCAL_ADMIN, conversation, "What is the leave at Larkspur?")
        list(assistant.follow(LOCAL_ADMIN, turn))
        answer = assistant.ask(LOCAL_ADMIN, "How has it changed?", conversation_id=conversation)
    trace = traced(answer)
    assert [call.prompt for call in trace.calls] == ["condense 1", "route 1", "answer 2"]
    assert trace.usage is not None
    assert trace.usage.input_tokens == sum(call.input_tokens for call in trace.calls)
    assert {"condense", "route", "generate"} <= {step.name for step in trace.steps}


def test_a_query_that_a_model_writes_is_a_call(opened: Open):
    gap = '{"sql": "SELECT max(c1n) - min(c1n) FROM t0", "rows": "SELECT id FROM t0"}'
    with OpenAIServer(first=[f"say {gap}"]) as server:
        answer = opened(server).ask(
            LOCAL_ADMIN,
            "What is the largest gap between two prices?",
            document="orders.csv",
            route="tables",
        )
    assert only_call(answer).prompt == "sql 1"
    assert answer.text.startswith("30: computed")


def test_without_a_model_nothing_is_spent(opened: Open, store: Store):
    assistant = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
    trace = traced(assistant.ask(LOCAL_ADMIN, QUESTION))
    assistant.close()
    assert (trace.calls, trace.usage) == ((), None)


def test_prices_are_read_with_slashes_and_spaces_in_names():
    found = prices_of(" gpt-4o-mini=0.15/0.60 , org/local-8b:q4=0/0,, a=b=1/2 ")
    assert found == {
        "gpt-4o-mini": Price(input=0.15, output=0.6),
        "org/local-8b:q4": Price(input=0, output=0),
        "a=b": Price(input=1, output=2),
    }
    assert prices_of("") == {}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("gpt-4o-mini", "write model=input/output for each model"),
        ("=1/2", "write model=input/output"),
        ("a=1", "says “1” for “a”; write two numbers"),
        ("a=1/2/3", "write two numbers"),
        ("a=0,15/0,60", "write two numbers"),
        ("a=-1/2", "write two numbers from 0 upwards"),
        ("a=nan/1", "write two numbers"),
        ("a=1/inf", "write two numbers"),
        ("a=1/2, a=1/2", "gives two prices for “a”"),
    ],
)
def test_prices_that_cannot_be_read_are_told_at_the_start(store: Store, setting: str, said: str):
    settings = store.settings.model_copy(update={"model_prices": setting})
    with pytest.raises(BadInput, match=r"^FOOTNOTE_MODEL_PRICES ") as refused:
        open_assistant(settings, store.catalog, store.indexes, store.embedder)
    assert said in str(refused.value)


def test_a_trace_that_was_kept_before_this_is_still_read():
    old = '{"began_at": 1.0, "steps": [], "candidates": [], "dropped": [], "prompt": "answer 1"}'
    trace = Trace.model_validate_json(old)
    assert (trace.calls, trace.usage, trace.prompt) == ((), None, "answer 1")
