"""How the app and a parser's child talk: length-prefixed JSON, each with one binary part.

Nothing is ever unpickled, and a length is believed only up to a cap.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

MAX_BYTES = 96 * 1024 * 1024
"""Of a request, and of an answer where nothing else is said."""
_HEAD = struct.Struct("<II")


class BadFrame(Exception):
    """What came is no frame of ours."""


def encode(message: dict[str, Any], blob: bytes = b"", max_bytes: int = MAX_BYTES) -> bytes:
    """Two lengths, the JSON, the blob. Raises BadFrame when it is larger than may be sent."""
    text = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()
    if len(text) + len(blob) > max_bytes:
        raise BadFrame("too large")
    return _HEAD.pack(len(text), len(blob)) + text + blob


def decode(
    read: Callable[[int], bytes], max_bytes: int = MAX_BYTES
) -> tuple[dict[str, Any], bytes]:
    """The next message; `read(n)` returns exactly n bytes or raises EOFError."""
    size, blob_size = _HEAD.unpack(read(_HEAD.size))
    if size + blob_size > max_bytes:
        raise BadFrame("too large")
    try:
        message = json.loads(read(size))
    except (ValueError, RecursionError) as error:
        raise BadFrame("not JSON") from error
    if not isinstance(message, dict):
        raise BadFrame("not an object")
    return message, read(blob_size)
