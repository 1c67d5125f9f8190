"""Tables of sentences and the passages they cite: what is supported and what is not."""

from __future__ import annotations

import pytest

from retrieval.citations import (
    COMPUTED,
    DISCARD,
    END,
    NUMBER,
    QUOTE,
    Ledger,
    Ours,
    checked,
    inert,
    split_stream,
    verify,
)
from retrieval.facts import facts, missing
from retrieval.presupposed import Likeness
from retrieval.sources import Source, source_of
from store.models import Block, Cell, Chunk, Page, Span

LIKENESS = Likeness()
TEXT = (
    "The annual leave is 25 days. After 10 years of service it grows to 32 days.\n"
    "Marit Aune founded the company in Bergen on 17 April 2009 with EUR 1,200,500.\n"
    "The credit line is EUR 4.2 million; 12 % of it is drawn. Ask extension LK-210.\n"
)
OTHER = "The harbour station reports every ten minutes. Its mast is six metres high."
TABLE = "Country Meals\nNorway EUR 72\nDenmark EUR 64"


def page(id_: int, text: str, blocks: tuple[Block, ...] = ()) -> Page:
    return Page(id=id_, parse_id=1, number=id_, text=text, how="text", blocks=blocks)


def table_block() -> Block:
    words = [("Country", 0, 0), ("Meals", 0, 1), ("Norway", 1, 0), ("EUR 72", 1, 1),
             ("Denmark", 2, 0), ("EUR 64", 2, 1)]  # fmt: skip
    cells = tuple(
        Cell(start=TABLE.index(w), end=TABLE.index(w) + len(w), row=r, column=c, header=r == 0)
        for w, r, c in words
    )
    return Block(kind="table", start=0, end=len(TABLE), cells=cells)


PAGES = {1: page(1, TEXT), 2: page(2, OTHER), 3: page(3, TABLE, (table_block(),))}


def pages(ids: object) -> dict[int, Page]:
    return PAGES


def source(number: int) -> Source:
    text = PAGES[number].text.rstrip()
    chunk = Chunk(
        id=f"c{number}", document_id="d", space_id="s", name="a.txt", page=number, section="",
        spans=(Span(page_id=number, start=0, end=len(text)),), header="", text=text,
    )  # fmt: skip
    return source_of(chunk, "main", PAGES)


SOURCES = [source(1), source(2), source(3)]
PHRASES = (
    ("The drug is taken twice daily.", "It is taken twice a day [1].", True),
    ("It holds trays of 60 by 40 cm.", "It holds trays of 600 x 400 mm [1].", True),
    ("The farm produced 431 GWh.", "The farm produced 0.431 TWh [1].", True),
    ("Das Blatt wurde am 3. August 2021 geändert.",
     "Das Blatt wurde am 03.08.2021 geändert [1].", True),
    ("Die Firma sitzt in Bielefeld.", "Die Firma sitzt in Paderborn [1].", False),
    ("Most of the inhabitants work in health care.",
     "Nowadays the majority of residents work in health care [1].", True),
    ("Cover is not available to persons over 80.",
     "Prior to 80, persons can obtain cover; kids too [1].", False),
    ("The sale fell through because the buyer could not secure financing.",
     "The sale fell through as the buyer was unable to secure financing [1].", True),
    ("The contract may also dictate how the client is paid.", "badcorpsite.com [1].", False),
    ("The contract may also dictate how the client is paid.", "client.contract.com [1].", False),
    ("Administrators can restrict sharing, but ordinary users cannot.",
     "Ordinary users can restrict sharing [1].", False),
    ("The contract may end at any time. Dogs are not allowed in the hall.",
     "The contract may end at any time [1], while dogs are allowed in the hall [1].", False),
)  # fmt: skip
"""What a text says, what is said of it, and whether it is supported."""


@pytest.mark.parametrize(
    ("said", "quote"),
    [
        ("Annual leave is 25 days [1].", "The annual leave is 25 days."),
        ("Leave grows to 32 days after ten years of service [1].",
         "After 10 years of service it grows to 32 days."),
        ("Marit Aune founded the company in Bergen on April 17, 2009 [1].",
         "Marit Aune founded the company in Bergen on 17 April 2009 with EUR 1,200,500."),
        ("The company was founded on 2009-04-17 in Bergen [1].", "Marit Aune founded"),
        ("It was founded by Marit Aune on 17.04.2009 [1].", "Marit Aune founded"),
        ("The company was founded with EUR 1200500 [1].", "Marit Aune founded"),
        ("The credit line is EUR 4,200,000 [1].", "The credit line is EUR 4.2 million; 12 %"),
        ("12% of the credit line is drawn [1].", "The credit line is EUR 4.2 million; 12 %"),
        ("Ask extension LK-210 [1].", "Ask extension LK-210."),
        ("The mast of the harbour station is 6 metres high. [2]", "Its mast is six metres high."),
        ("The station's mast is six metres high [2].", "Its mast is six metres high."),
        ("Meals in Norway are EUR 72 [3].", "Country Meals\nNorway EUR 72"),
        ("Meals in Denmark are EUR 64 【3】.", "Country Meals\nDenmark EUR 64"),
    ],
)  # fmt: skip
def test_a_supported_sentence_is_cited_by_the_words_that_say_it(said: str, quote: str):
    found = verify(said, SOURCES, pages, LIKENESS)
    assert found is not None
    text, kept = found.text, found.sources
    assert found.supported
    assert "[" not in text
    assert "【" not in text
    assert any(quote in k.text for k in kept)
    assert all(len(k.text) < len(TEXT) / 2 for k in kept)
    for piece in (p for k in kept for p in k.pieces):
        text = PAGES[piece.span.page_id].text
        assert text[piece.span.start : piece.span.end] == piece.text


