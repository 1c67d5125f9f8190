"""Makes small real files of every kind, good and bad, for the tests; each call returns the path."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pptx as python_pptx
from docx import Document
from openpyxl import Workbook
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from reportlab import __file__ as reportlab_file
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

Rows = Sequence[Sequence[object]]

FONT = Path(reportlab_file).parent / "fonts" / "Vera.ttf"
SCAN_PX = (1240, 1754)  # A4 at 150 dpi
TABLE: Rows = [
    ["Station", "Wind m/s", "Rain mm"],
    ["Harbour Mole", "14.2", "3.5"],
    ["Fjellheim Hut", "18.7", "11.8"],
]


def text_pdf(path: Path, pages: Sequence[str], title: str = "") -> Path:
    """A born-digital PDF: one page a text, its lines as given and wrapped at 90 characters."""
    canvas = _canvas(path, title)
    for text in pages:
        _write(canvas, text)
        canvas.showPage()
    canvas.save()
    return path


def table_pdf(path: Path, rows: Rows = TABLE, before: str = "Readings of the day.") -> Path:
    """One page with a sentence and a ruled table of text cells."""
    table = Table([[str(cell) for cell in row] for row in rows])
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, "black")]))
    sentence = Paragraph(before, getSampleStyleSheet()["BodyText"])
    SimpleDocTemplate(str(path), pagesize=A4, invariant=1).build([sentence, table])
    return path


def scanned_pdf(path: Path, pages: Sequence[str]) -> Path:
    """Pictures of text at 150 dpi, no text layer."""
    canvas = _canvas(path)
    for text in pages:
        _scan(canvas, text)
    canvas.save()
    return path


def mixed_pdf(
    path: Path, first: str = "This page has a text layer.", second: str = "This page is a picture."
) -> Path:
    """Page 1 is text, page 2 a picture of text."""
    canvas = _canvas(path)
    _write(canvas, first)
    canvas.showPage()
    _scan(canvas, second)
    canvas.save()
    return path


def pdf_with_broken_pages(path: Path, pages: Sequence[str], broken: Sequence[int]) -> Path:
    """A born-digital PDF in whose page tree some pages, counted from 1, lead nowhere."""
    whole = text_pdf(path, pages).read_bytes()
    kids = whole[whole.index(b"/Kids [") : whole.index(b"]", whole.index(b"/Kids ["))]
    references = kids.split(b" R")
    for page in broken:
        number, _, generation = references[page - 1].rpartition(b" ")
        before, _, digits = number.rpartition(b" ")
        references[page - 1] = before + b" " + b"0" * len(digits) + b" " + generation
    path.write_bytes(whole.replace(kids, b" R".join(references)))
    return path


def encrypted_pdf(path: Path, password: str = "secret", text: str = "A locked page.") -> Path:
    """AES-256; opens only with `password` (with "" it opens by itself, yet is encrypted)."""
    writer = PdfWriter(clone_from=PdfReader(text_pdf(path, [text])))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    writer.write(path)
    return path


def truncated_pdf(path: Path) -> Path:
    """The first third of a PDF, as a broken download leaves it: no pages can be found in it."""
    whole = scanned_pdf(path, ["This page never arrived."]).read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    return path


def zero_page_pdf(path: Path) -> Path:
    """A valid PDF without pages; pypdfium2 refuses it with whatever PDFium's last error was."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj%bendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = (
        b"xref\n0 3\n0000000000 65535 f \n%btrailer<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    )
    path.write_bytes(data + end % (table, len(data)))
    return path


def empty_file(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def wrong_name(path: Path, text: str = "A picture with another name") -> Path:
    """A PNG, whatever `path` is called: name it x.pdf."""
    return picture(path, text, "png")


def picture(path: Path, text: str | Sequence[str], fmt: str = "png") -> Path:
    """Black text on white, 1240 by 400: png, jpeg, webp or tiff (several texts: several frames)."""
    texts = [text] if isinstance(text, str) else list(text)
    frames = [_picture_of(each, (1240, 400)) for each in texts]
    if len(frames) > 1 and fmt != "tiff":
        raise ValueError(f"{fmt} holds one picture; {len(frames)} texts were given")
    options: dict = {"save_all": True, "append_images": frames[1:]} if fmt == "tiff" else {}
    frames[0].save(path, fmt.upper(), **options)
    return path


def huge_png(path: Path, w: int = 20_000, h: int = 20_000) -> Path:
    """A white 1-bit PNG of w by h pixels, 75 KB on disk, written row by row."""
    packer, packed = zlib.compressobj(9), []
    row = b"\0" + b"\xff" * ((w + 7) // 8)
    for _ in range(h):
        packed.append(packer.compress(row))
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", w, h, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", b"".join(packed)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in chunks))
    return path


