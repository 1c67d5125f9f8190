"""The lines at the edges of a page, and whether they look like page numbers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from store.boxes import heights
from store.models import Block, Page

_ZONE = 0.15
"""Share of a pictured page's height, at its top and bottom, that running lines stand in."""
_MARGIN = 0.09
_MOST_LINES = 4
_FLOWED_LINES = 2
_LONGEST = 160
_TALLER = 1.5
"""Times the usual line of its page: a line of that height is a title."""
_SKETCH = 16

_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_NUMBER = re.compile(r"\d+|(?<![^\W\d_])[ivxlc]{1,7}(?![^\W\d_])")
_CELLS = re.compile(r"\t| {2,}")
_SIGNS = re.compile(r"[\W_]+")
_PAGE_WORDS = re.compile(
    r"\b(?:page|pages|pg|seite|blatt|sheet|folio|pagina|página|pág|pag|p|s|of|von|de|sur|di|van|av"
    r"|из|стр|страница)\b|[第页頁共]|ページ"
)
_PAGE_NUMBER = re.compile(
    r"(?:\b(?:pages?|pg|seite|p[aá]gina|p[aá]g|стр|страница)\b|第|ページ)[\s.:#-]{0,4}"
    r"(?:\b(?:no|nr)\b[\s.:]{0,3})?\x00"
)
"""Behind "page", whatever else the line says; \\0 stands for a number."""
_ALONE = re.compile(r"[\s\x00.,/|·•–—()\[\]<>~*_=-]*")
_APPENDIX = re.compile(r"\W*[a-z]\s?[-–.]\s?\x00\W*")
_APART = re.compile(r"(?:^|\t| {2,}|[|·•–—/])\s*(\x00)\s*(?:$|\t| {2,}|[|·•–—/])")
_NAMED = re.compile(
    r"(?:\b(?:no|nr|num|number|nummer|n[uú]mero|numéro|id)\b[.:]?|[:№§#°])\s*\x00"
    r"|^\W*[^\W\d_]+\s*\x00\W*$"
)
"""Numbers of something other than a page: "Invoice No.   7", "Week   7"."""
_AMOUNT = re.compile(r"[$€£¥%]|\d[.,]\d")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


class EdgeLine(NamedTuple):
    """A line at a page's edge; `y` is its middle and `height` its own, as shares of the page's.

    Both are 0 on a flowed page. `key` is its letters, with 0 for each of its `numbers`; `counts`
    are the places of those that look like page numbers: alone, in a cell of their own or behind
    "page", which `says_page` tells. A `title` is a heading or clearly taller than its page's lines.
    """

    start: int
    end: int
    top: bool
    y: float
    height: float
    key: str
    numbers: tuple[int, ...]
    counts: tuple[int, ...]
    says_page: bool
    heading: bool
    title: bool

    @property
    def tells(self) -> bool:
        """Whether it looks like a page number."""
        return bool(self.counts)


class PageEdges(NamedTuple):
    """What is kept of a page: a few lines, and a sketch that tells whether pages are alike.

    `rows` is how many lines it has.
    """

    page: int
    pictured: bool
    lines: tuple[EdgeLine, ...]
    sketch: tuple[int, ...]
    rows: int


def is_page_number(text: str) -> bool:
    """Whether a line says nothing but on which page it stands."""
    marked = _NUMBER.sub("\0", text.casefold().replace("\0", " "))
    return "\0" in marked and bool(_ALONE.fullmatch(_PAGE_WORDS.sub("", marked)))


