"""A generation beside the serving one: begun, held, swapped in, kept for a return, dropped."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from store.catalog import tables as t
from store.catalog.generations import as_generation, new_generation, unindexed_in
from store.catalog.jobs import insert_job
from store.catalog.leases import Lease, LeasedQueries
from store.models import Generation

_REINDEXING = (t.jobs.c.kind == "reindex") & t.jobs.c.state.in_(("queued", "running"))
_HELD = (t.jobs.c.kind == "reindex") & (t.jobs.c.state == "held")
_KEPT = (
    select(t.generations)
    .where(t.generations.c.state == "retired")
    .order_by(t.generations.c.retired_at.desc(), t.generations.c.created_at.desc())
)


class ReindexQueries(LeasedQueries):
    """One is built at a time, and one serves. Each step is one transaction."""

    def begin_reindex(
        self,
        chunker: str,
        embedder: str,
        dimension: int,
        now: float,
        opened_by: str | None = None,
        gate: str | None = None,
    ) -> Generation | None:
        """A building generation with the job that fills it; None while one is being built.

        One that was held at its gate is given up for it.
        """
        with self.db.write() as c:
            if c.execute(select(t.jobs.c.id).where(_REINDEXING)).first():
                return None
            _give_up_held(c)
            generation = new_generation(
                c, chunker, embedder, dimension, "building", now, opened_by, gate
            )
            insert_job(c, "reindex", now, generation_id=generation.id)
            return generation

    def begin_return(self, gate: str, now: float) -> Generation | None:
        """The generation that served last, to be made whole and to serve again, with its job.

        None where none is kept, or while one is being built. From here on documents go into it
        too; until its job swaps it in, the one that serves goes on.
        """
        g = t.generations.c
        with self.db.write() as c:
            kept = c.execute(_KEPT.limit(1)).first()
            if kept is None or c.execute(select(t.jobs.c.id).where(_REINDEXING)).first():
                return None
            _give_up_held(c)
            values = {"state": "building", "gate": gate}
            c.execute(t.generations.update().where(g.id == kept.id).values(**values))
            insert_job(c, "reindex", now, generation_id=kept.id)
            return as_generation(kept).model_copy(update=values)

    def begin_anyway(self, gate: str, now: float) -> Generation | None:
        """Let the generation that was held at its gate serve; None where none was."""
        j, g = t.jobs.c, t.generations.c
        with self.db.write() as c:
            job = c.execute(select(j.id, j.generation_id).where(_HELD)).first()
            if job is None:
                return None
            c.execute(
                t.jobs.update()
                .where(j.id == job.id)
                .values(state="queued", error=None, attempts=0, not_before=now)
            )
            c.execute(t.generations.update().where(g.id == job.generation_id).values(gate=gate))
            row = c.execute(select(t.generations).where(g.id == job.generation_id)).one()
            return as_generation(row)

    def held_generation(self) -> Generation | None:
        """The one that was built and held at its gate."""
        query = select(t.generations).join(t.jobs, t.jobs.c.generation_id == t.generations.c.id)
        with self.db.read() as c:
            row = c.execute(query.where(_HELD)).first()
        return as_generation(row) if row else None

    def give_up_held(self) -> bool:
        """Give up what was held at its gate; the worker drops it. False where nothing was."""
        with self.db.write() as c:
            return _give_up_held(c)

    def kept_generations(self) -> list[Generation]:
        """Those that served before and are kept for a return, the last first."""
        with self.db.read() as c:
            return [as_generation(r) for r in c.execute(_KEPT)]

    def note_gate(self, lease: Lease, generation_id: str, gate: str) -> None:
        """Keep what a generation has cost, or how it did at its gate."""
        with self.leased(lease) as c:
            c.execute(
                t.generations.update().where(t.generations.c.id == generation_id).values(gate=gate)
            )

    def hold_back(self, lease: Lease, why: str, seconds: float) -> None:
        """End a re-index before its swap; its generation stays beside the serving one."""
        with self.leased(lease) as c:
            c.execute(
                t.jobs.update()
                .where(t.jobs.c.id == lease.job_id)
                .values(state="held", error=why, seconds=seconds)
            )

    def swap(self, lease: Lease, generation_id: str, seconds: float, now: float = 0.0) -> list[str]:
        """Make a building generation serve, in one transaction; the other is kept from `now` on.

        Returns the versions it still lacks, and swaps nothing, when there are any.
        """
        g = t.generations.c
        with self.leased(lease) as c:
            missing = unindexed_in(c, generation_id)
            if missing:
                return missing
            c.execute(
                t.generations.update()
                .where(g.state == "serving")
                .values(state="retired", retired_at=now)
            )
            c.execute(
                t.generations.update()
                .where(g.id == generation_id)
                .values(state="serving", retired_at=None)
            )
            c.execute(
                t.jobs.update()
                .where(t.jobs.c.id == lease.job_id)
                .values(state="done", error=None, seconds=seconds)
            )
            return []

    def abandoned_generations(self) -> list[str]:
        """Building ones whose job ended without a swap: cancelled, failed, or killed in between.

        One that served before is none of them: it is kept as before.
        """
        g = t.generations.c
        ours = (t.jobs.c.generation_id == g.id) & (_REINDEXING | _HELD)
        without_job = (g.state == "building", ~exists().where(ours))
        with self.db.write() as c:
            c.execute(
                t.generations.update()
                .where(*without_job, g.retired_at.is_not(None))
                .values(state="retired")
            )
            return list(c.execute(select(g.id).where(*without_job)).scalars())

    def drop_generation(self, generation_id: str) -> None:
        """Forget a generation that does not serve; its folder is the caller's to drop.

        Vectors that no other generation could use go with one that has served; those of one that
        was given up stay, so that the next need not compute them.
        """
        g = t.generations.c
        with self.db.write() as c:
            gone = c.execute(
                select(g.state, g.embedder, g.retired_at).where(g.id == generation_id)
            ).first()
            if gone is None or gone.state == "serving":
                return
            c.execute(
                t.jobs.delete().where(
                    t.jobs.c.generation_id == generation_id,
                    t.jobs.c.state.in_(("queued", "running")),
                )
            )
            c.execute(
                t.jobs.update()
                .where(t.jobs.c.generation_id == generation_id)
                .values(generation_id=None)
            )
            for table in (t.indexed, t.chunks):
                c.execute(table.delete().where(table.c.generation_id == generation_id))
            c.execute(
                t.jobs.update()
                .where(t.jobs.c.generation_id.is_(None), _HELD)
                .values(state="cancelled")
            )
            c.execute(t.generations.delete().where(g.id == generation_id))
            others = select(g.id).where(g.embedder == gone.embedder)
            if gone.retired_at is not None and c.execute(others).first() is None:
                c.execute(t.embeddings.delete().where(t.embeddings.c.embedder == gone.embedder))
            # A removed document's vectors would outlive it here: nothing else looks for them.
            text = t.embeddings.c.text_hash
            c.execute(t.embeddings.delete().where(~exists().where(t.chunks.c.text_hash == text)))


def _give_up_held(c: Connection) -> bool:
    return c.execute(t.jobs.update().where(_HELD).values(state="cancelled")).rowcount > 0
