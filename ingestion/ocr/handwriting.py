"""Whether a page was perhaps written by hand: read with doubt, in letters that no press sets.

Print stands on its line and has two heights, those of small letters and of capitals; in
handwriting the feet of neighbours differ and the heights scatter. Measured on drawn handwriting,
drawn print in many conditions, receipts and book pages: see `python -m benchmarks.ocr_quality`.
"""

from __future__ import annotations

import numpy as np

from ingestion.ocr.quality import Evidence

MIN_LETTERS = 25
SAMPLE = 300
MAX_ON_LINE = 0.45
"""Share of letters whose foot stands level with the next one's; print has over half."""
MAX_ALIKE = 0.45
"""Share of letters of the commonest height; print has about 0.6."""
MAX_SPECKS = 4.0
"""Specks for each letter: above this, it is noise that makes the letters uneven."""
MAX_SPREAD = 0.5
DOUBTFUL = 0.92
_LEVEL = 0.08
_SAME = 0.08


def looks_written(shapes: np.ndarray, evidence: Evidence) -> bool:
    """`shapes` as of `geometry.shapes`."""
    sure = evidence.by == "tesseract" and evidence.confidence >= DOUBTFUL
    if sure or not evidence.confidence:  # nothing was read at all: dots, a picture
        return False
    width, height, area = shapes[:, 2], shapes[:, 3], shapes[:, 4]
    shape = (height >= 6) & (height <= 200) & (width >= 3) & (width < 1000) & (area >= 12)
    if shape.sum() < MIN_LETTERS:
        return False
    large = shape & (height >= 0.6 * np.median(height[shape]))
    if (~shape).sum() > MAX_SPECKS * large.sum():
        return False
    letters = shapes[large]
    heights = letters[:, 3].astype(float)
    if heights.std() > MAX_SPREAD * heights.mean():
        return False
    return _alike(heights) < MAX_ALIKE and _on_line(letters) < MAX_ON_LINE


def _alike(heights: np.ndarray) -> float:
    common = (np.abs(heights - value) <= _SAME * value for value in np.unique(heights))
    return max(float(same.mean()) for same in common)


def _on_line(letters: np.ndarray) -> float:
    """Share of letters that stand level with the next one to their right."""
    x, feet = letters[:, 0], letters[:, 1] + letters[:, 3]
    usual = float(np.median(letters[:, 3]))
    level = found = 0
    for i in range(0, len(letters), max(1, len(letters) // SAMPLE)):
        ahead = x - x[i]
        near = (ahead > 0) & (ahead < 4 * usual) & (np.abs(feet - feet[i]) < 0.8 * usual)
        if near.any():
            following = np.flatnonzero(near)[np.argmin(ahead[near])]
            found += 1
            level += abs(feet[following] - feet[i]) < _LEVEL * usual
    return level / found if found else 1.0
