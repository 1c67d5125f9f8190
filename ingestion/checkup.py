"""Verify: do catalog, files and indexes agree? Health: does everything work?"""

from __future__ import annotations

import platform
import shutil

import numpy as np

from ingestion.ocr_languages import problem
from ingestion.parsers import library_version
from ingestion.pipeline import Pipeline, compare
from ingestion.sandbox import Protection
from store.catalog.chunks import text_hash
from store.errors import IndexDamaged
from store.files import stored_bytes
from store.indexes.lexical import LexicalEntry
from store.models import Check, Frozen, Generation
from store.settings import Settings

_LIBRARIES = (
    "streamlit", "llama-index-core", "chromadb", "tantivy", "pypdfium2", "pypdf",
    "unstructured", "rapidocr", "tesserocr", "openvino", "sqlalchemy", "pydantic",
)  # fmt: skip
_STEP = 256


class VerifyReport(Frozen):
    """What was compared; `repaired` says what was mended."""

    ok: bool
    checks: tuple[Check, ...]
    repaired: tuple[str, ...] = ()


class Health(Frozen):
    """How this Footnote is. `storage` in bytes."""

    ok: bool
    checks: tuple[Check, ...]
    versions: dict[str, str]
    fingerprint: str
    chunker: str
    storage: dict[str, int]
    protection: tuple[Protection, ...]
    documents: int
    chunks: int
    queue: int
    generation: str


def verify(pipeline: Pipeline, repair: bool = False) -> VerifyReport:
    """Compare everything; with `repair`, mend and compare again."""
    checks = _compare(pipeline)
    if not repair or all(c.ok for c in checks):
        return VerifyReport(ok=all(c.ok for c in checks), checks=tuple(checks))
    repaired = mend(pipeline)
    checks = _compare(pipeline)
    return VerifyReport(
        ok=all(c.ok for c in checks), checks=tuple(checks), repaired=tuple(repaired)
    )


def health(pipeline: Pipeline, settings: Settings) -> Health:
    """Quick looks only: nothing is hashed or rebuilt."""
    catalog = pipeline.catalog
    serving = catalog.serving_generation()
    checks = [Check(name="catalog", ok=True, detail="The database answers.")]
    if serving:
        checks += _indexes_answer(pipeline, serving)
    protection = pipeline.sandbox.protection()
    inactive = [p.name for p in protection if not p.active]
    checks.append(
        Check(
            name="sandbox",
            ok=len(inactive) < len(protection),
            detail="Files are read in limited child processes."
            + (f" Not available here: {', '.join(inactive)}." if inactive else ""),
        )
    )
    fits = serving is None or serving.embedder == pipeline.embedder.fingerprint
    building = any(g.state == "building" for g in catalog.generations())
    then = "the index is being rebuilt for it." if building else "re-index to use it."
    host = pipeline.embedder.host
    where = f"by {host}: texts are sent there" if host else "on this machine"
    checks.append(
        Check(
            name="embedding model",
            ok=fits,
            detail=f"Texts are embedded {where}."
            if fits
            else f"The embedding model was changed; {then}",
        )
    )
    fault = problem(settings.ocr_languages)
    languages = settings.ocr_languages.replace("+", ", ")
    checks.append(
        Check(name="OCR", ok=fault is None, detail=fault or f"Scans are read in: {languages}.")
    )
    checks.append(_vision(pipeline))
    free = shutil.disk_usage(settings.data).free
    checks.append(
        Check(name="disk", ok=free > 500 * 2**20, detail=f"{free / 2**30:.1f} GB are free.")
    )
    counts = catalog.counts()
    return Health(
        ok=all(c.ok for c in checks),
        checks=tuple(checks),
        versions={
            "python": platform.python_version(),
            **{n: library_version(n) for n in _LIBRARIES},
        },
        fingerprint=pipeline.embedder.fingerprint,
        chunker=serving.chunker if serving else "",
        storage=_storage(pipeline, settings),
        protection=protection,
        documents=sum(counts.values()),
        chunks=catalog.chunk_count(serving.id) if serving else 0,
        queue=catalog.waiting(),
        generation=serving.id if serving else "",
    )


def _compare(pipeline: Pipeline) -> list[Check]:
    catalog, files = pipeline.catalog, pipeline.files
    checks = [_catalog(pipeline)]
    with pipeline.content_lock:
        wanted = catalog.content_hashes()
        stray = files.contents() - wanted
    faults = {h: fault for h in sorted(wanted) if (fault := files.check(h))}
    still = catalog.content_hashes() if faults else set()  # removed while we read: no fault
    broken = [f"{h[:12]}: {fault}" for h, fault in faults.items() if h in still]
    checks.append(
        _check("originals", broken, f"{len(wanted)} stored files have the bytes they came with.")
    )
    checks.append(
        _check(
            "stray files",
            [f"{len(stray)} stored files belong to no document"] if stray else [],
            "Every stored file belongs to a document.",
        )
    )
    serving = catalog.serving_generation()
    if serving is None:
        return [*checks, Check(name="index", ok=True, detail="There is no index yet.")]
    lacking = catalog.unindexed(serving.id)
    checks.append(
        _check(
            "indexed",
            [f"{len(lacking)} documents are missing from the index"] if lacking else [],
            "Every document that is ready is in the index.",
        )
    )
    with pipeline.index_lock:
        checks += _index_sets(pipeline, serving)
    return checks


