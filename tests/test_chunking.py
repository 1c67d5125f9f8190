"""Chunks cover their pages, keep to the embedder's budget and follow the structure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.chunking import ChunkDraft, chunk_pages
from ingestion.page_edges import is_page_number
from ingestion.parsers.flow import Flow
from store.models import Block, Page
from store.sentences import sentences, without_bullet


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Pieces of words of at most six letters, and every other sign: adds up like WordPiece."""
    return [len(re.findall(r"[a-zA-Z0-9]{1,6}|[^\sa-zA-Z0-9]", text)) for text in texts]


def page_of(flow: Flow, number: int = 1) -> Page:
    parsed = flow.finish().page(number)
    return Page(**dict(parsed), id=40 + number, parse_id=1)


def chunks_of(*pages: Page, title: str | None = None, budget: int = 256) -> list[ChunkDraft]:
    return chunk_pages(
        pages,
        title=title,
        name="Staff_handbook.docx",
        date="2024-05-06T10:00:00",
        count_tokens=count_tokens,
        budget_tokens=budget,
    )


def prose(words: int, mark: str = "word") -> str:
    """Sentences of twelve words."""
    named = [f"{mark}{i}" for i in range(words)]
    some = [" ".join(named[i : i + 12]).capitalize() + "." for i in range(0, words, 12)]
    return " ".join(some)


def test_a_header_names_document_section_and_day() -> None:
    flow = Flow()
    flow.heading("Leave", 1)
    flow.heading("Parental leave", 2)
    flow.paragraph("Parents take forty weeks.")
    (chunk,) = chunks_of(page_of(flow), title="Larkspur rules")
    assert chunk.section == "Leave › Parental leave"
    assert chunk.header == "Staff handbook. Larkspur rules. Leave › Parental leave. 2024-05-06"
    assert chunk.text == "Leave\n\nParental leave\n\nParents take forty weeks."


def test_a_title_that_is_the_first_heading_is_said_once() -> None:
    flow = Flow()
    flow.heading("Larkspur rules", 1)
    flow.paragraph("Be kind.")
    (chunk,) = chunks_of(page_of(flow), title="Larkspur rules")
    assert chunk.header == "Staff handbook. Larkspur rules. 2024-05-06"


def test_a_section_goes_on_over_pages_but_a_chunk_does_not() -> None:
    first, second = Flow(), Flow()
    first.heading("Travel", 1)
    first.paragraph("Book early.")
    second.paragraph("Keep receipts.")
    one, two = chunks_of(page_of(first), page_of(second).model_copy(update={"number": 2}))
    assert (one.page, two.page) == (1, 2)
    assert one.section == two.section == "Travel"


def test_a_long_table_is_split_by_rows_under_its_header() -> None:
    flow = Flow()
    flow.heading("Prices", 1)
    rows = [["Part", "Price"], *([f"Sensor {i}", f"{i}.50 EUR"] for i in range(200))]
    flow.table(rows, 1)
    page = page_of(flow)
    chunks = chunks_of(page)
    assert len(chunks) > 2
    assert chunks[0].text.startswith("Prices\n\nPart\tPrice\nSensor 0\t")
    for chunk in chunks[1:]:
        head, rest = chunk.spans
        assert page.text[head.start : head.end] == "Part\tPrice"
        assert page.text[rest.start : rest.end].startswith("Sensor ")
        assert page.text[rest.end : rest.end + 1] in ("", "\n")


def test_neighbours_in_a_section_share_a_sentence() -> None:
    flow = Flow()
    flow.paragraph(prose(600, "w"))
    page = page_of(flow)
    chunks = chunks_of(page)
    for before, after in pairwise(chunks):
        assert after.spans[0].start < before.spans[0].end
        shared = page.text[after.spans[0].start : before.spans[0].end]
        assert shared.count(".") == 1
        assert before.text.endswith(shared)
    assert all(60 <= len(c.text.split()) <= 192 for c in chunks)


def test_a_page_number_in_the_margin_is_left_out_and_a_letterhead_is_not() -> None:
    text = "ACME confidential\nThe door code is 4711.\nPage 3 of 9"
    blocks = (
        Block(kind="header", start=0, end=17),
        Block(kind="paragraph", start=18, end=40),
        Block(kind="footer", start=41, end=52),
    )
    page = Page(id=1, parse_id=1, number=1, text=text, how="text", blocks=blocks)
    (chunk,) = chunks_of(page)
    assert chunk.text == "ACME confidential\nThe door code is 4711."


