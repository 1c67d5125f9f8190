"""Builds the canonical text of flowed pages with its blocks and cells in one pass.

Parsers of files without pictures of pages say what they meet, in order; this file alone counts
characters, so that every block and cell slices to exactly what was said.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from store.errors import Unreadable
from store.models import Block, BlockKind, Cell, Flag, How, ParsedDocument, ParsedPage

MAX_PAGE_CHARS = 2_000_000
"""A flowed page longer than this is continued on the next one."""
MAX_BLOCK_CELLS = 50_000
"""So is a table of more cells, which would otherwise make a page too costly to hand over."""

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SPACES = re.compile(r"\s+")
_CELL_FIELDS = 5


def clean(text: str) -> str:
    """Canonical text: `\\n` line ends, NFC, no control characters but `\\n` and tab."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", _DROPPED.sub("", _LINE_ENDS.sub("\n", text)))


def one_line(text: str) -> str:
    """Canonical text with every run of white space as one space, as a cell needs it."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", clean(text)).strip()


def comment(text: str, author: str = "", place: str = "", date: str = "") -> str:
    """A person's comment as a sentence; of `date`, which a file may have wrong, an ISO day."""
    day = _DAY.match(date)
    where = " on " + ", ".join(filter(None, (place, day and day[0])))
    return f"Comment{f' by {author}' if author else ''}{where if where != ' on ' else ''}: {text}"


@dataclass(slots=True)
class _Block:
    kind: BlockKind
    start: int
    end: int
    level: int = 0
    cells: array[int] = field(default_factory=lambda: array("L"))


class _FlowPage:
    """One page as it grows; cells are packed integers until the page is asked for."""

    def __init__(self, label: str | None, flags: tuple[Flag, ...]):
        self.label, self.flags = label, flags
        self.error: str | None = None
        self.parts: list[str] = []
        self.length = 0
        self.blocks: list[_Block] = []

    def write(self, text: str) -> int:
        """Appends and returns where it starts."""
        start = self.length
        self.parts.append(text)
        self.length += len(text)
        return start

    def parsed(self, number: int) -> ParsedPage:
        text = "".join(self.parts)
        how: How = "failed" if self.error else "text" if text.strip() else "nothing"
        return ParsedPage(
            number=number,
            text=text,
            how=how,
            quality=1.0 if how == "text" else None,
            flags=self.flags,
            label=self.label,
            error=self.error,
            blocks=tuple(
                Block(kind=b.kind, start=b.start, end=b.end, level=b.level, cells=_cells(b.cells))
                for b in self.blocks
            ),
        )


