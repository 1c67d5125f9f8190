"""Structure of PDF pages: tables cell by cell, columns, reading order, heads and feet, notes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

from ingestion.parsers import ParseOptions
from ingestion.parsers.pdf import open_file
from store.models import ParsedPage

OPTIONS = ParseOptions()
BODY = getSampleStyleSheet()["BodyText"]
GRID = ("GRID", (0, 0), (-1, -1), 0.5, "black")
LEFT = (
    "The lamp is lit at dusk by the",
    "keeper who stays until dawn and",
    "then puts it out again before",
    "he goes to sleep in the room be-",
    "low the gallery, where it is warm",
    "and the wind is never heard.",
)
RIGHT = (
    "Ships that pass are entered in the",
    "log with name and flag and with",
    "the hour at which they were seen",
    "and the direction they were taking",
    "when they left the circle of light",
    "around the rock at night.",
)


def pages_of(path: Path) -> list[ParsedPage]:
    file = open_file(path, OPTIONS)
    try:
        return [file.page(n) for n in range(1, file.info.pages + 1)]
    finally:
        file.close()


def drawn(path: Path, *draw: Callable[[Canvas], None]) -> list[ParsedPage]:
    canvas = Canvas(str(path), pagesize=(500, 700), invariant=1)
    for each in draw:
        canvas.setFont("Times-Roman", 11)
        each(canvas)
        canvas.showPage()
    canvas.save()
    return pages_of(path)


def lines(canvas: Canvas, x: float, y: float, texts: Sequence[str], pitch: float = 13) -> None:
    for i, text in enumerate(texts):
        canvas.drawString(x, y - pitch * i, text)


def tabled(
    path: Path, rows: Sequence[Sequence[str]], *style: tuple, widths: list[int]
) -> ParsedPage:
    """Cells of more than thirty characters wrap within their column."""
    cells = [[Paragraph(c, BODY) if len(c) > 30 else c for c in row] for row in rows]
    table = Table(cells, colWidths=widths, style=TableStyle(style))
    before = Paragraph("A sentence stands before the table.", BODY)
    after = Paragraph("Another sentence stands after it.", BODY)
    SimpleDocTemplate(str(path), pagesize=A4, invariant=1).build([before, table, after])
    return pages_of(path)[0]


def grid_of(page: ParsedPage) -> tuple[dict[tuple[int, int], str], set[int]]:
    """Texts by row and column of the one table, and its rows of headings."""
    (table,) = [b for b in page.blocks if b.kind == "table"]
    return (
        {(c.row, c.column): page.text[c.start : c.end] for c in table.cells},
        {c.row for c in table.cells if c.header},
    )


def wanted(rows: Sequence[Sequence[str]]) -> dict[tuple[int, int], str]:
    return {(r, c): t for r, row in enumerate(rows) for c, t in enumerate(row) if t}


PARTS = [
    ["Part", "Description", "Price"],
    [
        "A-1",
        "A lamp of polished brass with a wick of cotton that is trimmed every evening",
        "120.00",
    ],
    ["A-2", "A clockwork that turns the lens, wound every four hours by the keeper", "2,450.00"],
    ["A-3", "Spare wick", "3.50"],
]
DUTIES = [
    ["Role", "Duty", "Hours"],
    ["Keeper", "lights the lamp", "night"],
    [
        "Mate",
        "writes the log and reports ships in distress to the coast guard at once",
        "day and night",
    ],
    ["Cook", "meals for four", "day"],
]
QUARTERS = [
    ["Item", "Q1", "Q2", "Q3", "Q4"], ["Oil", "12", "", "14", "15"], ["Wicks", "", "", "3", ""],
    ["Glass", "1", "2", "", "4"], ["Total", "13", "2", "17", "19"],
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "widths"),
    [(PARTS, [60, 200, 80]), (DUTIES, [80, 170, 90]), (QUARTERS, [80, 50, 50, 50, 50])],
    ids=["cells of several lines", "texts alone", "empty cells"],
)
def test_a_ruled_table_has_every_cell_at_its_place(
    tmp_path: Path, rows: list[list[str]], widths: list[int]
) -> None:
    page = tabled(
        tmp_path / "a.pdf", rows, GRID, ("VALIGN", (0, 0), (-1, -1), "MIDDLE"), widths=widths
    )
    cells, headings = grid_of(page)
    assert cells == wanted(rows)
    assert headings == {0}
    assert page.text.startswith("A sentence stands before the table.")
    assert page.text.endswith("Another sentence stands after it.")


def test_a_table_without_lines_keeps_two_rows_of_headings(tmp_path: Path) -> None:
    rows = [
        ["", "2023", "", "2022", ""], ["Station", "Wind", "Rain", "Wind", "Rain"],
        ["Harbour Mole", "14.2", "3.5", "13.9", "4.1"],
        ["Fjellheim Hut", "18.7", "11.8", "17.2", "10.0"], ["Skarvoy", "9.9", "0.0", "8.7", "0.3"],
    ]  # fmt: skip
    page = tabled(
        tmp_path / "a.pdf", rows, ("ALIGN", (1, 0), (-1, -1), "RIGHT"), widths=[100, 60, 60, 60, 60]
    )
    cells, headings = grid_of(page)
    assert cells == wanted(rows)
    assert headings == {0, 1}


def test_cells_that_span_belong_to_their_first_row_and_column(tmp_path: Path) -> None:
    rows = [
        ["Place", "Depth", ""],
        ["", "low", "high"],
        ["Mole", "4.5", "6.1"],
        ["Quay", "3.0", "4.6"],
    ]
    page = tabled(
        tmp_path / "a.pdf", rows, GRID, ("SPAN", (1, 0), (2, 0)), ("SPAN", (0, 0), (0, 1)),
        widths=[80, 60, 60],
    )  # fmt: skip
    cells, headings = grid_of(page)
    assert cells == wanted(rows)
    assert headings == {0, 1}


SUMS = (
    ("Net sales", "60,584", "63,355", "230,901"),
    ("Cost of sales", "45,384", "47,074", "165,066"),
    ("Gross margin", "36,413", "35,885", "128,721"),
    ("Net income", "19,881", "19,442", "74,039"),
)


def test_strokes_under_sums_between_tinted_strips_tear_no_table(tmp_path: Path) -> None:
    """As annual reports are set: strips part the columns of some rows, strokes stop short."""

    def statement(canvas: Canvas) -> None:
        for r, row in enumerate((("", "2023", "2022", "2021"), *SUMS)):
            y = 600 - 14 * r
            canvas.drawString(40, y, row[0])
            for c, text in enumerate(row[1:]):
                canvas.drawRightString(270 + 80 * c, y, text)
            for c in range(4) if r in (2, 3, 4) else ():
                canvas.setFillGray(0.93)
                canvas.rect(195 + 80 * c, y - 4, 1.3, 14, stroke=0, fill=1)
                canvas.setFillGray(0)
            for c in range(3) if r in (1, 2, 3, 4) else ():
                canvas.rect(203 + 80 * c, y - 4, 72, 0.7, stroke=0, fill=1)

    (page,) = drawn(tmp_path / "a.pdf", statement)
    cells, headings = grid_of(page)
    assert headings == {0}
    assert cells == wanted((("", "2023", "2022", "2021"), *SUMS))


def test_a_label_of_several_lines_keeps_its_figures(tmp_path: Path) -> None:
    rows = (
        ("", "2009", "2008"),
        ("Income per share:", "", ""),
        ("Total revenue from", "", ""),
        ("continuing operations ....", "2,014", "2,582"),
        ("Net change in fair value", "(1,250)", "364"),
        ("of derivatives held", "", ""),
        ("Loss", "12", "13"),
        ("Taxes", "7", "8"),
    )

    def statement(canvas: Canvas) -> None:
        for r, (label, *figures) in enumerate(rows):
            canvas.drawString(40, 600 - 13 * r, label)
            for c, text in enumerate(figures):
                canvas.drawRightString(270 + 80 * c, 600 - 13 * r, text)
        canvas.drawString(40, 480, "the sum of all that is said above.")

    (page,) = drawn(tmp_path / "a.pdf", statement)
    cells, _ = grid_of(page)
    assert cells == wanted(
        (
            ("", "2009", "2008"),
            ("Income per share:", "", ""),
            ("Total revenue from continuing operations ....", "2,014", "2,582"),
            ("Net change in fair value of derivatives held", "(1,250)", "364"),
            ("Loss", "12", "13"),
            ("Taxes", "7", "8"),
        )
    )


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, 50, 600, LEFT)
        lines(canvas, 270, 600, RIGHT)

    (page,) = drawn(tmp_path / "a.pdf", draw)
    assert page.text.replace("\n\n", "\n").split("\n") == [*LEFT, *RIGHT]
    assert "two_columns" in page.flags


def test_columns_painted_line_by_line_are_parted(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for i, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
            canvas.drawString(50, 600 - 13 * i, left)
            canvas.drawString(230, 600 - 13 * i, right)

    (page,) = drawn(tmp_path / "a.pdf", draw)
    assert page.text.replace("\n\n", "\n").split("\n") == [*LEFT, *RIGHT]
    assert [b.kind for b in page.blocks if b.kind == "table"] == []


def test_a_title_painted_last_is_read_first(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, 50, 600, LEFT)
        lines(canvas, 270, 600, RIGHT)
        canvas.setFont("Times-Bold", 20)
        canvas.drawString(50, 640, "The keeper of the light and his ships")

    (page,) = drawn(tmp_path / "a.pdf", draw)
    assert page.text.startswith("The keeper of the light and his ships\n\nThe lamp")
    assert page.blocks[0].kind == "heading"
    assert page.text.index("never heard") < page.text.index("Ships that pass")


def test_what_runs_through_the_pages_is_head_and_foot(tmp_path: Path) -> None:
    def page_number(n: int) -> Callable[[Canvas], None]:
        def draw(canvas: Canvas) -> None:
            canvas.drawString(50, 670, "Harbour authority of Skarvoy")
            lines(canvas, 50, 600 - 7 * n, LEFT if n % 2 else RIGHT)
            canvas.drawString(50, 30, f"Annual report 2024, sheet {n} of 4")

        return draw

    pages = drawn(tmp_path / "a.pdf", *map(page_number, (1, 2, 3, 4)))
    for page in pages[1:]:
        kinds = [b.kind for b in page.blocks]
        assert (kinds[0], kinds[-1]) == ("header", "footer")
        assert kinds.count("header") == kinds.count("footer") == 1
    first = pages[0].blocks[0]
    assert first.kind != "header", "it is searched once, where it comes first"


def test_the_only_page_of_an_invoice_keeps_its_bank_and_its_sender(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(50, 670, "Brackwater Calibration")
        lines(canvas, 50, 560, LEFT)
        canvas.setFont("Times-Roman", 8)
        canvas.drawString(50, 40, "Bank: Zeeland Handelsbank")
        canvas.drawString(210, 40, "IBAN: NL00 ZHBK 0123 4567 89")
        canvas.drawString(380, 40, "VAT: NL00.12.345")

    (page,) = drawn(tmp_path / "a.pdf", draw)
    assert {b.kind for b in page.blocks}.isdisjoint({"header", "footer"})


@pytest.mark.parametrize(
    "line",
    [
        "Invoice No. RE-20231", "Phone 030 - 44512", "Order placed on 2024-11-05",
        "Travel expenses policy - 2024", "https://lights.example/duties",
        "The report was published by the ministry of health in 2019, and it",
        "Tickets must be printed on paper and shown to the keeper.", "Part A-12",
        "Copyright in the drawings stays with the architect of the tower.", "civil",
        "ACME GmbH|Maintenance Contract|Berlin", "Lights and signals|447",
        "Downloaded by the mate, the log is kept for the harbour master.",
    ],
)  # fmt: skip
def test_what_a_page_alone_has_at_its_edge_is_content(tmp_path: Path, line: str) -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, 50, 600, LEFT)
        canvas.setFont("Times-Roman", 8)
        for x, cell in zip((50, 210, 410), line.split("|"), strict=False):
            canvas.drawString(x, 670, cell)
            canvas.drawString(x, 30, cell)

    (page,) = drawn(tmp_path / "a.pdf", draw)
    assert page.text.count(line.split("|")[-1]) == 2
    assert {b.kind for b in page.blocks}.isdisjoint({"header", "footer"})


@pytest.mark.parametrize(
    "line",
    ["3", "Page 3 of 12", "– 3 –", "xiv", "Seite 3", "3 / 12",
     "Downloaded from https://lights.example on 3 May 2024"],
)  # fmt: skip
def test_page_numbers_and_download_notes_are_set_apart(tmp_path: Path, line: str) -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, 50, 600, LEFT)
        canvas.drawString(50, 30, line)

    (page,) = drawn(tmp_path / "a.pdf", draw)
    assert [page.text[b.start : b.end] for b in page.blocks if b.kind == "footer"] == [line]


def test_captions_and_footnotes_are_told_from_the_text(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, 50, 600, LEFT)
        canvas.drawString(50, 490, "Figure 2: The tower seen from the sea")
        canvas.setFont("Times-Roman", 8)
        canvas.drawString(50, 120, "1 Measured at the mole in the winter of 2023.")
        canvas.setFont("Times-Roman", 11)
        lines(canvas, 270, 600, RIGHT)

    (page,) = drawn(tmp_path / "a.pdf", draw)
    said = [(b.kind, page.text[b.start : b.end][:8]) for b in page.blocks]
    assert ("caption", "Figure 2") in said
    assert said[-1] == ("note", "1 Measur")
