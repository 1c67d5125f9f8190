"""Whether the quality figure tells good pages from bad ones.

    python -m benchmarks.ocr_quality FOLDER…        # sets with docs/ and ocr_gt.jsonl
    python -m benchmarks.ocr_quality                # copies of the samples, spoilt here
    python -m benchmarks.ocr_quality --fit          # fits the weights on pages drawn here

Prints the rank correlation (Spearman) of 1 - quality with the true error, 1 - recall of words, and
with WER, for each set by itself; of the pages called good (quality ≥ 0.8), the share whose recall
is under 0.9; how many are suspected to be handwriting. The weights are fitted on `drawn_pages`
alone; the samples and the folders are only checked.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein

from benchmarks.ocr import folded, recall, samples
from benchmarks.ocr_drawings import Sample, drawn_pages, spoilt_samples
from ingestion.ocr.layout import arrange
from ingestion.ocr.page import OcrPage
from ingestion.ocr.quality import LOW_QUALITY, WEIGHTS, By, Evidence
from ingestion.ocr.reading import Attempt, Sheet, by_rapid, by_tesseract, examine, fused

GOOD_RECALL = 0.9
RIDGE = 0.002
CAUTION = 2.5
"""Errors are counted this often when the weights are fitted: quality is what to count on."""


class Judged(NamedTuple):
    doc: str
    recall: float
    wer: float
    page: OcrPage
    evidence: Evidence


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--fit", action="store_true", help="print new weights")
    parser.add_argument("--pages", type=int, default=90, help="pages drawn for --fit")
    parser.add_argument("--limit", type=int, help="pages a set")
    parser.add_argument("--verbose", action="store_true", help="a line a page")
    args = parser.parse_args()
    if args.fit:
        fit(drawn_pages(args.pages))
        return 0
    sets: dict[str, Iterable[Sample]] = {f.name: samples(f) for f in args.folders}
    for name, found in (sets or {"spoilt samples": spoilt_samples()}).items():
        pages = []
        for page in judged(found):
            pages.append(page)
            if args.verbose:
                print(
                    f"{page.doc:45} recall {page.recall:.3f} wer {page.wer:.3f} quality"
                    f" {page.page.quality:.3f} {page.evidence}"
                )
            if args.limit and len(pages) >= args.limit:
                break
        report(name, pages)
    return 0


def judged(found: Iterable[Sample]) -> Iterator[Judged]:
    for sample in found:
        page, evidence = examine(sample.image, limit_s=math.inf)  # however busy the machine
        if evidence is None:
            continue
        true, read = folded(sample.text), folded(page.text)
        words = true.split()
        wer = min(1.0, Levenshtein.distance(words, read.split()) / max(1, len(words)))
        yield Judged(sample.doc, recall(true, read), wer, page, evidence)


def report(name: str, pages: list[Judged]) -> None:
    doubt = [1 - p.page.quality for p in pages]
    by_recall = spearman(doubt, [1 - p.recall for p in pages])
    by_wer = spearman(doubt, [p.wer for p in pages])
    good = [p for p in pages if p.page.quality >= LOW_QUALITY]
    wrong = sum(p.recall < GOOD_RECALL for p in good)
    written = sum("handwriting_suspected" in p.page.flags for p in pages)
    print(
        f"{name:16} n {len(pages)}  correlation with 1 - recall {by_recall:.2f}, with WER"
        f" {by_wer:.2f}  called good {len(good)}, of these under {GOOD_RECALL} recall {wrong}"
        f" ({wrong / max(1, len(good)):.1%})  handwriting suspected {written}",
        flush=True,
    )


def spearman(a: list[float], b: list[float]) -> float:
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: list[float]) -> np.ndarray:
    """Ranks, equal values sharing their mean."""
    given = np.asarray(values)
    return np.array([(given < v).sum() + ((given == v).sum() - 1) / 2 for v in given])


class Known(NamedTuple):
    """A reading whose recall is known; `by` names the weights it serves."""

    by: By
    evidence: Evidence
    recall: float


def fit(found: Iterable[Sample]) -> None:
    """Prints weights for each way a page may be read, from pages read in all three ways."""
    known = [k for sample in found for k in readings(sample)]
    for by in WEIGHTS:
        rows = [k for k in known if k.by == by]
        features = np.array([k.evidence.features() for k in rows])
        weights = logistic(features, np.array([k.recall for k in rows]))
        doubt = 1 / (1 + np.exp(features @ weights))
        fits = spearman(list(doubt), [1 - k.recall for k in rows])
        print(
            f'    "{by}": ({", ".join(f"{w:.2f}" for w in weights)}),'
            f"  # {len(rows)} pages, correlation {fits:.2f}"
        )


def readings(sample: Sample) -> Iterator[Known]:
    sheet = Sheet.of(sample.image)
    first, second = by_tesseract(sheet), by_rapid(sheet)
    ways: dict[By, Attempt] = {"tesseract": first, "rapidocr": second, "both": fused(second, first)}
    for by, attempt in ways.items():
        text = folded(arrange(attempt.lines).text)
        yield Known(by, attempt.evidence(sheet), recall(folded(sample.text), text))


def logistic(features: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Weights of the log odds of `share`, by gradient descent; errors weigh `CAUTION` times.

    Whatever speaks against a reading may only lower its odds.
    """
    share = np.clip(1 - CAUTION * (1 - share), 0.001, 0.999)
    weights = np.zeros(features.shape[1])
    for step in range(40_000):
        expected = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (expected - share) / len(share) + RIDGE * weights * (
            np.arange(len(weights)) > 0
        )
        weights -= 1.0 / (1 + step / 10_000) * slope
        weights[1:] = np.minimum(weights[1:], 0.0)
    return weights


if __name__ == "__main__":
    sys.exit(main())
