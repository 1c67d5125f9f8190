"""A SQLite database in memory that holds one table and can only be read, briefly."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from retrieval.tabular.guard import FUNCTIONS, passed
from retrieval.tabular.sql import TABLE, Query, columns_of
from retrieval.tabular.table import Table, Value

TIME_LIMIT_S = 2.0
MOST_ROWS = 50_000
_STEPS = 1000
"""Virtual machine steps between two looks at the clock."""
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


class TookTooLong(Exception):
    """The query was stopped at its time limit."""


class Database:
    """Holds `table` as t0; see `sql` for its columns. One thread, one question."""

    def __init__(self, connection: sqlite3.Connection, columns: frozenset[str]):
        self.connection = connection
        """May only read t0, whoever uses it."""
        self._tables = {TABLE: columns}

    def rows(self, query: Query, limit_s: float = TIME_LIMIT_S) -> list[tuple]:
        """At most MOST_ROWS rows. Raises guard.Refused, TookTooLong, and sqlite3.Error."""
        until = time.monotonic() + limit_s
        self.connection.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
        try:
            cursor = self.connection.execute(passed(query.sql, self._tables), query.parameters)
            return cursor.fetchmany(MOST_ROWS)
        except sqlite3.OperationalError as error:
            if time.monotonic() > until:
                raise TookTooLong from error
            raise
        finally:
            self.connection.set_progress_handler(None, 0)


@contextmanager
def database_of(table: Table) -> Iterator[Database]:
    """Fills the table, then takes away every right but reading it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        columns = columns_of(table)
        connection.execute("PRAGMA trusted_schema = OFF")
        # No affinity: a text that looks like a number stays a text.
        connection.execute(f"CREATE TABLE {TABLE} ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", _rows(table))
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
        connection.setlimit(sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 8)
        connection.set_authorizer(_authorized)
        yield Database(connection, frozenset(columns))


def _authorized(
    action: int, first: str | None, second: str | None, base: str | None, inner: str | None
) -> int:
    if action in _READS and first in (None, "", TABLE, "counted"):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").casefold() in FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _rows(table: Table) -> Iterator[list[object]]:
    for number, row in enumerate(table.rows):
        cells: list[object] = [number]
        for column, value in enumerate(row):
            cells += _cell(table, number, column, value)
        yield cells


def _cell(table: Table, row: int, column: int, value: Value | None) -> list[object]:
    if value is None:
        return [None, None, None, None]
    words = table.folded(row, column)
    number = value.quantity.number if value.quantity else None
    day = value.day.sortable if value.day else None
    return [value.text, words if words.strip() else None, number, day]
