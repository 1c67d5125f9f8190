"""Opens the doors of a data folder for a server, and closes them again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from server.doors import Doors
from store.models import LOCAL_ADMIN
from store.owner import claim
from store.settings import ROOT, Settings

if TYPE_CHECKING:
    from ingestion.library import Library
    from store.catalog import Catalog

SAMPLES = ROOT / "data" / "samples"
SAMPLES_SPACE = "samples"
_WARM_S = 10.0
_SAMPLES_ADDED = "samples_added"


@contextmanager
def open_doors(settings: Settings, address: str | None = None) -> Iterator[Doors]:
    """Take the folder, open library and assistant, start the worker. Raises FolderInUse."""
    # A second server is told so at once: the imports below take seconds.
    claim(settings.data)

    from ingestion.opening import open_library
    from retrieval.assistant import open_assistant
    from store.opening import open_store

    with open_store(settings, address) as store:
        library = open_library(store)
        try:
            assistant = open_assistant(
                settings, store.catalog, store.indexes, store.embedder, store.embedders
            )
            warming = threading.Thread(target=assistant.warm, name="warm", daemon=True)
            try:
                if settings.samples:
                    _add_samples(library, store.catalog)
                # The first question would wait some seconds for imports and the model.
                warming.start()
                library.backups.start()
                yield Doors(settings, library, assistant, store.catalog, store.owner.token)
            finally:
                if warming.is_alive():
                    warming.join(_WARM_S)  # what it asks is closed below
                assistant.close()
        finally:
            library.close()


def _add_samples(library: Library, catalog: Catalog) -> None:
    """Queue the sample documents, once in the life of a data folder and only in a new one."""
    if catalog.meta(_SAMPLES_ADDED) is not None:
        return
    if not catalog.documents():
        for path in sorted(SAMPLES.iterdir()):
            if path.suffix != ".jsonl":
                library.add(LOCAL_ADMIN, path.name, path, SAMPLES_SPACE)
    # Noted last: a crash before this line offers them again, and adding twice changes nothing.
    catalog.set_meta(_SAMPLES_ADDED, "yes")
