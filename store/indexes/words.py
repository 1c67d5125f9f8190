"""Text to search terms, the same for what is indexed and for what is asked.

Case and compatibility forms are folded here, accents in `fold`; `stems.py` takes endings off.
"""

from __future__ import annotations

import re
import unicodedata

WORDS_VERSION = "words-3"
"""Changes with anything below or in `stems.py`; an index of another version is built anew."""

LONGEST = 64

# Written without spaces, or in words too long to match whole: cut into pairs of characters.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTER = rf"[^\W_{_UNSPACED}]"
_PIECE = re.compile(
    rf"(?P<unspaced>[{_UNSPACED}]+)"
    rf"|{_LETTER}+(?:(?:-\n|[.&@'\-]|(?<=\d),(?=\d)){_LETTER}+)*"
)
_JOINT = re.compile(r"(?:(?<!\d)[.,]|[.,](?!\d)|[&@'\-\n])+")
_NUMBER = re.compile(r"\d[\d.,]*")
_SCRIPTS = re.compile(r"(?<=[\u0590-\u08ff])(?=[a-z\d])|(?<=[a-z\d])(?=[\u0590-\u08ff])")
"""Arabic and Hebrew prefixes are written to a Latin name without a space."""
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_THOUSANDS_BY_DOTS = re.compile(r"\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")


def words(text: str) -> list[str]:
    """Terms in reading order, duplicates kept, without accents.

    "1,234.5" is one term `1234.5`; a hyphenated word, an e-mail address or an abbreviation gives
    its parts and, after them, itself without its joints (`10-Q`: 10, q, 10q).
    """
    return [fold(term) for term in spelled(text)]


def spelled(text: str) -> list[str]:
    """The same terms with their accents, which stemming needs: -ción is a suffix, -cion is not."""
    found: list[str] = []
    for piece in _PIECE.finditer(_plain(text)):
        if piece["unspaced"]:
            found += _pairs(piece[0])
        else:
            found += _parts(piece[0])
    return [term[:LONGEST] for term in found]


def fold(text: str) -> str:
    """Lower case, no accents, compatibility forms (full width, ligatures) made plain."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", _plain(text))
    return unicodedata.normalize("NFC", spread.translate(_FOLDING))


def _plain(text: str) -> str:
    """Lower case and compatibility forms made plain; accents that are part of a letter stay."""
    if text.isascii():
        return text.lower()
    joined = unicodedata.normalize("NFKC", text.casefold().replace("\u2019", "'"))
    return joined.translate(_FOLDING)


class _Folding(dict[int, int | str | None]):
    """Drops marks and invisible characters, except the voicing marks of kana; digits are 0 to 9."""

    def __missing__(self, code: int) -> int | str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            self[code] = str(unicodedata.decimal(character))
        elif category in _DROPPED and code not in (0x3099, 0x309A):
            self[code] = None
        else:
            self[code] = code
        return self[code]


_DROPPED = ("Mn", "Mc", "Me", "Cf")
_FOLDING = _Folding({0x640: None})  # the stroke that only stretches an Arabic word


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(max(1, len(run) - 1))]


def _parts(piece: str) -> list[str]:
    piece = piece.removesuffix("'s")
    if _NUMBER.fullmatch(piece):
        return _number(piece)
    parts = _JOINT.split(piece)
    if not piece.isascii():
        parts = [word for part in parts for word in _SCRIPTS.split(part)]
    terms = [term for part in parts for term in _number(part)]
    # A whole address of a page is nobody's search term.
    return [*terms, "".join(parts)] if 2 <= len(parts) <= 5 else terms


def _number(part: str) -> list[str]:
    """Thousands' separators dropped, the decimal mark a point; `30.09.2023` also by its parts."""
    if "," not in part and "." not in part:
        return [part]
    if _THOUSANDS.fullmatch(part):
        return [part.replace(",", "")]
    if _THOUSANDS_BY_DOTS.fullmatch(part):
        return [part.replace(".", "").replace(",", ".")]
    part = part.replace(",", ".")
    return [part, *part.split(".")] if part.count(".") > 1 else [part]
