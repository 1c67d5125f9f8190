"""One owner of a data folder at a time: a lock the kernel releases, and a note of who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from pathlib import Path

from store.errors import FolderInUse
from store.models import Frozen
from store.room import explained


class Owner(Frozen):
    """Who owns the folder. `address` is None for a command line that serves nobody."""

    pid: int
    address: str | None
    token: str


class FolderLock:
    """Takes the folder for this process; a crash releases it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.note = folder / "owner.json"
        self._descriptor: int | None = None

    def acquire(self, address: str | None = None) -> Owner:
        """Raises FolderInUse naming the owner, DiskFull where the folder cannot be written to.

        What this process has claimed is taken over.
        """
        claimed = _claimed.pop(self.folder.absolute(), None)
        self._descriptor = self._lock() if claimed is None else claimed
        return self._noted(address)

    def _lock(self) -> int:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            if said := explained(error):
                raise said from error
            raise
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _holder(descriptor)
            os.close(descriptor)
            noted = read_owner(self.folder)
            owner = noted if noted and pid in (None, noted.pid) else None
            pid = owner.pid if owner else pid
            where = f" (process {pid}" if pid else " (another process"
            where += f", {owner.address})" if owner and owner.address else ")"
            raise FolderInUse(
                f"The data folder {self.folder} is in use{where}.",
                pid=pid,
                address=owner.address if owner else None,
            ) from None
        with contextlib.suppress(OSError):  # a full disk: then the note alone names us
            os.pwrite(descriptor, b"%-10d" % os.getpid(), 0)
        return descriptor

    def _noted(self, address: str | None) -> Owner:
        assert self._descriptor is not None
        owner = Owner(pid=os.getpid(), address=address, token=secrets.token_urlsafe(24))
        try:
            self._note(owner)
        except OSError as error:
            (self.folder / "reserve").unlink(missing_ok=True)  # kept for exactly this
            try:
                self._note(owner)
            except OSError:
                os.close(self._descriptor)
                self._descriptor = None
                if said := explained(error):
                    raise said from error
                raise
        return owner

    def _note(self, owner: Owner) -> None:
        temporary = self.folder / ".owner.json"
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(json.dumps(owner.model_dump()))
        temporary.rename(self.note)

    def release(self) -> None:
        if self._descriptor is not None:
            self.note.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def claim(folder: Path) -> None:
    """Lock the folder for this process, before what takes long is imported; `acquire` takes over.

    Raises FolderInUse, so that of two servers that start at once the second ends at once.
    """
    place = folder.absolute()
    if place in _claimed:
        return
    try:
        _claimed[place] = FolderLock(folder)._lock()
    except FolderInUse as taken:
        if taken.pid != os.getpid():  # read again by the server that has it
            raise


_claimed: dict[Path, int] = {}
"""Descriptors of locks that nobody has acquired yet."""


def _holder(descriptor: int) -> int | None:
    """Who wrote into the lock's file; whoever has just taken the lock does so in a moment."""
    for _ in range(20):
        with contextlib.suppress(ValueError, OSError):
            pid = int(os.pread(descriptor, 10, 0) or b"0")
            if pid and (Path(f"/proc/{pid}").exists() or not Path("/proc").exists()):
                return pid
        time.sleep(0.01)
    return None


def read_owner(folder: Path) -> Owner | None:
    """The note the owner left; it may be stale when nobody holds the lock."""
    try:
        return Owner.model_validate_json((folder / "owner.json").read_text())
    except (OSError, ValueError):
        return None
