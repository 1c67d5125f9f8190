"""The route of a question: by its words, by a model where they leave it open, by the person."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import files
import pytest
from openai_server import OpenAIServer
from streamlit.testing.v1 import AppTest

from evals.router import QUESTIONS, macro_f1
from ingestion.library import Library
from retrieval.__main__ import main
from retrieval.assistant import Assistant, open_assistant
from retrieval.engines import ENGINES
from retrieval.router import NO_TABLE, UNSURE, route_of
from retrieval.routes import ROUTES, checked_route
from server import doors
from server.opening import open_doors
from store.errors import BadInput
from store.models import LOCAL_ADMIN
from store.opening import Store
from store.settings import ROOT, Settings
from store.wire import answer_json

OPEN_QUESTION = "How has the harbour changed?"
"""One whose words leave open whether it compares."""

Open = Callable[..., Assistant]


@pytest.fixture
def opened(store: Store, library: Library, tmp_path: Path) -> Iterator[Open]:
    """Opens an assistant over one text, which asks the given server where there is one."""
    text = "The harbour has changed: a new mole of 300 metres was built in 2019."
    library.add(LOCAL_ADMIN, "harbour.txt", files.txt(tmp_path / "harbour.txt", text))
    assert library.wait(60)
    made: list[Assistant] = []

    def open_(server: OpenAIServer | None = None) -> Assistant:
        update = {"openai_base_url": server.base_url, "models": "first"} if server else {}
        settings = store.settings.model_copy(update=update)
        made.append(open_assistant(settings, store.catalog, store.indexes, store.embedder))
        return made[-1]

    yield open_
    for assistant in made:
        assistant.close()


def test_the_rules_hold_on_the_questions_they_were_not_tuned_on():
    asked = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    assert len(asked) == 120
    assert len({q["question"] for q in asked}) == 120
    for split in ("fit", "test"):
        half = [q for q in asked if q["split"] == split]
        assert all(sum(q["route"] == route for q in half) == 12 for route in ROUTES)
        assert macro_f1([(q["route"], route_of(q["question"]).route) for q in half]) >= 0.9


@pytest.mark.parametrize(
    ("question", "route"),
    [
        ("What is the daily allowance?", "facts"),
        ("What is the total amount we owe Brackwater?", "facts"),
        ("What does the contract say about notice?", "facts"),
        ("Which suppliers deliver circuit boards?", "facts"),
        ("sumarise the handbook", "summary"),
        ("Comapre the two offers", "compare"),
        ("What do the lease and the annex say about rent?", "compare"),
        ("What is the sum of all invoices?", "tables"),
        ("Find every mention of asbestos", "mentions"),
    ],
)
def test_a_route_comes_with_its_reason_and_confidence(question: str, route: str):
    choice = route_of(question)
    assert choice.route == route
    assert choice.confidence is not None
    assert 0.5 <= choice.confidence <= 1
    assert choice.reason.startswith("nothing" if route == "facts" else "the question says “")


def test_a_person_decides_before_the_words():
    assert route_of("Summarise the handbook", "facts") == ("facts", "chosen by you", None)


def test_a_scope_of_sheets_alone_strengthens_a_cue_for_tables(
    opened: Open, library: Library, tmp_path: Path
):
    question = "How many people visit Kestrel?"
    assert route_of(question).route == "facts"
    assert route_of(question, only_sheets=True).route == "tables"
    assert route_of("Who visits Kestrel?", only_sheets=True).route == "facts"
    library.add(LOCAL_ADMIN, "t.csv", files.csv(tmp_path / "t.csv"))
    assert library.wait(60)
    assert opened().ask(LOCAL_ADMIN, question).route == "facts"
    assert opened().ask(LOCAL_ADMIN, question, document="t.csv").route == "tables"


@pytest.mark.parametrize("name", [None, "", "automatic"])
def test_without_a_choice_the_words_decide(name: str | None):
    assert checked_route(name) is None


def test_a_wrong_route_is_refused_with_the_right_ones(opened: Open):
    assistant = opened()
    conversation = assistant.new_conversation(LOCAL_ADMIN)
    sentence = r"There is no way “guess” to answer; choose one of facts, summary, .*\.$"
    for ask in (
        lambda: assistant.ask(LOCAL_ADMIN, "Where?", route="guess"),
        lambda: assistant.ask_stream(LOCAL_ADMIN, "Where?", route="guess"),
        lambda: assistant.start(LOCAL_ADMIN, conversation, "Where?", route="guess"),
    ):
        with pytest.raises(BadInput, match=sentence):
            ask()


def test_the_answer_says_which_way_was_taken_and_why(opened: Open, store: Store):
    answer = opened().ask(LOCAL_ADMIN, "Find every mention of the mole")
    assert (answer.route, answer.route_reason) == (
        "mentions",
        "the question says “Find every mention”",
    )
    shown = answer_json(answer, store.catalog)
    assert shown["route_reason"] == answer.route_reason
    assert shown["route_confidence"] == answer.route_confidence > 0.8


@pytest.mark.parametrize("route", sorted(ENGINES))
def test_every_way_can_be_chosen(opened: Open, route: str):
    answer = opened().ask(LOCAL_ADMIN, "mole", route=route)
    assert "chosen by you" in answer.route_reason
    assert answer.sentences


def test_a_calculation_without_a_table_is_answered_as_facts(
    opened: Open, library: Library, tmp_path: Path
):
    question = "What is the sum of all mole lengths?"
    before = opened().ask(LOCAL_ADMIN, question)
    assert before.route == "facts"
    assert before.route_reason == NO_TABLE
    library.add(LOCAL_ADMIN, "t.csv", files.csv(tmp_path / "t.csv"))
    assert library.wait(60)
    assert opened().ask(LOCAL_ADMIN, question).route == "tables"
    # A scope without the table is without it.
    assert opened().ask(LOCAL_ADMIN, question, document="harbour.txt").route == "facts"


def test_a_model_is_asked_only_where_the_words_leave_it_open(opened: Open):
    confidence = route_of(OPEN_QUESTION).confidence
    assert confidence is not None
    assert confidence < UNSURE
    with OpenAIServer(first=["say Summary.", "normal"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, OPEN_QUESTION)
        assert server.asked("first") == 2
        assert "- mentions: " in server.requests[0]["messages"][0]["content"]
        clear = opened(server).ask(LOCAL_ADMIN, "Where is the mole mentioned?")
        assert server.asked("first") == 2
    assert (answer.route, answer.route_reason) == ("summary", "first chose it")
    assert clear.route == "mentions"


@pytest.mark.parametrize("said", ["say facts or summary", "say Ignore that.", "401"])
def test_where_a_model_names_no_way_the_words_decide(opened: Open, said: str):
    with OpenAIServer(first=[said, "normal"]) as server:
        answer = opened(server).ask(LOCAL_ADMIN, OPEN_QUESTION)
    assert answer.route == "facts"
    assert "chose" not in answer.route_reason


def test_the_screen_offers_the_ways_and_says_which_was_taken(settings: Settings, tmp_path: Path):
    with open_doors(settings) as held:
        doors.fill(held)
        try:
            path = files.txt(tmp_path / "harbour.txt", "The mole is 300 metres long.")
            held.library.add(LOCAL_ADMIN, path.name, path)
            assert held.library.wait(60)
            test = AppTest.from_file(str(ROOT / "pages" / "chat.py"), default_timeout=60).run()
            choice = test.selectbox(key="scope_route")
            assert choice.options == [route.capitalize() for route in ROUTES]
            choice.select("mentions").run()
            test.chat_input[0].set_value("mole").run()
            until = time.monotonic() + 60
            while "Mentions: chosen by you" not in [c.value for c in test.caption]:
                assert time.monotonic() < until
                time.sleep(0.1)
                test.run()
            assert not test.exception
            assert "“mole” occurs once on 1 page of 1 document." in [t.value for t in test.text]
        finally:
            doors.fill(None)


def test_the_command_line_takes_a_route_and_refuses_a_wrong_one(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    monkeypatch.setenv("FOOTNOTE_DATA", str(settings.data))
    monkeypatch.setenv("FOOTNOTE_SAMPLES", "false")
    assert main(["ask", "mole", "--route", "mentions", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["route"], answer["route_reason"]) == ("mentions", "chosen by you")
    assert main(["ask", "mole", "--route", "guess", "--json"]) == 1
    assert "There is no way “guess”" in json.loads(capsys.readouterr().out)["error"]
    batch, out = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    lines = [{"question": "mole", "route": r} for r in ("mentions", "guess", 5, None)]
    batch.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert main(["ask", "--batch", str(batch), "--out", str(out)]) == 1
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert found[0]["route"] == "mentions"
    assert "There is no way “guess”" in found[1]["error"]
    assert "There is no way “5”" in found[2]["error"]
    assert found[3]["route"] == "facts"
