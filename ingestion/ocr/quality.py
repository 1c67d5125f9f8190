"""How much of a page was read rightly, judged from what reading it showed.

The mean confidence alone misleads: it says nothing of text that was passed over, it is not the
same from one engine to the other, and its tail tells more than its middle. Weights:
`python -m benchmarks.ocr_quality --fit`, on pages drawn and spoilt there; the features were chosen
among a dozen with an eye on receipts and book pages as well. What an engine finds and cannot
read is mostly specks, and tells less than it misleads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ingestion.ocr.words import Line, confidence

LOW_QUALITY = 0.8
"""Pages under this are flagged: too many words are to be expected wrong."""
MUCH_MISSED = 0.4
"""Pictures and specks have letter-like shapes too; up to this share they prove nothing."""
WEAK = {"tesseract": 0.85, "rapidocr": 0.96}

By = Literal["tesseract", "rapidocr", "both"]


class Evidence(NamedTuple):
    """What speaks against a reading, all 0..1.

    `weak`: share of characters in words of low confidence. `missed`: share of letter-like shapes
    outside all words. `by` both: what rapidocr read, mended by what tesseract read.
    """

    by: By
    confidence: float
    weak: float
    missed: float

    def features(self) -> tuple[float, ...]:
        return (
            1.0,
            math.log(0.01 + self.weak),
            1.0 - self.confidence,
            math.log(0.01 + self.missed),
        )


WEIGHTS: Mapping[By, tuple[float, ...]] = {
    "tesseract": (-3.42, -1.04, -1.00, -0.57),
    "rapidocr": (-3.15, -1.69, -0.31, -0.22),
    "both": (-2.67, -1.85, -0.43, -0.03),
}
"""Log odds of a word being right, in the order of `Evidence.features`."""

_TRUST = {
    "tesseract": (
        (0.0, 0.4, 0.6, 0.75, 0.87, 0.925, 0.955, 1.0),
        (0.0, 0.05, 0.55, 0.74, 0.88, 0.95, 0.985, 1.0),
    ),
    "rapidocr": (
        (0.0, 0.6, 0.9, 0.968, 0.985, 0.99, 0.995, 0.998, 1.0),
        (0.0, 0.2, 0.6, 0.82, 0.90, 0.94, 0.96, 0.985, 1.0),
    ),
}


def estimate(evidence: Evidence) -> float:
    """Share of words to count on, 0..1: errors to be expected are counted two and a half times."""
    pairs = zip(WEIGHTS[evidence.by], evidence.features(), strict=True)
    right = 1 / (1 + math.exp(-sum(weight * feature for weight, feature in pairs)))
    # A few words read well on a page whose other letters were passed over are no good reading.
    passed_over = max(0.0, evidence.missed - MUCH_MISSED) / (1 - MUCH_MISSED)
    return right * (1 - passed_over)


def trust(engine: str, mean_confidence: float) -> float:
    """Mean confidence on one scale for both engines, to choose between them."""
    return float(np.interp(mean_confidence, *_TRUST[engine]))


def gathered(engine: str, lines: Sequence[Line], *, mended: bool, missed: float) -> Evidence:
    words = [w for line in lines for w in line.words]
    total = sum(len(w.text) for w in words)
    under = sum(len(w.text) for w in words if w.confidence < WEAK[engine])
    by: By = "both" if mended else "tesseract" if engine == "tesseract" else "rapidocr"
    return Evidence(by, confidence(list(lines)), under / total if total else 1.0, missed)