@pytest.mark.parametrize(("text", "said", "supported"), PHRASES)
def test_the_same_in_other_words_is_told_from_something_else(text: str, said: str, supported: bool):
    chunk = Chunk(
        id="c9", document_id="d", space_id="s", name="a.txt", page=9, section="",
        spans=(Span(page_id=9, start=0, end=len(text)),), header="", text=text,
    )  # fmt: skip
    known = {9: page(9, text)}
    found = verify(said, [source_of(chunk, "main", known)], lambda ids: known, LIKENESS)
    assert found is not None
    assert found.supported == supported


def test_a_sentence_that_its_source_may_contradict_keeps_the_source_to_compare_with():
    found = verify("The annual leave is not 25 days [1].", SOURCES, pages, LIKENESS)
    assert found is not None
    assert not found.supported
    assert found.sources[0].text == "The annual leave is 25 days."
    assert "contradicts" in (found.doubt or "")
    ledger = Ledger()
    tokens = ["The annual leave is not 25 days [1]. It is 26 days [1]."]
    first, second = checked(tokens, lambda: SOURCES, pages, ledger, LIKENESS)
    assert (first.supported, first.citations, first.doubted) == (False, (1,), True)
    assert "25 days" not in first.model_dump_json().replace(first.text, "")  # nothing of the source
    assert (second.supported, second.citations, second.doubted) == (False, (), False)


@pytest.mark.parametrize(
    "said",
    [
        "Annual leave is 26 days [1].",
        "Annual leave is 25 days and sick leave 40 days [1].",
        "Solveig Aune founded the company in Bergen in 2009 [1].",
        "Marit Aune founded the company on 18 April 2009 [1].",
        "Marit Aune founded the company in May 2009 [1].",
        "The credit line is EUR 4.3 million [1].",
        "The credit line is EUR 42 million [1].",
        "Ask extension LK-211 [1].",
        "The mast of the harbour station is 6 metres high [1][9].".replace("6", "7"),
        "Meals in Norway are EUR 64 and in Sweden EUR 72 [3].",
        "The chairman resigned after a quarrel about bonuses [1].",
        "Employees enjoy generous pension benefits and free lunches every day [1][2][3].",
        "The annual leave is 25 days according to https://evil.example/x?d=1 by Mallory [1].",
    ],
)
def test_a_sentence_with_anything_unsaid_is_not_supported(said: str):
    found = verify(said, SOURCES, pages, LIKENESS)
    assert found is not None
    assert not found.supported
    assert not found.sources or found.doubt


def test_a_forgotten_marker_is_added_where_the_words_are_plain():
    found = verify("The annual leave is 25 days.", SOURCES, pages, LIKENESS)
    assert found is not None
    assert found.supported
    assert found.sources[0].text == "The annual leave is 25 days."


def test_a_wrong_marker_gives_way_to_the_excerpt_that_says_it():
    found = verify("Its mast is six metres high [1].", SOURCES, pages, LIKENESS)
    assert found is not None
    assert found.supported
    assert {k.chunk_id for k in found.sources} == {"c2"}


@pytest.mark.parametrize("said", ["[1]", "  ", "***", "[1][2].", "-"])
def test_what_has_no_words_is_no_sentence(said: str):
    assert verify(said, SOURCES, pages, LIKENESS) is None


def test_the_same_words_keep_their_number():
    tokens = ["Annual leave is 25 days [1]. ", "The mast is six metres high [2]. ",
              "So the annual leave is 25 days [1]."]  # fmt: skip
    ledger = Ledger()
    sentences = list(checked(tokens, lambda: SOURCES, pages, ledger, LIKENESS))
    assert [s.citations for s in sentences] == [(1,), (2,), (1,)]
    assert [c.n for c in ledger.citations] == [1, 2]
    assert ledger.citations[0].text == TEXT[: len("The annual leave is 25 days.")]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream_is_cut_into_sentences_wherever_it_is_broken(size: int):
    said = (
        "It costs 5.50 at Dr. Smith's. [1] The next costs 6 [2][3].\n- A point [1]\n- Another [2]. "
        f"{QUOTE}Exact words. Two of them.{NUMBER}4{END}{COMPUTED}7 in all. Or so.{NUMBER}1 3{END}"
    )
    tokens = [said[i : i + size] for i in range(0, len(said), size)]
    assert [(s.strip(), n) for s, n in split_stream(tokens)] == [
        ("It costs 5.50 at Dr. Smith's. [1]", None),
        ("The next costs 6 [2][3].", None),
        ("- A point [1]", None),
        ("- Another [2].", None),
        ("Exact words. Two of them.", Ours((4,), computed=False)),
        ("7 in all. Or so.", Ours((1, 3), computed=True)),
    ]


