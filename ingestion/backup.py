"""Makes a backup while everything runs: a catalog of one moment and the originals it refers to."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingestion.backup_format import (
    CATALOG,
    MANIFEST,
    BackupFailed,
    Made,
    Manifest,
    Member,
    stamp,
    write_failed,
)
from ingestion.backup_places import checked
from ingestion.backups import library_id, remember_folder
from ingestion.chunking import CHUNKER
from store.catalog.copies import CopyFacts, copy_catalog, look_into, sync_file, sync_folder
from store.errors import Cancelled
from store.models import SCHEMA_VERSION
from store.opening import Store

_BLOCK = 1 << 20
_PASSES = 5
_NEW = ".part"

Progress = Callable[[int, int], None]
"""Bytes done, bytes in all."""


def back_up(
    store: Store,
    target: str,
    *,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Made:
    """Back the data folder up to a new file, or into a folder that keeps each original once.

    A folder is meant where one is there or the name ends in a slash (`is_folder`). What is removed
    while the backup is made is not in it. Raises BadInput and BackupFailed with a sentence and
    Cancelled; nothing is left of a backup then.
    """
    began = time.monotonic()
    path = checked(target, store.settings.data)
    folder = path if path.is_dir() else path.parent
    make = _into_folder if path.is_dir() else _into_file
    try:
        for left in folder.glob(f".*{_NEW}*"):  # SQLite's journal of a copy too
            left.unlink(missing_ok=True)  # of a backup that was killed
        remember_folder(store.catalog, folder)  # first: it is told of deletions from now on
        for _ in range(_PASSES):
            made = make(store, path, progress, cancelled)
            if made is not None:
                return made.model_copy(update={"seconds": round(time.monotonic() - began, 2)})
    except OSError as e:
        raise write_failed(e, folder) from e
    raise BackupFailed(
        "The backup was not made: documents were removed or replaced each time it was nearly "
        "done. Try again when less is being changed."
    )


def _into_file(
    store: Store, target: Path, progress: Progress, cancelled: Callable[[], bool]
) -> Made | None:
    """None where a document was removed meanwhile: what was written is thrown away then."""
    part = target.with_name(f".{target.name}-{secrets.token_hex(4)}{_NEW}")
    try:
        with _catalog_copy(store, target.parent, cancelled) as (at, copy, facts):
            count = _Count(_sizes(store, facts, copy), progress, cancelled)
            members: dict[str, Member] = {}
            lacking: dict[str, str] = {}
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w+b") as out:
                with zipfile.ZipFile(out, "w") as archive:
                    with copy.open("rb") as f:
                        members[CATALOG] = _add(archive, CATALOG, f, count, packed=True)
                    for digest in sorted(facts.contents):
                        try:
                            f = store.files.path(digest).open("rb")
                        except FileNotFoundError:
                            lacking[digest] = "the file is missing"
                            continue
                        with f:
                            name = f"contents/{digest}"
                            members[name] = _add(archive, name, f, count)
                        if members[name].sha256 != digest:
                            lacking[digest] = "the file's bytes have changed"
                    manifest = _manifest(store, at, facts, members, lacking)
                    text = manifest.model_dump_json(indent=1)
                    archive.writestr(_entry(MANIFEST, packed=True), text)
                out.flush()
                os.fsync(out.fileno())
            if not _still_so(store, facts, lacking):
                return None
            size = part.stat().st_size
            part.rename(target)
            sync_folder(target.parent)
            return _made(target, manifest, size, size)
    finally:
        part.unlink(missing_ok=True)


def _into_folder(
    store: Store, folder: Path, progress: Progress, cancelled: Callable[[], bool]
) -> Made | None:
    for name in ("contents", "catalogs"):
        (folder / name).mkdir(exist_ok=True, mode=0o700)
    with _catalog_copy(store, folder, cancelled) as (at, copy, facts):
        members: dict[str, Member] = {}
        lacking: dict[str, str] = {}
        kept = {
            p.name: p.stat().st_size
            for p in (folder / "contents").glob("*/*")
            if p.name in facts.contents and not _is_cut_short(p, store.files.path(p.name))
        }
        new = sorted(facts.contents - set(kept))
        count = _Count(_sizes(store, facts, copy, new), progress, cancelled)
        for digest in new:
            try:
                size = _keep(store.files.path(digest), folder / "contents", digest, count)
            except FileNotFoundError:
                size = None
            if size is None:
                gone = not store.files.path(digest).exists()
                lacking[digest] = "the file is missing" if gone else "the file's bytes have changed"
            else:
                kept[digest] = size
        for digest in facts.contents & set(kept):
            members[f"contents/{digest}"] = Member(sha256=digest, bytes=kept[digest])
        if not _still_so(store, facts, lacking):
            return None
        with copy.open("rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        members[CATALOG] = Member(sha256=digest, bytes=copy.stat().st_size)
        manifest = _manifest(store, at, facts, members, lacking)
        name = _free_stamp(folder, at)
        copy.rename(folder / "catalogs" / f"{name}.db")
        sync_folder(folder / "catalogs")
        part = folder / f".{name}{_NEW}"
        part.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        sync_file(part)
        # Named last: from here on the snapshot is there, and whole.
        path = part.rename(folder / f"backup-{name}.json")
        sync_folder(folder)
        written = members[CATALOG].bytes + sum(kept[d] for d in new if d in kept)
        return _made(path, manifest, manifest.total_bytes, written)


@contextmanager
def _catalog_copy(
    store: Store, folder: Path, cancelled: Callable[[], bool]
) -> Iterator[tuple[float, Path, CopyFacts]]:
    at = time.time()
    copy = folder / f".catalog-{secrets.token_hex(4)}{_NEW}"
    try:
        copy_catalog(store.catalog.path, copy, cancelled)
        copy.chmod(0o600)
        yield at, copy, look_into(copy)
    finally:
        copy.unlink(missing_ok=True)


def _still_so(store: Store, facts: CopyFacts, lacking: dict[str, str]) -> bool:
    """Whether nothing the copied catalog speaks of was removed or replaced meanwhile."""
    now = look_into(store.catalog.path)
    return facts.documents <= now.documents and set(lacking) <= now.contents


class _Count:
    """Counts bytes aloud, and stops where it was asked to."""

    def __init__(self, total: int, progress: Progress, cancelled: Callable[[], bool]):
        self.total, self.progress, self.cancelled = total, progress, cancelled
        self.done = 0

    def blocks(self, source: BinaryIO) -> Iterator[bytes]:
        while block := source.read(_BLOCK):
            if self.cancelled():
                raise Cancelled("The backup was cancelled; nothing of it was left.")
            yield block
            self.done += len(block)
            self.progress(self.done, self.total)


def _add(
    archive: zipfile.ZipFile, name: str, source: BinaryIO, count: _Count, packed: bool = False
) -> Member:
    digest, size = hashlib.sha256(), 0
    with archive.open(_entry(name, packed), "w", force_zip64=True) as out:
        for block in count.blocks(source):
            digest.update(block)
            size += len(block)
            out.write(block)
    return Member(sha256=digest.hexdigest(), bytes=size)


def _entry(name: str, packed: bool) -> zipfile.ZipInfo:
    """Originals are stored as they are: most are packed already, and none can unpack to more."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    return info


