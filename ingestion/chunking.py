"""Cuts pages into chunks by their structure: sections, sentences, tables by rows.

A chunk and its header together fit the embedder's budget, so that no tail is left unembedded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from typing import NamedTuple

from ingestion.chunk_headers import CountTokens, Headers
from ingestion.chunk_units import Piece, Unit, page_pieces, split_unit
from ingestion.languages import Languages
from ingestion.running_heads import Spans, edges_of, find_running_heads, without
from store.models import Frozen, Page, Span

CHUNKER = "structure-3"
"""Names the rules of this file and the format of the header; change it when either changes."""

HEADER_TOKENS = 40
OVERLAP_TOKENS = 40
MAX_WORDS = 180
_MARKS = 2
"""Tokens that the model itself puts around a text, which `count_tokens` leaves out."""
MOST_TOKENS = 256 - _MARKS
"""Of a chunk and its header together, as `count_tokens` counts them."""
_PAGES_AT_ONCE = 16


class ChunkDraft(Frozen):
    """A chunk before the catalog knows it; `text` is the spans' text joined by newlines."""

    spans: tuple[Span, ...]
    page: int
    section: str
    header: str
    text: str
    language: str | None = None


def chunk_pages(
    pages: Sequence[Page],
    *,
    title: str | None,
    name: str,
    date: str | None,
    count_tokens: CountTokens,
    budget_tokens: int = 256,
) -> list[ChunkDraft]:
    """Chunks of all pages of a document, which are in memory already; see `each_chunk`."""
    heads = find_running_heads([edges_of(page) for page in pages])
    found = each_chunk(
        pages,
        heads=heads,
        title=title,
        name=name,
        date=date,
        count_tokens=count_tokens,
        budget_tokens=budget_tokens,
    )
    return list(found)


