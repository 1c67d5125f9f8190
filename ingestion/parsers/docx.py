"""Word documents, read from their XML so that nothing a reader sees is lost.

Text boxes, footnotes, comments, inserted text, numbering and nested tables come out; deleted and
hidden text does not. (ECMA-376 part 1, chapter 17, names the elements.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.attached import with_attachments
from ingestion.parsers.charts import chart_table
from ingestion.parsers.docx_styles import Numbering, Styles, attribute
from ingestion.parsers.docx_table import only_cell, read_table
from ingestion.parsers.embedded import Embedded
from ingestion.parsers.flow import Flow, FlowedFile, comment, one_line
from ingestion.parsers.links import to_be_written
from ingestion.parsers.ooxml import Element, Package, drawing_paragraphs, elements, local

if TYPE_CHECKING:
    from ingestion.parsers import OpenedFile, ParseOptions

MAX_DEPTH = 60
_PASSED_WORDS = (
    "sdt sdtContent ins moveTo customXml smartTag body docPart hyperlink fldSimple r dir bdo "
    "Choice drawing inline anchor graphic graphicData wsp wgp wpc txbx txbxContent pict shape "
    "rect roundrect oval group textbox object oMathPara ruby rubyBase"
)
_PASSED = frozenset(_PASSED_WORDS.split())
_TEXT = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTES = {"footnotes": "Footnote", "endnotes": "Endnote", "comments": ""}


def open_file(path: Path, options: ParseOptions) -> OpenedFile:
    package = Package(path)
    try:
        inside = Embedded(package)
        inside.look(package.main())
        return with_attachments(
            _Reader(package, options.max_pages).read(inside.warnings()),
            inside.attachments(),
            options,
        )
    finally:
        package.close()


@dataclass
class Inline:
    """A paragraph's text and what hangs on it, to be written after it."""

    parts: list[str] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    diagrams: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


class _Reader:
    def __init__(self, package: Package, max_pages: int):
        self._package = package
        self._main = package.main()
        self._flow = Flow(max_pages)
        self._styles = Styles(package.optional_xml(package.first(self._main, "styles")))
        self._numbering = Numbering(package.optional_xml(package.first(self._main, "numbering")))
        self._relations = {i: (kind, name) for i, kind, name in package.relations(self._main)}
        self._notes = self._read_notes()

    def read(self, warnings: list[str]) -> FlowedFile:
        self._flow.warnings += warnings
        root = self._package.xml(self._main)
        self._show_links(root)
        self._margins("header")
        for body in elements(root):
            self._blocks(body, 0)
        self._margins("footer")
        return self._flow.finish(**self._package.properties())

    def _show_links(self, root: Element) -> None:
        """Writes into the tree where its links lead."""
        targets, text = self._package.links(self._main), _tag(root, "t")
        links = []
        for link in root.iter(_tag(root, "hyperlink")):
            if texts := list(link.iter(text)):
                said = "".join(t.text or "" for t in texts)
                links.append((texts[-1], targets.get(attribute(link, "id"), ""), said))
        characters = sum(len(t.text or "") for t in root.iter(text))
        for last, written in to_be_written(links, characters):
            last.text = (last.text or "") + written

    def _blocks(self, parent: Element, depth: int) -> None:
        if depth > MAX_DEPTH:
            return
        for child in elements(parent):
            name = local(child)
            if name == "p":
                self._paragraph(child, depth)
            elif name == "tbl":
                self._table(child, depth)
            elif name == "AlternateContent" or name in _PASSED:
                self._blocks(child, depth + 1)

    def _paragraph(self, paragraph: Element, depth: int) -> None:
        inline = read_inline(paragraph)
        text = inline.text.strip()
        style = self._styles.of(paragraph)
        mark, level = self._numbering.mark(paragraph, style) if text else ("", 0)
        if not text:
            pass
        elif style.heading:
            self._flow.heading(f"{mark} {text}" if mark not in ("", "-") else text, style.heading)
        elif mark:
            self._flow.list_item(text, level, mark)
        elif style.name.startswith("list bullet"):
            self._flow.list_item(text)
        elif style.name == "caption":
            self._flow.caption(text)
        elif "code" in style.name or style.name == "html preformatted":
            self._flow.code(inline.text)
        else:
            self._flow.paragraph(text)
        self._hanging(inline, depth)

    def _mark(self, paragraph: Element) -> str:
        """The number that stands before it."""
        return self._numbering.mark(paragraph, self._styles.of(paragraph))[0].removeprefix("-")

    def _hanging(self, inline: Inline, depth: int) -> None:
        for box in inline.boxes:
            self._blocks(box, depth + 1)
        for relation in inline.diagrams:
            kind, name = self._relations.get(relation, ("", ""))
            root = self._package.optional_xml(name)
            if root is None:
                continue
            if kind == "diagramData":
                self._flow.paragraph("\n".join(drawing_paragraphs(root)))
            elif kind == "chart":
                chart = chart_table(root)
                for title in chart.titles:
                    self._flow.caption(title)
                self._flow.table(chart.rows, 1)
        for note in inline.notes:
            if text := self._notes.pop(note, ""):
                self._flow.note(text)

    def _table(self, table: Element, depth: int) -> None:
        if (frame := only_cell(table)) is not None:
            self._blocks(frame, depth + 1)
            return
        hanging: list[Inline] = []
        self._flow.table(*read_table(table, hanging, self._mark))
        for inline in hanging:
            self._hanging(inline, depth)

    def _margins(self, kind: str) -> None:
        """Page headers, or footers, each distinct text once."""
        seen: set[str] = set()
        for relation, name in self._package.related(self._main):
            root = self._package.optional_xml(name) if relation == kind else None
            if root is None:
                continue
            lines = [_paragraph_line(p) for p in root.iter(_tag(root, "p"))]
            text = "\n".join(line for line in lines if line)
            if text and text not in seen:
                seen.add(text)
                self._flow.margin("header" if kind == "header" else "footer", text)

    def _read_notes(self) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for kind, label in _NOTES.items():
            root = self._package.optional_xml(self._package.first(self._main, kind))
            if root is None:
                continue
            for note in elements(root):
                if attribute(note, "type") in ("separator", "continuationSeparator"):
                    continue
                lines = [_paragraph_line(p) for p in note.iter(_tag(root, "p"))]
                text = " ".join(line for line in lines if line)
                if text:
                    author = attribute(note, "author")
                    date = attribute(note, "date")
                    found[local(note), attribute(note, "id")] = (
                        f"{label}: {text}" if label else comment(text, author, date=date)
                    )
        return found


