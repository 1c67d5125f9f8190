"""Backups of an open library: one at a time, asked for or due, and how the last one went."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ingestion.backup import Progress, back_up
from ingestion.backup_format import Made
from ingestion.backup_places import prune, snapshots
from ingestion.backups import library_id, tell_what_is_untold
from store.catalog.copies import forget_before_upgrades
from store.errors import BadInput, Cancelled, FootnoteError
from store.models import Check, Frozen
from store.opening import Store

log = logging.getLogger("footnote.backup")

_LAST = "backup_last"
_LAST_DUE = "backup_last_due"  # the newest in the folder of the settings
_FAILED = "backup_failed"
_SCHEDULE = "schedule"  # who makes a backup that is due
_LOOK_S = 30.0
_AGAIN_S = 900.0  # after a failure
_MANY = 1.5  # times the hours between two, until a missing one is a fault

State = Literal["idle", "running", "done", "failed", "cancelled"]


class Failure(Frozen):
    """A scheduled backup that was not made; `at` in seconds since 1970."""

    at: float
    error: str


class BackupStatus(Frozen):
    """How backups stand. `state` and `error` are of the newest since this Footnote started.

    `last` is the newest that was completed, ever; `failure` stands until a scheduled one succeeds.
    `next_at` in seconds since 1970.
    """

    state: State
    target: str | None = None
    done_bytes: int = 0
    total_bytes: int = 0
    error: str | None = None
    last: Made | None = None
    failure: Failure | None = None
    folder: str | None = None
    every_hours: float | None = None
    keep: int | None = None
    next_at: float | None = None


class Backups:
    """Thread-safe. `start` begins the schedule, where the settings have one."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time):
        self.store, self.clock = store, clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._cancel = threading.Event()
        self._now = BackupStatus(state="idle")
        self._threads: list[threading.Thread] = []

    def make(self, by: str, target: str, progress: Progress = lambda done, total: None) -> Made:
        """Make a backup and wait for it; `by` is a principal's id.

        Raises BadInput (also while another is made), BackupFailed, Cancelled.
        """
        self._begin(target)
        return self._make(by, target, progress)

    def begin(self, by: str, target: str | None = None) -> BackupStatus:
        """Begin a backup, into the folder of the settings by default; `status` follows it."""
        target = target or self._folder()
        if target is None:
            raise BadInput("Name a file or a folder, or set FOOTNOTE_BACKUP_FOLDER.")
        self._begin(target)

        def work() -> None:
            try:
                self._make(by, target, lambda done, total: None)
            except Exception:  # the status says it; a fault of ours must be in the log too
                log.exception("the backup failed")

        self._run(work, "backup")
        return self.status()

    def cancel(self) -> None:
        """Stop the backup being made; nothing of it is left."""
        self._cancel.set()

    def status(self) -> BackupStatus:
        catalog, settings = self.store.catalog, self.store.settings
        last, failed = catalog.meta(_LAST), catalog.meta(_FAILED)
        with self._lock:
            now = self._now
        return now.model_copy(
            update={
                "last": Made.model_validate_json(last) if last else None,
                "failure": Failure.model_validate_json(failed) if failed else None,
                "folder": self._folder(),
                "every_hours": settings.backup_hours if self._folder() else None,
                "keep": settings.backup_keep if self._folder() else None,
                "next_at": self._next() if self._folder() else None,
            }
        )

    def start(self) -> None:
        """Begin to make backups when they are due; upkeep of what they leave goes with it."""
        self._run(self._watch, "backup-schedule")

    def stop(self, timeout_s: float = 10.0) -> None:
        self._stop.set()
        self._cancel.set()
        for thread in self._threads:
            thread.join(timeout_s)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                forget_before_upgrades(self.store.settings.data)
                tell_what_is_untold(self.store)
                if self._is_due() and self._now.state != "running":
                    self._scheduled()
            except Exception:  # the schedule must outlive a bad night
                log.exception("the schedule of backups met a fault; it goes on")
            self._stop.wait(_LOOK_S)

    def _scheduled(self) -> None:
        folder = self._folder()
        assert folder is not None
        try:
            self.make(_SCHEDULE, folder)
            library = library_id(self.store.catalog)
            prune(Path(folder), self.store.settings.backup_keep, library)
        except Cancelled:
            return
        except (FootnoteError, OSError) as e:
            log.error("the scheduled backup was not made: %s", e)
            failure = Failure(at=self.clock(), error=str(e))
            self.store.catalog.set_meta(_FAILED, failure.model_dump_json())

    def _is_due(self) -> bool:
        next_at = self._next()
        return next_at is not None and self.clock() >= next_at

    def _next(self) -> float | None:
        """When the next scheduled backup is due, None without a schedule."""
        folder, hours = self._folder(), self.store.settings.backup_hours
        if folder is None or hours <= 0:
            return None
        last, failed = self.store.catalog.meta(_LAST_DUE), self.store.catalog.meta(_FAILED)
        made = Made.model_validate_json(last) if last else None
        there = made is not None and Path(made.path).parent == Path(folder).absolute()
        due = made.at + hours * 3600 if made and there and snapshots(Path(folder)) else 0.0
        if failed:
            due = max(due, Failure.model_validate_json(failed).at + min(_AGAIN_S, hours * 3600))
        return due

    def _folder(self) -> str | None:
        folder = self.store.settings.backup_folder
        return f"{folder}/" if folder else None

    def _begin(self, target: str) -> None:
        with self._lock:
            if self._now.state == "running":
                raise BadInput("A backup is being made; wait until it is done, or cancel it.")
            self._cancel.clear()
            self._now = BackupStatus(state="running", target=target)

    def _make(self, by: str, target: str, progress: Progress) -> Made:
        def count(done: int, total: int) -> None:
            with self._lock:
                self._now = self._now.model_copy(update={"done_bytes": done, "total_bytes": total})
            progress(done, total)

        def stopping() -> bool:
            return self._cancel.is_set() or self._stop.is_set()

        try:
            made = back_up(self.store, target, progress=count, cancelled=stopping)
            with self.store.catalog.together():
                self.store.catalog.set_meta(_LAST, made.model_dump_json())
                if target == self._folder():
                    self.store.catalog.set_meta(_LAST_DUE, made.model_dump_json())
                    self.store.catalog.set_meta(_FAILED, "")
                self.store.catalog.record(by, "backup", documents=made.documents, bytes=made.bytes)
        except BaseException as e:
            state: State = "cancelled" if isinstance(e, Cancelled) else "failed"
            said = (
                str(e) if isinstance(e, FootnoteError) else "A fault of the program; see the log."
            )
            self._ended(state, said)
            raise
        self._ended("done", None)
        return made

    def _ended(self, state: State, error: str | None) -> None:
        with self._lock:
            self._now = self._now.model_copy(update={"state": state, "error": error})

    def _run(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()


def backup_check(status: BackupStatus, now: float) -> Check:
    """Backups as one line among the checks of health."""
    if status.failure is not None:
        return Check(name="backup", ok=False, detail=status.failure.error)
    if status.folder is None:
        return Check(name="backup", ok=True, detail="None is scheduled (FOOTNOTE_BACKUP_FOLDER).")
    if status.last is None:
        return Check(name="backup", ok=True, detail="The first one has not been made yet.")
    hours = (now - status.last.at) / 3600
    late = bool(status.every_hours) and hours > _MANY * (status.every_hours or 0)
    lacking = len(status.last.lacking)
    detail = f"The newest is {hours:.1f} hours old."
    if lacking:
        detail += f" It lacks {lacking} originals that are missing or have changed; run verify."
    return Check(name="backup", ok=not (late or lacking), detail=detail)
