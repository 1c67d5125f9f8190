"""Running heads, feet and page numbers, from the first and last lines of all pages of a document.

What the parser marked as header or footer is left out anyway, and counts here among the others;
this finds what a page or two do not tell: titles with OCR errors, chapter names that change, feet
of slides. In doubt a line is content, since what is left out of the chunks is found by nobody.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from store.boxes import heights
from store.models import Block, Page

Spans = tuple[tuple[int, int], ...]
"""Characters [start, end) of a page's canonical text."""

_ZONE = 0.15
"""Share of a pictured page's height, at its top and bottom, that running lines stand in."""
_MARGIN = 0.09
_MOST_LINES = 4
_FLOWED_LINES = 2
_LONGEST = 160
_FEWEST_PAGES = 3
_DENSITY = 0.4
"""Of the pages from its first to its last a running line is on this share: those on left pages
only, less a few."""
_FLOWED_SHARE = 0.5
_SAME_PLACE = 0.012
_SAME_TEXT = 0.55
_LEADERS = 40
_SHORT = 6
_IN_A_ROW = 4
_TITLED_PAGES = 8
_SKETCH = 16
_ALIKE = 0.5

_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_NUMBER = re.compile(r"\d+|(?<![^\W\d_])[ivxlc]{1,7}(?![^\W\d_])")
_CELLS = re.compile(r"\t| {2,}")
_SIGNS = re.compile(r"[\W_]+")
_PAGE_WORDS = re.compile(
    r"\b(?:page|pages|seite|blatt|sheet|folio|pagina|página|pág|pag|p|s|of|von|de|sur|di|van|av|из"
    r"|стр|страница)\b|[第页頁共]|ページ"
)
_APART = re.compile(r"(?:^|\t| {2,}|[|·•–—/])\s*#\s*(?:$|\t| {2,}|[|·•–—/])")
_AMOUNT = re.compile(r"[$€£¥%]|\d[.,]\d")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


class EdgeLine(NamedTuple):
    """A line at a page's edge; `y` is its middle and `height` its own, as shares of the page's.

    Both are 0 on a flowed page. `key` is its letters, with 0 for each of its `numbers`; `tells`
    says that they look like page numbers: alone, in a cell of their own or behind "page".
    """

    start: int
    end: int
    top: bool
    y: float
    height: float
    key: str
    numbers: tuple[int, ...]
    tells: bool
    heading: bool


class PageEdges(NamedTuple):
    """What is kept of a page: a few lines, and a sketch that tells whether pages are alike.

    `rows` is how many lines it has.
    """

    page: int
    pictured: bool
    lines: tuple[EdgeLine, ...]
    sketch: tuple[int, ...]
    rows: int


class OnPage(NamedTuple):
    """A line with the number of its page."""

    page: int
    line: EdgeLine


def edges_of(page: Page) -> PageEdges:
    """The lines of a page that might be running; about one kilobyte."""
    text = page.text
    found = [m.span() for m in _LINE.finditer(text)]
    places = heights(page.boxes, found) if page.boxes else {}
    pictured = bool(places)
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
            line = _edge_line(text, start, end, top, middle, y1 - y0, heading)
            if line.key:
                candidates.append(line)
    body = {zlib.crc32(_label(text[slice(*found[i])]).encode()) for i in rows if i not in taken}
    sketch = tuple(sorted(body)[:_SKETCH])
    return PageEdges(page.number, pictured, tuple(candidates), sketch, len(found))


def find_running_heads(pages: Sequence[PageEdges]) -> dict[int, Spans]:
    """Page number → what is running there; pages without any are missing.

    Nothing in a document of one or two pages or where nothing else would be left, and nothing but
    page numbers where the pages are alike, as filled-in forms are. A line that the document begins
    with stays there: nothing but it may name the company or say that all of this is confidential.
    """
    pages = [page for page in pages if page.lines or page.sketch]
    if len(pages) < _FEWEST_PAGES:
        return {}
    numbers = _counting(pages)
    words = [] if _alike(pages) else _repeated(pages)
    first = min(page.page for page in pages)
    running = [*numbers, *(each for each in words if each[0] != first)]
    running += _in_their_place(pages, [*numbers, *words], first)
    spans: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for page, line in running:
        spans[page].add((line.start, line.end))
    emptied = sum(len(spans[page.page]) >= page.rows for page in pages)
    if 2 * emptied > len(pages):
        return {}
    return {page: tuple(sorted(found)) for page, found in spans.items() if found}


