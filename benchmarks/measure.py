"""What benchmarks share: memory of a process and its children, and which files to take."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from store.settings import ROOT

SAMPLES = ROOT / "data" / "samples"
SETS = ("kg_rag_10q", "uda")
_INTERVAL_S = 0.25


def family(pid: int) -> list[int]:
    """The process and all that descend from it, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold blanks; the parent's id is the second field after it.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_cpu_s(pid: int) -> float:
    """CPU seconds of a process and all that descend from it, those that have ended included."""
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended: its parent counts it
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / os.sysconf("SC_CLK_TCK")


def pss_mb(pid: int) -> float:
    """Proportional set size: memory shared by several processes is counted once, in parts."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0.0
    lines = (line.split() for line in rollup.splitlines())
    return next((int(line[1]) / 1024 for line in lines if line[0] == "Pss:"), 0.0)


class PeakMemory:
    """The largest PSS that a process and its descendants had together while this was open.

    `seen` has every sample: (time.monotonic(), MB).
    """

    def __init__(self, pid: int):
        self.pid, self.mb = pid, 0.0
        self.seen: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL_S):
            mb = sum(pss_mb(pid) for pid in family(self.pid))
            self.seen.append((time.monotonic(), mb))
            self.mb = max(self.mb, mb)


def chosen_folders(given: Sequence[Path]) -> list[Path]:
    """The folders to measure: those given, else FOOTNOTE_EVAL_DATA's, else the samples."""
    named = os.environ.get("FOOTNOTE_EVAL_DATA")
    folders = list(given) or ([Path(named)] if named else [SAMPLES])
    return [f for folder in folders for f in _sets_of(folder)]


def documents_folder(folder: Path) -> Path:
    """Where a folder's documents lie: in `docs`, or in itself."""
    return folder / "docs" if (folder / "docs").is_dir() else folder


def cores() -> int:
    return len(os.sched_getaffinity(0))


def _sets_of(folder: Path) -> Iterator[Path]:
    sets = [folder / name for name in SETS if (folder / name).is_dir()]
    yield from sets or [folder]
