"""Plain text: paragraphs as they stand, separated by blank lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers.decoding import decode
from ingestion.parsers.flow import Flow, FlowedFile, clean

if TYPE_CHECKING:
    from ingestion.parsers import ParseOptions

_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_UNDERLINED = re.compile(r"(?P<title>[^\n]{1,120})\n[ \t]*(?P<line>={3,}|-{3,})[ \t]*")
_LIST = re.compile(r"[ \t]*(?:[-*•‣–]|\d{1,3}[.)]|[a-z]\))[ \t]+\S")


def open_file(path: Path, options: ParseOptions) -> FlowedFile:
    text, warning = decode(path.read_bytes())
    flow = Flow(options.max_pages)
    if warning:
        flow.warnings.append(warning)
    write_text(flow, text)
    return flow.finish()


def write_text(flow: Flow, text: str) -> None:
    """Plain text into `flow`: headings where they are underlined or in capitals."""
    for paragraph in _BLANK.split(_TRAILING.sub("", clean(text)).strip("\n")):
        if match := _UNDERLINED.match(paragraph):
            flow.heading(match["title"], 1 if match["line"][0] == "=" else 2)
            paragraph = paragraph[match.end() :].lstrip("\n")
        if _is_heading(paragraph):
            flow.heading(paragraph, 1)
        elif paragraph and all(map(_LIST.match, paragraph.split("\n"))):
            for item in paragraph.split("\n"):
                flow.list_item(item, mark="")
        else:
            flow.paragraph(paragraph)


def _is_heading(paragraph: str) -> bool:
    letters = sum(map(str.isalpha, paragraph))
    return "\n" not in paragraph and 4 <= letters <= 80 and paragraph.isupper()
