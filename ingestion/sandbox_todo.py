"""The pages of one file that are left to read."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable


class Todo:
    """Page numbers in the order to be read; shared by all threads that read the file."""

    def __init__(self, numbers: Iterable[int]):
        self._left = deque(numbers)
        self._lock = threading.Lock()
        self._moved = time.monotonic()
        self.stopped = False

    def __len__(self) -> int:
        return len(self._left)

    def take(self) -> int | None:
        """The next page for the one who asks; None when there is none, or after `stop`."""
        with self._lock:
            return None if self.stopped or not self._left else self._left.popleft()

    def put_back(self, numbers: Iterable[int]) -> None:
        """What somebody took and leaves to the others."""
        with self._lock:
            self._left.extendleft(reversed(list(numbers)))

    def rest(self) -> list[int]:
        """All that nobody has taken; there is then nothing left."""
        with self._lock:
            rest = list(self._left)
            self._left.clear()
            return rest

    def came_back(self) -> None:
        """A page was read, or refused by its parser: the file gets on."""
        self._moved = time.monotonic()

    @property
    def still_s(self) -> float:
        """Seconds since a page last came back, from any child."""
        return time.monotonic() - self._moved

    def stop(self) -> None:
        """No more pages are given out."""
        self.stopped = True
