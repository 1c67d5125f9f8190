"""What documents call by two names, told by one: “Merlin plc (the “Supplier”)”, CEO, HR."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from retrieval.facts import is_german

_NAME = r"[A-ZÄÖÜ][\w&’'.-]*(?:\s+(?:(?:&|and|of|for)\s+)?[A-ZÄÖÜ][\w&’'.-]*){0,5}"
_DEFINED = re.compile(
    rf"(?P<name>{_NAME})(?: (?:plc|mbH|e\.V\.|& Co\.? KG|S\.p\.A\.))?,?\s*"
    r"\((?:(?:hereinafter|hereafter|here)\s+)?(?:(?:called|referred to as|the"
    r"|as|im Folgenden|en adelante|nachfolgend)\s+)*(?P<open>[\"“„”«'‘])?\s*"
    r"(?:the\s+|der\s+|die\s+)?"
    r"(?P<term>[^\W\d_][\w -]{1,28}?)[\"“”»'’]?\)"
)
_SHORT = re.compile(r"\((?P<short>[A-Z]{2,6})\)")
_LEGAL = (
    r"(?:,?\s+(?:Ltd|Limited|Inc|plc|PLC|SA|S\.A\.|GmbH|AG|AB|LLC|Corp|Co|SE|NV|BV|Oy|mbH)\b\.?)"
)
_EVERYWHERE = (
    (r"\bchief executive(?: officer)?\b|\bCEO\b", "chief executive"),
    (r"\bCFO\b", "chief financial officer"),
    (r"\bCOO\b", "chief operating officer"),
    (r"\bHR\b", "human resources"),
    (r"\bU\.?K\.?(?!\w)", "United Kingdom"),
    (r"\bU\.?S\.?A?\.?(?= (?!dollar|\$|\d))", "United States"),
    (r"\bEU\b", "European Union"),
    (r"\bVAT\b", "value added tax"),
    (r"\bR&D\b", "research and development"),
    (r"\bAGM\b", "annual general meeting"),
    (r"\bIT\b(?= (?:department|team|staff|systems?|manager|security))", "information technology"),
    (r"\b(?:per|a) (?:annum|cent)\b(?<=annum)", "per year"),
    (r"\b(\w+s)['’](?=\s)", r"\1"),
    (r"\b(?:took|taken) over\b", "acquired"),
    (r"\btak(?:e|es|ing) over\b", "acquire"),
    (r"\btakeover\b", "acquisition"),
    (r"\bcarr(?:y|ies|ied) out\b", "performed"),
)


class Aliases:
    """The names that `texts` define, each pair as (pattern of the one, the other)."""

    def __init__(self, texts: Iterable[str] = ()):
        pairs: dict[str, set[str]] = {}
        for text in texts:
            for long, short in _pairs(text):
                pairs.setdefault(short, set()).add(long)
        self._rules = [
            (re.compile(_pattern(next(iter(longs)), short)), short)
            for short, longs in pairs.items()
            if len(longs) == 1  # otherwise two documents speak of two suppliers
        ]
        self._rules.sort(key=lambda rule: -len(rule[0].pattern))
        self._told: dict[str, str] = {}
        self.terms = frozenset(short for _, short in self._rules)

    def told(self, text: str) -> str:
        """`text` with each name written in the shorter of its ways."""
        if text not in self._told:
            told = _plain(text)
            for pattern, short in self._rules:
                told = pattern.sub(short, told)
            self._told[text] = told
        return self._told[text]


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    if is_german(text):
        return text
    for pattern, instead in _EVERYWHERE:
        text = re.sub(pattern, instead, text)
    return text


@lru_cache(maxsize=1024)
def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(_defined(text))


def _defined(text: str) -> Iterator[tuple[str, str]]:
    if "(" not in text:
        return
    for match in _DEFINED.finditer(text):
        name, term = match["name"], match["term"]
        whole = match.group()
        marked = match["open"] or re.search(r"\((?:hereinafter|the|called)\b", whole)
        if marked and not re.search(r"\d", term) and len(term.split()) < 4:
            name = re.sub(r"^(?:The|Between|By|This|A)\s+", "", name)
            yield re.sub(_LEGAL + "$", "", name), term
    for match in _SHORT.finditer(text):
        before = re.findall(r"[^\W\d_][\w’'-]*", text[max(0, match.start() - 90) : match.start()])
        initials = match["short"].casefold()
        for count in range(len(initials), len(initials) + 3):
            named = before[-count:]
            letters = "".join(
                w[0] for w in named if w not in ("of", "the", "and", "for")
            ).casefold()
            if letters == initials:
                yield " ".join(named), match["short"]
                break


def _pattern(long: str, short: str) -> str:
    """The long name in any of its forms; also where it is just being defined."""
    words = r"[\s-]+".join(re.escape(word) for word in long.split())
    defined = rf"(?:,?\s*\([^()]*{re.escape(short)}[^()]*\))?"
    return rf"(?<!\w){words}{_LEGAL}?{defined}(?!\w)"
