"""Content-addressed files: written once, durable when `keep` returns, named by their SHA-256."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from store.errors import BadInput

_BLOCK = 1 << 20


class Staged(NamedTuple):
    """Bytes that are stored but belong to nobody yet."""

    path: Path
    digest: str
    size: int


class Files:
    """The originals, and beside them a cache of pictures that may be deleted at any time."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._incoming = folder / "incoming"
        self._contents = folder / "contents"
        self._pictures = folder / "pictures"
        for f in (self._incoming, self._contents, self._pictures):
            f.mkdir(parents=True, exist_ok=True)
        for left in self._incoming.iterdir():  # a kill half way: never acknowledged
            left.unlink()

    def stage(self, source: Path | bytes | BinaryIO, max_bytes: int) -> Staged:
        """Copy the bytes beside the contents, durably. Raises BadInput when they are too many.

        The caller keeps or discards what it staged.
        """
        path = self._incoming / secrets.token_hex(8)
        try:
            digest, size = _copy(source, path, max_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
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

    def contents(self) -> set[str]:
        """Hashes of all stored contents."""
        return {f.name for f in self._contents.glob("*/*")}

    def check(self, digest: str) -> str | None:
        """None when the stored bytes have this hash, else what is wrong."""
        path = self.path(digest)
        if not path.exists():
            return "the file is missing"
        with path.open("rb") as f:
            found = hashlib.file_digest(f, "sha256").hexdigest()
        return None if found == digest else "the file's bytes have changed"

    def picture(self, digest: str, key: str) -> bytes | None:
        """A cached picture of this content, or None."""
        path = self._pictures / digest / key
        return path.read_bytes() if path.exists() else None

    def put_picture(self, digest: str, key: str, png: bytes) -> None:
        folder = self._pictures / digest
        folder.mkdir(exist_ok=True)
        temporary = folder / f".{secrets.token_hex(4)}"
        temporary.write_bytes(png)
        temporary.rename(folder / key)

    def forget_pictures(self) -> None:
        """Empty the picture cache."""
        shutil.rmtree(self._pictures, ignore_errors=True)
        self._pictures.mkdir()

    def sizes(self) -> dict[str, int]:
        """Bytes of originals and of cached pictures."""
        return {
            "originals": sum(f.stat().st_size for f in self._contents.glob("*/*")),
            "pictures": sum(f.stat().st_size for f in self._pictures.glob("*/*")),
        }


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
