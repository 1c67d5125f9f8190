"""Restores a backup into an empty folder: whole or not at all, with later deletions applied."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import replace
from pathlib import Path

from ingestion.backup_format import CATALOG, LEDGER, BackupDamaged, Manifest
from ingestion.backup_places import snapshots
from ingestion.backup_reading import Progress, opened, read_each
from ingestion.backups import Told, read_ledger, remember_folder
from ingestion.checkup import VerifyReport
from ingestion.mending import mend
from ingestion.opening import open_library
from ingestion.removal import remove_for_good
from store.catalog.copies import check_copy, look_into, sync_folder
from store.catalog.database import CatalogTooNew
from store.embedding import Embedder
from store.errors import BadInput, FootnoteError
from store.models import LOCAL_ADMIN, Frozen
from store.opening import open_store
from store.settings import Settings

_RESTORE = "restore"  # who removes again, says audit trail and certificate
_WITHIN = ".restoring-"
_SPARE_BYTES = 64 * 2**20


class Restored(Frozen):
    """A data folder that came from a backup. `made_at` in seconds since 1970.

    `deletions_applied` are ids of documents that were removed after the backup was made, and now
    again; `lacking` and `warnings` say what the backup itself or a ledger did not have.
    """

    folder: str
    made_at: float
    documents: int
    deletions_applied: tuple[str, ...]
    lacking: dict[str, str]
    warnings: tuple[str, ...]
    verified: VerifyReport


def restore(
    settings: Settings,
    source: Path,
    deletions: tuple[Path, ...] = (),
    *,
    embedder: Embedder | None = None,
    progress: Progress = lambda done, total: None,
) -> Restored:
    """Restore a backup (a file, a snapshot's manifest, or a folder's newest) into `settings.data`.

    All is checked, unpacked, indexed from the kept vectors, rid of what was deleted since, and
    verified in a folder beside, which then takes the place: nothing is there before all is.
    Deletions are read from the ledger beside the backup and from `deletions`. Raises BadInput for
    a folder that is not empty, BackupDamaged for what is damaged, refused or of a newer Footnote.
    """
    target = settings.data.absolute()
    _check_empty(target)
    told, warnings, ledgers = _deletions(source, deletions)
    part = target.parent / f".{target.name}-{secrets.token_hex(4)}.restoring"
    try:
        if target.is_mount():  # a disk of its own cannot be replaced by a folder
            part = target / f"{_WITHIN}{secrets.token_hex(4)}"
        target.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        try:
            manifest = _unpack(source, part, progress)
        except BackupDamaged as e:
            older = snapshots(source)[1:2] if source.is_dir() else []
            raise BackupDamaged(f"{e} Before it: {older[0]}" if older else str(e)) from e
        beside = settings.model_copy(update={"data": part})
        try:
            done, report = _make_ready(beside, manifest, told, ledgers, embedder)
        except CatalogTooNew as e:
            raise BadInput(
                f"“{source.name}” was made by a newer Footnote (its catalog has schema "
                f"{manifest.catalog_schema}); restore it with that one."
            ) from e
        _take_place(part, target)
    except OSError as e:
        raise FootnoteError(
            f"The backup was not restored: {e.strerror or e} ({e.filename or target}). "
            "Nothing was left behind."
        ) from e
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Restored(
        folder=str(target),
        made_at=manifest.made_at,
        documents=manifest.documents - len(done),
        deletions_applied=tuple(done),
        lacking=manifest.lacking,
        warnings=tuple(warnings),
        verified=report,
    )


def _check_empty(target: Path) -> None:
    cut_short = list(target.glob(f"{_WITHIN}*")) if target.is_dir() else []
    if cut_short and not (target / CATALOG).exists():
        for left in target.iterdir():  # the folder was empty before: all is that restore's
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(
            f"{target} is not empty. A backup is restored into an empty folder only: move what is "
            "there away, or name another folder with FOOTNOTE_DATA."
        )


def _deletions(
    source: Path, deletions: tuple[Path, ...]
) -> tuple[list[Told], list[str], list[Path]]:
    for path in deletions:
        if not path.is_file():
            raise BadInput(f"There is no ledger of deletions at {path}.")
    beside = (source if source.is_dir() else source.parent) / LEDGER
    told: list[Told] = []
    warnings: list[str] = []
    ledgers = [p.absolute() for p in (beside, *deletions) if p.is_file()]
    for path in ledgers:
        found, faults = read_ledger(path)
        told += found
        warnings += faults
    return told, warnings, ledgers


def _unpack(source: Path, part: Path, progress: Progress) -> Manifest:
    with opened(source) as (manifest, open_):
        room = shutil.disk_usage(part).free
        if manifest.total_bytes + _SPARE_BYTES > room:
            raise BadInput(
                f"The backup needs {manifest.total_bytes / 2**20:.0f} MB, and {room / 2**20:.0f} "
                f"MB are free at {part.parent}; make room or choose another place."
            )

        def place(name: str) -> Path:
            if name == CATALOG:
                return part / CATALOG
            digest = name.removeprefix("contents/")
            path = part / "files" / "contents" / digest[:2] / digest
            path.parent.mkdir(parents=True, exist_ok=True)
            return path

        read_each(manifest, open_, place, progress)
    fault = check_copy(part / CATALOG)
    facts = look_into(part / CATALOG)
    absent = facts.contents - {n.removeprefix("contents/") for n in manifest.members}
    if fault or facts.revision != manifest.catalog_schema or absent - set(manifest.lacking):
        raise BackupDamaged(
            f"“{source.name}” does not hold together: {fault or 'its catalog is another one'}."
        )
    return manifest


def _make_ready(
    settings: Settings,
    manifest: Manifest,
    told: list[Told],
    ledgers: list[Path],
    embedder: Embedder | None,
) -> tuple[list[str], VerifyReport]:
    """Indexes from the catalog, deletions from the ledgers, and a last look at everything."""
    with open_store(settings, embedder=embedder) as store:
        catalog = store.catalog
        # Nothing is there that could be damaged: all indexes are filled from the kept vectors.
        library = open_library(replace(store, clean=True), start=False)
        try:
            mend(library.pipeline)
            here = look_into(catalog.path).documents
            again = {t.document_id: t for t in reversed(told) if t.document_id in here}
            for id_, deletion in again.items():
                catalog.record(_RESTORE, "remove", id_, begun_at=deletion.at)
                pipeline = library.pipeline
                remove_for_good(store, pipeline, [id_], _RESTORE, begun_at=deletion.at)
            for ledger in ledgers:
                if os.access(ledger.parent, os.W_OK):
                    remember_folder(catalog, ledger.parent)
            catalog.record(
                LOCAL_ADMIN.id, "restore", made_at=manifest.made_at, deletions=len(again)
            )
            return sorted(again), library.verify(LOCAL_ADMIN)
        finally:
            library.close()


def _take_place(part: Path, target: Path) -> None:
    for path in part.rglob("*"):
        if path.is_dir():
            sync_folder(path)
    for note in ("lock", "owner.json"):
        (part / note).unlink(missing_ok=True)
    if part.parent == target:
        # The catalog last: files without it are refused, and another restore begins anew.
        for path in sorted(part.iterdir(), key=lambda p: p.name == CATALOG):
            path.rename(target / path.name)
            sync_folder(target)
        return
    if target.exists():
        target.rmdir()  # refuses where somebody has put something there meanwhile
    part.rename(target)
    sync_folder(target.parent)
