"""What must and must not come out of Word, PowerPoint and Excel files."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import docx as python_docx
import pptx as python_pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from openpyxl import Workbook
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingestion.parsers.xlsx_values import displayed
from tests import files
from tests.reading import blocks, cells, headings, opened, pages


def rich_docx(path: Path) -> Path:
    document = python_docx.Document()
    document.core_properties.title = "Leave rules"
    document.core_properties.author = "Ines"
    document.core_properties.modified = datetime(2024, 5, 6, 7, 8, 9)
    document.sections[0].header.paragraphs[0].text = "Page header"
    document.sections[0].footer.paragraphs[0].text = "Page footer"
    document.add_heading("Parental leave", 2)
    document.add_paragraph("Ask early", style="List Bullet")
    document.add_paragraph("First step", style="List Number")
    document.add_paragraph("Second step", style="List Number")
    paragraph = document.add_paragraph("Weeks: ")
    runs = (
        '<w:ins {ns} w:id="1"><w:r><w:t>forty</w:t></w:r></w:ins>',
        '<w:del {ns} w:id="2"><w:r><w:delText>thirty</w:delText></w:r></w:del>',
        "<w:r {ns}><w:rPr><w:vanish/></w:rPr><w:t>unseen</w:t></w:r>",
        "<w:hyperlink {ns}><w:r><w:t> (the form)</w:t></w:r></w:hyperlink>",
        "<w:r {ns}><w:pict><v:shape {v}><v:textbox><w:txbxContent><w:p><w:r><w:t>In a box</w:t>"
        "</w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r>",
    )
    for run in runs:
        paragraph._p.append(
            parse_xml(run.format(ns=nsdecls("w"), v='xmlns:v="urn:schemas-microsoft-com:vml"'))
        )
    comment = document.add_comment(paragraph.runs, text="Check with HR", author="Jonas")
    comment._comment_elm.set(qn("w:date"), "2024-05-07T08:00:00Z")
    table = document.add_table(rows=3, cols=3)
    for row, texts in enumerate((("Grade", "Days", "Pay"), ("A", "25", "full"), ("B", "", "half"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 1).merge(table.cell(2, 1))
    document.save(str(path))
    return path


def test_a_word_file_gives_all_that_is_seen(tmp_path: Path) -> None:
    path = rich_docx(tmp_path / "a.docx")
    (page,) = pages(path, "docx")
    assert headings(page) == [(2, "Parental leave")]
    assert "Weeks: forty (the form)" in page.text
    assert "thirty" not in page.text
    assert "unseen" not in page.text
    assert "In a box" in page.text
    assert "Comment by Jonas on 2024-05-07: Check with HR" in blocks(page, "note")
    assert blocks(page, "list") == ["- Ask early\n1. First step\n2. Second step"]
    assert blocks(page, "header") == ["Page header"]
    assert blocks(page, "footer") == ["Page footer"]
    assert cells(page) == {
        (0, 0): "Grade", (0, 1): "Days", (0, 2): "Pay", (1, 0): "A", (1, 1): "25",
        (1, 2): "full", (2, 0): "B", (2, 2): "half",
    }  # fmt: skip
    info = opened(path, "docx").info
    assert (info.title, info.author, info.date) == ("Leave rules", "Ines", "2024-05-06T07:08:09")


def test_numbers_of_a_list_go_on_in_and_after_the_cells_of_a_table(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.add_paragraph("Read it", style="List Number")
    table = document.add_table(rows=2, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text, table.cell(1, 0).text = "Step", "Who", "Both:"
    for text in ("sign it", "send it"):
        table.cell(1, 0).add_paragraph(text, style="List Number")
    table.cell(1, 0).add_paragraph("a copy", style="List Bullet")
    frame = document.add_table(rows=1, cols=1)
    frame.cell(0, 0).paragraphs[0].text = "File it"
    frame.cell(0, 0).paragraphs[0].style = "List Number"
    document.add_paragraph("Rest", style="List Number")
    document.save(str(tmp_path / "a.docx"))
    (page,) = pages(tmp_path / "a.docx", "docx")
    assert cells(page)[1, 0] == "Both: 2. sign it 3. send it a copy"
    assert blocks(page, "list") == ["1. Read it", "4. File it\n5. Rest"]


def rich_pptx(path: Path) -> Path:
    deck = python_pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Ducks by year"
    grid = slide.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, texts in enumerate((("Pond", "Ducks"), ("North", "17"))):
        for column, text in enumerate(texts):
            grid.cell(row, column).text = text
    slide.notes_slide.notes_text_frame.text = "Say it slowly"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Geese", (4.3, 5))
    slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(4), Inches(2), data
    )
    second = deck.slides.add_slide(deck.slide_layouts[1])
    second.shapes.title.text = "Plan"
    second.placeholders[1].text = "Count the swans.\nFeed nobody."
    second._element.set("show", "0")
    deck.save(str(path))
    return path


def test_a_deck_gives_a_page_a_slide_with_notes_tables_and_charts(tmp_path: Path) -> None:
    first, second = pages(rich_pptx(tmp_path / "a.pptx"), "pptx")
    assert (first.label, second.label) == ("Ducks by year", "Plan")
    assert "North\t17" in first.text
    assert "Notes: Say it slowly" in blocks(first, "note")
    assert "\tGeese\n2023\t4.3\n2024\t5" in first.text
    assert "Count the swans." in second.text
    assert "Feed nobody." in second.text
    assert second.flags == ("hidden",)


def rich_xlsx(path: Path) -> Path:
    book = Workbook()
    sheet = book.active
    sheet.title = "Sales"
    for row in (
        ["Sales of 2024"],
        ["Region", "Day", "Share", "Amount", "Twice"],
        ["North", date(2024, 3, 1), 0.256, 1234.5, "=D3*2"],
        ["South", datetime(2024, 3, 2, 14, 30), 0.5, -7, True],
    ):
        sheet.append(row)
    for row in (3, 4):
        sheet.cell(row, 3).number_format = "0.0%"
        sheet.cell(row, 4).number_format = "#,##0.00"
    sheet["A3"].comment = Comment("Audited", "Ines")
    sheet["A6"], sheet["B6"], sheet["A7"], sheet["B7"] = "Code", "Meaning", "x", "a\nb\tc"
    book.create_sheet("Empty")
    other = book.create_sheet("Secret")
    other["B2"] = "alone"
    other.sheet_state = "hidden"
    book.save(path)
    return path


def test_a_workbook_gives_its_cells_as_shown(tmp_path: Path) -> None:
    sales, secret = pages(rich_xlsx(tmp_path / "a.xlsx"), "xlsx")
    assert (sales.label, secret.label, secret.flags) == ("Sales", "Secret", ("hidden",))
    assert sales.text.startswith("Sales of 2024\n\nRegion\tDay\t")
    found = cells(sales)
    assert [found[2, column] for column in range(5)] == [
        "North", "2024-03-01", "25.6%", "1,234.50", "=D3*2",
    ]  # fmt: skip
    assert [found[3, column] for column in range(1, 5)] == [
        "2024-03-02 14:30", "50.0%", "-7.00", "TRUE",
    ]  # fmt: skip
    assert found[6, 1] == "a b c"
    heads = {sales.text[c.start : c.end] for b in sales.blocks for c in b.cells if c.header}
    assert heads == {"Region", "Day", "Share", "Amount", "Twice", "Code", "Meaning"}
    assert blocks(sales, "note") == ["Comment by Ines on A3: Audited"]
    assert secret.text == "alone"


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (1234567, "#,##0", "1,234,567"),
        (0.1, "General", "0.1"),
        (0.1 + 0.2, "General", "0.3"),
        (12.5, '"$"#,##0.00', "$12.50"),
        (12.5, "#,##0.00\\ [$€-407]", "12.50 €"),
        (-12.5, "#,##0.0_);(#,##0.0)", "(12.5)"),
        (1500000, '0.0,,"M"', "1.5M"),
        (3, "# ?/?", "3"),
        (7, "000", "7"),
    ],
)
def test_numbers_look_as_in_excel(value: float, number_format: str, shown: str) -> None:
    assert displayed(value, number_format) == shown


GUARD = """
import socket, sys, pathlib, importlib
def refuse(*_, **__): raise RuntimeError("network was touched")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
socket.create_connection = socket.gethostbyname = refuse
from ingestion.parsers import PARSERS, ParseOptions
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    file = importlib.import_module(PARSERS[path.suffix[1:]].module).open_file(path, ParseOptions())
    print(path.suffix, len(file.page(1).text))
"""


def test_no_parser_touches_the_network(tmp_path: Path) -> None:
    made = [
        rich_pptx(tmp_path / "a.pptx"),
        rich_docx(tmp_path / "a.docx"),
        rich_xlsx(tmp_path / "a.xlsx"),
        files.html(tmp_path / "a.html"),
        files.eml(tmp_path / "a.email", html_body="<p>Hello</p>"),
        files.markdown(tmp_path / "a.markdown"),
        files.csv(tmp_path / "a.csv"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", GUARD, *map(str, made)],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "network was touched" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(made)