def test_a_long_section_name_does_not_eat_the_chunk() -> None:
    flow = Flow()
    flow.heading(prose(80, "chapter"), 1)
    flow.heading(prose(80, "part"), 2)
    flow.paragraph(prose(300))
    for chunk in chunks_of(page_of(flow), title=prose(50, "title")):
        assert count_tokens([chunk.header])[0] <= 40


def test_a_call_to_the_tokenizer_a_page_or_fewer() -> None:
    calls = 0

    def counting(texts: Sequence[str]) -> list[int]:
        nonlocal calls
        calls += 1
        return count_tokens(texts)

    pages = []
    for number in range(1, 65):
        flow = Flow()
        flow.paragraph(prose(500))
        pages.append(page_of(flow).model_copy(update={"number": number}))
    chunk_pages(pages, title=None, name="a.txt", date=None, count_tokens=counting)
    assert calls <= 64


def test_short_sections_share_a_chunk_under_what_stands_above_them() -> None:
    flow = Flow()
    flow.heading("Board", 1)
    for name in ("Anna Berg", "Bo Carlsson", "Cara Dunn"):
        flow.heading(name, 2)
        flow.paragraph("Member since 2019.")
    (chunk,) = chunks_of(page_of(flow))
    assert chunk.section == "Board"
    assert chunk.text.count("Member since") == 3


def test_a_sentence_that_belongs_to_a_table_is_no_chunk_of_its_own() -> None:
    flow = Flow()
    flow.heading("Balance", 1)
    flow.table([["Part", "Price"], *([f"Sensor {i}", f"{i}.50 EUR"] for i in range(30))], 1)
    flow.paragraph("See the notes.")
    chunks = chunks_of(page_of(flow))
    assert chunks[-1].text.endswith("See the notes.")
    assert len(chunks[-1].text.split()) > 20


def test_a_heading_is_not_left_at_the_end_of_a_chunk() -> None:
    flow = Flow()
    flow.heading("Scope", 1)
    flow.paragraph("Word " * 60 + "end.")
    flow.heading("Terms of delivery", 1)
    flow.paragraph(" ".join(f"term{i}" for i in range(100)) + ".")
    for chunk in chunks_of(page_of(flow), budget=90):
        assert not chunk.text.rstrip().endswith(("Scope", "Terms of delivery"))


def test_a_list_is_cut_with_its_lead_in_repeated() -> None:
    flow = Flow()
    flow.paragraph(prose(120))
    flow.paragraph("The harbour master checks each of these:")
    for i in range(40):
        flow.list_item(f"rope number {i} is dry and coiled")
    chunks = chunks_of(page_of(flow))
    first = next(c for c in chunks if "rope number 0 " in c.text)
    assert "checks each of these:" in first.text


def test_a_footnote_in_bold_names_no_section() -> None:
    flow = Flow()
    flow.heading("Results", 1)
    flow.heading("(1) Includes 2,718 and 2,632 related to shares of the year before", 2)
    flow.paragraph(prose(60))
    for chunk in chunks_of(page_of(flow)):
        assert chunk.section == "Results"


GERMAN = (
    "Die Kündigungsfrist beträgt drei Monate zum Ende eines Kalendervierteljahres, soweit nicht "
    "vertraglich eine längere Frist vereinbart worden ist. "
)
ENGLISH = (
    "The period of notice is three months to the end of a quarter, unless a longer one has been "
    "agreed upon in the contract between both parties. "
)


def test_each_chunk_tells_its_language() -> None:
    german, english = Flow(), Flow()
    german.heading("Vertrag", 1)
    german.paragraph(GERMAN * 12)
    english.heading("Contract", 1)
    english.paragraph(ENGLISH * 12)
    chunks = chunks_of(page_of(german), page_of(english, 1).model_copy(update={"number": 2}))
    assert {c.language for c in chunks if c.page == 1} == {"de"}
    assert {c.language for c in chunks if c.page == 2} == {"en"}


def test_a_short_chunk_has_the_language_of_its_neighbours() -> None:
    pages = []
    for number, text in enumerate(("2019  2020\n14  12", GERMAN * 3, "Summe 44", GERMAN * 3), 1):
        flow = Flow()
        flow.paragraph(text)
        pages.append(page_of(flow).model_copy(update={"number": number}))
    assert {chunk.language for chunk in chunks_of(*pages)} == {"de"}


