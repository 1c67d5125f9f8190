"""What of an HTML element a reader sees, as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

Element = Any
"""An lxml element; its types stop at this folder."""

_HIDDEN_WORDS = (
    "script style template noscript head svg math iframe object embed canvas audio video "
    "datalist param source track area map"
)
HIDDEN = frozenset(_HIDDEN_WORDS.split())
_BLOCKS_WORDS = (
    "address article aside blockquote body center details dialog dd div dl dt fieldset "
    "figcaption figure footer form header hgroup hr html legend li main menu nav ol optgroup "
    "option p section select summary table tbody tfoot thead tr td th ul caption"
)
BLOCKS = frozenset(_BLOCKS_WORDS.split())
HEADINGS = {f"h{level}": level for level in range(1, 7)}
MAX_DEPTH = 200
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_AROUND_BREAK = re.compile(r" *\n *")


def visible(element: Element) -> bool:
    """False for what a browser does not show."""
    if not isinstance(element.tag, str) or element.tag in HIDDEN:
        return False
    if "hidden" in element.attrib or _UNSEEN.search(element.get("style") or ""):
        return False
    return not (element.tag == "input" and element.get("type", "text") in ("hidden", "password"))


def inline_text(element: Element, *, keep_space: bool = False) -> str:
    """The visible text inside an element, blocks apart by line breaks."""
    parts: list[str] = []
    _collect(element, parts, 0)
    text = "".join(parts)
    return text if keep_space else tidy(text)


def _collect(element: Element, parts: list[str], depth: int) -> None:
    if depth > MAX_DEPTH:
        parts.append(element.text_content())
        return
    parts.append((element.text or "").replace("\v", " "))
    for child in element:
        if visible(child):
            if child.tag == "br":
                parts.append("\v")
            elif child.tag in BLOCKS or child.tag in HEADINGS:
                parts.append("\v")
                _collect(child, parts, depth + 1)
                parts.append("\v")
            else:
                _collect(child, parts, depth + 1)
        parts.append((child.tail or "").replace("\v", " "))


def tidy(text: str) -> str:
    """White space as a browser shows it; `\\v` stands for a forced line break."""
    return _AROUND_BREAK.sub("\n", _SPACE.sub(" ", text).replace("\v", "\n")).strip()


def bare_text(text: str) -> str:
    """The words of a page nested too deeply to be read as a tree."""
    reader = _Words()
    reader.feed(text)
    reader.close()
    return " ".join(reader.words)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._skipped: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped is None and tag in ("script", "style", "template", "noscript", "title"):
            self._skipped = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._skipped = None

    def handle_data(self, data: str) -> None:
        if self._skipped is None:
            self.words.extend(data.split())
