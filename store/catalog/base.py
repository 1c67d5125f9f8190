"""What every group of queries needs."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from store.catalog import tables as t
from store.catalog.database import Database


class Queries:
    """A group of queries over one database."""

    db: Database

    def meta(self, key: str) -> str | None:
        with self.db.read() as c:
            return c.execute(select(t.meta.c.value).where(t.meta.c.key == key)).scalar()

    def set_meta(self, key: str, value: str) -> None:
        with self.db.write() as c:
            write_meta(c, key, value)


def write_meta(c: Connection, key: str, value: str) -> None:
    c.execute(t.meta.delete().where(t.meta.c.key == key))
    c.execute(t.meta.insert().values(key=key, value=value))


def named(row: Row) -> dict[str, Any]:
    """A row's values by column name."""
    return {str(k): v for k, v in row._mapping.items()}


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def strings(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
