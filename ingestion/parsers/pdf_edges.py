"""Running heads, feet and page numbers: what stands at a page's edge and is not its content.

What several pages of a file have there in common is running. On a page alone only signs count that
hardly anything else bears: a bare page number, a note of a download, a line from margin to margin
with a page number. What is taken for an edge and does not repeat is
searched all the same (`ingestion.running_heads`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ingestion.parsers.pdf_rows import Row

Edge = Literal["header", "footer"]

ZONE = 0.12
"""Share of the page's height at its top and bottom where running lines are looked for."""
_MOST_ROWS = 3
_MARGIN = 0.07
_ROMAN = "c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
_NUMBER = rf"(?:[0-9]{{1,4}}|(?=[ivxlc]){_ROMAN})"
_PAGE_NUMBER = re.compile(
    rf"(?:(?:page|seite|p\.) ?)?{_NUMBER}(?: ?(?:of|/|von|sur|de) ?[0-9]{{1,5}})?"
    rf"|([-–—|]) ?{_NUMBER} ?\1",
    re.IGNORECASE,
)
_ENDS_IN_NUMBER = re.compile(
    r".{0,80}[|·•–-] ?(page )?[0-9]{1,5}|[0-9]{1,5} ?[|·•] ?.{0,80}"
    r"|.{0,80} page [0-9]{1,5}( of [0-9]{1,5})?",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"(this (content|article|page|document) (was )?)?downloaded (from|by|on|at)\b.*"
    r"(://|\w\.\w|[0-9])|download date\W.{0,30}$|digiti[sz]ed by google$|arxiv:\d{4}\.\d",
    re.IGNORECASE,
)
_BARE_NUMBER = re.compile(rf"(?:(?:page|seite|p\.) ?)?{_NUMBER}", re.IGNORECASE)
_CONTACT = re.compile(r"@|\biban\b|\bbic\b|[0-9][0-9 ./-]{7,}[0-9]", re.IGNORECASE)
_DIGIT = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Running:
    """Lines that several pages have at their top or bottom, without spaces, numbers as `#`."""

    top: frozenset[str] = frozenset()
    bottom: frozenset[str] = frozenset()

    def has(self, text: str, edge: Edge) -> bool:
        return _key(text) in (self.top if edge == "header" else self.bottom)


NOT_RUNNING = Running()


def learn(pages: Iterable[tuple[list[str], np.ndarray, float]]) -> Running:
    """From a few pages: words, their boxes float [n, 4], the page's height in points."""
    top: Counter[str] = Counter()
    bottom: Counter[str] = Counter()
    for texts, boxes, height in pages:
        middles = (boxes[:, 1] + boxes[:, 3]) / 2
        with np.errstate(invalid="ignore"):
            upper, lower = middles < ZONE * height, middles > (1 - ZONE) * height
        top.update({_key(line) for line in _lines(texts, boxes, upper)})
        bottom.update({_key(line) for line in _lines(texts, boxes, lower)})
    return Running(
        frozenset(k for k, n in top.items() if n > 1 and _says_something(k)),
        frozenset(k for k, n in bottom.items() if n > 1 and _says_something(k)),
    )


def edges_of(
    rows: list[Row], size: tuple[float, float], body: float, running: Running, first_page: bool
) -> dict[int, Edge]:
    """Numbers of the rows that are edges. `body` is the usual height of a row."""
    found: dict[int, Edge] = {}
    if len(rows) < 2:
        return found
    upright = [i for i, row in enumerate(rows) if row.upright]
    for i, row in enumerate(rows):
        beside = row.x1 < _MARGIN * size[0] or row.x0 > (1 - _MARGIN) * size[0]
        if not row.upright and beside and _NOTICE.match(row.text):
            found[i] = "header"
    for edge in ("header", "footer"):
        down = edge == "header"
        order = sorted(upright, key=lambda i: rows[i].y0 if down else -rows[i].y1)
        outermost = True
        for n, i in enumerate(order[:_MOST_ROWS]):
            inner = rows[order[n + 1]] if n + 1 < len(order) else None
            if _is_edge(rows[i], inner, n, edge, size, body, running, first_page, outermost):
                found[i] = edge
            else:
                outermost = False
    return found if len(found) < len(rows) else {}


def _is_edge(
    row: Row, inner: Row | None, depth: int, edge: Edge, size: tuple[float, float], body: float,
    running: Running, first_page: bool, outermost: bool,
) -> bool:  # fmt: skip
    """`outermost`: all rows between this one and the page's edge are edges as well; behind others
    stands at most a page number, well apart from what follows."""
    width, height = size
    text = row.text
    middle = (row.y0 + row.y1) / 2
    place = middle / height if edge == "header" else 1 - middle / height
    gap = 9e9
    if inner is not None:
        gap = inner.y0 - row.y1 if edge == "header" else row.y0 - inner.y1
    numbered = bool(_PAGE_NUMBER.fullmatch(text))
    apart = gap > 1.2 * min(row.height, body)
    if place > ZONE:
        # A short page: its number stands alone in the middle, far below the last line.
        centred = abs((row.x0 + row.x1) / 2 - width / 2) < 0.06 * width
        return edge == "footer" and depth == 0 and centred and apart and (
            text.isdigit() and len(text) < 4
        )  # fmt: skip
    if outermost and running.has(text, edge) and (
        not first_page or numbered or _ENDS_IN_NUMBER.fullmatch(text)
    ):  # fmt: skip
        return True
    if outermost and _NOTICE.match(text) and len(text) < 160:
        return True
    if numbered and (outermost or apart) and place < 0.1 and row.height <= 1.1 * body:
        return True
    # From margin to margin, with the page's number at an end or in the middle.
    cells = row.cell_texts
    across = 1 < len(cells) <= 4 and row.x1 - row.x0 > 0.6 * width and place < 0.1
    if not across or not outermost or depth or row.height > 1.1 * body or len(text) > 140:
        return False
    if gap < 0.6 * min(row.height, body) or any(map(_CONTACT.search, cells)):
        return False
    ends = (cells[0], cells[-1], cells[1] if len(cells) == 3 else "")
    return any(_BARE_NUMBER.fullmatch(cell) for cell in ends)


def _lines(texts: list[str], boxes: np.ndarray, chosen: np.ndarray) -> list[str]:
    """The outermost words as lines, left to right."""
    words = np.flatnonzero(chosen)
    lines: list[tuple[float, list[tuple[float, str]]]] = []
    for w in words[np.argsort(boxes[words, 3], kind="stable")].tolist():
        middle, height = (boxes[w, 1] + boxes[w, 3]) / 2, boxes[w, 3] - boxes[w, 1]
        if not lines or abs(lines[-1][0] - middle) > 0.5 * height:
            lines.append((middle, []))
        lines[-1][1].append((float(boxes[w, 0]), texts[w]))
    return [" ".join(t for _, t in sorted(line)) for _, line in lines]


def _key(text: str) -> str:
    return _DIGIT.sub("#", "".join(text.lower().split()))


def _says_something(key: str) -> bool:
    """Rows of figures alone are a table's."""
    return len(key) <= 160 and (key.count("#") <= 2 or sum(c.isalpha() for c in key) > 12)
