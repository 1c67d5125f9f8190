"""The one place that opens what is kept: every entry point comes through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from store.catalog import Catalog
from store.embedding import Embedder, open_embedder
from store.files import Files
from store.indexes.generations import Indexes
from store.owner import FolderLock, Owner
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
    clean: bool
    """Whether the last owner closed the folder properly."""


@contextmanager
def open_store(
    settings: Settings, address: str | None = None, embedder: Embedder | None = None
) -> Iterator[Store]:
    """Take the folder and open all it holds; `embedder` goes before the one settings name.

    Raises FolderInUse.
    """
    lock = FolderLock(settings.data)
    owner = lock.acquire(address)
    try:
        catalog = Catalog(settings.data / "catalog.db")
        indexes = Indexes(settings.data / "indexes", catalog.embeddings_of)
        try:
            epoch = catalog.take_epoch()
            clean = catalog.meta("closed") != "no"
            catalog.set_meta("closed", "no")
            yield Store(
                settings=settings,
                owner=owner,
                epoch=epoch,
                catalog=catalog,
                files=Files(settings.data / "files"),
                indexes=indexes,
                embedder=embedder or open_embedder(settings),
                clean=clean,
            )
            catalog.set_meta("closed", "yes")
        finally:
            indexes.close()
            catalog.close()
    finally:
        lock.release()
