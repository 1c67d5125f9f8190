"""One file read by several children at once, as long as no other file needs them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ingestion.sandbox_child import ChildFault
from ingestion.sandbox_file import NoSpare, SandboxedFile
from ingestion.sandbox_todo import Todo
from store.errors import Unreadable
from store.models import ParsedPage

_WORTH_S = 2.0
"""So much reading must be left for one more child: it takes half a second to start."""
_LOOK_S = 0.5
_READ_AHEAD = 32


@contextmanager
def by_many(file: SandboxedFile, numbers: Iterable[int]) -> Iterator[Iterator[ParsedPage | None]]:
    """The pages in whatever order they come, each once; one that cannot be read as failed.

    None comes where no page has for a while.

    Leaving the block before they have all come ends the children that still read.
    """
    readers = _Readers(file, Todo(numbers))
    try:
        yield readers.pages()
    finally:
        readers.stop()


class _Readers:
    """Threads that read the same file, one child each."""

    def __init__(self, file: SandboxedFile, todo: Todo):
        self._file, self._todo = file, todo
        self._came: queue.Queue[ParsedPage | Exception | None] = queue.Queue(_READ_AHEAD)
        self._threads: list[threading.Thread] = []
        self._files: list[SandboxedFile] = []
        self._began = time.monotonic()
        self._done = 0
        self._alone = self._ended = False

    def pages(self) -> Iterator[ParsedPage | None]:
        reading = 0
        while True:
            if not reading:
                if not self._todo:
                    self._ended = True
                    return
                # At first; and again where a spare reader left pages after the others had ended.
                self._begin(self._file)
                reading += 1
            elif self._is_worth_it() and (spare := self._file.another()):
                self._begin(spare)
                reading += 1
            try:
                came = self._came.get(timeout=_LOOK_S)
            except queue.Empty:
                yield None
                continue
            if came is None:
                reading -= 1
            elif isinstance(came, Exception):
                raise came
            else:
                self._done += 1
                yield came

    def stop(self) -> None:
        """Ends what still reads. The file itself is its owner's to close."""
        self._todo.stop()
        for thread in self._threads:
            while thread.is_alive():
                if not self._ended:
                    for file in self._files:
                        file.interrupt()
                # Room for whoever waits to hand over a page.
                while not self._came.empty():
                    self._came.get_nowait()
                thread.join(0.05)

    def _begin(self, file: SandboxedFile) -> None:
        thread = threading.Thread(target=self._read, args=(file,), name="pages", daemon=True)
        self._threads.append(thread)
        self._files.append(file)
        thread.start()

    def _read(self, file: SandboxedFile) -> None:
        try:
            if file is self._file or self._opened(file):
                for page in file.read(self._todo):
                    self._came.put(page)
            self._came.put(None)
        except Exception as fault:  # noqa: BLE001  # raised again where the pages are waited for
            self._came.put(fault)
        finally:
            if file is not self._file:
                file.close()

    def _opened(self, spare: SandboxedFile) -> bool:
        try:
            spare.start_spare()
        except NoSpare:
            return False
        except (ChildFault, Unreadable):
            self._alone = True  # the first reader goes on, and knows what a fault is worth
            return False
        return True

    def _is_worth_it(self) -> bool:
        """Whether those who read would take much longer for the rest than a child to start."""
        so_far_s = time.monotonic() - self._began
        left_s = len(self._todo) * so_far_s / max(1, self._done)
        return left_s > _WORTH_S and not self._alone
