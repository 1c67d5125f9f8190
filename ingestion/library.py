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
from ingestion.reindex_status import ReindexStatus, reindex_status
from ingestion.reindexing import ReindexScope, Return, begin, begin_return, scope, way_back
from ingestion.removal import remove_again, remove_for_good
from ingestion.safekeeping import Safekeeping
from ingestion.sandbox import Limits
from ingestion.schedule import Backups, backup_check
from ingestion.vision import is_described
from ingestion.worker import Worker
from store.arrivals import Arrival
from store.catalog.arrivals import Known, Move, Origin, Outcome
from store.catalog.deletions import Certificate
from store.catalog.jobs import Queue
from store.catalog.ledger import LedgerCounts, LedgerLine
from store.crashpoints import reached
from store.errors import BadInput, NameTaken, NotAllowed, NotFound
from store.models import ANSWERING, Document, Frozen, Kind, Page, Principal, SameName
from store.opening import Store

SAMPLES_SPACE = "samples"
Documents = list[Document]
Pages = list[Page]
Ids = list[str]
Certificates = list[Certificate]
Ledger = list[LedgerLine]
_PICTURE_WIDTHS = (400, 800, 1200, 1600, 2400)
_AUDITED: dict[Outcome, str] = {
    "added": "add", "beside": "add", "replaces": "replace", "again": "retry",
}  # fmt: skip
"""What the audit trail calls the arrival of a file; others change nothing."""


class PageView(Frozen):
    """A page with the document through which it is seen."""

    page: Page
    document: Document


