"""Finds the tables on a sheet: rows that belong together, side by side or one below the other."""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.parsers.column_names import header_rows

Rows = list[tuple[int, dict[int, str]]]
"""Rows that are not empty, by their index in the sheet, with texts by column; both from 0."""

_MOST_PLACES = 5_000_000
"""Rows times used columns of one table; a sheet of scattered cells is read row by row instead."""
_LOOKED_AT = 50
_MOST_TITLES = 10


@dataclass(frozen=True, slots=True)
class SheetTable:
    """Only used rows and columns, with their numbers on the sheet; `titles` stand above it."""

    titles: list[str]
    rows: list[list[str]]
    row_numbers: list[int]
    columns: list[int]
    header_rows: int


def tables_of(rows: Rows) -> list[SheetTable]:
    """The sheet's tables in reading order."""
    parts = [part for region in _regions(rows) for part in _beside(region)]
    return [table for part in parts for table in _tables(part)]


def _tables(region: Rows) -> list[SheetTable]:
    above = _titles(region)
    titles = [text for _, texts in region[:above] for text in texts.values()]
    region = region[above:]
    columns = sorted({column for _, texts in region for column in texts})
    if not region:
        return [SheetTable(titles, [], [], [], 0)]
    if len(columns) * len(region) > _MOST_PLACES:
        return [
            SheetTable(titles if first else [], [list(texts.values())], [row], list(texts), 0)
            for first, (row, texts) in zip([True] + [False] * len(region), region, strict=False)
        ]
    grid = [[texts.get(column, "") for column in columns] for _, texts in region]
    numbers = [row for row, _ in region]
    return [SheetTable(titles, grid, numbers, columns, header_rows(grid))]


def _titles(region: Rows) -> int:
    """How many rows at the top hold a single text over a wider table."""
    left, right = _reach(region)
    above = next((at for at, (_, texts) in enumerate(region) if len(texts) > 1), len(region))
    scattered = above == len(region) and above > _MOST_TITLES
    return above if right - left > 1 and not scattered else 0


def _regions(rows: Rows) -> list[Rows]:
    """Rows that form one table each: apart by empty rows, unless what follows only goes on."""
    groups: list[Rows] = []
    for index, texts in rows:
        if groups and index - groups[-1][-1][0] == 1:
            groups[-1].append((index, texts))
        else:
            groups.append([(index, texts)])
    regions: list[Rows] = []
    for group in groups:
        if regions and _goes_on(regions[-1], group):
            regions[-1].extend(group)
        else:
            regions.append(group)
    return regions


def _beside(region: Rows) -> list[Rows]:
    """Tables side by side: cut at empty columns where each part has a header of its own."""
    used = sorted({column for _, texts in region for column in texts})
    starts = [c for before, c in zip([used[0], *used], used, strict=False) if c - before > 1]
    if not starts or len(region) < 2 or len(starts) > 200:
        return [region]
    parts: list[Rows] = []
    for start, end in zip([used[0], *starts], [*starts, used[-1] + 1], strict=True):
        part = [
            (index, {c: text for c, text in texts.items() if start <= c < end})
            for index, texts in region
        ]
        part = [(index, texts) for index, texts in part if texts]
        if not header_rows(_sample(part)):
            return [region]
        parts.append(part)
    return parts


def _goes_on(region: Rows, group: Rows) -> bool:
    left, right = _reach(region)
    inner_left, inner_right = _reach(group)
    if inner_right - inner_left < 2 or inner_left < left or inner_right > right:
        return False
    return len(region) > 1 and not header_rows(_sample(group))


def _sample(rows: Rows) -> list[list[str]]:
    """The first rows as a grid of their used columns."""
    some = rows[:_LOOKED_AT]
    columns = sorted({column for _, texts in some for column in texts})
    return [[texts.get(column, "") for column in columns] for _, texts in some]


def _reach(rows: Rows) -> tuple[int, int]:
    return (
        min(min(texts) for _, texts in rows),
        max(max(texts) for _, texts in rows) + 1,
    )
