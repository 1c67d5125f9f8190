"""Columns of a table without rules, from the extents of its cells: of PDF words and of OCR's."""

from __future__ import annotations

Extent = tuple[float, float]
"""From where to where a cell reaches, left to right."""


def column_bands(rows: list[list[Extent]]) -> list[Extent]:
    """Columns: extents of cells, joined where they overlap, from the rows with most cells.

    A cell that bridges columns (a heading over two of them) would join them, so an extent that
    overlaps two bands already there is left out.
    """
    bands: list[Extent] = []
    for row in sorted(rows, key=lambda r: -len(r)):
        for x0, x1 in row:
            touched = [b for b in bands if min(x1, b[1]) > max(x0, b[0])]
            if not touched:
                bands.append((x0, x1))
            elif len(touched) == 1:
                bands.remove(touched[0])
                bands.append((min(x0, touched[0][0]), max(x1, touched[0][1])))
    return sorted(bands)


def nearest_band(bands: list[Extent], extent: Extent) -> int:
    """The number of the column that a cell overlaps most, or lies next to."""
    return max(
        range(len(bands)), key=lambda i: min(extent[1], bands[i][1]) - max(extent[0], bands[i][0])
    )
