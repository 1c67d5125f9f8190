"""Removing documents for good: everywhere, with a certificate; it goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from ingestion.backups import tell_deletion
from ingestion.pipeline import Pipeline
from store.catalog.deletions import Certificate, Counted, Removal
from store.errors import Transient
from store.indexes.generations import IndexPair
from store.indexes.lexical import LexicalEntry, entry_of
from store.indexes.stems import is_empty
from store.indexes.words import words
from store.models import Generation
from store.opening import Store
from store.redaction import cleaned, pieces

Reached = Callable[[str], None]
_STEP = 256
_SET_ASIDE = "indexes: folders set aside"


def remove_for_good(
    store: Store,
    pipeline: Pipeline,
    document_ids: Collection[str],
    by: str | None,
    *,
    begun_at: float | None = None,
    reached: Reached = lambda step: None,
) -> list[Certificate]:
    """Remove documents from every store and prove it; a certificate each, in the order given.

    `by` is the id of the principal who removes; `begun_at` (seconds since 1970, now by default) is
    when that was first done: whoever restores a backup gives the time of the deletion that it
    applies again. Idempotent: of a document that is gone, or was never here, what may be left is
    looked for and its certificate says 0; an id is never an error. A kill at any moment leaves a
    deletion begun, which `finish_removals` goes on with at the next start. `reached` hears of every
    step when it is done. Raises IndexDamaged, or Transient where something stands in the way; then
    the documents answer no more, and the rest is done later.
    """
    catalog = store.catalog
    at = pipeline.clock() if begun_at is None else begun_at
    with pipeline.index_lock:
        removals = [catalog.begin_deletion(i, by, at) for i in dict.fromkeys(document_ids)]
        if not removals:
            return []
        reached("begun")
        removals = [_counted_before(store, pipeline, r) for r in removals]
        reached("counted")
        _leave_indexes(pipeline, removals)
        reached("out of the indexes")
        _purge(pipeline, removals)
        reached("purged")
        _leave_conversations(pipeline, removals)
        reached("out of conversations")
        _forget(pipeline, removals)
        reached("forgotten")
        store.files.arrivals.settle(catalog.db.checkpoint)  # they hold names
        if not catalog.db.checkpoint():
            raise Transient("The catalog is in use; the removal is finished in a moment.")
        reached("checkpointed")
        done = [_certified(store, pipeline, r) for r in removals]
        reached("certified")
        catalog.db.checkpoint()  # the hashes of their bytes stood in it until now
        return done


def finish_removals(store: Store, pipeline: Pipeline) -> list[Certificate]:
    """Go on with every deletion that was begun and is not done; their certificates."""
    if not store.catalog.unfinished_deletions():
        return []
    with pipeline.index_lock:  # one that is under way elsewhere is done by then
        return remove_for_good(store, pipeline, store.catalog.unfinished_deletions(), None)


def remove_again(store: Store, pipeline: Pipeline) -> list[str]:
    """Remove documents that are here although their deletion was done; what was done."""
    left = store.catalog.deleted_but_here()
    remove_for_good(store, pipeline, left, None)
    return [f"Removed {len(left)} documents that had been deleted."] if left else []


def _counted_before(store: Store, pipeline: Pipeline, removal: Removal) -> Removal:
    """With what is there now; of a deletion that goes on, what was counted when it began."""
    if removal.certificate.stores:
        return removal
    found = _count(store, pipeline, removal)
    stores = tuple(Counted(store=name, before=n, after=n) for name, n in found.items())
    certificate = removal.certificate.model_copy(update={"stores": stores})
    removal = removal.model_copy(update={"certificate": certificate})
    store.catalog.note_deletion(removal)
    return removal


def _count(store: Store, pipeline: Pipeline, removal: Removal) -> dict[str, int]:
    """What each store holds of a document alone."""
    catalog, others = pipeline.catalog, pipeline.catalog.content_hashes_without(removal.document_id)
    own = [pipeline.files.held(h) for h in removal.contents if h not in others]
    found = {
        **catalog.rows_of_removed(removal),
        **catalog.quotes_of(removal.document_id),
        "files: originals": sum(originals for originals, _ in own),
        "files: pictures": sum(pictures for _, pictures in own),
        _SET_ASIDE: len(pipeline.indexes.set_aside()),
    }
    for generation, pair in _pairs(pipeline):
        vectors = pair.vectors.ids(removal.space_id)
        found[f"vectors: {generation.id}"] = _of(removal, vectors)
        found[f"words: {generation.id}"] = _of(removal, pair.lexical.ids())
    return found


def _of(removal: Removal, chunk_ids: Iterable[str]) -> int:
    versions = set(removal.certificate.versions)
    return sum(chunk_id.rpartition("-")[0].rpartition("-")[2] in versions for chunk_id in chunk_ids)


def _pairs(pipeline: Pipeline) -> Iterator[tuple[Generation, IndexPair]]:
    """Every generation: serving, building and kept."""
    for generation in pipeline.catalog.generations():
        yield generation, pipeline.indexes.open(generation.id, generation.dimension)


def _leave_indexes(pipeline: Pipeline, removals: Collection[Removal]) -> None:
    for generation, pair in _pairs(pipeline):
        for removal in removals:
            for version_id in removal.certificate.versions:
                for space_id, ids in pipeline.catalog.chunk_ids(generation.id, version_id).items():
                    pair.vectors.delete(space_id, sorted(ids))
                    pair.lexical.delete(sorted(ids))


def _purge(pipeline: Pipeline, removals: Collection[Removal]) -> None:
    """Erase what the indexes only marked as deleted, and the folders that were set aside."""
    for _, pair in _pairs(pipeline):
        for space_id in sorted({r.space_id for r in removals}):
            pair.vectors.purge(space_id)
        pair.lexical.purge(lambda ids: _entries(pipeline, ids))
    pipeline.indexes.sweep({g.id for g in pipeline.catalog.generations()})


def _entries(pipeline: Pipeline, ids: list[str]) -> Iterator[LexicalEntry]:
    for start in range(0, len(ids), _STEP):
        yield from map(
            entry_of, pipeline.catalog.stored_chunks(ids[start : start + _STEP]).values()
        )


def _leave_conversations(pipeline: Pipeline, removals: Collection[Removal]) -> None:
    """Quotes, traces, and of questions the words that stood in no other document."""
    catalog = pipeline.catalog
    for removal in removals:
        names = catalog.names_of_removed(removal)
        about = catalog.conversations_about(removal.document_id, names)
        if not about:
            continue
        written = {p for text in catalog.texts_of_conversations(about) for p in pieces(text)}
        own = _own_words(pipeline, removal, written, names)
        catalog.forget_in_conversations(
            about, {removal.document_id}, lambda text, o=own, n=names: cleaned(text, o, n)
        )


def _own_words(
    pipeline: Pipeline, removal: Removal, written: Collection[str], names: Collection[str]
) -> set[str]:
    """Of these words those that the document has and no chunk that is left."""
    terms = {p: set(words(p)) for p in written if not is_empty(p)}
    wanted, said = set().union(*terms.values()), set()
    for text in (*names, *pipeline.catalog.texts_of_removed(removal)):
        said |= wanted.intersection(words(text))
    serving = pipeline.catalog.serving_generation()
    lexical = pipeline.indexes.lexical(serving.id) if serving else None
    alone = {term for term in said if lexical is None or not lexical.holders(term)}
    return {p for p, its in terms.items() if its & alone}


def _forget(pipeline: Pipeline, removals: Collection[Removal]) -> None:
    """The rows, and the bytes that nobody else has."""
    catalog = pipeline.catalog
    with pipeline.content_lock:
        catalog.forget_versions([v for r in removals for v in r.certificate.versions])
        catalog.forget_unused_embeddings()
        kept = catalog.content_hashes()
        for digest in {h for r in removals for h in r.contents} - kept:
            pipeline.files.remove(digest)


def _certified(store: Store, pipeline: Pipeline, removal: Removal) -> Certificate:
    left = _count(store, pipeline, removal)
    before = {s.store: s.before for s in removal.certificate.stores}
    names = [*before, *(name for name in left if name not in before)]
    certificate = removal.certificate.model_copy(
        update={
            "stores": tuple(
                Counted(store=name, before=before.get(name, 0), after=left.get(name, 0))
                for name in names
            ),
            "backups": tuple(
                tell_deletion(store, removal.document_id, removal.certificate.begun_at)
            ),
            "done_at": pipeline.clock(),
        }
    )
    with store.catalog.together():
        store.catalog.end_deletion(certificate)
        store.catalog.record(certificate.by, "removed", removal.document_id)
    return certificate
