"""What is quoted besides the best passage: whole lists, the sentence before, what differs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from retrieval.asked_for import wanted
from retrieval.quotes import completed, difference, differing
from retrieval.sources import Source, passages, source_of
from store.models import Chunk, Page, Span

HANDBOOK = (
    "Before you travel\n\n"
    "To book a trip you need:\n"
    "- the approval of your manager\n"
    "- a cost centre. Ask finance for it.\n"
    "- a valid passport\n\n"
    "The hotel is booked by the office. It costs at most EUR 170 a night.\n\n"
    "It is paid by the company.\n"
)


def page(text: str, number: int = 1) -> Page:
    return Page(id=number, parse_id=1, number=number, text=text, how="text")


def source(text: str, number: int = 1, header: str = "", document: str = "d") -> Source:
    span = Span(page_id=number, start=0, end=len(text))
    chunk = Chunk(
        id=f"c{number}", document_id=document, space_id="s", name=f"{document}.txt", page=number,
        section="", spans=(span,), header=header, text=text,
    )  # fmt: skip
    return source_of(chunk, "main", {number: page(text, number)})


def completed_texts(question: str, begins: str, text: str = HANDBOOK, cut: int = 0) -> list[str]:
    """The pieces quoted for the passage that begins so, of a chunk that ends at `cut`."""
    pages = {1: page(text)}
    chunk = source(text[: cut or len(text)])
    [passage] = [p for p in passages(chunk, pages) if p.text.startswith(begins)]
    return [piece.text for piece in completed(question, passage, pages, room=1).pieces]


ITEMS = [
    "- the approval of your manager",
    "- a cost centre.",
    "Ask finance for it.",
    "- a valid passport",
]


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("What documents do I need to book a trip?", "- a valid"),
        ("How do I book a trip?", "- the approval"),
        ("Can I book a trip?", "To book a trip"),
    ],
)
def test_a_list_is_quoted_whole_with_what_announces_it(question: str, begins: str):
    assert completed_texts(question, begins) == ["To book a trip you need:", *ITEMS]


def test_a_list_goes_on_beyond_its_chunk():
    cut = HANDBOOK.index("- a cost")
    assert completed_texts("Which things are needed?", "- the approval", cut=cut)[-1] == ITEMS[-1]


def test_one_item_answers_a_question_for_one():
    assert completed_texts("Is a passport needed?", "- a valid") == ["- a valid passport"]


def test_a_pronoun_brings_the_sentence_it_points_to_but_not_across_paragraphs():
    assert completed_texts("What does the hotel cost?", "It costs") == [
        "The hotel is booked by the office.",
        "It costs at most EUR 170 a night.",
    ]
    assert completed_texts("Who pays?", "It is paid") == ["It is paid by the company."]


def differ(question: str, texts: Sequence[tuple[str, str]]) -> list[str]:
    kept = [source(text, n, header, f"d{n}") for n, (text, header) in enumerate(texts, 1)]
    return [s.doc for s in differing(question, kept, wanted(question))]


OLD = ("The notice period of the contract is 30 days.", "Terms. 2021-03-01")
NEW = ("The notice period of the contract is 90 days.", "Terms. 2024-05-16")


def test_sources_that_differ_stand_side_by_side_the_newest_first():
    question = "How long is the notice period of the contract?"
    assert differ(question, [OLD, NEW]) == ["d2.txt", "d1.txt"]
    assert differ(question, [OLD, OLD]) == []
    assert differ("What is said of the notice period?", [OLD, NEW]) == []
    assert differ(question, [OLD, ("The office has 12 rooms.", "")]) == []


def test_the_difference_is_told_with_the_dates():
    pair = [source(NEW[0], 2, NEW[1], "new"), source(OLD[0], 1, OLD[1], "old")]
    assert difference(pair) == (
        "The sources do not agree: “new.txt” (2024-05-16) and “old.txt” (2021-03-01) say different"
        " things. The newest is shown first."
    )
