"""PDF pages: canonical text, word boxes that lie on the ink, blocks, and honest failures."""

import io
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import FloatObject, NameObject, RectangleObject
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from ingestion.parsers import ParseOptions, parser_fingerprint
from ingestion.parsers.pdf import PdfFile, open_file
from ingestion.parsers.pdf_info import iso_date
from ingestion.parsers.pdf_text import _FFI, _restore_f
from ingestion.sandbox import Limits, Sandbox
from store.boxes import highlight, unpack
from store.errors import Unreadable
from store.models import ParsedPage
from tests import files

OPTIONS = ParseOptions()
PAGE = (400, 300)


def page_of(path: Path, number: int = 1) -> ParsedPage:
    file = open_file(path, OPTIONS)
    try:
        return file.page(number)
    finally:
        file.close()


def drawn(path: Path) -> Canvas:
    pdfmetrics.registerFont(TTFont("Vera", str(files.FONT)))
    return Canvas(str(path), pagesize=PAGE, invariant=1)


def lantern(path: Path) -> Path:
    """Black words, and one phrase in red."""
    canvas = drawn(path)
    canvas.setFont("Vera", 12)
    canvas.drawString(60, 220, "The keeper lights")
    canvas.setFillColorRGB(1, 0, 0)
    canvas.drawString(190, 220, "the old lantern")
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawString(60, 200, "before the ships come in.")
    canvas.save()
    return path


def turned(degrees: int) -> object:
    def change(writer: PdfWriter) -> None:
        writer.pages[0].rotate(degrees)

    return change


def cropped(writer: PdfWriter) -> None:
    writer.pages[0].cropbox = RectangleObject((40, 150, 360, 260))


def moved_and_turned(writer: PdfWriter) -> None:
    cropped(writer)
    writer.pages[0].rotate(90)


