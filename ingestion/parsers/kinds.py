"""What a file is: its content decides; among text formats the name is a hint."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
import zlib
from pathlib import Path

from store.errors import Unreadable
from store.models import Kind

_HEAD = 64 * 1024
_TAIL = 2048
_MAX_CONTENT_TYPES = 2_000_000
_MAX_ZIP_TABLE = 4_000_000
_NAMED: dict[str, Kind] = {
    ".csv": "csv", ".tsv": "csv", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text", ".log": "text",
    ".eml": "email",
}  # fmt: skip

_OFFICE: tuple[tuple[bytes, Kind], ...] = (
    (b"wordprocessingml.document.main+xml", "docx"),
    (b"wordprocessingml.template.main+xml", "docx"),
    (b"word.document.macroenabled.main+xml", "docx"),
    (b"presentationml.presentation.main+xml", "pptx"),
    (b"presentationml.slideshow.main+xml", "pptx"),
    (b"presentationml.template.main+xml", "pptx"),
    (b"powerpoint.presentation.macroenabled.main+xml", "pptx"),
    (b"spreadsheetml.sheet.main+xml", "xlsx"),
    (b"spreadsheetml.template.main+xml", "xlsx"),
    (b"excel.sheet.macroenabled.main+xml", "xlsx"),
)
_PACKED = "This is an archive; unpack it and upload the files in it."
_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"{\\rtf", "RTF is not supported; save it as DOCX or PDF."),
    (0, b"%!PS", "PostScript is not supported; save it as PDF."),
    (4, b"ftypheic", "HEIC pictures are not supported; save it as JPEG."),
    (4, b"ftypheix", "HEIC pictures are not supported; save it as JPEG."),
    (4, b"ftypavif", "AVIF pictures are not supported; save it as PNG."),
)
_NO_DOCUMENTS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", _PACKED),
    (0, b"7z\xbc\xaf'\x1c", _PACKED),
    (0, b"Rar!\x1a\x07", _PACKED),
    (0, b"BZh", _PACKED),
    (0, b"\xfd7zXZ\0", _PACKED),
    (0, b"\x28\xb5\x2f\xfd", _PACKED),
    (257, b"ustar", _PACKED),
    (0, b"\x7fELF", "This is a program, not a document."),
    (0, b"MZ\x90", "This is a program, not a document."),
    (0, b"SQLite format 3\0", "This is a database, not a document; export it as CSV."),
    (
        0,
        b"\x78\x9f\x3e\x22",
        "This is Outlook's own packing (winmail.dat), which is not supported.",
    ),
    (0, b"ID3", "This is a sound recording, not a document."),
    (4, b"ftyp", "This is a film or recording, not a document."),
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MESSAGE = "__properties_version1.0"
_OLE_PARTS: tuple[tuple[str, str], ...] = (
    ("EncryptedPackage", "This file needs a password; upload an unlocked copy."),
    ("WordDocument", "This is an old Word file (.doc); save it as DOCX and upload that."),
    ("PowerPoint Document", "This is an old PowerPoint file (.ppt); save it as PPTX."),
    ("Workbook", "This is an old Excel file (.xls); save it as XLSX and upload that."),
)
_NO_PDF = "This is no PDF, or a damaged one; upload it again."
_PDF_OBJECT = re.compile(rb"\d\s+\d+\s+obj\b")
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x80-\xff]")
_ODF = re.compile(rb"opendocument\.(text|spreadsheet|presentation|graphics)")
_HTML = re.compile(
    r"<(!doctype\s+html|html[\s>]|head[\s>]|body[\s>]|title>|meta\s|table[\s>]|div[\s>]|p>)",
    re.IGNORECASE,
)
_MAIL_FIELDS = re.compile(
    r"^(from|to|subject|date|message-id|received|return-path|mime-version|delivered-to):",
    re.IGNORECASE | re.MULTILINE,
)


class NotADocument(Unreadable):
    """A file of a kind that carries no text of its own: nothing of a document is lost with it."""


def sniff(path: Path, name: str) -> Kind:
    """The kind of the file at `path`, which a person called `name`.

    Reads at most 64 kB, or 4 MB of a zip's table of contents, or 8 MB of an old Office file: this
    runs in the app, before any parser. Raises Unreadable, saying what to do, for
    empty files and for those that Footnote does not read.
    """
    if not path.is_file():
        raise Unreadable("This is not a file.")
    size = path.stat().st_size
    if size == 0:
        raise NotADocument("This file is empty.")
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
    if _is_pdf(head, tail):
        return "pdf"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_kind(path)
    if head.startswith(OLE):
        return _ole_kind(path)
    if _is_image(head):
        return "image"
    for offset, magic, advice in _FOREIGN:
        if head[offset:].startswith(magic):
            raise Unreadable(advice)
    for offset, magic, advice in _NO_DOCUMENTS:
        if head[offset:].startswith(magic):
            raise NotADocument(advice)
    called_pdf = name.lower().endswith(".pdf")
    if called_pdf and _PDF_OBJECT.search(head):
        raise Unreadable(_NO_PDF)
    try:
        return _text_kind(_as_text(head, size), name)
    except NotADocument:
        if called_pdf:
            raise Unreadable(_NO_PDF) from None
        raise


def _is_pdf(head: bytes, tail: bytes) -> bool:
    """Readers accept a PDF's mark anywhere in the first kB; texts about PDFs name it there too."""
    if head.lstrip(b"\xef\xbb\xbf\0\t\n\f\r ").startswith(b"%PDF-"):
        return True
    if b"%PDF-" not in head[:1024] or not _PDF_OBJECT.search(head):
        return False
    return b"%%EOF" in tail or bool(_BINARY.search(head))


