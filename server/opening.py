"""Opens the doors of a data folder for a server, and closes them again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server.doors import Doors
from store.owner import FolderLock
from store.settings import Settings


@contextmanager
def open_doors(settings: Settings, address: str | None = None) -> Iterator[Doors]:
    """Take the folder, open library and assistant, start the worker. Raises FolderInUse."""
    # A second server is told so at once: the imports below take seconds.
    lock = FolderLock(settings.data)
    lock.acquire(address)
    lock.release()

    from retrieval.assistant import open_assistant

    from ingestion.library import open_library
    from store.opening import open_store

    with open_store(settings, address) as store:
        library = open_library(store)
        try:
            assistant = open_assistant(settings, store.catalog, store.indexes, store.embedder)
            try:
                if settings.samples:
                    library.add_samples()
                yield Doors(settings, library, assistant, store.catalog, store.owner.token)
            finally:
                assistant.close()
        finally:
            library.close()
