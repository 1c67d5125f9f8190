"""What must hold of a data folder at any moment; `examine` says of each invariant whether it does.

Each acknowledged document is there exactly once with the bytes it came with; catalog and both
indexes hold the same chunks; each chunk is found by its own vector and by its rarest words; pages
and chunks say what was stored; nothing deleted is left; no file is there that nobody put there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatch

from ingestion.findable import unsound
from ingestion.pipeline import Pipeline, compare
from store.errors import IndexDamaged
from store.models import Check, Generation

KNOWN_FILES = (
    "catalog.db", "catalog.db-wal", "catalog.db-shm", "lock", "owner.json", ".owner.json",
    "reserve", "files", "indexes", "scratch", "backups", "backups.json", "before-upgrade*",
)  # fmt: skip
"""What may lie in a data folder; anything else is named and left alone."""
_KNOWN_BELOW_FILES = ("incoming", "contents", "pictures", "arrivals")


def examine(pipeline: Pipeline, *, quick: bool = False) -> list[Check]:
    """Every invariant. `quick` hashes no originals, reads no texts, and searches few chunks."""
    checks = [_catalog(pipeline, quick), _documents(pipeline)]
    checks += _originals(pipeline, quick)
    checks.append(_stray(pipeline))
    checks.append(_deleted(pipeline))
    if not quick:
        checks.append(_pages(pipeline))
        checks.append(_audit(pipeline))
    serving = pipeline.catalog.serving_generation()
    if serving is None:
        return [*checks, Check(name="index", ok=True, detail="There is no index yet.")]
    lacking = pipeline.catalog.unindexed(serving.id)
    checks.append(
        check(
            "indexed",
            [f"{len(lacking)} documents are missing from the index"] if lacking else [],
            "Every document that is ready is in the index.",
        )
    )
    for generation in pipeline.catalog.generations():
        if generation.state != "building":
            checks += examine_generation(pipeline, generation, quick=quick)
    return checks


def examine_generation(
    pipeline: Pipeline,
    generation: Generation,
    *,
    quick: bool = False,
    step: Callable[[], None] = lambda: None,
) -> list[Check]:
    """The invariants of one generation's indexes, also of one that does not serve (yet); `step`
    is called between two pieces of work."""
    kept = "" if generation.state == "serving" else f" of the {generation.state} generation"
    try:
        with pipeline.index_lock:
            faults = compare(pipeline.catalog, pipeline.indexes, generation)
        found = None if faults else unsound(pipeline, generation, quick=quick, step=step)
    except IndexDamaged as e:
        return [Check(name=f"index{kept}", ok=False, detail=str(e))]
    total = pipeline.catalog.chunk_count(generation.id)
    checks = [
        check(
            f"{side} index{kept}",
            [f for f in faults if f"the {side} index" in f],
            f"It holds exactly the catalog's {total} chunks.",
        )
        for side in ("vector", "lexical")
    ]
    if found is None:
        return checks
    of = "all" if found.searched == found.total else f"a sample of {found.searched} of"
    said = f"{of} {found.total} chunks"
    checks.append(
        check(
            f"found by meaning{kept}",
            [
                *_count(found.lost, "have no sound vector in the catalog"),
                *_count(found.other, "have another vector in the index than in the catalog"),
                *_count(found.unfound, "are not found by their own vector"),
            ],
            f"Searched by its own vector, each comes first ({said}).",
        )
    )
    if not quick:
        checks += [
            check(
                f"found by words{kept}",
                _count(found.unread, "are not found by their rarest words"),
                f"Its rarest words find each ({said}).",
            ),
            check(
                f"texts of chunks{kept}",
                _count(found.changed, "do not say what was cut"),
                "Each chunk says what was cut and embedded.",
            ),
        ]
    return checks


def stray_files(pipeline: Pipeline) -> list[str]:
    """Files and folders that nobody is known to have put there, by their place in the folder."""
    folder = pipeline.catalog.path.parent
    names = [
        *(p.name for p in folder.iterdir() if not _is_one_of(p.name, KNOWN_FILES)),
        *(
            f"files/{p.name}"
            for p in pipeline.files.folder.iterdir()
            if p.name not in _KNOWN_BELOW_FILES
        ),
    ]
    known = {g.id for g in pipeline.catalog.generations()}
    for path in pipeline.indexes.root.iterdir():
        plain = path.name.removeprefix("rebuilding-")
        if plain not in known and not path.name.startswith(("damaged-", "dropped-")):
            names.append(f"indexes/{path.name}")
    return sorted(names)


def check(name: str, faults: list[str], fine: str) -> Check:
    """A line of a report: what is wrong as one sentence, or that all is well."""
    detail = "; ".join(faults) if faults else fine
    return Check(name=name, ok=not faults, detail=detail if detail.endswith(".") else f"{detail}.")


def _catalog(pipeline: Pipeline, quick: bool) -> Check:
    found = pipeline.catalog.check(thorough=not quick)
    return Check(
        name="catalog",
        ok=found == "ok",
        detail="The database is sound." if found == "ok" else f"The database is damaged: {found}",
    )


def _documents(pipeline: Pipeline) -> Check:
    faults = pipeline.catalog.not_once()
    if waiting := pipeline.catalog.forgotten():
        faults.append(f"{len(waiting)} documents wait to be read and nobody will read them")
    count = sum(pipeline.catalog.counts().values())
    return check("documents", faults, f"Each of the {count} acknowledged documents is there once.")


def _originals(pipeline: Pipeline, quick: bool) -> list[Check]:
    catalog, files = pipeline.catalog, pipeline.files
    with pipeline.content_lock:
        wanted = catalog.content_hashes()
        stray = (files.contents() | files.pictured()) - wanted
    faults = {h: fault for h in sorted(wanted) if (fault := files.check(h, only_there=quick))}
    still = catalog.content_hashes() if faults else set()  # removed while we read: no fault
    names = catalog.names_of_contents(faults) if faults else {}
    broken = [
        f"“{names.get(h, h[:12])}”: {fault}; add it again, unchanged"
        for h, fault in faults.items()
        if h in still
    ]
    have = "are there" if quick else "have the bytes they came with"
    return [
        check("originals", broken, f"{len(wanted)} stored files {have}."),
        check(
            "stored files",
            [f"{len(stray)} stored files belong to no document"] if stray else [],
            "Every stored file belongs to a document.",
        ),
    ]


def _stray(pipeline: Pipeline) -> Check:
    names = stray_files(pipeline)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    said = f"Not Footnote's: {', '.join(names[:5])}{more}; look at them and move them elsewhere"
    return check("stray files", [said] if names else [], "Nothing else lies in the data folder.")


def _deleted(pipeline: Pipeline) -> Check:
    left = pipeline.catalog.deleted_but_here()
    return check(
        "deleted documents",
        [f"{len(left)} documents that were deleted are here again"] if left else [],
        "Nothing is left of what was deleted.",
    )


def _pages(pipeline: Pipeline) -> Check:
    changed = pipeline.catalog.changed_pages()
    return check(
        "pages",
        [f"{len(changed)} pages are not what was stored; they are not shown"] if changed else [],
        "Each page is what was stored.",
    )


def _audit(pipeline: Pipeline) -> Check:
    fault = pipeline.catalog.check_audit()
    return check("audit trail", [fault] if fault else [], "The chain of entries holds.")


def _count(chunks: Sequence[object], what: str) -> list[str]:
    return [f"{len(chunks)} chunks {what}"] if chunks else []


def _is_one_of(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