def _index_sets(pipeline: Pipeline, serving: Generation) -> list[Check]:
    """The catalog's chunk ids against those of each index."""
    try:
        faults = compare(pipeline.catalog, pipeline.indexes, serving)
    except IndexDamaged as e:
        return [Check(name="index", ok=False, detail=str(e))]
    total = pipeline.catalog.chunk_count(serving.id)
    return [
        _check(
            f"{side} index",
            [f for f in faults if f"the {side} index" in f],
            f"It holds exactly the catalog's {total} chunks.",
        )
        for side in ("vector", "lexical")
    ]


def mend(pipeline: Pipeline) -> list[str]:
    """Rebuild from the catalog: damaged indexes anew, others by what is missing or too much."""
    catalog, said = pipeline.catalog, []
    with pipeline.content_lock:  # a file being added is stored before the catalog knows of it
        stray = pipeline.files.sweep(catalog.content_hashes())
    if stray:
        said.append(f"Removed {len(stray)} stored files that belonged to no document.")
    for generation in catalog.generations():
        if generation.state != "retired":
            with pipeline.index_lock:
                said += _mend_index(pipeline, generation)
    serving = catalog.serving_generation()
    lacking = catalog.unindexed(serving.id) if serving else []
    if lacking:
        catalog.requeue_answering(lacking, pipeline.clock())
        said.append(f"Queued {len(lacking)} documents to be indexed again.")
    return said


def _mend_index(pipeline: Pipeline, generation: Generation) -> list[str]:
    catalog, said = pipeline.catalog, []
    try:
        pair = pipeline.indexes.open(generation.id, generation.dimension)
        pair.lexical.count()
        for space in pair.vectors.spaces():
            pair.vectors.ids(space)
    except IndexDamaged:
        aside = pipeline.indexes.quarantine(generation.id)
        said.append(f"Set the damaged index aside as {aside.name}.")
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
        _fill_vectors(pipeline, generation, space, missing)
        if missing:
            said.append(f"Put {len(missing)} chunks back into the vector index.")
    extra = pair.lexical.ids() - everything
    if extra:
        pair.lexical.delete(sorted(extra))
        said.append(f"Removed {len(extra)} chunks from the lexical index.")
    missing = sorted(everything - pair.lexical.ids())
    for start in range(0, len(missing), _STEP):
        chunks = catalog.stored_chunks(missing[start : start + _STEP]).values()
        pair.lexical.upsert(
            [
                LexicalEntry(
                    id=c.id,
                    space_id=c.space_id,
                    document_id=c.document_id,
                    header=c.header,
                    text=c.text,
                    language=c.language,
                )
                for c in chunks
            ]
        )
    if missing:
        said.append(f"Put {len(missing)} chunks back into the lexical index.")
    pipeline.indexes.rebuilt(generation.id)
    return said


def _fill_vectors(pipeline: Pipeline, generation: Generation, space: str, ids: list[str]) -> None:
    """Upsert chunks with their stored embeddings; those that are missing are computed again."""
    pair = pipeline.indexes.open(generation.id, generation.dimension)
    for start in range(0, len(ids), _STEP):
        chunks = pipeline.catalog.stored_chunks(ids[start : start + _STEP])
        hashes = {i: text_hash(c.searched_text) for i, c in chunks.items()}
        known = pipeline.catalog.embeddings(generation.embedder, set(hashes.values()))
        lost = [i for i, h in hashes.items() if h not in known]
        if lost and generation.embedder == pipeline.embedder.fingerprint:
            vectors = pipeline.embedder.embed([chunks[i].searched_text for i in lost])
            known.update(zip((hashes[i] for i in lost), vectors, strict=True))
        have = [i for i, h in hashes.items() if h in known]
        if have:
            pair.vectors.upsert(space, have, np.stack([known[hashes[i]] for i in have]))


def _indexes_answer(pipeline: Pipeline, serving: Generation) -> list[Check]:
    checks = []
    for name in ("vector index", "lexical index"):
        try:
            pair = pipeline.indexes.open(serving.id, serving.dimension)
            if name == "vector index":
                n = sum(pair.vectors.count(s) for s in pair.vectors.spaces())
            else:
                n = pair.lexical.count()
            checks.append(Check(name=name, ok=True, detail=f"It answers and holds {n} chunks."))
        except IndexDamaged as e:
            checks.append(Check(name=name, ok=False, detail=str(e)))
    return checks


def _catalog(pipeline: Pipeline) -> Check:
    found = pipeline.catalog.check()
    return Check(
        name="catalog",
        ok=found == "ok",
        detail="The database is sound." if found == "ok" else f"The database is damaged: {found}",
    )


def _vision(pipeline: Pipeline) -> Check:
    model = pipeline.vision
    if model is None:
        said = "None is configured: no picture is sent anywhere, charts are not described."
    else:
        said = f"{model.name}. Pictures of pages are sent to {model.options.host}."
    return Check(name="vision model", ok=True, detail=said)


def _storage(pipeline: Pipeline, settings: Settings) -> dict[str, int]:
    return {
        "catalog": sum(stored_bytes(f) for f in settings.data.glob("catalog.db*")),
        "indexes": stored_bytes(settings.data / "indexes"),
        **pipeline.files.sizes(),
    }


def _check(name: str, faults: list[str], fine: str) -> Check:
    return Check(name=name, ok=not faults, detail="; ".join(faults) + "." if faults else fine)
