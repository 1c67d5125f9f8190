"""The text of an OpenDocument paragraph as displayed, and what hangs on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingestion.parsers.docx_styles import attribute
from ingestion.parsers.flow import comment, one_line
from ingestion.parsers.ooxml import Element, elements, local

MAX_DEPTH = 60
_SKIPPED = frozenset(
    ("tracked-changes", "hidden-text", "hidden-paragraph", "ruby-text", "note-citation", "script")
)
_DRAWN = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"


@dataclass(slots=True)
class Hanging:
    """Drawings in a paragraph, and its footnotes and comments as sentences."""

    frames: list[Element] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def annotate(self, annotation: Element) -> None:
        """A comment with its author and day."""
        author, date = (
            "".join((e.text or "") for e in elements(annotation) if local(e) == name)
            for name in ("creator", "date")
        )
        if text := " ".join(lines_of(annotation)):
            self.notes.append(comment(text, author, date=date))


def inline(paragraph: Element, hanging: Hanging) -> str:
    """The paragraph's text; drawings, notes and comments go to `hanging`."""
    parts: list[str] = []
    _gather(paragraph, parts, hanging, 0)
    return "".join(parts)


def is_drawn(element: Element) -> bool:
    """Whether it is a shape, a frame or a group of such, which may hold paragraphs of its own."""
    return element.tag.startswith(_DRAWN)


def lines_of(parent: Element) -> list[str]:
    """Texts of all paragraphs inside an element, one line each."""
    found = []
    for element in parent.iter():
        if isinstance(element.tag, str) and local(element) in ("p", "h"):
            found.append(one_line(inline(element, Hanging())))
    return [line for line in found if line]


def _gather(parent: Element, parts: list[str], hanging: Hanging, depth: int) -> None:
    parts.append(_text(parent.text))
    for child in parent:
        if isinstance(child.tag, str) and depth < MAX_DEPTH:
            name = local(child)
            if name == "s":
                count = attribute(child, "c")
                parts.append(" " * (min(int(count), 100) if count.isdecimal() else 1))
            elif name in ("tab", "line-break"):
                parts.append("\t" if name == "tab" else "\n")
            elif name == "note":
                kind = "Endnote" if attribute(child, "note-class") == "endnote" else "Footnote"
                if text := " ".join(lines_of(child)):
                    hanging.notes.append(f"{kind}: {text}")
            elif name == "annotation":
                hanging.annotate(child)
            elif is_drawn(child):
                hanging.frames.append(child)
            elif name not in _SKIPPED:
                _gather(child, parts, hanging, depth + 1)
        parts.append(_text(child.tail))


def _text(text: str | None) -> str:
    """White space in the file collapses; wanted spaces are elements."""
    if not text:
        return ""
    joined = " ".join(text.split())
    if not joined:
        return " "
    return f"{' ' * text[0].isspace()}{joined}{' ' * text[-1].isspace()}"
