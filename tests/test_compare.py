"""Comparisons: each thing is asked of its own documents, and every cell is cited or empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import files
import pytest
from openai_server import OpenAIServer

from ingestion.library import Library
from ingestion.opening import open_library
from retrieval.assistant import Assistant, open_assistant
from retrieval.compared import Compared, Documents, compared
from retrieval.llama import REFUSAL
from retrieval.sources import one_line
from store.embedding import Embedder
from store.models import LOCAL_ADMIN, Answer
from store.opening import Store, open_store
from store.settings import Settings

PAPERS = {
    "Hansen contract.txt": "Contract with Hansen. The notice period is three months. Payment is due"
    " within thirty days of the invoice.",
    "Okafor contract.txt": "Contract with Okafor. The notice period is six weeks to the end of a"
    " quarter. Deliveries arrive on Mondays.",
    "Leave policy 2022.txt": "Policy for 2022. The annual leave is 25 days for every employee.",
    "Leave policy 2024.txt": "Policy for 2024. The annual leave is 28 days for every employee.",
    "Readings.txt": "Station readings. In 2019 the headcount of the stations was 40 people. In 2023"
    " the headcount of the stations was 62 people.",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("compare")
    settings = Settings(data=folder / "store", samples=False, _env_file=None)
    with open_store(settings, embedder=embedder) as opened:
        library: Library = open_library(opened)
        for name, text in PAPERS.items():
            library.add(LOCAL_ADMIN, name, files.txt(folder / name, text))
        assert library.wait(60)
        yield opened
        library.close()


@pytest.fixture(scope="module")
def assistant(store: Store) -> Iterator[Assistant]:
    opened = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
    yield opened
    opened.close()


def rows(answer: Answer, store: Store) -> dict[str, str]:
    """Thing → answer, after checking that each citation is the page's own text."""
    assert answer.route == "compare", answer
    assert answer.table
    assert answer.table.headings == ("What", "Answer", "Document and page")
    assert answer.sentences[0].computed
    for _, said, where in answer.table.rows:
        assert said.citations == where.citations
        if said.text == REFUSAL:
            assert said.citations == ()
            assert where.text == ""
            continue
        (n,) = said.citations
        citation = answer.citations[n - 1]
        pages = store.catalog.pages({s.page_id for s in citation.spans})
        texts = [pages[s.page_id].text[s.start : s.end] for s in citation.spans]
        assert citation.text == "\n".join(texts)
        assert one_line(said.text) == one_line(citation.text)
        assert where.text == f"{citation.doc}, page {citation.page}"
    return {what.text: said.text for what, said, _ in answer.table.rows}


@pytest.mark.parametrize(
    ("question", "things", "first"),
    [
        (
            "Compare revenue of AAPL and MSFT in Q3 2023",
            ("AAPL", "MSFT"),
            "revenue of AAPL in Q3 2023",
        ),
        (
            "How did the leave days change between 2022 and 2024?",
            ("2022", "2024"),
            "leave days in 2022",
        ),
        ("operating income 2022 vs 2023", ("2022", "2023"), "operating income 2022"),
        (
            "Did gross margin improve from Q1 to Q2 2024?",
            ("Q1 2024", "Q2 2024"),
            "gross margin in Q1 2024",
        ),
        (
            "Which offer is cheaper, the one from Nordwind or the one from Seeblick?",
            ("Nordwind", "Seeblick"),
            "price, from Nordwind",
        ),
        (
            "Is the deductible higher in the old policy or in the new policy?",
            ("the old policy", "the new policy"),
            "deductible in the old policy",
        ),
        (
            "How do the margins of Apple and NVIDIA differ in Q1 and Q2 2023?",
            ("Apple, Q1 2023", "Apple, Q2 2023", "NVIDIA, Q1 2023", "NVIDIA, Q2 2023"),
            "margins of Apple in Q1 2023",
        ),
    ],
)
def test_names_and_periods_are_told_apart(question: str, things: tuple[str, ...], first: str):
    found = compared(question)
    assert isinstance(found, Compared)
    assert found.things == things
    assert found.questions[0] == first


@pytest.mark.parametrize(
    ("question", "noun", "number", "subject"),
    [
        ("What do the two contracts say about notice periods?", "contracts", 2, "notice periods"),
        ("Which of the two leases has the longer notice period?", "leases", 2, "notice period"),
        ("What do all policies say about climate change?", "policies", None, "climate change"),
        ("Compare the notice periods", "", None, "notice periods"),
    ],
)
def test_documents_are_told_by_their_kind(
    question: str, noun: str, number: int | None, subject: str
):
    assert compared(question) == Documents(noun=noun, number=number, question=subject)


