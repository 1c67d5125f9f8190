"""Whether an answer says what was expected: words compared as words, numbers as numbers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

SHORT = 8
"""An expected answer of at most so many words is a short one: a name, a date, an amount."""
SHORT_RECALL, LONG_RECALL = 0.8, 0.6
"""Share of the expected words that an answer must hold where it holds them in another order."""
QUOTED_CHARACTERS = 60
"""Longer expected answers are told in other words than the document's."""

_OPINIONS = ("yes", "no", "true", "false")
_OPINION_WITHIN = 200
_ARTICLES = ("a", "an", "the", "of")
# Chinese and Japanese write no blanks between words: there a character counts as one.
_WORD = re.compile(r"[\u4e00-\u9fff\u3040-\u30ff]|[\w%][\w%.\-]*")
_NUMBER = re.compile(r"([-(])?\$?\s*(\d[\d,]*\.?\d*|\.\d+)")
_SCALES = (1.0, 1e3, 1e-3, 1e6, 1e-6)


def is_correct(said: str, expected: Sequence[str]) -> bool:
    """Whether `said` agrees with one of the expected answers, none of which is empty.

    It does where it holds the expected words one after the other; where it holds every number of
    a short one, within 1 % and also in thousands, millions or per cent, and half of its longer
    words; or where it holds most of its words in any order.
    """
    return any(_agrees(said, one) for one in expected)


def is_quoted(said: str, expected: Sequence[str]) -> bool:
    """Whether one of the expected answers stands in `said` letter by letter, signs aside."""
    return any(_letters(one) in _letters(said) for one in expected if _letters(one))


def is_short(answer: str) -> bool:
    return 0 < len(_letters(answer)) <= QUOTED_CHARACTERS


def _agrees(said: str, expected: str) -> bool:
    plain, wanted = _plain(said), _plain(expected)
    if wanted in _OPINIONS:
        return re.search(rf"\b{wanted}\b", plain[:_OPINION_WITHIN]) is not None
    if wanted and re.search(rf"(?:^| ){re.escape(wanted)}(?:[ .]|$)", plain):
        return True
    words = _words(wanted)
    short, numbers = len(words) <= SHORT, _numbers(expected)
    if numbers and short:
        there = _numbers(said)
        longer = [w for w in words if len(w) > 3 and not any(c.isdigit() for c in w)]
        return all(any(_same(n, m) for m in there) for n in numbers) and (
            not longer or _held(longer, _words(plain)) >= 0.5
        )
    return _held(words, _words(plain)) >= (SHORT_RECALL if short else LONG_RECALL)


def _same(expected: float, found: float) -> bool:
    if abs(expected - found) <= max(0.01 * abs(expected), 0.005):
        return True
    if abs(expected / 100 - found) <= 1e-4:  # 12 % told as .12
        return True
    return any(abs(expected * s - found) <= 0.01 * abs(expected * s) for s in _SCALES)


def _held(expected: Sequence[str], said: Sequence[str]) -> float:
    """Share of the expected words that were said, each as often as it is expected."""
    both = Counter(expected) & Counter(said)
    return sum(both.values()) / max(1, len(expected))


def _numbers(text: str) -> list[float]:
    found = ((sign, digits.replace(",", "")) for sign, digits in _NUMBER.findall(text))
    return [-float(digits) if sign == "-" else float(digits) for sign, digits in found]


def _words(plain: str) -> list[str]:
    return [word for word in _WORD.findall(plain) if word not in _ARTICLES]


def _plain(text: str) -> str:
    """Lower case, one form of each letter, no signs but those of numbers and names."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return re.sub(r"[^\w%.\-]+", " ", text).strip(" .")


def _letters(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()
