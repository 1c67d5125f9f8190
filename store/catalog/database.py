"""Opens the SQLite file: durable, one writer at a time, migrated to the newest schema."""

from __future__ import annotations

import importlib.resources
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, pool
from sqlalchemy.exc import DatabaseError

from store.errors import FootnoteError


class CatalogDamaged(FootnoteError):
    """The catalog's file is not a sound database."""


class Database:
    """The engine with two kinds of transaction: `read` (a snapshot) and `write` (immediate)."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
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
        except (DatabaseError, sqlite3.DatabaseError) as e:
            self._engine.dispose()
            raise CatalogDamaged(
                "The catalog's database cannot be read; restore the data folder from a backup. "
                f"({type(e).__name__})"
            ) from e

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._writes.begin() as connection:
            yield connection

    def check(self) -> str:
        """SQLite's own quick check: `ok`, or what it found."""
        try:
            with self.read() as c:
                return str(c.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        except DatabaseError as e:  # damage that the check itself cannot read past
            return str(e.orig)

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option(
            "script_location", str(importlib.resources.files("store.catalog") / "migrations")
        )
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _configure(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(dbapi: sqlite3.Connection, _record: object) -> None:
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