def read_inline(paragraph: Element) -> Inline:
    """The paragraph's text as displayed; text boxes, notes and diagrams are collected beside."""
    inline = Inline()
    _gather(paragraph, inline, 0)
    return inline


def _gather(parent: Element, inline: Inline, depth: int) -> None:
    if depth > MAX_DEPTH:
        return
    for child in elements(parent):
        name = local(child)
        if name == "t":
            inline.parts.append(child.text or "")
        elif name in _TEXT:
            inline.parts.append(_TEXT[name])
        elif name == "sym":
            code = attribute(child, "char")
            inline.parts.append(_symbol(code))
        elif name == "r":
            if not _hidden(child):
                _gather(child, inline, depth + 1)
        elif name == "txbxContent":
            inline.boxes.append(child)
        elif name in ("footnoteReference", "endnoteReference", "commentReference"):
            inline.notes.append((name.removesuffix("Reference"), attribute(child, "id")))
        elif name in ("relIds", "chart"):
            relation = attribute(child, "dm") or attribute(child, "id")
            inline.diagrams.append(relation)
        elif name == "AlternateContent":
            # Fallback repeats the first choice in an older drawing language.
            for choice in list(elements(child))[:1]:
                _gather(choice, inline, depth + 1)
        elif name in ("oMath", "oMathPara"):
            inline.parts.append(_math(child))
        elif name in _PASSED:
            _gather(child, inline, depth + 1)


def _hidden(run: Element) -> bool:
    for properties in elements(run):
        if local(properties) == "rPr":
            for mark in elements(properties):
                if local(mark) == "vanish":
                    return attribute(mark, "val") not in ("0", "false", "off")
    return False


def _symbol(code: str) -> str:
    try:
        value = int(code, 16)
    except ValueError:
        return ""
    # Symbol fonts live in the private use area, where the character says nothing.
    return "•" if 0xF000 <= value <= 0xF0FF else chr(value) if 32 <= value < 0xD800 else ""


def _math(element: Element, depth: int = 0) -> str:
    """A formula on one line: fractions with a slash, powers with ^ and indices with _."""
    if depth > MAX_DEPTH:
        return ""
    name = local(element)
    if name == "t":
        return element.text or ""
    parts = {local(c): _math(c, depth + 1) for c in elements(element)}
    if name == "f":
        return f"{_grouped(parts.get('num', ''))}/{_grouped(parts.get('den', ''))}"
    if name in ("sSup", "sSub", "sSubSup"):
        text = parts.get("e", "")
        text += f"_{_grouped(parts['sub'])}" if parts.get("sub") else ""
        return text + (f"^{_grouped(parts['sup'])}" if parts.get("sup") else "")
    if name == "rad":
        return f"√({parts.get('e', '')})"
    if name == "d":
        return (
            "(" + ", ".join(_math(c, depth + 1) for c in elements(element) if local(c) == "e") + ")"
        )
    return "".join(_math(child, depth + 1) for child in elements(element))


def _grouped(text: str) -> str:
    return text if text.isalnum() else f"({text})"


def _paragraph_line(paragraph: Element) -> str:
    return one_line(read_inline(paragraph).text)


def _tag(root: Element, name: str) -> str:
    return root.tag.rsplit("}", 1)[0] + "}" + name
