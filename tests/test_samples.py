"""The sample documents are what their script makes, and the sample questions fit them."""

import csv
import io
import json
from pathlib import Path

import pypdfium2
import pytest
from docx import Document
from PIL import Image, ImageChops, ImageStat

from ingestion.parsers import ParseOptions
from ingestion.parsers.pdf import open_file
from tools.make_samples import FOLDER, MAKERS, make_samples
from tools.samples import invoice, status_board
from tools.samples.handbook_text import PAGES

QUESTIONS = [json.loads(line) for line in (FOLDER / "questions.jsonl").read_text().splitlines()]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    make_samples(folder)
    return folder


def test_two_runs_make_the_same_bytes(made: Path, tmp_path: Path):
    make_samples(tmp_path)
    for name in MAKERS:
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name


@pytest.mark.parametrize("name", MAKERS)
def test_the_committed_samples_are_what_the_script_makes(made: Path, name: str):
    """Bytes, or the same content where another zlib or JPEG encoder packed them differently."""
    committed, fresh = FOLDER / name, made / name
    if committed.read_bytes() != fresh.read_bytes():
        assert _texts(committed) == _texts(fresh)
        for one, other in zip(_pictures(committed), _pictures(fresh), strict=True):
            assert one.size == other.size
            assert ImageStat.Stat(ImageChops.difference(one, other)).mean[0] < 2


def test_the_folder_holds_nothing_else_and_is_small():
    assert {path.name for path in FOLDER.iterdir()} == set(MAKERS)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 600_000


def test_thirteen_questions_of_which_ten_have_an_answer():
    assert len({question["id"] for question in QUESTIONS}) == 13
    assert len(ANSWERABLE) == 10
    assert {question["document"] for question in ANSWERABLE} == set(MAKERS) - {"questions.jsonl"}


def test_every_cell_of_the_handbooks_tables_is_read_with_its_row_and_column():
    opened = open_file(FOLDER / "Larkspur employee handbook.pdf", ParseOptions())
    pages = [opened.page(number) for number in range(1, opened.info.pages + 1)]
    opened.close()
    read = [
        {(c.row, c.column): (page.text[c.start : c.end], c.header) for c in table.cells}
        for page in pages
        for table in page.blocks
        if table.kind == "table"
    ]
    written = [rows for page in PAGES for kind, rows in page if kind == "table"]
    assert len(written) == 3
    assert read == [
        {(r, c): (t, r == 0) for r, row in enumerate(rows) for c, t in enumerate(row)}
        for rows in written
    ]


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_the_page_named_holds_the_answer(question: dict):
    pages = _drawn(question["document"]) or _texts(FOLDER / question["document"])
    assert question["answer"] in pages[question["page"] - 1]


def test_what_cannot_be_answered_is_nowhere_in_the_samples():
    everything = " ".join(
        text for name in MAKERS if name != "questions.jsonl" for text in _words_of(name)
    ).lower()
    assert not [word for word in ("tokyo", "warrant", "guarantee", "pension") if word in everything]


def test_the_invoice_has_no_text_layer():
    assert _texts(FOLDER / "Invoice 2024-0317.pdf") == [""]


def _words_of(name: str) -> list[str]:
    return _drawn(name) or _texts(FOLDER / name)


def _drawn(name: str) -> list[str]:
    """The words drawn on the two pictures; reading them back is for the tests of OCR."""
    if name == "Invoice 2024-0317.pdf":
        cells = [cell for line in (*invoice.FACTS, *invoice.LINES, *invoice.SUMS) for cell in line]
        return ["\n".join([invoice.SENDER, *cells, *invoice.TOTAL, *invoice.NOTES])]
    if name == "Station status board.png":
        cells = [cell for line in (*status_board.CARDS, *status_board.STATIONS) for cell in line]
        alarms = [line for _, lines in status_board.ALARMS for line in lines]
        return ["\n".join([*cells, *alarms])]
    return []


def _texts(path: Path) -> list[str]:
    match path.suffix:
        case ".pdf":
            with pypdfium2.PdfDocument(path) as pdf:
                return [page.get_textpage().get_text_bounded() for page in pdf]
        case ".docx":
            document = Document(str(path))
            lines = [paragraph.text for paragraph in document.paragraphs]
            rows = [row for table in document.tables for row in table.rows]
            return ["\n".join(lines + [cell.text for row in rows for cell in row.cells])]
        case ".csv":
            cells = [cell for row in csv.reader(io.StringIO(path.read_text())) for cell in row]
            return ["\n".join(cells)]
        case ".png":
            return []
    return [path.read_text()]


def _pictures(path: Path) -> list[Image.Image]:
    match path.suffix:
        case ".pdf":
            with pypdfium2.PdfDocument(path) as pdf:
                return [page.render(scale=1).to_pil().convert("L") for page in pdf]
        case ".png":
            return [Image.open(path).convert("L")]
    return []
