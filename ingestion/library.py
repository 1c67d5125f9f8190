"""The door to documents: add, synchronise, list, show, pause, remove, re-index, verify."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from ingestion.checkup import Health, VerifyReport, health, verify
from ingestion.folders import Listing, Plan, moves, plan
from ingestion.names import clean_name
from ingestion.parsers import parser_fingerprint
from ingestion.parsers.kinds import sniff
from ingestion.pipeline import Pipeline
from ingestion.sandbox import Limits
from ingestion.vision import is_described
from ingestion.worker import Worker
from store.catalog.arrivals import Known, Move, Origin, Outcome
from store.catalog.jobs import Queue
from store.catalog.ledger import LedgerCounts, LedgerLine
from store.errors import BadInput, NameTaken, NotAllowed, NotFound
from store.models import ANSWERING, Document, Frozen, Kind, Page, Principal, SameName
from store.opening import Store

SAMPLES_SPACE = "samples"
Documents = list[Document]
Pages = list[Page]
Ids = list[str]
Ledger = list[LedgerLine]
_PICTURE_WIDTHS = (400, 800, 1200, 1600, 2400)


class PageView(Frozen):
    """A page with the document through which it is seen."""

    page: Page
    document: Document


class ReindexStatus(Frozen):
    """How the newest re-index stands. `state`: idle, running, done, failed, cancelled."""

    state: str
    generation: str | None = None
    documents_done: int = 0
    documents_total: int = 0
    chunks: int = 0
    seconds: float | None = None
    swapped: bool = False
    error: str | None = None


class Library:
    """One open library; every method takes who asks. `ingestion.opening` builds it."""

    def __init__(self, store: Store, pipeline: Pipeline, worker: Worker):
        self.store, self.pipeline, self.worker = store, pipeline, worker
        self.catalog = store.catalog
        self._began = time.monotonic()

    # Documents

    def add(
        self,
        principal: Principal,
        name: str,
        source: Path | bytes | BinaryIO,
        space: str = "main",
        same_name: SameName | None = None,
        origin: Origin | None = None,
    ) -> Document:
        """Store a file and queue it; returns at once.

        Where another document has this name and other content, `same_name` decides, or the
        setting (whose `ask` means replace here); its own `ask` raises NameTaken. Status
        `duplicate` names the document that already holds these bytes, or that was kept when this
        file was skipped. Raises BadInput with a sentence when the file is not accepted; then
        nothing is kept of it. `origin` is for the files of a synchronised folder.
        """
        space_id = self._space_for_writing(principal, space)
        shown, warnings = clean_name(name)
        staged = self.store.files.stage(source, self.store.settings.max_file_mb * 2**20)
        try:
            kind: Kind = sniff(staged.path, shown)
            # A removal of the same bytes must not come between keeping them and naming them.
            with self.pipeline.content_lock:
                self.store.files.keep(staged)
                added = self.catalog.add_version(
                    space_id,
                    shown,
                    staged.digest,
                    staged.size,
                    kind,
                    self.pipeline.clock(),
                    warnings,
                    same_name or self._same_name(),
                    origin,
                )
                if added.outcome in ("asked", "skipped"):
                    self._forget(staged.digest)
        finally:
            self.store.files.discard(staged)
        document = self.catalog.find_document(added.document_id)
        self.worker.wake()
        return _met(document, shown, added.outcome)

    def sync(
        self,
        principal: Principal,
        listing: Listing,
        space: str = "main",
        *,
        dry_run: bool = False,
        allow_empty: bool = False,
    ) -> Plan:
        """Decide what a folder's files mean for the documents that came from it.

        Documents whose file moved or is gone are moved and removed here; files that are new or
        changed are for the caller to `add`, with their origin. Nothing is done in a dry run.
        Raises BadInput when nothing is left of the folder, unless `allow_empty`.
        """
        if dry_run:
            space_id = self.catalog.space_id(clean_name(space)[0])
            if space_id is not None and not principal.may_see(space_id):
                raise NotFound(f"There is no space “{space}”.")
            known = self.catalog.known_to_sync(space_id, listing.folder) if space_id else []
            return plan(listing, known, allow_empty=allow_empty)
        space_id = self._space_for_writing(principal, space)
        decided = Plan()

        def decide(known: list[Known]) -> tuple[list[Move], Ids]:
            nonlocal decided
            decided = plan(listing, known, allow_empty=allow_empty)
            return moves(decided), [s.document_id or "" for s in decided.of("remove")]

        self.catalog.sync_folder(space_id, listing.folder, decide, self.pipeline.clock())
        gone = {s.document_id for s in decided.of("remove")}
        self.pipeline.leave([x.version_id for x in self.catalog.leaving() if x.document_id in gone])
        self.worker.wake()
        return decided

    def list(self, principal: Principal, space: str | None = None) -> Documents:
        """Documents the principal may see, newest first."""
        return self.catalog.documents(self._visible(principal, space))

    def document(self, principal: Principal, id_or_name: str, space: str | None = None) -> Document:
        """A document without its pages. Raises NotFound."""
        return self.catalog.find_document(id_or_name, self._visible(principal, space))

    def show(
        self, principal: Principal, id_or_name: str, space: str | None = None
    ) -> tuple[Document, Pages]:
        """A document and its pages as far as they are read. Raises NotFound."""
        document = self.document(principal, id_or_name, space)
        return document, self.catalog.document_pages(document.id)

    def readings(self, principal: Principal, id_or_name: str, space: str | None = None) -> Pages:
        """What a vision model said of a document's pages; never mixed with what was read."""
        newest = self.catalog.newest_version(self.document(principal, id_or_name, space).id)
        return self.catalog.readings(newest) if newest else []

    def is_to_be_described(self, principal: Principal, document_id: str) -> bool:
        """Whether the vision model has not been asked all there is to ask; `retry` asks it."""
        return self._is_to_be_described(self.document(principal, document_id))

    def remove(self, principal: Principal, id_or_name: str, space: str | None = None) -> Ids:
        """Remove a document everywhere; its id. It stops answering before anything is deleted."""
        document = self.document(principal, id_or_name, space)
        self.catalog.begin_removal(document.id)
        ours = [x.version_id for x in self.catalog.leaving() if x.document_id == document.id]
        self.pipeline.leave(ours)
        return [document.id]

    def cancel(self, principal: Principal, document_id: str) -> None:
        """Stop reading a document."""
        document = self.document(principal, document_id)
        version_id = self.catalog.cancel_version(document.id)
        if version_id:
            self.pipeline.unindex(version_id)
        self.worker.wake()

    def retry(self, principal: Principal, document_id: str) -> None:
        """Read a document again that failed, was cancelled or lost pages; one that answers goes on.

        Also one that is `outdated`. Raises BadInput when there is nothing to read again.
        """
        document = self.document(principal, document_id)
        older = self._outdated(None, document.id)
        more = bool(older) or self._is_to_be_described(document)
        again = self.catalog.requeue(document.id, self.pipeline.clock(), ready_too=more)
        if not again and document.status == "ready":
            raise BadInput(f"“{document.name}” was read in full; there is nothing to retry.")
        self.worker.wake()

    def outdated(self, principal: Principal, space: str | None = None) -> Ids:
        """Documents that an older Footnote read, or other settings than today's."""
        return self._outdated(self._visible(principal, space))

    def is_outdated(self, principal: Principal, document_id: str) -> bool:
        """Whether an older Footnote, or other settings, read this document; `retry` reads it."""
        return bool(self._outdated(None, self.document(principal, document_id).id))

    def retry_outdated(self, principal: Principal) -> Ids:
        """Queue all that are `outdated`, which answer as before until they are read; their ids."""
        self._admin(principal)
        now = self.pipeline.clock()
        again = [i for i in self._outdated() if self.catalog.requeue(i, now, ready_too=True)]
        self.worker.wake()
        return again

    def pause(self, principal: Principal, document_id: str | None = None) -> None:
        """Hold back one document, or all; what is being read stops after the pages stored so far.

        Holds also after a restart, until `resume`. Raises BadInput when the document is not
        waiting or being read.
        """
        now = self.pipeline.clock()
        if document_id is None:
            self._admin(principal)
            self.catalog.pause_all(now)
            return
        document = self.document(principal, document_id)
        if not self.catalog.pause_version(document.id, now):
            raise BadInput(f"“{document.name}” is not being read, so it cannot be paused.")

    def resume(self, principal: Principal, document_id: str | None = None) -> None:
        """Let one document, or the queue, go on where it stopped.

        Raises BadInput when the document was not paused by itself.
        """
        if document_id is None:
            self._admin(principal)
            self.catalog.resume_all()
        else:
            document = self.document(principal, document_id)
            if not self.catalog.resume_version(document.id):
                whole = " The whole queue is; resume it." if document.paused else ""
                raise BadInput(f"“{document.name}” is not paused.{whole}")
        self.worker.wake()

    def queue(self, principal: Principal) -> Queue:
        """How many files wait or are read, how many are held back, and whether all are."""
        self._admin(principal)
        return self.catalog.queue()

    def ledger(self, principal: Principal, document_id: str) -> Ledger:
        """How each page of a document was read, without the texts. Raises NotFound."""
        return self.catalog.ledger(self.document(principal, document_id).id)

    def ledger_counts(self, principal: Principal) -> LedgerCounts:
        """Pages of all documents the principal may see, by how they were read."""
        return self.catalog.ledger_counts(self._visible(principal, None))

    def limits(self, principal: Principal) -> Limits:
        """What a process that reads files may use."""
        self._admin(principal)
        return self.pipeline.sandbox.limits

    def spaces(self, principal: Principal) -> dict[str, str]:
        """Space id → name, those the principal may see."""
        return {i: n for i, n in self.catalog.spaces().items() if principal.may_see(i)}

    # Pages

    def page(self, principal: Principal, page_id: int) -> PageView:
        """A page by id. Raises NotFound also when the principal may not see it."""
        document, _ = self.catalog.document_of_page(page_id, self._visible(principal, None))
        return PageView(page=self.catalog.page(page_id), document=document)

    def picture(self, principal: Principal, page_id: int, width_px: int = 1200) -> bytes:
        """A PNG of a pictured page, about `width_px` wide; drawn by a limited child, kept."""
        document, digest = self.catalog.document_of_page(page_id, self._visible(principal, None))
        page = self.catalog.page(page_id)
        if not page.pictured or document.kind is None:
            raise NotFound("This page has no picture.")
        width = next((w for w in _PICTURE_WIDTHS if w >= width_px), _PICTURE_WIDTHS[-1])
        key = f"{page.number}-{width}.png"
        kept = self.store.files.picture(digest, key)
        if kept is not None:
            return kept
        with self.pipeline.sandbox.open(
            self.store.files.path(digest),
            document.kind,
            self.pipeline.options,
            space_id=document.space_id,
        ) as opened:
            png = opened.picture(page.number, width)
        with self.pipeline.content_lock:
            if digest in self.catalog.content_hashes():  # not removed while we drew
                self.store.files.put_picture(digest, key, png)
        return png

    # The index

    def reindex(self, principal: Principal) -> ReindexStatus:
        """Begin to build a new generation beside the serving one; at most one at a time."""
        self._admin(principal)
        self.pipeline.begin_reindex()
        self.worker.wake()
        return self.reindex_status(principal)

    def cancel_reindex(self, principal: Principal) -> None:
        """Stop building; the serving generation stays. The worker drops what was built."""
        self._admin(principal)
        job = self.catalog.last_job("reindex")
        if job and job["state"] in ("queued", "running"):
            self.catalog.cancel_job(job["id"])
            self.worker.wake()

    def reindex_status(self, principal: Principal) -> ReindexStatus:
        """Progress or result of the newest re-index."""
        self._admin(principal)
        job = self.catalog.last_job("reindex")
        if job is None:
            return ReindexStatus(state="idle")
        generation = job["generation_id"]
        done = len(self.catalog.indexed_in(generation)) if generation else 0
        missing = len(self.catalog.unindexed(generation)) if generation else 0
        running = job["state"] in ("queued", "running")
        return ReindexStatus(
            state="running" if running else job["state"],
            generation=generation,
            documents_done=done,
            documents_total=done + missing if running else done,
            chunks=self.catalog.chunk_count(generation),
            seconds=round(self.pipeline.clock() - job["created_at"], 1)
            if running
            else job["seconds"],
            swapped=job["state"] == "done",
            error=job["error"],
        )

    def verify(self, principal: Principal, repair: bool = False) -> VerifyReport:
        """Compare catalog, files, Chroma and lexical index; mend what differs when asked to."""
        self._admin(principal)
        return verify(self.pipeline, repair=repair)

    def health(self, principal: Principal) -> Health:
        """What works and what does not, without changing anything."""
        self._admin(principal)
        return health(self.pipeline, self.store.settings)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until nothing is queued or running but what is paused; False when time ran out."""
        return self.worker.wait(timeout_s)

    def close(self) -> None:
        if self.pipeline.vision is not None:
            self.pipeline.vision.close()
        self.worker.stop()
        self.pipeline.sandbox.close()

    def _outdated(
        self, spaces: Collection[str] | None = None, document_id: str | None = None
    ) -> Ids:
        options = self.pipeline.options
        return [
            read.document_id
            for read in self.catalog.read_by(spaces, document_id)
            if not read.fingerprint.startswith(parser_fingerprint(read.kind, options))
        ]

    def _is_to_be_described(self, document: Document) -> bool:
        model, newest = self.pipeline.vision, self.catalog.newest_version(document.id)
        if model is None or newest is None or document.status not in ANSWERING:
            return False
        return not is_described(model, self.catalog, self.catalog.version(newest))

    # Who may, and what they chose

    def _same_name(self) -> SameName:
        """What happens where nobody is there to be asked."""
        chosen = self.store.settings.same_name
        return "replace" if chosen == "ask" else chosen

    def _forget(self, digest: str) -> None:
        """Bytes that were stored and then not taken, unless others have them."""
        if digest not in self.catalog.content_hashes():
            self.store.files.remove(digest)

    def _visible(self, principal: Principal, space: str | None) -> Collection[str] | None:
        """Ids of the spaces to look in; None for all. Raises NotFound for a space unseen."""
        if space is not None:
            space_id = self.catalog.space_id(space)
            if space_id is None or not principal.may_see(space_id):
                raise NotFound(f"There is no space “{space}”.")
            return [space_id]
        return principal.spaces

    def _space_for_writing(self, principal: Principal, space: str) -> str:
        name, _ = clean_name(space)
        space_id = self.catalog.space_id(name)
        if space_id is None:
            if not principal.admin:
                raise NotFound(f"There is no space “{name}”.")
            return self.catalog.ensure_space(name)
        if not principal.may_see(space_id):
            raise NotFound(f"There is no space “{name}”.")
        return space_id

    def _admin(self, principal: Principal) -> None:
        if not principal.admin:
            raise NotAllowed("Only an administrator may do this.")


def _met(document: Document, name: str, outcome: Outcome) -> Document:
    """The document as the result of adding a file, with a sentence on what it met."""
    if outcome == "here":
        said = f"The same file is already here as “{document.name}”."
        return document.model_copy(update={"status": "duplicate", "warnings": (said,)})
    if outcome == "skipped":
        said = f"It was skipped: another file named “{name}” is here, and it was kept."
        return document.model_copy(update={"status": "duplicate", "warnings": (said,)})
    if outcome == "asked":
        raise NameTaken(
            f"Another file named “{name}” is here, with other content. Choose whether to replace "
            "it, to keep both, or to skip this one."
        )
    if document.name != name and outcome != "again":
        said = f"Another file named “{name}” is here; this one is kept as “{document.name}”."
        return document.model_copy(update={"warnings": (*document.warnings, said)})
    return document
