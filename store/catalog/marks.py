"""What people said of answers: right or wrong, each with a note."""

from __future__ import annotations

import time
from typing import Literal

from sqlalchemy import Row, select

from store.catalog import tables as t
from store.catalog.base import Queries, named
from store.models import Frozen

Verdict = Literal["right", "wrong"]
MAX_NOTE = 2000
"""Characters."""


class Mark(Frozen):
    """What a principal said of a turn; `marked_at` in seconds since 1970."""

    turn_id: str
    principal_id: str
    verdict: Verdict
    note: str
    marked_at: float


class MarkQueries(Queries):
    """Marks of turns. Whose they are is checked by the caller; a turn takes its marks with it."""

    def mark(self, turn_id: str, principal_id: str, verdict: Verdict, note: str = "") -> None:
        """Keep a mark in place of the principal's earlier one."""
        with self.db.write() as c:
            c.execute(t.marks.delete().where(*_of(turn_id, principal_id)))
            c.execute(
                t.marks.insert().values(
                    turn_id=turn_id,
                    principal_id=principal_id,
                    verdict=verdict,
                    note=note,
                    marked_at=time.time(),
                )
            )

    def unmark(self, turn_id: str, principal_id: str) -> None:
        with self.db.write() as c:
            c.execute(t.marks.delete().where(*_of(turn_id, principal_id)))

    def mark_of(self, turn_id: str, principal_id: str) -> Mark | None:
        """None where the principal has not marked this turn."""
        with self.db.read() as c:
            row = c.execute(select(t.marks).where(*_of(turn_id, principal_id))).first()
        return _mark(row) if row else None

    def marks(self, principal_id: str | None = None) -> list[Mark]:
        """Of one principal, or of all; oldest first."""
        k = t.marks.c
        whose = [] if principal_id is None else [k.principal_id == principal_id]
        with self.db.read() as c:
            rows = c.execute(select(t.marks).where(*whose).order_by(k.marked_at, k.turn_id))
            return [_mark(r) for r in rows]


def _of(turn_id: str, principal_id: str):
    return t.marks.c.turn_id == turn_id, t.marks.c.principal_id == principal_id


def _mark(row: Row) -> Mark:
    return Mark(**named(row))
