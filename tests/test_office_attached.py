"""Files inside files: mails with attachments, Office files with pictures and documents in them."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import docx as python_docx
import pptx as python_pptx
import pytest
from openpyxl import Workbook
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image

from ingestion.parsers import PARSERS, ParseOptions
from ingestion.parsers import email as email_parser
from ingestion.parsers import text as text_parser
from ingestion.parsers.attached import MAX_FILES, Attachment, with_attachments
from ingestion.parsers.kinds import sniff
from ingestion.pipeline import lost_pages, reading_status
from ingestion.sandbox import Limits, Sandbox
from store.errors import Unreadable
from store.models import Page, ParsedPage
from tests import files
from tests.ole import Tree, outlook_message, write_ole
from tests.reading import cells, opened, pages


def mail(*attached: tuple[str, bytes], html: str | None = None, subject: str = "Papers") -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "a@mast.example", "b@mast.example"
    message.set_content("See below.")
    if html:
        message.add_alternative(html, subtype="html")
    for name, data in attached:
        message.add_attachment(data, "application", "octet-stream", filename=name)
    return message.as_bytes()


def forwarded(inner: bytes, subject: str) -> bytes:
    """A mail that carries another one as message/rfc822."""
    from email import message_from_bytes, policy

    message = EmailMessage()
    message["Subject"], message["From"] = subject, "c@mast.example"
    message["To"] = "d@mast.example"
    message.set_content(f"Passing on {subject}.")
    message.add_attachment(message_from_bytes(inner, policy=policy.default))
    return message.as_bytes()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def picture_bytes(path: Path, text: str) -> bytes:
    return files.picture(path, text).read_bytes()


def logo_bytes(width: int = 120, height: int = 40) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(packed, "PNG")
    return packed.getvalue()


@pytest.fixture
def full_mail(tmp_path: Path) -> Path:
    book = files.xlsx(tmp_path / "b", {"Sales": files.TABLE, "Stock": [["Rope", "Oil"], [3, 4]]})
    report = files.text_pdf(tmp_path / "r", ["First page of it.", "Second page of it."])
    inner = mail(("notes.txt", b"The mast leans."), subject="Leaning")
    message = mail(
        ("budget.xlsx", book.read_bytes()),
        ("../../report.pdf", report.read_bytes()),
        ("locked.pdf", files.encrypted_pdf(tmp_path / "l").read_bytes()),
        ("old.doc", _ole("WordDocument")),
        ("photos.zip", b"PK\x05\x06" + bytes(18)),
        ("meeting.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
        ("leaning.eml", inner),
    )
    return written(tmp_path / "a.eml", message)


def _ole(part: str) -> bytes:
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + part.encode("utf-16-le")


LABELS = [
    None,
    "Attachment budget.xlsx › Sales",
    "Attachment budget.xlsx › Stock",
    "Attachment report.pdf › page 1",
    "Attachment report.pdf › page 2",
    "Attachment locked.pdf",
    "Attachment old.doc",
    "Attachment leaning.eml › page 1",
    "Attachment leaning.eml › notes.txt",
]


def test_attachments_of_a_mail_are_pages_under_their_names(full_mail: Path) -> None:
    found = pages(full_mail, "email")
    assert [page.label for page in found] == LABELS
    assert [page.how for page in found] == [*["text"] * 5, "failed", "failed", "text", "text"]
    assert all(page.flags == ("attachment",) for page in found[1:])
    assert cells(found[2]) == {(0, 0): "Rope", (0, 1): "Oil", (1, 0): "3", (1, 1): "4"}
    assert "Second page of it." in found[4].text
    assert found[8].text == "The mast leans."


def test_what_of_a_mail_was_not_read_is_said(full_mail: Path) -> None:
    file = opened(full_mail, "email")
    stored = [_stored(file.page(n)) for n in range(1, file.info.pages + 1)]
    assert reading_status(stored, file.info.unread) == "partial"
    assert lost_pages(stored, 0) == [
        "Page 6 failed: Attachment locked.pdf was not read. This PDF needs a password; upload an "
        "unlocked copy.",
        "Page 7 failed: Attachment old.doc was not read. This is an old Word file (.doc); save it "
        "as DOCX and upload that.",
    ]
    assert file.info.warnings == (
        "Attachment photos.zip was not read. This is an archive; unpack it and upload the files "
        "in it.",
        "Attachment meeting.ics was not read. It holds no text of its own.",
    )


def _stored(page: ParsedPage) -> Page:
    return Page(id=page.number, parse_id=1, **page.model_dump())


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    limits = Limits(memory_mb=1500, page_timeout_s=60, recycle_pages=3)
    sandbox = Sandbox(limits, 1, tmp_path / "scratch", PARSERS)
    yield sandbox
    sandbox.close()


def test_attachments_are_read_in_any_order_and_by_fresh_children(
    sandbox: Sandbox, full_mail: Path
) -> None:
    numbers = list(range(1, len(LABELS) + 1))
    random.Random(7).shuffle(numbers)
    with sandbox.open(full_mail, "email", ParseOptions(), space_id="a") as file:
        found = list(file.pages(numbers))
        assert [page.number for page in found] == numbers
        assert [page.label for page in found] == [LABELS[n - 1] for n in numbers]
        assert file.picture(4, 200).startswith(b"\x89PNG")
    assert not list((sandbox._scratch).rglob("report.pdf"))


def test_a_file_that_made_the_reader_fail_is_read_without_counting_its_attachments(
    full_mail: Path,
) -> None:
    file = email_parser.open_file(full_mail, ParseOptions(only_pages=True))
    found = [file.page(n) for n in range(1, file.info.pages + 1)]
    assert [page.label for page in found] == [
        None, "Attachment budget.xlsx", "Attachment report.pdf", "Attachment locked.pdf",
        "Attachment old.doc", "Attachment leaning.eml",
    ]  # fmt: skip
    assert "Rope\tOil" in found[1].text
    assert "First page of it." in found[2].text
    assert "Second page of it." in found[2].text
    assert "The mast leans." in found[5].text
    assert [page.how for page in found[3:5]] == ["failed", "failed"]


def test_mails_in_mails_are_followed_so_deep_and_the_rest_is_said(tmp_path: Path) -> None:
    message = mail(("deepest.txt", b"The very bottom."), subject="0")
    for depth in range(1, 8):
        message = forwarded(message, str(depth))
    found = pages(written(tmp_path / "deep.eml", message), "email")
    assert ["Passing on 7." in found[0].text, "Passing on 4." in found[3].text] == [True, True]
    assert found[-1].how == "failed"
    assert "1 attachment was not read: files inside files are followed 4 deep" in str(
        found[-1].error
    )
    assert len(found) == 6


def test_no_more_attachments_than_allowed_are_opened(tmp_path: Path) -> None:
    outer = text_parser.open_file(files.txt(tmp_path / "o.txt"), ParseOptions())
    many = (Attachment(f"{n}.txt", f"Number {n}".encode()) for n in range(MAX_FILES + 5))
    file = with_attachments(outer, many, ParseOptions())
    assert file.info.pages == 1 + MAX_FILES + 1
    last = file.page(file.info.pages)
    assert last.how == "failed"
    assert str(last.error).startswith("5 attachments were not read")
    file.close()


def test_pages_of_attachments_count_towards_the_limit(tmp_path: Path) -> None:
    report = files.text_pdf(tmp_path / "r", ["One.", "Two.", "Three.", "Four."]).read_bytes()
    path = written(tmp_path / "a.eml", mail(("r.pdf", report), ("more.txt", b"More.")))
    file = email_parser.open_file(path, ParseOptions(max_pages=3))
    assert (file.info.pages, file.info.unread) == (3, 3)
    assert file.page(3).text == "Two."


def test_the_same_attachment_twice_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.eml", mail(("a.txt", b"Rope."), ("b.txt", b"Rope.")))
    assert len(pages(path, "email")) == 2


def test_names_of_attachments_are_never_paths(tmp_path: Path) -> None:
    for name in ("../../../tmp/evil.txt", "/etc/passwd", "..\\..\\evil.txt", "a\u202etxt.exe", ""):
        outer = text_parser.open_file(files.txt(tmp_path / "o.txt"), ParseOptions())
        file = with_attachments(outer, [Attachment(name, b"Words of it.")], ParseOptions())
        page = file.page(2)
        assert page.text == "Words of it."
        assert page.label is not None
        assert not set("/\\\u202e") & set(page.label)
        file.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.txt"]


def test_pictures_in_a_mail_are_read_and_logos_are_not(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "x", "a@b.example", "c@d.example"
    message.set_content("Look:")
    message.add_alternative('Look: <img src="cid:shot"><img src="cid:logo">', subtype="html")
    body = message.get_payload()[1]  # type: ignore[index]
    shot = picture_bytes(tmp_path / "p", "Order 4711 is late")
    body.add_related(shot, "image", "png", cid="<shot>", filename="shot.png")
    body.add_related(logo_bytes(), "image", "png", cid="<logo>", filename="logo.png")
    page, picture = pages(written(tmp_path / "a.eml", message.as_bytes()), "email")
    assert picture.label == "Picture shot.png"
    assert (picture.how, picture.text) == ("ocr", "Order 4711 is late")
    assert picture.boxes is not None
    assert "Attachments" not in page.text


def test_the_fuller_form_of_a_body_is_read(tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>Item {n}</td><td>{n}.50</td></tr>" for n in range(30))
    message = mail(html=f"<p>Prices:</p><table>{rows}</table>")
    (page,) = pages(written(tmp_path / "a.eml", message), "email")
    assert "Item 29\t29.50" in page.text
    assert "See below." not in page.text


def test_pictures_and_documents_inside_word_are_read(tmp_path: Path) -> None:
    document = python_docx.Document()
    document.add_paragraph("Minutes of the meeting.")
    scan = picture_bytes(tmp_path / "p", "Scanned into the minutes")
    for data in (logo_bytes(), scan, scan):
        document.add_picture(io.BytesIO(data))
    document.save(str(tmp_path / "a.docx"))
    page, picture = pages(tmp_path / "a.docx", "docx")
    assert page.text == "Minutes of the meeting."
    assert (picture.label, picture.text) == ("Picture 1", "Scanned into the minutes")
    assert picture.flags[-1] == "attachment"


def test_a_workbook_embedded_in_a_deck_and_its_pictures_are_read(tmp_path: Path) -> None:
    deck = python_pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Ropes"
    book = files.xlsx(tmp_path / "b.xlsx", {"Ropes": [["Rope", "Metres"], ["Hemp", 12]]})
    slide.shapes.add_ole_object(
        str(book), "Excel.Sheet.12", 0, 0, icon_file=str(_icon(tmp_path / "i.png"))
    )
    slide.shapes.add_picture(io.BytesIO(picture_bytes(tmp_path / "p", "A slide of words")), 0, 0)
    deck.save(str(tmp_path / "a.pptx"))
    found = {page.label: page.text for page in pages(tmp_path / "a.pptx", "pptx")}
    assert found["Slide 1 › Picture 1"] == "A slide of words"
    workbook = next(text for label, text in found.items() if label and ".bin › Ropes" in label)
    assert workbook == "Rope\tMetres\nHemp\t12"


def _icon(path: Path) -> Path:
    return written(path, logo_bytes(64, 64))


def test_pictures_on_a_sheet_are_read(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "Shots"
    book.active["A1"] = "Seen:"
    book.active.add_image(SheetImage(str(files.picture(tmp_path / "p.png", "Pasted here"))), "B2")
    book.save(tmp_path / "a.xlsx")
    _, picture = pages(tmp_path / "a.xlsx", "xlsx")
    assert (picture.label, picture.text) == ("Shots › Picture 1", "Pasted here")


def test_an_outlook_message_is_read_with_what_it_carries(tmp_path: Path) -> None:
    book = files.xlsx(tmp_path / "b.xlsx", {"Ropes": [["Rope", "Metres"], ["Hemp", 12]]})
    inner = outlook_message("Leaning", "The mast leans.", {"plan.txt": b"Tighten the guys."})
    tree = outlook_message("Überprüfung", "See below.", {"b.xlsx": book.read_bytes()}, inner)
    path = write_ole(tmp_path / "a.msg", tree)
    assert sniff(path, "a.msg") == "email"
    found = pages(path, "email")
    assert found[0].text.startswith(
        "Subject: Überprüfung\n\nFrom: Ines <ines@mast.example>\nTo: Jonas\nDate: Mon, 03 Jun 2024"
    )
    assert {page.label: page.text.split("\n")[-1] for page in found} == {
        None: "Attachments: b.xlsx, Leaning.eml",
        "Attachment b.xlsx › Ropes": "Hemp\t12",
        "Attachment Leaning.eml › page 1": "Attachments: plan.txt",
        "Attachment Leaning.eml › plan.txt": "Tighten the guys.",
    }
    assert "The mast leans." in found[2].text


@pytest.mark.parametrize("size", [600, 1500])
def test_a_damaged_outlook_message_is_refused(tmp_path: Path, size: int) -> None:
    whole = write_ole(tmp_path / "a.msg", outlook_message("x", "y" * 3000)).read_bytes()
    path = written(tmp_path / "b.msg", whole[:size])
    with pytest.raises(Unreadable, match="Outlook message is damaged"):
        pages(path, "email")


def test_files_dropped_into_word_as_objects_are_read(tmp_path: Path) -> None:
    report = files.text_pdf(tmp_path / "r.pdf", ["Dropped into Word."]).read_bytes()
    native = b"\2\0report.pdf\0C:\\report.pdf\0\0\0\3\0\1\0\0\0\0"
    native += len(report).to_bytes(4, "little") + report
    packed = len(native).to_bytes(4, "little") + native
    objects = {
        "word/embeddings/o1.bin": {"\1Ole10Native": packed},
        "word/embeddings/o2.bin": {"Equation Native": b"x"},
    }
    path = files.docx(tmp_path / "a.docx", [("", "MARK")])
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    for number, (name, tree) in enumerate(objects.items()):
        parts[name] = write_ole(tmp_path / "o.bin", tree).read_bytes()
        parts["word/_rels/document.xml.rels"] = parts["word/_rels/document.xml.rels"].replace(
            b"</Relationships>",
            f'<Relationship Id="o{number}" Type="t/oleObject" Target="embeddings/{Path(name).name}"'
            "/></Relationships>".encode(),
        )
        parts["word/document.xml"] = parts["word/document.xml"].replace(
            b"<w:t>MARK</w:t>",
            f'<w:t>MARK</w:t><w:object><o:OLEObject xmlns:o="o" r:id="o{number}"/></w:object>'
            .encode(),
        )  # fmt: skip
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    _, dropped = pages(path, "docx")
    assert (dropped.label, dropped.text) == ("Attachment report.pdf", "Dropped into Word.")
    assert opened(path, "docx").info.warnings == (
        "1 embedded object of an older kind was not read.",
    )


def test_what_is_encrypted_in_a_mail_is_said(tmp_path: Path) -> None:
    sealed = b"-----BEGIN PGP MESSAGE-----\nabc\n-----END PGP MESSAGE-----\n"
    path = written(tmp_path / "a.eml", mail(("x.bin", sealed), ("smime.p7m", b"\x30\x80")))
    file = opened(path, "email")
    assert file.info.pages == 1
    assert file.info.warnings == (
        "Attachment x.bin was not read. It is encrypted.",
        "Attachment smime.p7m was not read. It is encrypted.",
    )


def _rtf_message(packed: bytes) -> Tree:
    tree = outlook_message("Tides", "")
    del tree["__substg1.0_1000001F"]
    return {**tree, "__substg1.0_10090102": packed}


def _plain_rtf(rtf: str) -> bytes:
    data = rtf.encode("cp1252")
    return struct.pack("<IIII", len(data) + 12, len(data), 0x414C454D, 0) + data


PACKED_RTF = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3"
    "2068656c090020627705b06c647d0a800fa0"
)
"""The example of [MS-OXRTFCP] 3.1.1."""


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (PACKED_RTF, "hello world"),
        (
            _plain_rtf(
                r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}}"
                r"{\*\generator x}\pard H\'f6he \u8364?5 \u-10179?\u-8408?\par"
                r"\f1 \'cc\'e0\'f7\'f2\f0  mast\par}"
            ),
            "Höhe €5 🜨\nМачт mast",
        ),
        (
            _plain_rtf(
                r"{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\b\htmlrtf0 "
                r"High tide{\*\htmltag84 <br>}\htmlrtf \line\htmlrtf0 at noon\htmlrtf }\htmlrtf0 "
                r"{\*\htmltag72 </p>}}"
            ),
            "High tide\nat noon",
        ),
    ],
)
def test_a_message_of_formatted_text_only_is_read(tmp_path: Path, packed: bytes, said: str) -> None:
    file = opened(write_ole(tmp_path / "a.msg", _rtf_message(packed)), "email")
    assert file.page(1).text.endswith(said)
    assert file.info.warnings == ()


@pytest.mark.parametrize("packed", [b"short", _plain_rtf("x"), PACKED_RTF[:8] + b"?" * 40])
def test_a_message_whose_text_cannot_be_read_says_so(tmp_path: Path, packed: bytes) -> None:
    file = opened(write_ole(tmp_path / "a.msg", _rtf_message(packed)), "email")
    assert file.info.unread == 1
    assert "could not be read" in file.info.warnings[0]


def test_what_a_message_carries_and_is_not_read_is_told(tmp_path: Path) -> None:
    drawing: Tree = {"CONTENTS": b"a drawing"}
    file = opened(write_ole(tmp_path / "a.msg", outlook_message("x", "y", None, drawing)), "email")
    assert file.info.warnings == ("1 embedded object was not read, of another program.",)

    held: Tree = {"Package": files.text_pdf(tmp_path / "r.pdf", ["In an object."]).read_bytes()}
    found = pages(write_ole(tmp_path / "b.msg", outlook_message("x", "y", None, held)), "email")
    assert found[1].text == "In an object."

    tree = outlook_message("deepest", "y")
    for _ in range(6):
        tree = outlook_message("outer", "y", None, tree)
    file = opened(write_ole(tmp_path / "c.msg", tree), "email")
    assert "1 attached message was not read: messages in messages" in file.info.warnings[0]
    assert file.info.unread >= 1

    many = {f"{n}.txt": b"Word %d" % n for n in range(503)}
    file = opened(write_ole(tmp_path / "d.msg", outlook_message("x", "y", many)), "email")
    assert "3 attachments were not read: a message has at most 500" in file.info.warnings[0]
    assert file.info.unread == 3
