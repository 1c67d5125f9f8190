"""What an answer may quote: pieces of pages with their exact text, and how to cut them smaller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from store.models import CELLS_APART, Block, Chunk, Citation, Frozen, How, Page, Span
from store.sentences import sentences

_CELLS = re.compile(r"\t| {2,}")
"""What stands between the cells of a row in a page's text."""


class Piece(Frozen):
    """A span with the number of its page and its exact text."""

    span: Span
    page: int
    text: str


class Source(Frozen):
    """Pieces of one document that are cited together; `header` and `section` are never cited.

    `how` is how their pages were read; `described_by` names the vision model whose words they are.
    """

    chunk_id: str
    document_id: str
    space: str
    doc: str
    header: str
    section: str
    pieces: tuple[Piece, ...]
    how: How | None = None
    described_by: str | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        return tuple(piece.span for piece in self.pieces)

    @property
    def text(self) -> str:
        return "\n".join(piece.text for piece in self.pieces)

    @property
    def shown(self) -> str:
        """The text on as many lines as there are pieces: line breaks within one are layout."""
        return "\n".join(one_line(piece.text) for piece in self.pieces)

    @property
    def quoted(self) -> str:
        """`shown`, the cells of a table's heading and row parted by bars."""
        rows = [[one_line(cell) for cell in _CELLS.split(p.text.strip())] for p in self.pieces]
        if len(rows) < 2 or len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
            return self.shown
        return "\n".join(CELLS_APART.join(row) for row in rows)

    def only(self, pieces: Sequence[Piece]) -> Source:
        # A tenth of model_copy's time: a question cuts some 200 passages.
        new = Source.__new__(Source)
        object.__setattr__(new, "__dict__", self.__dict__ | {"pieces": tuple(pieces)})
        object.__setattr__(new, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        object.__setattr__(new, "__pydantic_extra__", None)
        object.__setattr__(new, "__pydantic_private__", None)
        return new

    def cited(self, n: int) -> Citation:
        return Citation(
            n=n,
            document_id=self.document_id,
            space=self.space,
            doc=self.doc,
            page=self.pieces[0].page,
            spans=self.spans,
            text=self.text,
            how=self.how,
            described_by=self.described_by,
        )


def source_of(chunk: Chunk, space: str, pages: Mapping[int, Page]) -> Source:
    """The whole chunk as a source; its texts are slices of the stored pages."""
    pieces = tuple(
        Piece(span=s, page=pages[s.page_id].number, text=pages[s.page_id].text[s.start : s.end])
        for s in chunk.spans
        if s.page_id in pages
    )
    first = pages.get(chunk.spans[0].page_id)
    return Source(
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        space=space,
        doc=chunk.name,
        header=chunk.header,
        section=chunk.section,
        pieces=pieces,
        how=first.how if first else None,
        described_by=first.described_by if first else None,
    )


def passages(source: Source, pages: Mapping[int, Page]) -> list[Source]:
    """`source` cut into what can be quoted: a sentence, or a table's row under its header row."""
    return [
        source.only([piece for piece in cut if piece.text])
        for whole in source.pieces
        for cut in _cut(whole.span, pages[whole.span.page_id])
        if any(piece.text for piece in cut)
    ]


def one_line(text: str) -> str:
    """White space collapsed, a word broken by a hyphen at a line's end joined."""
    joined = re.sub(r"(?<=[a-z])[-\u00ad\u2010]\n(?=[a-z])", "", text)
    return re.sub(r"\s+", " ", joined).strip()


def _cut(span: Span, page: Page) -> Iterator[list[Piece]]:
    at = span.start
    for table in sorted(page.blocks, key=lambda block: block.start):
        if table.kind != "table" or not table.cells:
            continue
        if table.start >= span.end or table.end <= span.start:
            continue
        yield from _prose(page, at, table.start)
        header, rows = _rows(table)
        above = [_piece(page, *header)] if header else []
        for start, end in rows:
            if start >= span.start and end <= span.end:
                yield [*above, _piece(page, start, end)]
        at = min(table.end, span.end)
    yield from _prose(page, at, span.end)


def _rows(table: Block) -> tuple[tuple[int, int] | None, list[tuple[int, int]]]:
    """Characters of the header row, None where no cell is marked as one, and of the other rows."""
    extents: dict[int, tuple[int, int]] = {}
    for cell in table.cells:
        start, end = extents.get(cell.row, (cell.start, cell.end))
        extents[cell.row] = min(start, cell.start), max(end, cell.end)
    headers = sorted({cell.row for cell in table.cells if cell.header and cell.column > 0})
    first = headers[0] if headers and headers[0] == min(extents) else None
    return (
        extents.get(first) if first is not None else None,
        [extents[row] for row in sorted(extents) if row != first],
    )


def _prose(page: Page, start: int, end: int) -> Iterator[list[Piece]]:
    for a, b in sentences(page.text[start:end]):
        yield [_piece(page, start + a, start + b)]


def _piece(page: Page, start: int, end: int) -> Piece:
    """Characters [start, end) without the white space around them."""
    text = page.text[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    span = Span(page_id=page.id, start=start, end=start + len(text))
    return Piece(span=span, page=page.number, text=text)