def _keep(source: Path, contents: Path, digest: str, count: _Count) -> int | None:
    """Copy an original under its hash; its size, None where its bytes are not those of the hash."""
    folder = contents / digest[:2]
    folder.mkdir(exist_ok=True, mode=0o700)
    part = contents.parent / f".{digest}{_NEW}"
    found = hashlib.sha256()
    try:
        with source.open("rb") as f, part.open("wb") as out:
            for block in count.blocks(f):
                found.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if found.hexdigest() != digest:
            return None
        part.chmod(0o600)
        size = part.stat().st_size
        part.rename(folder / digest)
        sync_folder(folder)
        return size
    finally:
        part.unlink(missing_ok=True)


def _is_cut_short(kept: Path, original: Path) -> bool:
    """Whether a copy kept before is not as long as its original; that is written anew then."""
    try:
        return kept.stat().st_size != original.stat().st_size
    except FileNotFoundError:
        return False


def _sizes(store: Store, facts: CopyFacts, copy: Path, digests: list[str] | None = None) -> int:
    paths = [store.files.path(d) for d in (facts.contents if digests is None else digests)]
    return copy.stat().st_size + sum(p.stat().st_size for p in paths if p.exists())


def _manifest(
    store: Store,
    at: float,
    facts: CopyFacts,
    members: dict[str, Member],
    lacking: dict[str, str],
) -> Manifest:
    return Manifest(
        library=library_id(store.catalog),
        made_at=at,
        catalog_schema=facts.revision or "",
        interface=SCHEMA_VERSION,
        chunker=CHUNKER,
        documents=len(facts.documents),
        audit_head=facts.audit_head,
        members=members,
        lacking=lacking,
    )


def _made(path: Path, manifest: Manifest, size: int, new: int) -> Made:
    return Made(
        path=str(path),
        at=manifest.made_at,
        documents=manifest.documents,
        bytes=size,
        new_bytes=new,
        seconds=0.0,
        lacking=manifest.lacking,
    )


def _free_stamp(folder: Path, at: float) -> str:
    name, n = stamp(at), 1
    while (folder / f"backup-{name}.json").exists():
        n += 1
        name = f"{stamp(at)}-{n}"
    return name
