"""HTML: what a reader of the page sees, with its headings, lists and tables; nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree
from lxml import html as lxml_html

from ingestion.parsers.decoding import decode
from ingestion.parsers.flow import Flow, FlowedFile, one_line
from ingestion.parsers.html_table import read_table
from ingestion.parsers.html_text import (
    BLOCKS,
    HEADINGS,
    MAX_DEPTH,
    Element,
    bare_text,
    inline_text,
    tidy,
    visible,
)
from ingestion.parsers.links import to_be_written

if TYPE_CHECKING:
    from ingestion.parsers import ParseOptions

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?")
_DATE_NAMES_WORDS = (
    "date dc.date dcterms.modified dcterms.created last-modified article:modified_time "
    "article:published_time datepublished datemodified pubdate"
)
_DATE_NAMES = frozenset(_DATE_NAMES_WORDS.split())


def open_file(path: Path, options: ParseOptions) -> FlowedFile:
    data = path.read_bytes()
    declared = _CHARSET.search(data[:4096])
    text, warning = decode(data, declared[1].decode("ascii") if declared else None)
    flow = Flow(options.max_pages)
    if warning:
        flow.warnings.append(warning)
    root = parse(text)
    if root is None:
        return flow.finish()
    show_links(root)
    write_html(flow, root)
    meta = _meta(root)
    title = root.find(".//title")
    return flow.finish(
        title=title.text_content() if title is not None else None,
        date=next((d[0] for n in meta if n in _DATE_NAMES and (d := _DATE.match(meta[n]))), None),
        author=meta.get("author"),
        language=root.get("lang"),
    )


def parse(text: str) -> Element | None:
    """The root of a page's tree, None where the page is empty."""
    # huge_tree allows 2048 elements inside each other, where real pages exceed the usual 256.
    parser = lxml_html.HTMLParser(no_network=True, huge_tree=True, remove_comments=True)
    text = _DECLARATION.sub("", text.replace("\0", ""), count=1)
    if not text.strip():
        return None
    try:
        root = lxml_html.document_fromstring(text, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        root = None
    fault = parser.error_log.last_error
    if fault is not None and "Excessive depth" in (fault.message or ""):
        root = lxml_html.Element("body")
        root.text = bare_text(text)
    return root


def show_links(root: Element) -> None:
    """Writes into the tree where its links lead; once a tree."""
    links = [
        (link, link.get("href") or "", inline_text(link))
        for link in root.iter("a")
        if visible(link)
    ]
    for link, written in to_be_written(links, len(root.text_content())):
        link.tail = written + (link.tail or "")


def write_html(flow: Flow, root: Element) -> None:
    """The tree's visible text into `flow`."""
    body = root.find("body")
    _Walk(flow).blocks(root if body is None else body, 0)


class _Walk:
    """Goes through the tree once; inline text gathers until a block border writes it."""

    def __init__(self, flow: Flow):
        self._flow = flow
        self._line: list[str] = []
        self._marks: list[str] = []
        self._depth = 0

    def blocks(self, element: Element, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._line.append(element.text_content())
            return
        self._add(element.text)
        for child in element:
            if visible(child):
                self._child(child, depth)
            self._add(child.tail)
        if element.tag in BLOCKS:
            self._flush()

    def _child(self, child: Element, depth: int) -> None:
        tag = child.tag
        if tag in HEADINGS:
            self._flush()
            self._flow.heading(inline_text(child), HEADINGS[tag])
        elif tag == "br":
            self._line.append("\v")
        elif tag == "pre":
            self._flush()
            self._flow.code(inline_text(child, keep_space=True).replace("\v", "\n"))
        elif tag == "table":
            self._flush()
            self._table(child, depth)
        elif tag in ("ul", "ol", "menu"):
            self._flush()
            self._list(child, depth)
        elif tag == "input":
            if child.get("type", "text") not in ("checkbox", "radio", "file", "image"):
                self._add(f" {child.get('value') or ''} ")
        elif tag in BLOCKS:
            self._flush()
            self.blocks(child, depth + 1)
        else:
            self.blocks(child, depth + 1)

    def _list(self, element: Element, depth: int) -> None:
        number = _integer(element.get("start"), 1)
        self._depth += 1
        for child in element:
            if not visible(child):
                continue
            if child.tag != "li":
                self._child(child, depth + 1)
                continue
            number = _integer(child.get("value"), number)
            self._marks.append(f"{number}." if element.tag == "ol" else "-")
            self.blocks(child, depth + 1)
            self._marks.clear()
            number += 1
        self._depth -= 1
        self._flush()

    def _table(self, element: Element, depth: int) -> None:
        table = read_table(element)
        for caption in element.iterchildren("caption"):
            self._flow.caption(inline_text(caption))
        if table is None:
            # A table that only lays out the page: its cells are read like any other block.
            for row in element.iter("tr"):
                if next(row.iterancestors("table"), None) is element:
                    for cell in row.iterchildren("td", "th"):
                        if visible(cell):
                            self.blocks(cell, depth + 1)
            self._flush()
        else:
            self._flow.table(table.rows, table.header_rows)

    def _add(self, text: str | None) -> None:
        if text:
            self._line.append(text.replace("\v", " "))

    def _flush(self) -> None:
        if not self._line:
            return
        text = tidy("".join(self._line))
        self._line.clear()
        if not text:
            return
        if self._depth:
            mark = self._marks.pop() if self._marks else ""
            self._flow.list_item(text, self._depth - 1, mark)
            self._marks.clear()
        else:
            self._flow.paragraph(text)


def _integer(text: str | None, otherwise: int) -> int:
    return int(text) if text and re.fullmatch(r"-?\d{1,6}", text.strip()) else otherwise


def _meta(root: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = meta.get("name") or meta.get("property") or meta.get("itemprop") or ""
        content = one_line(meta.get("content") or "")
        if name and content:
            found.setdefault(name.strip().lower(), content)
    return found
