"""Content-addressed files: written once, durable when `keep` returns, named by their SHA-256."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from store.arrivals import Arrivals
from store.errors import BadInput
from store.room import explained

_BLOCK = 1 << 20


class Staged(NamedTuple):
    """Bytes that are stored but belong to nobody yet."""

    path: Path
    digest: str
    size: int


class Files:
    """The originals, and beside them a cache of pictures that may be deleted at any time."""

    def __init__(self, folder: Path, max_picture_bytes: int = 2 * 2**30):
        self.folder = folder
        self._max_picture_bytes = max_picture_bytes
        self._picture_bytes: int | None = None
        self._incoming = folder / "incoming"
        self._contents = folder / "contents"
        self._pictures = folder / "pictures"
        self.arrivals = Arrivals(folder / "arrivals")
        for f in (self._incoming, self._contents, self._pictures):
            f.mkdir(parents=True, exist_ok=True)
        for left in self._incoming.iterdir():  # a kill half way: never acknowledged
            _erase(left)

    def stage(self, source: Path | bytes | BinaryIO, max_bytes: int) -> Staged:
        """Copy the bytes beside the contents, durably. Raises BadInput when they are too many,
        DiskFull when the disk is full.

        The caller keeps or discards what it staged.
        """
        path = self._incoming / secrets.token_hex(8)
        try:
            digest, size = _copy(source, path, max_bytes)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if (
                isinstance(error, OSError)
                and error.filename in (None, str(path))  # not the source's fault
                and (said := explained(error))
            ):
                raise said from error
            raise
        return Staged(path, digest, size)

    def keep(self, staged: Staged) -> None:
        """Make staged bytes a content; durable on return. A damaged one is replaced."""
        target = self.path(staged.digest)
        if target.exists() and self.check(staged.digest) is None:
            self.discard(staged)
            return
        target.parent.mkdir(exist_ok=True)
        staged.path.rename(target)
        sync_folder(target.parent)
        sync_folder(self._contents)

    def discard(self, staged: Staged) -> None:
        staged.path.unlink(missing_ok=True)

    def path(self, digest: str) -> Path:
        return self._contents / digest[:2] / digest

    def remove(self, digest: str) -> None:
        """Remove a content, its pictures, and what was noted of its arrival.

        Their bytes are written over first; a file system or a disk that writes elsewhere instead
        keeps the old ones until it needs the room.
        """
        for path in (
            *self.arrivals.folder.glob(f"{digest}-*.json"),
            *(self._pictures / digest).glob("*"),
            self.path(digest),
        ):
            _erase(path)
        shutil.rmtree(self._pictures / digest, ignore_errors=True)

    def held(self, digest: str) -> tuple[int, int]:
        """How many originals and how many pictures there are of a content."""
        return int(self.path(digest).exists()), len(list((self._pictures / digest).glob("*")))

    def sweep(self, wanted: Collection[str]) -> set[str]:
        """Remove what a kill left of others than `wanted`; returns their hashes."""
        kept = self.contents() | self.pictured()
        stray = kept.difference(wanted)
        for digest in stray:
            self.remove(digest)
        return stray

    def contents(self) -> set[str]:
        """Hashes of all stored contents."""
        return {f.name for f in self._contents.glob("*/*")}

    def pictured(self) -> set[str]:
        """Hashes of all contents of which pictures are kept."""
        return {f.name for f in self._pictures.iterdir()}

    def check(self, digest: str, only_there: bool = False) -> str | None:
        """None when the stored bytes have this hash, else what is wrong.

        `only_there` does not read them.
        """
        if only_there:
            return None if self.path(digest).exists() else "the file is missing"
        try:
            with self.path(digest).open("rb") as f:
                found = hashlib.file_digest(f, "sha256").hexdigest()
        except FileNotFoundError:
            return "the file is missing"
        return None if found == digest else "the file's bytes have changed"

    def picture(self, digest: str, key: str) -> bytes | None:
        """A cached picture of this content, or None."""
        try:
            return (self._pictures / digest / key).read_bytes()
        except FileNotFoundError:
            return None

    def put_picture(self, digest: str, key: str, png: bytes) -> None:
        """Cache a picture; the cache is emptied when it would grow too large. For one thread."""
        if self._picture_bytes is None:
            self._picture_bytes = stored_bytes(self._pictures)
        if self._picture_bytes + len(png) > self._max_picture_bytes:
            for old in self._pictures.iterdir():
                shutil.rmtree(old, ignore_errors=True)
            self._picture_bytes = 0
        self._picture_bytes += len(png)
        folder = self._pictures / digest
        folder.mkdir(exist_ok=True)
        temporary = folder / f".{secrets.token_hex(4)}"
        temporary.write_bytes(png)
        temporary.rename(folder / key)

    def sizes(self) -> dict[str, int]:
        """Bytes of originals and of cached pictures."""
        return {
            "originals": stored_bytes(self._contents),
            "pictures": stored_bytes(self._pictures),
        }


def stored_bytes(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; what vanishes meanwhile counts nothing."""
    files = [path, *(Path(folder, name) for folder, _, names in os.walk(path) for name in names)]
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += 0 if file.is_dir() else file.stat().st_size
    return total


def _erase(path: Path) -> None:
    """Remove a file, once its bytes are zeros on the disk; one that is not there is no error."""
    with suppress(FileNotFoundError):
        with path.open("r+b") as f:
            left = path.stat().st_size
            while left > 0:
                left -= f.write(bytes(min(left, _BLOCK)))
            f.flush()
            os.fsync(f.fileno())
        path.unlink()
        sync_folder(path.parent)


def _copy(source: Path | bytes | BinaryIO, target: Path, max_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        for block in _blocks(source):
            size += len(block)
            if size > max_bytes:
                raise BadInput(f"This file is larger than the limit of {max_bytes // 2**20} MB.")
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest(), size


def _blocks(source: Path | bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
        yield from iter(lambda: stream.read(_BLOCK), b"")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
