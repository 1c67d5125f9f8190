"""A new index beside the one in use: begun, filled, checked, swapped in, and returned from.

Only what changed is computed: pages are never read again, chunks are copied where the rules that
cut them are the same, vectors are taken from the catalog by their texts. A kill at any moment costs
the version that was under way; its vectors are kept.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence

from ingestion.chunking import CHUNKER
from ingestion.findable import searched_of
from ingestion.gate import compared, falls
from ingestion.invariants import examine_generation
from ingestion.mending import mend_generation
from ingestion.pacing import Pace
from ingestion.pipeline import Pipeline, Work
from store.catalog.jobs import Job
from store.crashpoints import reached
from store.embedders import EmbedderGone, describe
from store.embedding import Embedder
from store.errors import BadInput, NotFound, Transient
from store.gates import Gate, gate_of
from store.models import Frozen, Generation

log = logging.getLogger("footnote.library")
WORKER = "footnote"
"""Who the audit trail says did what nobody asked for."""
_TEXTS_AT_ONCE = 16  # while questions are asked: they wait for one such batch
_NOTED_EVERY_S = 1.0
_RATES = "reindex_rates"
_CHOSEN = "returned_to"
_GUESSED = {"local": 0.03, "remote": 0.01, "chunk": 0.01}
"""Seconds for one text, or chunk, until a re-index has been measured here."""


class ReindexScope(Frozen):
    """What a re-index would do now. `why`: a sentence where one is advised, empty otherwise.

    `to_compute`: texts of which no vector is kept, at most that many where the rules for chunks
    changed (`cut_anew`). `host`: where those are sent, None where they stay here. `seconds`: an
    estimate without questions; `paused` by them it takes longer.
    """

    why: str
    documents: int
    chunks: int
    to_compute: int
    reused: int
    cut_anew: bool
    host: str | None
    seconds: float


class Return(Frozen):
    """An index that served before and can serve again until `until` (seconds since 1970)."""

    generation: str
    retired_at: float
    until: float
    embedder: str
    missing: int


def reindex(pipeline: Pipeline, job: Job, share: float = 1.0) -> None:
    """Fill a building generation with every answering version, check it, and swap it in.

    Held before the swap where it finds less than the one in use; `share` as in `Pace`.
    """
    _Reindex(pipeline, job, share).run()


class _Reindex:
    def __init__(self, pipeline: Pipeline, job: Job, share: float):
        self.pipeline, self.catalog, self.lease = pipeline, pipeline.catalog, job.lease
        self.generation = self.catalog.generation(job.generation_id or "")
        self.serving = self.catalog.serving_generation()
        self.gate = gate_of(self.generation)
        self.pace = Pace(pipeline.indexes.quiet_s, share)
        self.work = Work(self.gate.reused, self.gate.computed, _TEXTS_AT_ONCE, self.pace)
        self._noted_at = time.monotonic()
        self._began, self._before = time.monotonic(), self.gate.computed

    def run(self) -> None:
        checked = False
        while True:
            missing = self.catalog.unindexed(self.generation.id)
            if missing:
                self._fill(missing)
            elif not checked:
                if not self._passes():
                    return
                checked = True  # what comes in between now and the swap is not asked about again
            elif self._swapped():
                return

    def _swapped(self) -> bool:
        """In one transaction; False, and nothing is changed, where a document came in between."""
        reached("before-swap")
        with self.catalog.together():
            now, id_ = self.pipeline.clock(), self.generation.id
            if self.catalog.swap(self.lease, id_, self._seconds(), now):
                return False
            self._told("returned" if self.gate.returning else "swapped")
            if self.gate.returning:
                self.catalog.set_meta(_CHOSEN, id_)
        reached("swapped")
        return True

    def _fill(self, version_ids: Sequence[str]) -> None:
        for version_id in version_ids:
            try:
                self.pipeline.index_version(
                    self.lease, self.generation, version_id, like=self.serving, work=self.work
                )
            except NotFound:
                continue  # removed or replaced meanwhile: no longer missing either
            if time.monotonic() - self._noted_at > _NOTED_EVERY_S:
                self._note()
            self.pace()
        self._note()
        self._measure()

    def _passes(self) -> bool:
        """Whether it may serve. Raises Transient where it is not whole; held, where it is worse."""
        checks = examine_generation(self.pipeline, self.generation, step=self.pace)
        if not all(c.ok for c in checks):
            for said in mend_generation(
                self.pipeline, self.generation, thorough=True, step=self.pace
            ):
                log.warning("The new index is mended before it serves. %s", said)
            checks = examine_generation(self.pipeline, self.generation, step=self.pace)
        if found := [c.detail for c in checks if not c.ok]:
            raise Transient("The new index is not complete: " + " ".join(found))
        if self.serving is None or self.gate.returning:
            return True
        asked = compared(self.pipeline, self.serving, self.generation, self.pace)
        tried = searched_of(self.catalog.chunk_count(self.generation.id))
        self._note(asked=asked, chunks_tried=tried)
        less = falls(asked)
        if not less or self.gate.anyway:
            return True
        why = " ".join(less) + " The index in use goes on."
        with self.catalog.together():
            self.catalog.hold_back(self.lease, why, self._seconds())
            self._told("held")
        log.warning("The new index was held back: %s", why)
        return False

    def _note(self, **found: object) -> None:
        host = self.pipeline.embedder_of(self.generation).host
        update = {
            "reused": self.work.reused,
            "computed": self.work.computed,
            "sent_to": host if self.work.computed else None,
            **found,
        }
        self.gate = self.gate.model_copy(update=update)
        self.catalog.note_gate(self.lease, self.generation.id, self.gate.model_dump_json())
        self._noted_at = time.monotonic()

    def _measure(self) -> None:
        """What a text or a chunk cost this time, for the next estimate; rests are not counted."""
        busy_s = time.monotonic() - self._began - self.pace.rested_s
        chunks = self.catalog.chunk_count(self.generation.id)
        computed = self.work.computed - self._before
        rates = _rates(self.pipeline)
        if computed >= 200:
            rates[self.generation.embedder] = busy_s / computed
        elif chunks >= 200:
            rates["chunk"] = busy_s / chunks
        else:
            return
        self.catalog.set_meta(_RATES, json.dumps(rates))

    def _seconds(self) -> float:
        """Since it was asked for, rests and restarts included."""
        job = self.catalog.last_job("reindex")
        begun = job["created_at"] if job else self.pipeline.clock()
        return round(max(0.0, self.pipeline.clock() - begun), 3)

    def _told(self, what: str) -> None:
        g = self.generation
        found = {
            f"{a.kind}_{when}": round(share, 4)
            for a in self.gate.asked
            for when, share in (("before", a.before), ("after", a.after))
            if share is not None
        }
        self.catalog.record(WORKER, f"reindex_{what}", None, generation=g.id, **found)


def begin(pipeline: Pipeline, by: str, *, anyway: bool = False) -> Generation | None:
    """Queue the building of a generation of today's chunker and embedder; None while one is built.

    `by` is the id of the principal who asked. With `anyway` whatever it finds is to serve; one
    that was held is then not built again. May ask an embeddings server for its dimension.
    """
    catalog, embedder = pipeline.catalog, pipeline.embedder
    dimension = embedder.dimension  # before the transaction: nobody waits for a server in one
    held = catalog.held_generation() if anyway else None
    with catalog.together():
        if held and _is_todays(held, embedder):
            gate = gate_of(held).model_copy(update={"anyway": True})
            begun = catalog.begin_anyway(gate.model_dump_json(), pipeline.clock())
        else:
            begun = catalog.begin_reindex(
                CHUNKER,
                embedder.fingerprint,
                dimension,
                pipeline.clock(),
                describe(embedder),
                Gate(anyway=anyway).model_dump_json(),
            )
        if begun:
            catalog.record(by, "reindex", generation=begun.id, anyway=anyway)
    return begun


def begin_return(pipeline: Pipeline, by: str) -> Generation:
    """Queue the return to the generation that served before.

    Raises BadInput where none is kept, one is being built, or its embedder is gone and it would
    need it for documents that came since.
    """
    catalog = pipeline.catalog
    kept = catalog.kept_generations()
    if not kept:
        raise BadInput("No earlier index is kept to return to.")
    if catalog.unindexed(kept[0].id):
        try:
            pipeline.embedders.of(kept[0])
        except EmbedderGone as gone:
            raise BadInput(f"{gone} So documents added since cannot be put into it.") from gone
    gate = gate_of(kept[0]).model_copy(update={"returning": True, "asked": ()})
    with catalog.together():
        begun = catalog.begin_return(gate.model_dump_json(), pipeline.clock())
        if begun is None:
            raise BadInput("An index is being built now; cancel that first.")
        catalog.record(by, "reindex_rollback", generation=begun.id)
    return begun


def begins_by_itself(pipeline: Pipeline, serving: Generation) -> bool:
    """Whether an index is built without being asked for.

    Where our own rules changed, which costs no text sent anywhere, and where nothing is indexed
    yet; not where a person chose to return to this one. Another embedder is offered only.
    """
    if _is_todays(serving, pipeline.embedder):
        return False
    if pipeline.catalog.meta(_CHOSEN) == serving.id:
        return False
    same_embedder = serving.embedder == pipeline.embedder.fingerprint
    return same_embedder or not pipeline.catalog.indexed_in(serving.id)


def scope(pipeline: Pipeline) -> ReindexScope:
    """What a re-index would do now, estimated from the catalog; asks no server."""
    catalog, embedder = pipeline.catalog, pipeline.embedder
    serving = catalog.serving_generation()
    generation_id = serving.id if serving else ""
    chunks = catalog.chunk_count(generation_id)
    to_compute = catalog.texts_to_embed(generation_id, embedder.fingerprint)
    cut_anew = serving is not None and serving.chunker != CHUNKER
    rates = _rates(pipeline)
    a_text = rates.get(embedder.fingerprint, _GUESSED["remote" if embedder.host else "local"])
    a_chunk = rates.get("chunk", _GUESSED["chunk"])
    computed = chunks if cut_anew else to_compute
    return ReindexScope(
        why=advice(pipeline, serving) if serving else "",
        documents=len(catalog.indexed_in(generation_id)),
        chunks=chunks,
        to_compute=computed,
        reused=chunks - computed,
        cut_anew=cut_anew,
        host=embedder.host,
        seconds=round(computed * a_text + (chunks - computed) * a_chunk, 1),
    )


def way_back(pipeline: Pipeline, keep_days: float) -> Return | None:
    """The earlier index that `begin_return` would return to."""
    for kept in pipeline.catalog.kept_generations()[:1]:
        retired_at = kept.retired_at or 0.0
        return Return(
            generation=kept.id,
            retired_at=retired_at,
            until=retired_at + keep_days * 86_400,
            embedder=kept.embedder,
            missing=len(pipeline.catalog.unindexed(kept.id)),
        )
    return None


def expired(pipeline: Pipeline, keep_days: float, least_s: float) -> list[str]:
    """Generations that served and are kept no longer: all but the last, and it after its time.

    A question that began before a swap may still read them, so none goes before `least_s`.
    """
    now = pipeline.clock()
    gone = []
    for place, kept in enumerate(pipeline.catalog.kept_generations()):
        keep_s = keep_days * 86_400 if place == 0 else 0.0
        if now - (kept.retired_at or 0.0) > max(least_s, keep_s):
            gone.append(kept.id)
    return gone


def advice(pipeline: Pipeline, serving: Generation) -> str:
    """Why a re-index is advised, as sentences; empty where it is not."""
    if serving.embedder != pipeline.embedder.fingerprint:
        said = "The settings name another embedding model than the one that the index was made by."
        try:
            own = pipeline.embedders.of(serving)
        except EmbedderGone as gone:
            return f"{said} {gone} Until you re-index, questions are searched by words alone."
        where = f"at {own.host}" if own.host else "on this machine"
        return f"{said} Until you re-index, the index goes on with its own, {where}."
    if serving.chunker != CHUNKER:
        return "The index was made by other rules for passages than today's."
    return ""


def _is_todays(generation: Generation, embedder: Embedder) -> bool:
    return (generation.chunker, generation.embedder) == (CHUNKER, embedder.fingerprint)


def _rates(pipeline: Pipeline) -> dict[str, float]:
    kept = pipeline.catalog.meta(_RATES)
    return json.loads(kept) if kept else {}
