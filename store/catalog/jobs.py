"""Jobs and leases: a job belongs to one owner's epoch; a newer epoch voids it at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from store.catalog import tables as t
from store.catalog.base import named, write_meta
from store.catalog.leases import Lease, LeasedQueries, check_here, check_lease, owner_epoch
from store.errors import LeaseLost


class Job(NamedTuple):
    """A claimed job."""

    lease: Lease
    kind: str
    version_id: str | None
    generation_id: str | None
    attempts: int


class JobQueries(LeasedQueries):
    """The queue."""

    def take_epoch(self) -> int:
        """Become the owner: all older leases are void and their jobs queued again."""
        with self.db.write() as c:
            old = c.execute(select(t.meta.c.value).where(t.meta.c.key == "epoch")).scalar()
            epoch = int(old or 0) + 1
            write_meta(c, "epoch", str(epoch))
            running = t.jobs.c.state == "running"
            c.execute(t.jobs.update().where(running, t.jobs.c.cancelling).values(state="cancelled"))
            c.execute(t.jobs.update().where(running).values(state="queued"))
            return epoch

    def claim_next(self, epoch: int, kinds: Collection[str], now: float) -> Job | None:
        """The oldest job that is due, leased to this epoch; None when there is none."""
        j = t.jobs.c
        with self.db.write() as c:
            if owner_epoch(c) != epoch:
                raise LeaseLost("Another process has taken over this data folder.")
            row = c.execute(
                select(t.jobs)
                .where(j.state == "queued", j.not_before <= now, j.kind.in_(kinds))
                .order_by(j.id)
                .limit(1)
            ).first()
            if row is None:
                return None
            c.execute(
                t.jobs.update()
                .where(j.id == row.id)
                .values(state="running", epoch=epoch, attempts=row.attempts + 1)
            )
            return Job(
                Lease(row.id, epoch), row.kind, row.version_id, row.generation_id, row.attempts + 1
            )

    def finish_job(
        self, lease: Lease, state: str, error: str | None = None, seconds: float | None = None
    ) -> None:
        """Close a job that is still ours; its version is updated by the caller before."""
        with self.db.write() as c:
            check_lease(c, lease, cancelled_too=True)
            c.execute(
                t.jobs.update()
                .where(t.jobs.c.id == lease.job_id)
                .values(state=state, error=error, seconds=seconds)
            )

    def put_back(
        self, lease: Lease, not_before: float, error: str, *, counted: bool = True
    ) -> None:
        """Queue a job again after a transient fault; `counted` as one of its attempts."""
        j = t.jobs.c
        with self.db.write() as c:
            check_lease(c, lease)
            c.execute(
                t.jobs.update()
                .where(j.id == lease.job_id)
                .values(
                    state="queued",
                    not_before=not_before,
                    error=error,
                    attempts=j.attempts if counted else j.attempts - 1,
                )
            )

    def requeue_lost(self, epoch: int, in_hand: Collection[int]) -> None:
        """Queue jobs of this epoch again that nobody has in hand: their end was never written."""
        j = t.jobs.c
        with self.db.write() as c:
            c.execute(
                t.jobs.update()
                .where(j.state == "running", j.epoch == epoch, j.id.not_in(in_hand))
                .values(state="queued")
            )

    def cancel_job(self, job_id: int) -> None:
        """A queued job ends now, a running one at its next write."""
        j = t.jobs.c
        with self.db.write() as c:
            c.execute(t.jobs.update().where(j.id == job_id).values(cancelling=True))
            c.execute(
                t.jobs.update().where(j.id == job_id, j.state == "queued").values(state="cancelled")
            )

    def waiting(self, kinds: Collection[str] = ("ingest",)) -> int:
        """Jobs queued or running."""
        with self.db.read() as c:
            return c.execute(
                select(func.count())
                .select_from(t.jobs)
                .where(t.jobs.c.state.in_(("queued", "running")), t.jobs.c.kind.in_(kinds))
            ).scalar_one()

    def last_job(self, kind: str) -> dict | None:
        """The newest job of a kind, as a row."""
        with self.db.read() as c:
            row = c.execute(
                select(t.jobs).where(t.jobs.c.kind == kind).order_by(t.jobs.c.id.desc()).limit(1)
            ).first()
        return named(row) if row else None

    def hold(self, lease: Lease, version_id: str) -> None:
        """Raise LeaseLost unless the lease is still good, NotFound when the version has gone."""
        with self.db.read() as c:
            check_lease(c, lease)
            check_here(c, lease, version_id)


def insert_job(c: Connection, kind: str, now: float, **values: object) -> int:
    result = c.execute(t.jobs.insert().values(kind=kind, state="queued", created_at=now, **values))
    return int(result.inserted_primary_key[0])  # type: ignore[index]


def cancel_jobs(c: Connection, version_ids: Collection[str]) -> None:
    j = t.jobs.c
    ours = j.version_id.in_(version_ids)
    c.execute(
        t.jobs.update().where(ours, j.state == "queued").values(state="cancelled", cancelling=True)
    )
    c.execute(t.jobs.update().where(ours, j.state == "running").values(cancelling=True))
