"""How the newest re-index stands, for screens, command lines and the API."""

from __future__ import annotations

from ingestion.pipeline import Pipeline
from store.gates import Asked, gate_of
from store.models import Frozen

_UNDER_WAY = ("queued", "running")


class ReindexStatus(Frozen):
    """`state`: idle, running, done, held, failed, cancelled. Held: built, and found to find less.

    `seconds` since it was asked for. `computed` and `reused`: vectors of texts; `sent_to`: the
    host that computed ones were sent to. `asked`: how old and new index did on the same questions.
    `returning`: an earlier index is made to serve again.
    """

    state: str
    generation: str | None = None
    documents_done: int = 0
    documents_total: int = 0
    chunks: int = 0
    seconds: float | None = None
    swapped: bool = False
    error: str | None = None
    reused: int = 0
    computed: int = 0
    sent_to: str | None = None
    asked: tuple[Asked, ...] = ()
    returning: bool = False


def reindex_status(pipeline: Pipeline) -> ReindexStatus:
    """Progress or result of the newest re-index."""
    catalog = pipeline.catalog
    job = catalog.last_job("reindex")
    if job is None:
        return ReindexStatus(state="idle")
    running = job["state"] in _UNDER_WAY
    found = [g for g in catalog.generations() if g.id == job["generation_id"]]
    seconds = job["seconds"]
    if running:
        seconds = round(max(0.0, pipeline.clock() - job["created_at"]), 1)
    said = {
        "state": "running" if running else job["state"],
        "seconds": seconds,
        "swapped": job["state"] == "done",
        "error": job["error"],
    }
    if not found:
        return ReindexStatus(**said)
    generation, gate = found[0], gate_of(found[0])
    done = len(catalog.indexed_in(generation.id))
    missing = len(catalog.unindexed(generation.id))
    return ReindexStatus(
        **said,
        generation=generation.id,
        documents_done=done,
        documents_total=done + missing if running else done,
        chunks=catalog.chunk_count(generation.id),
        reused=gate.reused,
        computed=gate.computed,
        sent_to=gate.sent_to,
        asked=gate.asked,
        returning=gate.returning,
    )
