"""Running heads, feet and page numbers: what stands at a page's edge and is not its content.

What several pages of a file have there in common is running; on a single page only signs that
hardly anything else bears count: page numbers, notes of a download, a line of left, middle and
right. What is taken for an edge is not searched, so in doubt a row is content.
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
_NUMBER = r"[0-9]{1,4}|[ivxlc]{1,7}|[A-Z]{1,2}-?[0-9]{1,3}"
_PAGE_NUMBER = re.compile(
    rf"(page |[-–—|] ?)?({_NUMBER})( ?[-–—|]| ?(of|/|von|sur|de) ?[0-9]{{1,5}})?"
    r"|.{0,80}[|·•–-] ?(page )?[0-9]{1,5}"
    r"|[0-9]{1,5} ?[|·•] ?.{0,80}|.{0,80} page [0-9]{1,5}( of [0-9]{1,5})?",
    re.IGNORECASE,
)
_PLAIN_NUMBER = re.compile(rf"(?:page |p\. ?|seite )?(?:{_NUMBER})", re.IGNORECASE)
_NOTICE = re.compile(
    r"download(ed)? (from|by|date|on)\b|published by \S|printed (on|from|by)\b"
    r"|arxiv:\d{4}\.\d|this (content|article|page|document) (was )?downloaded"
    r"|digiti[sz]ed by\b|^(https?://|www\.)\S+$|\ball rights reserved\b"
    r"|^(©|\(c\)|copyright)\W.{0,80}$",
    re.IGNORECASE,
)
_MARK = re.compile(r"[*†‡§¶#]|[0-9]{1,2}[ .)]|\([0-9a-z]\)|[0-9]{1,2}[A-Z]")
_DIGIT = re.compile(r"[0-9]+")
_CONTACT = re.compile(r"@|\biban\b|\bbic\b|[0-9][0-9 ./-]{7,}[0-9]", re.IGNORECASE)


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
        if not row.upright and beside and _NOTICE.search(row.text):
            found[i] = "header"
    for edge in ("header", "footer"):
        down = edge == "header"
        order = sorted(upright, key=lambda i: rows[i].y0 if down else -rows[i].y1)
        for n, i in enumerate(order[: _MOST_ROWS + 1]):
            inner = rows[order[n + 1]] if n + 1 < len(order) else None
            if n == _MOST_ROWS or not _is_edge(
                rows[i], inner, n, edge, size, body, running, first_page
            ):
                break
            found[i] = edge
    return found if len(found) < len(rows) else {}


def _is_edge(
    row: Row, inner: Row | None, depth: int, edge: Edge, size: tuple[float, float], body: float,
    running: Running, first_page: bool,
) -> bool:  # fmt: skip
    width, height = size
    text = row.text
    middle = (row.y0 + row.y1) / 2
    place = middle / height if edge == "header" else 1 - middle / height
    gap = 9e9
    if inner is not None:
        gap = inner.y0 - row.y1 if edge == "header" else row.y0 - inner.y1
    small = min(row.height, body)
    centred = abs((row.x0 + row.x1) / 2 - width / 2) < 0.06 * width
    if place > ZONE:
        # A short page: its number stands alone in the middle, far below the last line.
        return (
            edge == "footer" and depth == 0 and centred and gap > 1.2 * small
            and row.text.isdigit() and len(text) < 4
        )  # fmt: skip
    if running.has(text, edge) and (not first_page or _PAGE_NUMBER.fullmatch(text)):
        return True
    if _NOTICE.search(text) and len(text) < 160:
        return True
    if row.height > 1.25 * body:
        return False
    if place < 0.1 and _PAGE_NUMBER.fullmatch(text) and not _is_amount(text):
        return row.height <= 1.1 * body
    if gap < 0.6 * small or len(text) > 140 or any(map(_CONTACT.search, row.cell_texts)):
        return False
    if 1 < len(row.cells) <= 4:
        numbered = any(_PLAIN_NUMBER.fullmatch(c) for c in (row.cell_texts[0], row.cell_texts[-1]))
        numbered |= len(row.cells) == 3 and bool(_PLAIN_NUMBER.fullmatch(row.cell_texts[1]))
        spread = row.x1 - row.x0 > 0.6 * width
        if depth == 0 and numbered and spread and place < 0.1:
            return True
        short = all(len(c) <= 40 and any(map(str.isalpha, c)) for c in row.cell_texts)
        beside_prose = inner is not None and len(inner.cells) == 1
        if len(row.cells) == 3 and short and spread and depth == 0 and beside_prose:
            return True
    alone = depth == 0 and gap > 3 * small and row.height < 0.85 * body and len(text) <= 80
    digits = any(ch.isdigit() for ch in text)
    return alone and place < 0.08 and not _MARK.match(text) and not (first_page and digits)


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


def _is_amount(text: str) -> bool:
    return bool(re.search(r"[$€£%]|[0-9][.,][0-9]", text))
