"""Erases from Chroma's closed files the vectors that it only marks as deleted.

Written against Chroma 1.5.9: its SQLite file, and hnswlib's `header.bin`, `data_level0.bin`
and `length.bin`. A
file of another shape is refused, never written to.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from store.errors import IndexDamaged

_HEADER = struct.Struct("<i6Q")
_HEADER_BYTES = 100
_MARK = 2
"""Byte of a slot whose lowest bit says deleted; before it the number of links, after it they."""
_LINKS = 4
_LENGTH = 4


class _Layout(NamedTuple):
    """`slots` are in use; a slot of `size` bytes has its vector at [start, end)."""

    slots: int
    size: int
    start: int
    end: int


def rewrite_database(folder: Path, collection_id: str) -> None:
    """Chroma's SQLite anew, without what lies on free pages.

    Raises IndexDamaged where its log still holds what the collection's files of vectors should
    have taken over.
    """
    try:
        with closing(sqlite3.connect(folder / "chroma.sqlite3", isolation_level=None)) as c:
            c.execute("PRAGMA secure_delete=ON")
            waiting = c.execute(_WAITING, (collection_id,)).fetchone()[0]
            if waiting:
                raise IndexDamaged(f"Chroma's {folder} keeps {waiting} entries in its log.")
            c.execute("VACUUM")
    except sqlite3.DatabaseError as fault:
        raise IndexDamaged(f"Chroma's {folder} is damaged: {fault}") from fault


def scrub_vectors(folder: Path) -> int:
    """Writes over every vector that is marked as deleted, or lies beyond those in use; how many.

    A deleted one becomes a copy of a neighbour's: searches go on through its links. Durable on
    return; a kill half way leaves deleted vectors to scrub again, and no others touched.
    """
    clear_lengths(folder)
    return sum(_scrub(header.parent) for header in folder.glob("*/header.bin"))


_WAITING = """
SELECT count(*) FROM embeddings_queue q
JOIN segments s ON s.collection = substr(q.topic, -36) AND s.scope = 'VECTOR'
LEFT JOIN max_seq_id m ON m.segment_id = s.id
WHERE s.collection = ? AND q.seq_id > coalesce(m.seq_id, -1)
"""


def clear_lengths(folder: Path) -> None:
    """Zeros for the slots of `length.bin` that hold no vector's length yet.

    hnswlib writes them out as it was given them: memory that may have held words of anything.
    """
    for header in folder.glob("*/header.bin"):
        head, path = header.read_bytes(), header.with_name("length.bin")
        if len(head) < _HEADER.size or not path.exists():
            continue
        used = _HEADER.unpack_from(head)[3] * _LENGTH
        with path.open("r+b") as f:
            free = os.fstat(f.fileno()).st_size - used
            if free > 0 and any(os.pread(f.fileno(), free, used)):
                os.pwrite(f.fileno(), bytes(free), used)
                os.fsync(f.fileno())


def check_vectors(folder: Path) -> None:
    """Raises IndexDamaged where hnswlib's files do not fit each other, as after a power loss.

    It opens and answers from such files, and then fails, hangs or ends the process at a write.
    """
    for header in folder.glob("*/header.bin"):
        where = header.parent
        try:
            size = (where / "data_level0.bin").stat().st_size
            layout = _layout(where, size)
            lengths = (where / "length.bin").stat().st_size
            higher = (where / "link_lists.bin").read_bytes()
            with (where / "data_level0.bin").open("rb") as f:
                sound = all(_are_links(rows, layout) for rows in _slots(f.fileno(), layout))
        except FileNotFoundError as gone:
            raise IndexDamaged(f"Chroma's {where} lacks {Path(gone.filename).name}.") from gone
        if not sound or lengths < layout.slots * _LENGTH or not _are_lists(higher, layout):
            raise IndexDamaged(f"Chroma's {where} has files of vectors that are cut or changed.")


def _slots(descriptor: int, layout: _Layout) -> Iterator[np.ndarray]:
    """uint8 [n, bytes of a slot], some at a time."""
    a_read = max(1, (1 << 22) // layout.size)
    for first in range(0, layout.slots, a_read):
        count = min(a_read, layout.slots - first)
        block = os.pread(descriptor, count * layout.size, first * layout.size)
        yield np.frombuffer(block, dtype=np.uint8).reshape(count, layout.size)


def _are_links(rows: np.ndarray, layout: _Layout) -> bool:
    """Whether every link leads to a slot."""
    counts = rows[:, :2].copy().view("<u2")[:, 0]
    links = rows[:, _LINKS : layout.start].copy().view("<u4")
    used = np.arange(links.shape[1]) < counts[:, None]
    return bool((counts <= links.shape[1]).all() and (links[used] < layout.slots).all())


def _are_lists(data: bytes, layout: _Layout) -> bool:
    """Whether these are the slots' lists of links above the lowest level, to the last byte."""
    at = 0
    for _ in range(layout.slots):
        if at + 4 > len(data):
            return False
        (length,) = struct.unpack_from("<I", data, at)
        at += 4 + length
        if length % 4 or at > len(data):
            return False
    return at == len(data)


def _scrub(folder: Path) -> int:
    count = 0
    with (folder / "data_level0.bin").open("r+b") as f:
        layout = _layout(folder, os.fstat(f.fileno()).st_size)
        for n, links in _deleted(f.fileno(), layout):
            vector = _neighbour(f.fileno(), layout, links) or bytes(layout.end - layout.start)
            os.pwrite(f.fileno(), vector, n * layout.size + layout.start)
            count += 1
        used = layout.slots * layout.size
        free = os.fstat(f.fileno()).st_size - used
        if free > 0:
            os.pwrite(f.fileno(), bytes(free), used)
        os.fsync(f.fileno())
    return count


def _layout(folder: Path, size: int) -> _Layout:
    header = (folder / "header.bin").read_bytes()
    if len(header) != _HEADER_BYTES:
        raise IndexDamaged(f"Chroma's {folder} has a header of another length.")
    version, at, _, slots, each, label, vector = _HEADER.unpack_from(header)
    links = vector - _LINKS
    sound = version == 1 and at == 0 and links > 0 and links % 4 == 0 and vector < label
    if not sound or each != label + 8 or (label - vector) % 4 or size % each or size < slots * each:
        raise IndexDamaged(f"Chroma's {folder} has vectors of a shape that is not known.")
    return _Layout(slots, each, vector, label)


def _deleted(descriptor: int, layout: _Layout) -> Iterator[tuple[int, list[int]]]:
    """Slots marked as deleted, with the slots they are linked to."""
    first = 0
    for rows in _slots(descriptor, layout):
        for i in np.flatnonzero(rows[:, _MARK] & 1):
            yield first + int(i), _links(rows[i, : layout.start].tobytes())
        first += len(rows)


def _links(head: bytes) -> list[int]:
    (count,) = struct.unpack_from("<H", head)
    count = min(count, (len(head) - _LINKS) // 4)
    return list(struct.unpack_from(f"<{count}I", head, _LINKS))


def _neighbour(descriptor: int, layout: _Layout, links: list[int]) -> bytes | None:
    """The vector of the first linked slot that is not deleted."""
    for n in links:
        if n < layout.slots:
            slot = os.pread(descriptor, layout.end, n * layout.size)
            if not slot[_MARK] & 1:
                return slot[layout.start :]
    return None
