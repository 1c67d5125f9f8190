"""Finds the tables that hits lie in and reads each whole, cell by cell, from the stored pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from retrieval.tabular.table import Column, ColumnKind, Row, Table, Value
from retrieval.tabular.values import moment, plain, quantity, share, writes_comma_decimals
from store.catalog import Catalog
from store.models import Block, Chunk, Page

MOST_CELLS = 50_000
"""Cells of one table that are read."""
MOST_TABLES = 6
_LONGEST_TITLE = 80
"""Characters of what stands above a table that is its title; more is prose, which says too much."""
_TOTAL = re.compile(r"(?:grand |sub[- ]?)?totals?|sum|averages?|mean|overall", re.IGNORECASE)
_EMPTY = re.compile(r"[-–—−.?/]*|n/?a|nil|none|tba|tbd|unknown", re.IGNORECASE)
_TYPED = 0.75
"""Share of a column's filled cells that must be numbers, or dates, for it to count as such."""

Place = tuple[int, int]
"""Page id and start of a table's block."""


def tables_in(catalog: Catalog, chunks: Sequence[Chunk]) -> list[Table]:
    """The tables that the chunks touch, in their order, each once, at most MOST_TABLES."""
    pages = catalog.pages({span.page_id for chunk in chunks for span in chunk.spans})
    spaces = catalog.spaces()
    seen: set[Place] = set()
    found: list[Table] = []
    for chunk in chunks:
        for page, block in _touched(chunk, pages):
            cells = sum(len(table.rows) * len(table.columns) for table in found)
            if len(found) == MOST_TABLES or cells > 2 * MOST_CELLS:
                return found
            if (page.id, block.start) in seen:
                continue
            parts = _whole(catalog, page, block)
            seen.update((p.id, b.start) for p, b in parts)
            table = _table(parts, chunk, spaces.get(chunk.space_id, ""))
            if table is not None:
                found.append(table)
    return found


def _touched(chunk: Chunk, pages: Mapping[int, Page]) -> Iterator[tuple[Page, Block]]:
    for span in chunk.spans:
        page = pages.get(span.page_id)
        for block in page.blocks if page else ():
            within = block.start < span.end and span.start < block.end
            if page and block.kind == "table" and block.cells and within:
                yield page, block


def _whole(catalog: Catalog, page: Page, block: Block) -> list[tuple[Page, Block]]:
    """The table with the parts of it on the pages before and after, in order."""
    tables = _tables(page)
    wanted = page.id, block.start
    if block.start not in (tables[0].start, tables[-1].start) or not _head(page, block):
        return [(page, block)]
    parts: list[tuple[Page, Block]] = []
    for other in catalog.each_page(page.parse_id):
        for at, table in enumerate(_tables(other)):
            if at > 0 or not parts or not _goes_on(parts[-1], other):
                if wanted in [(p.id, b.start) for p, b in parts]:
                    return parts
                parts = []
            parts.append((other, table))
    return parts if wanted in [(p.id, b.start) for p, b in parts] else [(page, block)]


def _tables(page: Page) -> list[Block]:
    return [b for b in page.blocks if b.kind == "table" and b.cells]


def _goes_on(before: tuple[Page, Block], page: Page) -> bool:
    """Whether the table that ends the page before goes on at the top of this one."""
    earlier, block = before
    tables = _tables(page)
    if not tables or earlier.number + 1 != page.number or earlier.pictured != page.pictured:
        return False
    if not _head(earlier, block) or _head(earlier, block) != _head(page, tables[0]):
        return False
    if page.pictured:
        return True
    # Sheets with the same columns are different tables; one that was cut counts its rows on.
    heads = set(_header_rows(tables[0]))
    rows = [c.row for c in tables[0].cells if c.row not in heads]
    last = max(c.row for c in block.cells)
    return earlier.label == page.label and bool(rows) and min(rows) > last


def _head(page: Page, block: Block) -> list[tuple[int, str]]:
    rows = set(_header_rows(block))
    return [(c.column, page.text[c.start : c.end]) for c in block.cells if c.row in rows]


def _header_rows(block: Block) -> list[int]:
    """The rows at the top that name the columns; a header cell in column 0 names its row."""
    marked = {c.row for c in block.cells if c.header and c.column > 0}
    found: list[int] = []
    for row in sorted({c.row for c in block.cells}):
        if row not in marked:
            break
        found.append(row)
    return found[:4]


