"""Which generations there are, what is indexed in them, becoming ready, and going for good."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, Row, and_, exists, select

from store.catalog import tables as t
from store.catalog.base import named, to_json
from store.catalog.jobs import cancel_jobs
from store.catalog.leases import Lease, LeasedQueries, check_here, check_lease
from store.errors import NotFound
from store.models import ANSWERING, ENDED_WITHOUT, Generation

_LIVE = ("building", "serving")


class Leaving(NamedTuple):
    """A version whose chunks must leave the indexes before its rows go."""

    version_id: str
    document_id: str
    space_id: str
    content_hash: str
    removing: bool


_SERVING = select(t.generations).where(t.generations.c.state == "serving")


class GenerationQueries(LeasedQueries):
    """Which indexes there are, and which versions each of them has in full."""

    def serving_generation(self) -> Generation | None:
        with self.db.read() as c:
            row = c.execute(_SERVING).first()
        return as_generation(row) if row else None

    def generations(self) -> list[Generation]:
        with self.db.read() as c:
            rows = c.execute(select(t.generations).order_by(t.generations.c.created_at))
            return [as_generation(r) for r in rows]

    def generation(self, generation_id: str) -> Generation:
        """Raises NotFound."""
        with self.db.read() as c:
            row = c.execute(
                select(t.generations).where(t.generations.c.id == generation_id)
            ).first()
        if row is None:
            raise NotFound("This index generation is gone.")
        return as_generation(row)

    def first_generation(
        self,
        chunker: str,
        embedder: str,
        dimension: int,
        now: float,
        opened_by: str | None = None,
    ) -> Generation:
        """The serving generation, made empty where there is none yet."""
        with self.db.write() as c:
            if found := c.execute(_SERVING).first():
                return as_generation(found)
            return new_generation(c, chunker, embedder, dimension, "serving", now, opened_by)

    def note_embedder(self, embedder: str, opened_by: str) -> None:
        """Note how an embedder is opened with its generations of an older Footnote."""
        g = t.generations.c
        with self.db.write() as c:
            theirs = (g.embedder == embedder, g.opened_by.is_(None))
            c.execute(t.generations.update().where(*theirs).values(opened_by=opened_by))

    def mark_indexed(self, lease: Lease, generation_id: str, version_id: str) -> None:
        """After Chroma and the lexical index have all chunks of the version."""
        with self.leased(lease) as c:
            check_here(c, lease, version_id)
            c.execute(
                t.indexed.insert().prefix_with("OR IGNORE"),
                {"generation_id": generation_id, "version_id": version_id},
            )

    def indexed_in(self, generation_id: str) -> set[str]:
        """Ids of versions that this generation has in full."""
        i = t.indexed.c
        with self.db.read() as c:
            return set(
                c.execute(select(i.version_id).where(i.generation_id == generation_id)).scalars()
            )

    def unindexed(self, generation_id: str) -> list[str]:
        """Answering versions that this generation lacks."""
        with self.db.read() as c:
            return unindexed_in(c, generation_id)

    def make_ready(
        self,
        lease: Lease,
        version_id: str,
        *,
        status: str,
        warnings: Collection[str],
        chunks: int,
        seconds: float,
    ) -> bool:
        """The last step: the version answers, and older ones of its document no longer do.

        False, and nothing changed, when a live generation still lacks the version (one was begun
        meanwhile): the caller indexes it there and asks again.
        """
        v = t.versions.c
        with self.leased(lease) as c:
            live = set(
                c.execute(
                    select(t.generations.c.id).where(t.generations.c.state.in_(_LIVE))
                ).scalars()
            )
            have = set(
                c.execute(
                    select(t.indexed.c.generation_id).where(t.indexed.c.version_id == version_id)
                ).scalars()
            )
            if status in ANSWERING and live - have:
                return False
            row = c.execute(select(v.document_id, v.seq).where(v.id == version_id)).one()
            overtaken = c.execute(
                select(v.id).where(
                    v.document_id == row.document_id, v.seq > row.seq, v.status.in_(ANSWERING)
                )
            ).first()
            if overtaken:
                status = "replaced"
            c.execute(
                t.versions.update()
                .where(v.id == version_id)
                .values(
                    status=status,
                    step=None,
                    error=None,
                    warnings=to_json(list(warnings)),
                    chunks=chunks,
                    seconds=seconds,
                )
            )
            if status in ANSWERING:
                older = and_(v.document_id == row.document_id, v.seq < row.seq)
                old_ids = list(c.execute(select(v.id).where(older)).scalars())
                cancel_jobs(c, old_ids)
                c.execute(t.versions.update().where(older).values(status="replaced"))
            c.execute(
                t.jobs.update()
                .where(t.jobs.c.id == lease.job_id)
                .values(state="done", error=None, seconds=seconds)
            )
            return True

    def begin_removal(self, document_id: str) -> None:
        """From this transaction on the document answers no more; its jobs stop."""
        with self.db.write() as c:
            ids = list(
                c.execute(
                    select(t.versions.c.id).where(t.versions.c.document_id == document_id)
                ).scalars()
            )
            cancel_jobs(c, ids)
            c.execute(
                t.documents.update().where(t.documents.c.id == document_id).values(removing=True)
            )

    def leaving(self) -> list[Leaving]:
        """Versions of removed documents, and replaced versions."""
        v, d = t.versions.c, t.documents.c
        with self.db.read() as c:
            rows = c.execute(
                select(v.id, v.document_id, d.space_id, v.content_hash, d.removing)
                .join(t.documents, d.id == v.document_id)
                .where(d.removing.is_(True) | (v.status == "replaced"))
            )
            return [Leaving(*r) for r in rows]

    def forget_versions(self, version_ids: Collection[str]) -> set[str]:
        """Delete versions with all that only they refer to; returns contents nobody has now."""
        v = t.versions.c
        with self.db.write() as c:
            hashes = set(c.execute(select(v.content_hash).where(v.id.in_(version_ids))).scalars())
            texts = set(
                c.execute(
                    select(t.chunks.c.text_hash).where(t.chunks.c.version_id.in_(version_ids))
                ).scalars()
            )
            for table in (t.chunks, t.indexed, t.jobs):
                c.execute(table.delete().where(table.c.version_id.in_(version_ids)))
            c.execute(t.versions.delete().where(v.id.in_(version_ids)))
            c.execute(
                t.documents.delete().where(
                    t.documents.c.removing.is_(True),
                    ~exists().where(v.document_id == t.documents.c.id),
                )
            )
            _forget_texts(c, texts)
            gone = {
                h
                for h in hashes
                if not c.execute(select(v.id).where(v.content_hash == h).limit(1)).first()
            }
            parse_ids = select(t.parses.c.id).where(t.parses.c.content_hash.in_(gone))
            c.execute(t.pages.delete().where(t.pages.c.parse_id.in_(parse_ids)))
            c.execute(t.parses.delete().where(t.parses.c.content_hash.in_(gone)))
            return gone

    def forget_chunks(self, version_id: str) -> None:
        """Delete the chunks of a version that does not answer, and embeddings nobody else has."""
        k = t.chunks.c
        with self.db.write() as c:
            texts = set(c.execute(select(k.text_hash).where(k.version_id == version_id)).scalars())
            for table in (t.chunks, t.indexed):
                c.execute(table.delete().where(table.c.version_id == version_id))
            _forget_texts(c, texts)

    def unfinished_chunks(self) -> list[str]:
        """Ended versions that do not answer but left chunks behind."""
        v = t.versions.c
        with self.db.read() as c:
            return list(
                c.execute(
                    select(v.id).where(
                        v.status.in_(ENDED_WITHOUT),
                        exists().where(t.chunks.c.version_id == v.id),
                    )
                ).scalars()
            )

    def fail_version(self, lease: Lease, version_id: str, status: str, error: str | None) -> bool:
        """End a version and its job as failed or cancelled, in one transaction.

        False when a newer job already works on the version: then only the job ends.
        """
        j = t.jobs.c
        with self.db.write() as c:
            check_lease(c, lease, cancelled_too=True)
            c.execute(t.jobs.update().where(j.id == lease.job_id).values(state=status, error=error))
            newer = c.execute(
                select(j.id).where(j.version_id == version_id, j.id > lease.job_id)
            ).first()
            if newer:
                return False
            v = t.versions.c
            c.execute(
                t.versions.update()
                .where(v.id == version_id, v.status != "replaced")
                .values(status=status, step=None, error=error)
            )
            return True


def new_generation(
    c: Connection,
    chunker: str,
    embedder: str,
    dimension: int,
    state: str,
    now: float,
    opened_by: str | None = None,
    gate: str | None = None,
) -> Generation:
    generation = Generation(
        id="g" + secrets.token_hex(4),
        chunker=chunker,
        embedder=embedder,
        dimension=dimension,
        state=state,
        created_at=now,
        opened_by=opened_by,
        gate=gate,
    )
    c.execute(t.generations.insert().values(**generation.model_dump()))
    return generation


def _forget_texts(c: Connection, hashes: Collection[str]) -> None:
    wanted = list(hashes)
    for i in range(0, len(wanted), 500):
        part = wanted[i : i + 500]
        c.execute(
            t.embeddings.delete().where(
                t.embeddings.c.text_hash.in_(part),
                ~exists().where(t.chunks.c.text_hash == t.embeddings.c.text_hash),
            )
        )


def unindexed_in(c: Connection, generation_id: str) -> list[str]:
    v = t.versions.c
    query = (
        select(v.id)
        .join(t.documents, t.documents.c.id == v.document_id)
        .where(
            v.status.in_(ANSWERING),
            t.documents.c.removing.is_(False),
            ~exists().where(
                t.indexed.c.version_id == v.id, t.indexed.c.generation_id == generation_id
            ),
        )
    )
    return list(c.execute(query).scalars())


def as_generation(row: Row) -> Generation:
    return Generation(**named(row))
