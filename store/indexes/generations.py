"""The pairs of indexes of each generation: opened, swapped, probed and dropped at run time.

Folders: `<root>/<generation id>/chroma` and `<root>/<generation id>/lexical`. A file
`<root>/rebuilding-<generation id>` stands from when one is set aside until its successor is full.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from store.errors import IndexDamaged
from store.indexes.chroma import VectorIndex
from store.indexes.exact import ExactIndex
from store.indexes.lexical import LexicalIndex, written_today

_DROPPED = "dropped-"
_DAMAGED = "damaged-"
_REBUILDING = "rebuilding-"

Embeddings = Callable[[str], Iterable[tuple[str, list[str], np.ndarray]]]
"""A generation's (space id, chunk ids, float32 [n, d]) as the catalog keeps them."""


@dataclass(frozen=True)
class IndexPair:
    """Both indexes of one generation."""

    vectors: VectorIndex
    lexical: LexicalIndex


class Indexes:
    """Thread-safe. Each index of a generation is opened once and shared by all who ask."""

    def __init__(self, root: Path, embeddings: Embeddings | None = None):
        """`embeddings` lets questions be answered by `exact` while Chroma is damaged."""
        self.root = root
        self._embeddings = embeddings
        self._lock = threading.RLock()
        self._vectors: dict[str, VectorIndex] = {}
        self._lexical: dict[str, LexicalIndex] = {}
        root.mkdir(parents=True, exist_ok=True)

    def open(self, generation_id: str, dimension: int) -> IndexPair:
        """Both indexes, created where there are none; raises IndexDamaged."""
        return IndexPair(self.vectors(generation_id, dimension), self.lexical(generation_id))

    def vectors(self, generation_id: str, dimension: int) -> VectorIndex:
        """The vector index alone, so that damage to the other does not matter."""
        with self._lock:
            if generation_id not in self._vectors:
                folder = self.folder(generation_id) / "chroma"
                self._vectors[generation_id] = VectorIndex(folder, dimension)
            return self._vectors[generation_id]

    def lexical(self, generation_id: str) -> LexicalIndex:
        """The lexical index alone, so that damage to the other does not matter."""
        with self._lock:
            if generation_id not in self._lexical:
                folder = self.folder(generation_id) / "lexical"
                self._lexical[generation_id] = LexicalIndex(folder)
            return self._lexical[generation_id]

    def exact(self, generation_id: str) -> ExactIndex:
        """The catalog's vectors in memory, read anew at each call.

        Raises IndexDamaged where nobody gave a way to read them.
        """
        if self._embeddings is None:
            raise IndexDamaged("The vector index is damaged; rebuild it with verify --repair.")
        index = ExactIndex()
        for space_id, ids, vectors in self._embeddings(generation_id):
            index.upsert(space_id, ids, vectors)
        return index

    def probe(self, generation_id: str, timeout_s: float = 60.0) -> list[str]:
        """Faults of a generation's indexes as sentences; empty where all is well.

        Opens, counts, lists, reads and queries both in a child process, because damaged files
        can hang or end the process that opens them. An index that is open here is asked here:
        Chroma's files belong to one process.
        """
        with self._lock:
            opened = [self._vectors.get(generation_id), self._lexical.get(generation_id)]
        if any(opened):
            return [fault for index in opened if index and (fault := _fault(index))]
        folder = self.folder(generation_id)
        if not folder.exists():
            return []
        faults = []
        for side in ("chroma", "lexical"):
            if (folder / side).exists() and (fault := _probe_child(folder / side, timeout_s)):
                faults.append(fault)
        return faults

    def outdated(self, generation_id: str) -> bool:
        """Whether a generation's word index was written by other rules than today's."""
        folder = self.folder(generation_id) / "lexical"
        return folder.exists() and not written_today(folder)

    def drop(self, generation_id: str) -> None:
        """Closes a generation's indexes and deletes their files."""
        if gone := self._set_aside(generation_id, _DROPPED):
            shutil.rmtree(gone)
        self.rebuilt(generation_id)

    def drop_words(self, generation_id: str) -> None:
        """Closes and deletes a generation's word index alone, which is to be rebuilt."""
        self._mark(generation_id)
        if gone := self._set_aside(generation_id, _DROPPED, "lexical"):
            shutil.rmtree(gone)

    def quarantine(self, generation_id: str) -> Path:
        """Closes a generation's indexes and moves their files away; returns where to.

        Until `rebuilt` is called, also after a kill, the generation is `rebuilding`: the empty
        index in its place would look whole.
        """
        self._mark(generation_id)
        return self._set_aside(generation_id, _DAMAGED) or self.folder(generation_id)

    def rebuilding(self, generation_id: str) -> bool:
        """Whether a generation's indexes were set aside and are not full again."""
        return self._mark_of(generation_id).exists()

    def rebuilt(self, generation_id: str) -> None:
        """Says that a generation's indexes hold again all that the catalog has."""
        self._mark_of(generation_id).unlink(missing_ok=True)

    def sweep(self, known: Collection[str]) -> None:
        """Deletes what is of no known generation, and folders set aside as damaged."""
        for path in self.root.iterdir():
            if path.is_dir() and path.name not in known:
                shutil.rmtree(path, ignore_errors=True)
            elif path.is_file() and path.name.removeprefix(_REBUILDING) not in known:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes all; idempotent."""
        with self._lock:
            for generation_id in {*self._vectors, *self._lexical}:
                self._close(generation_id)

    def folder(self, generation_id: str) -> Path:
        return self.root / generation_id

    def _mark_of(self, generation_id: str) -> Path:
        return self.root / f"{_REBUILDING}{generation_id}"

    def _mark(self, generation_id: str) -> None:
        """Written to the disk before anything is moved."""
        with self._mark_of(generation_id).open("wb") as f:
            os.fsync(f.fileno())

    def _set_aside(self, generation_id: str, prefix: str, side: str = "") -> Path | None:
        """Renames the folder, so that no crash leaves half of one under a generation's name."""
        with self._lock:
            self._close(generation_id)
            folder = self.folder(generation_id) / side
            if not folder.exists():
                return None
            names = (self.root / f"{prefix}{generation_id}-{n}" for n in count(1))
            return folder.rename(next(name for name in names if not name.exists()))

    def _close(self, generation_id: str) -> None:
        for opened in (self._vectors, self._lexical):
            if index := opened.pop(generation_id, None):
                index.close()


def _fault(index: VectorIndex | LexicalIndex) -> str | None:
    try:
        index.check()
    except IndexDamaged as fault:
        return str(fault)
    return None


def _probe_child(folder: Path, timeout_s: float) -> str | None:
    project = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-m", "store.indexes.generations", str(folder)]
    try:
        ended = subprocess.run(
            command,
            cwd=project,
            env={**os.environ, "PYTHONPATH": project},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{folder} did not answer within {timeout_s:.0f} s."
    if ended.returncode == 0:
        return None
    last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
    return (
        last[0] if ended.returncode == 1 and last else f"{folder} ended the process that read it."
    )


def _probe(folder: Path) -> int:
    """The child's part: 0, or 1 with the fault on stderr."""
    try:
        index = VectorIndex(folder) if folder.name == "chroma" else LexicalIndex(folder)
        index.check()
        index.close()
    except IndexDamaged as fault:
        sys.stderr.write(" ".join(str(fault).split()) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_probe(Path(sys.argv[1])))
