"""From loose pieces of lines to a text in reading order: columns, rows, blocks."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingestion.ocr.words import Line, Rect, Word
from store.models import Block

WIDE_GAP = 2.5
"""A gap this many line heights wide parts cells of a row: it becomes a tab."""
BLOCK_PITCH = 1.45
"""Lines this much further apart than usual stand in different blocks."""
PROSE_WORDS = 3.0
MIN_COLUMN_LINES = 4
HEADING_HEIGHT = 1.3


@dataclass(frozen=True)
class Placed:
    """A word in the text: characters [start, end) with confidence and box in the view's pixels."""

    start: int
    end: int
    confidence: float
    box: Rect


@dataclass(frozen=True)
class Text:
    """Canonical text with its words, lines and blocks as offsets."""

    text: str
    words: tuple[Placed, ...]
    lines: tuple[tuple[int, int], ...]
    blocks: tuple[Block, ...]


def arrange(lines: Sequence[Line]) -> Text:
    """The text of these line pieces: rows joined left to right, columns one after the other."""
    pieces = [part for line in lines for part in _parted(line)]
    blocks = [block for region in _columns(pieces) for block in _blocks(_rows(region))]
    return _written([b for b in blocks if b])


def _parted(line: Line) -> list[Line]:
    """The line cut at its wide gaps, so that columns can be told apart."""
    parts: list[list[Word]] = []
    for word in line.words:
        if parts and word.box[0] - parts[-1][-1].box[2] <= WIDE_GAP * line.height:
            parts[-1].append(word)
        else:
            parts.append([word])
    return [Line(tuple(p)) for p in parts]


def _columns(pieces: list[Line]) -> list[list[Line]]:
    """Regions in reading order: a run of lines with prose on both sides of a gutter is split there.

    Tables, forms and receipts have gutters too, but short cells; they stay whole and are read
    row by row.
    """
    if len(pieces) < 2 * MIN_COLUMN_LINES:
        return [pieces] if pieces else []
    pieces = sorted(pieces, key=lambda p: p.middle)
    best: tuple[int, int, int, float] | None = None
    for gutter in sorted({round(p.box[0] - 0.5) for p in pieces}):
        for start, end in _uncrossed(pieces, gutter):
            left = [p for p in pieces[start:end] if p.box[2] <= gutter + 1]
            right = [p for p in pieces[start:end] if p.box[0] >= gutter - 1]
            lines = min(len(left), len(right))
            if (best is None or lines > best[0]) and _is_prose(left) and _is_prose(right):
                best = (lines, start, end, gutter)
    if best is None:
        return [pieces]
    _, start, end, gutter = best
    left = [p for p in pieces[start:end] if p.box[2] <= gutter + 1]
    right = [p for p in pieces[start:end] if p.box[2] > gutter + 1]
    parts = (pieces[:start], left, right, pieces[end:])
    return [region for part in parts for region in _columns(part)]


def _uncrossed(pieces: list[Line], gutter: float) -> list[tuple[int, int]]:
    """Longest runs of pieces (sorted by height on the page) none of which crosses `gutter`."""
    runs, start = [], 0
    for i, piece in enumerate([*pieces, None]):
        if piece is None or (piece.box[0] < gutter - 1 and piece.box[2] > gutter + 1):
            if i - start >= 2 * MIN_COLUMN_LINES:
                runs.append((start, i))
            start = i + 1
    return runs


def _is_prose(column: list[Line]) -> bool:
    """Whether these pieces are lines of a column of text rather than cells of a table."""
    if len(column) < MIN_COLUMN_LINES:
        return False
    left, right = min(p.box[0] for p in column), max(p.box[2] for p in column)
    fills = [(p.box[2] - p.box[0]) / max(1.0, right - left) for p in column]
    words = sum(len(p.words) for p in column) / len(column)
    return words >= PROSE_WORDS and median(fills) >= 0.6


def _rows(pieces: list[Line]) -> list[Line]:
    """Pieces at the same height beside each other, joined into one line each, top to bottom."""
    rows: list[list[Line]] = []
    for piece in sorted(pieces, key=lambda p: p.middle):
        fitting = [row for row in rows[-6:] if _stands_beside(row, piece)]
        if fitting:
            min(fitting, key=lambda row: abs(_nearest(row, piece).middle - piece.middle)).append(
                piece
            )
        else:
            rows.append([piece])
    joined = []
    for row in rows:
        row.sort(key=lambda p: p.box[0])
        joined.append(Line(tuple(word for piece in row for word in piece.words)))
    return sorted(joined, key=lambda line: line.middle)


def _stands_beside(row: list[Line], piece: Line) -> bool:
    near = _nearest(row, piece)
    low = min(near.height, piece.height)
    apart = all(
        piece.box[0] > p.box[2] - 0.3 * low or piece.box[2] < p.box[0] + 0.3 * low for p in row
    )
    return apart and abs(near.middle - piece.middle) < 0.5 * low


def _nearest(row: list[Line], piece: Line) -> Line:
    return min(row, key=lambda p: max(p.box[0] - piece.box[2], piece.box[0] - p.box[2]))


def _blocks(rows: list[Line]) -> list[list[Line]]:
    """Rows parted where they stand further apart than usual or change their size."""
    if not rows:
        return []
    pitches = [b.middle - a.middle for a, b in pairwise(rows)]
    usual = median(pitches) if len(pitches) > 2 else 2.0 * median(r.height for r in rows)
    blocks = [[rows[0]]]
    for row, pitch in zip(rows[1:], pitches, strict=True):
        before = blocks[-1][-1]
        taller = max(before.height, row.height) / min(before.height, row.height)
        if pitch > BLOCK_PITCH * usual or (taller > HEADING_HEIGHT and pitch > 1.15 * usual):
            blocks.append([])
        blocks[-1].append(row)
    return blocks


def _written(blocks: list[list[Line]]) -> Text:
    text: list[str] = []
    at = 0
    words: list[Placed] = []
    lines: list[tuple[int, int]] = []
    made: list[Block] = []
    body = median(r.height for b in blocks for r in b) if blocks else 0.0

    def put(piece: str) -> None:
        nonlocal at
        text.append(piece)
        at += len(piece)

    for n, block in enumerate(blocks):
        if n:
            put("\n\n")
        block_start = at
        for m, row in enumerate(block):
            if m:
                put("\n")
            line_start = at
            for i, word in enumerate(row.words):
                clean = canonical(word.text)
                if not clean:
                    continue
                if at > line_start:
                    put(_between(row, i))
                words.append(Placed(at, at + len(clean), word.confidence, word.box))
                put(clean)
            lines.append((line_start, at))
        tall = len(block) <= 2 and median(r.height for r in block) > HEADING_HEIGHT * body
        heading = tall and len(blocks) > 1 and any(c.isalpha() for c in "".join(text)[block_start:])
        kind = "heading" if heading else "paragraph"
        made.append(Block(kind=kind, start=block_start, end=at, level=1 if heading else 0))
    return Text("".join(text), tuple(words), tuple(lines), tuple(made))


def _between(row: Line, i: int) -> str:
    word, before = row.words[i], row.words[i - 1]
    if word.box[0] - before.box[2] > WIDE_GAP * row.height:
        return "\t"
    return "" if word.joined else " "


def canonical(word: str) -> str:
    """NFC without spaces and control characters."""
    composed = unicodedata.normalize("NFC", word)
    return "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cs", "Zs"))
