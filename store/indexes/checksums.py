"""Checksums of tantivy's files: a changed bit can end the process that reads it, or mislead it.

Every file of a segment ends with a footer: JSON with the CRC-32 of what stands before it, its
length, and a magic number (tantivy's `directory/footer.rs`). Written against tantivy 0.27.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

_END = struct.Struct("<II")
_MAGIC = 1337


def changed_files(folder: Path, segment_ids: Iterable[str]) -> list[str]:
    """Names of the files of these segments that are not what was written."""
    files = [p for i in segment_ids for p in folder.glob(f"{i.replace('-', '')}.*")]
    return sorted(p.name for p in files if not _is_whole(p))


def _is_whole(path: Path) -> bool:
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError:  # a merge has just taken its place
        return True
    if len(data) < _END.size:
        return False
    length, magic = _END.unpack(data[-_END.size :])
    at = len(data) - _END.size - length
    if magic != _MAGIC or at < 0:
        return False
    try:
        crc = json.loads(bytes(data[at : -_END.size]))["crc"]
    except (ValueError, KeyError, TypeError):
        return False
    return zlib.crc32(data[:at]) == crc
