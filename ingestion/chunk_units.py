"""A page as the smallest things a chunk is made of: sentences and table rows, by section."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from store.models import Block, Page
from store.sentences import sentences

_WORD = re.compile(r"\S+")
_LINE = re.compile(r"[^\n]+")
_MAX_HEADER_LINES = 3
_MAX_LEAD_WORDS = 40

Path = tuple[tuple[int, str], ...]
"""The headings above a place in the text: (level, text) from the outermost."""


class Unit(NamedTuple):
    """Characters [start, end) that stay together."""

    start: int
    end: int
    words: int


@dataclass(slots=True)
class Piece:
    """Units in a row under one section, with nothing left out between them.

    A table's first `lead_units` introduce it, the next `header_units` name its columns.
    """

    section: tuple[str, ...]
    units: list[Unit] = field(default_factory=list)
    is_table: bool = False
    lead_units: int = 0
    header_units: int = 0
    only_headings: bool = True
    closed: bool = False


def page_pieces(page: Page, path: Path) -> tuple[list[Piece], Path]:
    """(the page's pieces in order, the headings in force at its end).

    A heading starts a piece, headings in a row share one, and a table of more than a few rows is a
    piece of its own. A page's label (sheet, slide) stands above its headings.
    """
    label = (page.label,) if page.label else ()
    if label:
        path = ()
    pieces: list[Piece] = []
    text = page.text
    at = 0
    for block in page.blocks:
        if block.start > at:
            _prose(pieces, text, at, block.start, _section(label, path))
        at = max(at, block.end)
        if block.kind in ("header", "footer"):
            if pieces:
                pieces[-1].closed = True
            continue
        if block.kind == "heading":
            words = " ".join(text[block.start : block.end].split())
            path = (*(h for h in path if h[0] < block.level), (block.level, words[:200]))
            _heading(pieces, text, block, _section(label, path))
        elif block.kind == "table":
            _table(pieces, text, block, _section(label, path))
        else:
            _prose(pieces, text, block.start, block.end, _section(label, path))
    if at < len(text):
        _prose(pieces, text, at, len(text), _section(label, path))
    return pieces, path


def split_unit(text: str, unit: Unit, size: int) -> list[Unit]:
    """The unit cut at white space, or into `size` characters where `size` is not 0."""
    if size:
        starts = range(unit.start, unit.end, size)
        return [Unit(at, min(at + size, unit.end), 1) for at in starts]
    return [Unit(*m.span(), 1) for m in _WORD.finditer(text, unit.start, unit.end)]


def _section(label: tuple[str, ...], path: Path) -> tuple[str, ...]:
    names = tuple(heading for _, heading in path)
    return names if names[:1] == label else (*label, *names)


def _heading(pieces: list[Piece], text: str, block: Block, section: tuple[str, ...]) -> None:
    if pieces and pieces[-1].only_headings and not pieces[-1].closed:
        pieces[-1].section = section
    else:
        pieces.append(Piece(section))
    _add(pieces[-1], text, block.start, block.end)


def _prose(pieces: list[Piece], text: str, start: int, end: int, section: tuple[str, ...]) -> None:
    part = text[start:end]
    if not part or part.isspace():
        return
    last = pieces[-1] if pieces else None
    if last is None or last.is_table or last.closed or last.section != section:
        pieces.append(Piece(section))
    piece = pieces[-1]
    piece.only_headings = False
    for first, last in sentences(part):
        _add(piece, text, start + first, start + last)


def _table(pieces: list[Piece], text: str, block: Block, section: tuple[str, ...]) -> None:
    head_end = 0
    first_row = block.cells[0].row if block.cells else 0
    for cell in block.cells:
        if cell.row - first_row >= _MAX_HEADER_LINES:
            break
        if cell.header:
            head_end = max(head_end, cell.end)
        elif not head_end:
            break
    piece = Piece(section, is_table=True, only_headings=False)
    before = pieces[-1] if pieces else None
    if before is not None and _introduces(before, section):
        pieces.pop()
        piece.units.extend(before.units)
        piece.lead_units = len(before.units)
    for match in _LINE.finditer(text, block.start, block.end):
        _add(piece, text, *match.span())
        if match.start() < head_end:
            piece.header_units = len(piece.units) - piece.lead_units
    pieces.append(piece)


def _introduces(before: Piece, section: tuple[str, ...]) -> bool:
    """Whether a piece is the heading, caption or short lead of the table that follows it."""
    return (
        before.section == section
        and not before.is_table
        and not before.closed
        and sum(unit.words for unit in before.units) <= _MAX_LEAD_WORDS
    )


def _add(piece: Piece, text: str, start: int, end: int) -> None:
    part = text[start:end]
    words = len(part.split())
    if words:
        lead = len(part) - len(part.lstrip())
        tail = len(part) - len(part.rstrip())
        piece.units.append(Unit(start + lead, end - tail, words))