def docx(
    path: Path,
    sections: Sequence[tuple[str, str]] = (("Findings", "The mast is sound."),),
    table: Rows | None = None,
    title: str = "",
) -> Path:
    """(heading, paragraph) pairs; an empty heading leaves it out."""
    document = Document()
    document.core_properties.title = title
    for heading, text in sections:
        if heading:
            document.add_heading(heading, level=1)
        document.add_paragraph(text)
    if table:
        grid = document.add_table(rows=len(table), cols=len(table[0]))
        for cells, row in zip(grid.rows, table, strict=True):
            for cell, value in zip(cells.cells, row, strict=True):
                cell.text = str(value)
    document.save(str(path))
    return path


def pptx(
    path: Path, slides: Sequence[tuple[str, str]] = (("Plan", "Build the mast in June."),)
) -> Path:
    """(title, text) pairs, one a slide."""
    deck = python_pptx.Presentation()
    for title, text in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    deck.save(str(path))
    return path


def xlsx(path: Path, sheets: dict[str, Rows] | None = None) -> Path:
    """Sheet names and their rows."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in (sheets or {"Readings": TABLE}).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def csv(path: Path, rows: Rows = TABLE, separator: str = ",", encoding: str = "utf-8") -> Path:
    """Plain cells; a cell that holds the separator, a quote or a line end is quoted."""
    lines = [separator.join(_csv_cell(str(cell), separator) for cell in row) for row in rows]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


def html(
    path: Path, body: str = "<h1>Masts</h1><p>The mast is sound.</p>", title: str = ""
) -> Path:
    page = f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title></head>'
    path.write_text(f"{page}<body>{body}</body></html>", encoding="utf-8")
    return path


def markdown(path: Path, text: str = "# Masts\n\nThe mast is **sound**.\n") -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def txt(path: Path, text: str = "The mast is sound.\n", encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def eml(
    path: Path,
    subject: str = "The mast",
    body: str = "The mast is sound.",
    html_body: str | None = None,
    attachment: Path | None = None,
) -> Path:
    """A mail from Ines to Jonas on 3 June 2024, with an HTML part and an attachment if given."""
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "ines@mast.example", "jonas@mast.example"
    mail["Date"] = format_datetime(datetime(2024, 6, 3, 9, 30, tzinfo=UTC))
    mail["Message-ID"] = "<1@mast.example>"
    mail.set_content(body)
    if html_body is not None:
        mail.add_alternative(html_body, subtype="html")
    if attachment is not None:
        mail.add_attachment(
            attachment.read_bytes(), "application", "octet-stream", filename=attachment.name
        )
    path.write_bytes(mail.as_bytes())
    return path


def billion_laughs_docx(path: Path) -> Path:
    """A DOCX whose text is an XML entity that unfolds to a thousand million words."""
    names = "abcdefghij"
    entities = ['<!ENTITY a "laugh ">'] + [
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names)
    ]
    return _with_part(
        docx(path, [("", "LAUGH")]),
        "word/document.xml",
        lambda xml: xml.replace(
            "<w:document", f"<!DOCTYPE d [{''.join(entities)}]>\n<w:document", 1
        ).replace("LAUGH", "&j;"),
    )


def odf(path: Path, kind: str, body: str, styles: str = "", **parts: bytes) -> Path:
    """An OpenDocument `text`, `spreadsheet` or `presentation` with this XML as its body.

    `styles` are its automatic styles; `parts` further entries, `__` in their names for a slash.
    """
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style", "presentation", "drawing")
    )
    spaces += ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    spaces += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
        "</office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        package.writestr("content.xml", content)
        for name, data in parts.items():
            package.writestr(name.replace("__", "/"), data)
    return path


def _with_part(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """Rewrite one part of an Office file."""
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts[part] = change(parts[part].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


def _canvas(path: Path, title: str = "") -> Canvas:
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    if title:
        canvas.setTitle(title)
    return canvas


def _write(canvas: Canvas, text: str) -> None:
    lines = canvas.beginText(56, A4[1] - 72)
    lines.setFont("Helvetica", 11, leading=16)
    for line in _wrapped(text, 90):
        lines.textLine(line)
    canvas.drawText(lines)


def _scan(canvas: Canvas, text: str) -> None:
    packed = io.BytesIO()
    _picture_of(text, SCAN_PX).save(packed, "JPEG", quality=70)
    canvas.drawImage(ImageReader(packed), 0, 0, *A4)
    canvas.showPage()


def _picture_of(text: str, size_px: tuple[int, int]) -> Image.Image:
    image = Image.new("L", size_px, 255)
    style = ImageFont.truetype(FONT, 28, layout_engine=ImageFont.Layout.BASIC)
    lines = "\n".join(_wrapped(text, 58))
    ImageDraw.Draw(image).multiline_text((100, 100), lines, 0, style, spacing=16)
    return image


def _wrapped(text: str, width: int) -> list[str]:
    """Lines as given, the long ones broken between words."""
    lines = []
    for line in text.split("\n"):
        words = line.split(" ")
        current = words[0]
        for word in words[1:]:
            if len(current) + 1 + len(word) > width:
                lines.append(current)
                current = word
            else:
                current += " " + word
        lines.append(current)
    return lines


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _csv_cell(value: str, separator: str) -> str:
    if not any(mark in value for mark in (separator, '"', "\n")):
        return value
    return '"' + value.replace('"', '""') + '"'