def edges_of(page: Page) -> PageEdges:
    """The lines of a page that might be running; about one kilobyte."""
    text = page.text
    found = [m.span() for m in _LINE.finditer(text)]
    places = heights(page.boxes, found) if page.boxes else {}
    pictured = bool(places)
    usual = median(y1 - y0 for y0, y1 in places.values()) if pictured else 0.0
    rows = list(range(len(found)))
    if pictured:
        rows = sorted(places, key=lambda i: places[i][0] + places[i][1])
    most = min(_MOST_LINES if pictured else _FLOWED_LINES, len(rows))
    candidates: list[EdgeLine] = []
    taken: set[int] = set()
    for top in (True, False):
        row = rows if top else rows[::-1]
        for at, i in enumerate(row[:most]):
            start, end = found[i]
            y0, y1 = places.get(i, (0.0, 0.0))
            middle = (y0 + y1) / 2
            if pictured and at and (middle > _ZONE if top else middle < 1 - _ZONE):
                break  # the outermost may stand anywhere: some margins are wide
            beyond = row[at + 1] if at + 1 < len(row) else None
            gap = _gap(places, i, beyond) if pictured else 0.0
            if (
                i in taken
                or end - start > _LONGEST
                or _is_content(page, found, i, beyond, gap, middle if top else 1 - middle)
            ):
                continue
            taken.add(i)
            block = _block_at(page, found[i])
            heading = block is not None and block.kind == "heading"
            title = heading or y1 - y0 > _TALLER * usual
            line = _edge_line(text, start, end, top, middle, y1 - y0)
            line = line._replace(heading=heading, title=title)
            if line.key:
                candidates.append(line)
    body = {zlib.crc32(_label(text[slice(*found[i])]).encode()) for i in rows if i not in taken}
    sketch = tuple(sorted(body)[:_SKETCH])
    return PageEdges(page.number, pictured, tuple(candidates), sketch, len(found))


def _is_content(
    page: Page,
    found: Sequence[tuple[int, int]],
    i: int,
    beyond: int | None,
    gap: float,
    distance: float,
) -> bool:
    """Whether a line belongs to what follows it: a table's row, a slide's title.

    `gap` is the space to the line `beyond` in heights of the line, `distance` that of its middle
    to the page's edge.
    """
    block = _block_at(page, found[i])
    in_margin = distance < _MARGIN and gap >= 1.0
    if block is not None and block.kind in ("table", "code"):
        return not in_margin
    if page.boxes is None:
        return block is not None and block.kind == "heading"
    if beyond is None or in_margin or gap > 1.0:
        return False
    below = _block_at(page, found[beyond])
    return (below is not None and below.kind == "table") or min(
        len(_CELLS.split(page.text[slice(*found[n])])) for n in (i, beyond)
    ) >= 2


def _block_at(page: Page, line: tuple[int, int]) -> Block | None:
    return next((b for b in page.blocks if b.start <= line[0] and line[1] <= b.end), None)


def _gap(places: Mapping[int, tuple[float, float]], i: int, beyond: int | None) -> float:
    if beyond is None:
        return 9.0
    (a0, a1), (b0, b1) = places[i], places[beyond]
    return max(b0 - a1, a0 - b1) / max(a1 - a0, 1e-6)


def _edge_line(text: str, start: int, end: int, top: bool, y: float, height: float) -> EdgeLine:
    folded = text[start:end].casefold()
    marked = _NUMBER.sub("\0", folded.replace("\0", " "))
    behind = _PAGE_NUMBER.search(marked)
    return EdgeLine(
        start, end, top, y, height,
        key=_SIGNS.sub("", marked.replace("\0", "0")),
        numbers=tuple(_value(m[0]) for m in _NUMBER.finditer(folded)),
        counts=() if _AMOUNT.search(folded) else _counts(marked, behind),
        says_page=behind is not None,
        heading=False,
        title=False,
    )  # fmt: skip


def _counts(marked: str, behind: re.Match[str] | None) -> tuple[int, ...]:
    """Which of a line's numbers, each a \\0, may be its page's."""
    if behind is not None:
        return (marked.count("\0", 0, behind.end()) - 1,)
    count = marked.count("\0")
    if not count or _NAMED.search(marked):
        return ()
    if _APPENDIX.fullmatch(marked):
        return (0,)
    if _ALONE.fullmatch(_PAGE_WORDS.sub("", marked)):
        return tuple(range(count)) if count < 3 else ()  # three are a date
    return tuple(marked.count("\0", 0, m.start(1)) for m in _APART.finditer(marked))


def _value(number: str) -> int:
    if number[0] not in _ROMAN:
        return int(number[:9])
    values = [_ROMAN[c] for c in number]
    return sum(-v if v < after else v for v, after in pairwise([*values, 0]))


def _label(line: str) -> str:
    """What a line is about: a form's label without what was filled in."""
    return _CELLS.split(line.strip())[0].split(":")[0].casefold()
