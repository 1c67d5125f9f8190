"""Texts as their numbers are read: quarters as Q3, times of day, one and a half."""

from __future__ import annotations

import re
from decimal import Decimal

from retrieval.units import FRACTIONS, SPELLED

_SHORT_ORDINAL = re.compile(r"\b(H|Q)([1-4])\b")
_CLOCK = re.compile(
    r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s?(?P<half>[ap])\.?m\b\.?", re.IGNORECASE
)
_O_CLOCK = re.compile(r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))? ?(?:o[’']clock|Uhr)\b")
_AND_A_PART = re.compile(
    r"\b(?P<many>an?|one|two|three|four|five|six|\d+)(?: (?P<unit>hour|year|month|day|mile)s?)? and"
    r" an? (?P<part>half|quarter)\b",
    re.IGNORECASE,
)


_SO_OFTEN = re.compile(
    r"\b(once|twice|(?:three|four|five|six|\d+) times)"
    r" (hourly|daily|weekly|monthly|yearly|annually)\b",
    re.IGNORECASE,
)
_EVERY = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}
_SIZE = re.compile(
    r"\b(\d+(?:[.,]\d+)?) ?(?:x|×|by) ?(\d+(?:[.,]\d+)?) ?(mm|cm|m|km)\b", re.IGNORECASE
)


def _with_part(match: re.Match[str]) -> str:
    many = match["many"].casefold()
    whole = int(many) if many.isdigit() else SPELLED.get(many, 1)
    return f"{whole + Decimal(FRACTIONS[match['part'].casefold()])} {match['unit'] or ''}".strip()


def spelled_out(text: str) -> str:
    """`text` with H2 and Q3 written as second half and third quarter, `per cent` as a word, times
    of day as 18:30, "twice daily" as twice a day, and both sides of "60 x 40 cm" with the unit."""
    text = _SO_OFTEN.sub(lambda m: f"{m[1]} a {_EVERY.get(m[2].casefold(), 'year')}", text)
    text = _SIZE.sub(r"\1 \3 x \2 \3", text)
    text = _AND_A_PART.sub(_with_part, text)
    text = _O_CLOCK.sub(_on_the_clock, _CLOCK.sub(_on_the_clock, text))
    text = re.sub(r"\b0(?=\d:\d\d\b)", "", text)
    names, whole = ("first", "second", "third", "fourth"), {"H": "half", "Q": "quarter"}
    text = re.sub(r"\bper cent\b", "percent", text)
    text = re.sub(r"\b(?:Swiss|US|British|American) (?=(?:francs?|dollars?|pounds?)\b)", "", text)
    return _SHORT_ORDINAL.sub(lambda m: f"{names[int(m[2]) - 1]} {whole[m[1]]}", text)


def _on_the_clock(match: re.Match[str]) -> str:
    half = (match.groupdict().get("half") or "").casefold()
    hour = int(match["hour"])
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    return f"{hour}:{match['minute'] or '00'}"
