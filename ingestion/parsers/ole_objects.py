"""The file inside an object that was dropped into a document. ([MS-OLEDS], [MS-CFB])"""

from __future__ import annotations

import io
import struct
from typing import Any

_NATIVE, _PACKAGE, _CONTENTS = "\1Ole10Native", "Package", "CONTENTS"
_DAMAGED = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error)


def unwrapped(data: bytes) -> tuple[str, bytes] | None:
    """(name, bytes) of the file in an OLE container; None where it holds no file of its own."""
    from olefile.olefile import OleFileIO

    try:
        with OleFileIO(io.BytesIO(data)) as container:
            return file_at(container, [])
    except _DAMAGED:
        return None


def file_at(container: Any, at: list[str]) -> tuple[str, bytes] | None:
    """The same for an object that lies in a folder of an open container."""
    try:
        if container.exists([*at, _NATIVE]):
            return _native(container.openstream([*at, _NATIVE]).read())
        for stream in (_PACKAGE, _CONTENTS):
            if container.exists([*at, stream]):
                inner = container.openstream([*at, stream]).read()
                if inner.startswith((b"PK\x03\x04", b"%PDF-")):
                    return "embedded.pdf" if inner.startswith(b"%") else "embedded", inner
    except _DAMAGED:
        return None
    return None


def _native(data: bytes) -> tuple[str, bytes] | None:
    """Size, 2 bytes, its name, its path, 8 bytes, a path with its length, and the file."""
    at = 6
    name, at = _until_zero(data, at)
    _, at = _until_zero(data, at)
    (kind,) = struct.unpack_from("<I", data, at)
    at += 4
    if kind != 0x00030000:  # only a link
        return None
    (length,) = struct.unpack_from("<I", data, at)
    at += 4 + length
    (size,) = struct.unpack_from("<I", data, at)
    inner = data[at + 4 : at + 4 + size]
    return (name or "embedded", inner) if inner else None


def _until_zero(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("cp1252", errors="replace"), end + 1
