"""What belongs to a quote: the rest of its list, the sentence that its pronoun points to, and the
sources that say otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from retrieval.asked_for import Wanted
from retrieval.instructions import instructs
from retrieval.sources import Piece, Source, passages
from retrieval.words import content_stems
from store.models import Page, Span

MOST_ITEMS = 40
LONGEST_BEFORE = 300
"""Characters of a sentence that is quoted because the next one points to it."""
SAME_MATTER = 0.5
"""Share of the question's words that two sources hold which are said to differ."""

_ITEM = re.compile(r"\s*(?:[-*•‣◦▪●○–—]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivx]{1,4})[.)])\s+\S")
_POINTS_BACK = re.compile(
    r"(?:it|its|this|these|those|they|their|he|his|she|her|such|both|the latter|the former)\b",
    re.IGNORECASE,
)
_ASKS_FOR_LIST = re.compile(
    r"^\W*(?:please )?(?:list|name|enumerate|give me all)\b|\b(?:who|what|which|welche\w*|cuáles)"
    r" (?:are|were|sind|waren|son)\b|\b(?:steps?|ways|how (?:do|can|should) (?:i|we|you)|how to)\b"
    r"|\b(?:what|which) (?:\w+ ){0,2}?(?!is\b|was\b|does\b|has\b|this\b|its\b|as\b)"
    r"\w{2,}(?<![su])s\b",
    re.IGNORECASE,
)
_NUMERAL = re.compile(r"\d+(?:[.,:/-]\d+)*")
_ISO_DATE = re.compile(r"\b(\d{4}(?:-\d\d){0,2})\W*$")


def completed(question: str, passage: Source, pages: Mapping[int, Page], room: int) -> Source:
    """The passage with the rest of its list where the question asks for one or the passage only
    announces it, or with the sentence before it where its pronoun points there.

    `room` is how many sentences may be added besides the items of a list.
    """
    if len(passage.pieces) != 1:  # a table's row has its header with it
        return passage
    text = passage.pieces[0].text
    announces = text.rstrip().endswith((":", "："))
    if announces or (_ITEM.match(text) and _ASKS_FOR_LIST.search(question)):
        return _with_list(passage, _beside(passage, pages), pages)
    if room and _POINTS_BACK.match(text):
        return _with_antecedent(passage, _beside(passage, pages), pages)
    return passage


def numerals(text: str) -> frozenset[str]:
    """The numbers in a text as they are written, separators aside."""
    return frozenset(re.sub(r"\D", "", found) for found in _NUMERAL.findall(text))


def differing(question: str, kept: Sequence[Source], kind: Wanted | None) -> list[Source]:
    """Those of the quotes, the newest first, that answer with other numbers or dates than the best
    one, from other documents; empty where none does."""
    if kind is None or not kind.counts or not kept:
        return []
    asked = set(content_stems(question))
    best = kept[0]
    own = kind.values(best.text)
    others = [
        source
        for source in kept[1:]
        if source.document_id != best.document_id
        and own
        and (theirs := kind.values(source.text))
        and not own & theirs
        and _about(source, asked) >= SAME_MATTER <= _about(best, asked)
    ]
    return sorted([best, *others], key=lambda s: dated(s) or "", reverse=True) if others else []


def difference(sources: Sequence[Source]) -> str:
    """A sentence on sources that differ, in the order they are shown."""
    named = [f"“{s.doc}”" + (f" ({date})" if (date := dated(s)) else "") for s in sources]
    listed = f"{', '.join(named[:-1])} and {named[-1]}"
    dates = [dated(s) for s in sources]
    newer = " The newest is shown first." if all(dates) and len(set(dates)) > 1 else ""
    return f"The sources do not agree: {listed} say different things.{newer}"


def dated(source: Source) -> str | None:
    """The ISO date of the source's document, None where it has none."""
    found = _ISO_DATE.search(source.header)
    return found.group(1) if found else None


def _about(source: Source, asked: set[str]) -> float:
    held = set(content_stems(f"{source.header}\n{source.section}\n{source.text}"))
    return len(asked & held) / len(asked) if asked else 0.0


def _beside(passage: Source, pages: Mapping[int, Page]) -> list[Source]:
    """The passages of the whole page, also beyond the chunk."""
    span = passage.pieces[0].span
    page = pages[span.page_id]
    whole = Span(page_id=page.id, start=0, end=len(page.text))
    return passages(passage.only([Piece(span=whole, page=page.number, text=page.text)]), pages)


def _with_list(passage: Source, beside: list[Source], pages: Mapping[int, Page]) -> Source:
    at = _place(passage, beside)
    if at is None:
        return passage
    text = pages[passage.pieces[0].span.page_id].text
    first = at
    while first > 0 and _goes_on(beside[first - 1], beside[first], text):
        first -= 1
    last = at
    while last + 1 < len(beside) and _goes_on(beside[last], beside[last + 1], text):
        last += 1
    # A sentence that announces a list stands before its first item.
    if first > 0 and _ITEM.match(beside[first].text) and _announces(beside[first - 1]):
        first -= 1
    elif _announces(beside[at]) and last == at:
        last = min(at + 1, len(beside) - 1)
    pieces = [piece for one in beside[first : last + 1] for piece in one.pieces]
    if len(pieces) > MOST_ITEMS or any(instructs(piece.text) for piece in pieces):
        return passage
    return passage.only(pieces)


def _goes_on(one: Source, other: Source, text: str) -> bool:
    """Whether a list that `one` belongs to goes on in `other`, the passage after it."""
    if len(one.pieces) != 1 or len(other.pieces) != 1:
        return False
    item = _ITEM.match(other.text) is not None
    if _announces(one) and item:
        return True
    between = text[one.pieces[0].span.end : other.pieces[0].span.start]
    if "\n" in between.strip(" \t") and between.count("\n") > 1:
        return item and _ITEM.match(one.text) is not None
    # The second sentence of an item goes with it; after a line of its own, only another item.
    return item or (_ITEM.match(one.text) is not None and "\n" not in between)


def _announces(source: Source) -> bool:
    return source.text.rstrip().endswith((":", "："))


def _with_antecedent(passage: Source, beside: list[Source], pages: Mapping[int, Page]) -> Source:
    at = _place(passage, beside)
    if not at:
        return passage
    before, own = beside[at - 1].pieces[-1], passage.pieces[0]
    between = pages[own.span.page_id].text[before.span.end : own.span.start]
    near = len(beside[at - 1].pieces) == 1 and "\n\n" not in between
    if not near or len(before.text) > LONGEST_BEFORE or instructs(before.text):
        return passage
    return passage.only([before, own])


def _place(passage: Source, beside: Sequence[Source]) -> int | None:
    start = passage.pieces[0].span.start
    return next((i for i, s in enumerate(beside) if s.pieces[0].span.start == start), None)


def of_one_table(one: Source, other: Source) -> bool:
    """Whether both are rows under the same heading row."""
    rows = one.pieces, other.pieces
    return all(len(pieces) > 1 for pieces in rows) and rows[0][0] == rows[1][0]


def rows_in_order(quotes: Sequence[Source]) -> list[Source]:
    """The quotes with the rows of a table together, as they stand in it."""
    found: list[Source] = []
    for quote in quotes:
        if quote not in found:
            rows = [other for other in quotes if other is quote or of_one_table(quote, other)]
            found += sorted(rows, key=lambda source: source.spans[-1].start)
    return found
