"""Copies of the catalog's file: taken while it is in use, and looked into without opening them."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from store.errors import Cancelled, FootnoteError
from store.models import Frozen

BEFORE_UPGRADE = "before-upgrade-"
_KEPT = 2
_KEPT_S = 7 * 86_400.0
_OPCODES = 20_000  # of SQLite's machine, between two looks at whether to stop


class CopyDamaged(FootnoteError):
    """A copy of the catalog that is no sound database."""


class CopyFacts(Frozen):
    """What a catalog's file says of itself.

    `contents` are hashes of the originals it needs, `audit_head` is what it holds to be its newest
    audit entry, as JSON.
    """

    revision: str | None
    documents: frozenset[str]
    contents: frozenset[str]
    audit_head: str | None


def copy_catalog(source: Path, target: Path, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Write a consistent copy of a catalog that may be in use; durable on return.

    The copy is compact: nothing that was deleted is left in it. Raises Cancelled, OSError where
    the disk is full, and CopyDamaged where the catalog cannot be read through.
    """
    try:
        with closing(sqlite3.connect(source, isolation_level=None, timeout=30)) as c:
            c.set_progress_handler(lambda: int(cancelled()), _OPCODES)
            c.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as e:
        target.unlink(missing_ok=True)
        if e.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise Cancelled("The copy was cancelled.") from e
        if e.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, "the disk is full", str(target)) from e
        if e.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
            raise OSError(errno.EIO, str(e), str(target)) from e
        raise CopyDamaged(f"The catalog cannot be copied: {e}.") from e
    sync_file(target)


def look_into(path: Path) -> CopyFacts:
    """What a catalog's file needs and is, without changing it. Raises CopyDamaged."""
    with _reading(path) as c:
        tables = {name for (name,) in c.execute("SELECT name FROM sqlite_master")}
        if "alembic_version" not in tables:
            return CopyFacts(
                revision=None, documents=frozenset(), contents=frozenset(), audit_head=None
            )
        revision = c.execute("SELECT version_num FROM alembic_version").fetchone()
        rows = c.execute(
            "SELECT d.id, v.content_hash FROM documents d JOIN versions v ON v.document_id = d.id"
            " WHERE NOT d.removing AND v.status != 'replaced'"
        ).fetchall()
        head = c.execute("SELECT value FROM meta WHERE key = 'audit_head'").fetchone()
        return CopyFacts(
            revision=revision[0] if revision else None,
            documents=frozenset(r[0] for r in rows),
            contents=frozenset(r[1] for r in rows),
            audit_head=head[0] if head else None,
        )


def revision_of(path: Path) -> str | None:
    """The schema of a catalog's file, None where it is new or empty."""
    if not path.exists() or not path.stat().st_size:
        return None
    with _reading(path) as c:
        tables = {name for (name,) in c.execute("SELECT name FROM sqlite_master")}
        row = (
            c.execute("SELECT version_num FROM alembic_version").fetchone()
            if "alembic_version" in tables
            else None
        )
        return row[0] if row else None


def check_copy(path: Path) -> str | None:
    """None where a copy is a sound database, else what SQLite found."""
    try:
        with _reading(path) as c:
            found = str(c.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except CopyDamaged as e:
        return str(e)
    return None if found == "ok" else found


def keep_before_upgrade(catalog: Path, revision: str) -> Path:
    """Copy a catalog to `before-upgrade-<revision>.db` beside it; the newest two are kept."""
    target = catalog.with_name(f"{BEFORE_UPGRADE}{revision}.db")
    temporary = target.with_suffix(".part")
    for left in catalog.parent.glob(f"{temporary.name}*"):  # a kill half way, or its journal
        left.unlink()
    copy_catalog(catalog, temporary)
    temporary.rename(target)
    sync_folder(target.parent)
    for old in _before_upgrades(catalog.parent)[_KEPT:]:
        old.unlink(missing_ok=True)
    return target


def forget_before_upgrades(folder: Path, older_than_s: float = _KEPT_S) -> list[str]:
    """Delete the copies that upgrades left, where they are older; the names of what is gone.

    With 0 all: a document removed for good must not live on in them.
    """
    gone = []
    for path in _before_upgrades(folder):
        if not older_than_s or time.time() - path.stat().st_mtime > older_than_s:
            path.unlink(missing_ok=True)
            gone.append(path.name)
    return gone


def sync_file(path: Path) -> None:
    """Make a file's bytes durable."""
    with path.open("rb") as f:
        os.fsync(f.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _before_upgrades(folder: Path) -> list[Path]:
    """Newest first."""
    found = folder.glob(f"{BEFORE_UPGRADE}*.db")
    return sorted(found, key=lambda p: (p.stat().st_mtime, p.name), reverse=True)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        # Nothing may be left beside it: a catalog of a newer Footnote must stay as it is. Where
        # there is a log to be read with it, files beside it are there already.
        logged = path.with_name(f"{path.name}-wal").exists()
        how = "mode=ro" if logged else "immutable=1"
        address = f"{path.absolute().as_uri()}?{how}"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as c:
            yield c
    except (sqlite3.Error, ValueError) as e:
        raise CopyDamaged(f"{path.name} is no sound catalog: {e}.") from e
