"""What a backup consists of: its manifest, the names of its parts, and the sentences of faults.

A backup is one file (a zip: `catalog.db`, `contents/<hash>`, `manifest.json`) or a snapshot in a
folder that many share (`backup-<time>.json` is its manifest, `catalogs/<time>.db` its catalog,
`contents/ab/<hash>` the originals of all). Indexes and pictures are caches and not part of it.
"""

from __future__ import annotations

import errno
import re
import time
from pathlib import Path
from typing import Literal

from store.errors import BadInput, FootnoteError
from store.models import Frozen

CATALOG = "catalog.db"
MANIFEST = "manifest.json"
LEDGER = "deletions.jsonl"
CONTENT = re.compile(r"contents/([0-9a-f]{64})\Z")
SNAPSHOT = re.compile(r"backup-(\d{8}T\d{6}Z(?:-\d+)?)\.json\Z")


class BackupFailed(FootnoteError):
    """A backup could not be written; nothing of it was left."""


class BackupDamaged(BadInput):
    """A backup that is not whole, or no backup at all; the sentence says what is wrong."""


class Member(Frozen):
    """A part of a backup; `sha256` in hexadecimal."""

    sha256: str
    bytes: int


class Manifest(Frozen):
    """What a backup holds. `made_at` in seconds since 1970: the moment its catalog is of.

    `library` tells the backups of several data folders in one place apart. `lacking` are originals
    that were missing or had changed when it was made, with what was wrong with each. `audit_head`
    is the newest audit entry then, as JSON.
    """

    format: Literal["footnote-backup"] = "footnote-backup"
    format_version: int = 1
    library: str
    made_at: float
    catalog_schema: str
    interface: int
    chunker: str
    documents: int
    audit_head: str | None
    members: dict[str, Member]
    lacking: dict[str, str]

    @property
    def total_bytes(self) -> int:
        return sum(m.bytes for m in self.members.values())


class Made(Frozen):
    """A backup that was completed. `bytes` is all of it, `new_bytes` what had to be written."""

    path: str
    at: float
    documents: int
    bytes: int
    new_bytes: int
    seconds: float
    lacking: dict[str, str]


def stamp(at: float) -> str:
    """A moment as the names of snapshots say it: UTC, to the second."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def read_manifest(text: bytes, name: str) -> Manifest:
    """Raises BackupDamaged for anything that this Footnote does not understand."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValueError as e:
        raise BackupDamaged(f"“{name}” is no backup, or its list of contents is damaged.") from e
    if manifest.format_version != 1:
        raise BackupDamaged(f"“{name}” was made by a newer Footnote; restore it with that one.")
    strange = [m for m in manifest.members if m != CATALOG and not CONTENT.match(m)]
    if strange or CATALOG not in manifest.members:
        what = f"names a part that is none of a backup's ({strange[0][:80]!r})" if strange else ""
        raise BackupDamaged(f"“{name}” {what or 'has no catalog'}; it is refused.")
    return manifest


def write_failed(error: OSError, where: Path) -> BackupFailed:
    """Why nothing can be written there, as a sentence."""
    said = {
        errno.ENOSPC: "has no room for it; make room or choose another place",
        errno.EDQUOT: "has no room for it; make room or choose another place",
        errno.ENOENT: "does not exist; create it or choose another place",
        errno.ENOTDIR: "is no folder; choose another place",
    }.get(error.errno or 0, "cannot be written to; choose another place")
    return BackupFailed(f"The backup was not made: {where} {said}. ({error.strerror})")
