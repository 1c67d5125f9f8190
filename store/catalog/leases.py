"""Leases: the right to write a job's results, void once somebody newer owns the folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, select

from store.catalog import tables as t
from store.catalog.base import Queries
from store.errors import LeaseLost, NotFound
from store.models import ANSWERING


class Lease(NamedTuple):
    """The right to write the results of a job, as long as nobody newer owns the folder."""

    job_id: int
    epoch: int


class LeasedQueries(Queries):
    """Queries that write under a lease."""

    @contextmanager
    def leased(self, lease: Lease) -> Iterator[Connection]:
        """A write transaction that has checked the lease."""
        with self.db.write() as c:
            check_lease(c, lease)
            yield c


def check_lease(c: Connection, lease: Lease, cancelled_too: bool = False) -> None:
    """Raises LeaseLost when the job was cancelled, removed or taken over."""
    row = c.execute(
        select(t.jobs.c.state, t.jobs.c.epoch, t.jobs.c.cancelling).where(
            t.jobs.c.id == lease.job_id
        )
    ).first()
    if (
        row is None
        or row.state != "running"
        or row.epoch != lease.epoch
        or owner_epoch(c) != lease.epoch
        or (row.cancelling and not cancelled_too)
    ):
        raise LeaseLost("This job was cancelled or taken over.")


def check_here(c: Connection, lease: Lease, version_id: str) -> None:
    """Raises NotFound when the version was removed or replaced; a re-index then skips it.

    A re-index also leaves alone what is being read again: its reader fills every index.
    """
    row = c.execute(
        select(t.versions.c.status, t.documents.c.removing)
        .join(t.documents, t.documents.c.id == t.versions.c.document_id)
        .where(t.versions.c.id == version_id)
    ).first()
    if row is None or row.removing or row.status == "replaced":
        raise NotFound("This document was removed meanwhile.")
    reads = c.execute(select(t.jobs.c.version_id).where(t.jobs.c.id == lease.job_id)).scalar()
    if reads is None and row.status not in ANSWERING:
        raise NotFound("This document is being read again.")


def owner_epoch(c: Connection) -> int:
    return int(c.execute(select(t.meta.c.value).where(t.meta.c.key == "epoch")).scalar() or 0)
