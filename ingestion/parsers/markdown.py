"""Markdown: read as the page it describes, so that no mark-up is left in the text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.decoding import decode
from ingestion.parsers.flow import Flow, FlowedFile
from ingestion.parsers.html import parse, show_links, write_html

if TYPE_CHECKING:
    from ingestion.parsers import ParseOptions

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(title|date|author)[ \t]*:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.M | re.I)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?")


def open_file(path: Path, options: ParseOptions) -> FlowedFile:
    from markdown_it import MarkdownIt

    text, warning = decode(path.read_bytes())
    flow = Flow(options.max_pages)
    if warning:
        flow.warnings.append(warning)
    fields: dict[str, str] = {}
    if front := _FRONT_MATTER.match(text):
        fields = {name.lower(): value for name, value in _FIELD.findall(front[1])}
        text = text[front.end() :]
        flow.note(front[1])
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    root = parse(f"<html><body>{reader.render(text)}</body></html>")
    if root is not None:
        show_links(root)
        write_html(flow, root)
    date = _DATE.match(fields.get("date", ""))
    return flow.finish(
        title=fields.get("title"), date=date.group() if date else None, author=fields.get("author")
    )
