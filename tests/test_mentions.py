"""Mentions: every place of a term is found, counted and cited; what was not searched is named."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import files
import pytest

from ingestion.library import Library
from ingestion.opening import open_library
from retrieval.asked_term import asked_term
from retrieval.assistant import Assistant, open_assistant
from retrieval.occurrences import Term, occurrences
from retrieval.sources import one_line
from store.embedding import Embedder
from store.models import LOCAL_ADMIN, Answer, Principal
from store.opening import Store, open_store
from store.settings import Settings

LEASE = """Lease of the harbour office

1. Neither party is liable for delay caused by force majeure. Force
majeure includes storms and strikes.

2. The tenant gives notice of three months. Clause 7.2 of the master agreement applies, and
clauses 7.2 and 7.25 of the annex do not.
"""
ORDER = """Order 4711

The supplier delivers 4,711 bolts by May. Order number 14711 is another order. FORCE MA-
JEURE is agreed between the parties. The supplier’s policies and the policy of the insurer apply.
"""


@pytest.fixture
def assistant(store: Store) -> Iterator[Assistant]:
    opened = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
    yield opened
    opened.close()


@pytest.fixture
def papers(library: Library, tmp_path: Path) -> Library:
    for name, text in (("lease.txt", LEASE), ("order.txt", ORDER)):
        library.add(LOCAL_ADMIN, name, files.txt(tmp_path / name, text))
    assert library.wait(60)
    return library


def forms(term: str, text: str, language: str | None = None, exact: bool = False) -> list[str]:
    return [o.form for o in occurrences(Term(text=term, exact=exact), text, language)]


def assert_cited_exactly(answer: Answer, store: Store) -> None:
    """Every row's words are the page's own, and hold the place."""
    assert answer.table
    for row in answer.table.rows:
        document, page, words = row
        (n,) = words.citations
        citation = answer.citations[n - 1]
        stored = store.catalog.pages({s.page_id for s in citation.spans})
        assert citation.text == "\n".join(
            stored[s.page_id].text[s.start : s.end] for s in citation.spans
        )
        assert words.text == one_line(citation.text)
        assert (document.text, page.text) == (citation.doc, str(citation.page))


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("force majeure", "Force\nMajeure, FORCE MA-\nJEURE, enforce majeure", 2),
        ("café", "CAFE, Café, cafés, cafeteria", 3),
        ("office", "oﬃce, of\u00adfice, of-\nfice, officials", 3),
        ("policy", "Policies, policy’s, policyholder, policy-\nholder", 3),
        ("7.2", "7.2, 7.2. and 17.2, 7.25, 7.2.1", 2),
        ("4711", "4711, 4,711, 4.711, 14711, 4711.5, 47-\n11", 3),
        ("well-known", "well-\nknown, well‐known", 2),
        ("AX-2210", "ax-2210, AX-22100, AX-2210.", 2),
        ("GDPR", "使用GDPR的", 1),
        ("不可抗力", "因不可抗力而，不可\n抗力", 2),
        ("a.*b(", "a.*b( but not axxb(", 1),
        ("(", "no words here (", 1),
    ],
)
def test_a_term_is_found_however_it_is_written(term: str, text: str, found: int):
    assert len(forms(term, text)) == found


def test_endings_are_those_of_the_documents_language():
    text = "Kündigungen, KUNDIGUNG, Kündi-\ngung, Kündigungsfrist"
    assert forms("Kündigung", text, "de") == ["Kündigungen", "KUNDIGUNG", "Kündigung"]
    assert forms("Straße", "STRASSE, strasse, Straße", "de") == ["STRASSE", "strasse", "Straße"]
    # German takes the s off `news`; English does not.
    assert forms("news", "new, news", "en") == ["news"]


def test_a_hostile_text_takes_no_longer_than_a_plain_one():
    began = time.process_time()
    for text in (
        "不" + " " * 100_000,
        "for" + "\u00ad" * 100_000,
        "force " * 20_000 + "-\n" * 20_000,
    ):
        forms("force majeure", text)
        forms("不可抗力", text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("question", "term", "exact", "within"),
    [
        ("Where is GDPR mentioned?", "GDPR", False, ""),
        ("How often does the word penalty occur?", "penalty", False, ""),
        ("Find all mentions of “force majeure”", "force majeure", True, ""),
        ("every place where the number 4711 occurs", "4711", False, ""),
        ("list all references to clause 7.2", "clause 7.2", False, ""),
        ("How many times is Brackwater named in the minutes?", "Brackwater", False, "the minutes"),
        ("Mentions of break in service in the handbook", "break in service", False, "the handbook"),
        ("Wo wird das Wort Kündigung erwähnt?", "Kündigung", False, ""),
        ("Where is GDPR mentioned? (overtime pay)", "GDPR", False, ""),
        ("retention money", "retention money", False, ""),
        ("Which contracts mention a(.*)+b?", "a(.*)+b", False, ""),
    ],
)
def test_the_term_is_told_from_the_question(question: str, term: str, exact: bool, within: str):
    found = asked_term(question)
    assert found
    assert (found.term.text, found.term.exact, found.within) == (term, exact, within)


@pytest.mark.parametrize("question", ["What does it cost?", "Where are the keys?", "“ ”", "?!"])
def test_a_question_may_name_no_term(question: str):
    assert asked_term(question) is None


def test_every_place_is_counted_and_cited(papers: Library, assistant: Assistant, store: Store):
    answer = assistant.ask(LOCAL_ADMIN, "Where is force majeure mentioned?")
    assert answer.route == "mentions"
    assert answer.sentences[0].text == "“force majeure” occurs 3 times on 2 pages of 2 documents."
    assert answer.sentences[0].computed
    assert "“FORCE MAJEURE” (1)" in answer.sentences[1].text
    assert answer.sentences[2].text == "Searched: 2 pages of 2 documents."
    assert answer.table
    assert [row[0].text for row in answer.table.rows] == ["lease.txt", "lease.txt", "order.txt"]
    assert (
        "FORCE MA-" not in answer.table.rows[2][2].text or "JEURE" in answer.table.rows[2][2].text
    )
    assert_cited_exactly(answer, store)
    assert answer.model is None


def test_quoted_text_is_taken_exactly_and_what_differs_is_told(
    papers: Library, assistant: Assistant
):
    answer = assistant.ask(LOCAL_ADMIN, "Find all mentions of “force majeure”")
    assert answer.sentences[0].text == "“force majeure” occurs once on 1 page of 1 document."
    assert "Not counted" in answer.text
    assert "“Force majeure” (1)" in answer.text


def test_clauses_and_numbers_are_told_from_longer_ones(papers: Library, assistant: Assistant):
    clauses = assistant.ask(LOCAL_ADMIN, "List all references to clause 7.2")
    assert "occurs 2 times" in clauses.text
    assert "“clauses 7.2” (1)" in clauses.text
    numbers = assistant.ask(LOCAL_ADMIN, "every place where the number 4711 occurs")
    assert "occurs 2 times" in numbers.text
    assert "“4,711” (1)" in numbers.text


def test_what_occurs_nowhere_is_said_with_how_much_was_searched(
    papers: Library, assistant: Assistant
):
    answer = assistant.ask(LOCAL_ADMIN, "Where is arbitration mentioned?")
    assert not answer.refused
    assert (
        answer.text == "“arbitration” occurs nowhere in what was searched, 2 pages of 2 documents."
    )
    assert answer.table is None
    assert answer.citations == ()


def test_a_document_that_the_question_names_is_searched_alone(
    papers: Library, assistant: Assistant
):
    answer = assistant.ask(LOCAL_ADMIN, "Where is force majeure mentioned in the lease?")
    assert "occurs 2 times on 1 page of 1 document" in answer.text
    assert "Only “lease.txt” was looked at, as the question names it." in answer.text


def test_control_characters_of_a_term_do_not_mark_sentences(papers: Library, assistant: Assistant):
    for term in ("\x03storms\x1e\x01", "storms\x02 and\x18 strikes", "\x1estorms"):
        answer = assistant.ask(LOCAL_ADMIN, f"Find all mentions of “{term}”")
        assert answer.route == "mentions"
        assert "occurs" in answer.sentences[0].text
        assert all(s.computed and s.text.isprintable() for s in answer.sentences)


def test_what_a_principal_may_not_see_is_not_counted(
    library: Library, assistant: Assistant, store: Store, tmp_path: Path
):
    for space in ("open", "secret"):
        path = files.txt(tmp_path / f"{space}.txt", f"The word swordfish stands in {space}.")
        library.add(LOCAL_ADMIN, path.name, path, space)
    assert library.wait(60)
    ids = {name: id_ for id_, name in store.catalog.spaces().items()}
    reader = Principal(id="reader", spaces=frozenset([ids["open"]]))
    question = "How often does swordfish occur?"
    assert "2 times on 2 pages of 2 documents" in assistant.ask(LOCAL_ADMIN, question).text
    answer = assistant.ask(reader, question)
    assert "once on 1 page of 1 document" in answer.text
    assert "secret" not in answer.model_dump_json()


def test_the_same_bytes_in_two_spaces_count_for_each(
    library: Library, assistant: Assistant, tmp_path: Path
):
    path = files.txt(tmp_path / "same.txt", "The gauge is sealed.")
    for space in ("one", "two"):
        library.add(LOCAL_ADMIN, path.name, path, space)
    assert library.wait(60)
    answer = assistant.ask(LOCAL_ADMIN, "Where is gauge mentioned?")
    assert "2 times on 2 pages of 2 documents" in answer.text


def test_a_replaced_or_removed_document_is_not_searched(
    papers: Library, assistant: Assistant, tmp_path: Path
):
    path = files.txt(tmp_path / "lease.txt", "The lease has ended by force majeure.")
    papers.add(LOCAL_ADMIN, "lease.txt", path, same_name="replace")
    assert papers.wait(60)
    question = "Where is force majeure mentioned?"
    assert "2 times on 2 pages of 2 documents" in assistant.ask(LOCAL_ADMIN, question).text
    papers.remove(LOCAL_ADMIN, "order.txt")
    assert "once on 1 page of 1 document" in assistant.ask(LOCAL_ADMIN, question).text


def test_beyond_two_hundred_places_the_counts_stay_complete(
    library: Library, assistant: Assistant, store: Store, tmp_path: Path
):
    for name in ("a.txt", "b.txt"):
        lines = "".join(f"The valve number {i} of {name} is shut. " for i in range(150))
        library.add(LOCAL_ADMIN, name, files.txt(tmp_path / name, lines))
    assert library.wait(60)
    answer = assistant.ask(LOCAL_ADMIN, "How often does the word valve occur?")
    assert "occurs 300 times" in answer.text
    assert answer.table
    assert (len(answer.table.rows), answer.table.left_out) == (200, 100)
    assert [row[0].text for row in answer.table.rows] == ["a.txt"] * 150 + ["b.txt"] * 50
    assert_cited_exactly(answer, store)


def test_a_long_row_is_cut_between_words(library: Library, assistant: Assistant, tmp_path: Path):
    text = "and ".join(f"item{i} " for i in range(200)) + "and the winch " + "with rope " * 100
    library.add(LOCAL_ADMIN, "long.txt", files.txt(tmp_path / "long.txt", text))
    assert library.wait(60)
    answer = assistant.ask(LOCAL_ADMIN, "Where is the winch mentioned?")
    assert answer.table
    words = answer.table.rows[0][2].text
    assert "winch" in words
    assert len(words) <= 300
    assert set(words.split()) <= set(text.split())


def test_pages_that_could_not_be_read_are_named(
    settings: Settings, embedder: Embedder, tmp_path: Path
):
    short = settings.model_copy(update={"max_pages": 1})
    with open_store(short, embedder=embedder) as store:
        library = open_library(store)
        path = files.text_pdf(tmp_path / "a.pdf", ["The lighthouse is white.", "The boat is red."])
        library.add(LOCAL_ADMIN, path.name, path)
        library.add(LOCAL_ADMIN, "bad.pdf", files.truncated_pdf(tmp_path / "bad.pdf"))
        assert library.wait(60)
        opened = open_assistant(store.settings, store.catalog, store.indexes, store.embedder)
        answer = opened.ask(LOCAL_ADMIN, "Where is the boat mentioned?")
        opened.close()
        library.close()
    assert "occurs nowhere in what was searched, 1 page of 1 document." in answer.text
    notes = "\n".join(answer.warnings)
    assert "“a.pdf” was not searched wholly. 1 pages beyond the limit" in notes
    assert "“bad.pdf” was not searched." in notes


def test_a_chosen_route_without_a_term_is_answered_from_passages(
    papers: Library, assistant: Assistant
):
    answer = assistant.ask(LOCAL_ADMIN, "When are the bolts delivered?", route="mentions")
    assert answer.route == "facts"
    assert "names no term" in answer.warnings[0]
