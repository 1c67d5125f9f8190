"""The pairs of indexes of each generation: opened, swapped, probed and dropped at run time.

Folders: `<root>/<generation id>/chroma` and `<root>/<generation id>/lexical`. A file
`<root>/rebuilding-<generation id>` stands from when one is set aside until its successor is full.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np

from store.errors import IndexDamaged
from store.indexes.chroma import VectorIndex
from store.indexes.exact import ExactIndex
from store.indexes.lexical import LexicalIndex, written_today
from store.indexes.probing import probe_in_child

_DROPPED = "dropped-"
_DAMAGED = "damaged-"
_REBUILDING = "rebuilding-"

Side = Literal["chroma", "lexical"]
SIDES: tuple[Side, ...] = ("chroma", "lexical")
"""The folders of a generation, one an index."""

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
        self._asked_at = float("-inf")
        root.mkdir(parents=True, exist_ok=True)

    def note_question(self) -> None:
        """Says that a question is being answered now; whoever builds an index then makes room."""
        self._asked_at = time.monotonic()

    def quiet_s(self) -> float:
        """Seconds since the last question; infinite where there was none."""
        return time.monotonic() - self._asked_at

    def open(self, generation_id: str, dimension: int) -> IndexPair:
        """Both indexes to be written or compared, also while they are rebuilt; created where
        there are none. Raises IndexDamaged."""
        return IndexPair(
            self._open_vectors(generation_id, dimension), self._open_lexical(generation_id)
        )

    def vectors(self, generation_id: str, dimension: int) -> VectorIndex:
        """The vector index to be asked, so that damage to the other does not matter.

        Raises IndexDamaged, also while it is rebuilt: half an index would answer wrongly.
        """
        if self.rebuilding(generation_id, "chroma"):
            raise IndexDamaged("The vector index is being rebuilt from the catalog.")
        return self._open_vectors(generation_id, dimension)

    def lexical(self, generation_id: str) -> LexicalIndex:
        """The lexical index to be asked; raises IndexDamaged as `vectors` does."""
        if self.rebuilding(generation_id, "lexical"):
            raise IndexDamaged("The word index is being rebuilt from the catalog.")
        return self._open_lexical(generation_id)

    def open_side(
        self, generation_id: str, dimension: int, side: Side
    ) -> VectorIndex | LexicalIndex:
        """One of both as `open` gives them."""
        if side == "chroma":
            return self._open_vectors(generation_id, dimension)
        return self._open_lexical(generation_id)

    def _open_vectors(self, generation_id: str, dimension: int) -> VectorIndex:
        with self._lock:
            if generation_id not in self._vectors:
                folder = self.folder(generation_id) / "chroma"
                self._vectors[generation_id] = VectorIndex(folder, dimension)
            return self._vectors[generation_id]

    def _open_lexical(self, generation_id: str) -> LexicalIndex:
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
        return list(self.probe_sides(generation_id, timeout_s).values())

    def probe_sides(self, generation_id: str, timeout_s: float = 60.0) -> dict[Side, str]:
        """As `probe`, of indexes that are not open: the fault of each side that has one."""
        return self.probe_all([generation_id], timeout_s).get(generation_id, {})

    def probe_all(
        self, generation_ids: Collection[str], timeout_s: float = 60.0
    ) -> dict[str, dict[Side, str]]:
        """As `probe_sides`, of several generations by id, where there is a fault; by one child
        as long as none ends or hangs it."""
        places = [(g, side) for g in generation_ids for side in SIDES]
        there = [(g, side) for g, side in places if (self.folder(g) / side).exists()]
        said = probe_in_child([self.folder(g) / side for g, side in there], timeout_s)
        found: dict[str, dict[Side, str]] = {}
        for (generation_id, side), fault in zip(there, said, strict=True):
            if fault:
                found.setdefault(generation_id, {})[side] = fault
        return found

    def outdated(self, generation_id: str) -> bool:
        """Whether a generation's word index was written by other rules than today's."""
        folder = self.folder(generation_id) / "lexical"
        return folder.exists() and not written_today(folder)

    def rest(self, generation_id: str) -> None:
        """Closes a generation's indexes, whose files stay; whoever asks for one opens it again."""
        with self._lock:
            self._close(generation_id)

    def drop(self, generation_id: str) -> None:
        """Closes a generation's indexes and deletes their files."""
        if gone := self._set_aside(generation_id, _DROPPED):
            shutil.rmtree(gone)
        self.rebuilt(generation_id)

    def drop_words(self, generation_id: str) -> None:
        """Closes and deletes a generation's word index alone, which is to be rebuilt."""
        self._mark(generation_id, ("lexical",))
        if gone := self._set_aside(generation_id, _DROPPED, "lexical"):
            shutil.rmtree(gone)

    def quarantine(self, generation_id: str, side: Side | None = None) -> Path:
        """Closes a generation's indexes and moves the files of one, or both, away; where to.

        Until `rebuilt` is called, also after a kill, they are `rebuilding`: the empty index in
        their place would look whole.
        """
        self._mark(generation_id, SIDES if side is None else (side,))
        gone = self._set_aside(generation_id, _DAMAGED, side or "")
        return gone or self.folder(generation_id)

    def doubt(self, generation_id: str, sides: Collection[Side]) -> None:
        """Says that these are not what the catalog has: they are `rebuilding` until `rebuilt`,
        and what is sound in them is kept."""
        self._mark(generation_id, sides or SIDES)

    def rebuilding(self, generation_id: str, side: Side | None = None) -> bool:
        """Whether one of a generation's indexes, or any, was set aside and is not full again."""
        sides = self._marked(generation_id)
        return bool(sides) if side is None else side in sides

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

    def set_aside(self) -> list[str]:
        """Names of folders set aside as damaged or to be deleted; `sweep` deletes them."""
        names = (path.name for path in self.root.iterdir() if path.is_dir())
        return sorted(n for n in names if n.startswith((_DROPPED, _DAMAGED)))

    def close(self) -> None:
        """Closes all; idempotent."""
        with self._lock:
            for generation_id in {*self._vectors, *self._lexical}:
                self._close(generation_id)

    def folder(self, generation_id: str) -> Path:
        return self.root / generation_id

    def _mark_of(self, generation_id: str) -> Path:
        return self.root / f"{_REBUILDING}{generation_id}"

    def _mark(self, generation_id: str, sides: Collection[Side]) -> None:
        """Written to the disk before anything is moved."""
        sides = {*sides, *self._marked(generation_id)}
        with self._mark_of(generation_id).open("w", encoding="ascii") as f:
            f.write(" ".join(sorted(sides)))
            f.flush()
            os.fsync(f.fileno())

    def _marked(self, generation_id: str) -> set[Side]:
        try:
            said = self._mark_of(generation_id).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return set()
        return {side for side in SIDES if side in said} or set(SIDES)

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