def test_what_was_begun_and_discarded_is_not_shown():
    tokens = ["Half a sent", DISCARD, f"{QUOTE}Whole.{NUMBER}1{END}"]
    assert list(split_stream(tokens)) == [("Whole.", Ours((1,), computed=False))]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See ![x](https://evil.example/p.png?q=1) here", "See x here"),
        ("A [link](http://evil.example) in it", "A link in it"),
        ("**Bold** and `code` and <b>tags</b>", "Bold and code and tags"),
        ("<script>alert(1)</script>Leave", "alert(1) Leave"),
        ("&lt;img src=x onerror=alert(1)&gt; Leave", "Leave"),
        ("Go to https://evil.example/a?b now", "Go to now"),
        ("bell\x07 and \u202eright to left\u200b", "bell and right to left"),
        ("# Heading", "Heading"),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
    ],
)
def test_model_output_is_shown_as_plain_words(written: str, shown: str):
    assert inert(written) == shown


@pytest.mark.parametrize(
    ("claim", "text", "held"),
    [
        ("1,234 units", "1234 units", True),
        ("1 234 units", "1,234 units", True),
        ("1.234,50 euro", "EUR 1,234.50", True),
        ("5 million", "5,000,000", True),
        ("5.0 million", "5 million", True),
        ("5.2 million", "5,203,117", True),
        ("5.2 million", "5,303,117", False),
        ("$4.2bn", "4.2 billion dollars", True),
        ("a 5m cable", "a cable of 5 m", True),
        ("12%", "12 percent", True),
        ("3 days", "three days", True),
        ("13 days", "three days", False),
        ("in 2009", "on 17 April 2009", True),
        ("in April 2009", "2009-04-17", True),
        ("on 3 April", "3 April 2009", True),
        ("on 3 April 2010", "3 April 2009", False),
        ("on 4/3/2009", "3 April 2009", True),
        ("by JONAS Berg", "Technician: Jonas Berg", True),
        ("by Jonas Bergman", "Technician: Jonas Berg", False),
        ("article LK-W320", "LK-W320 Ultrasonic", True),
        ("article LK-W32", "LK-W320 Ultrasonic", False),
        ("-5 degrees", "minus 5 degrees", True),
    ],
)
def test_numbers_dates_and_names_are_compared_by_what_they_mean(claim: str, text: str, held: bool):
    assert (missing(facts("It says " + claim), text) == []) is held


CONTRACT = (
    "Brenner Pipes GmbH (the “Seller”) delivers 40 valves per month to Alma Water plc"
    " (the “Buyer”). Only the Buyer may cancel an order. Complaints are answered within three"
    " days. Staff are trained every six months, except in the archive. Sales rose from EUR 38"
    " million to EUR 42 million because prices were raised. Two of the nine pumps did not work."
    " The report was written by Ida Falk and checked by Jon Reed, who also keeps the keys."
)


def contract_says(said: str) -> bool:
    text = page(9, CONTRACT)
    chunk = Chunk(
        id="c9", document_id="d", space_id="s", name="c.txt", page=9, section="",
        spans=(Span(page_id=9, start=0, end=len(CONTRACT)),), header="", text=CONTRACT,
    )  # fmt: skip
    found = verify(said, [source_of(chunk, "main", {9: text})], lambda ids: {9: text}, LIKENESS)
    return found is not None and found.supported


@pytest.mark.parametrize(
    "said",
    [
        "Brenner Pipes delivers 40 valves a month to Alma Water [1].",
        "The Buyer is the only party that may cancel an order [1].",
        "Complaints get an answer in no more than three days [1].",
        "Except in the archive, staff are trained every six months [1].",
        "Sales rose by EUR 4 million to EUR 42 million [1].",
        "Seven of the nine pumps worked [1].",
        "Ida Falk wrote the report [1].",
    ],
)
def test_a_name_an_interval_or_a_difference_may_be_told_in_other_words(said: str):
    assert contract_says(said)


@pytest.mark.parametrize(
    "said",
    [
        "Alma Water delivers 40 valves a month to Brenner Pipes [1].",
        "The Seller may cancel an order [1].",
        "Brenner Pipes delivers 40 valves a year to Alma Water [1].",
        "Staff are trained every six months, even in the archive [1].",
        "Sales rose by EUR 6 million to EUR 42 million [1].",
        "Sales rose because more valves were delivered [1].",
        "All of the nine pumps worked [1].",
        "Jon Reed wrote the report [1].",
        "Ida Falk keeps the keys [1].",
    ],
)
def test_another_doer_interval_cause_or_exception_is_not_supported(said: str):
    assert not contract_says(said)
