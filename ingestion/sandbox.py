"""The only way to read an untrusted file: in a limited process, one page a request.

A page that crashes, hangs or outgrows its limits is handed back as failed with a sentence, and
the next one goes to a fresh process. Untrusted answers are checked before anyone sees them.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ingestion.confine import Protection
from ingestion.parsers import PARSERS, SUFFIXES, Family, ParseOptions, ParserEntry
from ingestion.sandbox_answers import believed_info, believed_page, failed_page, sentence
from ingestion.sandbox_child import Child, ChildFault
from ingestion.sandbox_keeper import Keeper
from store.errors import Transient, Unreadable
from store.models import Box, Frozen, Kind, ParsedDocument, ParsedPage

__all__ = ["Limits", "Protection", "Sandbox", "SandboxedFile"]

_AHEAD = 3
_MOST_PAGES = 20_000
_NOT_TRIED = Unreadable("This page was not tried: the reader was stuck for too long before it.")


class Limits(Frozen):
    """What one child may use. `recycle_pages`: its life; `idle_s`: how long it waits for work.

    `stuck_s`: how long a file may go without a page that came back; the rest is then given up.
    """

    memory_mb: int = 1500
    page_timeout_s: float = 60.0
    stuck_s: float = 600.0
    recycle_pages: int = 500
    idle_s: float = 30.0


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

    def take(self, family: Family, space_id: str) -> Child:
        """A child for a file of this space; one that read files of another is ended first."""
        doomed: list[Child] = []
        with self._free:
            while True:
                if self._closed:
                    raise Transient("Footnote is stopping.")
                fit = next((c for c in self._idle if c.family == family), None)
                if fit is not None:
                    self._idle.remove(fit)
                    if fit.alive and fit.space_id in (None, space_id):
                        self._out.add(fit)
                        fit.space_id = space_id
                        return fit
                    doomed.append(fit)
                if len(self._idle) + len(self._out) + self._starting < self._processes:
                    break
                if self._idle:
                    doomed.append(self._idle.pop(0))
                    break
                self._free.wait(1.0)
            self._starting += 1
        try:
            for child in doomed:
                child.end()
            fresh = self._keeper.do(
                lambda: Child(family, self.limits.memory_mb, self._scratch, self._packages)
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


class SandboxedFile:
    """A file open in a child. For one thread; made by `Sandbox.open`."""

    info: ParsedDocument

    def __init__(
        self, sandbox: Sandbox, path: Path, kind: Kind, options: ParseOptions, space_id: str
    ) -> None:
        self._sandbox, self._path, self._kind = sandbox, path, kind
        self._options, self._space_id = options, space_id
        self._entry = sandbox.parsers[kind]
        self._timeout_s = sandbox.limits.page_timeout_s
        self._child: Child | None = None

    def start(self) -> None:
        """Opens the file in a child. Raises Unreadable."""
        options = self._options
        for attempt in (1, 2):
            try:
                self.info = self._opened()
                return
            except ChildFault as fault:
                self._drop()
                # Whatever broke may be one page that was looked at for a title.
                self._options = self._options.model_copy(update={"only_pages": True})
                if attempt == 2:
                    raise Unreadable(f"This file could not be read: {fault}.") from fault
                if fault.killed:  # from outside, by an operator or a kernel short of memory
                    self._options = options

    def pages(self, numbers: Iterable[int]) -> Iterator[ParsedPage]:
        """Pages in the order asked for; one that cannot be read comes back as failed.

        Requests run ahead, so that the child reads while the caller stores.
        """
        todo = deque(numbers)
        asked: deque[int] = deque()
        killed = 0
        moved = time.monotonic()
        while todo or asked:
            number = asked[0] if asked else todo[0]
            try:
                child = self._ready(resting=not asked)
                while todo and len(asked) < _AHEAD and self._may_ask(len(asked)):
                    child.ask({"do": "page", "number": todo[0]}, self._timeout_s)
                    asked.append(todo.popleft())
                message, blob = child.answer(self._timeout_s)
                page = believed_page(number, message, blob)
                child.pages += 1
                asked.popleft()
                moved = time.monotonic()
                if message.get("ends"):
                    self._drop()
                    todo.extendleft(reversed(asked))
                    asked.clear()
            except (ChildFault, Unreadable) as fault:
                self._drop()
                todo.extendleft(reversed(asked))
                asked.clear()
                # Killed from outside (an operator, the kernel short of memory): once more.
                killed += 1
                if isinstance(fault, ChildFault) and fault.killed and killed == 1:
                    continue
                page = failed_page(todo.popleft(), fault)
            killed = 0
            yield page
            if time.monotonic() - moved > self._sandbox.limits.stuck_s:
                yield from (failed_page(n, _NOT_TRIED) for n in [*asked, *todo])
                return

    def picture(self, number: int, width_px: int, region: Box | None = None) -> bytes:
        """A PNG of a page, or of a region of it when it is `width_px` wide. Raises Unreadable."""
        for attempt in (1, 2):
            try:
                child = self._ready(resting=True)
                request = {"do": "picture", "number": number, "width_px": width_px}
                child.ask(request | ({"region": region} if region else {}), self._timeout_s)
                message, blob = child.answer(self._timeout_s)
            except ChildFault as fault:
                self._drop()
                if attempt == 2 or not fault.killed:
                    raise Unreadable(f"This page could not be drawn: {fault}.") from fault
                continue
            if "unreadable" in message:
                raise Unreadable(sentence(message["unreadable"]))
            if not message.get("picture") or not blob.startswith(b"\x89PNG"):
                raise Unreadable("This page could not be drawn.")
            return blob
        raise AssertionError

    def close(self) -> None:
        """Gives the child back."""
        if self._child is not None:
            child, self._child = self._child, None
            self._sandbox.give_back(child)

    def _opened(self) -> ParsedDocument:
        child = self._child = self._sandbox.take(self._entry.family, self._space_id)
        inside = child.give(self._path, SUFFIXES[self._kind])
        options = self._options.model_dump(mode="json")
        request = {"module": self._entry.module, "path": str(inside), "options": options}
        child.ask({"do": "open", **request}, self._timeout_s)
        message, _ = child.answer(self._timeout_s)
        if "unreadable" in message:
            raise Unreadable(sentence(message["unreadable"]))
        return believed_info(message, max(self._options.max_pages, _MOST_PAGES))

    def _ready(self, *, resting: bool) -> Child:
        """A child with this file open. A resting one that has read enough is replaced."""
        if self._child is not None:
            if not resting or self._child.pages < self._sandbox.limits.recycle_pages:
                return self._child
            self._drop()
        self._opened()
        assert self._child is not None
        return self._child

    def _may_ask(self, waiting: int) -> bool:
        """Whether this child should read one page more; it is replaced once it rests."""
        assert self._child is not None
        return self._child.pages + waiting < self._sandbox.limits.recycle_pages

    def _drop(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            self._sandbox.throw_away(child)
