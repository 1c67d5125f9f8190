"""The text of Outlook messages that keep it as packed RTF only.

([MS-OXRTFCP] describes the packing, [MS-OXRTFEX] the HTML and the plain text that hide in RTF.)
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from typing import Literal

MAX_BYTES = 50_000_000
_MAX_DEPTH = 1000
_PACKED, _PLAIN = 0x75465A4C, 0x414C454D
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]+)(?P<value>-?\d{1,9})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z])"
    r"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n\\]"
)
_UNSEEN_WORDS = (
    "fonttbl colortbl stylesheet info pict header headerl headerr headerf footer footerl footerr "
    "footerf object listtable listoverridetable rsidtbl"
)
_UNSEEN = frozenset(_UNSEEN_WORDS.split())
_SAID = {
    "par": "\n", "line": "\n", "row": "\n", "page": "\n", "sect": "\n", "tab": "\t", "cell": "\t",
    "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ",
}  # fmt: skip
_SIGNS = {"~": "\u00a0", "_": "\u2011", "\n": "\n", "\r": "\n", "{": "{", "}": "}", "\\": "\\"}
_CODE_PAGES = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""By a font's character set."""


class NotRtf(ValueError):
    """It is damaged, or there is no text in it."""


def body_of(packed: bytes) -> tuple[str, Literal["plain", "html"]]:
    """The message that the packed RTF was made from. Raises NotRtf."""
    text, kind = _Text(unpacked(packed).decode("latin-1")).read()
    if not text.strip():
        raise NotRtf
    return text, kind


def unpacked(packed: bytes) -> bytes:
    """The RTF. Raises NotRtf where it is damaged."""
    if len(packed) < 16:
        raise NotRtf
    _, size, method = struct.unpack_from("<III", packed)
    if size > MAX_BYTES:
        raise NotRtf
    if method == _PLAIN:
        return packed[16 : 16 + size]
    if method != _PACKED:
        raise NotRtf
    ring = bytearray(_DICTIONARY.ljust(4096, b"\0"))
    write, at, out = len(_DICTIONARY), 16, bytearray()
    while at < len(packed) and len(out) < size:
        control = packed[at]
        at += 1
        for bit in range(8):
            if at + (control >> bit & 1) >= len(packed) or len(out) >= size:
                break
            if not control >> bit & 1:
                said = packed[at : at + 1]
                ring[write] = said[0]
                write = (write + 1) % 4096
                out += said
                at += 1
                continue
            (reference,) = struct.unpack_from(">H", packed, at)
            at += 2
            start = reference >> 4
            if start == write:
                return bytes(out)
            for n in range((reference & 15) + 2):
                ring[write] = ring[(start + n) % 4096]
                out.append(ring[write])
                write = (write + 1) % 4096
    return bytes(out)


@dataclass(slots=True)
class _Group:
    """What holds until a brace closes. `hidden` is RTF that is only there for its looks."""

    unseen: bool = False
    tag: bool = False
    hidden: bool = False
    fonts: bool = False
    font: int = 0
    after_unicode: int = 1


class _Text:
    """RTF being read: either the HTML or the text it was made from, or its own text."""

    def __init__(self, rtf: str):
        if not rtf.lstrip().startswith("{\\rtf"):
            raise NotRtf
        self._rtf = rtf
        self._kind: Literal["plain", "html"] = "plain"
        self._parts: list[str] = []
        self._bytes = bytearray()
        self._page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._group = _Group()
        self._skip = 0
        self._starred = False

    def read(self) -> tuple[str, Literal["plain", "html"]]:
        outer: list[_Group] = []
        at = 0
        while found := _TOKEN.match(self._rtf, at):
            at = found.end()
            if found["hex"]:
                self._byte(int(found["hex"], 16))
                continue
            if brace := found["brace"]:
                self._skip = 0
                self._flush()
                if brace == "{" and len(outer) < _MAX_DEPTH:
                    outer.append(self._group)
                    self._group = replace(self._group)
                elif brace == "{":
                    raise NotRtf
                elif outer:
                    self._group = outer.pop()
                self._starred = False
            elif word := found["word"]:
                value = int(found["value"]) if found["value"] else None
                if word == "bin":
                    at += max(0, value or 0)
                else:
                    self._word(word, value)
            elif sign := found["sign"]:
                self._starred = sign == "*"
                if sign in _SIGNS:
                    self._say(_SIGNS[sign])
            elif text := found["text"]:
                self._written(text)
        self._flush()
        # Letters beyond 16 bits come in two halves.
        wide = "".join(self._parts).encode("utf-16-le", "surrogatepass")
        return wide.decode("utf-16-le", "replace"), self._kind

    def _word(self, word: str, value: int | None) -> None:
        starred, self._starred = self._starred, False
        group = self._group
        if word == "u" and value is not None:
            self._say(chr(value % 65536))
            self._skip = group.after_unicode
        elif word == "uc":
            group.after_unicode = value if value is not None else 1
        elif word == "fromhtml":
            self._kind = "html"
        elif word == "htmltag":
            group.tag, group.hidden, group.unseen = True, False, False
        elif word == "htmlrtf":
            self._flush()
            group.hidden = value != 0
        elif word == "ansicpg" and value:
            self._page = "utf-8" if value == 65001 else f"cp{value}"
        elif word == "f" and value is not None:
            self._flush()
            group.font = value
        elif word == "fcharset" and group.fonts:
            if page := _CODE_PAGES.get(value or 0):
                self._fonts[group.font] = page
        elif word == "plain":
            self._flush()
            group.font = -1
        elif starred or word in _UNSEEN:
            group.unseen, group.fonts = True, word == "fonttbl"
        elif word in _SAID and not (self._kind == "html" and word in ("page", "sect")):
            self._say(_SAID[word])

    def _written(self, text: str) -> None:
        skipped = min(self._skip, len(text))
        self._skip -= skipped
        if text.isascii():
            self._say(text[skipped:])
        else:
            for byte in text[skipped:].encode("latin-1"):
                self._byte(byte)

    def _byte(self, byte: int) -> None:
        """Letters of some alphabets take two bytes, so they are gathered first."""
        if self._skip:
            self._skip -= 1
        elif not self._is_unseen():
            self._bytes.append(byte)

    def _say(self, text: str) -> None:
        self._flush()
        if not self._is_unseen():
            self._parts.append(text)

    def _is_unseen(self) -> bool:
        return self._group.unseen or self._group.hidden

    def _flush(self) -> None:
        if self._bytes:
            # In HTML the fonts are only for looks, but they do tell the alphabet.
            page = self._fonts.get(self._group.font, self._page)
            try:
                self._parts.append(self._bytes.decode(page, errors="replace"))
            except LookupError:
                self._parts.append(self._bytes.decode("cp1252", errors="replace"))
            self._bytes.clear()
