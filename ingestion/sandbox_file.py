"""A file open in a limited process: its pages, and pictures of them.

A page that crashes, hangs or outgrows its limits is handed back as failed with a sentence, and
the next one goes to a fresh process. Untrusted answers are checked before anyone sees them.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parsers import SUFFIXES, ParseOptions
from ingestion.sandbox_answers import believed_info, believed_page, failed_page, sentence
from ingestion.sandbox_child import Child, ChildFault
from ingestion.sandbox_todo import Todo
from store.errors import Unreadable
from store.models import Box, Kind, ParsedDocument, ParsedPage

if TYPE_CHECKING:
    from ingestion.sandbox import Sandbox

log = logging.getLogger("footnote.sandbox")
_AHEAD = 3
_QUICK_S = 0.25
_MOST_PAGES = 20_000
_NOT_TRIED = Unreadable("This page was not tried: the reader was stuck for too long before it.")


class NoSpare(Exception):
    """Another file needs the child that this one could have had."""


class SandboxedFile:
    """A file open in a child. For one thread; made by `Sandbox.open`.

    A `spare` one reads along with another, in a child that it has only while no file waits for it.
    """

    info: ParsedDocument

    def __init__(
        self,
        sandbox: Sandbox,
        path: Path,
        kind: Kind,
        options: ParseOptions,
        space_id: str,
        *,
        spare: bool = False,
    ) -> None:
        self._sandbox, self._path, self._kind = sandbox, path, kind
        self._options, self._space_id, self._spare = options, space_id, spare
        self._entry = sandbox.parsers[kind]
        self._timeout_s = sandbox.limits.page_timeout_s
        self._child: Child | None = None

    @property
    def only_pages(self) -> bool:
        """Whether it was opened without looking into its pages, after that had made it fail."""
        return self._options.only_pages

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

    def start_spare(self) -> None:
        """As `start`, once, in a spare child. Raises NoSpare, ChildFault or Unreadable."""
        self._opened()

    def another(self) -> SandboxedFile | None:
        """The same file for a second thread, as long as there is a child that nobody needs."""
        if not self._sandbox.has_spare:
            return None
        return SandboxedFile(
            self._sandbox, self._path, self._kind, self._options, self._space_id, spare=True
        )

    def pages(self, numbers: Iterable[int]) -> Iterator[ParsedPage]:
        """Pages in the order asked for; one that cannot be read comes back as failed."""
        yield from self.read(Todo(numbers))

    def read(self, todo: Todo) -> Iterator[ParsedPage]:
        """Pages of `todo` until none is left. What a spare reader leaves it puts back.

        Quick pages are asked for ahead, so that the child reads while the caller stores.
        """
        mine: deque[int] = deque()
        asked = killed = 0
        ahead = 1
        while mine or self._take_number(todo, mine):
            began = time.monotonic()
            try:
                child = self._ready(resting=not asked)
                while asked < ahead and self._may_ask(asked):
                    if asked == len(mine) and not self._take_number(todo, mine):
                        break
                    log.debug("page %d of %s is asked for", mine[asked], self._path.name)
                    child.ask({"do": "page", "number": mine[asked]}, self._timeout_s)
                    asked += 1
                message, blob = child.answer(self._timeout_s)
                page = believed_page(mine[0], message, blob)
                child.pages += 1
                asked -= 1
                todo.came_back()
                if message.get("ends"):
                    self._drop()
                    asked = 0
            except NoSpare:
                todo.put_back(mine)
                return
            except (ChildFault, Unreadable) as fault:
                self._drop()
                asked = 0
                if todo.stopped:
                    return
                # Killed from outside (an operator, the kernel short of memory): once more.
                killed += 1
                if isinstance(fault, ChildFault) and fault.killed and killed == 1:
                    continue
                page = failed_page(mine[0], fault)
            mine.popleft()
            killed = 0
            ahead = _AHEAD if time.monotonic() - began < _QUICK_S else 1
            yield page
            if todo.still_s > self._sandbox.limits.stuck_s:
                yield from (failed_page(n, _NOT_TRIED) for n in [*mine, *todo.rest()])
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

    def interrupt(self) -> None:
        """Ends the child under the thread that waits for it."""
        child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """Gives the child back."""
        if self._child is not None:
            child, self._child = self._child, None
            self._sandbox.give_back(child)

    def _opened(self) -> ParsedDocument:
        take = self._sandbox.take_spare if self._spare else self._sandbox.take
        child = self._child = take(self._entry.family, self._space_id)
        if child is None:
            raise NoSpare
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

    def _take_number(self, todo: Todo, mine: deque[int]) -> bool:
        """One page more to read, unless there is none or a file waits for this spare child."""
        number = None if self._spare and self._sandbox.in_demand else todo.take()
        if number is None:
            return False
        mine.append(number)
        return True

    def _may_ask(self, waiting: int) -> bool:
        """Whether this child should read one page more; it is replaced once it rests."""
        assert self._child is not None
        return self._child.pages + waiting < self._sandbox.limits.recycle_pages

    def _drop(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            self._sandbox.throw_away(child)
