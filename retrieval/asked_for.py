"""What kind of thing a question asks for: a number, a date, a name."""

from __future__ import annotations

import re

from retrieval.words import content_stems, stem, words

_NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|a third|none|no)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d\d\b"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:hour|day|week|month|year)s?\b|\bcentury\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[\w,;:)(] )[A-Z][\w’'-]+|[A-Z][\w’'-]+ [A-Z][\w’'-]+")
_ENUMERATOR = re.compile(r"^\s*(?:\d+(?:\.\d+)*[.)]?|[•*-])\s+(?=[^\W\d_])")
_KINDS = (
    (
        re.compile(
            r"\bhow (?:much|many|long|old|far|high|large|big|tall|often)\b|\bcosts?\b|\bprice\b"
            r"|\bnumber of\b|\bpercent",
            re.IGNORECASE,
        ),
        _NUMBER,
    ),
    (
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|time)\b|\bdeadline\b",
            re.IGNORECASE,
        ),
        _DATE,
    ),
    (re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE), _NAME),
)
"""How a question asks, and what its answer looks like; the first that fits."""


class Wanted:
    """The kind of thing a question asks for."""

    def __init__(self, question: str, looks: re.Pattern[str]):
        self._asked, self._looks = set(content_stems(question)), looks
        self.counts = looks is not _NAME
        """Whether it is a number or a date, so that two of them can be compared."""

    def values(self, text: str) -> frozenset[str]:
        """The numbers in `text` that the question does not name, as digits."""
        plain = self._without_question(_ENUMERATOR.sub("", text))
        return frozenset(re.sub(r"\D", "", n) for n in re.findall(r"\d[\d.,:/-]*", plain))

    def is_in(self, text: str) -> bool:
        """Whether `text` holds one that the question itself does not name."""
        found = self._looks.findall(_ENUMERATOR.sub("", text))
        return any(not all(stem(w) in self._asked for w in words(one)) for one in found)

    def _without_question(self, text: str) -> str:
        def keep(match: re.Match[str]) -> str:
            own = [stem(word) for word in words(match.group())]
            return "" if own and all(word in self._asked for word in own) else match.group()

        return re.sub(r"[^\W_]+", keep, text.replace("_", " "))


def wanted(question: str) -> Wanted | None:
    """None where the question is open."""
    for asks, looks in _KINDS:
        if asks.search(question):
            return Wanted(question, looks)
    return None
