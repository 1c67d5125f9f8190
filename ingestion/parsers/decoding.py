"""Bytes of unknown encoding to text: what a byte-order mark says, UTF-8, then a guess."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSES = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "koi8_r",
]  # fmt: skip
_SAMPLE = 64_000
_SURE_OF = 40
"""Fewer bytes outside ASCII than this say too little to leave Western European."""


def decode(data: bytes, declared: str | None = None) -> tuple[str, str | None]:
    """The text, and a warning where its encoding had to be guessed.

    `declared` is the encoding that the file itself names; it is tried after byte-order marks.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, errors="replace"), None
    for name in (declared, _wide(data), "utf-8"):
        if name and (text := _try(data, name)) is not None:
            return text, None
    name = _guess(data)
    return data.decode(name, errors="replace"), f"The encoding was not stated; read as {name}."


def _try(data: bytes, name: str) -> str | None:
    try:
        codec = codecs.lookup(name)
        if not getattr(codec, "_is_text_encoding", True):
            return None
        # Pages that say latin-1 mean what browsers read: Windows' superset of it.
        codec_name = "cp1252" if codec.name in ("iso8859-1", "ascii") else codec.name
        return data.decode(codec_name)
    except (LookupError, ValueError):
        return None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark shows as zeros on every other byte of plain letters."""
    sample = data[:4096]
    if len(sample) < 4 or 0 not in sample:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 0.4 * len(sample) / 2 and odd > 4 * even:
        return "utf-16-le"
    if even > 0.4 * len(sample) / 2 and even > 4 * odd:
        return "utf-16-be"
    return None


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    sample = data[:_SAMPLE]
    if sum(byte > 127 for byte in sample) < _SURE_OF:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=_GUESSES, preemptive_behaviour=False).best()
    return best.encoding if best else "cp1252"
