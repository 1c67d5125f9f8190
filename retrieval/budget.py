"""How many tokens models may be sent and may write on one day (UTC)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

_KEY = "model_tokens"


class Kept(Protocol):
    """Where the count outlives a restart: the catalog's few values by name."""

    def meta(self, key: str) -> str | None: ...

    def set_meta(self, key: str, value: str) -> None: ...


class Budget:
    """Counts the tokens of a day; `most` 0 is no limit. Safe to use from several threads.

    One process owns a data folder, so its own lock keeps counts from being lost.
    """

    def __init__(self, kept: Kept, most: int, clock: Callable[[], float] = time.time):
        self.most = most
        self._kept, self._clock = kept, clock
        self._lock = threading.Lock()

    def used_up(self) -> bool:
        """Whether nothing more may be asked today. An answer under way is not cut."""
        return self.most > 0 and self.spent() >= self.most

    def spent(self) -> int:
        """Tokens of today."""
        kept = json.loads(self._kept.meta(_KEY) or "{}")
        return int(kept["tokens"]) if kept.get("day") == self._today() else 0

    def spend(self, tokens: int) -> None:
        with self._lock:
            value = {"day": self._today(), "tokens": self.spent() + tokens}
            self._kept.set_meta(_KEY, json.dumps(value))

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
