"""Running heads, feet and page numbers, from the first and last lines of all pages of a document.

This finds what a page or two do not tell: titles with OCR errors, chapter names that change, feet
of slides. What a parser marked as header or footer is left out where it repeats here too, or is no
more than a page number: a letterhead stands in the margin as well. In doubt a line is content,
since what is left out of the chunks is found by nobody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ingestion.page_edges import EdgeLine, PageEdges, edges_of, is_page_number
from store.models import Block, Page

__all__ = ["OnPage", "Spans", "edges_of", "find_running_heads", "without"]

Spans = tuple[tuple[int, int], ...]
"""Characters [start, end) of a page's canonical text."""

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
_ALIKE = 0.5
_YEARS = range(1500, 2101)


class OnPage(NamedTuple):
    """A line with the number of its page."""

    page: int
    line: EdgeLine


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
    """The page with `heads` as header blocks, cut out of the blocks that held them.

    Of the headers and footers it had, only page numbers stay what they are; the rest is content.
    """
    blocks: list[Block] = [Block(kind="header", start=s, end=e) for s, e in heads]
    for block in page.blocks:
        margin = block.kind in ("header", "footer")
        if margin and not is_page_number(page.text[block.start : block.end]):
            block = block.model_copy(update={"kind": "paragraph"})
        blocks += _cut(block, heads, page.text)
    blocks.sort(key=lambda block: (block.start, block.end))
    return page.model_copy(update={"blocks": tuple(blocks)})


def _counting(pages: Sequence[PageEdges]) -> list[OnPage]:
    """Page numbers that go up with the pages, on three of them or more.

    Other numbers do so too (of invoices, lessons, patients) and are what a page is about.
    """
    found: dict[tuple[object, ...], list[OnPage]] = defaultdict(list)
    following: dict[int, dict[int, int]] = defaultdict(dict)
    for page in pages:
        for line in page.lines:
            for place in _places(line):
                number = line.numbers[place]
                key = (line.top, line.key, place, number - page.page, _others(line, place))
                found[key].append(OnPage(page.page, line))
                of_year = line.key == "00" and max(line.numbers) in _YEARS  # 3 / 2024
                following[number - page.page][page.page] = max(line.numbers) if of_year else number
    believed = {
        offset
        for offset, numbers in following.items()
        if len(numbers) >= _fewest(min(numbers.values()))
    }
    counting: list[OnPage] = []
    for (*_, offset, _), group in found.items():
        many = len({each.page for each in group}) >= _FEWEST_PAGES
        if many and (offset in believed or group[0].line.says_page):
            counting += group
    return [*counting, *_one_by_one(pages)]


def _one_by_one(pages: Sequence[PageEdges]) -> Iterator[OnPage]:
    """Page numbers that go up by one, over pages that have none."""
    found: dict[tuple[object, ...], list[OnPage]] = defaultdict(list)
    for page in pages:
        for line in page.lines:
            if places := _places(line):
                key = (line.top, line.key, _others(line, places[-1]))
                found[key].append(OnPage(page.page, line))
    for group in found.values():
        at = group[0].line.counts[-1]
        steps = [
            b.page > a.page and b.line.numbers[at] - a.line.numbers[at] == 1
            for a, b in pairwise(group)
        ]
        run = [group[0]]
        for step, each in zip([*steps, False], [*group[1:], group[0]], strict=True):
            if step:
                run.append(each)
                continue
            first = run[0].line
            if len(run) >= max(_IN_A_ROW, 0 if first.says_page else _fewest(first.numbers[at])):
                yield from run
            run = [each]


def _places(line: EdgeLine) -> tuple[int, ...]:
    """Which of its numbers may be its page's; none in a title that does not say so."""
    return () if line.title and not line.says_page else line.counts


def _others(line: EdgeLine, place: int) -> tuple[int, ...]:
    """The numbers beside a page's, which stay the same where they are part of a running line."""
    return line.numbers[:place] + line.numbers[place + 1 :]


def _fewest(first: int) -> int:
    """Pages that numbers from `first` on must go along with: 2018 is as likely a year."""
    return _FEWEST_PAGES if first < 100 else 20 if first < 1000 else 100


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
