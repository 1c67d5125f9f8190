"""Room on the disk: a reserve that lets what was acknowledged be finished when others fill it.

The reserve is a file. While it stands, files are taken only where they fit beside it; when the disk
fills all the same it is given up, so that small writes go on, and taken back when there is room.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from pathlib import Path

from store.errors import DiskFull

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_LOW = 4  # a fraction of the reserve: with less than that free, it is given up


class Room:
    """Thread-safe. `reserve_bytes` 0 keeps none."""

    def __init__(self, folder: Path, reserve_bytes: int):
        self.folder, self.reserve_bytes = folder, reserve_bytes
        self._file = folder / "reserve"
        self._lock = threading.Lock()
        self.tend()

    def check(self, size: int = 0) -> None:
        """Raises DiskFull where `size` bytes more would leave less than the reserve."""
        self.tend()
        if self.is_short() or self._free() < size + self.reserve_bytes // _LOW:
            raise DiskFull(
                f"The disk is nearly full: {self._free() / 2**20:.1f} MB are free. "
                "Make room and add the file again; questions are answered meanwhile."
            )

    def is_short(self) -> bool:
        """Whether the reserve was given up: nothing large should be written now."""
        return self.reserve_bytes > 0 and not self._file.exists()

    def is_full(self) -> bool:
        """Whether a write that just failed may have failed for want of room."""
        return self.is_short() or self._free() < max(self.reserve_bytes // _LOW, 2**20)

    def tend(self) -> None:
        """Give the reserve up where the disk is full, or take it back where there is room."""
        if not self.reserve_bytes:
            return
        with self._lock:
            free, kept = self._free(), self._file.exists()
            if kept and free < self.reserve_bytes // _LOW:
                self._file.unlink(missing_ok=True)
            elif not kept and free > self.reserve_bytes + self.reserve_bytes // 2:
                self._take()

    def _take(self) -> None:
        temporary = self._file.with_name(".reserve")
        try:
            with temporary.open("wb") as f:
                os.posix_fallocate(f.fileno(), 0, self.reserve_bytes)
            temporary.rename(self._file)
        except OSError:  # somebody was quicker, or nothing can be written here
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:  # the folder is gone, or its disk
            return 0


def explained(error: OSError) -> DiskFull | None:
    """A sentence for a write that failed for want of room or leave; None for other errors."""
    if error.errno in NO_ROOM:
        return DiskFull("The disk is full; make room and add the file again.")
    if error.errno in READ_ONLY:
        return DiskFull("The data folder cannot be written to; make it writable and try again.")
    return None
