"""One owner of a data folder at a time: a lock the kernel releases, and a note of who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from pathlib import Path

from store.errors import FolderInUse
from store.models import Frozen


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
        """Raises FolderInUse naming the owner."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            owner = read_owner(self.folder)
            where = f" (process {owner.pid}" if owner else " (another process"
            where += f", {owner.address})" if owner and owner.address else ")"
            raise FolderInUse(
                f"The data folder {self.folder} is in use{where}.",
                pid=owner.pid if owner else None,
                address=owner.address if owner else None,
            ) from None
        self._descriptor = descriptor
        owner = Owner(pid=os.getpid(), address=address, token=secrets.token_urlsafe(24))
        temporary = self.folder / ".owner.json"
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(json.dumps(owner.model_dump()))
        temporary.rename(self.note)
        return owner

    def release(self) -> None:
        if self._descriptor is not None:
            self.note.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def read_owner(folder: Path) -> Owner | None:
    """The note the owner left; it may be stale when nobody holds the lock."""
    try:
        return Owner.model_validate_json((folder / "owner.json").read_text())
    except (OSError, ValueError):
        return None
