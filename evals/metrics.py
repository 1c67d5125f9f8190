"""The measures of one question, each a number 0..1, and what many of them come to."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T", bound=Hashable)


def distinct(found: Sequence[T]) -> list[T]:
    """Each thing once, where it came first."""
    return list(dict.fromkeys(found))


def recall(found: Sequence[Hashable], right: Collection[Hashable], k: int) -> float:
    """Share of `right` among the first `k` of `found`; `right` holds something."""
    return len(set(found[:k]) & set(right)) / len(set(right))


def hit(found: Sequence[Hashable], right: Collection[Hashable], k: int) -> float:
    """1 where one of `right` is among the first `k` of `found`."""
    return float(any(one in right for one in found[:k]))


def ndcg(found: Sequence[Hashable], grades: Mapping[Hashable, float], k: int) -> float:
    """Normalised discounted cumulative gain of the first `k`; the gain is the grade itself.

    As trec_eval has it (Järvelin and Kekäläinen 2002, with log2(place + 1) from the first place).
    """
    ideal = _gained(sorted(grades.values(), reverse=True)[:k])
    return _gained([grades.get(one, 0.0) for one in found[:k]]) / ideal if ideal else 0.0


def precision(cited: Collection[Hashable], right: Collection[Hashable]) -> float:
    """Share of `cited` that is right; `cited` holds something."""
    return sum(one in right for one in cited) / len(cited)


def of_rows(table: np.ndarray, share: float | None = None) -> np.ndarray:
    """The mean of each row's numbers, [r, n] to [r]; NaN in the table is no score.

    With a `share` (0..1) the smallest number that so many of the row's do not exceed. NaN where a
    row has no numbers.
    """
    counts = np.sum(~np.isnan(table), axis=1)
    none = counts == 0
    if share is None:
        values = np.nansum(table, axis=1) / np.maximum(counts, 1)
    else:
        places = np.maximum(np.ceil(share * counts).astype(int) - 1, 0)
        values = np.sort(table, axis=1)[np.arange(len(table)), places]  # NaN sorts last
    return np.where(none, np.nan, values)


def _gained(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))
