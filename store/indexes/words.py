"""Text to search terms, the same for what is indexed and for what is asked.

Case, accents and compatibility forms are folded here; English stemming is the lexical index's.
"""

from __future__ import annotations

import re
import unicodedata

WORDS_VERSION = "words-1"
"""Changes with anything below; an index of another version is built anew."""

LONGEST = 64

_EMPTY_WORDS = (
    "a about above after again against all am an and any are as at be because been before being"
    " below between both but by can could did do does doing down during each few for from further"
    " had has have having he her here hers him his how i if in into is it its itself just me more"
    " most my no nor not of off on once only or other our out over own same she should so some"
    " such than that the their them then there these they this those through to too under until"
    " up very was we were what when where which while who whom whose why will with would you"
    " your"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())

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
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_THOUSANDS_BY_DOTS = re.compile(r"\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")


def words(text: str) -> list[str]:
    """Terms in reading order, duplicates kept.

    "1,234.5" is one term `1234.5`; a hyphenated word, an e-mail address or an abbreviation gives
    its parts and, after them, itself without its joints (`10-Q`: 10, q, 10q).
    """
    found: list[str] = []
    for piece in _PIECE.finditer(fold(text)):
        if piece["unspaced"]:
            found += _pairs(piece[0])
        else:
            found += _parts(piece[0])
    return [term[:LONGEST] for term in found]


def asked(question: str) -> list[str]:
    """A question's terms without the English words that carry no subject.

    They match everywhere, and a hundred candidates is little: without them BM25 has the right
    page of the reports in benchmarks/retrieval.py among ten in .78 instead of .71 of cases.
    """
    terms = words(question)
    return [term for term in terms if term not in _EMPTY] or terms


def fold(text: str) -> str:
    """Lower case, no accents, compatibility forms (full width, ligatures) made plain."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    return unicodedata.normalize("NFC", spread.translate(_FOLDING))


class _Folding(dict[int, int | None]):
    """Drops marks and invisible characters, except the voicing marks of kana."""

    def __missing__(self, code: int) -> int | None:
        keep = code in (0x3099, 0x309A) or unicodedata.category(chr(code)) not in _DROPPED
        self[code] = code if keep else None
        return self[code]


_DROPPED = ("Mn", "Mc", "Me", "Cf")
_FOLDING = _Folding()


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(max(1, len(run) - 1))]


def _parts(piece: str) -> list[str]:
    piece = piece.removesuffix("'s")
    if _NUMBER.fullmatch(piece):
        return _number(piece)
    parts = _JOINT.split(piece)
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
