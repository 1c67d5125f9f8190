"""Numbers that a sentence has worked out from those of a passage: differences, shares, the rest.

“Revenue rose by 4 million” of “from 38 to 42 million”, “seven of the nine” where “two of the nine”
did not, “ten times as much” of 50 and 500.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, pairwise

from retrieval.numbers import Number, agree, numbers
from retrieval.spelled import spelled_out
from retrieval.units import UNITS

MOST_COUNTED = 12
MOST_TRIED = 80
"""Numbers of a text that are tried with each other, 3,160 pairs."""
_DIFFERENCE = re.compile(
    r"\b(?:by|more|less|fewer|other|others|rest|remaining|cheaper|dearer|longer|shorter|higher|lower"
    r"|bigger|smaller|larger|older|younger|later|earlier|faster|slower|over|above|below|under|gap"
    r"|difference|points?|additional|extra|saves?|saved|saving|left)\b",
    re.IGNORECASE,
)
_LATER = re.compile(r"[\w-]+ years? (?:later|earlier|after|before|ago|apart)\b", re.IGNORECASE)
_RATIO = re.compile(r"\b(?:times|fold|twice|double[ds]?|tripled?)\b", re.IGNORECASE)
_SUM = re.compile(r"\b(?:total|together|altogether|combined|overall|in all)\b", re.IGNORECASE)
_SHARE_OF = re.compile(r"\bof\b", re.IGNORECASE)
_PART = re.compile(r"^\s+(?:[a-z]+\s+)?(?:out )?of (?:the |its |our |their )?$", re.IGNORECASE)

_OF_WHICH = re.compile(r"^[^.;:]{0,40}, (?:of (?:which|whom|them)|out of which) $", re.IGNORECASE)


def is_derived(number: Number, claim: str, passage: str) -> bool:
    """Whether two numbers of `passage` give `number` in the way that the claim speaks of it."""
    near = claim[max(0, number.start - 50) : number.end + 50]
    if _LATER.match(claim[number.start :]) and _years_apart(number, claim, passage):
        return True
    percent = number.measures == {"percent"}
    ways = (_SHARE_OF, _SUM) if percent else (_DIFFERENCE, _SUM, _RATIO)
    held = _numbers(passage) if any(way.search(near) for way in ways) else ()
    if len(held) < 2:
        return False
    for a, b in combinations(held[:MOST_TRIED], 2):
        for x, y, unit in _alike(a, b):
            if _DIFFERENCE.search(near) and not percent and _is(number, abs(x - y), unit):
                return True
            if _SUM.search(near) and _is(number, x + y, unit):
                return True
            if x and y and not number.measures and _RATIO.search(near):
                high, low = max(x, y), min(x, y)
                if _is(number, high / low, None):
                    return True
            if percent and x and y and _SHARE_OF.search(near):
                share = 100 * min(x, y) / max(x, y)
                if _is_share(number, share, near):
                    return True
    return False


def may_be_worked_out(number: Number, claim: str, text: str) -> bool:
    """Whether a reader of `text` may have got to `number` by counting (“two of the six”), as a
    share (“a third of”), as years between two dates, or as `is_derived` tells."""
    said = [value for value, _, _ in number.readings]
    if not number.measures and all(v == int(v) and v <= MOST_COUNTED for v in said):
        return True
    if number.measures == {"percent"} and number.digits[:1].isalpha():
        return True
    units = {unit for _, unit, _ in number.readings}
    if units == {"years"} and _years_apart(number, claim, text):
        return True
    return is_derived(number, claim, text)


def _years_apart(number: Number, claim: str, passage: str) -> bool:
    """Whether two years of the claim or the passage are so far apart: “three years later”."""
    years = sorted({int(n.digits) for n in (*numbers(claim), *numbers(passage)) if n.is_year})
    return any(_is(number, Decimal(b - a), "years") for a, b in combinations(years, 2))


def complement(number: Number, claim: str, passage: str) -> bool:
    """Whether the claim says “seven of the nine” and the passage “two of the nine”."""
    for whole, part in _parts(claim):
        if part.start != number.start:
            continue
        held = _numbers(passage)
        if any(agree(part, n) for n in held):
            return False
        if any(agree(whole, n) for n in held) and any(
            _value(part) + _value(n) == _value(whole) for n in held if not n.measures
        ):
            return True
    return False


def partial(text: str) -> list[tuple[Number, Number]]:
    """Each (whole, part) of “part of the whole” in `text` that leaves something out."""
    return [(whole, part) for whole, part in _parts(text) if _value(part) < _value(whole)]


@lru_cache(maxsize=4096)
def _numbers(text: str) -> tuple[Number, ...]:
    return tuple(n for n in numbers(spelled_out(text)) if not n.is_year)


def _parts(text: str) -> Iterator[tuple[Number, Number]]:
    found = numbers(text)
    for part, whole in pairwise(found):
        if _OF_WHICH.search(text[part.end : whole.start]) and not part.is_year:
            yield part, whole  # "eleven faults, of which nine are mended"
        if _PART.match(text[part.end : whole.start]) and not part.measures and not whole.is_year:
            yield whole, part


def _value(number: Number) -> Decimal:
    return min(value for value, _, _ in number.readings)


def _alike(a: Number, b: Number) -> Iterator[tuple[Decimal, Decimal, str | None]]:
    """The values of two numbers that measure the same, with the unit."""
    for x, one, _ in a.readings:
        for y, other, _ in b.readings:
            if one == other or one is None or other is None:
                yield x, y, one or other
            elif UNITS[one][0] == UNITS[other][0]:
                yield x * UNITS[one][1], y * UNITS[other][1], None


def _is(number: Number, value: Decimal, unit: str | None) -> bool:
    for said, of, _ in number.readings:
        if of and unit and UNITS[of][0] != UNITS[unit][0]:
            continue
        if of and unit:
            said, value = said * UNITS[of][1], value * UNITS[unit][1]
        slack = value * Decimal("0.03") if number.about else Decimal(0)
        if abs(said - value) <= slack and value:
            return True
    return False


def _is_share(number: Number, share: Decimal, near: str) -> bool:
    said = _value(number)
    if re.search(r"\b(?:more than|over)\b", near):
        return said < share <= said + 10
    if re.search(r"\b(?:less than|under|nearly|almost)\b", near):
        return said - 10 <= share < said
    return abs(said - share) <= (2 if number.about else Decimal("0.51"))
