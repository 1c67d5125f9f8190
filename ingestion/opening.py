"""Opening a library: its parts from the settings, and what the last owner left half done."""

from __future__ import annotations

import logging

from ingestion.checkup import mend
from ingestion.chunking import CHUNKER
from ingestion.library import Library
from ingestion.parsers import ParseOptions
from ingestion.pipeline import Pipeline
from ingestion.sandbox import Limits, Sandbox
from ingestion.vision_model import vision_of
from ingestion.worker import Worker
from store.indexes.generations import Indexes
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
    )
    store.catalog.ensure_space("main")
    # One more than can read at once: while two files are read, a third is embedded.
    worker = Worker(pipeline, store.epoch, threads=s.parser_processes + 1)
    library = Library(store, pipeline, worker)
    recover(pipeline, probe=not store.clean)
    if start:
        worker.start()
    return library


def limits(settings: Settings) -> Limits:
    """The limits of reading processes as the settings say; a test holds that none is forgotten."""
    return Limits(**{limit: getattr(settings, name) for limit, name in LIMITS.items()})


def recover(pipeline: Pipeline, probe: bool) -> None:
    """Finish what the last owner left half done.

    With `probe`, after a crash: the indexes are opened by a child first, because damaged files
    can hang or end the process that opens them; a damaged one is rebuilt from the catalog, and so
    are always words that were taken apart by older rules, and what a rebuilding left undone.
    """
    catalog = pipeline.catalog
    today = (CHUNKER, pipeline.embedder.fingerprint)
    pipeline.files.sweep(catalog.content_hashes())
    pipeline.indexes.sweep({g.id for g in catalog.generations()})
    given_up, again = catalog.abandoned_generations(), False
    kept = []
    for generation in catalog.generations():
        stale = (
            generation.state == "building" and (generation.chunker, generation.embedder) != today
        )
        if stale or generation.state == "retired" or generation.id in given_up:
            pipeline.drop(generation.id)
            again |= stale
        else:
            kept.append(generation.id)
    if any([_is_to_be_mended(pipeline.indexes, id_, probe) for id_ in kept]):
        mend(pipeline)
    leaving = [x.version_id for x in catalog.leaving()]
    if leaving:
        pipeline.leave(leaving)
    for version_id in catalog.unfinished_chunks():
        pipeline.unindex(version_id)
    serving = pipeline.first_generation()
    if again or (serving.chunker, serving.embedder) != today:
        # Vectors of two models, chunks of two rules never mix: today's get a generation of their
        # own, while the old one answers.
        log.warning("Documents are indexed anew, by the rules and the model of this Footnote.")
        pipeline.begin_reindex()


def _is_to_be_mended(indexes: Indexes, generation_id: str, probe: bool) -> bool:
    """Whether a generation's indexes lack something; what cannot be used is out of the way then."""
    lacks = indexes.rebuilding(generation_id)
    if lacks:
        log.warning("The rebuilding of the index was cut short: it goes on from the catalog.")
    if indexes.outdated(generation_id):
        log.warning("The words of the index are of an older Footnote: rebuilt from the catalog.")
        indexes.drop_words(generation_id)  # the vectors are as good as they were
        lacks = True
    if probe and indexes.probe(generation_id):
        log.warning("The index is damaged: rebuilt from the catalog.")
        indexes.quarantine(generation_id)
        lacks = True
    return lacks