@pytest.mark.parametrize("question", ["What is the notice period?", "gross or net", ""])
def test_a_question_may_compare_nothing(question: str):
    assert compared(question) is None


def test_named_documents_answer_side_by_side(assistant: Assistant, store: Store):
    answer = assistant.ask(LOCAL_ADMIN, "Compare the notice periods of Hansen and Okafor")
    found = rows(answer, store)
    assert list(found) == ["Hansen", "Okafor"]
    assert "three months" in found["Hansen"]
    assert "six weeks" in found["Okafor"]
    assert answer.text.startswith(
        "Compared: “notice periods of Hansen” and “notice periods of Okafor”"
    )


def test_documents_of_a_kind_are_found_by_search(assistant: Assistant, store: Store):
    found = rows(
        assistant.ask(LOCAL_ADMIN, "What do the two contracts say about notice periods?"), store
    )
    assert set(found) == {"Hansen contract.txt", "Okafor contract.txt"}
    assert "three months" in found["Hansen contract.txt"]
    assert "six weeks" in found["Okafor contract.txt"]


def test_years_are_asked_of_the_document_of_each_year(assistant: Assistant, store: Store):
    question = "How did the annual leave change between 2022 and 2024?"
    found = rows(assistant.ask(LOCAL_ADMIN, question), store)
    assert "25 days" in found["2022"]
    assert "28 days" in found["2024"]


def test_years_within_one_document_are_told_by_its_sentences(assistant: Assistant, store: Store):
    question = "How has the headcount of the stations developed from 2019 to 2023?"
    found = rows(assistant.ask(LOCAL_ADMIN, question), store)
    assert "40 people" in found["2019"]
    assert "62 people" in found["2023"]


def test_where_one_has_no_answer_its_cell_says_so(assistant: Assistant, store: Store):
    found = rows(
        assistant.ask(LOCAL_ADMIN, "Compare the notice periods of Hansen and Lindqvist"), store
    )
    assert "three months" in found["Hansen"]
    assert found["Lindqvist"] == REFUSAL


def test_where_none_has_an_answer_it_is_refused(assistant: Assistant):
    answer = assistant.ask(LOCAL_ADMIN, "Compare the melting points of Hansen and Okafor")
    assert answer.refused
    assert answer.table is None
    assert answer.nearest


def test_a_model_writes_a_comparison_over_what_all_parts_found(store: Store):
    with OpenAIServer(first=["normal", "500"]) as server:
        settings = store.settings.model_copy(
            update={"openai_base_url": server.base_url, "models": "first", "answer_deadline_s": 8.0}
        )
        opened = open_assistant(settings, store.catalog, store.indexes, store.embedder)
        question = "Compare the notice periods of Hansen and Okafor"
        written = opened.ask(LOCAL_ADMIN, question)
        quoted = opened.ask(LOCAL_ADMIN, question)
        opened.close()
    assert written.model == "first"
    assert [s.computed for s in written.sentences][:2] == [True, False]
    assert all(s.supported and s.citations for s in written.sentences)
    # Where the model fails the quotes stand, and it is said.
    for answer in (written, quoted):
        assert "three months" in rows(answer, store)["Hansen"]
    assert (quoted.model, len(quoted.sentences)) == (None, 1)
    assert "first" in quoted.warnings[0]


def test_fewer_than_two_things_are_answered_as_facts(assistant: Assistant):
    answer = assistant.ask(LOCAL_ADMIN, "What is the notice period of Hansen?", route="compare")
    assert answer.route == "facts"
    assert answer.warnings[0].startswith("Fewer than two things to compare")
    assert "compare could not answer it" in answer.route_reason


def test_a_scope_of_one_document_is_kept(assistant: Assistant, store: Store):
    question = "Compare the notice periods of Hansen and Okafor"
    answer = assistant.ask(LOCAL_ADMIN, question, document="Hansen contract.txt")
    assert {c.doc for c in answer.citations} <= {"Hansen contract.txt"}
    assert rows(answer, store)["Okafor"] == REFUSAL


def test_the_tables_of_an_answer_without_documents_do_not_exist(
    settings: Settings, embedder: Embedder, tmp_path: Path
):
    with open_store(settings, embedder=embedder) as empty:
        opened = open_assistant(empty.settings, empty.catalog, empty.indexes, empty.embedder)
        assert opened.ask(LOCAL_ADMIN, "Compare Hansen and Okafor").refused
        opened.close()
