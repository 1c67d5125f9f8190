"""The worker: threads that claim jobs, do them, and record how they ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ingestion.pipeline import Pipeline
from ingestion.reindexing import expired, reindex
from store.catalog.jobs import Job
from store.errors import (
    DiskFull,
    FootnoteError,
    IndexDamaged,
    LeaseLost,
    NotFound,
    NotYet,
    Transient,
)
from store.room import explained

log = logging.getLogger("footnote.worker")
_IDLE_S = 2.0
_ATTEMPTS = 6
_RETIRED_S = 20.0  # a question that began before a swap may still read the old generation


class Worker:
    """`threads` readers and one re-indexer over one pipeline. `wake` after queuing a job."""

    def __init__(
        self,
        pipeline: Pipeline,
        epoch: int,
        threads: int = 2,
        *,
        keep_days: float = 7.0,
        reindex_share: float = 1.0,
        finish: Callable[[], None] = lambda: None,
    ):
        """`keep_days`: how long an index that served is kept; `reindex_share`: as in `Pace`.

        `finish` goes on with removals that something stood in the way of.
        """
        self.pipeline, self.epoch = pipeline, epoch
        self.keep_days, self.reindex_share = keep_days, reindex_share
        self._finish = finish
        self._news = threading.Condition()
        self._count = 0
        self._stopping = threading.Event()
        self._claiming = threading.Lock()
        self._in_hand: set[int] = set()
        loops: list[tuple[str, Callable[[], bool]]] = [
            (f"reader-{i}", lambda: self._work(("ingest",))) for i in range(threads)
        ]
        loops.append(("indexer", lambda: self._work(("reindex",)) or self._tidy()))
        self._threads = [
            threading.Thread(target=self._loop, args=(step,), name=name, daemon=True)
            for name, step in loops
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        with self._news:
            self._count += 1
            self._news.notify_all()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the steps under way; unfinished jobs go on at the next start."""
        self._stopping.set()
        self.wake()
        until = time.monotonic() + timeout_s
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join(max(0.0, until - time.monotonic()))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until no job is queued or running; False when time ran out first."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while self.pipeline.catalog.waiting(("ingest", "reindex")):
            if until is not None and time.monotonic() > until:
                return False
            if self._stopping.is_set():
                return False
            with self._news:
                self._news.wait(0.5)  # the end of each job wakes us sooner
        return True

    def _loop(self, step: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            seen = self._count
            try:
                worked = step()
            except LeaseLost:
                log.warning("another process has taken over the data folder; the worker stops")
                return
            except DiskFull as fault:  # nothing can be written, not even that
                log.warning("the worker waits: %s", fault)
                worked = False
            except Exception:  # the loop must outlive any job; it is recorded
                log.exception("the worker's loop failed; it goes on")
                worked = False
            if not worked:
                with self._news:
                    if self._count == seen and not self._stopping.is_set():
                        self._news.wait(_IDLE_S)

    def _work(self, kinds: tuple[str, ...]) -> bool:
        if self.pipeline.room is not None and self.pipeline.room.is_short():
            self.pipeline.room.tend()
            return False  # a job begun now would only fail for want of room
        with self._claiming:
            job = self.pipeline.catalog.claim_next(self.epoch, kinds, self.pipeline.clock())
            if job is None:
                return False
            self._in_hand.add(job.lease.job_id)
        try:
            self._do(job)
        finally:
            with self._claiming:
                self._in_hand.discard(job.lease.job_id)
        with self._news:
            self._news.notify_all()
        return True

    def _do(self, job: Job) -> None:
        try:
            if job.kind == "ingest":
                self.pipeline.ingest(job)
            else:
                reindex(self.pipeline, job, self.reindex_share)
        except LeaseLost:
            self._end(job, "cancelled")
        except (Transient, IndexDamaged) as e:  # a full disk looks like a damaged index
            self._again(job, e)
        except FootnoteError as e:
            self._end(job, "failed", str(e))
        except OSError as e:
            self._again(job, explained(e) or e)
        except Exception as e:  # recorded on the job, the next one goes on
            if self._stopping.is_set():
                return  # the doors are closing under us; the job goes on at next start
            log.exception("job %s failed", job.lease.job_id)
            self._again(job, e)

    def _again(self, job: Job, error: Exception) -> None:
        full = self.pipeline.room is not None and self.pipeline.room.is_full()
        waits = isinstance(error, NotYet) or full
        if job.attempts >= _ATTEMPTS and not waits:
            log.error("job %s is given up: %s", job.lease.job_id, error)
            self._end(job, "failed", _advice(error))
            return
        delay = min(60.0, 0.5 * 2 ** (job.attempts - 1))
        try:
            self.pipeline.catalog.put_back(
                job.lease,
                self.pipeline.clock() + delay,
                f"{type(error).__name__}: {error}",
                counted=not waits,
            )
        except LeaseLost:
            self._end(job, "cancelled")
        except DiskFull:
            return  # it stays as it is and is found to be nobody's when there is room

    def _end(self, job: Job, state: str, sentence: str | None = None) -> None:
        """Record a job that failed or was cancelled, and clear what it left behind."""
        catalog = self.pipeline.catalog
        try:
            if job.version_id:
                if catalog.fail_version(job.lease, job.version_id, state, sentence):
                    self.pipeline.unindex(job.version_id)
            else:
                catalog.finish_job(job.lease, state, sentence)
                self._drop_abandoned()
        except (LeaseLost, NotFound):
            return  # its rows are gone, or a newer owner has the job

    def _drop_abandoned(self) -> None:
        for generation_id in self.pipeline.catalog.abandoned_generations():
            self.pipeline.drop(generation_id)

    def _tidy(self) -> bool:
        """Clears up: lost jobs, generations that retired or were given up, replaced versions."""
        if self.pipeline.room is not None:
            self.pipeline.room.tend()
        with self._claiming:
            self.pipeline.catalog.requeue_lost(self.epoch, self._in_hand)
        self._drop_abandoned()
        for generation_id in expired(self.pipeline, self.keep_days, _RETIRED_S):
            self.pipeline.drop(generation_id)
        now = self.pipeline.clock()
        for kept in self.pipeline.catalog.kept_generations():
            if now - (kept.retired_at or 0.0) > _RETIRED_S:
                with self.pipeline.index_lock:  # a removal may be at work in it
                    self.pipeline.indexes.rest(kept.id)
        leaving = [x.version_id for x in self.pipeline.catalog.leaving() if not x.removing]
        if leaving:
            self.pipeline.leave(leaving)
        self._finish()
        return False


def _advice(error: Exception) -> str:
    """What a person is told of a fault that did not pass; where files lie is not theirs to know."""
    if isinstance(error, IndexDamaged):
        return "The search index is damaged, or the disk is full. Repair it, then retry this file."
    if isinstance(error, FootnoteError):
        return str(error)
    fault = f"Reading stopped on a fault of the program ({type(error).__name__})."
    return f"{fault} The file is kept; retry it later."
