"""Pictures and documents inside Office files, handed over as attachments.

Screenshots and scanned pages pasted into Word are how whole documents get lost: they are read by
OCR as pages of their own, after the document's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from ingestion.parsers.attached import Attachment
from ingestion.parsers.inline_pictures import MOST_PICTURES, worth_reading
from ingestion.parsers.kinds import OLE
from ingestion.parsers.ole_objects import unwrapped
from ingestion.parsers.ooxml import Package

_HEAD = 65_536
_KINDS = ("image", "package", "oleObject")
_DRAWN = (".emf", ".wmf", ".emz", ".wmz")
_LEAST_DRAWN = 4_000
_LEFT = (".svg", ".gif")
"""Office keeps a PNG beside each SVG; GIFs are decoration."""


@dataclass(frozen=True, slots=True)
class _Found:
    part: str
    label: str | None
    wrapped: bool = False


class Embedded:
    """Collects them part by part; each picture once, however often it is shown."""

    def __init__(self, package: Package):
        self._package = package
        self._found: list[_Found] = []
        self._seen: set[str] = set()
        self._pictures: dict[str, int] = {}
        self._taken = self._left_out = self._drawn = self._objects = 0

    def look(self, part: str, place: str = "") -> None:
        """Everything that `part` shows, in the order shown; `place` names its sheet or slide."""
        relations = {i: (kind, target) for i, kind, target in self._package.relations(part)}
        if not any(kind in _KINDS for kind, _ in relations.values()):
            return
        root = self._package.optional_xml(part)
        for identity in _shown(root) if root is not None else ():
            kind, target = relations.get(identity, ("", ""))
            if kind not in _KINDS or target in self._seen or not self._package.has(target):
                continue
            self._seen.add(target)
            if kind == "image":
                self._seen.discard(target)
                self.picture(target, place)
            elif kind == "package" or not self._package.read(target, 8).startswith(OLE):
                self._found.append(_Found(target, None))
            elif unwrapped(self._package.read(target)) is not None:
                self._found.append(_Found(target, None, wrapped=True))
            else:
                self._objects += 1

    def attachments(self) -> Iterator[Attachment]:
        """What was found, read from the file one by one: call it while the package is open."""
        for found in self._found:
            name, data = posixpath.basename(found.part), self._package.read(found.part)
            if found.wrapped:
                name, data = unwrapped(data) or (name, b"")
            yield Attachment(name, data, found.label)

    def warnings(self) -> list[str]:
        """What was seen and is not read."""
        said = []
        if self._left_out:
            said.append(f"Only the first {MOST_PICTURES} pictures were read; {self._left_out} more"
                        " were not.")  # fmt: skip
        if self._drawn:
            said.append(f"{_count(self._drawn, 'drawing', '(EMF, WMF)')} not read.")
        if self._objects:
            said.append(f"{_count(self._objects, 'embedded object', 'of an older kind')} not read.")
        return said

    def picture(self, target: str, place: str) -> None:
        """A picture that is shown at `place`; those seen before and small ones are left out."""
        if target in self._seen:
            return
        self._seen.add(target)
        suffix = posixpath.splitext(target)[1].lower()
        if suffix in _LEFT:
            return
        if suffix in _DRAWN:
            self._drawn += self._package.size(target) >= _LEAST_DRAWN
            return
        if not worth_reading(self._package.read(target, _HEAD)):
            return
        if self._taken >= MOST_PICTURES:
            self._left_out += 1
            return
        self._taken += 1
        number = self._pictures[place] = self._pictures.get(place, 0) + 1
        label = f"{place} › Picture {number}" if place else f"Picture {number}"
        self._found.append(_Found(target, label))


def _shown(root: object) -> Iterator[str]:
    """Ids of relations in the order in which a part's XML names them."""
    for element in root.iter():  # type: ignore[attr-defined]
        for name, value in element.attrib.items():
            if name.startswith("{") and name.rsplit("}", 1)[-1] in ("embed", "id", "pict"):
                yield value


def _count(number: int, noun: str, which: str) -> str:
    return f"1 {noun} {which} was" if number == 1 else f"{number} {noun}s {which} were"