def large_units(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/UserUnit")] = FloatObject(2)


@pytest.mark.parametrize(
    "change",
    [turned(0), turned(90), turned(180), turned(270), cropped, moved_and_turned, large_units],
    ids=["upright", "90", "180", "270", "cropbox", "cropbox and 90", "user unit"],
)
def test_a_highlight_lies_where_the_page_was_painted(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    writer = PdfWriter(PdfReader(lantern(tmp_path / "plain.pdf")))
    change(writer)
    writer.write(tmp_path / "changed.pdf")
    file = open_file(tmp_path / "changed.pdf", OPTIONS)
    page = file.page(1)
    pixels = np.asarray(Image.open(io.BytesIO(file.picture(1, 1200))).convert("RGB")).astype(int)
    file.close()
    height, width = pixels.shape[:2]
    assert page.width is not None
    assert page.height is not None
    assert width / height == pytest.approx(page.width / page.height, rel=0.01)

    start = page.text.index("the old lantern")
    boxes = highlight(page.boxes, start, start + len("the old lantern"))
    shown = (min(b[0] for b in boxes) * width, min(b[1] for b in boxes) * height,
             max(b[2] for b in boxes) * width, max(b[3] for b in boxes) * height)  # fmt: skip
    ys, xs = np.nonzero((pixels[..., 0] > 150) & (pixels[..., 1] < 100))
    red = (xs.min(), ys.min(), xs.max(), ys.max())
    slack = 0.01 * width
    assert shown[0] - slack <= red[0]
    assert shown[1] - slack <= red[1]
    assert shown[2] + slack >= red[2]
    assert shown[3] + slack >= red[3]
    covered = (shown[2] - shown[0]) * (shown[3] - shown[1])
    assert covered < 2.5 * (red[2] - red[0]) * (red[3] - red[1])


def test_every_box_is_a_word_and_every_word_has_its_box(tmp_path: Path) -> None:
    text = "Stormwarning for the northern coast: gusts of 31 m/s.\nNaïve façade — “quoted”."
    page = page_of(files.text_pdf(tmp_path / "a.pdf", [text]))
    words = [page.text[s:e] for s, e, _ in unpack(page.boxes or b"")]
    assert words == page.text.split()
    assert page.how == "text"
    assert page.quality == 1.0


def test_text_is_canonical_where_the_file_is_not(tmp_path: Path) -> None:
    canvas = drawn(tmp_path / "a.pdf")
    canvas.setFont("Vera", 12)
    canvas.drawString(60, 220, "cafX and\u00a0more")
    canvas.drawString(60, 200, "second line")
    canvas.save()
    _remap(tmp_path / "a.pdf", rb"<0058>(?=[\s\]]|$)", b"<00650301>")
    page = page_of(tmp_path / "a.pdf")
    assert page.text == unicodedata.normalize("NFC", page.text)
    assert page.text.startswith("café and more\nsecond line")
    for start, end, _ in unpack(page.boxes or b""):
        assert page.text[start:end].split() == [page.text[start:end]]


def test_chinese_is_boxed_character_by_character(tmp_path: Path) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    canvas = drawn(tmp_path / "a.pdf")
    canvas.setFont("STSong-Light", 14)
    canvas.drawString(60, 220, "北京的冬天很冷")
    canvas.save()
    page = page_of(tmp_path / "a.pdf")
    assert page.text == "北京的冬天很冷"
    boxes = [b for _, _, b in unpack(page.boxes or b"")]
    assert len(boxes) == 7
    assert all(a[2] <= b[2] for a, b in pairwise(boxes))


def test_a_hyphen_at_a_line_end_stays_as_printed(tmp_path: Path) -> None:
    canvas = drawn(tmp_path / "a.pdf")
    canvas.setFont("Vera", 12)
    canvas.drawString(60, 220, "They praised the light-")
    canvas.drawString(60, 206, "house for its strength.")
    canvas.save()
    assert page_of(tmp_path / "a.pdf").text == "They praised the light-\nhouse for its strength."


def test_a_table_keeps_its_rows_as_lines_and_its_cells(tmp_path: Path) -> None:
    rows = [["Station", "Wind m/s", "Rain mm"], ["Harbour Mole", "14.2", "3.5"],
            ["Fjellheim Hut", "18.7", "11.8"], ["Skarvoy", "9.9", "0.0"]]  # fmt: skip
    page = page_of(files.table_pdf(tmp_path / "t.pdf", rows))
    assert "Fjellheim Hut  18.7  11.8" in page.text.splitlines()
    table = next(b for b in page.blocks if b.kind == "table")
    grid = {(c.row, c.column): page.text[c.start : c.end] for c in table.cells}
    assert [[grid[r, c] for c in range(3)] for r in range(4)] == rows
    assert {c.row for c in table.cells if c.header} == {0}


def test_cells_painted_column_by_column_come_together_in_rows(tmp_path: Path) -> None:
    canvas = drawn(tmp_path / "a.pdf")
    canvas.setFont("Vera", 10)
    for x, column in ((60, ["Mole", "Hut", "Pier"]), (200, ["14", "18", "9"])):
        for i, cell in enumerate(column):
            canvas.drawString(x, 220 - 14 * i, cell)
    canvas.save()
    assert page_of(tmp_path / "a.pdf").text == "Mole  14\nHut  18\nPier  9"


def test_headings_paragraphs_lists_and_page_numbers_are_told_apart(tmp_path: Path) -> None:
    canvas = drawn(tmp_path / "a.pdf")
    canvas.setFont("Vera", 20)
    canvas.drawString(40, 260, "Keeping the light")
    canvas.setFont("Vera", 10)
    for i, line in enumerate(("The lamp is lit at dusk by the", "keeper, who stays until dawn.")):
        canvas.drawString(40, 225 - 12 * i, line)
    for i, line in enumerate(("• trim the wick", "• wind the clock")):
        canvas.drawString(50, 180 - 12 * i, line)
    canvas.drawString(190, 12, "Page 3 of 9")
    canvas.save()
    file = open_file(tmp_path / "a.pdf", OPTIONS)
    page = file.page(1)
    said = [(b.kind, page.text[b.start : b.end]) for b in page.blocks]
    assert said == [
        ("heading", "Keeping the light"),
        ("paragraph", "The lamp is lit at dusk by the\nkeeper, who stays until dawn."),
        ("list", "• trim the wick\n• wind the clock"),
        ("footer", "Page 3 of 9"),
    ]
    assert file.info.title == "Keeping the light"


def test_a_page_without_anything_is_nothing(tmp_path: Path) -> None:
    canvas = drawn(tmp_path / "a.pdf")
    canvas.showPage()
    canvas.save()
    page = page_of(tmp_path / "a.pdf")
    assert (page.how, page.text, page.quality, page.boxes) == ("nothing", "", None, b"")


def test_a_scanned_page_is_read_by_ocr_with_its_boxes(tmp_path: Path) -> None:
    path = files.mixed_pdf(tmp_path / "m.pdf")
    file = open_file(path, OPTIONS)
    text, scan = file.page(1), file.page(2)
    assert text.how == "text"
    assert scan.how == "ocr"
    assert scan.quality is not None
    assert scan.quality > 0.8
    words = [scan.text[s:e] for s, e, _ in unpack(scan.boxes or b"")]
    assert " ".join(words).split() == scan.text.split()


def test_letters_without_meaning_are_read_by_ocr_instead(tmp_path: Path) -> None:
    canvas = drawn(tmp_path / "a.pdf")
    canvas.setFont("Vera", 12)
    for i in range(8):
        canvas.drawString(40, 250 - 16 * i, "The harbour master keeps the log")
    canvas.save()
    _remap(tmp_path / "a.pdf", rb"<00([0-9A-Fa-f]{2})>(?=[\s\]]|$)", rb"<E0\1>")
    page = page_of(tmp_path / "a.pdf")
    assert page.how == "ocr"
    assert "garbled_text_layer" in page.flags
    assert "harbour master" in page.text


def _remap(path: Path, codes: bytes, meaning: bytes) -> None:
    """Change what the letters of a file's fonts are said to mean."""
    writer = PdfWriter(PdfReader(path))
    for font in writer.pages[0]["/Resources"]["/Font"].values():  # type: ignore[index]
        table = font.get_object().get("/ToUnicode")
        if table is not None:
            lines = table.get_object().get_data().splitlines()
            table.get_object().set_data(b"\n".join(re.sub(codes, meaning, x) for x in lines))
    writer.write(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (files.encrypted_pdf, "This PDF needs a password; upload an unlocked copy."),
        (files.truncated_pdf, "This PDF is damaged"),
        (files.zero_page_pdf, "This PDF has no pages|This PDF is damaged"),
    ],
)
def test_a_pdf_that_cannot_be_opened_says_why(tmp_path: Path, make, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unreadable, match=sentence):
        open_file(make(tmp_path / "x.pdf"), OPTIONS)


def test_a_pdf_encrypted_with_an_empty_password_is_read(tmp_path: Path) -> None:
    path = files.encrypted_pdf(tmp_path / "x.pdf", password="", text="An open page.")
    assert page_of(path).text == "An open page."


def test_metadata_is_used_where_it_means_something(tmp_path: Path) -> None:
    good = open_file(files.text_pdf(tmp_path / "a.pdf", ["Words"], title="Tide tables"), OPTIONS)
    bad = open_file(
        files.text_pdf(tmp_path / "b.pdf", ["Words"], title="Microsoft Word - x.doc"), OPTIONS
    )
    assert good.info.title == "Tide tables"
    assert bad.info.title is None


@pytest.mark.parametrize(
    ("said", "iso"),
    [
        ("D:20240131120000+01'00'", "2024-01-31T12:00:00+01:00"),
        ("D:20240131120000Z", "2024-01-31T12:00:00Z"),
        ("D:20240131", "2024-01-31"),
        ("20240231", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_become_iso(said: str, iso: str | None) -> None:
    assert iso_date(said) == iso


def test_pages_past_the_limit_are_counted_and_said(tmp_path: Path) -> None:
    path = files.text_pdf(tmp_path / "a.pdf", ["one", "two", "three"])
    info = PdfFile(path, ParseOptions(max_pages=2)).info
    assert (info.pages, info.unread) == (2, 1)
    assert info.warnings == ("Only the first 2 of 3 pages were read.",)


def test_a_picture_is_as_wide_as_asked_within_the_pixel_limit(tmp_path: Path) -> None:
    path = lantern(tmp_path / "a.pdf")
    large = PdfFile(path, OPTIONS).picture(1, 800)
    small = PdfFile(path, ParseOptions(max_pixels=30_000)).picture(1, 800)
    assert Image.open(io.BytesIO(large)).size == (800, 600)
    assert Image.open(io.BytesIO(small)).size == (200, 150)


def test_the_fingerprint_follows_what_decides_the_text() -> None:
    same = parser_fingerprint("pdf", ParseOptions(page_timeout_s=1))
    assert parser_fingerprint("pdf", OPTIONS) == same
    assert parser_fingerprint("pdf", ParseOptions(ocr_languages="deu")) != same
    assert parser_fingerprint("image", OPTIONS) != same


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(Limits(page_timeout_s=20), 1, tmp_path / "scratch")
    yield sandbox
    sandbox.close()


def test_pages_and_pictures_come_through_the_sandbox_unchanged(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = files.mixed_pdf(tmp_path / "m.pdf")
    with sandbox.open(path, "pdf", OPTIONS, space_id="a") as file:
        outside = list(file.pages([1, 2]))
        picture = file.picture(1, 300)
    direct = PdfFile(path, OPTIONS)
    assert outside == [direct.page(1), direct.page(2)]
    assert picture == direct.picture(1, 300)


def test_bombs_end_within_limits(sandbox: Sandbox, tmp_path: Path) -> None:
    huge = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200000 200000]>>"
    loop = b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"
    kids = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    outcomes = []
    for name, objects in (("huge", [kids, huge]), ("loop", [loop])):
        path = _raw_pdf(tmp_path / f"{name}.pdf", [b"<</Type/Catalog/Pages 2 0 R>>", *objects])
        with sandbox.open(path, "pdf", OPTIONS, space_id="a") as file:
            outcomes += [p.how for p in file.pages(range(1, file.info.pages + 1))]
    assert outcomes == ["nothing", "failed", "failed"]


def _raw_pdf(path: Path, objects: list[bytes]) -> Path:
    out, offsets = b"%PDF-1.4\n", []
    for i, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i, body)
    table = b"".join(b"%010d 00000 n \n" % o for o in offsets)
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n" % (
        len(objects) + 1, table, len(objects) + 1, len(out),
    )  # fmt: skip
    path.write_bytes(out + b"%%EOF")
    return path


def test_of_two_tightly_set_f_none_is_lost(tmp_path: Path) -> None:
    """pdfium takes the second f for the first one's shadow and puts a space in its place."""
    canvas = drawn(tmp_path / "a.pdf")
    canvas.setFont("Times-Italic", 10)
    canvas.drawString(60, 220, "Results could dif")
    x = 60 + canvas.stringWidth("Results could dif", "Times-Italic", 10)
    canvas.drawString(x - 2.2, 220, "f")
    canvas.drawString(x + 2.0, 220, "er of course")
    canvas.save()
    assert page_of(tmp_path / "a.pdf").text == "Results could differ of course"


def test_a_right_to_left_ligature_keeps_the_order_of_its_letters(tmp_path: Path) -> None:
    """Painted from the left as m, lam-alef, s; pdfium turns the two letters of one glyph, too."""
    meaning = b"1 beginbfrange\n<61> <61> <0645>\nendbfrange\n2 beginbfchar\n<62> <06440627>"
    meaning += b"\n<63> <0633>\nendbfchar"
    mapping = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def\n"
    mapping += (
        b"1 begincodespacerange\n<00> <FF>\nendcodespacerange\n" + meaning + b"\nendcmap end end"
    )
    painted = b"BT /F1 12 Tf 60 120 Td (abc) Tj ET"
    path = _raw_pdf(
        tmp_path / "a.pdf",
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(painted), painted),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(mapping), mapping),
        ],
    )
    assert page_of(path).text == "\u0633\u0644\u0627\u0645"


def test_the_ligature_of_a_font_that_does_not_name_it_is_restored_in_common_words():
    codes = np.array([ord(c) for c in "e\0cient di\0culties re\0use"], np.uint32)
    assert _restore_f(codes, None)
    text = "".join(chr(c) for c in codes).replace(chr(_FFI), "ffi")
    assert text == "efficient difficulties re\0use"
