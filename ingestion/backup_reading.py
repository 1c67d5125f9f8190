"""Reads backups that may be damaged or hostile: every part is checked, what is strange refused."""

from __future__ import annotations

import errno
import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingestion.backup_format import (
    CATALOG,
    CONTENT,
    MANIFEST,
    SNAPSHOT,
    BackupDamaged,
    Manifest,
    Member,
    read_manifest,
)
from ingestion.backup_places import snapshots
from store.catalog.copies import sync_file
from store.errors import BadInput

_BLOCK = 1 << 20
_MANIFEST_BYTES = 256 * 2**20
_LISTED = 5  # damaged parts that are named one by one
_TORN = (  # ValueError: also names that are no text; struct.error: fields of another length
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)

Open = Callable[[str], BinaryIO]
Progress = Callable[[int, int], None]


def check_backup(source: Path, progress: Progress = lambda done, total: None) -> Manifest:
    """Read a backup through. Raises BackupDamaged naming what is damaged."""
    with opened(source) as (manifest, open_):
        read_each(manifest, open_, lambda name: None, progress)
        return manifest


@contextmanager
def opened(source: Path) -> Iterator[tuple[Manifest, Open]]:
    """A backup's manifest, and how its parts are opened by their names."""
    if source.is_dir():
        found = snapshots(source)
        if not found:
            raise BackupDamaged(f"There is no backup in {source}.")
        source = found[0]
    if not source.is_file():
        raise BadInput(f"There is no backup at {source}.")
    if matched := SNAPSHOT.match(source.name):
        manifest, folder = read_manifest(source.read_bytes(), source.name), source.parent

        def open_part(name: str) -> BinaryIO:
            digest = name.removeprefix("contents/")
            where = (
                folder / "catalogs" / f"{matched[1]}.db"
                if name == CATALOG
                else folder / "contents" / digest[:2] / digest
            )
            return where.open("rb")

        yield manifest, open_part
        return
    try:
        with _placed():
            archive = zipfile.ZipFile(source)
    except _TORN as e:
        raise BackupDamaged(f"“{source.name}” is no backup, or it is cut short. ({e})") from e
    with archive:
        yield _manifest_of(archive, source), lambda name: _open(archive, name)


def _open(archive: zipfile.ZipFile, name: str) -> BinaryIO:
    with _placed():
        return archive.open(name)  # type: ignore[return-value]


@contextmanager
def _placed() -> Iterator[None]:
    """A place outside the file, as a damaged list may say one, is damage and no failing disk."""
    try:
        yield
    except OSError as e:
        if e.errno != errno.EINVAL:
            raise
        raise zipfile.BadZipFile("a part lies outside the file") from e


def _manifest_of(archive: zipfile.ZipFile, source: Path) -> Manifest:
    """Only what the manifest lists, in the size that it says, is ever unpacked."""
    name, entries = source.name, archive.infolist()
    names = [e.filename for e in entries]
    strange = [n for n in names if n not in (CATALOG, MANIFEST) and not CONTENT.match(n)]
    if strange:
        raise BackupDamaged(
            f"“{name}” holds a part that is none of a backup's ({strange[0][:80]!r}); it is "
            "refused."
        )
    if MANIFEST not in names or len(set(names)) < len(names):
        raise BackupDamaged(f"“{name}” is no backup: its list of contents is missing or doubled.")
    packed = {entry.compress_type for entry in entries}
    if not packed <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BackupDamaged(f"“{name}” is packed in a way that no backup is; it is refused.")
    if archive.getinfo(MANIFEST).file_size > _MANIFEST_BYTES:
        raise BackupDamaged(f"“{name}” has a list of contents that is too long; it is refused.")
    try:
        with _open(archive, MANIFEST) as listed:
            text = listed.read()
    except _TORN as e:
        raise BackupDamaged(f"“{name}” is damaged: its list of contents cannot be read.") from e
    manifest = read_manifest(text, name)
    for entry in entries:
        member = manifest.members.get(entry.filename)
        unpacked = entry.filename != MANIFEST and (
            member is None
            or entry.file_size != member.bytes
            or (entry.filename != CATALOG and entry.compress_type != zipfile.ZIP_STORED)
        )
        if unpacked:
            raise BackupDamaged(
                f"“{name}” holds a part of another size than it lists ({entry.filename[:20]}); it "
                "is refused."
            )
    return manifest


def read_each(
    manifest: Manifest, open_: Open, place: Callable[[str], Path | None], progress: Progress
) -> None:
    """Read every part to its end, into its place; raises BackupDamaged naming all that differ."""
    faults: list[str] = []
    done, total = 0, manifest.total_bytes
    for name, member in manifest.members.items():
        fault = _read(name, member, open_, place(name))
        if fault:
            what = "the catalog" if name == CATALOG else f"original {name[9:21]}"
            faults.append(f"{what} {fault}")
        done += member.bytes
        progress(done, total)
    if faults:
        more = f", and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise BackupDamaged(
            f"The backup is damaged and was not restored: {'; '.join(faults[:_LISTED])}{more}. "
            f"{len(manifest.members) - len(faults)} of its {len(manifest.members)} parts are whole."
        )


def _read(name: str, member: Member, open_: Open, place: Path | None) -> str | None:
    digest, size = hashlib.sha256(), 0
    try:
        with (
            open_(name) as source,
            place.open("wb") if place else Path(os.devnull).open("wb") as out,
        ):
            while block := source.read(_BLOCK):
                size += len(block)
                if size > member.bytes:
                    return "is longer than it may be"
                digest.update(block)
                out.write(block)
            out.flush()
    except (FileNotFoundError, KeyError):
        return "is missing"
    except _TORN:
        return "cannot be unpacked"
    if place:
        sync_file(place)
        place.chmod(0o600)
    return None if digest.hexdigest() == member.sha256 else "has changed"
