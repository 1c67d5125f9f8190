"""Larkspur employee handbook.pdf: a born-digital PDF of six pages with lists and tables."""

from datetime import UTC, datetime
from pathlib import Path

from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    Flowable,
    ListFlowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from tools.samples.fixed import written_on
from tools.samples.handbook_text import PAGES, SUBTITLE, TITLE

WRITTEN = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
BLUE, GREY, PALE = HexColor("#1f4e79"), HexColor("#6b7280"), HexColor("#eef3f8")
MARGIN = 25 * mm
PADDING = 6  # reportlab's frame, in points
WIDTH = A4[0] - 2 * (MARGIN + PADDING)

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=11, leading=16.5, spaceAfter=8)
TOP = ParagraphStyle("top", fontName="Helvetica-Bold", fontSize=26, leading=32, textColor=BLUE)
UNDER = ParagraphStyle("under", parent=BODY, fontSize=12.5, textColor=GREY, spaceAfter=20)
CHAPTER = ParagraphStyle(
    "chapter", fontName="Helvetica-Bold", fontSize=17, leading=22, textColor=BLUE, spaceAfter=8
)
SECTION = ParagraphStyle(
    "section", fontName="Helvetica-Bold", fontSize=12, leading=16, spaceBefore=10, spaceAfter=4
)
CAPTION = ParagraphStyle("caption", parent=BODY, fontSize=9.5, textColor=GREY, spaceAfter=4)


def make(path: Path) -> None:
    story: list[Flowable] = [Paragraph(TITLE, TOP), Spacer(1, 4), Paragraph(SUBTITLE, UNDER)]
    for number, page in enumerate(PAGES):
        if number:
            story.append(PageBreak())
        story += [_flowable(kind, content) for kind, content in page]
    with written_on(WRITTEN):
        document = _Handbook(
            str(path),
            pagesize=A4,
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=30 * mm,
            bottomMargin=25 * mm,
            title=TITLE,
            author="Larkspur Instruments, People team",
            subject=SUBTITLE,
            invariant=1,
        )
        document.build(story)


def _flowable(kind: str, content: str | list) -> Flowable:
    match kind, content:
        case "chapter", str():
            return Paragraph(content, CHAPTER)
        case "section", str():
            return Paragraph(content, SECTION)
        case "caption", str():
            return Paragraph(content, CAPTION)
        case "text", str():
            return Paragraph(content, BODY)
        case "list", list():
            items = [Paragraph(item, BODY) for item in content]
            return ListFlowable(items, bulletType="bullet", start="•", leftIndent=14)
        case "table", list():
            return _table(content)
    raise ValueError(f"unknown part of a page: {kind}")


def _table(rows: list[list[str]]) -> Table:
    first = WIDTH * 0.4
    widths = [first] + [(WIDTH - first) / (len(rows[0]) - 1)] * (len(rows[0]) - 1)
    style = [
        ("FONT", (0, 0), (-1, -1), "Helvetica", 10),
        ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 10),
        ("BACKGROUND", (0, 0), (-1, 0), BLUE),
        ("TEXTCOLOR", (0, 0), (-1, 0), white),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, PALE]),
        *(("ALIGN", (n, 0), (n, -1), "RIGHT") for n in _columns_of_numbers(rows)),
        ("LINEBELOW", (0, -1), (-1, -1), 0.8, BLUE),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]
    return Table(rows, colWidths=widths, style=TableStyle(style), spaceBefore=2, spaceAfter=12)


def _columns_of_numbers(rows: list[list[str]]) -> list[int]:
    return [n for n, cell in enumerate(rows[1]) if n and any(map(str.isdigit, cell))]


class _Handbook(SimpleDocTemplate):
    """Puts each chapter into the PDF's outline, and writes head, body and foot in reading order."""

    def beforePage(self) -> None:
        if self.page > 1:
            self._line_of_text(A4[1] - 18 * mm, "Larkspur Instruments", TITLE)
            self.canv.setStrokeColor(GREY)
            self.canv.setLineWidth(0.4)
            edge = MARGIN + PADDING
            self.canv.line(edge, A4[1] - 20 * mm, A4[0] - edge, A4[1] - 20 * mm)

    def afterPage(self) -> None:
        page = f"Page {self.page} of {len(PAGES)}"
        self._line_of_text(15 * mm, "Internal. Version of 8 January 2024", page)

    def afterFlowable(self, flowable: Flowable) -> None:
        if isinstance(flowable, Paragraph) and flowable.style is CHAPTER:
            name = flowable.getPlainText()
            self.canv.bookmarkPage(name)
            self.canv.addOutlineEntry(name, name, level=0)

    def _line_of_text(self, y: float, left: str, right: str) -> None:
        self.canv.setFont("Helvetica", 9)
        self.canv.setFillColor(GREY)
        self.canv.drawString(MARGIN + PADDING, y, left)
        self.canv.drawRightString(A4[0] - MARGIN - PADDING, y, right)
