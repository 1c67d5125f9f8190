"""Where backups go: one file, or a folder of snapshots of which the newest are kept."""

from __future__ import annotations

import os
from pathlib import Path

from ingestion.backup_format import SNAPSHOT, read_manifest, write_failed
from store.catalog.copies import sync_folder
from store.errors import BadInput


def is_folder(target: str) -> bool:
    """Whether a target named by a person is a folder of snapshots rather than one file."""
    return target.endswith(("/", os.sep)) or Path(target).is_dir()


def checked(target: str, data: Path) -> Path:
    """Where a backup shall go; a folder is made where none is. Raises BadInput, BackupFailed."""
    path = Path(target).expanduser().absolute()
    if data.resolve() in (path.resolve(), *path.resolve().parents):
        raise BadInput(
            "The backup would lie inside the data folder, and be lost with it; name a place "
            "outside, best on another disk."
        )
    if not path.parent.is_dir():
        raise BadInput(f"The folder {path.parent} does not exist; create it first.")
    if is_folder(target):
        try:
            path.mkdir(exist_ok=True, mode=0o700)
        except OSError as e:
            raise write_failed(e, path) from e
    elif path.exists():
        raise BadInput(f"{path} is already there; name a new file, or a folder.")
    return path


def prune(folder: Path, keep: int, library: str) -> int:
    """Delete a library's snapshots but the newest `keep`, and the originals that none needs.

    How many snapshots were deleted. Those of other libraries stay. Nothing is deleted while one of
    those kept cannot be read: it may need what would be swept. Raises BackupDamaged then.
    """
    read = {p: read_manifest(p.read_bytes(), p.name) for p in snapshots(folder)}
    gone = [p for p, manifest in read.items() if manifest.library == library][keep:]
    for old in gone:
        old.unlink()
    sync_folder(folder)
    kept = [manifest for p, manifest in read.items() if p not in gone]
    named = {p.stem.removeprefix("backup-") for p in read if p not in gone}
    for catalog in (folder / "catalogs").glob("*.db"):
        if catalog.stem not in named:
            catalog.unlink()
    wanted = {m.removeprefix("contents/") for one in kept for m in one.members}
    for content in (folder / "contents").glob("*/*"):
        if content.name not in wanted:
            content.unlink()
    return len(gone)


def snapshots(folder: Path) -> list[Path]:
    """The manifests of a folder's snapshots, newest first."""
    found = [p for p in folder.glob("backup-*.json") if SNAPSHOT.match(p.name)]
    return sorted(found, key=lambda p: p.name.removesuffix(".json"), reverse=True)
