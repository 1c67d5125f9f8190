"""Opening a library: its parts from the settings, and what the last owner left half done."""

from __future__ import annotations

import logging
from collections.abc import Collection

from ingestion.chunking import CHUNKER
from ingestion.library import Library
from ingestion.mending import mend
from ingestion.parsers import ParseOptions
from ingestion.pipeline import Pipeline
from ingestion.recovery import is_to_be_mended, mend_aside, take_in_again
from ingestion.reindexing import WORKER, begin, begins_by_itself
from ingestion.removal import finish_removals, remove_again
from ingestion.sandbox import Limits, Sandbox
from ingestion.vision_model import vision_of
from ingestion.worker import Worker
from store.embedders import describe
from store.errors import FootnoteError
from store.models import Generation
from store.opening import Store
from store.settings import Settings

log = logging.getLogger("footnote.library")

LIMITS = {
    "memory_mb": "parser_memory_mb",
    "page_timeout_s": "page_timeout_s",
    "stuck_s": "parser_stuck_s",
    "recycle_pages": "parser_recycle_pages",
    "idle_s": "parser_idle_s",
    "open_files": "parser_open_files",
    "file_mb": "parser_file_mb",
    "scratch_mb": "parser_scratch_mb",
    "answer_mb": "parser_answer_mb",
}
"""The setting of each limit of a process that reads files."""


def open_library(store: Store, *, start: bool = True) -> Library:
    """Build the library over an open store, finish what a crash left, and start its worker."""
    s = store.settings
    pipeline = Pipeline(
        catalog=store.catalog,
        files=store.files,
        indexes=store.indexes,
        embedder=store.embedder,
        embedders=store.embedders,
        sandbox=Sandbox(
            limits(s),
            s.parser_processes,
            s.data / "scratch",
        ),
        options=ParseOptions(
            ocr_languages=s.ocr_languages,
            max_pixels=s.max_pixels,
            max_pages=s.max_pages,
            page_timeout_s=s.page_timeout_s,
        ),
        vision=vision_of(s),
        room=store.room,
    )
    store.catalog.ensure_space("main")
    # One more than can read at once: while two files are read, a third is embedded.
    worker = Worker(
        pipeline,
        store.epoch,
        threads=s.parser_processes + 1,
        keep_days=s.keep_generation_days,
        reindex_share=s.reindex_share,
        finish=lambda: _finish(store, pipeline),
    )
    library = Library(store, pipeline, worker)
    take_in_again(library)
    # A command line waits for the mending; a server answers meanwhile.
    recover(pipeline, probe=not store.clean, aside=start and store.owner.address is not None)
    _finish(store, pipeline)
    if start:
        worker.start()
    return library


def _finish(store: Store, pipeline: Pipeline) -> None:
    """Removals that were begun. What stands in the way of one is told and tried again."""
    try:
        remove_again(store, pipeline)
        finish_removals(store, pipeline)
    except FootnoteError as fault:
        log.warning("A removal could not be finished yet. %s", fault)


def limits(settings: Settings) -> Limits:
    """The limits of reading processes as the settings say; a test holds that none is forgotten."""
    return Limits(**{limit: getattr(settings, name) for limit, name in LIMITS.items()})


def recover(pipeline: Pipeline, probe: bool, aside: bool = False) -> None:
    """Finish what the last owner left half done.

    With `probe`, after a crash: the indexes are opened by a child first, because damaged files
    can hang or end the process that opens them; a damaged one is rebuilt from the catalog, and so
    are always words that were taken apart by older rules, and what a rebuilding left undone.
    `aside`: a thread rebuilds, while exact search or words alone answer and say so.
    """
    catalog = pipeline.catalog
    today = (CHUNKER, pipeline.embedder.fingerprint)
    pipeline.files.sweep(catalog.content_hashes())
    pipeline.indexes.sweep({g.id for g in catalog.generations()})
    if noted := describe(pipeline.embedder):
        catalog.note_embedder(pipeline.embedder.fingerprint, noted)
    given_up = catalog.abandoned_generations()
    known = [g.id for g in catalog.generations()]
    faults = pipeline.indexes.probe_all(known) if probe else {}
    kept = []
    for generation in catalog.generations():
        begun = generation.state == "building" and generation.retired_at is None
        stale = begun and (generation.chunker, generation.embedder) != today
        if stale or generation.id in given_up or _is_no_way_back(pipeline, generation, faults):
            pipeline.drop(generation.id)
        else:
            kept.append(generation)
    mending = any([is_to_be_mended(pipeline, g, faults.get(g.id, {}), probe) for g in kept])
    if mending and not aside:
        mend(pipeline)
    leaving = [x.version_id for x in catalog.leaving() if not x.removing]
    if leaving:
        pipeline.leave(leaving)
    for version_id in catalog.unfinished_chunks():
        pipeline.unindex(version_id)
    if mending and aside:
        mend_aside(pipeline)
    if begins_by_itself(pipeline, pipeline.first_generation()):
        # Vectors of two models, chunks of two rules never mix: today's get a generation of their
        # own, while the old one answers.
        try:
            begun = begin(pipeline, WORKER)
        except FootnoteError as fault:  # an embeddings server is away: it is offered instead
            log.warning("Documents could not be indexed anew. %s", fault)
            return
        if begun:
            log.warning("Documents are indexed anew, by the rules and the model of this Footnote.")


def _is_no_way_back(pipeline: Pipeline, generation: Generation, faults: Collection[str]) -> bool:
    """Whether an index kept for a return could not serve again, nor be emptied of a removal."""
    if generation.state != "retired":
        return False
    indexes, id_ = pipeline.indexes, generation.id
    lacks = indexes.outdated(id_) or indexes.rebuilding(id_) or not indexes.folder(id_).exists()
    return lacks or id_ in faults
