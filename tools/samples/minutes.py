"""Board minutes May 2024.docx: headings, decisions and a table of actions."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from docx import Document
from docx.document import Document as Docx
from docx.shared import Cm, Pt
from docx.table import Table

WRITTEN = datetime(2024, 5, 16, 8, 30, tzinfo=UTC)
TITLE = "Minutes of the board meeting"
FACTS = [
    ("Company", "Larkspur Instruments"),
    ("Date", "14 May 2024, 13:00 to 15:40"),
    ("Place", "Boathouse room, Bergen"),
    ("Present", "Marit Aune (chair), Solveig Aune, Tomas Reinholt, Ines Tavares, Priya Nair"),
    ("Apologies", "Henrik Dahl"),
    ("Minutes", "Priya Nair"),
]
ITEMS = [
    (
        "1. Minutes of the last meeting",
        ["The minutes of 13 February 2024 were approved without changes."],
        None,
    ),
    (
        "2. Finance",
        [
            "Tomas Reinholt reported revenue of EUR 4.2 million for the first quarter, nine "
            "percent more than a year before. Harbour stations contributed most of the growth. "
            "Cash at the end of April stood at EUR 1.6 million.",
            "The price of copper cable has risen by a fifth since autumn. The list prices of "
            "sensors stay as they are until the end of the year.",
        ],
        "Decision: The credit line at Fjordbanken is renewed for two years at EUR 800,000.",
    ),
    (
        "3. Rain gauge R2",
        [
            "Solveig Aune presented the results of the cold chamber. In three of ten units the "
            "tipping bucket froze at minus 15 degrees, because meltwater gathers at the hinge. A "
            "new hinge with a heater of 4 watts passed the first trials.",
            "The partners in the Alps had been promised delivery before the summer and will be "
            "called in person.",
        ],
        "Decision: The launch of the R2 is postponed from 10 June to 2 September 2024.",
    ),
    (
        "4. Suppliers",
        [
            "All circuit boards come from one factory in Gdansk. After the flood in March it was "
            "closed for eleven days and two orders were late.",
        ],
        "Decision: A second supplier of circuit boards is to be under contract by October. Ines "
        "Tavares leads the search.",
    ),
    (
        "5. Premises",
        [
            "The landlord offers to extend the lease of the assembly hall in Laksevåg to 2031 at "
            "the present rent. The roof is to be insulated at the landlord's cost.",
        ],
        "Decision: The offer is accepted by four votes with one abstention.",
    ),
    (
        "6. Any other business",
        [
            "The next meeting takes place on 20 August 2024. Priya Nair will circulate a first "
            "draft of the budget two weeks before.",
        ],
        None,
    ),
]
ACTIONS = [
    ("Action", "Owner", "Due"),
    ("Sign the renewed credit line", "Tomas Reinholt", "31 May 2024"),
    ("Call the partners about the R2", "Marit Aune", "24 May 2024"),
    ("Repeat the frost test with the new hinge", "Solveig Aune", "28 June 2024"),
    ("Shortlist three makers of circuit boards", "Ines Tavares", "15 July 2024"),
    ("First draft of the budget for 2025", "Priya Nair", "6 August 2024"),
]


def make(path: Path) -> None:
    document = Document()
    _set_page(document)
    document.add_heading(TITLE, level=0)
    facts = document.add_table(rows=0, cols=2)
    for label, value in FACTS:
        cells = facts.add_row().cells
        cells[0].paragraphs[0].add_run(label).bold = True
        cells[1].text = value
    _set_widths(facts, 3, 13)
    for heading, paragraphs, decision in ITEMS:
        document.add_heading(heading, level=1)
        for text in paragraphs:
            document.add_paragraph(text)
        if decision:
            document.add_paragraph().add_run(decision).bold = True
    document.add_heading("Actions", level=1)
    actions = document.add_table(rows=0, cols=3, style="Light Grid Accent 1")
    for row in ACTIONS:
        for cell, text in zip(actions.add_row().cells, row, strict=True):
            cell.text = text
    _set_widths(actions, 8, 4, 4)
    _save(document, path)


def _set_page(document: Docx) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(11)
    properties = document.core_properties
    properties.title, properties.author = f"{TITLE}, 14 May 2024", "Priya Nair"
    properties.subject, properties.comments, properties.keywords = "Larkspur Instruments", "", ""
    properties.created = properties.modified = WRITTEN
    properties.last_modified_by, properties.revision = "Priya Nair", 3


def _set_widths(table: Table, *widths_cm: float) -> None:
    """Word obeys the cells, LibreOffice the grid: both are set."""
    table.autofit = False
    for column, width in zip(table.columns, widths_cm, strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)


def _save(document: Docx, path: Path) -> None:
    """python-docx stamps each part with the time of day; here every part has the minutes' date."""
    package = document.part.package
    for key, relation in list(package.rels.items()):
        if relation.reltype.endswith("/thumbnail"):  # a picture of python-docx's empty template
            del package.rels[key]
    buffer = io.BytesIO()
    document.save(buffer)
    with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(path, "w") as dated:
        for name in made.namelist():
            entry = zipfile.ZipInfo(name, WRITTEN.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            dated.writestr(entry, made.read(name))
