"""The zip of XML parts that DOCX, PPTX and XLSX are, opened without trusting it."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lxml import etree

from store.errors import Unreadable

MAX_UNPACKED = 300_000_000
MAX_RATIO, RATIO_MATTERS_FROM = 200, 50_000_000
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?")

Element = Any
"""An lxml element; its types stop at this folder."""


def check(path: Path) -> None:
    """Raises Unreadable where the file needs a password, is damaged, or unpacks to too much."""
    with path.open("rb") as file:
        start = file.read(8)
        if start == _OLE:
            file.seek(0)
            data = file.read(8_000_000)
            if "EncryptedPackage".encode("utf-16-le") in data:
                raise Unreadable("This file needs a password; upload an unlocked copy.")
            raise Unreadable("This is an old Office format; save it in today's and upload that.")
    try:
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable("This file is damaged: its container cannot be opened.") from error
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    ratio = unpacked / packed
    if unpacked > MAX_UNPACKED or (unpacked > RATIO_MATTERS_FROM and ratio > MAX_RATIO):
        raise Unreadable(
            f"This file unpacks to {unpacked // 1_000_000} MB from {max(1, packed // 1000)} kB; "
            "it is refused as a decompression bomb."
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("This file needs a password; upload an unlocked copy.")


class Package:
    """Parts of one file by name, each parsed without entities, network or document types."""

    def __init__(self, path: Path):
        check(path)
        self._zip = zipfile.ZipFile(path)
        self._names = {name.lower(): name for name in self._zip.namelist()}
        self._refuse_document_types()

    def close(self) -> None:
        self._zip.close()

    def has(self, name: str) -> bool:
        return name.lower() in self._names

    def size(self, name: str) -> int:
        """Bytes of a part, unpacked, as the file says. Raises Unreadable where there is none."""
        if not self.has(name):
            raise Unreadable(f"This file is damaged: its part {name} is missing.")
        return self._zip.getinfo(self._names[name.lower()]).file_size

    def read(self, name: str, most: int | None = None) -> bytes:
        """A part, or the first `most` bytes of it."""
        try:
            with self._zip.open(self._names[name.lower()]) as part:
                return part.read() if most is None else part.read(most)
        except KeyError as error:
            raise Unreadable(f"This file is damaged: its part {name} is missing.") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise Unreadable(f"This file is damaged: its part {name} cannot be read.") from error

    def xml(self, name: str) -> Element:
        """The part's root element."""
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        data = self.read(name)
        try:
            return etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            raise Unreadable(f"This file is damaged: its part {name} is not valid XML.") from error

    def each(self, name: str, tag: str) -> Iterator[Element]:
        """Elements of this local name, one at a time, of a part too large to hold at once.

        Raises what the zip and lxml raise on damaged parts.
        """
        self.size(name)
        with self._zip.open(self._names[name.lower()]) as part:
            for _, element in etree.iterparse(
                part, events=("end",), tag=f"{{*}}{tag}", resolve_entities=False, no_network=True,
                load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
            ):  # fmt: skip
                yield element
                element.clear(keep_tail=False)
                while element.getprevious() is not None:
                    del element.getparent()[0]

    def optional_xml(self, name: str | None) -> Element | None:
        """The root of a part that a file may do without; None where it is absent or damaged."""
        if name is None or not self.has(name):
            return None
        try:
            return self.xml(name)
        except Unreadable:
            return None

    def main(self) -> str:
        """The name of the part that holds the document itself."""
        for kind, target in self.related(""):
            if kind == "officeDocument":
                return target
        raise Unreadable("This file is damaged: it does not say where its document is.")

    def related(self, name: str) -> list[tuple[str, str]]:
        """(kind, part name) of what part `name` refers to inside the file, in order."""
        return [(kind, target) for _, kind, target in self.relations(name)]

    def relations(self, name: str) -> list[tuple[str, str, str]]:
        """As `related`, with the relation's id first."""
        folder = posixpath.dirname(name)
        found = []
        for relation in self._relations(name):
            target = relation.get("Target")
            if not target or relation.get("TargetMode") == "External":
                continue
            joined = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
            kind = (relation.get("Type") or "").rsplit("/", 1)[-1]
            part = posixpath.normpath(unquote(joined)).lstrip("/")
            found.append((relation.get("Id") or "", kind, part))
        return found

    def links(self, name: str) -> dict[str, str]:
        """Addresses outside the file that part `name` links to, by the relation's id."""
        return {
            relation.get("Id") or "": relation.get("Target") or ""
            for relation in self._relations(name)
            if relation.get("TargetMode") == "External"
        }

    def first(self, name: str, kind: str) -> str | None:
        return next((target for k, target in self.related(name) if k == kind), None)

    def properties(self) -> dict[str, str | None]:
        """title, author and ISO date of the file's core properties, as arguments of `finish`."""
        root = self.optional_xml(self.first("", "core-properties") or "docProps/core.xml")
        found: dict[str, str | None] = {"title": None, "author": None, "date": None}
        if root is None:
            return found
        values = {local(child): (child.text or "").strip() for child in elements(root)}
        date = _DATE.match(values.get("modified") or values.get("created") or "")
        found["title"] = values.get("title") or None
        found["author"] = values.get("creator") or None
        found["date"] = date.group() if date else None
        return found

    def _relations(self, name: str) -> list[Element]:
        folder, base = posixpath.split(name)
        root = self.optional_xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        return [] if root is None else list(elements(root))

    def _refuse_document_types(self) -> None:
        """Office writes no document types; entities in one are how XML bombs are made."""
        for name in self._zip.namelist():
            if name.lower().endswith((".xml", ".rels", ".vml")):
                try:
                    with self._zip.open(name) as part:
                        start = part.read(65_536).replace(b"\0", b"")
                except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
                    continue
                if _DOCTYPE.search(start):
                    raise Unreadable(
                        "This file declares XML entities, which Office never does; it is refused."
                    )


def elements(parent: Element) -> Iterator[Element]:
    """Children that are elements; unresolved entities and the like are left out."""
    return (child for child in parent if isinstance(child.tag, str))


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def drawing_paragraphs(root: Element) -> list[str]:
    """Texts of the paragraphs inside a drawing, a diagram or a chart's titles."""
    paragraphs = []
    for paragraph in root.iter(f"{_A}p"):
        parts = []
        for child in paragraph.iter(f"{_A}t", f"{_A}br", f"{_A}tab"):
            name = local(child)
            parts.append({"br": "\n", "tab": "\t"}.get(name) or child.text or "")
        if text := "".join(parts).strip():
            paragraphs.append(text)
    return paragraphs