def test_numbers_alone_have_no_language() -> None:
    flow = Flow()
    flow.paragraph("12 34 56\n78 90")
    (chunk,) = chunks_of(page_of(flow))
    assert chunk.language is None


def test_scripts_tell_their_language() -> None:
    said = {
        "zh": "中文信息检索系统的设计与实现",
        "ja": "これは日本語の文書です。",
        "ko": "이것은 한국어 문서입니다.",
        "th": "รายงานประจำปีของบริษัท",
        "ru": "Годовой отчёт компании за две тысячи двадцать третий год подготовлен советом.",
        "ar": "أعد مجلس الإدارة التقرير السنوي للشركة عن العام الماضي ووافق عليه المساهمون.",
        "el": "Η ετήσια έκθεση της εταιρείας",
    }
    for language, text in said.items():
        flow = Flow()
        flow.paragraph(text)
        (chunk,) = chunks_of(page_of(flow))
        assert chunk.language == language


WORDS = st.text(alphabet=st.sampled_from("abcXYZ019.,;!?-()\t äß。中文"), min_size=0, max_size=120)
SAID = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), WORDS),
        st.tuples(st.just("paragraph"), st.lists(WORDS, max_size=8).map("\n".join)),
        st.tuples(st.just("list"), WORDS),
        st.tuples(st.just("footer"), WORDS),
        st.tuples(st.just("long"), st.integers(1, 900).map(lambda n: "x" * n)),
        st.tuples(st.just("table"), st.lists(st.lists(WORDS, min_size=1, max_size=5), max_size=12)),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(SAID, st.integers(24, 256))
def test_every_word_is_in_a_chunk_within_the_budget(
    said: list[tuple[str, str | list[list[str]]]], budget: int
) -> None:
    flow = Flow()
    for kind, what in said:
        if isinstance(what, list):
            flow.table(what, 1)
        elif kind == "heading":
            flow.heading(what, len(what) % 4 + 1)
        elif kind == "list":
            flow.list_item(what)
        elif kind == "footer":
            flow.margin("footer", what)
        else:
            flow.paragraph(what)
    page = page_of(flow)
    margins = [(b.start, b.end) for b in page.blocks if b.kind == "footer"]
    numbers = [(s, e) for s, e in margins if is_page_number(page.text[s:e])]
    expected = {
        i
        for i, character in enumerate(page.text)
        if not character.isspace() and not any(s <= i < e for s, e in numbers)
    }
    covered: set[int] = set()
    for chunk in chunks_of(page, budget=budget):
        assert chunk.text == "\n".join(page.text[s.start : s.end] for s in chunk.spans)
        assert chunk.text.strip()
        searched = f"{chunk.header}\n{chunk.text}" if chunk.header else chunk.text
        assert count_tokens([searched])[0] <= budget - 2  # the model's own marks
        for span in chunk.spans:
            covered.update(i for i in range(span.start, span.end) if not page.text[i].isspace())
    assert covered == expected


@given(st.text(alphabet=st.sampled_from("aB1.!? \n\t-•。「」\"')"), max_size=200))
def test_sentences_cover_every_word_once_and_in_order(text: str) -> None:
    found = sentences(text)
    at = 0
    for start, end in found:
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        assert start <= without_bullet(text, start, end) < end
        at = end
    assert not text[at:].strip()


SENTENCES = (
    ("Dr. Smith paid $3.50 to J. R. Jones. He left.", 2),
    ("See No. 5 for details. Fig. 3 shows it! Really? Yes.", 4),
    ("It closes at 5 p.m. The staff go home.", 2),
    ("Acme Inc. was sold. Version 2.0.1 is out.", 2),
    ("A line that was wrapped by its writer at some place and\ngoes on here. Then more.", 2),
    ("Apples\nPears\nPlums", 3),
    ("- one thing\n- two things", 2),
    ("1. Scope of this\n2. Terms of it", 2),
    ("a\tb\nc\td", 2),
    ("今日は。明日！「うん。」そう", 4),
    ("“Go.” She went.", 2),
    ("He said no. The cat sat. They left.", 3),
    ("Das Blatt wurde am 3. August 2021 überarbeitet. Es gilt bis 20. Mai 2030.", 2),
    ("Die 2. Auflage ist neu. Er kam am 12. Der Zug fuhr.", 3),
)


def test_sentences_end_where_a_reader_ends_them() -> None:
    for text, count in SENTENCES:
        found = [text[start:end] for start, end in sentences(text)]
        assert len(found) == count, found
