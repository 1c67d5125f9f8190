"""Empty, broken and hostile Office files, each with its sentence."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from store.errors import Unreadable
from store.models import Kind
from tests import files
from tests.reading import pages

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
