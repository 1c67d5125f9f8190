"""Content-addressed files: written once, durable when `keep` returns, named by their SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from store.errors import BadInput, Transient

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
        for f in (self._incoming, self._contents, self._pictures):
            f.mkdir(parents=True, exist_ok=True)
        for left in self._incoming.iterdir():  # a kill half way: never acknowledged
            left.unlink()

    def stage(self, source: Path | bytes | BinaryIO, max_bytes: int) -> Staged:
        """Copy the bytes beside the contents, durably. Raises BadInput when they are too many,
        Transient when the disk is full.

        The caller keeps or discards what it staged.
        """
        path = self._incoming / secrets.token_hex(8)
        try:
            digest, size = _copy(source, path, max_bytes)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Transient("The disk is full; make room and add the file again.") from error
            raise
        return Staged(path, digest, size)

    def keep(self, staged: Staged) -> None:
        """Make staged bytes a content; durable on return."""
        target = self.path(staged.digest)
        if target.exists():
            self.discard(staged)
            return
        target.parent.mkdir(exist_ok=True)
        staged.path.rename(target)
        _sync_folder(target.parent)
        _sync_folder(self._contents)

    def discard(self, staged: Staged) -> None:
        staged.path.unlink(missing_ok=True)

    def path(self, digest: str) -> Path:
        return self._contents / digest[:2] / digest

    def remove(self, digest: str) -> None:
        """Remove a content and its pictures."""
        self.path(digest).unlink(missing_ok=True)
        shutil.rmtree(self._pictures / digest, ignore_errors=True)

    def sweep(self, wanted: Collection[str]) -> set[str]:
        """Remove what a kill left of others than `wanted`; returns their hashes."""
        kept = self.contents() | {f.name for f in self._pictures.iterdir()}
        stray = kept.difference(wanted)
        for digest in stray:
            self.remove(digest)
        return stray

    def contents(self) -> set[str]:
        """Hashes of all stored contents."""
        return {f.name for f in self._contents.glob("*/*")}

    def check(self, digest: str) -> str | None:
        """None when the stored bytes have this hash, else what is wrong."""
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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
