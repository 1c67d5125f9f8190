"""Mends a data folder from what is still sound: indexes from the catalog, pages from originals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from ingestion.findable import still_unfound, unsound
from ingestion.pipeline import Pipeline
from store.catalog.chunks import text_hash
from store.catalog.soundness import Searched, is_unit
from store.embedding import Embedder
from store.errors import IndexDamaged, Transient
from store.indexes.generations import SIDES, IndexPair, Side
from store.indexes.lexical import entry_of
from store.models import Generation

_STEP = 256


def mend(pipeline: Pipeline, *, thorough: bool = False) -> list[str]:
    """Rebuild what is missing, too much or damaged; a sentence for each thing that was done.

    Indexes are compared by their ids; `thorough` also searches every chunk and reads every text.
    """
    catalog, said = pipeline.catalog, []
    with pipeline.content_lock:  # a file being added is stored before the catalog knows of it
        stray = pipeline.files.sweep(catalog.content_hashes())
    if stray:
        said.append(f"Removed {len(stray)} stored files that belonged to no document.")
    if forgotten := catalog.forgotten():
        catalog.remember(forgotten, pipeline.clock())
        said.append(f"Queued {len(forgotten)} documents that nobody was reading.")
    if thorough:
        said += _mend_texts(pipeline)
    for generation in catalog.generations():
        doubted = pipeline.indexes.rebuilding(generation.id)
        if thorough or doubted or generation.state != "retired":
            said += mend_generation(pipeline, generation, thorough=thorough)
    serving = catalog.serving_generation()
    lacking = catalog.unindexed(serving.id) if serving else []
    if lacking:
        catalog.requeue_answering(lacking, pipeline.clock())
        said.append(f"Queued {len(lacking)} documents to be indexed again.")
    return said


def mend_generation(
    pipeline: Pipeline,
    generation: Generation,
    *,
    thorough: bool = False,
    step: Callable[[], None] = lambda: None,
) -> list[str]:
    """Make both indexes of a generation hold what the catalog has; what was done. `step` is called
    between two pieces of the search for what is not found."""
    said = []
    with pipeline.index_lock:
        for side in SIDES:
            if _is_damaged(pipeline, generation, side):
                aside = pipeline.indexes.quarantine(generation.id, side)
                said.append(f"Set the damaged index aside as {aside.name}.")
        said += _fill(pipeline, generation)
        if thorough:
            said += _mend_searched(pipeline, generation, step)
        pipeline.indexes.rebuilt(generation.id)
    return said


def _is_damaged(pipeline: Pipeline, generation: Generation, side: Side) -> bool:
    try:
        pair = pipeline.indexes.open_side(generation.id, generation.dimension, side)
        pair.check()
    except IndexDamaged:
        return True
    return False


def _fill(pipeline: Pipeline, generation: Generation) -> list[str]:
    """Compare ids; remove what is too much and put in what is missing."""
    catalog, said = pipeline.catalog, []
    pair = pipeline.indexes.open(generation.id, generation.dimension)
    wanted = catalog.chunk_ids(generation.id)
    everything = set().union(*wanted.values())
    for space in set(pair.vectors.spaces()) | set(wanted):
        have = pair.vectors.ids(space) if space in pair.vectors.spaces() else set()
        extra = have - wanted.get(space, set())
        if extra:
            pair.vectors.delete(space, sorted(extra))
            said.append(f"Removed {len(extra)} chunks from the vector index.")
        missing = sorted(wanted.get(space, set()) - have)
        _fill_vectors(pipeline, generation, pair, space, missing)
        if missing:
            said.append(f"Put {len(missing)} chunks back into the vector index.")
    have = pair.lexical.ids()
    if extra := have - everything:
        pair.lexical.delete(sorted(extra))
        said.append(f"Removed {len(extra)} chunks from the lexical index.")
    if missing := sorted(everything - have):
        _fill_words(pipeline, pair, missing)
        said.append(f"Put {len(missing)} chunks back into the lexical index.")
    return said


def _fill_vectors(
    pipeline: Pipeline, generation: Generation, pair: IndexPair, space: str, ids: Sequence[str]
) -> None:
    """Upsert chunks with their stored embeddings; those that are missing are computed again."""
    for start in range(0, len(ids), _STEP):
        _go_on(pipeline)
        chunks = pipeline.catalog.stored_chunks(ids[start : start + _STEP])
        hashes = {i: text_hash(c.searched_text) for i, c in chunks.items()}
        known = pipeline.catalog.embeddings(generation.embedder, set(hashes.values()))
        known = {h: v for h, v in known.items() if is_unit(v)}
        lost = [i for i, h in hashes.items() if h not in known]
        if lost and (embedder := _embedder(pipeline, generation)):
            vectors = embedder.embed([chunks[i].searched_text for i in lost])
            fresh = dict(zip((hashes[i] for i in lost), vectors, strict=True))
            pipeline.catalog.replace_embeddings(generation.embedder, fresh)
            known.update(fresh)
        have = [i for i, h in hashes.items() if h in known]
        if have:
            pair.vectors.upsert(space, have, np.stack([known[hashes[i]] for i in have]))


def _embedder(pipeline: Pipeline, generation: Generation) -> Embedder | None:
    try:
        return pipeline.embedder_of(generation)
    except Transient:  # it is gone; what the catalog keeps of its vectors is all there is
        return None


def _fill_words(pipeline: Pipeline, pair: IndexPair, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), _STEP):
        _go_on(pipeline)
        chunks = pipeline.catalog.stored_chunks(ids[start : start + _STEP]).values()
        pair.lexical.upsert([entry_of(c) for c in chunks])


def _mend_searched(
    pipeline: Pipeline, generation: Generation, step: Callable[[], None]
) -> list[str]:
    """What is in an index and is not found there as it should be."""
    said = []
    found = unsound(pipeline, generation, step=step)
    pair = pipeline.indexes.open(generation.id, generation.dimension)
    if doubtful := {c.id: c for c in (*found.lost, *found.other)}:
        # Which of two vectors is the right one only the text can tell.
        pipeline.catalog.forget_embeddings(
            generation.embedder, sorted({c.text_hash for c in doubtful.values()})
        )
        _fill_by_space(pipeline, generation, pair, list(doubtful.values()))
        said.append(f"Computed the vectors of {len(doubtful)} chunks anew.")
    if found.unread:
        _fill_words(pipeline, pair, [c.id for c in found.unread])
        said.append(f"Put {len(found.unread)} chunks anew into the lexical index.")
    if found.unfound:
        # A graph of neighbours misses one in some thousands: it gets another place in the graph.
        for c in found.unfound:
            pair.vectors.delete(c.space_id, [c.id])
        _fill_by_space(pipeline, generation, pair, found.unfound)
        said.append(f"Put {len(found.unfound)} chunks anew into the vector index.")
        if still_unfound(pipeline, generation, {c.id for c in found.unfound}):
            aside = pipeline.indexes.quarantine(generation.id, "chroma")
            said.append(f"Set the vector index, which lost its own, aside as {aside.name}.")
            said += _fill(pipeline, generation)
    return said


def _fill_by_space(
    pipeline: Pipeline, generation: Generation, pair: IndexPair, chunks: Collection[Searched]
) -> None:
    for space in {c.space_id for c in chunks}:
        ids = sorted(c.id for c in chunks if c.space_id == space)
        _fill_vectors(pipeline, generation, pair, space, ids)


def _mend_texts(pipeline: Pipeline) -> list[str]:
    """Pages that are not what was stored, and chunks that are not what was cut, are read anew."""
    pages = pipeline.catalog.changed_pages()
    chunks = [
        i
        for generation in pipeline.catalog.generations()
        for i in pipeline.catalog.changed_chunks(generation.id)
    ]
    if not pages and not chunks:
        return []
    count = pipeline.catalog.read_anew(pages, chunks, pipeline.clock())
    said = f"Queued {count} documents to be read anew: {len(pages)} of their pages were damaged."
    return [said]


def _go_on(pipeline: Pipeline) -> None:
    if pipeline.stopping.is_set():
        raise Transient("Footnote is closing; the rebuilding goes on at the next start.")
