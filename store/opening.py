"""The one place that opens what is kept: every entry point comes through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from store.catalog import Catalog
from store.catalog.faults import CatalogDamaged, damaged
from store.embedders import Embedders
from store.embedding import Embedder, open_embedder
from store.files import Files
from store.indexes.generations import Indexes
from store.owner import FolderLock, Owner
from store.room import Room
from store.settings import Settings


@dataclass(frozen=True)
class Store:
    """The open data folder of this process."""

    settings: Settings
    owner: Owner
    epoch: int
    catalog: Catalog
    files: Files
    indexes: Indexes
    embedder: Embedder
    embedders: Embedders
    """Those of generations that were made under other settings; `embedder` is today's."""
    clean: bool
    """Whether the last owner closed the folder properly."""
    room: Room
    """What is kept free on the disk; whoever takes files in asks it first."""


@contextmanager
def open_store(
    settings: Settings, address: str | None = None, embedder: Embedder | None = None
) -> Iterator[Store]:
    """Take the folder and open all it holds; `embedder` goes before the one settings name.

    Raises FolderInUse, and CatalogDamaged with the copy to go back to: nothing is changed then.
    """
    lock = FolderLock(settings.data)
    owner = lock.acquire(address)
    try:
        # First: where the disk is full, the reserve makes room for what opening writes.
        room = Room(settings.data, settings.reserve_mb * 2**20)
        catalog = _open_catalog(settings.data, settings.backup_folder)
        indexes = Indexes(settings.data / "indexes", catalog.embeddings_of)
        files = Files(settings.data / "files")
        try:
            clean = _closed_well(catalog, settings.backup_folder)
            epoch = catalog.take_epoch()
            catalog.set_meta("closed", "no")
            today = embedder or open_embedder(settings)
            yield Store(
                settings=settings,
                owner=owner,
                epoch=epoch,
                catalog=catalog,
                files=files,
                indexes=indexes,
                embedder=today,
                embedders=Embedders(settings, today),
                clean=clean,
                room=room,
            )
            catalog.set_meta("closed", "yes")
            files.arrivals.settle(catalog.db.checkpoint)
        finally:
            indexes.close()
            catalog.close()
    finally:
        lock.release()


def _open_catalog(folder: Path, backups: Path | None) -> Catalog:
    """Never a new catalog beside files of an old one: they would count as nobody's and go."""
    path = folder / "catalog.db"
    gone = not path.exists() or not path.stat().st_size
    if gone and any((folder / "files" / "contents").glob("*/*")):
        said = "it is missing or empty, though documents are stored here"
        raise damaged(path, said, backups)
    try:
        return Catalog(path)
    except CatalogDamaged as fault:
        raise damaged(path, fault.found, backups) from fault


def _closed_well(catalog: Catalog, backups: Path | None) -> bool:
    """Whether the last owner closed the catalog; if not, raises CatalogDamaged where it is."""
    if catalog.meta("closed") != "no":
        return True
    if (found := catalog.check()) != "ok":
        raise damaged(catalog.path, found, backups)
    return False
