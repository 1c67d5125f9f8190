"""The only way to read an untrusted file: in a limited process, one page a request."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ingestion.confine import Protection
from ingestion.parsers import PARSERS, Family, ParseOptions, ParserEntry
from ingestion.sandbox_child import Child
from ingestion.sandbox_file import SandboxedFile
from ingestion.sandbox_keeper import Keeper
from ingestion.sandbox_limits import Limits
from store.errors import Transient
from store.models import Kind

__all__ = ["Limits", "Protection", "Sandbox", "SandboxedFile"]


class Sandbox:
    """A few long-lived children, each of one parser family. Safe for many threads.

    `processes` bounds how many exist at once; `open` waits for a free one. `scratch` is a folder
    of our own; what a crash left in it is removed.
    """

    def __init__(
        self,
        limits: Limits,
        processes: int,
        scratch: Path,
        parsers: Mapping[Kind, ParserEntry] = PARSERS,
    ) -> None:
        self.limits = limits
        self.parsers = parsers
        self._processes = max(1, processes)
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in scratch.glob("child-*"):
            shutil.rmtree(left, ignore_errors=True)
        tops = [entry.module.partition(".")[0] for entry in parsers.values()]
        self._packages = tuple(dict.fromkeys(["ingestion", "store", *tops]))
        self._free = threading.Condition()
        self._idle: list[Child] = []
        self._out: set[Child] = set()
        self._starting = 0
        self._waiting = 0
        self._closed = False
        self._protection: tuple[Protection, ...] | None = None
        self._keeper = Keeper(self._end_idle)

    @contextmanager
    def open(
        self, path: Path, kind: Kind, options: ParseOptions, *, space_id: str
    ) -> Iterator[SandboxedFile]:
        """The file, opened. Raises Unreadable when it cannot be read at all."""
        file = SandboxedFile(self, path, kind, options, space_id)
        try:
            file.start()
            yield file
        finally:
            file.close()

    def protection(self) -> tuple[Protection, ...]:
        """What protects the app from its parsers on this machine, as a child reports it."""
        if self._protection is None:
            self.give_back(self.take("office", ""))
        assert self._protection is not None
        return self._protection

    def close(self) -> None:
        """Ends every child; files still open fail."""
        with self._free:
            self._closed = True
            children = [*self._idle, *self._out]
            self._idle.clear()
            self._free.notify_all()
        for child in children:
            child.end()
        self._keeper.close()

    @property
    def in_demand(self) -> bool:
        """Whether a file waits for a child."""
        return self._waiting > 0

    @property
    def has_spare(self) -> bool:
        """Whether there is a child, or room for one, that no file waits for."""
        with self._free:
            return not self._waiting and (bool(self._idle) or self._has_room())

    def take(self, family: Family, space_id: str) -> Child:
        """A child for a file of this space; one that read files of another is ended first."""
        with self._free:
            self._waiting += 1
            try:
                while not (self._closed or self._idle or self._has_room()):
                    self._free.wait(1.0)
            finally:
                self._waiting -= 1
            fit, doomed = self._reserve(family, space_id)
        return fit or self._start(family, space_id, doomed)

    def take_spare(self, family: Family, space_id: str) -> Child | None:
        """As `take`, but None where that would keep another file waiting."""
        with self._free:
            if self._waiting or not (self._idle or self._has_room()):
                return None
            fit, doomed = self._reserve(family, space_id)
        return fit or self._start(family, space_id, doomed)

    def _has_room(self) -> bool:
        return len(self._idle) + len(self._out) + self._starting < self._processes

    def _reserve(self, family: Family, space_id: str) -> tuple[Child | None, list[Child]]:
        """An idle child that fits; else the right to start one when those named have ended."""
        if self._closed:
            raise Transient("Footnote is stopping.")
        doomed: list[Child] = []
        fit = next((c for c in self._idle if c.family == family), None)
        if fit is not None:
            self._idle.remove(fit)
            if fit.alive and fit.space_id in (None, space_id):
                self._out.add(fit)
                fit.space_id = space_id
                return fit, []
            doomed.append(fit)
        if not self._has_room():
            doomed.append(self._idle.pop(0))
        self._starting += 1
        return None, doomed

    def _start(self, family: Family, space_id: str, doomed: Sequence[Child]) -> Child:
        try:
            for child in doomed:
                child.end()
            fresh = self._keeper.do(
                lambda: Child(family, self.limits, self._scratch, self._packages)
            )
        except BaseException:
            with self._free:
                self._starting -= 1
                self._free.notify()
            raise
        fresh.space_id = space_id or None
        self._protection = fresh.protection
        with self._free:
            self._starting -= 1
            self._out.add(fresh)
            closed = self._closed
        if closed:
            self.throw_away(fresh)
            raise Transient("Footnote is stopping.")
        return fresh

    def give_back(self, child: Child) -> None:
        """The child waits for more work unless it is in the middle of some, or old."""
        tired = child.pages >= self.limits.recycle_pages or child.waiting or not child.alive
        if tired or self._closed:
            self.throw_away(child)
            return
        child.clear()
        child.idle_since = time.monotonic()
        with self._free:
            self._out.discard(child)
            self._idle.append(child)
            self._free.notify()

    def throw_away(self, child: Child) -> None:
        """The child had a fault, or enough."""
        child.end()
        with self._free:
            self._out.discard(child)
            self._free.notify()

    def _end_idle(self) -> None:
        before = time.monotonic() - self.limits.idle_s
        with self._free:
            old = [c for c in self._idle if c.idle_since < before or not c.alive]
            self._idle = [c for c in self._idle if c not in old]
            self._free.notify_all()
        for child in old:
            child.end()
