"""The checkable facts of a sentence: its numbers, dates and names, and whether a text holds them.

A claim may be read in more than one way (1.234 is a thousand or a decimal, 03/04 is March or
April); it is held where one reading of the claim is one reading of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from decimal import Decimal

from retrieval.words import STOP, stem
from store.models import Frozen

_MONTH_NAMES = (
    "january february march april may june july august september october november december"
    " jan feb mar apr may jun jul aug sep oct nov dec"
)
_MONTHS = {name: i % 12 + 1 for i, name in enumerate(_MONTH_NAMES.split())} | {"sept": 9}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_DAY, _YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", r"(?P<year>\d{4})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_DAY}\s+(?:of\s+)?{_MONTH},?\s+{_YEAR}\b",
        rf"\b{_MONTH}\s+{_DAY},?\s+{_YEAR}\b",
        rf"\b{_YEAR}-(?P<m>\d{{1,2}})-{_DAY}\b",
        r"\b(?P<a>\d{1,2})[./](?P<b>\d{1,2})[./](?P<year>\d{4}|\d\d)\b",
        rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}\b",
        rf"\b{_MONTH}\s+{_DAY}\b(?!\s*[.,]?\d)",
        rf"\b{_MONTH},?\s+{_YEAR}\b",
    )
)
_SCALES = {
    "hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "millions": 10**6, "mio": 10**6,
    "mn": 10**6, "m": 10**6, "billion": 10**9, "billions": 10**9, "bn": 10**9, "b": 10**9,
    "trillion": 10**12,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![\w.,])[-−]?(?P<digits>\d[\d,.'’ \u00a0\u202f]*\d|\d)"
    r"(?:\s*-?(?P<scale>hundred|thousand|millions?|mio|billions?|bn|mn|trillion)\b|(?P<short>[kmb])\b)?",
    re.IGNORECASE,
)
_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
)
_SPELLED = {word: i for i, word in enumerate(_TO_TWENTY.split())} | {
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "half": 2,
    "twice": 2, "double": 2,
}  # fmt: skip
_CODE = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*\d)\w+(?:-\w+)*\b|\b[A-Z]{2,}(?:-\w*\d\w*)+\b")
_ORDINARY = re.compile(r"(?:s|ing|ed|ly|ion|ment|ness|ity|ance|ence|able|al)$")
_CAPITAL = re.compile(r"[^\W\d_][\w’'&-]*")

Day = tuple[int | None, int | None, int | None]
"""Year, month, day; None where not said."""


class Facts(Frozen):
    """Each fact is the set of its readings."""

    numbers: tuple[frozenset[Decimal], ...] = ()
    dates: tuple[frozenset[Day], ...] = ()
    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.numbers or self.dates or self.names or self.codes)


def facts(sentence: str, common: Collection[str] = ()) -> Facts:
    """What `sentence` claims that can be looked up in the text it cites.

    `common` holds the stems of words that are known to be written small.
    """
    text = unicodedata.normalize("NFKC", sentence)
    dates, rest = _take_dates(text)
    codes = tuple(m.group().casefold() for m in _CODE.finditer(rest) if not _scaled(m.group()))
    rest = _CODE.sub(lambda m: m.group() if _scaled(m.group()) else " ; ", rest)
    return Facts(
        numbers=tuple(_numbers(rest)),
        dates=tuple(dates),
        names=tuple(_names(rest, common)),
        codes=codes,
    )


def missing(claimed: Facts, text: str) -> list[str]:
    """What of `claimed` the text does not hold, as words for a person; empty where all is held."""
    if not claimed:
        return []
    held_text = unicodedata.normalize("NFKC", text)
    folded = " ".join(held_text.casefold().replace("’", "'").split())
    dates, rest = _take_dates(held_text)
    numbers = {reading for number in _numbers(rest) for reading in number}
    numbers |= {Decimal(_SPELLED[w]) for w in re.findall(r"[a-z]+", folded) if w in _SPELLED}
    numbers |= {Decimal(part) for part in re.findall(r"\d+", held_text)}
    days = {day for date in dates for day in date}
    gone = [
        f"the number {min(number):f}"
        for number in claimed.numbers
        if not any(_close(a, b) for a in number for b in numbers)
    ]
    gone += [
        "a date" for date in claimed.dates if not any(_same_day(a, b) for a in date for b in days)
    ]
    gone += [f"“{name}”" for name in claimed.names if not _has_word(name, folded)]
    gone += [f"“{code}”" for code in claimed.codes if not _has_word(code, folded)]
    return gone


def _has_word(name: str, folded: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded) is not None


def _scaled(token: str) -> bool:
    return re.fullmatch(r"\d+(?:k|m|b|bn|mn|st|nd|rd|th|mio)", token, re.IGNORECASE) is not None


def _take_dates(text: str) -> tuple[list[frozenset[Day]], str]:
    """The dates, and the text with them blanked out."""
    found: list[frozenset[Day]] = []
    for pattern in _DATES:
        for match in list(pattern.finditer(text)):
            readings = _readings(match.groupdict())
            if readings:
                found.append(readings)
                blank = " ; ".ljust(match.end() - match.start())
                text = text[: match.start()] + blank + text[match.end() :]
    return found, text


def _readings(got: dict[str, str | None]) -> frozenset[Day]:
    year = int(got["year"]) if got.get("year") else None
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    if got.get("a"):
        a, b = int(got["a"] or 0), int(got["b"] or 0)
        pairs = [(a, b), (b, a)]
    else:
        month = got.get("month")
        number = _MONTHS[month.casefold()] if month else int(got["m"] or 0)
        if not got.get("day"):
            return frozenset([(year, number, None)])
        pairs = [(int(got["day"] or 0), number)]
    return frozenset((year, m, d) for d, m in pairs if 1 <= m <= 12 and 1 <= d <= 31)


def _same_day(claim: Day, held: Day) -> bool:
    """Whether `held` says all that `claim` says."""
    return all(a is None or a == b for a, b in zip(claim, held, strict=True))


def _numbers(text: str) -> list[frozenset[Decimal]]:
    return [
        frozenset(value * scale for value in _values(part) for scale in _scales(match))
        for match in _NUMBER.finditer(text)
        for part in _split_spaced(match["digits"])
    ]


def _scales(match: re.Match[str]) -> tuple[int, ...]:
    """What to multiply by; a letter may be a scale or a unit (5m: millions or metres)."""
    if match["short"]:
        return 1, _SCALES[match["short"].casefold()]
    return (_SCALES[match["scale"].casefold()],) if match["scale"] else (1,)


def _split_spaced(digits: str) -> list[str]:
    """Spaces inside digits belong to one number only where they group thousands."""
    if re.fullmatch(r"\d{1,3}(?:[  \u202f]\d{3})+(?:[.,]\d+)?", digits):
        return [digits]
    return digits.split()


def _values(digits: str) -> set[Decimal]:
    """The readings of a number: a mark before three digits may group them or begin decimals."""
    plain = re.sub(r"[\s'’]", "", digits)
    found = set()
    for point, group in ((".", ","), (",", ".")):
        shape = rf"(?:\d+|\d{{1,3}}(?:{re.escape(group)}\d{{3}})+)(?:{re.escape(point)}\d+)?"
        if re.fullmatch(shape, plain):
            found.add(Decimal(plain.replace(group, "").replace(point, ".")).normalize())
    # Neither: a section number such as 1.2.3 or a list such as 4,15.
    return found or {Decimal(re.sub(r"\D", "", plain))}


def _close(a: Decimal, b: Decimal) -> bool:
    """Equal, or a large number rounded to what the claim says ("5.2 million" of 5,203,117)."""
    if a == b:
        return True
    if abs(a) < 100_000 or not b:
        return False
    digits = len(a.normalize().as_tuple().digits)
    step = Decimal(10) ** (a.adjusted() - digits + 1)
    return digits >= 2 and abs(a - b) <= step / 2


def _names(text: str, common: Collection[str]) -> list[str]:
    """Capitalised words, folded. The word a sentence opens with is a name where another follows
    it, or where it is not among the `common` stems and does not look like another word."""
    found: list[str] = []
    matches = list(_CAPITAL.finditer(text))
    for match, after in zip(matches, [*matches[1:], None], strict=True):
        word = match.group()
        folded = re.sub(r"['’]s$", "", word.casefold().replace("’", "'"))
        if not word[0].isupper() or len(word) == 1 or folded in STOP:
            continue
        if text[: match.start()].rstrip()[-1:] in ("", *".!?:•*-") and not word.isupper():
            pair = after and after.group()[0].isupper() and after.start() - match.end() == 1
            if not pair and (stem(folded) in common or _ORDINARY.search(folded)):
                continue
        found.append(folded)
    return list(dict.fromkeys(found))
