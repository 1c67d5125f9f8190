"""One thread that starts all children, and ends idle ones."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from ingestion.sandbox_child import Child


class Keeper:
    """The kernel kills a child when the thread that started it ends, so no passing thread may.

    `tidy` is called about every second while there is nothing to start.
    """

    def __init__(self, tidy: Callable[[], None]):
        self._tidy = tidy
        self._jobs: queue.SimpleQueue[tuple[Future[Child], Callable[[], Child]] | None]
        self._jobs = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, start: Callable[[], Child]) -> Child:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
                self._thread.start()
        future: Future[Child] = Future()
        self._jobs.put((future, start))
        return future.result()

    def close(self) -> None:
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._jobs.put(None)
            thread.join(10)

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=1.0)
            except queue.Empty:
                self._tidy()
                continue
            if job is None:
                return
            future, start = job
            try:
                future.set_result(start())
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asked
                future.set_exception(error)
