"""Regions of a PDF page that hold a picture or a drawing, as opposed to a ground under text.

Boxes are points as displayed, y down. A figure covers at least 5 % of the page, and hardly any
words stand on it.
"""

from __future__ import annotations

import numpy as np

from ingestion.parsers.pdf_paint import Paint

_SMALLEST_SHARE = 0.05
_GROUND_SHARE = 0.85
_MOST_TEXT = 0.12
"""Of a chart's area its labels cover a twentieth, of a table's its words a quarter."""
_CELL_PT = 9.0
_THIN_PT = 2.5
_MANY_SHAPES = 8
_SOME_SHAPES, _MANY_LINES = 3, 10

Region = tuple[float, float, float, float]


def picture_regions(paint: Paint, words: np.ndarray, size: tuple[float, float]) -> list[Region]:
    """Pictures, those set tile by tile as one; `words` float [n, 4] are boxes of visible words."""
    boxes = _on_page(paint.pictures(), size)
    if not len(boxes):
        return []
    large = [r for r in _joined(boxes) if _share(r, size) >= _SMALLEST_SHARE]
    return [r for r in large if text_cover(words, r) < _MOST_TEXT]


def drawings(paint: Paint, words: np.ndarray, size: tuple[float, float]) -> list[Region]:
    """Clusters of lines and shapes that are no table, no frame and no ground."""
    boxes = _on_page(paint.paths(), size)
    if len(boxes) < _SOME_SHAPES:
        return []
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    boxes = boxes[wide * high < 0.5 * size[0] * size[1]]
    thin = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) < _THIN_PT
    solid_boxes = boxes[~thin]
    if not _are_drawn(solid_boxes, len(boxes) - len(solid_boxes)):
        return []
    spread = (*solid_boxes[:, :2].min(0), *solid_boxes[:, 2:].max(0))
    if _share(spread, size) < _SMALLEST_SHARE / 2:
        return []
    found = []
    for region, members in _clusters(boxes, size):
        solid = boxes[members][~thin[members]]
        enough = _are_drawn(solid, len(members) - len(solid))
        if enough and _share(region, size) >= _SMALLEST_SHARE and (
            text_cover(words, region) < _MOST_TEXT
        ):  # fmt: skip
            found.append(region)
    return found


def _are_drawn(solid: np.ndarray, lines: int) -> bool:
    """Whether so many shapes and lines are a drawing, or its shapes the bars of a chart."""
    if len(solid) >= _MANY_SHAPES or (len(solid) >= _SOME_SHAPES and lines >= _MANY_LINES):
        return True
    return _stand_in_a_row(solid[:, [0, 1, 2, 3]]) or _stand_in_a_row(solid[:, [1, 0, 3, 2]])


def _stand_in_a_row(boxes: np.ndarray) -> bool:
    """Three or more of one width on one line, none as high as another: boxes of text are."""
    if len(boxes) < _SOME_SHAPES:
        return False
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    for foot in (boxes[:, 1], boxes[:, 3]):
        bars = (np.abs(foot - np.median(foot)) < 1.0) & (
            np.abs(wide - np.median(wide)) < 0.1 * np.median(wide)
        )
        heights = np.unique(np.round(high[bars]))
        if np.count_nonzero(bars) >= _SOME_SHAPES and len(heights) >= _SOME_SHAPES:
            return True
    return False


def covers(regions: list[Region], size: tuple[float, float]) -> float:
    """The share of the page under these regions; overlaps count twice."""
    return min(1.0, sum(_share(r, size) for r in regions))


def is_ground(region: Region, size: tuple[float, float]) -> bool:
    return _share(region, size) >= _GROUND_SHARE


def text_cover(words: np.ndarray, region: Region) -> float:
    """The share of the region that words stand on."""
    x0, y0, x1, y1 = region
    if not len(words):
        return 0.0
    with np.errstate(invalid="ignore"):
        wide = np.minimum(words[:, 2], x1) - np.maximum(words[:, 0], x0)
        high = np.minimum(words[:, 3], y1) - np.maximum(words[:, 1], y0)
        inside = np.where((wide > 0) & (high > 0), wide * high, 0.0)
    return float(inside.sum()) / max(1e-9, (x1 - x0) * (y1 - y0))