def each_chunk(
    pages: Iterable[Page],
    *,
    heads: Mapping[int, Spans],
    title: str | None,
    name: str,
    date: str | None,
    count_tokens: CountTokens,
    budget_tokens: int = 256,
) -> Iterator[ChunkDraft]:
    """Chunks of a document's pages in reading order; none crosses a page.

    A few pages are held at a time: those of a long document take gigabytes.
    `heads` is what `find_running_heads` found in the edges of all pages. `count_tokens` gives the
    tokens of each text; it is called less than once a page. Every character that is not white
    space is in a chunk, but those of page headers and footers. Words are only cut where one alone
    is longer than the budget.
    """
    headers = Headers(title, name, date, count_tokens, min(HEADER_TOKENS, budget_tokens // 4))
    languages = Languages()
    path: tuple[tuple[int, str], ...] = ()
    coming = iter(pages)
    while window := list(islice(coming, _PAGES_AT_ONCE)):
        read: list[tuple[Page, list[Piece]]] = []
        for page in window:
            pieces, path = page_pieces(without(page, heads.get(page.number, ())), path)
            read.append((page, pieces))
        texts = [page.text[u.start : u.end] for page, found in read for p in found for u in p.units]
        headers.learn({p.section for _, found in read for p in found})
        counts = iter(count_tokens(texts) if texts else ())
        drafts: list[ChunkDraft] = []
        for page, found in read:
            for piece in found:
                header, used = headers.of(piece.section)
                room = budget_tokens - _MARKS - used
                measured = [_Measured(u, next(counts)) for u in piece.units]
                for spans in _packed(page.text, piece, measured, room, count_tokens):
                    drafts.append(_draft(page, piece, header, spans))
        told = languages.of([draft.text for draft in drafts])
        for draft, language in zip(drafts, told, strict=True):
            yield draft.model_copy(update={"language": language})


class _Measured(NamedTuple):
    unit: Unit
    tokens: int


@dataclass(slots=True)
class _Open:
    """A chunk as it fills: characters [start, end) and what they cost."""

    start: int
    end: int
    tokens: int
    words: int
    last: _Measured


def _draft(page: Page, piece: Piece, header: str, spans: list[tuple[int, int]]) -> ChunkDraft:
    return ChunkDraft(
        spans=tuple(Span(page_id=page.id, start=start, end=end) for start, end in spans),
        page=page.number,
        section=" › ".join(piece.section),
        header=header,
        text="\n".join(page.text[start:end] for start, end in spans),
    )


def _packed(
    text: str, piece: Piece, measured: list[_Measured], room: int, count_tokens: CountTokens
) -> Iterator[list[tuple[int, int]]]:
    """The spans of each chunk of one piece of a section."""
    lead, head = measured[: piece.lead_units], measured[piece.lead_units :][: piece.header_units]
    rows = measured[len(lead) + len(head) :]
    head_tokens = sum(m.tokens for m in head)
    lead_tokens = sum(m.tokens for m in lead)
    whole = head_tokens + lead_tokens + sum(m.tokens for m in rows)
    if not head or not rows or whole <= room or 2 * (head_tokens + lead_tokens) > room:
        overlap = not piece.is_table
        for span in _fill(text, measured, room, count_tokens, overlap=overlap):
            yield [span]
        return
    named = (head[0].unit.start, head[-1].unit.end)
    first = True
    for start, end in _fill(
        text, rows, room - head_tokens - lead_tokens, count_tokens, overlap=False
    ):
        if first:
            yield [((lead or head)[0].unit.start, end)]
        else:
            yield [named, (start, end)]
        first = False


def _fill(
    text: str,
    measured: list[_Measured],
    room: int,
    count_tokens: CountTokens,
    *,
    overlap: bool,
) -> Iterator[tuple[int, int]]:
    """Fills chunks with whole units, about equally, each within `room` tokens."""
    # What follows a heading leaves room for it, so that none stands at a chunk's end by itself.
    first = sum(m.tokens for m in takewhile(lambda m: m.unit.words <= 12, measured[:3]))
    limit = room - first if len(measured) > 1 and first <= room // 4 else room
    measured = _fitting(text, measured, limit, count_tokens)
    tokens = sum(m.tokens for m in measured)
    words = sum(m.unit.words for m in measured)
    parts = max(1, math.ceil(tokens / room), math.ceil(words / MAX_WORDS))
    enough_tokens, enough_words = tokens / parts, words / parts
    chunks: list[_Open] = []
    for m in measured:
        chunk = chunks[-1] if chunks else None
        if (
            chunk is None
            or chunk.tokens + m.tokens > room
            or (parts > 1 and (chunk.tokens >= enough_tokens or chunk.words >= enough_words))
        ):
            chunks.append(_Open(m.unit.start, m.unit.end, m.tokens, m.unit.words, m))
        else:
            chunk.end, chunk.last = m.unit.end, m
            chunk.tokens += m.tokens
            chunk.words += m.unit.words
    starts = {chunk.start for chunk in chunks[:1]}
    for before, chunk in pairwise(chunks):
        # One sentence of the chunk before, where both its cost and this chunk's stay bounded.
        last = before.last
        fits = last.tokens <= OVERLAP_TOKENS and chunk.tokens + last.tokens <= room
        if overlap and fits and last.unit.start not in starts and last.unit.start > before.start:
            chunk.start = last.unit.start
        starts.add(chunk.start)
    yield from ((chunk.start, chunk.end) for chunk in chunks)


def _fitting(
    text: str, measured: list[_Measured], room: int, count_tokens: CountTokens
) -> list[_Measured]:
    """The same units with those above `room` cut at words."""
    if all(m.tokens <= room for m in measured):
        return measured
    fitting: list[_Measured] = []
    for m in measured:
        if m.tokens <= room:
            fitting.append(m)
            continue
        words = split_unit(text, m.unit, 0)
        counts = count_tokens([text[w.start : w.end] for w in words])
        for word, count in zip(words, counts, strict=True):
            if count <= room:
                fitting.append(_Measured(word, count))
            else:
                # A character is at most four tokens in any tokenizer used here.
                small = split_unit(text, word, max(1, room // 4))
                fitting.extend(
                    _Measured(part, n)
                    for part, n in zip(
                        small, count_tokens([text[p.start : p.end] for p in small]), strict=True
                    )
                )
    return fitting
