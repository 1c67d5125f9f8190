"""Running heads, feet and page numbers are left out of the chunks; real first lines are not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import pytest

from ingestion.chunking import ChunkDraft, chunk_pages
from ingestion.running_heads import edges_of, find_running_heads
from store.boxes import pack
from store.models import Block, Box, Cell, Page

Row = tuple[float, str]
"""Where a line stands, 0..1 from the top, and what it says; size 0.012 of the page's height."""


def pictured(number: int, rows: Sequence[Row | tuple[float, str, float]], **more: object) -> Page:
    """A page with a box for each word, lines in the order given."""
    text, words = "", []
    for row in rows:
        y, line, height = row if len(row) == 3 else (*row, 0.012)
        text += "\n" if text else ""
        for word in line.split(" "):
            x = 0.1 + 0.008 * (len(text) - text.rfind("\n"))
            box: Box = (x, y, x + 0.006 * len(word), y + height)
            if word:
                words.append((len(text), len(text) + len(word), box))
            text += word + " "
        text = text[:-1]
    return Page(
        id=number, parse_id=1, number=number, text=text, how="text", boxes=pack(words), **more
    )  # type: ignore[arg-type]


def body(number: int, lines: int = 20) -> list[Row]:
    """Lines that no other page has."""
    draw = random.Random(number)
    words = [f"w{draw.randrange(10**6)}" for _ in range(8 * lines)]
    return [(0.12 + 0.03 * i, " ".join(words[8 * i : 8 * i + 8])) for i in range(lines)]


def document(pages: int, rows: Callable[[int], list[Row]]) -> list[Page]:
    return [pictured(n, rows(n)) for n in range(1, pages + 1)]


def left_out(pages: Sequence[Page]) -> dict[int, list[str]]:
    heads = find_running_heads([edges_of(page) for page in pages])
    return {p.number: [p.text[s:e] for s, e in heads.get(p.number, ())] for p in pages}


def chunks_of(pages: Sequence[Page]) -> list[ChunkDraft]:
    return chunk_pages(
        pages,
        title=None,
        name="a.pdf",
        date=None,
        count_tokens=lambda texts: [len(text.split()) for text in texts],
    )


def test_a_running_title_and_page_numbers_are_left_out_but_for_the_first_page():
    pages = document(
        8,
        lambda n: [
            (0.04, "Larkspur Ltd – Annual report 2023"),
            *body(n),
            (0.95, f"Page {n} of 8"),
        ],
    )
    found = left_out(pages)
    assert found[1] == ["Page 1 of 8"]  # nothing but its first page may say whose report it is
    for n in range(2, 9):
        assert found[n] == ["Larkspur Ltd – Annual report 2023", f"Page {n} of 8"]
    for chunk in chunks_of(pages):
        assert "of 8" not in chunk.text
        assert chunk.page == 1 or "Larkspur" not in chunk.text
        for span in chunk.spans:
            assert pages[chunk.page - 1].text[span.start : span.end] in chunk.text