class Flow:
    """What a parser writes a document into. Empty texts are ignored everywhere."""

    def __init__(self, max_pages: int | None = None, *, max_page_chars: int = MAX_PAGE_CHARS):
        self.warnings: list[str] = []
        self.unread = 0
        """Raised by parsers for what lies beyond their limits, so that it is not taken for read."""
        self._max_pages = max_pages
        self.first_heading: str | None = None
        self._max = max_page_chars
        self._pages: list[_FlowPage] = []
        self._split = False

    @property
    def words(self) -> int:
        """How many have been written so far."""
        return sum(len(part.split()) for page in self._pages for part in page.parts)

    def page(self, label: str | None = None, flags: tuple[Flag, ...] = ()) -> None:
        """Starts a page; without it the first text starts page 1."""
        self._pages.append(_FlowPage(one_line(label)[:200] if label else None, flags))

    def failed(self, label: str, error: str) -> None:
        """A page that could not be read, and why."""
        self.page(label)
        self._pages[-1].error = error

    def heading(self, text: str, level: int) -> None:
        text = one_line(text)
        if text and self.first_heading is None:
            self.first_heading = text
        self._block("heading", text, max(1, level))

    def paragraph(self, text: str) -> None:
        self._block("paragraph", clean(text))

    def list_item(self, text: str, depth: int = 0, mark: str = "-") -> None:
        """An item on its own line; items in a row form one list block."""
        text = clean(text).strip()
        if text:
            item = f"{'  ' * min(depth, 8)}{clean(mark)} {text}" if mark else text
            self._block("list", item, joins=True)

    def code(self, text: str) -> None:
        """Lines of code, their indent kept; pieces in a row form one block."""
        self._block("code", clean(text), joins=True)

    def caption(self, text: str) -> None:
        self._block("caption", clean(text))

    def note(self, text: str) -> None:
        """A footnote, a comment, a speaker's note."""
        self._block("note", clean(text))

    def margin(self, kind: BlockKind, text: str) -> None:
        """The `header` or `footer` that repeats on the document's pages."""
        self._block(kind, clean(text))

    def table(
        self,
        rows: Sequence[Sequence[str]],
        header_rows: int = 0,
        *,
        row_numbers: Sequence[int] | None = None,
        columns: Sequence[int] | None = None,
    ) -> None:
        """A row a line, cells separated by tabs; empty cells have no `Cell`.

        Rows that are all empty are left out of the text. A table that runs over the page's limit
        goes on under a copy of its header rows. `row_numbers` and `columns` say where rows and
        columns stand on a sheet of which only the used ones are given.
        """
        at_row = range(len(rows)) if row_numbers is None else row_numbers
        head = [_row(row) for row in rows[:header_rows]]
        page: _FlowPage | None = None
        block: _Block | None = None
        for index, row in enumerate(rows):
            cells = head[index] if index < len(head) else _row(row)
            if not any(cells):
                continue
            if page is None or block is None or self._full(page, block):
                if block is not None:
                    self._continue()
                page, block = self._open("table")
                if index > len(head):
                    for at, names in enumerate(head):
                        _write_row(page, block, names, at_row[at], columns, header=True)
            _write_row(page, block, cells, at_row[index], columns, header=index < len(head))

    def finish(
        self,
        *,
        title: str | None = None,
        date: str | None = None,
        author: str | None = None,
        language: str | None = None,
    ) -> FlowedFile:
        """The document as written; at least one page, with `how` "nothing" where it is empty."""
        if not self._pages:
            self.page()
        if self._split:
            self.warnings.append(
                f"The text is longer than a page holds; it is split into {len(self._pages)} pages."
            )
        pages = self._pages[: self._max_pages]
        unread = len(self._pages) - len(pages)
        if unread:
            self.warnings.append(
                f"Only the first {len(pages):,} of {len(self._pages):,} pages were read."
            )
        info = ParsedDocument(
            pages=len(pages),
            unread=unread + self.unread,
            title=one_line(title or "")[:300] or self.first_heading,
            date=date,
            author=one_line(author or "")[:200] or None,
            language=language,
            warnings=tuple(self.warnings),
        )
        return FlowedFile(info, pages)

    def _block(self, kind: BlockKind, text: str, level: int = 0, joins: bool = False) -> None:
        text = text.strip("\n").rstrip() if joins or kind == "code" else text.strip()
        if not text:
            return
        if len(text) > self._max:
            for piece in _pieces(text, self._max):
                self._block(kind, piece, level)
            return
        page, block = self._open(kind, len(text), joins)
        block.level = level
        page.write(text)
        block.end = page.length

    def _open(
        self, kind: BlockKind, coming: int = 0, joins: bool = False
    ) -> tuple[_FlowPage, _Block]:
        if not self._pages:
            self.page()
        page = self._pages[-1]
        if page.blocks and page.length + coming > self._max:
            page = self._continue()
        last = page.blocks[-1] if page.blocks else None
        if joins and last is not None and last.kind == kind:
            page.write("\n")
            return page, last
        if last is not None:
            page.write("\n\n")
        block = _Block(kind, page.length, page.length)
        page.blocks.append(block)
        return page, block

    def _full(self, page: _FlowPage, block: _Block) -> bool:
        return page.length > self._max or len(block.cells) > MAX_BLOCK_CELLS * _CELL_FIELDS

    def _continue(self) -> _FlowPage:
        self._split = True
        page = self._pages[-1]
        self._pages.append(_FlowPage(page.label, page.flags))
        return self._pages[-1]


class FlowedFile:
    """An opened file whose pages are texts without pictures."""

    def __init__(self, info: ParsedDocument, pages: list[_FlowPage]):
        self.info = info
        self._pages = pages
        self.characters = sum(page.length for page in pages)

    def page(self, number: int) -> ParsedPage:
        if not 1 <= number <= len(self._pages):
            raise Unreadable(f"There is no page {number}.")
        return self._pages[number - 1].parsed(number)

    def picture(self, number: int, width_px: int) -> NoReturn:
        raise Unreadable("This kind of document has no pictures of its pages.")

    def close(self) -> None:
        self._pages = []


def _row(row: Sequence[str]) -> list[str]:
    return [one_line(cell) if cell else "" for cell in row]


def _write_row(
    page: _FlowPage,
    block: _Block,
    cells: list[str],
    row: int,
    columns: Sequence[int] | None,
    *,
    header: bool,
) -> None:
    if block.end > block.start:
        page.write("\n")
    at = page.length
    while cells and not cells[-1]:
        cells.pop()
    for column, cell in enumerate(cells):
        if cell:
            number = columns[column] if columns is not None else column
            block.cells.extend((at, at + len(cell), row, number, int(header)))
        at += len(cell) + 1
    page.write("\t".join(cells))
    block.end = page.length


def _cells(packed: array[int]) -> tuple[Cell, ...]:
    """Made without pydantic's checks, which took most of the time of a large sheet."""
    return tuple(
        Cell.model_construct(
            start=packed[i],
            end=packed[i + 1],
            row=packed[i + 2],
            column=packed[i + 3],
            header=bool(packed[i + 4]),
        )
        for i in range(0, len(packed), _CELL_FIELDS)
    )


def _pieces(text: str, limit: int) -> Iterator[str]:
    """`text` in pieces of at most `limit` characters, cut at line ends or spaces."""
    while len(text) > limit:
        cut = max(text.rfind("\n", limit // 2, limit), text.rfind(" ", limit // 2, limit))
        cut = cut if cut > 0 else limit
        yield text[:cut]
        text = text[cut:]
    yield text
