"""Which rows of a table are its header, and where its cells stand; sheets far, broken and old."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import docx as python_docx
import pytest
from docx.oxml import OxmlElement
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from ingestion.parsers import PARSERS, ParseOptions, csv, pptx, xlsx
from ingestion.parsers.column_names import table_header_rows
from ingestion.sandbox import Limits, Sandbox
from tests import files
from tests.reading import blocks, cells, opened, pages

PAIRS = (("Invoice", "A-17"), ("Date", "2024-03-01"), ("Customer", "Mast Ltd"), ("Total", "912.50"))
PEOPLE = (("Name", "Ines"), ("Role", "Engineer"), ("Town", "Bergen"))
COUNTS = (("Pond", "Ducks"), ("North", "17"), ("South", "23"), ("West", "4"))
TERMS = (("Term", "Meaning"), ("Guy", "A rope"), ("Stay", "A longer rope"))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (PAIRS, 0),
        (PEOPLE, 0),
        (tuple((f"{key}:", value) for key, value in COUNTS), 0),
        (COUNTS, 1),
        (TERMS, 1),
        (files.TABLE, 1),
        ((("", ""), ("", "")), 0),
        ((("a", ""), ("b", "")), 0),
        (((), ("x",)), 0),
    ],
)
def test_names_and_values_have_no_header_row(rows: Sequence[Sequence[str]], expected: int) -> None:
    assert table_header_rows(rows) == expected


_CELL = st.sampled_from(["", "a", "Total", "12", "2024-01-01", "x:", " "])
_ROW = st.lists(st.tuples(_CELL, st.booleans()), max_size=4)


@given(st.lists(_ROW, max_size=6))
def test_any_table_is_judged(table: list[list[tuple[str, bool]]]) -> None:
    texts = [[cell for cell, _ in row] for row in table]
    marks = [[mark for _, mark in row] for row in table]
    assert table_header_rows(texts, marks) in (0, 1)
    assert table_header_rows(texts) in (0, 1)


def _header_cells(path: Path, kind: str) -> set[str]:
    (page,) = pages(path, kind)  # type: ignore[arg-type]
    return {page.text[c.start : c.end] for b in page.blocks for c in b.cells if c.header}


def test_a_word_table_of_names_and_values_gets_no_header(tmp_path: Path) -> None:
    assert _header_cells(files.docx(tmp_path / "a.docx", table=PAIRS), "docx") == set()
    assert _header_cells(files.docx(tmp_path / "b.docx", table=COUNTS), "docx") == {
        "Pond", "Ducks",
    }  # fmt: skip


def test_bold_or_marked_rows_of_a_word_table_are_its_header(tmp_path: Path) -> None:
    document = python_docx.Document()
    for marked in (False, True):
        grid = document.add_table(rows=3, cols=2)
        for row, texts in zip(grid.rows, PEOPLE, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                run = cell.paragraphs[0].add_run(text)
                run.bold = row is grid.rows[0] or (not marked and texts is PEOPLE[0])
        if marked:
            mark = grid.rows[0]._tr.get_or_add_trPr()
            mark.append(OxmlElement("w:tblHeader"))
        document.add_paragraph("Between.")
    document.save(str(tmp_path / "a.docx"))
    (page,) = pages(tmp_path / "a.docx", "docx")
    heads = [[c.header for c in b.cells] for b in page.blocks if b.kind == "table"]
    assert heads == [[True, True, False, False, False, False]] * 2


def test_a_web_table_whose_first_column_names_the_rows_gets_no_header(tmp_path: Path) -> None:
    rows = "".join(f"<tr><th>{key}</th><td>{value}</td></tr>" for key, value in COUNTS)
    assert _header_cells(files.html(tmp_path / "a.html", f"<table>{rows}</table>"), "html") == set()


def test_a_sheet_that_reaches_the_last_column_is_read_in_time(tmp_path: Path) -> None:
    book = Workbook()
    for row in range(1, 3001):
        book.worksheets[0].cell(row, 1, f"row {row}")
        book.worksheets[0].cell(row, 16_384, "far")
    book.save(tmp_path / "a.xlsx")
    began = time.process_time()
    (page,) = pages(tmp_path / "a.xlsx", "xlsx")
    assert time.process_time() - began < 10
    assert cells(page)[2999, 16_383] == "far"
    assert len(page.text) < 100_000


def test_scattered_cells_keep_their_places(tmp_path: Path) -> None:
    book = Workbook()
    for at in range(1, 4001):
        book.worksheets[0].cell(at, 1 + at * 7919 % 16_384, f"v{at}")
    book.save(tmp_path / "a.xlsx")
    (page,) = pages(tmp_path / "a.xlsx", "xlsx")
    assert cells(page)[1, 1 + 2 * 7919 % 16_384 - 1] == "v2"
    assert len(cells(page)) == 4000


def test_dates_count_from_the_year_the_workbook_says(tmp_path: Path) -> None:
    book = Workbook()
    book.epoch = datetime(1904, 1, 1)
    sheet = book.worksheets[0]
    for row, (shape, value) in enumerate(
        (("yyyy-mm-dd", datetime(2024, 3, 4)), ("mmm yyyy", datetime(2024, 3, 4))), start=1
    ):
        sheet.cell(row, 1, value).number_format = shape
    book.save(tmp_path / "a.xlsx")
    (page,) = pages(tmp_path / "a.xlsx", "xlsx")
    assert page.text == "2024-03-04\nMar 2024"


def _changed(path: Path, part: str, old: bytes, new: bytes) -> Path:
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new, 1)
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


def test_a_damaged_sheet_costs_only_itself(tmp_path: Path) -> None:
    path = files.xlsx(tmp_path / "a.xlsx", {"Good": files.TABLE, "Bad": files.TABLE})
    _changed(path, "xl/worksheets/sheet2.xml", b"<sheetData>", b"<sheetData")
    good, bad = pages(path, "xlsx")
    assert (good.how, bad.how, bad.label) == ("text", "failed", "Bad")
    assert bad.error == "This workbook is damaged: its sheet Bad cannot be read."


def test_a_sheet_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    path = files.xlsx(tmp_path / "a.xlsx")
    _changed(path, "xl/worksheets/sheet1.xml", b'<row r="3"', b"<row <<")
    (page,) = pages(path, "xlsx")
    assert page.flags == ("breaks_off",)
    assert "Harbour Mole" in page.text
    assert "only its first 2 rows were read" in opened(path, "xlsx").info.warnings[0]


def test_formulas_give_their_cached_values_and_errors_are_shown(tmp_path: Path) -> None:
    path = files.xlsx(tmp_path / "a.xlsx", {"S": [["A", "B"], ["x", "=1+1"], ["y", "=2+2"]]})
    _changed(path, "xl/worksheets/sheet1.xml", b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
    (page,) = pages(path, "xlsx")
    assert cells(page)[1, 1] == "2"
    assert cells(page)[2, 1] == "=2+2"


def test_threads_of_comments_name_their_authors_once(tmp_path: Path) -> None:
    path = files.xlsx(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path, "a") as package:
        package.writestr(
            "xl/threadedComments/t1.xml",
            '<ThreadedComments xmlns="x"><threadedComment ref="B2" dT="2024-05-07T08:00:00.00" '
            'personId="{1}"><text>Too high?'
            "</text></threadedComment></ThreadedComments>",
        )
        package.writestr(
            "xl/persons/person.xml",
            '<personList xmlns="x"><person displayName="Ines" id="{1}"/></personList>',
        )
        package.writestr(
            "xl/worksheets/_rels/sheet1.xml.rels",
            '<Relationships xmlns="r"><Relationship Id="c1" Type="t/threadedComment" '
            'Target="../threadedComments/t1.xml"/></Relationships>',
        )
    _changed(
        path, "xl/_rels/workbook.xml.rels", b"</Relationships>",
        b'<Relationship Id="p9" Type="t/person" Target="persons/person.xml"/></Relationships>',
    )  # fmt: skip
    (page,) = pages(path, "xlsx")
    assert blocks(page, "note") == ["Comment by Ines on B2, 2024-05-07: Too high?"]


def test_pages_beyond_the_limit_are_counted_and_said(tmp_path: Path) -> None:
    options = ParseOptions(max_pages=2)
    book = files.xlsx(tmp_path / "a.xlsx", {name: files.TABLE for name in "ABCDE"})
    deck = files.pptx(tmp_path / "a.pptx", [(f"Slide {n}", "x") for n in range(5)])
    for file in (xlsx.open_file(book, options), pptx.open_file(deck, options)):
        assert (file.info.pages, file.info.unread) == (2, 3)
        assert "Only the first 2 of 5 pages were read." in file.info.warnings
    short = csv.open_file(files.csv(tmp_path / "a.csv"), options)
    assert (short.info.pages, short.info.unread) == (1, 0)


def test_a_large_workbook_is_read_by_a_limited_child(tmp_path: Path) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Large")
    for row in range(20_000):
        sheet.append([row, f"name {row}", row * 1.5])
    book.save(tmp_path / "a.xlsx")
    sandbox = Sandbox(Limits(memory_mb=600), 1, tmp_path / "scratch", PARSERS)
    try:
        with sandbox.open(tmp_path / "a.xlsx", "xlsx", ParseOptions(), space_id="a") as file:
            found = list(file.pages(range(1, file.info.pages + 1)))
    finally:
        sandbox.close()
    assert {page.how for page in found} == {"text"}
    assert "name 19999" in found[-1].text
