"""Whether two runs over the same questions differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evals.metrics import of_rows
from store.models import Frozen

ROUNDS = 10_000
SEED = 1
_AT_ONCE = 500

MCNEMAR = "McNemar exact"
PERMUTED = "paired randomisation"

Score = float | None
"""None where a question has no score in one of the runs."""


class Test(Frozen):
    """`p`: how often a difference at least as large comes about by chance, on either side."""

    __test__ = False  # not one of pytest's
    name: str
    p: float


def paired_test(
    before: Sequence[Score],
    after: Sequence[Score],
    share: float | None = None,
) -> Test:
    """Scores of the same questions in two runs, in the same order; each run has some score.

    Yes-and-no scores that both runs have for every question go to McNemar's exact test, all
    others to paired randomisation of the difference of their means, or
    of the percentile `share` (0..1), with a fixed seed.
    """
    paired = all((a is None) == (b is None) for a, b in zip(before, after, strict=True))
    said = {s for s in (*before, *after) if s is not None}
    if paired and said <= {0.0, 1.0}:
        lost = sum(a == 1.0 and b == 0.0 for a, b in zip(before, after, strict=True))
        won = sum(a == 0.0 and b == 1.0 for a, b in zip(before, after, strict=True))
        return Test(name=MCNEMAR, p=mcnemar_p(lost, won))
    return Test(name=PERMUTED, p=randomised_p(before, after, share))


def mcnemar_p(lost: int, won: int) -> float:
    """Two-sided exact McNemar: were the changed questions as likely lost as won? (McNemar 1947)"""
    n = lost + won
    tail = sum(math.comb(n, i) for i in range(min(lost, won) + 1)) / 2**n
    return min(1.0, 2 * tail)


def randomised_p(
    before: Sequence[Score],
    after: Sequence[Score],
    share: float | None = None,
    rounds: int = ROUNDS,
    seed: int = SEED,
) -> float:
    """Two-sided: each question's two scores change sides or not, at random, `rounds` times.

    The observed arrangement counts as one, so that p is never 0 (Noreen 1989).
    """
    both = np.array([before, after], dtype=float)  # [2, n], NaN where there is no score
    observed = abs(np.diff(of_rows(both, share))[0])
    random = np.random.default_rng(seed)
    as_large = 0
    for start in range(0, rounds, _AT_ONCE):
        swapped = random.random((min(_AT_ONCE, rounds - start), both.shape[1])) < 0.5
        first = of_rows(np.where(swapped, both[1], both[0]), share)
        second = of_rows(np.where(swapped, both[0], both[1]), share)
        # A side that got no score at all says nothing: it counts as being as large.
        smaller = np.abs(first - second) < observed - 1e-12
        as_large += int(np.sum(~smaller))
    return (as_large + 1) / (rounds + 1)
