"""What people wrote on the cells of a sheet: notes, and today's threads of comments."""

from __future__ import annotations

from ingestion.parsers.flow import comment, one_line
from ingestion.parsers.ooxml import Element, Package, elements, local

_FALLBACK = "[Threaded comment]"
"""How Excel opens the old-style copy of a thread, for programs that know no threads."""


def comments_of(package: Package, part: str) -> list[str]:
    """A sentence for each comment, in the order of the file."""
    notes: list[str] = []
    threads: list[str] = []
    for kind, target in package.related(part):
        root = package.optional_xml(target)
        if root is None:
            continue
        if kind == "comments":
            notes += _notes(root)
        elif kind == "threadedComment":
            threads += _threads(root, _persons(package))
    return notes + threads


def _notes(root: Element) -> list[str]:
    authors = [one_line("".join(e.itertext())) for e in _all(root, "author")]
    found = []
    for note in _all(root, "comment"):
        text = one_line("".join(t for e in _all(note, "t") for t in e.itertext()))
        number = note.get("authorId") or ""
        author = authors[int(number)] if number.isdecimal() and int(number) < len(authors) else ""
        if not text or text.startswith(_FALLBACK):
            continue
        # Excel repeats the author at the beginning of the note itself.
        text = text.removeprefix(f"{author}:").strip() or text
        found.append(_sentence(author, note.get("ref"), text))
    return found


def _threads(root: Element, persons: dict[str, str]) -> list[str]:
    found = []
    for remark in _all(root, "threadedComment"):
        text = one_line("".join(t for e in _all(remark, "text") for t in e.itertext()))
        if text:
            author = persons.get(remark.get("personId") or "", "")
            found.append(_sentence(author, remark.get("ref"), text, remark.get("dT") or ""))
    return found


def _sentence(author: str, place: str | None, text: str, date: str = "") -> str:
    return comment(text, "" if author.startswith("tc={") else author, place or "", date)


def _persons(package: Package) -> dict[str, str]:
    found = {}
    for kind, target in package.related(package.main()):
        root = package.optional_xml(target) if kind == "person" else None
        for person in elements(root) if root is not None else ():
            found[person.get("id") or ""] = person.get("displayName") or ""
    return found


def _all(root: Element, name: str) -> list[Element]:
    return [e for e in root.iter() if isinstance(e.tag, str) and local(e) == name]
