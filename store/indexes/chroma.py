"""The vector index: Chroma, embedded, one collection for each space of a generation.

Ids and vectors only: Chroma's files keep the texts they were given after a delete.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from store.errors import IndexDamaged, Transient
from store.indexes.scrub import check_vectors, clear_lengths, rewrite_database, scrub_vectors

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection as ChromaCollection

# Chroma's defaults (16, 100, 100) miss some vectors even when asked for themselves.
_CONFIGURATION: CreateCollectionConfiguration = {
    "hnsw": {"space": "cosine", "max_neighbors": 32, "ef_construction": 400, "ef_search": 400}
}
_WRITES_TO_FILES = 1000  # after so many, Chroma brings its log into the files of vectors
_PREFIX = "space-"  # Chroma refuses names under three characters
_WRITE_ROWS = 256  # a question waits for one such batch of a running ingestion
_READ_IDS = 5000  # SQLite takes 32,766 variables in a statement


class VectorIndex:
    """Thread-safe; a write is in Chroma's database when the call returns.

    Every call raises IndexDamaged where Chroma fails, and Transient once the index is closed
    (its generation was replaced: ask the serving one). One process may have a folder open.
    """

    def __init__(self, folder: Path, dimension: int | None = None):
        """Opens or creates the index in `folder`; its vectors must have `dimension` numbers."""
        self.folder = folder
        self._lock = threading.RLock()
        self._collections: dict[str, ChromaCollection] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._client: Client | None = None
        with self._damage_named():
            self._client = _open_client(folder)
        try:
            if dimension is not None:
                self._check_dimension(dimension)
        except BaseException:
            self.close()
            raise

    def upsert(self, space_id: str, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Adds float32 [n, d] `vectors`, replacing those of the same id; the last of one counts."""
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors")
        latest = {chunk_id: row for row, chunk_id in enumerate(ids)}
        for batch in _batches(list(latest), _WRITE_ROWS):
            rows = np.asarray(vectors[[latest[i] for i in batch]], dtype=np.float32)
            with self._using(space_id, create=True) as collection:
                assert collection is not None
                collection.upsert(ids=batch, embeddings=rows)
                clear_lengths(self.folder)  # it may have written its files

    def delete(self, space_id: str, ids: Collection[str]) -> None:
        """Removes vectors; ids that are not there are no error."""
        for batch in _batches(list(ids), _WRITE_ROWS):
            with self._using(space_id) as collection:
                if collection is not None:
                    collection.delete(ids=batch)
                    clear_lengths(self.folder)

    def query(
        self,
        space_ids: Sequence[str],
        vector: np.ndarray,
        k: int,
        only: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """At most `k` (chunk id, cosine similarity) over all the spaces, best first.

        `only` restricts the answer to these ids.
        """
        found: list[tuple[str, float]] = []
        for space_id in space_ids:
            if only is None:
                found += self._nearest(space_id, vector, k, None)
                continue
            for batch in _batches(list(only), _READ_IDS):
                found += self._nearest(space_id, vector, k, batch)
        return sorted(found, key=lambda hit: -hit[1])[:k]

    def nearest(self, space_id: str, vectors: np.ndarray, k: int) -> list[list[tuple[str, float]]]:
        """For each row of float32 [n, d] at most `k` (chunk id, cosine similarity), best first."""
        with self._using(space_id) as collection:
            if collection is None:
                return [[] for _ in vectors]
            rows = np.asarray(vectors, dtype=np.float32)
            got = collection.query(query_embeddings=rows, n_results=k, include=["distances"])
            distances = got["distances"]
            assert distances is not None  # asked for with `include`
            return [
                [(chunk_id, 1.0 - d) for chunk_id, d in zip(ids, far, strict=True)]
                for ids, far in zip(got["ids"], distances, strict=True)
            ]

    def purge(self, space_id: str) -> int:
        """Erases from the files what was deleted from this space; questions wait meanwhile.

        Chroma keeps a deleted vector in its log, on free pages of its database and, marked, among
        the others. Returns how many were written over there. A kill at any moment loses nothing;
        what is left then goes with the next purge.
        """
        with self._using(space_id) as collection:
            if collection is None:
                return 0
            self._write_to_files_after(collection, 2)
            self._reopen()  # a collection that is open does not notice
            collection = self._collection(space_id, create=False)
            assert collection is not None
            # Deleting what is not there writes to the log, which so grows long enough to be taken
            # over into the files and emptied.
            for _ in range(2):
                collection.delete(ids=["none-1", "none-2", "none-3"])
            self.close()
            try:
                rewrite_database(self.folder, str(collection.id))
                scrubbed = scrub_vectors(self.folder)
            finally:
                self._client = _open_client(self.folder)
            again = self._collection(space_id, create=False)
            assert again is not None
            self._write_to_files_after(again, _WRITES_TO_FILES)
            self._reopen()
            return scrubbed

    def ids(self, space_id: str) -> set[str]:
        with self._using(space_id) as collection:
            return set() if collection is None else set(collection.get(include=[])["ids"])

    def spaces(self) -> list[str]:
        """Ids of the spaces that have a collection, even an empty one."""
        with self._lock, self._damage_named():
            names = [collection.name for collection in self._opened().list_collections()]
        return sorted(name.removeprefix(_PREFIX) for name in names)

    def count(self, space_id: str) -> int:
        with self._using(space_id) as collection:
            return 0 if collection is None else collection.count()

    def vectors(self, space_id: str, ids: Collection[str]) -> dict[str, np.ndarray]:
        """float32 [d] of each id that is there."""
        found: dict[str, np.ndarray] = {}
        for batch in _batches(list(ids), _READ_IDS):
            with self._using(space_id) as collection:
                if collection is not None:
                    got = collection.get(ids=batch, include=["embeddings"])
                    rows = np.asarray(got["embeddings"], dtype=np.float32)
                    found.update(zip(got["ids"], rows, strict=True))
        return found

    def check(self) -> None:
        """Looks through Chroma's files, counts, lists, reads and queries every space; raises
        IndexDamaged where that fails."""
        with self._lock:
            _check_database(self.folder / "chroma.sqlite3")
            check_vectors(self.folder)
        for space_id in self.spaces():
            ids = self.ids(space_id)
            if len(ids) != self.count(space_id):
                raise IndexDamaged(f"Chroma's {self.folder} lists fewer vectors than it counts.")
            if ids:
                some = min(ids)
                read = self.vectors(space_id, [some])
                if some not in read or not self.query([space_id], read[some], 10):
                    raise IndexDamaged(f"Chroma's {self.folder} does not find its vectors.")

    def close(self) -> None:
        """Ends Chroma's system for this folder; the folder may be deleted afterwards."""
        with self._lock:
            client, self._client = self._client, None
            self._collections.clear()
            if client is not None:
                client.close()
                if self.folder.exists():
                    clear_lengths(self.folder)

    def _write_to_files_after(self, collection: ChromaCollection, writes: int) -> None:
        with warnings.catch_warnings():  # Chroma warns itself of a collection that gave no function
            warnings.simplefilter("ignore", DeprecationWarning)
            collection.modify(configuration={"hnsw": {"sync_threshold": writes}})

    def _reopen(self) -> None:
        self.close()
        self._client = _open_client(self.folder)

    def _check_dimension(self, dimension: int) -> None:
        for space_id in self.spaces():
            with self._using(space_id) as collection:
                assert collection is not None  # it was listed
                got = collection.get(limit=1, include=["embeddings"])
                for row in np.asarray(got["embeddings"]):
                    if len(row) != dimension:
                        raise IndexDamaged(
                            f"Chroma's {self.folder} holds vectors of {len(row)} numbers, not"
                            f" {dimension}."
                        )

    def _nearest(
        self, space_id: str, vector: np.ndarray, k: int, only: list[str] | None
    ) -> list[tuple[str, float]]:
        with self._using(space_id) as collection:
            if collection is None:
                return []
            if only is not None:
                # Chroma fails on a query restricted to an id that it does not have.
                only = collection.get(ids=only, include=[])["ids"]
                if not only:
                    return []
            row = np.asarray(vector, dtype=np.float32)
            got = collection.query(
                query_embeddings=[row], n_results=k, ids=only, include=["distances"]
            )
            distances = got["distances"]
            assert distances is not None  # asked for with `include`
            return [
                (chunk_id, 1.0 - distance)
                for chunk_id, distance in zip(got["ids"][0], distances[0], strict=True)
            ]

    @contextlib.contextmanager
    def _using(self, space_id: str, *, create: bool = False) -> Iterator[ChromaCollection | None]:
        """The space's collection under the lock; None where it has none."""
        with self._lock, self._damage_named():
            yield self._collection(space_id, create)

    def _collection(self, space_id: str, create: bool) -> ChromaCollection | None:
        from chromadb.errors import NotFoundError

        client = self._opened()
        if space_id not in self._collections:
            name = _PREFIX + space_id
            try:
                found = client.get_collection(name, embedding_function=None)
            except NotFoundError:
                if not create:
                    return None
                found = client.create_collection(
                    name, embedding_function=None, configuration=_CONFIGURATION
                )
            self._collections[space_id] = found
        return self._collections[space_id]

    def _opened(self) -> Client:
        if self._client is None:
            raise Transient("The index was replaced meanwhile; ask again.")
        return self._client

    @contextlib.contextmanager
    def _damage_named(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except ChromaError as fault:
            raise IndexDamaged(f"Chroma's {self.folder} is damaged: {fault}") from fault
        except BaseException as fault:
            # Chroma's Rust code panics on some damaged files, with an error outside Exception.
            if type(fault).__name__ != "PanicException":
                raise
            raise IndexDamaged(f"Chroma's {self.folder} is damaged: {fault}") from fault


def _check_database(path: Path) -> None:
    """Chroma itself answers from a torn database without a word, and loses what it is given."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as fault:
        said = str(fault)
    if said != "ok":
        raise IndexDamaged(f"Chroma's {path.parent} is damaged: {' '.join(said.split())}")


def _open_client(folder: Path) -> Client:
    # Importing Chroma costs 1.2 s and 50 MB: paid by who opens an index only.
    import chromadb
    from chromadb.api.client import Client
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    try:
        client = chromadb.PersistentClient(folder, settings=settings)
        assert isinstance(client, Client)  # the declared type lacks `close`
        return client
    except BaseException:
        # Chroma keeps the system that failed to start and would hand it to who opens this
        # folder next, although a sound index may stand there by then.
        SharedSystemClient._identifier_to_system.pop(str(folder), None)
        raise


def _batches(ids: list[str], size: int) -> Iterator[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
