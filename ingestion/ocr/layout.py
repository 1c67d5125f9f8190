"""From loose pieces of lines to a text in reading order: columns, rows, blocks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ingestion.ocr.tables import Table, find_tables
from ingestion.ocr.words import Line, Rect, Word
from store.models import Block, Cell

WIDE_GAP = 2.5
"""A gap this many line heights wide parts cells of a row: it becomes a tab."""
BLOCK_PITCH = 1.45
"""Lines this much further apart than usual stand in different blocks."""
PROSE_WORDS = 3.0
MIN_COLUMN_LINES = 4
GUTTER_STEP_PX = 8
MAX_GUTTERS = 40
MAX_PIECES = 3000
"""More pieces than this are noise; looking for columns among them would take minutes."""
HEADING_HEIGHT = 1.3
AMOUNT_GAP = 0.9
_CUT_AMOUNT = re.compile(r"\W?[A-Z]{0,3}\W?\d{1,3}(?:,\d{3})*(?:[.,] \d\d|[.,]\d \d)[)%*-]?[A-Z]?")


@dataclass(frozen=True)
class Placed:
    """A word in the text: characters [start, end) with confidence and box in the view's pixels."""

    start: int
    end: int
    confidence: float
    box: Rect


@dataclass(frozen=True)
class Text:
    """Canonical text with its words, lines and blocks as offsets.

    `columns`: columns of prose that stand side by side, 1 where there are none.
    """

    text: str
    words: tuple[Placed, ...]
    lines: tuple[tuple[int, int], ...]
    blocks: tuple[Block, ...]
    columns: int = 1


def arrange(lines: Sequence[Line]) -> Text:
    """The text of these line pieces: rows joined left to right, columns one after the other."""
    pieces = [part for line in lines for part in _parted(line)]
    regions, columns = _columns(pieces)
    blocks = [block for region in regions for block in _tabled(_rows(region))]
    return _written(blocks, columns)


def _parted(line: Line) -> list[Line]:
    """The line cut at its wide gaps, so that columns can be told apart."""
    parts: list[list[Word]] = []
    for word in line.words:
        if parts and word.box[0] - parts[-1][-1].box[2] <= WIDE_GAP * line.height:
            parts[-1].append(word)
        else:
            parts.append([word])
    return [Line(tuple(p)) for p in parts]


def _columns(pieces: list[Line]) -> tuple[list[list[Line]], int]:
    """Regions in reading order, and how many columns stand side by side.

    A run of lines with prose on both sides of a gutter is split there. Tables, forms and receipts
    have gutters too, but short cells; they stay whole and are read row by row.
    """
    if not 2 * MIN_COLUMN_LINES <= len(pieces) <= MAX_PIECES:
        return ([pieces] if pieces else []), 1
    cut = _gutter(pieces)
    if cut is None:
        return [pieces], 1
    pieces = sorted(pieces, key=lambda p: p.middle)
    start, end, gutter = cut
    left = [p for p in pieces[start:end] if p.box[2] <= gutter + 1]
    right = [p for p in pieces[start:end] if p.box[2] > gutter + 1]
    parts = [_columns(part) for part in (pieces[:start], left, right, pieces[end:])]
    columns = max(parts[0][1], parts[1][1] + parts[2][1], parts[3][1])
    return [region for regions, _ in parts for region in regions], columns


def _gutter(pieces: list[Line]) -> tuple[int, int, float] | None:
    """The gutter beside which most lines of prose stand, with the run of pieces it parts."""
    pieces = sorted(pieces, key=lambda p: p.middle)
    best: tuple[int, int, int, float] | None = None
    for gutter in _candidates(pieces):
        for start, end in _uncrossed(pieces, gutter):
            left = [p for p in pieces[start:end] if p.box[2] <= gutter + 1]
            right = [p for p in pieces[start:end] if p.box[0] >= gutter - 1]
            lines = min(len(left), len(right))
            if (best is None or lines > best[0]) and _is_prose(left) and _is_prose(right):
                best = (lines, start, end, gutter)
    return best and best[1:]