def without_overlaps(regions: list[Region]) -> list[Region]:
    """The larger ones, each without a smaller one inside it."""
    kept: list[Region] = []
    for region in sorted(regions, key=lambda r: -(r[2] - r[0]) * (r[3] - r[1])):
        x, y = (region[0] + region[2]) / 2, (region[1] + region[3]) / 2
        if not any(k[0] <= x <= k[2] and k[1] <= y <= k[3] for k in kept):
            kept.append(region)
    return sorted(kept, key=lambda r: (r[1], r[0]))


def _on_page(boxes: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    clipped = np.clip(boxes, 0.0, (size[0], size[1], size[0], size[1])).astype(float)
    return clipped[
        ((clipped[:, 2] > clipped[:, 0]) | (clipped[:, 3] > clipped[:, 1]))
        & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
        & (boxes[:, 0] < size[0]) & (boxes[:, 1] < size[1])
    ]  # fmt: skip


def _share(region: tuple[float, ...], size: tuple[float, float]) -> float:
    return (region[2] - region[0]) * (region[3] - region[1]) / (size[0] * size[1])


def _joined(boxes: np.ndarray) -> list[Region]:
    """Boxes that touch over most of a side become one: scans and photos come in strips."""
    regions: list[Region] = []
    for raw in boxes[:400].tolist():
        box: Region = (raw[0], raw[1], raw[2], raw[3])
        while True:
            other = next((r for r in regions if _tiles(r, box)), None)
            if other is None:
                break
            regions.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]),
                   max(box[2], other[2]), max(box[3], other[3]))  # fmt: skip
        regions.append(box)
    return regions


def _tiles(a: Region, b: Region) -> bool:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    if wide < -1.5 or high < -1.5:
        return False
    across = min(a[2] - a[0], b[2] - b[0])
    down = min(a[3] - a[1], b[3] - b[1])
    return wide > 0.8 * across or high > 0.8 * down


def _clusters(
    boxes: np.ndarray, size: tuple[float, float]
) -> list[tuple[Region, np.ndarray]]:  # fmt: skip
    """Boxes whose cells of a coarse grid touch, with the region that they span together."""
    cell = max(_CELL_PT, max(size) / 120)
    columns, rows = int(size[0] / cell) + 2, int(size[1] / cell) + 2
    at = np.floor(boxes / cell).astype(int)
    marks = np.zeros((rows + 1, columns + 1), int)
    np.add.at(marks, (at[:, 1], at[:, 0]), 1)
    np.add.at(marks, (at[:, 3] + 1, at[:, 2] + 1), 1)
    np.add.at(marks, (at[:, 3] + 1, at[:, 0]), -1)
    np.add.at(marks, (at[:, 1], at[:, 2] + 1), -1)
    filled = marks.cumsum(0).cumsum(1) > 0
    labels = _labelled(filled)
    of_box = labels[at[:, 1], at[:, 0]]
    out = []
    for label in np.unique(of_box[of_box > 0]).tolist():
        members = np.flatnonzero(of_box == label)
        low, high = boxes[members, :2].min(0), boxes[members, 2:].max(0)
        out.append(((float(low[0]), float(low[1]), float(high[0]), float(high[1])), members))
    return out


def _labelled(filled: np.ndarray) -> np.ndarray:
    """Connected cells, diagonals included, numbered from 1."""
    labels = np.zeros(filled.shape, int)
    same: list[int] = [0]

    def root(label: int) -> int:
        while same[label] != label:
            same[label] = label = same[same[label]]
        return label

    above: list[tuple[int, int, int]] = []
    for r in np.flatnonzero(filled.any(axis=1)).tolist():
        edges = np.flatnonzero(np.diff(filled[r].astype(np.int8), prepend=0, append=0)).tolist()
        runs = []
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            near = [n for s, e, n in above if s <= end and start <= e and r and labels[r - 1, s]]
            label = root(near[0]) if near else len(same)
            if not near:
                same.append(label)
            for other in near[1:]:
                same[root(other)] = label
            labels[r, start:end] = label
            runs.append((start, end, label))
        above = runs
    return np.array([root(n) for n in range(len(same))])[labels]
