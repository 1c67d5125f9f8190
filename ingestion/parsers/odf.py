"""OpenDocument texts, spreadsheets and presentations (ODT, ODS, ODP), read from their XML.

(OASIS OpenDocument 1.3 part 3 names the elements.)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.attached import with_attachments
from ingestion.parsers.column_names import table_header_rows
from ingestion.parsers.docx_styles import attribute
from ingestion.parsers.embedded import Embedded
from ingestion.parsers.flow import Flow, FlowedFile
from ingestion.parsers.links import to_be_written
from ingestion.parsers.odf_lists import ListStyles
from ingestion.parsers.odf_sheet import read_rows
from ingestion.parsers.odf_text import Hanging, inline, lines_of
from ingestion.parsers.ooxml import Element, Package, elements, local
from ingestion.parsers.xlsx_tables import tables_of
from store.errors import Unreadable

if TYPE_CHECKING:
    from ingestion.parsers import OpenedFile, ParseOptions

MAX_DEPTH = 60
_NOT_SHOWN_WORDS = (
    "tracked-changes forms animations notes styles automatic-styles master-styles meta settings "
    "scripts event-listeners table-template"
)
_NOT_SHOWN = frozenset(_NOT_SHOWN_WORDS.split())
"""Everything else may hold paragraphs, whatever its name."""


def open_file(path: Path, options: ParseOptions) -> OpenedFile:
    package = Package(path)
    try:
        manifest = package.optional_xml("META-INF/manifest.xml")
        if manifest is not None and any(_is(e, "encryption-data") for e in manifest.iter()):
            raise Unreadable("This file needs a password; upload an unlocked copy.")
        inside = Embedded(package)
        read = _Reader(package, inside, options.max_pages).read()
        return with_attachments(read, inside.attachments(), options)
    finally:
        package.close()


@dataclass(slots=True)
class _Item:
    """Where in which list we are; its mark stands before its first paragraph only."""

    style: str
    numbers: tuple[int, ...]
    mark: str = ""


class _Reader:
    def __init__(self, package: Package, inside: Embedded, max_pages: int):
        self._package, self._inside = package, inside
        self._flow = Flow(max_pages)
        self._place = ""
        self._pages = 0
        self._unseen: set[str] = set()
        self._lists = ListStyles([])
        self._titles: dict[str, int] = {}
        self._numbered: dict[str, tuple[int, ...]] = {}
        self._too_deep = False
        self._counted: dict[tuple[str, int], int] = {}

    def read(self) -> FlowedFile:
        root = self._package.xml("content.xml")
        self._unseen = _hidden_styles(root)
        body = next((e for e in elements(root) if local(e) == "body"), None)
        styles = self._package.optional_xml("styles.xml")
        roots = [root] if styles is None else [styles, root]
        _show_links(root)
        self._lists, self._titles = ListStyles(roots), _title_styles(roots)
        for office in elements(body) if body is not None else ():
            kind = local(office)
            if kind == "spreadsheet":
                self._spreadsheet(office)
            elif kind in ("presentation", "drawing"):
                self._slides(office)
            else:
                self._margins(styles, "header")
                self._blocks(office, 0)
                self._margins(styles, "footer")
        if self._too_deep:
            self._flow.unread += 1
            self._flow.warnings.append(
                f"What lies more than {MAX_DEPTH} lists and frames deep was not read."
            )
        self._flow.warnings += self._inside.warnings()
        return self._flow.finish(**self._properties())

    def _blocks(self, parent: Element, depth: int, item: _Item | None = None) -> None:
        if depth > MAX_DEPTH:
            self._too_deep = True
            return
        in_place_of_table = any(local(child) == "table" for child in elements(parent))
        for child in elements(parent):
            name = local(child)
            if name in ("p", "h"):
                self._paragraph(child, depth, item)
            elif name == "list":
                self._list(child, depth, item)
            elif name == "table":
                self._table(child, depth)
            elif name == "numbered-paragraph":
                self._blocks(child, depth + 1, self._numbered_item(child))
            elif name == "annotation":
                self._annotation(child, depth)
            elif name == "image" and not in_place_of_table:
                self._picture(child)
            elif name not in _NOT_SHOWN:
                self._blocks(child, depth + 1, item)

    def _list(self, element: Element, depth: int, outer: _Item | None) -> None:
        style = attribute(element, "style-name") or (outer.style if outer else "")
        numbers = outer.numbers if outer else ()
        number = self._lists.start(style, len(numbers)) - 1
        if attribute(element, "continue-numbering") == "true":
            number = self._counted.get((style, len(numbers)), number)
        for child in elements(element):
            is_item = local(child) == "list-item"
            number += is_item
            item = _Item(style, (*numbers, number))
            item.mark = self._lists.mark(style, item.numbers) if is_item else ""
            self._blocks(child, depth + 1, item)
        self._counted[style, len(numbers)] = number

    def _numbered_item(self, element: Element) -> _Item:
        """A paragraph that is an item of a list without standing in one."""
        style, level = attribute(element, "style-name"), attribute(element, "level")
        deep = max(1, min(int(level), 10)) if level.isdecimal() and len(level) < 9 else 1
        of_list = attribute(element, "list-id") or style
        before = self._numbered.get(of_list, ())[:deep]
        numbers = [*before, *(self._lists.start(style, n) for n in range(len(before), deep))]
        numbers[-1] += len(before) == deep
        self._numbered[of_list] = tuple(numbers)
        item = _Item(style, tuple(numbers))
        item.mark = self._lists.mark(style, item.numbers)
        return item

    def _annotation(self, element: Element, depth: int) -> None:
        hanging = Hanging()
        hanging.annotate(element)
        self._hang(hanging, depth)

    def _paragraph(self, element: Element, depth: int, item: _Item | None) -> None:
        hanging = Hanging()
        text = inline(element, hanging)
        level = attribute(element, "outline-level")
        titled = self._titles.get(attribute(element, "style-name"), 0)
        if local(element) == "h" or titled:
            self._flow.heading(text, int(level) if level.isdecimal() else titled or 1)
        elif item is not None:
            self._flow.list_item(text, len(item.numbers) - 1, item.mark)
            item.mark = item.mark if not text.strip() else ""
        else:
            self._flow.paragraph(text)
        self._hang(hanging, depth)

    def _hang(self, hanging: Hanging, depth: int) -> None:
        for frame in hanging.frames:
            self._blocks(frame, depth + 1)
        for note in hanging.notes:
            self._flow.note(note)

    def _table(self, table: Element, depth: int) -> None:
        hanging = Hanging()
        rows, header_rows, left_out = read_rows(table, hanging)
        self._say_left_out("a table", left_out)
        grid = [_filled(texts) for _, texts in rows]
        if len(grid) == 1 and len(grid[0]) == 1:
            self._flow.paragraph(grid[0][0])
        else:
            self._flow.table(grid, header_rows or table_header_rows(grid))
        self._hang(hanging, depth)

    def _say_left_out(self, where: str, rows: int) -> None:
        if rows:
            self._flow.unread += 1
            said = "1 row was" if rows == 1 else f"{rows:,} rows were"
            self._flow.warnings.append(
                f"Only a part of {where} was read, which is too large; {said} not."
            )

    def _spreadsheet(self, office: Element) -> None:
        for table in elements(office):
            if local(table) != "table":
                continue
            hanging = Hanging()
            rows, _, left_out = read_rows(table, hanging)
            self._place = attribute(table, "name")
            self._say_left_out(f"sheet {self._place}", left_out)
            if not rows and not hanging.notes and not hanging.frames:
                continue
            hidden = attribute(table, "style-name") in self._unseen
            self._flow.page(self._place, ("hidden",) if hidden else ())
            for found in tables_of(rows):
                for title in found.titles:
                    self._flow.paragraph(title)
                self._flow.table(
                    found.rows,
                    found.header_rows,
                    row_numbers=found.row_numbers,
                    columns=found.columns,
                )
            self._hang(hanging, 0)

    def _slides(self, office: Element) -> None:
        for page in elements(office):
            if local(page) != "page":
                continue
            self._pages += 1
            self._place = f"Slide {self._pages}"
            title = next((e for e in page if attribute(e, "class") == "title"), None)
            lines = lines_of(title) if title is not None else []
            hidden = attribute(page, "style-name") in self._unseen
            self._flow.page(" ".join(lines) or None, ("hidden",) if hidden else ())
            if lines:
                self._flow.heading(" ".join(lines), 1)
            for shape in elements(page):
                if local(shape) == "notes":
                    notes = [line for frame in shape for line in _notes(frame)]
                    if notes:
                        self._flow.note("Notes: " + "\n".join(notes))
                elif local(shape) == "annotation":
                    self._annotation(shape, 0)
                elif shape is not title and local(shape) not in _NOT_SHOWN:
                    self._blocks(shape, 0)

    def _picture(self, image: Element) -> None:
        target = attribute(image, "href").removeprefix("./")
        if target.startswith("Pictures/") and self._package.has(target):
            self._inside.picture(target, self._place)

    def _margins(self, styles: Element | None, kind: str) -> None:
        seen: set[str] = set()
        for page in styles.iter() if styles is not None else ():
            if not _is(page, "master-page"):
                continue
            for margin in elements(page):
                text = "\n".join(lines_of(margin)) if local(margin).startswith(kind) else ""
                if text and text not in seen:
                    seen.add(text)
                    self._flow.margin("header" if kind == "header" else "footer", text)

    def _properties(self) -> dict[str, str | None]:
        root = self._package.optional_xml("meta.xml")
        found: dict[str, str | None] = {}
        for element in root.iter() if root is not None else ():
            if isinstance(element.tag, str) and (element.text or "").strip():
                found.setdefault(local(element), element.text.strip())
        date = found.get("date") or found.get("creation-date")
        return {
            "title": found.get("title"),
            "author": found.get("initial-creator") or found.get("creator"),
            "date": date[:19] if date else None,
            "language": found.get("language"),
        }


def _show_links(root: Element) -> None:
    """Writes into the tree where its links lead."""
    links = [
        (link, attribute(link, "href"), "".join(link.itertext()))
        for link in root.iter("{urn:oasis:names:tc:opendocument:xmlns:text:1.0}a")
    ]
    for link, written in to_be_written(links, sum(map(len, root.itertext()))):
        link.tail = written + (link.tail or "")


def _notes(frame: Element) -> list[str]:
    """A speaker's notes; the little picture of the slide and its number are left out."""
    return lines_of(frame) if attribute(frame, "class") == "notes" else []


def _hidden_styles(root: Element) -> set[str]:
    """Names of styles under which a sheet or a slide is not shown."""
    found = set()
    for style in root.iter():
        if not _is(style, "style"):
            continue
        for properties in elements(style):
            shown = attribute(properties, "display") != "false"
            if not shown or attribute(properties, "visibility") == "hidden":
                found.add(attribute(style, "name"))
    return found


def _title_styles(roots: list[Element]) -> dict[str, int]:
    """Heading levels of the styles of a document's title and subtitle, and of those made from."""
    levels = {"Title": 1, "Subtitle": 2}
    for root in roots:
        for style in root.iter():
            if _is(style, "style") and attribute(style, "parent-style-name") in levels:
                found = levels[attribute(style, "parent-style-name")]
                levels.setdefault(attribute(style, "name"), found)
    return levels


def _filled(texts: dict[int, str]) -> list[str]:
    return [texts.get(column, "") for column in range(max(texts, default=-1) + 1)]


def _is(element: Element, name: str) -> bool:
    return isinstance(element.tag, str) and local(element) == name
