"""What a file is: a table of real files, and of what each bad one is told."""

import gzip
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion.parsers.kinds import sniff
from store.errors import Unreadable
from tests import files


@pytest.mark.parametrize(
    ("make", "name", "kind"),
    [
        (lambda p: files.text_pdf(p, ["Words"]), "a.pdf", "pdf"),
        (lambda p: files.text_pdf(p, ["Words"]), "a.docx", "pdf"),
        (files.wrong_name, "a.pdf", "image"),
        (lambda p: files.picture(p, "x", "jpeg"), "a.jpg", "image"),
        (lambda p: files.picture(p, "x", "webp"), "a.webp", "image"),
        (lambda p: files.picture(p, ["x", "y"], "tiff"), "a", "image"),
        (files.docx, "a.docx", "docx"),
        (files.docx, "a.zip", "docx"),
        (files.pptx, "a.pptx", "pptx"),
        (files.xlsx, "a.xlsx", "xlsx"),
        (files.csv, "a.csv", "csv"),
        (files.csv, "a", "csv"),
        (lambda p: files.csv(p, separator=";"), "a.dat", "csv"),
        (lambda p: files.csv(p, separator="\t"), "a.tsv", "csv"),
        (files.html, "a.html", "html"),
        (files.html, "a", "html"),
        (files.markdown, "a.md", "markdown"),
        (files.txt, "a.txt", "text"),
        (files.txt, "README", "text"),
        (lambda p: files.txt(p, encoding="utf-16"), "a.txt", "text"),
        (lambda p: files.txt(p, "Größe", "latin-1"), "a.txt", "text"),
        (files.eml, "a.eml", "email"),
        (files.eml, "a.txt", "email"),
        (files.eml, "a", "email"),
        (files.txt, "a.eml", "text"),
        (lambda p: files.txt(p, "Note: to do\nDate: tomorrow\n\nBuy rope, oil"), "a", "text"),
        (lambda p: files.txt(p, "One, two, three.\nFour, five.\nSix, seven, eight, nine."), "a",
         "text"),
        (lambda p: files.txt(p, "A PDF opens with %PDF-1.7 and ends in %%EOF.\n"), "a.txt", "text"),
        (lambda p: files.markdown(p, "# PDF\n\n    %PDF-1.4\n    1 0 obj\n"), "a.md", "markdown"),
        (lambda p: p.write_bytes(b"junk\n" + files.text_pdf(p, ["Words"]).read_bytes()), "a.pdf",
         "pdf"),
        (lambda p: files.txt(p, '{"a": 1, "b": 2, "c": 3}\n' * 5), "a.jsonl", "text"),
    ],
)  # fmt: skip
def test_content_decides_and_the_name_is_a_hint(
    tmp_path: Path, make: Callable[[Path], Path], name: str, kind: str
) -> None:
    path = tmp_path / "stored"
    make(path)
    assert sniff(path, name) == kind


def _long_table(path: Path) -> None:
    """A zip whose table of contents alone has 100,000 entries."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    table = entry * 100_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(table), 4, 0)
    path.write_bytes(b"PK\x03\x04" + table + end)


def _latin_name(path: Path) -> None:
    _zip("ä.xml")(path)
    path.write_bytes(path.read_bytes().replace("ä".encode(), b"\xe4\xe4"))


def _packed_by_lzma(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")


def _bytes(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def _zip(*names: str, data: bytes = b"x") -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, data)

    return make


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (files.empty_file, "This file is empty"),
        (_bytes(b" \n\n \t\n"), "nothing but blanks"),
        (_bytes(b"\x01\x02\x03\x00binary"), "of a kind that Footnote does not read"),
        (_bytes(bytes(range(1, 32)) * 40), "of a kind that Footnote does not read"),
        (_bytes(_OLE + "WordDocument".encode("utf-16-le")), r"old Word file \(.doc\)"),
        (_bytes(_OLE + "Workbook".encode("utf-16-le")), r"old Excel file \(.xls\)"),
        (_bytes(_OLE + "PowerPoint Document".encode("utf-16-le")), "old PowerPoint file"),
        (_bytes(_OLE + "EncryptedPackage".encode("utf-16-le")), "needs a password"),
        (_bytes(_OLE), "old Office format"),
        (_bytes(gzip.compress(b"words")), "archive"),
        (_zip("a.txt", "b.pdf"), "archive"),
        (_zip("mimetype", data=b"application/vnd.oasis.opendocument.formula"), "OpenDocument"),
        (_bytes(b"1 0 obj\n<< /Type /Catalog >>\nendobj\n"), "This is no PDF"),
        (_zip("mimetype", data=b"application/epub+zip"), "EPUB"),
        (_zip("[Content_Types].xml", data=b"<Types/>"), "Office file is of a kind"),
        (_bytes(b"PK\x03\x04 cut off"), "damaged or incomplete"),
        (_long_table, "damaged or incomplete"),
        (_latin_name, "damaged or incomplete"),
        (_packed_by_lzma, "damaged or incomplete"),
        (_bytes(b"\x7fELF" + b"\0" * 64), "program"),
        (_bytes(b"{\\rtf1 words}"), "RTF"),
    ],
)
def test_what_is_not_read_is_refused_with_advice(
    tmp_path: Path, make: Callable[[Path], object], sentence: str
) -> None:
    path = tmp_path / "stored"
    make(path)
    with pytest.raises(Unreadable, match=sentence):
        sniff(path, "thing.pdf" if "no PDF" in sentence else "thing.bin")


def test_a_zip_bomb_is_looked_at_only_as_far_as_needed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b" " * 100_000_000)
    with pytest.raises(Unreadable, match="Office file is of a kind"):
        sniff(tmp_path / "bomb", "bomb.docx")
