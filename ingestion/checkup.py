"""Verify: does every invariant hold, and what was mended? Health: does everything work?"""

from __future__ import annotations

import platform
import shutil

from ingestion.invariants import examine
from ingestion.mending import mend
from ingestion.ocr_languages import problem
from ingestion.parsers import library_version
from ingestion.pipeline import Pipeline
from ingestion.reindexing import advice
from ingestion.sandbox import Protection
from store.errors import IndexDamaged
from store.files import stored_bytes
from store.models import Check, Frozen, Generation
from store.settings import Settings

_LIBRARIES = (
    "streamlit", "llama-index-core", "chromadb", "tantivy", "pypdfium2", "pypdf",
    "unstructured", "rapidocr", "tesserocr", "openvino", "sqlalchemy", "pydantic",
)  # fmt: skip


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


def verify(pipeline: Pipeline, repair: bool = False, *, quick: bool = False) -> VerifyReport:
    """Examine every invariant; with `repair`, mend what does not hold and examine again."""
    checks = examine(pipeline, quick=quick)
    if not repair or all(c.ok for c in checks):
        return VerifyReport(ok=all(c.ok for c in checks), checks=tuple(checks))
    repaired = mend(pipeline, thorough=True)
    checks = examine(pipeline, quick=quick)
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
        if pipeline.indexes.rebuilding(serving.id):
            said = (
                "It was damaged and is being rebuilt; exact search or words alone answer so long."
            )
            checks.append(Check(name="index", ok=False, detail=said))
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
    building = catalog.waiting(("reindex",)) > 0
    then = " It is being rebuilt now." if building else ""
    host = pipeline.embedder.host
    where = f"by {host}: texts are sent there" if host else "on this machine"
    checks.append(
        Check(
            name="embedding model",
            ok=fits,
            detail=f"Texts are embedded {where}."
            if fits or serving is None
            else f"{advice(pipeline, serving)}{then}",
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
