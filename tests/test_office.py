"""What must and must not come out of Office files, web pages, mails and texts."""

from __future__ import annotations

import importlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from email.message import EmailMessage
from pathlib import Path

import docx as python_docx
import pptx as python_pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl import Workbook
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingestion.parsers import PARSERS, OpenedFile, ParseOptions
from ingestion.parsers.flow import Flow
from ingestion.parsers.xlsx_values import displayed
from store.errors import Unreadable
from store.models import Kind, ParsedPage
from tests import files


def opened(path: Path, kind: Kind) -> OpenedFile:
    return importlib.import_module(PARSERS[kind].module).open_file(path, ParseOptions())


def pages(path: Path, kind: Kind) -> list[ParsedPage]:
    file = opened(path, kind)
    found = [file.page(number) for number in range(1, file.info.pages + 1)]
    for page in found:
        holds_together(page)
    return found


def holds_together(page: ParsedPage) -> None:
    at = 0
    for block in page.blocks:
        assert at <= block.start < block.end <= len(page.text)
        at = block.end
        for cell in block.cells:
            assert block.start <= cell.start < cell.end <= block.end
            assert not set("\t\n") & set(page.text[cell.start : cell.end])


def cells(page: ParsedPage) -> dict[tuple[int, int], str]:
    return {(c.row, c.column): page.text[c.start : c.end] for b in page.blocks for c in b.cells}


def headings(page: ParsedPage) -> list[tuple[int, str]]:
    return [(b.level, page.text[b.start : b.end]) for b in page.blocks if b.kind == "heading"]


