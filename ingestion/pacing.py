"""Room for questions while an index is built: work, and then rest as long as it costs them."""

from __future__ import annotations

import time
from collections.abc import Callable

_ASKED_S = 2.0  # an answer is at work for about so long after its first search
_LONGEST_S = 5.0
_NAP_S = 0.02


class Pace:
    """Called between two pieces of work; rests while questions are being answered.

    Of the time in which there are questions, the work takes `share` (0..1]; it never stands still,
    however many are asked. `quiet_s` tells the seconds since the last question.
    """

    def __init__(
        self,
        quiet_s: Callable[[], float],
        share: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ):
        self._quiet_s, self._clock, self._wait = quiet_s, clock, wait
        self._share = min(1.0, max(0.01, share))
        self._since = clock()
        self.rested_s = 0.0

    def __call__(self) -> None:
        began = self._clock()
        rest_s = min(_LONGEST_S, (began - self._since) * (1 / self._share - 1))
        while self._quiet_s() < _ASKED_S and self._clock() - began < rest_s:
            self._wait(_NAP_S)
        self._since = self._clock()
        self.rested_s += self._since - began
