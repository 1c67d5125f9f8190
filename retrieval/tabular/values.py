"""What a cell's text means: a number with its unit, or a day, month or year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_MONTHS = "january february march april may june july august september october november december"
MONTHS = {
    form: i
    for i, name in enumerate(_MONTHS.split(), 1)
    for form in (name, name[:3], *(["sept"] if name == "september" else []))
}
_MONTH = "(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1\d{3}|20\d\d)"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_CLOCK = r"(?:[T,]?\s*\d{1,2}:\d\d(?::\d\d)?(?:\s*[ap]\.?m\.?)?)?"
_DATES = tuple(
    re.compile(rf"{_WEEKDAY}{pattern}{_CLOCK}", re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}-(?P<m>\d\d)-(?P<day>\d\d)",
        rf"{_YEAR}[-/](?P<m>0[1-9]|1[0-2])",
        rf"{_DAY}[ -](?:of\s+)?{_MONTH},?[ -]{_YEAR}",
        rf"{_MONTH}\s+{_DAY},?\s+{_YEAR}",
        rf"{_MONTH}\s+{_DAY}\s?[-–—]\s?\d{{1,2}},?\s+{_YEAR}",
        rf"{_MONTH}\s+{_DAY}\s?[-–—]\s?[a-z]+\s+\d{{1,2}},?\s+{_YEAR}",
        rf"{_DAY}\s?[-–—]\s?\d{{1,2}}\s+{_MONTH},?\s+{_YEAR}",
        rf"{_MONTH},?[ -]{_YEAR}",
        rf"{_MONTH}\s+{_DAY}",
        rf"{_DAY}[ -](?:of\s+)?{_MONTH}",
        r"(?P<a>\d{1,2})[./-](?P<b>\d{1,2})[./-](?P<year>1\d{3}|20\d\d)",
        rf"{_YEAR}\s?[-–—/]\s?(?:1\d{{3}}|20\d\d|\d\d)",
        rf"(?:in\s+)?{_YEAR}",
        _MONTH,
    )
)
_NOTES = re.compile(r"\[[^\[\]]{0,12}\]|[*†‡§¶]+|(?<=\d)[¹²³]+")
_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mio": 1e6, "mn": 1e6, "m": 1e6,
    "billion": 1e9, "bn": 1e9, "trillion": 1e12,
}  # fmt: skip
_MONEY = (
    r"(?:(?:US|C|A|NZ|HK)?\$|€|£|¥|₹|USD|EUR|GBP|CHF|JPY|INR|CAD|AUD|SEK|NOK|DKK|PLN|CNY|Rs\.?)"
)
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+−–])?\s?(?P<money>{_MONEY}|\#|№)?\s?(?P<inner>[-−–])?"
    r"(?P<digits>\d[\d,.'’   ]*|\.\d+)"
    r"\s?(?P<scale>thousand|millions?|mio|mn|billion|bn|trillion|[km](?=\b(?!\w|²|2|\d)))?"
    rf"\s?(?P<after>{_MONEY}|%|‰|°[CF]?)?(?P<close>\))?(?P<ordinal>st|nd|rd|th)?"
    r"(?:\s?(?P<unit>[A-Za-zµ²³/]+(?: [a-z/²³]+)?))?",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?:(?:(\d+):)?(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)")
TIME = "time"
"""The unit of durations such as 3:14:58, whose quantity is in seconds."""


class Quantity(NamedTuple):
    """`number` as said, scaled; `unit` is a currency, "%", a word, or empty."""

    number: float
    unit: str


class Day(NamedTuple):
    """0 where year, month or day is not said; a season such as 1987–88 is its first year."""

    year: int
    month: int
    day: int

    @property
    def sortable(self) -> int:
        return self.year * 10000 + self.month * 100 + self.day


def plain(text: str) -> str:
    """`text` without footnote marks and the white space around it."""
    return _NOTES.sub("", text).strip()


def quantity(text: str, comma_decimals: bool = False) -> Quantity | None:
    """The number that the whole of `text` is; None where it is more, or none.

    `comma_decimals` reads 1.234 as a thousand, as tables that write 0,5 do.
    """
    text = plain(text)
    time = _TIME.fullmatch(text)
    if time:
        days, hours, minutes, seconds = time.groups()
        whole = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes) * 60
        return Quantity(whole + float(seconds.replace(",", ".")), TIME)
    match = _NUMBER.fullmatch(text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    value = _value(match["digits"], comma_decimals)
    if value is None:
        return None
    scale = _SCALES[match["scale"].casefold()] if match["scale"] else 1.0
    if match["open"] or (match["sign"] or "+") in "-−–" or match["inner"]:
        scale = -scale
    unit = match["money"] or match["after"] or match["unit"] or ""
    if unit.casefold() in MONTHS or unit.casefold() in ("am", "pm", "and", "to", "or"):
        return None
    return Quantity(value * scale, unit if match["money"] or match["after"] else unit.casefold())


def writes_comma_decimals(texts: Iterable[str]) -> bool:
    """Whether a number among `texts` has decimals behind a comma, and none behind a point."""
    commas = points = 0
    for text in texts:
        number = _NUMBER.fullmatch(plain(text))
        digits = number["digits"].strip() if number else ""
        commas += bool(re.fullmatch(r"\d{1,3}(\.\d{3})*,(\d{1,2}|\d{4,})", digits))
        points += bool(re.fullmatch(r"\d{1,3}(,\d{3})*\.(\d{1,2}|\d{4,})|\d{4,}\.\d+", digits))
    return commas > points


def moment(text: str) -> Day | None:
    """The day, month or year that the whole of `text` is. 3/4/2020 is a year only: who knows."""
    text = plain(text)
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        got = match.groupdict()
        month = MONTHS[got["month"].casefold()] if got.get("month") else int(got.get("m") or 0)
        day = int(got.get("day") or 0)
        if got.get("a"):
            month, day = _of_two(int(got["a"]), int(got["b"]))
        if month <= 12 and day <= 31:
            return Day(int(got.get("year") or 0), month, day)
    return None


def _of_two(a: int, b: int) -> tuple[int, int]:
    """(month, day) of two numbers of which one is a month."""
    if a > 12 >= b:
        return b, a
    if b > 12 >= a:
        return a, b
    return (a, b) if a == b else (0, 0)


def _value(digits: str, comma_decimals: bool) -> float | None:
    digits = re.sub(r"[\s'’  ]", "", digits)
    group, point = (".", ",") if comma_decimals else (",", ".")
    for g, p in ((group, point), (point, group)):
        grouped = rf"\d{{1,3}}(?:{re.escape(g)}\d{{3}})+|\d*"
        match = re.fullmatch(rf"({grouped})(?:{re.escape(p)}(\d+))?", digits)
        if match and digits:
            return float(f"{match[1].replace(g, '') or '0'}.{match[2] or '0'}")
    return None


def share(found: Sequence[object]) -> float:
    """The share of `found` that is something."""
    return sum(item is not None for item in found) / len(found) if found else 0.0
