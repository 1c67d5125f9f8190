"""Jobs and leases: a job belongs to one owner's epoch; a newer epoch voids it at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from store.catalog import tables as t
from store.catalog.base import named, write_meta
from store.catalog.leases import Lease, LeasedQueries, check_here, check_lease, owner_epoch
from store.errors import LeaseLost

_ALL_PAUSED = "queue_paused"


class Queue(NamedTuple):
    """How many files wait or are read, how many are held back, and whether all are."""

    waiting: int
    held: int
    paused: bool


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
        """The oldest job that is due, leased to this epoch; None when there is none.

        Paused ones stay, and so does a file whose bytes are being read for another document: it
        will find its pages read.
        """
        j = t.jobs.c
        with self.db.write() as c:
            if owner_epoch(c) != epoch:
                raise LeaseLost("Another process has taken over this data folder.")
            row = c.execute(
                select(t.jobs)
                .where(
                    j.state == "queued",
                    j.not_before <= now,
                    j.kind.in_(kinds),
                    ~_is_held(c),
                    or_(j.version_id.is_(None), _content().not_in(_contents_in_hand())),
                )
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
        """Jobs that run, or will without anybody's doing: paused ones are not among them."""
        j = t.jobs.c
        with self.db.read() as c:
            return c.execute(
                select(func.count())
                .select_from(t.jobs)
                .where(j.state.in_(("queued", "running")), j.kind.in_(kinds), ~_is_held(c))
            ).scalar_one()

    def queue(self) -> Queue:
        """How the queue of files stands."""
        j = t.jobs.c
        with self.db.read() as c:
            query = (
                select(func.count())
                .select_from(t.jobs)
                .where(j.kind == "ingest", j.state.in_(("queued", "running")))
            )
            held_back = c.execute(query.where(_is_held(c))).scalar_one()
            return Queue(c.execute(query).scalar_one() - held_back, held_back, _all_paused(c))

    def pause_all(self, now: float) -> None:
        """Nothing more is read until `resume_all`, also after a restart. What is being read stops
        at its next write; the pages it has stored stay."""
        with self.db.write() as c:
            write_meta(c, _ALL_PAUSED, "yes")
            _step_back(c, t.jobs.c.kind == "ingest", now)

    def resume_all(self) -> None:
        """The queue goes on; files paused one by one stay so."""
        with self.db.write() as c:
            write_meta(c, _ALL_PAUSED, "no")

    def pause_version(self, document_id: str, now: float) -> bool:
        """Hold one document back; False when it does not wait and is not read."""
        with self.db.write() as c:
            ours = _of_document(document_id)
            _step_back(c, ours, now)
            jobs = t.jobs.update().where(ours, t.jobs.c.state == "queued")
            return c.execute(jobs.values(paused=True)).rowcount > 0

    def resume_version(self, document_id: str) -> bool:
        """Let one document go on; False when it was not held back."""
        with self.db.write() as c:
            jobs = t.jobs.update().where(
                _of_document(document_id), t.jobs.c.state == "queued", t.jobs.c.paused
            )
            return c.execute(jobs.values(paused=False)).rowcount > 0

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


def held(version_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether this version's job is held back, by itself or with all."""
    j, m = t.jobs.c, t.meta.c
    everything = exists().where(m.key == _ALL_PAUSED, m.value == "yes")
    own = exists().where(j.version_id == version_id, j.state == "queued", j.paused)
    return or_(everything, own)


def _is_held(c: Connection) -> ColumnElement[bool]:
    j = t.jobs.c
    if _all_paused(c):
        return and_(j.state == "queued", j.kind == "ingest")
    return and_(j.state == "queued", j.paused)


def _all_paused(c: Connection) -> bool:
    return c.execute(select(t.meta.c.value).where(t.meta.c.key == _ALL_PAUSED)).scalar() == "yes"


def _of_document(document_id: str) -> ColumnElement[bool]:
    ids = select(t.versions.c.id).where(t.versions.c.document_id == document_id)
    return t.jobs.c.version_id.in_(ids)


def _step_back(c: Connection, which: ColumnElement[bool], now: float) -> None:
    """Running jobs end, and new ones wait in their place: whoever still works on an old one has
    lost its lease for good, even when the new one is claimed in the same moment."""
    j, v = t.jobs.c, t.versions.c
    running = list(
        c.execute(select(j.id, j.version_id).where(which, j.state == "running", ~j.cancelling))
    )
    for job in running:
        c.execute(t.jobs.update().where(j.id == job.id).values(state="cancelled"))
        c.execute(
            t.versions.update()
            .where(v.id == job.version_id, v.status == "processing")
            .values(status="queued", step=None)
        )
        insert_job(c, "ingest", now, version_id=job.version_id)


def _content():
    v = t.versions.c
    return select(v.content_hash).where(v.id == t.jobs.c.version_id).scalar_subquery()


def _contents_in_hand():
    v, other = t.versions.c, t.jobs.alias()
    return (
        select(v.content_hash)
        .join(other, other.c.version_id == v.id)
        .where(other.c.state == "running", other.c.cancelling.is_(False))
    )


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
