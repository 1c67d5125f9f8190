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
_FRAGMENT = 6
_SHORT = 16
_SMALL_TABLE = 60
_JOINED = 140
"""Words: a piece of fewer is no good by itself, and joined ones stay below one chunk."""
_NOTE_MARK = re.compile(r"\(?\d{1,2}\)|[*†‡§]|\(?[a-z]\)")

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

    @property
    def size(self) -> float:
        """Its words; in scripts without spaces, what words of five letters would be."""
        return sum(max(u.words, (u.end - u.start) / 8) for u in self.units)


def page_pieces(page: Page, path: Path) -> tuple[list[Piece], Path]:
    """(the page's pieces in order, the headings in force at its end).

    A heading starts a piece, headings in a row share one, and a table of more than a few rows is a
    piece of its own. A page's label (sheet, slide) stands above its headings. What is too short to
    be found by itself goes to its neighbour.
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
            if not _names_a_section(words):
                _prose(pieces, text, block.start, block.end, _section(label, path))
                continue
            path = (*(h for h in path if h[0] < block.level), (block.level, words[:200]))
            _heading(pieces, text, block, _section(label, path))
        elif block.kind == "table":
            _table(pieces, text, block, _section(label, path))
        else:
            _prose(pieces, text, block.start, block.end, _section(label, path))
    if at < len(text):
        _prose(pieces, text, at, len(text), _section(label, path))
    return _joined(pieces), path


def split_unit(text: str, unit: Unit, size: int) -> list[Unit]:
    """The unit cut at white space, or into `size` characters where `size` is not 0."""
    if size:
        starts = range(unit.start, unit.end, size)
        return [Unit(at, min(at + size, unit.end), 1) for at in starts]
    return [Unit(*m.span(), 1) for m in _WORD.finditer(text, unit.start, unit.end)]


def _names_a_section(heading: str) -> bool:
    """Not a footnote or a sentence in bold, which would stand in the header of all that follows."""
    words = len(heading.split())
    told = heading.endswith((".", ";", ",")) and words > 4
    return words <= 20 and not told and not (words > 6 and _NOTE_MARK.match(heading))


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Pieces with the short ones joined to a neighbour of the same or a sister section."""
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before is None or before.closed or not _belong_together(before, piece):
            joined.append(piece)
            continue
        if before.section != piece.section and not piece.only_headings:
            before.section = _common(before.section, piece.section)
        before.units += piece.units
        before.only_headings &= piece.only_headings
        before.closed = piece.closed
    return joined


def _belong_together(before: Piece, piece: Piece) -> bool:
    least, both = min(before.size, piece.size), before.size + piece.size
    same = before.section == piece.section
    if before.is_table and same and not piece.is_table and piece.size <= _SHORT:
        return not piece.only_headings  # "See accompanying notes": a last row
    if before.is_table or piece.is_table:
        # A table that may have to be split keeps its header row, and so stays by itself.
        return same and least <= _SHORT and both <= _SMALL_TABLE
    if least > _SHORT or (both > _JOINED and least > _FRAGMENT):
        return False
    # A short section goes up to its sisters, or to what stands above them all.
    common = len(_common(before.section, piece.section))
    return same or common >= max(1, min(len(before.section), len(piece.section)) - 1)


def _common(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    same = [x for x, y in zip(a, b, strict=False) if x == y]
    return a[: len(same)] if a[: len(same)] == b[: len(same)] else ()


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
