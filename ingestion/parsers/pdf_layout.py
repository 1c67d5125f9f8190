"""Rows of a PDF page → its canonical text, packed word boxes and blocks.

Words are separated by one space, cells by two, rows by a newline, blocks by a blank line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ingestion.parsers.pdf_columns import part_columns
from ingestion.parsers.pdf_edges import NOT_RUNNING, Edge, Running, edges_of
from ingestion.parsers.pdf_grid import Grid, grids
from ingestion.parsers.pdf_order import columns as count_columns
from ingestion.parsers.pdf_order import reading_order
from ingestion.parsers.pdf_paint import Paint
from ingestion.parsers.pdf_rows import Row, make_rows, row_of_cells
from ingestion.parsers.pdf_tables import Table, find_tables, ruled_header_rows
from ingestion.parsers.pdf_text import Words, only, reordered
from ingestion.parsers.pdf_wrapped import join_wrapped
from store.boxes import pack_arrays
from store.models import Block, BlockKind, Cell

_BULLET = re.compile(r"([•▪◦●○■□‣⁃∙·*–—-]|\(?[0-9]{1,3}[.)]|\(?[a-zA-Z][.)]|\([ivx]{1,5}\))( |$)")
_CAPTION = re.compile(
    r"(fig(ure|\.)?|table|chart|exhibit|scheme|plate|abb(ildung|\.)?|tab(elle|\.)?|tableau|tabla)"
    r"\s+([A-Z]?[0-9]+|[IVX]+)([.–-][0-9]+)*\s*(?P<sign>[.:|–—-]|$)?",
    re.IGNORECASE,
)
_FOOTNOTE = re.compile(r"([0-9]{1,3}|[*†‡§¶]{1,3}|\([0-9a-z]{1,2}\)|[a-z])[ .)]? ?\S")
_LOWER_HALF = 0.5
_HEADING_SIZES = ((1.6, 1), (1.3, 2), (1.12, 3))


@dataclass(frozen=True)
class Laid:
    """A page laid out; `title` is its largest heading, `columns` how many stand side by side."""

    text: str
    boxes: bytes
    blocks: tuple[Block, ...]
    title: str | None
    columns: int = 1


@dataclass
class _Piece:
    """Rows [first, last) that make one block."""

    kind: BlockKind
    first: int
    last: int
    level: int = 0
    table: Table | None = None


def lay_out(
    words: Words, size: tuple[float, float], is_bold: Callable[[int], bool], *,
    running: Running = NOT_RUNNING, number: int = 0, paint: Paint | None = None,
) -> Laid:  # fmt: skip
    """`size` is the page's width and height in points; `is_bold` takes a character's index.

    `running` is what the file's pages have in common at their edges; `paint` gives the lines of
    ruled tables.
    """
    if not words.texts:
        return Laid("", b"", (), None)
    words, ruled = _ruled(words, paint, size)
    plain = len(words.texts) - sum(len(w) for grid in ruled for row in grid.rows for _, w in row)
    rows = part_columns(make_rows(_first(words, plain), is_bold), words) if plain else []
    rows = join_wrapped(rows, words.boxes.tolist())
    rows, tables = _with_grids(rows, ruled, words, is_bold)
    body = _body_height(rows)
    edges = edges_of(rows, size, body, running, number == 1)
    pieces, columns = _pieces(rows, edges, words, size, body, tables)
    text, order, starts, ends = _write(rows, pieces, words)
    boxes = words.boxes[order] / (size[0], size[1], size[0], size[1])
    painted = ~np.isnan(boxes[:, 0])
    blob = pack_arrays(starts[painted], ends[painted], boxes[painted])
    at = dict(zip(order, zip(starts.tolist(), ends.tolist(), strict=True), strict=True))
    blocks = tuple(_block(piece, rows, at) for piece in pieces)
    return Laid(text, blob, blocks, _title(pieces, rows), columns)


def _ruled(
    words: Words, paint: Paint | None, size: tuple[float, float]
) -> tuple[Words, list[Grid]]:
    """The words with those of ruled tables moved to the end, cell by cell, and these tables."""
    found = [] if paint is None else grids(words, paint.paths(), size)
    if not found:
        return words, found
    inside = [w for grid in found for row in grid.rows for _, mine in row for w in mine]
    free = np.ones(len(words.texts), bool)
    free[inside] = False
    order = [*np.flatnonzero(free).tolist(), *inside]
    at = {w: i for i, w in enumerate(order)}
    moved = [
        Grid([[(c, [at[w] for w in mine]) for c, mine in row] for row in grid.rows])
        for grid in found
    ]
    return reordered(words, order), moved


def _first(words: Words, count: int) -> Words:
    return only(words, np.arange(len(words.texts)) < count)


def _with_grids(
    rows: list[Row], ruled: list[Grid], words: Words, is_bold: Callable[[int], bool]
) -> tuple[list[Row], list[Table]]:
    """The rows with those of ruled tables among them, each table before the first row below it."""
    tables: list[Table] = []
    for grid in ruled:
        mine = [row_of_cells([w for _, w in row], words, is_bold) for row in grid.rows]
        top, left, right = mine[0].y0, min(r.x0 for r in mine), max(r.x1 for r in mine)
        at = next(
            (i for i, r in enumerate(rows) if r.y0 >= top and r.x1 > left and r.x0 < right),
            len(rows),
        )
        inner = next((t for t in tables if t.first < at < t.last), None)
        at = inner.last if inner else at
        tables = [
            replace(t, first=t.first + len(mine), last=t.last + len(mine)) if t.first >= at else t
            for t in tables
        ]
        rows = [*rows[:at], *mine, *rows[at:]]
        columns = [[c for c, _ in row] for row in grid.rows]
        tables.append(Table(at, at + len(mine), columns, ruled_header_rows(mine)))
    return rows, tables


def _pieces(
    rows: list[Row], edges: dict[int, Edge], words: Words, size: tuple[float, float], body: float,
    ruled: list[Table],
) -> tuple[list[_Piece], int]:  # fmt: skip
    """Heads first, then the body in reading order, its footnotes, and what is at the foot."""
    space = _usual_gap(rows)
    pieces: list[_Piece] = []
    done = 0
    apart = {*edges, *(i for table in ruled for i in range(table.first, table.last))}
    tables = [*ruled, *find_tables(rows, words.boxes.tolist(), apart)]
    for table in [*sorted(tables, key=lambda t: t.first), None]:
        stop = table.first if table else len(rows)
        pieces += _prose(rows, done, stop, body, space, edges)
        if table:
            pieces.append(_Piece("table", table.first, table.last, table=table))
            done = table.last
    by_kind: dict[str, list[_Piece]] = {"header": [], "body": [], "footer": []}
    for piece in pieces:
        by_kind[edges.get(piece.first, "body")].append(piece)
    for edge in ("header", "footer"):
        by_kind[edge].sort(key=lambda p: rows[p.first].y0)
        for piece in by_kind[edge]:
            piece.kind, piece.level = edge, 0
    main, columns = _ordered(by_kind["body"], rows, size)
    _mark_captions(main, rows)
    notes = _mark_notes(main, rows, body, size[1])
    main = [p for p in main if p not in notes] + notes
    return [*by_kind["header"], *main, *by_kind["footer"]], columns


def _ordered(
    pieces: list[_Piece], rows: list[Row], size: tuple[float, float]
) -> tuple[list[_Piece], int]:
    if not pieces:
        return pieces, 1
    boxes = np.array([_box_of(rows[p.first : p.last]) for p in pieces])
    heights = np.array([rows[p.first].height for p in pieces])
    order = reading_order(boxes, heights)
    counts = np.array([0 if p.kind == "table" else p.last - p.first for p in pieces])
    return [pieces[i] for i in order], count_columns(boxes, counts, size[0])


def _box_of(rows: list[Row]) -> tuple[float, float, float, float]:
    return (
        min(r.x0 for r in rows), min(r.y0 for r in rows),
        max(r.x1 for r in rows), max(r.y1 for r in rows),
    )  # fmt: skip


def _mark_captions(pieces: list[_Piece], rows: list[Row]) -> None:
    for i, piece in enumerate(pieces):
        if piece.kind not in ("paragraph", "heading") or piece.last - piece.first > 6:
            continue
        match = _CAPTION.match(rows[piece.first].text)
        if match is None:
            continue
        near = pieces[max(0, i - 1) : i + 2]
        if match["sign"] is not None or any(p.kind == "table" for p in near):
            piece.kind, piece.level = "caption", 0


def _mark_notes(
    pieces: list[_Piece], rows: list[Row], body: float, page_height: float
) -> list[_Piece]:
    """Footnotes: small print that begins with a mark, in the lower half, with no body below it."""
    notes: list[_Piece] = []
    for piece in pieces:
        mine = rows[piece.first : piece.last]
        if piece.kind not in ("paragraph", "list") or mine[0].y0 < _LOWER_HALF * page_height:
            continue
        if max(r.height for r in mine) > 0.92 * body or not _FOOTNOTE.match(mine[0].text):
            continue
        x0, _, x1, y1 = _box_of(mine)
        below = any(
            rows[p.first].y0 > y1 and rows[p.first].height > 0.92 * body
            and min(x1, rows[p.first].x1) > max(x0, rows[p.first].x0)
            for p in pieces
        )  # fmt: skip
        if not below:
            piece.kind = "note"
            notes.append(piece)
    return notes


def _prose(
    rows: list[Row], first: int, last: int, body: float, space: float, edges: dict[int, Edge]
) -> list[_Piece]:
    pieces: list[_Piece] = []
    for i in range(first, last):
        row = rows[i]
        apart = i in edges or i - 1 in edges
        if pieces and not apart and not _starts_block(rows[i - 1], row, space, pieces[-1], rows):
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