def _candidates(pieces: list[Line]) -> list[float]:
    """Where pieces begin, the most frequent places first to count: a column's left edge."""
    begins = Counter(round(p.box[0] - 0.5) // GUTTER_STEP_PX for p in pieces)
    often = {at for at, _ in begins.most_common(MAX_GUTTERS)}
    lefts = {round(p.box[0] - 0.5) for p in pieces}
    return sorted(x for x in lefts if x // GUTTER_STEP_PX in often)


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
        joined.append(_amounts_whole(Line(tuple(word for piece in row for word in piece.words))))
    return sorted(joined, key=lambda line: line.middle)


def _amounts_whole(row: Line) -> Line:
    """The row with amounts whole that were read as "159." and "97".

    Type of one width leaves a gap behind the point, which in a column of figures looks like that
    between two columns. A number of a list ("3. 12 apples") has more words close behind it.
    """
    words: list[Word] = []
    for i, word in enumerate(row.words):
        far = AMOUNT_GAP * row.height
        ends = i + 1 == len(row.words) or row.words[i + 1].box[0] - word.box[2] > far
        if words and ends and word.box[0] - words[-1].box[2] < far:
            before = words[-1]
            if _CUT_AMOUNT.fullmatch(f"{before.text} {word.text}"):
                (x0, y0, _, y1), (_, top, x1, bottom) = before.box, word.box
                words[-1] = replace(
                    before,
                    text=before.text + word.text,
                    confidence=min(before.confidence, word.confidence),
                    box=(x0, min(y0, top), x1, max(y1, bottom)),
                )
                continue
        words.append(word)
    return row if len(words) == len(row.words) else Line(tuple(words))


def _stands_beside(row: list[Line], piece: Line) -> bool:
    near = _nearest(row, piece)
    low = min(near.height, piece.height)
    apart = all(
        piece.box[0] > p.box[2] - 0.3 * low or piece.box[2] < p.box[0] + 0.3 * low for p in row
    )
    return apart and abs(near.middle - piece.middle) < 0.5 * low


def _nearest(row: list[Line], piece: Line) -> Line:
    return min(row, key=lambda p: max(p.box[0] - piece.box[2], piece.box[0] - p.box[2]))


@dataclass(frozen=True)
class _Piece:
    """Rows of one block; `table` says how they are parted into cells."""

    rows: list[Line]
    table: Table | None = None


def _tabled(rows: list[Line]) -> list[_Piece]:
    """Tables among the rows, and between them blocks of lines."""
    pieces: list[_Piece] = []
    done = 0
    for table in find_tables(rows):
        pieces += [_Piece(block) for block in _blocks(rows[done : table.first])]
        pieces.append(_Piece(rows[table.first : table.last], table))
        done = table.last
    return pieces + [_Piece(block) for block in _blocks(rows[done:])]


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


def _written(pieces: list[_Piece], columns: int) -> Text:
    writer = _Writer()
    blocks: list[Block] = []
    body = median(r.height for p in pieces for r in p.rows) if pieces else 0.0
    for n, piece in enumerate(pieces):
        if n:
            writer.put("\n\n")
        start = writer.at
        cells: list[Cell] = []
        for m, row in enumerate(piece.rows):
            if m:
                writer.put("\n")
            line_start = writer.at
            if piece.table is None:
                writer.row(row)
            else:
                cells += writer.cells(row, m, piece.table)
            writer.lines.append((line_start, writer.at))
        if cells:
            blocks.append(Block(kind="table", start=start, end=writer.at, cells=tuple(cells)))
            continue
        tall = len(piece.rows) <= 2 and median(r.height for r in piece.rows) > HEADING_HEIGHT * body
        named = any(c.isalpha() for word in piece.rows[0].words for c in word.text)
        heading = tall and len(pieces) > 1 and named
        kind = "heading" if heading else "paragraph"
        blocks.append(Block(kind=kind, start=start, end=writer.at, level=1 if heading else 0))
    return Text(
        "".join(writer.text), tuple(writer.words), tuple(writer.lines), tuple(blocks), columns
    )


class _Writer:
    """Puts words one after the other and notes where each came to stand."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.at = 0
        self.words: list[Placed] = []
        self.lines: list[tuple[int, int]] = []

    def put(self, piece: str) -> None:
        self.text.append(piece)
        self.at += len(piece)

    def row(self, row: Line) -> None:
        begin = self.at
        for i, word in enumerate(row.words):
            self._word(word, _between(row, i) if self.at > begin else "")

    def cells(self, row: Line, number: int, table: Table) -> list[Cell]:
        made: list[Cell] = []
        begin = self.at
        for first, last, column in table.cells[number]:
            if self.at > begin:
                self.put("\t")
            start = self.at
            for i in range(first, last):
                word = row.words[i]
                self._word(word, "" if self.at == start or word.joined else " ")
            header = number < table.header_rows
            if self.at > start:
                made.append(
                    Cell(start=start, end=self.at, row=number, column=column, header=header)
                )
        return made

    def _word(self, word: Word, before: str) -> None:
        clean = canonical(word.text)
        if clean:
            self.put(before)
            self.words.append(Placed(self.at, self.at + len(clean), word.confidence, word.box))
            self.put(clean)


def _between(row: Line, i: int) -> str:
    word, before = row.words[i], row.words[i - 1]
    if word.box[0] - before.box[2] > WIDE_GAP * row.height:
        return "\t"
    return "" if word.joined else " "


def canonical(word: str) -> str:
    """NFC without spaces and control characters."""
    composed = unicodedata.normalize("NFC", word)
    return "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cs", "Zs"))