class Library(Safekeeping):
    """One open library; every method takes who asks. `ingestion.opening` builds it."""

    def __init__(self, store: Store, pipeline: Pipeline, worker: Worker):
        self.store, self.pipeline, self.worker = store, pipeline, worker
        self.backups = Backups(store)
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
        self.store.room.check()
        staged = self.store.files.stage(source, self.store.settings.max_file_mb * 2**20)
        try:
            self.store.room.check(staged.size)  # what reading it will write, roughly
            kind: Kind = sniff(staged.path, shown)
            # A removal of the same bytes must not come between keeping them and naming them.
            with self.pipeline.content_lock:
                self.store.files.keep(staged)
                reached("file-stored")
                with self.catalog.together():
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
                    if action := _AUDITED.get(added.outcome):
                        size = {"bytes": staged.size}
                        self.catalog.record(principal.id, action, added.document_id, **size)
                if added.outcome in ("asked", "skipped"):
                    self._forget(staged.digest)
        finally:
            self.store.files.discard(staged)
        if added.outcome not in ("here", "asked", "skipped"):
            self._note(space, shown, staged.digest, origin)
        reached("row-written")
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
            for step in (*decided.of("move"), *decided.of("remove")):
                self.catalog.record(principal.id, step.action, step.document_id, by="sync")
            return moves(decided), [s.document_id or "" for s in decided.of("remove")]

        self.catalog.sync_folder(space_id, listing.folder, decide, self.pipeline.clock())
        gone = [s.document_id for s in decided.of("remove") if s.document_id]
        remove_for_good(self.store, self.pipeline, gone, principal.id)
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
        return [self.removed(principal, id_or_name, space).document_id]

    def removed(
        self, principal: Principal, id_or_name: str, space: str | None = None
    ) -> Certificate:
        """As `remove`; the certificate that shows what was there and what is left.

        Raises IndexDamaged or Transient where something stands in the way: then the document
        answers no more, and the rest of it goes as soon as it can.
        """
        document = self.document(principal, id_or_name, space)
        with self.catalog.together():
            self.catalog.begin_deletion(document.id, principal.id, self.pipeline.clock())
            self.catalog.record(principal.id, "remove", document.id)
        (certificate,) = remove_for_good(self.store, self.pipeline, [document.id], principal.id)
        return certificate

    def certificate(self, principal: Principal, document_id: str) -> Certificate:
        """That a document was removed for good, by its id. Raises NotFound."""
        self._admin(principal)
        return self.catalog.certificate(document_id)

    def certificates(self, principal: Principal) -> Certificates:
        """Of all documents that were removed for good, the oldest first."""
        self._admin(principal)
        return self.catalog.deletions()

    def cancel(self, principal: Principal, document_id: str) -> None:
        """Stop reading a document."""
        document = self.document(principal, document_id)
        with self.catalog.together():
            version_id = self.catalog.cancel_version(document.id)
            self.catalog.record(principal.id, "cancel", document.id)
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
        with self.catalog.together():
            again = self.catalog.requeue(document.id, self.pipeline.clock(), ready_too=more)
            if again:
                self.catalog.record(principal.id, "retry", document.id)
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
        for document_id in again:
            self.catalog.record(principal.id, "retry", document_id, outdated=1)
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
            with self.catalog.together():
                self.catalog.pause_all(now)
                self.catalog.record(principal.id, "pause")
            return
        document = self.document(principal, document_id)
        with self.catalog.together():
            if not self.catalog.pause_version(document.id, now):
                raise BadInput(f"“{document.name}” is not being read, so it cannot be paused.")
            self.catalog.record(principal.id, "pause", document.id)

    def resume(self, principal: Principal, document_id: str | None = None) -> None:
        """Let one document, or the queue, go on where it stopped.

        Raises BadInput when the document was not paused by itself.
        """
        if document_id is None:
            self._admin(principal)
            with self.catalog.together():
                self.catalog.resume_all()
                self.catalog.record(principal.id, "resume")
        else:
            document = self.document(principal, document_id)
            if not self.catalog.resume_version(document.id):
                whole = " The whole queue is; resume it." if document.paused else ""
                raise BadInput(f"“{document.name}” is not paused.{whole}")
            self.catalog.record(principal.id, "resume", document.id)
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

    def reindex(self, principal: Principal, anyway: bool = False) -> ReindexStatus:
        """Begin to build a new generation beside the serving one; at most one at a time.

        Where it finds less than the serving one it is held, and serves only `anyway`: then, or now
        for one that is held already.
        """
        self._admin(principal)
        begin(self.pipeline, principal.id, anyway=anyway)
        self.worker.wake()
        return self.reindex_status(principal)

    def rollback(self, principal: Principal) -> ReindexStatus:
        """Let the index before the last re-index serve again, once it has what came since.

        Raises BadInput where there is none, or one is being built.
        """
        self._admin(principal)
        begin_return(self.pipeline, principal.id)
        self.worker.wake()
        return self.reindex_status(principal)

    def cancel_reindex(self, principal: Principal) -> None:
        """Stop building, or give up what was held; the serving generation stays.

        The worker drops what was built, and keeps one that had served before.
        """
        self._admin(principal)
        job = self.catalog.last_job("reindex")
        if job is None or job["state"] not in ("queued", "running", "held"):
            return
        with self.catalog.together():
            if not self.catalog.give_up_held():
                self.catalog.cancel_job(job["id"])
            self.catalog.record(principal.id, "cancel_reindex")
        self.worker.wake()

    def reindex_status(self, principal: Principal) -> ReindexStatus:
        """Progress or result of the newest re-index."""
        self._admin(principal)
        return reindex_status(self.pipeline)

    def reindex_scope(self, principal: Principal) -> ReindexScope:
        """What a re-index would do now, and why one is advised where it is."""
        self._admin(principal)
        return scope(self.pipeline)

    def way_back(self, principal: Principal) -> Return | None:
        """The index that `rollback` returns to, None where none is kept."""
        self._admin(principal)
        return way_back(self.pipeline, self.store.settings.keep_generation_days)

    def verify(self, principal: Principal, repair: bool = False) -> VerifyReport:
        """Compare catalog, files, Chroma and lexical index; mend what differs when asked to."""
        self._admin(principal)
        again = remove_again(self.store, self.pipeline) if repair else []
        report = verify(self.pipeline, repair=repair)
        if repair:
            report = report.model_copy(update={"repaired": (*again, *report.repaired)})
            self.worker.wake()  # it may have queued documents
            self.catalog.record(principal.id, "repair", ok=report.ok, mended=len(report.repaired))
        return report

    def health(self, principal: Principal) -> Health:
        """What works and what does not, without changing anything."""
        self._admin(principal)
        found = health(self.pipeline, self.store.settings)
        backup = backup_check(self.backups.status(), self.pipeline.clock())
        changed = {"ok": found.ok and backup.ok, "checks": (*found.checks, backup)}
        return found.model_copy(update=changed)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until nothing is queued or running but what is paused; False when time ran out."""
        return self.worker.wait(timeout_s)

    def close(self) -> None:
        self.pipeline.stopping.set()
        if self.pipeline.vision is not None:
            self.pipeline.vision.close()
        self.backups.stop()
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

    def _note(self, space: str, name: str, digest: str, origin: Origin | None) -> None:
        """Beside the catalog too, until its file holds it: from here on the file is safe."""
        arrivals = self.store.files.arrivals
        folder, path = origin or (None, None)
        arrivals.note(
            Arrival(
                digest=digest,
                space=clean_name(space)[0],
                name=name,
                at=self.pipeline.clock(),
                sync_folder=folder,
                sync_path=path,
            )
        )
        if arrivals.are_many():
            arrivals.settle(self.catalog.db.checkpoint)

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
            with self.catalog.together():
                space_id = self.catalog.ensure_space(name)
                self.catalog.record(principal.id, "make_space", space=space_id)
            return space_id
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
