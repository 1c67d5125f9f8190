"""Words as questions and sentences are compared by: folded, without suffixes, CJK as bigrams."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’.,\-][^\W_]+)*")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_STOP = """
a about after all also am an and any are as at be because been being both but by can could did do
does doing done for from further had has have having he her here hers him his how i if in into is it
its itself just like many may me might more most much must my no nor not of off on once one only or
other our ours out over own please s same shall she should so some such t tell than that the their
theirs them then there these they this those through to too under until up us very was we were what
when where which while who whom whose why will with would yes you your yours kind type sort give
name list explain describe mention mentioned say says said according document documents file files
page get gets got want wants long often
"""
_NUMBERS = {
    word: str(n)
    for n, word in enumerate(
        (
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ),
        start=2,
    )
} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "hundred": "100"}
STOP = frozenset(_STOP.split())
"""Words that say nothing about what a question is about."""

_SUFFIXES = (
    ("ational", "ate"), ("ization", "ize"), ("isation", "ise"), ("fulness", "ful"),
    ("iveness", "ive"), ("ments", ""), ("ment", ""), ("ations", "at"), ("ation", "at"),
    ("ings", ""), ("ing", ""), ("ions", ""), ("ion", ""), ("ies", "y"), ("ied", "y"),
    ("ers", ""), ("er", ""), ("edly", ""), ("ed", ""), ("ly", ""), ("es", ""), ("s", ""),
)  # fmt: skip


def words(text: str) -> list[str]:
    """The words of `text` in order, folded; numbers in digits, runs of CJK as bigrams."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return [word for run in _WORD.findall(plain.casefold()) for word in _words_of(run)]


@lru_cache(maxsize=1 << 16)
def _words_of(run: str) -> tuple[str, ...]:
    """The words of a run of letters, digits and the signs inside words."""
    word = re.sub(r"['’]s$", "", run)
    if _CJK.search(word):
        return tuple(word[i : i + 2] for i in range(max(1, len(word) - 1)))
    if any(c in word for c in "-.,") and not any(c.isdigit() for c in word):
        return tuple(part for part in re.split(r"[\-.,]", word) if part)
    return (_NUMBERS.get(word, word),)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """`word` without its English suffix; short words and those with digits stay as they are."""
    if len(word) < 4 or not word.isascii() or any(c.isdigit() for c in word):
        return word
    for suffix, instead in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) + len(instead) >= 3:
            word = word[: len(word) - len(suffix)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeioulsz":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def stems(text: str) -> list[str]:
    """Stems of the words of `text`, in order, stop words included."""
    return [stem(word) for word in words(text)]


def content_words(text: str) -> list[str]:
    """Distinct words of `text` that carry meaning, in order, folded but not stemmed."""
    return list(dict.fromkeys(w for w in words(text) if w not in STOP))


def content_stems(text: str) -> list[str]:
    """Distinct stems of the words of `text` that carry meaning."""
    return list(dict.fromkeys(stem(w) for w in content_words(text)))


def coverage(wanted: Iterable[str], held: Iterable[str]) -> float:
    """The share of `wanted` stems that `held` has; 1 where nothing is wanted."""
    wanted = set(wanted)
    return len(wanted & set(held)) / len(wanted) if wanted else 1.0