def _table(parts: Sequence[tuple[Page, Block]], chunk: Chunk, space: str) -> Table | None:
    first_page, first_block = parts[0]
    columns = sorted({c.column for _, block in parts for c in block.cells})
    names: dict[int, list[str]] = {column: [] for column in columns}
    head = set(_header_rows(first_block))
    for cell in first_block.cells:
        if cell.row in head:
            names[cell.column].append(first_page.text[cell.start : cell.end])
    rows: list[dict[int, Value]] = []
    cells = 0
    for page, block in parts:
        heads = set(_header_rows(block))
        by_row: dict[int, dict[int, Value]] = {}
        for cell in block.cells:
            if cell.row not in heads and cell.end > cell.start:
                text = page.text[cell.start : cell.end]
                value = Value(text, page.id, page.number, cell.start, cell.end)
                by_row.setdefault(cell.row, {})[cell.column] = value
        for _, row in sorted(by_row.items()):
            if cells + len(row) > MOST_CELLS:
                break
            cells += len(row)
            rows.append(row)
    cut = cells < sum(len(b.cells) for _, b in parts) and cells > MOST_CELLS - len(columns)
    if _names_columns(rows):
        _join_names(names, columns, rows.pop(0))
    kept = _records(rows, len(columns))
    if not kept:
        return None
    totals = [row for row in kept if _is_total(row, columns)]
    if kept[-1] not in totals and _closes(kept, columns[0]):
        totals.append(kept[-1])
    kept = [row for row in kept if row not in totals] or kept
    typed = [_typed(" ".join(names[c]), [row.get(c) for row in kept]) for c in columns]
    table_rows: list[Row] = list(zip(*(values for _, values in typed), strict=True))
    return Table(
        document_id=chunk.document_id,
        doc=chunk.name,
        chunk_id=chunk.id,
        space=space,
        context=_context(first_page, first_block, chunk),
        columns=tuple(column for column, _ in typed),
        rows=tuple(table_rows),
        left_out=len(totals) if len(totals) < len(rows) else 0,
        cut=cut,
    )


def _names_columns(rows: Sequence[Mapping[int, Value]]) -> bool:
    """Whether the first row has words where nearly all below are numbers: names in two rows."""
    if len(rows) < 4 or any(quantity(value.text) for value in rows[0].values()):
        return False
    columns = [c for c in rows[0] if c in rows[1]]
    below = {c: [quantity(row[c].text) for row in rows[1:] if c in row] for c in columns}
    return sum(share(numbers) >= 0.8 for numbers in below.values()) >= 2


def _join_names(
    names: dict[int, list[str]], columns: Sequence[int], second: Mapping[int, Value]
) -> None:
    """A name over several columns stands in the first of them only."""
    last: list[str] = []
    for column in columns:
        last = names[column] or last
        if column in second:
            names[column] = [*last, second[column].text]


def _records(rows: list[dict[int, Value]], width: int) -> list[dict[int, Value]]:
    """Without rows of a single cell, where those are few: headings between the rows."""
    single = sum(len(row) == 1 for row in rows)
    if width < 3 or single > 0.2 * len(rows):
        return rows
    return [row for row in rows if len(row) > 1]


def _is_total(row: Mapping[int, Value], columns: Sequence[int]) -> bool:
    label = next((row[c].text for c in columns if c in row), "")
    return len(row) > 1 and bool(_TOTAL.fullmatch(plain(label).rstrip(":")))


def _closes(rows: Sequence[Mapping[int, Value]], first: int) -> bool:
    """Whether the last row has a word where all others have a date or a number: “Career”."""
    *others, last = [row.get(first) for row in rows]
    texts = [value.text for value in others if value]
    if last is None or len(texts) < 3 or quantity(last.text) or moment(last.text):
        return False
    return all(moment(text) or quantity(text) for text in texts)


def _typed(name: str, values: Sequence[Value | None]) -> tuple[Column, list[Value | None]]:
    """The column with what it holds, and its values with theirs."""
    filled = [value for value in values if value and not _EMPTY.fullmatch(plain(value.text))]
    commas = writes_comma_decimals(value.text for value in filled)
    numbers = {id(v): quantity(v.text, commas) for v in filled}
    days = {id(v): moment(v.text) for v in filled}
    kind: ColumnKind = "text"
    if share(list(days.values())) >= _TYPED and _are_dates(name, [d for d in days.values() if d]):
        kind = "date"
    elif share(list(numbers.values())) >= _TYPED:
        kind = "number"
    typed: list[Value | None] = [
        Value(v.text, v.page_id, v.page, v.start, v.end, numbers.get(id(v)), days.get(id(v)))
        if v
        else None
        for v in values
    ]
    units = Counter(n.unit for n in numbers.values() if n)
    column = Column(
        name=name.strip(),
        kind=kind,
        units=tuple(unit for unit, _ in units.most_common()) if kind == "number" else (),
        strange=sum(n is None for n in numbers.values()) if kind == "number" else 0,
    )
    return column, typed


def _are_dates(name: str, days: Sequence[object]) -> bool:
    """Numbers that could be years are years where most are plausible, or the name says so."""
    says = re.search(r"year|season|date|when|since|founded|formed|opened|built|born", name, re.I)
    years = [d for d in days if isinstance(d, tuple) and d[1] == 0]
    return bool(says) or len(years) < len(days) / 2 or all(1800 <= d[0] <= 2050 for d in years)


def _context(page: Page, block: Block, chunk: Chunk) -> str:
    before = [b for b in page.blocks if b.end <= block.start]
    last = max(before, key=lambda b: b.end) if before else None
    title = last is not None and last.kind != "table" and last.end - last.start <= _LONGEST_TITLE
    above = page.text[last.start : last.end] if last and title else ""
    return " ".join([chunk.name, chunk.header, chunk.section, page.label or "", above])