def without(page: Page, heads: Spans) -> Page:
    """The page with `heads` as header blocks, cut out of the blocks that held them."""
    if not heads:
        return page
    blocks: list[Block] = [Block(kind="header", start=s, end=e) for s, e in heads]
    for block in page.blocks:
        blocks += _cut(block, heads, page.text)
    blocks.sort(key=lambda block: (block.start, block.end))
    return page.model_copy(update={"blocks": tuple(blocks)})


def _counting(pages: Sequence[PageEdges]) -> list[OnPage]:
    """Lines with a number that goes up with the pages, on three of them or more."""
    found: dict[tuple[bool, str, int, int], list[OnPage]] = defaultdict(list)
    for page in pages:
        for line in page.lines:
            for place, number in enumerate(line.numbers):
                found[line.top, line.key, place, number - page.page].append(OnPage(page.page, line))
    counting: list[OnPage] = []
    for group in found.values():
        # A lesson a page counts up too: other words ask for more pages than "page" does.
        fewest = _FEWEST_PAGES if group[0].line.tells else max(6, _DENSITY * len(pages))
        if len({each.page for each in group}) >= fewest:
            counting += group
    return [*counting, *_one_by_one(pages)]


def _one_by_one(pages: Sequence[PageEdges]) -> Iterator[OnPage]:
    """Page numbers that go up by one, over pages that have none."""
    found: dict[tuple[bool, str], list[OnPage]] = defaultdict(list)
    for page in pages:
        for line in page.lines:
            if line.tells:
                found[line.top, line.key].append(OnPage(page.page, line))
    for group in found.values():
        steps = [
            b.page > a.page and b.line.numbers[-1] - a.line.numbers[-1] == 1
            for a, b in pairwise(group)
        ]
        run = [group[0]]
        for step, each in zip([*steps, False], [*group[1:], group[0]], strict=True):
            if step:
                run.append(each)
                continue
            if len(run) >= _IN_A_ROW:
                yield from run
            run = [each]


def _repeated(pages: Sequence[PageEdges]) -> list[OnPage]:
    """Lines of the same words in the same place on most pages of a stretch."""
    pictured = sum(page.pictured for page in pages) * 2 > len(pages)
    repeated: list[OnPage] = []
    for group in _same_text(pages):
        for some in _same_place(group):
            numbers = {page for page, _ in some}
            stretch = max(numbers) - min(numbers) + 1
            readings = len({each.line.key for each in some})
            enough = len(numbers) >= max(_FEWEST_PAGES, 2 * readings - 1, _DENSITY * stretch)
            # A few pages under one title are as likely four letters of one kind.
            titled = 2 * sum(each.line.heading for each in some) > len(some)
            if titled and len(numbers) < _TITLED_PAGES:
                continue
            if enough and (pictured or len(numbers) >= _FLOWED_SHARE * len(pages)):
                repeated += some
    return repeated


def _in_their_place(
    pages: Sequence[PageEdges], running: Sequence[OnPage], first: int
) -> Iterator[OnPage]:
    """Lines where most pages have a running one: misread, or a name that only two pages have."""
    known = set(running)
    slots: dict[tuple[bool, int], list[OnPage]] = defaultdict(list)
    for each in known:
        if each.line.height:
            slots[each.line.top, round(each.line.y / _SAME_PLACE)].append(each)
    slots = {k: some for k, some in slots.items() if len(some) > len(pages) / 2}
    if not slots:
        return
    said = {k: {_grams(each.line.key) for each in some} for k, some in slots.items()}
    outermost = {OnPage(p.page, line) for p in pages for line in p.lines[:1]}
    outermost |= {
        OnPage(p.page, b) for p in pages for a, b in pairwise(p.lines) if a.top and not b.top
    }
    twice = Counter(each.line.key for each in outermost)
    for page in pages:
        for each in (OnPage(page.page, line) for line in page.lines):
            top, y = each.line.top, round(each.line.y / _SAME_PLACE)
            slot = next(((top, at) for at in (y, y - 1, y + 1) if (top, at) in slots), None)
            if slot is None or page.page == first or each in known:
                continue
            usual = slots[slot][0].line.height
            short = each.line.end - each.line.start <= _SHORT and each.line.tells
            misread = any(_similar(_grams(each.line.key), grams) for grams in said[slot])
            name = each in outermost and twice[each.line.key] > 1
            if abs(each.line.height - usual) <= 0.3 * usual and (short or misread or name):
                yield each


