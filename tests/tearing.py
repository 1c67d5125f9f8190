"""Power loss, as near as one comes without pulling a plug: copies of a folder in the middle of
writes, of which the newest bytes, those that no `fsync` was waited for, are torn off."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

from crashing import Counts, Process

_SYNCED = ("catalog.db", "contents", "arrivals", "deletions.jsonl")
"""Written and synced before anything is built on them; the log of the catalog is not among them."""


def torn_copies(
    folder: Path, count: int, seed: int, *, serving_s: float
) -> tuple[Counts, list[str]]:
    """Work, stop, copy, tear, go on; each copy is then opened within `serving_s` seconds, finished
    and examined."""
    chance, counts, torn = random.Random(seed), Counts(), []
    data, ledger = folder / "store", folder / "ledger"
    ledger.touch()
    writer: Process | None = None
    for i in range(count):
        if writer is None or i % 10 == 0:
            if writer is not None:
                writer.kill()
                writer.ended()
            work = ("adding", "reindexing", "removing")[i // 10 % 3]
            writer = Process(data, ledger, seed * 1000 + i, work, None)
            writer.begins(counts, serving_s)
        time.sleep(chance.uniform(0.1, 1.5))
        copy = folder / f"copy{i}"
        torn.append(_torn_copy(writer.pid, data, ledger, copy, chance))
        finisher = Process(copy / "store", copy / "ledger", i, "finishing", None)
        os.kill(writer.pid, signal.SIGSTOP)  # the processors belong to who is examined
        before = len(counts.broken)
        finisher.begins(counts, serving_s)
        counts.broken += [f"copy {i} ({torn[-1]}): {b}" for b in finisher.finishes()]
        if len(counts.broken) == before:
            shutil.rmtree(copy)
        os.kill(writer.pid, signal.SIGCONT)
    if writer is not None:
        writer.kill()
        writer.ended()
    return counts, torn


def _torn_copy(pid: int, data: Path, ledger: Path, copy: Path, chance: random.Random) -> str:
    os.kill(pid, signal.SIGSTOP)
    for _ in range(100):  # until something is being written
        old, told = _sizes(data), ledger.read_text().count('"done"')
        os.kill(pid, signal.SIGCONT)
        time.sleep(chance.uniform(0.002, 0.12))
        os.kill(pid, signal.SIGSTOP)
        if any(size > old.get(name, 0) for name, size in _sizes(data).items()):
            break
    copy.mkdir()
    shutil.copytree(data, copy / "store", ignore=shutil.ignore_patterns("scratch"))
    shutil.copy(ledger, copy / "ledger")
    acknowledged = ledger.read_text().count('"done"') > told
    os.kill(pid, signal.SIGCONT)
    said = []
    for name, size in sorted(_sizes(copy / "store").items()):
        grown = size - old.get(name, 0)
        synced = Path(name).name in _SYNCED or set(Path(name).parts) & set(_SYNCED)
        # Who was told that a document is safe was told after the log was synced.
        if grown <= 0 or synced or (name == "catalog.db-wal" and acknowledged):
            continue
        if chance.random() < 0.7:
            left = old.get(name, 0) + chance.randrange(grown)
            os.truncate(copy / "store" / name, left)
            said.append(f"{name} {size} → {left}")
    return ", ".join(said)


def _sizes(folder: Path) -> dict[str, int]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in ("reserve", "catalog.db-shm"):
            found[str(path.relative_to(folder))] = path.stat().st_size
    return found
