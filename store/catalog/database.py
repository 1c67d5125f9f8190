"""Opens the SQLite file: durable, one writer at a time, migrated to the newest schema."""

from __future__ import annotations

import importlib.resources
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, pool
from sqlalchemy.exc import DatabaseError

from store.catalog.copies import (
    CopyDamaged,
    forget_before_upgrades,
    keep_before_upgrade,
    revision_of,
)
from store.catalog.faults import CatalogDamaged, damaged, faults_named
from store.errors import FootnoteError


class CatalogTooNew(FootnoteError):
    """The catalog has a schema that this Footnote does not know."""


class Database:
    """The engine with two kinds of transaction: `read` (a snapshot) and `write` (immediate)."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._within = threading.local()
        self._engine = create_engine(
            f"sqlite:///{path}",
            poolclass=pool.QueuePool,
            pool_size=8,
            max_overflow=24,
            pool_use_lifo=True,  # the connection used last has the pages of the database at hand
            connect_args={"check_same_thread": False, "timeout": 30},
        )
        _configure(self._engine)
        self._writes = self._engine.execution_options(footnote_write=True)
        try:
            self._migrate()
        except (DatabaseError, sqlite3.DatabaseError, CopyDamaged) as e:
            self._engine.dispose()
            raise damaged(path, str(getattr(e, "orig", e)).rstrip(".")) from e
        except FootnoteError:
            self._engine.dispose()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot; within `write` of the same thread, what that transaction sees."""
        if (around := getattr(self._within, "write", None)) is not None:
            yield around
            return
        with faults_named(self.path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Within another `write` of the same thread: a part of it, kept or undone with it."""
        if (around := getattr(self._within, "write", None)) is not None:
            yield around
            return
        with faults_named(self.path), self._writes.begin() as connection:
            self._within.write = connection
            try:
                yield connection
            finally:
                self._within.write = None

    def check(self, thorough: bool = False) -> str:
        """SQLite's own quick check: `ok`, or what it found. A thorough one also compares every
        index with its table, and every reference with what it refers to."""
        kind = "integrity_check" if thorough else "quick_check"
        try:
            with self.read() as c:
                found = str(c.exec_driver_sql(f"PRAGMA {kind}(1)").scalar())
                if thorough and found == "ok":
                    broken = c.exec_driver_sql("PRAGMA foreign_key_check").first()
                    found = f"a row of {broken[0]} refers to nothing" if broken else found
                return found
        except CatalogDamaged as e:  # damage that the check itself cannot read past
            return str(e.__cause__.orig) if isinstance(e.__cause__, DatabaseError) else str(e)

    def checkpoint(self) -> bool:
        """Write what is beside the catalog's file into it; False while readers are in the way."""
        with faults_named(self.path), self._engine.connect() as connection:
            dbapi = connection.connection.driver_connection
            assert dbapi is not None
            return dbapi.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option(
            "script_location", str(importlib.resources.files("store.catalog") / "migrations")
        )
        # Read by other means first: opening the database would already write beside it.
        found, scripts = revision_of(self.path), ScriptDirectory.from_config(config)
        if found is not None and found not in {s.revision for s in scripts.walk_revisions()}:
            raise CatalogTooNew(
                f"This data folder was written by a newer Footnote (its catalog has schema {found})"
                ". Nothing was changed; open it with that Footnote, or update this one."
            )
        if found is not None and found != scripts.get_current_head():
            try:
                keep_before_upgrade(self.path, found)
            except OSError as e:
                raise FootnoteError(
                    "This data folder must be upgraded, and there is no room to keep a copy of its "
                    f"catalog first ({e.strerror}). Make room beside it and start again."
                ) from e
        forget_before_upgrades(self.path.parent)
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _configure(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(dbapi: sqlite3.Connection, _record: object) -> None:
        # A changed byte that is no UTF-8 must not hide the row: its sum says that it is damaged.
        dbapi.text_factory = partial(str, encoding="utf-8", errors="replace")
        dbapi.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "busy_timeout=30000",
            "cache_size=-8000",
        ):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("footnote_write")
        # IMMEDIATE: a transaction that reads and then writes must not meet SQLITE_BUSY half way.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
