"""What SQLite says of a file that it cannot read or write, as sentences for a person."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from store.errors import DiskFull, FootnoteError


class CatalogDamaged(FootnoteError):
    """The catalog's file is not a sound database; `found` is what SQLite said."""

    def __init__(self, message: str, found: str = ""):
        super().__init__(message)
        self.found = found


_RECENT_S = 3600.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """Raises CatalogDamaged, or DiskFull where nothing can be written, for SQLite's own errors."""
    try:
        yield
    except DatabaseError as e:
        code = getattr(e.orig, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        if code in _DAMAGED:
            raise damaged(path, str(e.orig)) from e
        if code in _NO_ROOM:
            raise DiskFull(
                "The disk is full, or fails. Make room; what waits goes on by itself then."
            ) from e
        if code == sqlite3.SQLITE_READONLY:
            raise DiskFull(
                "The data folder cannot be written to. Make it writable; "
                "what waits goes on by itself then."
            ) from e
        raise


def damaged(path: Path, found: str, backups: Path | None = None) -> CatalogDamaged:
    """The refusal to use a damaged catalog, with the copy to go back to and what to type.

    `backups` is the folder in which backups are made on a schedule.
    """
    folder = path.parent
    said = f"The catalog {path.name} is damaged ({found}). Nothing of it is used or changed."
    if (copy := _newest(folder.glob("before-upgrade-*.db"))) and not _is_older(copy, path):
        away = f"mv {path} {path}.damaged; rm -f {path}-wal {path}-shm; cp {copy} {path}"
        said += f" It was copied before an upgrade ({_day(copy)}); go back to that: {away}"
    elif backups and (newest := _newest(backups.glob("backup-*"))):
        said += (
            f" The newest backup is of {_day(newest)}. Move {folder} out of the way and type: "
            f"python -m ingestion restore {backups}"
        )
    else:
        said += (
            f" Move {folder} out of the way and restore a backup (python -m ingestion restore "
            f"FILE), or add the documents anew: their files are in {folder / 'files' / 'contents'}."
        )
    return CatalogDamaged(said, found)


def _newest(paths: Iterable[Path]) -> Path | None:
    return max((p for p in paths if p.is_file()), key=lambda p: p.stat().st_mtime, default=None)


def _is_older(copy: Path, path: Path) -> bool:
    """Whether so much was done since the copy was made that a backup is the better way back."""
    try:
        return path.stat().st_mtime - copy.stat().st_mtime > _RECENT_S
    except FileNotFoundError:
        return False


def _day(path: Path) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
