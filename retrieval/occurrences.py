"""Finds every place where a term stands in a text, by offsets, however it is written there.

The term becomes a pattern of escaped characters; nothing of it is read as a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise, takewhile
from typing import NamedTuple

from store.indexes.stems import WHOLE, stemmed_language, terms_of
from store.indexes.words import fold
from store.models import Frozen

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff"
)
_LETTER = rf"[^\W_{_UNSPACED}]"
"""A letter or digit of a script whose words stand apart; CJK words have no bounds to keep."""
_UNSEEN = "\u00ad\u0300-\u036f\u200b-\u200d\u2060\ufeff"
_LINE_END_HYPHEN = r"[-\u00ad\u2010][ \t]*\n[ \t]*"
_JOINT = rf"[{_UNSEEN}]*(?:{_LINE_END_HYPHEN})?"
"""What may stand between two letters of one word."""
_ALIKE = {
    "-": r"[-\u2010-\u2015\u2212](?:[ \t]*\n[ \t]*)?",
    "'": "['’‘ʼ]",
    '"': '["“”„«»]',
}
_AS_PLAIN = str.maketrans(
    dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-")
    | dict.fromkeys(map(ord, "’‘ʼ"), "'")
    | dict.fromkeys(map(ord, "“”„«»"), '"')
)
_INTEGER = re.compile(r"\d{4,}|\d{1,3}(?:[,.'\u00a0\u202f]\d{3})+")
_WORD = re.compile(r"[^\W\d_]+")
_FOLDED_FROM = (
    (0x20, 0x3000), (0xFB00, 0xFB07), (0xFF00, 0xFFF0), (0x1D400, 0x1D800),
)  # fmt: skip


class Term(Frozen):
    """What is looked for; `exact` as it is written, else with case, accents and endings folded."""

    text: str
    exact: bool = False


class Occurrence(NamedTuple):
    """Characters [start, end) and how the term is written there, on one line."""

    start: int
    end: int
    form: str


def occurrences(term: Term, text: str, language: str | None = None) -> Iterator[Occurrence]:
    """Every place of `term` in `text`, in order, as words of their own; of an exact term also
    those that are written otherwise, which the caller tells by their form.

    White space, line ends and hyphens at line ends are folded in any case. Endings are those of
    `language` (ISO 639-1; English where it is not known).
    """
    known = stemmed_language(language)
    pattern, stems = _pattern(term, WHOLE if term.exact else known)
    for match in pattern.finditer(text):
        end = match.end()
        if stems:
            end = _end_of_form(match, text, stems, known)
            if end is None:
                continue
        yield Occurrence(match.start(), end, _form(term, text[match.start() : end]))


def _end_of_form(
    match: re.Match[str], text: str, stems: frozenset[str], language: str
) -> int | None:
    """Where a form of the inflected word ends; None where the word is another one."""
    start, end = match.span("word")
    word = text[start:end]
    if not stems.isdisjoint(_stems(word if word.isalpha() else _joined(word), language)):
        return match.end()
    # “policy-⏎holder” is one word or two: as two, the first may be ours.
    broken = re.search(_LINE_END_HYPHEN, word)
    if broken is None or end != match.end():
        return None
    end = start + broken.start()
    return None if stems.isdisjoint(_stems(text[start:end], language)) else end


@lru_cache(maxsize=4096)
def _stems(word: str, language: str) -> frozenset[str]:
    return frozenset(terms_of(word, language))


@lru_cache(maxsize=64)
def _pattern(term: Term, language: str) -> tuple[re.Pattern[str], frozenset[str]]:
    """The pattern, and the stems that its group `word` must have one of; none, no such group."""
    text = " ".join(fold(term.text.translate(_AS_PLAIN)).split())
    words = [] if language == WHOLE else [m for m in _WORD.finditer(text) if len(m[0]) > 3]
    words = [m for m in words if not re.search(f"[{_UNSPACED}]", m[0])]
    behind, ahead = _bounds(text)
    if not term.exact and _INTEGER.fullmatch(text):
        body, stems = _integer(re.sub(r"\D", "", text), behind), frozenset[str]()
    elif words:
        last = words[-1]
        stems = _stems(_original(term.text, last[0]), language) | _stems(last[0], language)
        root, rest = _root(last[0], stems), text[last.end() :]
        start = last.start()
        inner = f"[{_UNSEEN}]*"
        head = _run(text[:start], behind) + inner if start else ""
        tail = rf"(?:{_JOINT}[^\W\d_{_UNSPACED}])*"
        word = f"(?P<word>{_run(root, '' if start else behind)}{tail})"
        body = head + word + (inner + _run(rest) if rest else "")
    else:
        body, stems = _run(text, behind), frozenset()
    return re.compile(body + ahead, re.DOTALL), stems


def _root(word: str, stems: frozenset[str]) -> str:
    """How every form of `word` begins."""
    shared = (
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, stem, strict=False)))
        for stem in (each.partition(":")[2] for each in stems)
    )
    # One less: the last letter may change before an ending (policy, policies). And never within
    # what may be written as one character (ß).
    length = max(2, min(shared) - 1)
    while length > 1 and word[length - 1 : length + 1] in _folded_from():
        length -= 1
    return word[:length]


def _original(text: str, folded: str) -> str:
    """The word with its accents, which stemming needs."""
    return next((w for w in _WORD.findall(text) if fold(w) == folded), folded)


def _bounds(text: str) -> tuple[str, str]:
    """Patterns that keep the ends of `text` from being the middle of a word or of a number; the
    first stands after the first character.

    There, and not before it, so that the pattern begins with a class: `re` skips to the few
    characters that can begin a match, four times as fast as a look behind at every character.
    """
    behind = f"(?<!{_LETTER}.)" if re.match(_LETTER, text[0]) else ""
    behind += r"(?<!\d[.,].)" if text[0].isdigit() else ""
    ahead = f"(?!{_LETTER})" if re.match(_LETTER, text[-1]) else ""
    ahead += r"(?![.,]\d)" if text[-1].isdigit() else ""
    return behind, ahead


def _integer(digits: str, behind: str) -> str:
    """Digits with or without marks between thousands."""
    first, *others = digits
    mark = r"[,.'’\u00a0\u202f]?"
    return (
        _one(first)
        + behind
        + "".join(
            _one(digit) if left % 3 else mark + _one(digit)
            for digit, left in zip(others, range(len(others), 0, -1), strict=True)
        )
    )


def _run(text: str, behind: str = "") -> str:
    """The pattern of folded text; `behind` is looked back by after its first character."""
    parts: list[str] = []
    i = 0
    while i < len(text):
        length = next((n for n in (3, 2) if text[i : i + n] in _folded_from()), 1)
        piece = text[i : i + length]
        apart = [_one(piece[0]) + ("" if i else behind)]
        for a, b in pairwise(piece):
            apart += _between(a, b), _one(b)
        parts.append(_between(text[i - 1], piece[0]) if i else "")
        if length > 1:
            ligature = f"[{re.escape(_folded_from()[piece])}]" + ("" if i else behind)
            parts.append(f"(?:{''.join(apart)}|{ligature})")
        else:
            parts += apart
        i += length
    return "".join(parts)


def _one(c: str) -> str:
    if c in _ALIKE:
        return _ALIKE[c]
    if c.isspace():
        return r"\s+"
    return f"[{re.escape(''.join(dict.fromkeys(c + c.upper()[:1] + _folded_from().get(c, ''))))}]"


def _between(a: str, b: str) -> str:
    if a.isalpha() and b.isalpha():
        unspaced = re.compile(f"[{_UNSPACED}]")
        return r"(?:[ \t]*\n[ \t]*)?" if unspaced.match(a) and unspaced.match(b) else _JOINT
    return f"[{_UNSEEN}]*" if a.isalnum() or b.isalnum() else ""


@cache
def _folded_from() -> dict[str, str]:
    """Folded text → the characters that become it: é and É of “e”, the ligature of “fi”."""
    found: dict[str, str] = {}
    for first, end in _FOLDED_FROM:
        for code in range(first, end):
            folded = fold(chr(code))
            if folded.strip() and folded != chr(code):
                found[folded] = found.get(folded, "") + chr(code)
    return found


def _joined(text: str) -> str:
    return re.sub(f"[{_UNSEEN}]", "", re.sub(rf"(?<=\w){_LINE_END_HYPHEN}(?=\w)", "", text))


def _form(term: Term, text: str) -> str:
    """`text` on one line; a hyphen at a line's end stays where the term has one."""
    if text.isalnum():
        return text
    kept = re.sub(rf"({_LINE_END_HYPHEN})", "-", text)
    readings = [" ".join(_tidy(reading).split()) for reading in (_joined(text), kept)]
    return next((r for r in readings if r == term.text), readings["-" in term.text])


def _tidy(text: str) -> str:
    return re.sub(f"[{_UNSEEN}]", "", text)
