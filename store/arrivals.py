"""Notes of files that were acknowledged, until the catalog's own file holds what is said of them.

SQLite keeps the newest transactions beside the catalog (`catalog.db-wal`) and drops them without a
word where that file is torn. A note then still says which stored file came under which name.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from store.models import Frozen

SETTLE_AT = 200


class Arrival(Frozen):
    """A file that somebody was told is safe. `at` in seconds since 1970."""

    digest: str
    space: str
    name: str
    at: float
    sync_folder: str | None = None
    sync_path: str | None = None


class Arrivals:
    """One small file a note, named by the content's hash; durable when `note` returns."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def note(self, arrival: Arrival) -> None:
        """After the catalog has it, before anybody is told."""
        path = self.folder / f"{arrival.digest}-{secrets.token_hex(4)}.json"
        with path.open("wb") as f:
            f.write(arrival.model_dump_json().encode("utf-8", "surrogatepass"))
            f.flush()
            os.fsync(f.fileno())
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def all(self) -> list[Arrival]:
        """In the order in which they came; a note that is torn was never acknowledged."""
        found = []
        for path in self.folder.glob("*.json"):
            try:
                found.append(Arrival.model_validate_json(path.read_bytes()))
            except (ValueError, FileNotFoundError):
                continue
        return sorted(found, key=lambda a: a.at)

    def are_many(self) -> bool:
        return sum(1 for _ in self.folder.iterdir()) >= SETTLE_AT

    def settle(self, checkpoint: Callable[[], bool]) -> None:
        """Have all that is noted written into the catalog's file, and drop the notes."""
        noted = list(self.folder.iterdir())
        if noted and checkpoint():
            for path in noted:
                path.unlink(missing_ok=True)
