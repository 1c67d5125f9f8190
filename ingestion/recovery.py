"""After an end that was not clean: what was lost is taken in again, what is damaged is rebuilt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ingestion.invariants import examine_generation
from ingestion.mending import mend
from ingestion.pipeline import Pipeline, compare
from store.catalog.arrivals import Origin
from store.errors import DiskFull, FootnoteError, IndexDamaged, Transient
from store.indexes.generations import Side
from store.models import LOCAL_ADMIN, Generation

if TYPE_CHECKING:
    from ingestion.library import Library

log = logging.getLogger("footnote.library")
_NAMES: dict[Side, str] = {"chroma": "vector", "lexical": "lexical index"}
"""What tells in a check's sentence which side it is about."""


def take_in_again(library: Library) -> None:
    """Files that were acknowledged and of which a torn catalog knows nothing any more."""
    store = library.store
    known = store.catalog.content_hashes()
    for lost in store.files.arrivals.all():
        path = store.files.path(lost.digest)
        if lost.digest in known or not path.exists():
            continue
        try:
            if store.files.check(lost.digest):
                raise FootnoteError("Its bytes have changed.")
            folder, within = lost.sync_folder, lost.sync_path
            origin = Origin(folder, within) if folder and within else None
            library.add(LOCAL_ADMIN, lost.name, path, lost.space, "replace", origin)
            log.warning("A document that the catalog had lost was taken in again from its file.")
        except DiskFull:
            raise
        except FootnoteError as fault:
            log.error("A document that the catalog has lost cannot be taken in again: %s", fault)
    store.files.arrivals.settle(store.catalog.db.checkpoint)


def is_to_be_mended(
    pipeline: Pipeline, generation: Generation, faults: Mapping[Side, str], unclean: bool
) -> bool:
    """Whether a generation's indexes lack something; what cannot be used is out of the way then.

    `faults` is what a child found that opened them; after an `unclean` end they are also compared
    with the catalog.
    """
    indexes, id_ = pipeline.indexes, generation.id
    lacks = indexes.rebuilding(id_)
    if lacks:
        log.warning("The rebuilding of the index was cut short: it goes on from the catalog.")
    if indexes.outdated(id_):
        log.warning("The words of the index are of an older Footnote: rebuilt from the catalog.")
        indexes.drop_words(id_)  # the vectors are as good as they were
        lacks = True
    for side, fault in faults.items():
        log.warning("The index is damaged: rebuilt from the catalog. %s", fault)
        indexes.quarantine(id_, side)
        lacks = True
    if lacks or not unclean or generation.state == "building":
        return lacks  # what is being built is examined before it serves
    unclear = _unclear(pipeline, generation)
    for detail in unclear:
        log.warning("After the unclean end the index is mended: %s", detail)
    if any("by their own vector" in detail or "another vector" in detail for detail in unclear):
        indexes.quarantine(id_, "chroma")  # its ids alone do not tell which
    elif unclear:
        indexes.doubt(id_, [side for side, name in _NAMES.items() if name in " ".join(unclear)])
    return bool(unclear)


def _unclear(pipeline: Pipeline, generation: Generation) -> list[str]:
    """What indexes that open lack; of one kept for a return, which nobody searches, only by ids."""
    if generation.state == "retired":
        try:
            with pipeline.index_lock:
                return compare(pipeline.catalog, pipeline.indexes, generation)
        except IndexDamaged as fault:
            return [str(fault)]
    checks = examine_generation(pipeline, generation, quick=True)
    return [c.detail for c in checks if not c.ok]


def mend_aside(pipeline: Pipeline) -> None:
    """Rebuild in a thread of its own; exact search or words alone answer meanwhile and say so."""
    threading.Thread(target=_mend, args=(pipeline,), name="mending", daemon=True).start()


def _mend(pipeline: Pipeline) -> None:
    try:
        mend(pipeline)
        log.warning("The index is whole again.")
    except Transient as e:  # the doors are closing, or the disk is full: it goes on at next start
        log.warning("The index is not whole yet: %s", e)
    except FootnoteError:
        log.exception("The index could not be rebuilt; run verify --repair.")