def blocks(page: ParsedPage, kind: str) -> list[str]:
    return [page.text[b.start : b.end] for b in page.blocks if b.kind == kind]


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
    document.add_comment(paragraph.runs, text="Check with HR", author="Jonas")
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
    assert "Comment by Jonas: Check with HR" in blocks(page, "note")
    assert blocks(page, "list") == ["- Ask early\n1. First step\n2. Second step"]
    assert blocks(page, "header") == ["Page header"]
    assert blocks(page, "footer") == ["Page footer"]
    assert cells(page) == {
        (0, 0): "Grade", (0, 1): "Days", (0, 2): "Pay", (1, 0): "A", (1, 1): "25",
        (1, 2): "full", (2, 0): "B", (2, 2): "half",
    }  # fmt: skip
    info = opened(path, "docx").info
    assert (info.title, info.author, info.date) == ("Leave rules", "Ines", "2024-05-06T07:08:09")


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
    assert blocks(sales, "note") == ["Comment on A3: Audited"]
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


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_csv_cells_come_out_whatever_the_dialect(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    rows = (("Name", "Prix", "Note"), ("Café", "1,5", "two\nlines"), ("Zoë", "2,5", ""), ("x",))
    path = files.csv(tmp_path / "a.csv", rows, separator, encoding)
    (page,) = pages(path, "csv")
    assert cells(page) == {
        (0, 0): "Name", (0, 1): "Prix", (0, 2): "Note", (1, 0): "Café", (1, 1): "1,5",
        (1, 2): "two lines", (2, 0): "Zoë", (2, 1): "2,5", (3, 0): "x",
    }  # fmt: skip
    assert [c.header for b in page.blocks for c in b.cells][:4] == [True, True, True, False]


PAGE = """
<nav>Menu</nav><h1>Title</h1><p>Some <b>bold</b>ness and<br>a break.</p>
<script>evil()</script><style>p{}</style><p hidden>unseen</p><p style="display:none">unseen</p>
<!-- unseen --><img src="http://example.com/x.png" alt="unseen"><template>unseen</template>
<ul><li>one<ul><li>deep</li></ul></li><li>two</li></ul><ol start="3"><li>three</li></ol>
<table><tr><th>Name</th><th colspan="2">Both</th></tr>
<tr><td rowspan="2">A</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>
<pre>  keep
    indent</pre><iframe src="file:///etc/passwd"></iframe>
"""


def test_html_gives_what_a_browser_shows(tmp_path: Path) -> None:
    path = files.html(tmp_path / "a.html", PAGE, title="The title")
    (page,) = pages(path, "html")
    assert "Some boldness and\na break." in page.text
    assert "unseen" not in page.text
    assert "evil" not in page.text
    assert blocks(page, "list") == ["- one\n  - deep\n- two\n3. three"]
    assert cells(page) == {
        (0, 0): "Name", (0, 1): "Both", (1, 0): "A", (1, 1): "1", (1, 2): "2",
        (2, 1): "3", (2, 2): "4",
    }  # fmt: skip
    assert blocks(page, "code") == ["  keep\n    indent"]
    assert opened(path, "html").info.title == "The title"


def test_markdown_reads_without_its_markup(tmp_path: Path) -> None:
    text = (
        "---\ntitle: Rules\ndate: 2024-01-02\n---\n# One\n\nSome *soft* [link](http://x.example) "
        "`code`.\n\n## Two\n\n- a\n- b\n\n| N | V |\n|---|---|\n| x | 1 |\n\n"
        "```py\nprint(1)\n```\n\n<script>evil()</script>\n"
    )
    path = files.markdown(tmp_path / "a.md", text)
    (page,) = pages(path, "markdown")
    assert headings(page) == [(1, "One"), (2, "Two")]
    assert "Some soft link code." in page.text
    assert cells(page) == {(0, 0): "N", (0, 1): "V", (1, 0): "x", (1, 1): "1"}
    assert blocks(page, "code") == ["print(1)"]
    assert not set("*`#|[") & set(page.text)
    assert "evil" not in page.text
    info = opened(path, "markdown").info
    assert (info.title, info.date) == ("Rules", "2024-01-02")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_plain_text_is_canonical_whatever_its_encoding(tmp_path: Path, encoding: str) -> None:
    text = "INTRODUCTION\r\n\r\nCafe\u0301 costs 3.\x00\x07\r\nNext line.\r\n\r\nThe end — “so”."
    text = text.replace("e\u0301", "é") if encoding == "cp1252" else text
    text = text.replace("\x00", "") if encoding.startswith("utf-16") else text
    (page,) = pages(files.txt(tmp_path / "a.txt", text, encoding), "text")
    assert page.text == "INTRODUCTION\n\nCafé costs 3.\nNext line.\n\nThe end — “so”."
    assert headings(page) == [(1, "INTRODUCTION")]


def test_a_mail_opens_with_its_head_and_names_its_attachments(tmp_path: Path) -> None:
    attachment = files.txt(tmp_path / "plan.pdf")
    path = files.eml(
        tmp_path / "a.eml", "Überprüfung", "Plain body.", "<p>Rich body.</p>", attachment
    )
    file = opened(path, "email")
    (page,) = pages(path, "email")
    assert page.text.startswith(
        "Subject: Überprüfung\n\nFrom: ines@mast.example\nTo: jonas@mast.example\nDate: "
    )
    assert "Plain body." in page.text
    assert "Rich body." not in page.text
    assert blocks(page, "note") == ["Attachments: plan.pdf"]
    assert file.info.warnings == ("1 attachment not read: plan.pdf",)
    assert (file.info.title, file.info.date) == ("Überprüfung", "2024-06-03T09:30:00+00:00")


def test_a_mail_with_html_only_is_read(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "x"
    mail.set_content("<p>Hello <b>you</b></p><script>evil()</script>", subtype="html")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())
    (page,) = pages(tmp_path / "a.eml", "email")
    assert page.text.endswith("Hello you")


EMPTY: list[tuple[Kind, Callable[[Path], Path]]] = [
    ("docx", lambda path: files.docx(path, [("", "")])),
    ("pptx", lambda path: files.pptx(path, [("", "")])),
    ("xlsx", lambda path: files.xlsx(path, {"Empty": ()})),
    ("csv", lambda path: files.txt(path, "\n")),
    ("html", lambda path: files.html(path, "")),
    ("markdown", lambda path: files.txt(path, " \n")),
    ("text", lambda path: files.txt(path, " \n\t")),
]


@pytest.mark.parametrize(("kind", "make"), EMPTY)
def test_nothing_to_read_is_said(tmp_path: Path, kind: Kind, make: Callable[[Path], Path]) -> None:
    (page,) = pages(make(tmp_path / "empty"), kind)
    assert (page.how, page.text, page.quality) == ("nothing", "", None)


def test_a_very_long_table_goes_on_under_its_header_on_another_page() -> None:
    flow = Flow(max_page_chars=1000)
    flow.table([["Name", "Value"], *([f"row {i}", str(i)] for i in range(300))], 1)
    file = flow.finish()
    found = [file.page(n) for n in range(1, file.info.pages + 1)]
    assert len(found) > 2
    assert all(page.text.startswith("Name\tValue\n") for page in found)
    assert [v for p in found for (r, c), v in cells(p).items() if c == 1 and r] == [
        str(i) for i in range(300)
    ]
    assert "split into" in file.info.warnings[0]


def with_part(path: Path, part: str, content: bytes) -> Path:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(part, content)
    return path


def xxe_docx(path: Path) -> Path:
    """A DOCX that asks for a file of the machine it is read on."""
    secret = path.with_name("secret.txt")
    secret.write_text("TOP SECRET", encoding="utf-8")
    files.docx(path, [("", "LEAK")])
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts["word/document.xml"] = (
        parts["word/document.xml"]
        .replace(b"<w:document", f'<!DOCTYPE d [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
                 "<w:document".encode(), 1)
        .replace(b"LEAK", b"&e;")
    )  # fmt: skip
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


def encrypted(path: Path) -> Path:
    """An OLE container as Office writes it around an encrypted file."""
    start = bytes.fromhex("d0cf11e0a1b11ae1")
    path.write_bytes(start + bytes(1016) + "EncryptedPackage".encode("utf-16-le") + bytes(480))
    return path


def cut(path: Path, kind: str) -> Path:
    getattr(files, kind)(path)
    path.write_bytes(path.read_bytes()[:-400])
    return path


HOSTILE: list[tuple[str, Kind, Callable[[Path], Path], str]] = [
    ("laughs", "docx", files.billion_laughs_docx, "declares XML entities"),
    ("xxe", "docx", xxe_docx, "declares XML entities"),
    (
        "bomb",
        "xlsx",
        lambda path: with_part(files.xlsx(path), "xl/media/a.bin", bytes(60_000_000)),
        "decompression bomb",
    ),
    ("locked", "docx", encrypted, "needs a password"),
    ("locked", "xlsx", encrypted, "needs a password"),
    ("cut", "docx", lambda path: cut(path, "docx"), "damaged"),
    ("cut", "pptx", lambda path: cut(path, "pptx"), "damaged"),
    ("cut", "xlsx", lambda path: cut(path, "xlsx"), "damaged"),
    ("other", "docx", lambda path: with_part(path, "readme.txt", b"hello"), "damaged"),
    ("other", "pptx", lambda path: files.docx(path), "damaged"),
    ("other", "xlsx", lambda path: files.docx(path), "damaged"),
]


@pytest.mark.parametrize(("name", "kind", "make", "reason"), HOSTILE)
def test_hostile_files_end_in_a_sentence(
    tmp_path: Path, name: str, kind: Kind, make: Callable[[Path], Path], reason: str
) -> None:
    path = make(tmp_path / f"{name}.{kind}")
    with pytest.raises(Unreadable, match=reason):
        pages(path, kind)


def test_deeply_nested_html_is_read_without_falling_over(tmp_path: Path) -> None:
    body = "<div>" * 20_000 + "the bottom" + "</div>" * 20_000 + "<p>the end</p>"
    (page,) = pages(files.html(tmp_path / "deep.html", body), "html")
    assert "the end" in page.text


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
        files.html(tmp_path / "a.html", PAGE),
    ]
    done = subprocess.run(
        [sys.executable, "-c", GUARD, *map(str, made)],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "network was touched" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(made)