def test_left_and_right_pages_and_chapters_may_have_their_own():
    def rows(n: int) -> list[Row]:
        chapter = ("The harbour", "The lighthouse", "The storm")[(n - 1) // 8]
        head = f"{n}   A history of Larkspur" if n % 2 == 0 else f"{chapter}   {n}"
        return [(0.05, head), *body(n)]

    found = left_out(document(24, rows))
    assert all(len(found[n]) == 1 for n in range(2, 25))


def test_misread_running_lines_are_left_out_too():
    said = "Confidential minutes of the harbour board"
    misread = {
        3: "Confidentiai minutes of the harbour board",
        5: "Confidential rninutes of the harbour board",
    }
    pages = document(
        9, lambda n: [(0.04 + 0.001 * (n % 3), misread.get(n, said)), *body(n), (0.95, f"- {n} -")]
    )
    found = left_out(pages)
    assert all(len(found[n]) == 2 for n in range(2, 10))


def test_roman_numbers_and_numbers_of_an_appendix_count_up_as_well():
    def rows(n: int) -> list[Row]:
        number = ("i", "ii", "iii", "iv")[n - 1] if n < 5 else f"A-{n - 4}" if n > 10 else f"{n}"
        return [*body(n), (0.96, number)]

    assert all(len(some) == 1 for some in left_out(document(14, rows)).values())


def test_a_first_line_that_differs_stays():
    def rows(n: int) -> list[Row]:
        first = "The tide tables were wrong" if n == 4 else "Larkspur Ltd"
        return [(0.05, first), *body(n)]

    found = left_out(document(8, rows))
    assert found[4] == []
    assert found[5] == ["Larkspur Ltd"]


def test_a_title_stays_where_it_is_large():
    pages = [pictured(1, [(0.05, "The harbour", 0.03), *body(1)])]
    pages += [pictured(n, [(0.05, "The harbour"), *body(n)]) for n in range(2, 9)]
    found = left_out(pages)
    assert found[1] == []
    assert all(found[n] == ["The harbour"] for n in range(2, 9))


def test_headings_that_count_up_are_no_page_numbers():
    found = left_out(document(5, lambda n: [(0.1, f"Lesson {n}"), *body(n)]))
    assert not any(found.values())


@pytest.mark.parametrize(
    "head",
    [
        "Invoice No. {large}",
        "Invoice No.   {large}",
        "Invoice No. {large}   Page 1 of 1",
        "No. {large}",
        "Lesson {n}",
        "Week   {n}",
        "Patient No.\t{n}",
        "{large}",
        "{year}",
        "2024-03-{n:02}",
        "{n} / 2024",
    ],
)
@pytest.mark.parametrize("y", [0.04, 0.95])
def test_numbers_of_other_things_than_pages_stay(head: str, y: float):
    def rows(n: int) -> list[Row]:
        said = (y, head.format(n=n, large=1000 + n, year=2017 + n))
        return [said, *body(n)] if y < 0.5 else [*body(n), said]

    assert not any(left_out(document(12, rows)).values())


def test_every_number_of_a_pile_of_invoices_is_in_a_chunk():
    pages = document(8, lambda n: [(0.04, f"Invoice No. {1000 + n}"), *body(n), (0.95, f"{n} / 8")])
    chunks = chunks_of(pages)
    for n in range(1, 9):
        assert any(f"Invoice No. {1000 + n}" in c.text for c in chunks if c.page == n)
        assert not any(f"{n} / 8" in c.text for c in chunks)


def test_a_page_number_is_told_beside_other_words():
    found = left_out(document(6, lambda n: [(0.04, f"Larkspur Ltd Page {n} of 6"), *body(n)]))
    assert all(found[n] == [f"Larkspur Ltd Page {n} of 6"] for n in range(1, 7))


def test_large_numbers_are_page_numbers_where_many_pages_go_along():
    few = document(8, lambda n: [*body(n), (0.95, f"{n + 410}")])
    many = document(24, lambda n: [*body(n), (0.95, f"{n + 410}")])
    longest = document(110, lambda n: [*body(n), (0.95, f"{n + 1500}")])
    assert not any(left_out(few).values())
    assert all(left_out(many).values())
    assert all(left_out(longest).values())


def test_numbers_in_headings_and_in_large_print_stay():
    large = [pictured(n, [(0.04, f"{n}", 0.03), *body(n)]) for n in range(1, 9)]
    assert not any(left_out(large).values())
    headed = []
    for page in document(8, lambda n: [(0.04, f"{n}"), *body(n)]):
        block = Block(kind="heading", start=0, end=1, level=1)
        headed.append(page.model_copy(update={"blocks": (block,)}))
    assert not any(left_out(headed).values())


def table_page(number: int, head: str) -> Page:
    rows = [f"R{number}{i}  {number * i}.50  {i}" for i in range(20)]
    page = pictured(number, [(0.09 + 0.02 * i, row) for i, row in enumerate([head, *rows])])
    cell = Cell(start=0, end=4, row=0, column=0, header=True)
    block = Block(kind="table", start=0, end=len(page.text), cells=(cell,))
    return page.model_copy(update={"blocks": (block,)})


def test_a_tables_header_row_on_each_page_stays():
    assert not any(left_out([table_page(n, "Part  Price  Count") for n in range(1, 9)]).values())
    unmarked = [
        page.model_copy(update={"blocks": ()})
        for page in (table_page(n, "Part  Price  Count") for n in range(1, 9))
    ]
    assert not any(left_out(unmarked).values())


def test_one_or_two_pages_have_no_running_lines():
    for count in (1, 2):
        pages = document(count, lambda n: [(0.04, "Larkspur Ltd"), *body(n), (0.95, f"Page {n}")])
        assert not any(left_out(pages).values())


def test_forms_whose_pages_are_alike_are_kept():
    def rows(n: int) -> list[Row]:
        labels = ("Name", "Date of birth", "Street", "Town", "Telephone", "Employer", "Signature")
        return [
            (0.05, "Application for leave"),
            *((0.2 + 0.08 * i, f"{label}: {n * 7919 + i}") for i, label in enumerate(labels)),
        ]

    assert not any(left_out(document(10, rows)).values())


def test_the_same_page_again_and_again_is_kept():
    assert not any(left_out(document(6, lambda n: [(0.05, "Notice"), *body(1)])).values())


def test_what_is_all_a_page_says_is_kept():
    assert not any(left_out(document(40, lambda n: [(0.06, f"Page {n} has words.")])).values())
    assert not any(left_out(document(12, lambda n: [(0.95, f"Page {n}")])).values())


def test_short_pages_lose_their_running_lines_too():
    said = ("The mast is sound.", "Ropes are dry.", "A sail was torn.", "Nobody was seen.")

    def rows(n: int) -> list[Row]:
        return [(0.04, "Larkspur log"), (0.1, said[n % 4] * (n // 4 + 1)), (0.95, f"{n} / 16")]

    found = left_out(document(16, rows))
    assert all(found[n] == ["Larkspur log", f"{n} / 16"] for n in range(2, 17))


def flowed(number: int, blocks: Sequence[tuple[str, str]]) -> Page:
    text, made = "", []
    for kind, part in blocks:
        text += "\n\n" if text else ""
        made.append(Block(kind=kind, start=len(text), end=len(text) + len(part)))  # type: ignore[arg-type]
        text += part
    return Page(id=number, parse_id=1, number=number, text=text, how="text", blocks=tuple(made))


def test_feet_of_slides_are_left_out_and_titles_are_not():
    slides = [
        flowed(
            n,
            [
                ("heading", "Agenda" if n < 7 else f"Plan {n}"),
                ("paragraph", f"Point {n * 31} of the plan\nOwner {n * 17}\nCost {n * 13} EUR"),
                ("paragraph", "Larkspur Ltd, confidential"),
            ],
        )
        for n in range(1, 11)
    ]
    found = left_out(slides)
    assert all(found[n] == ["Larkspur Ltd, confidential"] for n in range(2, 11))


def test_a_running_line_read_as_heading_names_no_section():
    pages = []
    for n in range(1, 13):
        page = pictured(n, [(0.04, "Larkspur Ltd handbook"), *body(n)])
        block = Block(kind="heading", start=0, end=len("Larkspur Ltd handbook"), level=1)
        pages.append(page.model_copy(update={"blocks": (block,)}))
    for chunk in chunks_of(pages):
        assert "Larkspur" not in chunk.text or chunk.page == 1


def test_1600_pages_take_a_few_kilobytes_and_milliseconds_each():
    page = pictured(1, [(0.04, "Larkspur Ltd"), *body(1), (0.95, "Page 1")])
    began = time.process_time()
    edges = [edges_of(page)._replace(page=n) for n in range(1, 1601)]
    find_running_heads(edges)
    assert time.process_time() - began < 1600 * 0.01
