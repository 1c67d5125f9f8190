"""Rows of a PDF page → its canonical text, packed word boxes and blocks.

Words are separated by one space, cells by two, rows by a newline, blocks by a blank line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ingestion.parsers.pdf_rows import Row, make_rows
from ingestion.parsers.pdf_tables import Table, find_tables
from ingestion.parsers.pdf_text import Words
from store.boxes import pack_arrays
from store.models import Block, BlockKind, Cell

_BULLET = re.compile(r"([•▪◦●○■□‣⁃∙·*–—-]|\(?[0-9]{1,3}[.)]|\(?[a-zA-Z][.)]|\([ivx]{1,5}\))( |$)")
_PAGE_NUMBER = re.compile(
    r"(page |[-–—] ?)?[0-9ivx]{1,5}( ?[-–—]| ?(of|/) ?[0-9]{1,5})?"
    r"|.{0,80}[|·•–-] ?(page )?[0-9]{1,5}"
    r"|[0-9]{1,5} ?[|·•] ?.{0,80}|.{0,80} page [0-9]{1,5}( of [0-9]{1,5})?",
    re.IGNORECASE,
)
_EDGE = 0.09
_HEADING_SIZES = ((1.6, 1), (1.3, 2), (1.12, 3))


@dataclass(frozen=True)
class Laid:
    """A page laid out; `title` is its largest heading."""

    text: str
    boxes: bytes
    blocks: tuple[Block, ...]
    title: str | None


@dataclass
class _Piece:
    """Rows [first, last) that make one block."""

    kind: BlockKind
    first: int
    last: int
    level: int = 0
    table: Table | None = None


def lay_out(words: Words, size: tuple[float, float], is_bold: Callable[[int], bool]) -> Laid:
    """`size` is the page's width and height in points; `is_bold` takes a character's index."""
    if not words.texts:
        return Laid("", b"", (), None)
    rows = make_rows(words, is_bold)
    pieces = _pieces(rows, find_tables(rows, words.boxes.tolist()), size[1])
    text, order, starts, ends = _write(rows, pieces, words)
    boxes = words.boxes[order] / (size[0], size[1], size[0], size[1])
    painted = ~np.isnan(boxes[:, 0])
    blob = pack_arrays(starts[painted], ends[painted], boxes[painted])
    at = dict(zip(order, zip(starts.tolist(), ends.tolist(), strict=True), strict=True))
    blocks = tuple(_block(piece, rows, at) for piece in pieces)
    return Laid(text, blob, blocks, _title(pieces, rows))


def _pieces(rows: list[Row], tables: list[Table], page_height: float) -> list[_Piece]:
    body = _body_height(rows)
    space = _usual_gap(rows)
    pieces: list[_Piece] = []
    done = 0
    for table in [*tables, None]:
        stop = table.first if table else len(rows)
        pieces += _prose(rows, done, stop, body, space)
        if table:
            pieces.append(_Piece("table", table.first, table.last, table=table))
            done = table.last
    _mark_edges(pieces, rows, page_height, body)
    return pieces


def _prose(rows: list[Row], first: int, last: int, body: float, space: float) -> list[_Piece]:
    pieces: list[_Piece] = []
    for i in range(first, last):
        row = rows[i]
        if pieces and not _starts_block(rows[i - 1], row, space, pieces[-1], rows):
            pieces[-1].last = i + 1
            continue
        pieces.append(_Piece("list" if _BULLET.match(row.text) else "paragraph", i, i + 1))
    for piece in pieces:
        level = _heading_level(rows[piece.first : piece.last], body)
        if level:
            piece.kind, piece.level = "heading", level
    return pieces


def _starts_block(above: Row, row: Row, space: float, piece: _Piece, rows: list[Row]) -> bool:
    gap = row.y0 - above.y1
    smaller = min(above.height, row.height)
    if row.y0 < above.y0 - 0.5 * smaller or above.upright != row.upright:
        return True
    if gap > space + 0.35 * smaller or max(above.height, row.height) > 1.15 * smaller:
        return True
    if above.bold != row.bold:
        return True
    if _BULLET.match(row.text):
        # Items of a list stay together; a list ends the paragraph before it only when marked by
        # a sign, since a line of prose may begin with a number.
        return piece.kind != "list" and not row.text[:1].isalnum()
    return piece.kind == "list" and row.x0 < rows[piece.first].x0 - 0.5 * smaller


def _heading_level(rows: list[Row], body: float) -> int:
    text = " ".join(r.text for r in rows)
    if len(rows) > 3 or len(text) > 200 or sum(c.isalpha() for c in text) < 2:
        return 0
    if not rows[0].upright:
        return 0
    height = max(r.height for r in rows)
    for ratio, level in _HEADING_SIZES:
        if height >= ratio * body and len(text) > 2:
            return level
    bold = all(r.bold for r in rows) and len(text) <= 120 and height >= 0.9 * body
    return 4 if bold and not text.endswith((".", ",", ";", ":")) else 0


def _mark_edges(pieces: list[_Piece], rows: list[Row], page_height: float, body: float) -> None:
    """Page numbers with what stands beside them, at the very top or bottom, set apart."""
    if len(rows) < 2:
        return
    for kind, row in (
        ("header", min(rows, key=lambda r: r.y0)), ("footer", max(rows, key=lambda r: r.y0)),
    ):  # fmt: skip
        edge = row.y1 < _EDGE * page_height or row.y0 > (1 - _EDGE) * page_height
        if not edge or row.height > 1.1 * body or not _PAGE_NUMBER.fullmatch(row.text):
            continue
        for piece in pieces:
            if rows[piece.first] is row and piece.last == piece.first + 1:
                piece.kind, piece.level = ("header" if kind == "header" else "footer"), 0


def _write(
    rows: list[Row], pieces: list[_Piece], words: Words
) -> tuple[str, list[int], np.ndarray, np.ndarray]:
    """The text, the words in its order, and their first and past-last characters."""
    parts: list[str] = []
    order: list[int] = []
    for piece in pieces:
        before_row = "\n\n" if parts else ""
        for row in rows[piece.first : piece.last]:
            before_cell = before_row
            for cell in row.cells:
                before = before_cell
                for w in cell:
                    parts += ("" if before == " " and words.glued[w] else before, words.texts[w])
                    order.append(w)
                    before = " "
                before_cell = "  "
            before_row = "\n"
    ends = np.cumsum([len(p) for p in parts])[1::2]
    starts = ends - [len(words.texts[w]) for w in order]
    return "".join(parts), order, starts, ends


def _block(piece: _Piece, rows: list[Row], at: dict[int, tuple[int, int]]) -> Block:
    mine = rows[piece.first : piece.last]
    start = at[mine[0].cells[0][0]][0]
    end = at[mine[-1].cells[-1][-1]][1]
    cells: list[Cell] = []
    if piece.table:
        for r, (row, columns) in enumerate(zip(mine, piece.table.columns, strict=True)):
            for words, column in zip(row.cells, columns, strict=True):
                cells.append(
                    Cell(
                        start=at[words[0]][0],
                        end=at[words[-1]][1],
                        row=r,
                        column=column,
                        header=r < piece.table.header_rows,
                    )
                )
    return Block(kind=piece.kind, start=start, end=end, level=piece.level, cells=tuple(cells))


def _title(pieces: list[_Piece], rows: list[Row]) -> str | None:
    headings = [p for p in pieces if p.kind == "heading" and 1 <= p.level <= 3]
    if not headings:
        return None
    best = max(headings, key=lambda p: max(r.height for r in rows[p.first : p.last]))
    return " ".join(r.text for r in rows[best.first : best.last])[:200]


def _body_height(rows: list[Row]) -> float:
    """Half of the page's characters are in rows of at most this height."""
    ordered = sorted((r.height, len(r.text)) for r in rows)
    half = sum(n for _, n in ordered) / 2
    for height, n in ordered:
        half -= n
        if half <= 0:
            return height
    return ordered[-1][0]


def _usual_gap(rows: list[Row]) -> float:
    gaps = sorted(
        below.y0 - above.y1
        for above, below in pairwise(rows)
        if above.y0 < below.y0 < above.y0 + 4 * above.height
    )
    return gaps[len(gaps) // 2] if gaps else 0.0