def _is_image(head: bytes) -> bool:
    return (
        head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*"))
        or head.startswith((b"II+\0", b"MM\0+", b"GIF87a", b"GIF89a"))
        or (head.startswith(b"BM") and b"\0" in head[:64])  # a text may begin with these letters
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
    )


def _zip_kind(path: Path) -> Kind:
    try:
        with _Sparing(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names:
                types = _part(archive, "[Content_Types].xml", _MAX_CONTENT_TYPES).lower()
                for mark, kind in _OFFICE:
                    if mark in types:
                        return kind
                raise Unreadable("This Office file is of a kind that Footnote does not read.")
            if "mimetype" in names:
                mimetype = _part(archive, "mimetype", 200)
                if b"opendocument" in mimetype and _ODF.search(mimetype):
                    return "odf"
                if b"opendocument" in mimetype:
                    raise Unreadable(
                        "This kind of OpenDocument file is not supported; save it as PDF."
                    )
                if b"epub" in mimetype:
                    raise Unreadable("E-books (EPUB) are not supported; save it as PDF.")
    # What zipfile raises for wrong offsets, names, checksums and passwords.
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, EOFError) as error:
        raise Unreadable("This file is damaged or incomplete; upload it again.") from error
    raise NotADocument(_PACKED)


def _part(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The beginning of a part; of the ways to pack one, Office writes these two."""
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("packed in a way that Office does not write")
    with archive.open(name) as part:
        return part.read(most)


class _Sparing(io.BufferedReader):
    """Refuses to read a table of contents at once that would become gigabytes of objects."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_ZIP_TABLE:
            raise zipfile.BadZipFile("its table of contents is too long")
        return super().read(size)


def _ole_kind(path: Path) -> Kind:
    """Names in the old container's directory are UTF-16; it may lie anywhere in the file."""
    with path.open("rb") as file:
        data = file.read(8_000_000)
    # First: a message names its attachments' kinds of storage too.
    if _MESSAGE.encode("utf-16-le") in data:
        return "email"
    for part, advice in _OLE_PARTS:
        if part.encode("utf-16-le") in data:
            raise Unreadable(advice)
    raise NotADocument(
        "This is a file of an old Office format; save it in today's format and upload that."
    )


def _as_text(head: bytes, size: int) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    if b"\0" in head:
        raise NotADocument("This file is of a kind that Footnote does not read.")
    controls = sum(
        head.count(bytes([c])) for c in range(1, 32) if c not in (7, 8, 9, 10, 12, 13, 27)
    )
    if controls > 0.02 * len(head):
        raise NotADocument("This file is of a kind that Footnote does not read.")
    text = head.decode("utf-8-sig", errors="replace")
    if not text.strip() and size <= _HEAD:
        raise NotADocument("This file holds nothing but blanks.")
    return text


def _text_kind(text: str, name: str) -> Kind:
    named = _NAMED.get(Path(name.lower()).suffix)
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if named:
        if named in ("text", "email") and _is_mail(lines):
            return "email"
        if named == "email":
            return "text"
        return named
    if _is_mail(lines):
        return "email"
    if _HTML.search(lines[:4096]) and lines.lstrip()[:1] == "<":
        return "html"
    return "csv" if _is_table(lines) else "text"


def _is_mail(text: str) -> bool:
    """A header block of its own with at least two of the fields that every message has."""
    head = text.lstrip("\n").split("\n\n", 1)[0][:16_000]
    if head.startswith("From "):  # mbox's envelope line
        head = head.split("\n", 1)[-1]
    proper = all(re.match(r"[!-9;-~]+:|[ \t]|$", line) for line in head.split("\n")[:40])
    return proper and len({f.lower() for f in _MAIL_FIELDS.findall(head)}) >= 2


def _is_table(text: str) -> bool:
    """At least three lines that all have the same number, two or more, of separated fields."""
    lines = [line for line in text.split("\n")[:51] if line.strip()]
    lines = lines[:-1] if len(text) >= _HEAD // 4 and len(lines) > 3 else lines
    if len(lines) < 3 or lines[0].lstrip()[:1] in ("{", "["):  # JSON, a value a line
        return False
    for separator in ("\t", ";", ","):
        counts = {len(row) for row in csv.reader(lines, delimiter=separator)}
        if len(counts) == 1 and counts.pop() >= (2 if separator != "," else 3):
            return True
    return False
