"""What of an HTML element a reader sees, as text."""

from __future__ import annotations

import re
from typing import Any

Element = Any
"""An lxml element; its types stop at this folder."""

HIDDEN = frozenset(
    "script style template noscript head svg math iframe object embed canvas audio video "
    "datalist param source track area map".split()
)
BLOCKS = frozenset(
    "address article aside blockquote body center details dialog dd div dl dt fieldset figcaption "
    "figure footer form header hgroup hr html legend li main menu nav ol optgroup option p section "
    "select summary table tbody tfoot thead tr td th ul caption".split()
)
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