def _same_text(pages: Sequence[PageEdges]) -> Iterator[list[OnPage]]:
    """Lines grouped by their words, a few misread letters apart, and by their numbers."""
    groups: dict[tuple[bool, str, tuple[int, ...]], list[OnPage]] = {}
    for page in pages:
        for line in page.lines:
            if sum(map(str.isalpha, line.key)) >= 3:
                groups.setdefault((line.top, line.key, line.numbers), []).append(
                    OnPage(page.page, line)
                )
    # The commonest reading first: the others are taken for misreadings of it.
    leaders: list[tuple[bool, tuple[int, ...], frozenset[str], list[OnPage]]] = []
    for (top, key, numbers), some in sorted(groups.items(), key=lambda g: -len(g[1])):
        grams = _grams(key)
        for led_top, led_numbers, led, members in leaders[:_LEADERS]:
            if top == led_top and numbers == led_numbers and _similar(grams, led):
                members += some
                break
        else:
            leaders.append((top, numbers, grams, list(some)))
    yield from (members for *_, members in leaders)


def _grams(key: str) -> frozenset[str]:
    return frozenset(key[i : i + 3] for i in range(max(1, len(key) - 2)))


def _similar(a: frozenset[str], b: frozenset[str]) -> bool:
    """Whether one may be the other misread: of one length, for "(continued)" is no misreading."""
    if min(len(a), len(b)) < 6 or abs(len(a) - len(b)) > max(1.0, 0.08 * len(b)):
        return False
    shared = len(a & b)
    return shared >= _SAME_TEXT * (len(a) + len(b) - shared)


def _same_place(group: list[OnPage]) -> Iterator[list[OnPage]]:
    """A group cut where the lines' places differ; a title larger than those it names left out."""
    group = sorted(group, key=lambda each: each.line.y)
    cuts = [i for i, (a, b) in enumerate(pairwise(group), 1) if b.line.y - a.line.y > _SAME_PLACE]
    for start, end in pairwise([0, *cuts, len(group)]):
        some = group[start:end]
        usual = sorted(each.line.height for each in some)[len(some) // 2]
        yield [each for each in some if abs(each.line.height - usual) <= 0.3 * usual]


def _alike(pages: Sequence[PageEdges]) -> bool:
    """Whether most of what is between the edges is the same on most pages, or nothing is there."""
    holders = Counter(line for page in pages for line in page.sketch)
    repeated = {line for line, n in holders.items() if n > 1 and n >= 0.4 * len(pages)}
    said = Counter(line.key for page in pages for line in page.lines)
    shares = []
    for page in pages:
        if page.sketch:
            shares.append(sum(line in repeated for line in page.sketch) / len(page.sketch))
        else:  # short pages: all that they have is at an edge
            shares.append(float(all(said[line.key] > 1 for line in page.lines)))
    return sum(shares) / len(shares) > _ALIKE


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


def _edge_line(
    text: str, start: int, end: int, top: bool, y: float, height: float, heading: bool
) -> EdgeLine:
    folded = text[start:end].casefold()
    numbers = tuple(_value(m[0]) for m in _NUMBER.finditer(folded))
    marked = _NUMBER.sub("#", folded.replace("#", " "))
    letters = sum(map(str.isalpha, _PAGE_WORDS.sub("", marked)))
    return EdgeLine(
        start, end, top, y, height,
        key=_SIGNS.sub("", marked.replace("#", "0")),
        numbers=numbers,
        tells=bool(numbers)
        and not _AMOUNT.search(folded)
        and (letters < 3 or _APART.search(marked) is not None),
        heading=heading,
    )  # fmt: skip


def _value(number: str) -> int:
    if number[0] not in _ROMAN:
        return int(number[:9])
    values = [_ROMAN[c] for c in number]
    return sum(-v if v < after else v for v, after in pairwise([*values, 0]))


def _label(line: str) -> str:
    """What a line is about: a form's label without what was filled in."""
    return _CELLS.split(line.strip())[0].split(":")[0].casefold()


def _cut(block: Block, heads: Spans, text: str) -> Iterable[Block]:
    """The parts of a block before, between and after heads."""
    mine = [(s, e) for s, e in heads if s < block.end and e > block.start]
    if not mine:
        return [block]
    edges = [block.start, *(x for span in mine for x in span), block.end]
    parts = [
        (start, end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if text[start:end].strip()
    ]
    return [
        block.model_copy(
            update={
                "start": start,
                "end": end,
                "cells": tuple(c for c in block.cells if start <= c.start and c.end <= end),
            }
        )
        for start, end in parts
    ]
