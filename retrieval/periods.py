"""How often things are said to happen: monthly, every two weeks, a year."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from retrieval.units import PERIODS

_EVERY = re.compile(
    r"\b(?:every|each|per|once (?:an?|every|per)|pro|jede[nrs]?|alle|cada|al|a|an|/)\s*"
    r"(?:calendar |business |financial |working |full )?(?:(?P<many>[\d.,]*\d|two|three|four|five"
    r"|six|ten"
    r"|twelve|zwei|drei|second|third)\s+(?:calendar |operating )?)?"
    r"(?P<unit>hour|day|week|fortnight|month|quarter|year|annum|night|term|semester|season|tage?|wochen?|monate?|jahre?)s?\b"
    r"|(?<![\w-])(?P<alone>half-yearly|semi-annual(?:ly)?|biannual(?:ly)?|[a-zäü]+ly|annual|monatlich"
    r"|jährlich|wöchentlich|mensual|anual)\b",
    re.IGNORECASE,
)
_SEVERAL = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "twelve": 12}
_SEVERAL |= {"zwei": 2, "drei": 3, "second": 2, "third": 3}
_GERMAN_UNITS = {"tag": "day", "tage": "day", "woche": "week", "wochen": "week"}
_GERMAN_UNITS |= {"monat": "month", "monate": "month", "jahr": "year", "jahre": "year"}
_DURING = re.compile(
    r"\b(?:in|within|for|of|after|before|over|under|than|is|was|were|to|on|by|with|from|about|nearly"
    r"|almost|half|such|what|as|during|until|least|most|like|last|quarter of|half of|be|only)\s+$",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def periods(text: str) -> frozenset[Decimal]:
    """In hours, how often things are said to happen: monthly, every two weeks, a year."""
    return frozenset(hours for _, _, hours in spans(text))


@lru_cache(maxsize=4096)
def spans(text: str) -> tuple[tuple[int, int, Decimal], ...]:
    """(start, end, hours) of each."""
    found: list[tuple[int, int, Decimal]] = []
    for match in _EVERY.finditer(text):
        alone = (match["alone"] or "").casefold()
        if alone:
            if alone in PERIODS:
                found.append((*match.span(), Decimal(PERIODS[alone])))
            continue
        if re.match(r"an?\b", match.group(), re.I) and _DURING.search(text[: match.start()]):
            continue
        many = (match["many"] or "1").casefold()
        unit = match["unit"].casefold()
        hours = Decimal(PERIODS[_GERMAN_UNITS.get(unit, unit)])
        times = Decimal(_SEVERAL.get(many) or re.sub(r"\D", "", many))
        found.append((*match.span(), hours * times))
    return tuple(found)
