"""Numbers with what they count: the readings of each, and whether two say the same.

A number may be read in more than one way (1.234 is a thousand or a decimal, 5m are millions or
metres); two agree where one reading of the one is one reading of the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from functools import lru_cache

from retrieval.units import FRACTIONS, SCALES, SPELLED, UNITS, WORD_SCALES
from store.models import Frozen

_UNCLAIMED = {"zero", "one", "hundred", "double"}
"""Spelled words that are often no number; looked for in a text, never in a claim."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_SCALED = re.compile(r"\d[\s-]*$")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS_FOLLOW = re.compile(r"[-‐ ](?:one|two|three|four|five|six|seven|eight|nine)\b")
_NOT_COUNTED = re.compile(r"\bany one$|\b(?:the|these|those) two$")
_FIRST_OF = re.compile(r"\bfirst(?=\s+(?:half|quarter|year|month|week|day|stage|phase)\b)", re.I)
_UNIT = r"[^\W\d_]+\$?|[%€£$¥]|°\s?[cC]\b"
_NUMBER = re.compile(
    r"(?<![\w.,])[-−]?(?P<digits>\d[\d,.'’ \u00a0\u202f]*\d|\d)(?:(?:st|nd|rd|th)\b)?"
    rf"(?:[^\S\t\n]*-?(?P<scale>{WORD_SCALES})\b|(?P<short>[kmb])\b)?"
    rf"(?:[^\S\t\n]*-?(?:de\s+)?(?P<unit>{_UNIT})(?![’']))?(?:[^\S\t\n]+(?P<later>[a-z]{{2,}})\b)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"([€£$¥]|\b(?:EUR|GBP|USD|CHF|JPY|euros?|US\$))\s*[-−]?$", re.IGNORECASE)
_PER = re.compile(r"^\s*(?:an?|per|each|every|pro|al|por|/)\s*(?P<per>[^\W\d_]+)", re.IGNORECASE)
_ABOUT = re.compile(
    r"\b(?:about|around|nearly|almost|roughly|approximately|approx\.|circa|ca\.|some|over|close to"
    r"|(?:more|less|fewer) than|(?:just|slightly|a little) (?:over|under|above|below)"
    r"|rund|etwa|unos)\s+(?:\w{3}\s|[€£$¥]|an?\s)?\s*$",
    re.IGNORECASE,
)

_FRACTION = re.compile(
    r"(?<![\w-])(?:(?P<many>an?|one|two|three|four|the|ein|zwei|drei|un|dos|tres|la|die)[\s-]+)?"
    rf"(?P<part>{'|'.join(FRACTIONS)})s?\b(?![\s-]+(?:year|past|day|time|board|stage|floor|term"
    r"|meeting|party|parties|annual|sessions?)\b)(?!-yearly)(?P<of>\s+(?:of\s+)?an?\s+(?P<unit>hour|year"
    r"|month|day|million|dozen|kilo|kilometre)\b|\s+(?:of|the|as|its|their|der|des|de)\b)?"
    r"(?!\s+(?:of\s+)?(?:the\s+)?(?:(?:19|20)\d\d|year)\b)",
    re.IGNORECASE,
)
_ORDINALS = re.compile(
    r"\b(?:first|second|third|fourth|last|each|every|per|next|previous)\s+$", re.I
)

Reading = tuple[Decimal, str | None, str]
"""A value as written, scales applied; the unit's word; and what was taken for its decimal point."""


class Number(Frozen):
    """A number at [start, end) of a text. `per` is the unit that a rate is said of.

    `scaled`: a word such as million stands beside it. `about`: it is said to be rounded.
    """

    readings: frozenset[Reading]
    digits: str
    start: int
    end: int
    per: str | None = None
    scaled: bool = False
    about: bool = False

    @property
    def measures(self) -> frozenset[str]:
        """What it may measure; empty where no unit stands beside it."""
        return frozenset(UNITS[unit][0] for _, unit, _ in self.readings if unit)

    @property
    def value(self) -> str:
        return f"{min(value for value, _, _ in self.readings):f}"

    @property
    def is_year(self) -> bool:
        return not self.measures and re.fullmatch(r"(?:19|20)\d\d", self.digits) is not None


def numbers(text: str, claimed: bool = False) -> list[Number]:
    """The numbers of `text` in order, spelled ones too; `claimed` those that are surely numbers."""
    return list(_numbers(text, claimed))


@lru_cache(maxsize=8192)
def _numbers(text: str, claimed: bool) -> tuple[Number, ...]:
    parts = list(_fractions(text, claimed))
    spelled = (
        n
        for n in _spelled(text, claimed)
        if not any(part.start <= n.start < part.end for part in parts)
    )
    return tuple(sorted([*_in_digits(text), *spelled, *parts], key=lambda n: n.start))


def scales_alone(text: str) -> set[Decimal]:
    """Scales that are said of numbers further on, as in the headings “EUR million” and “2023
    thousand”."""
    found = re.finditer(rf"(?<!\w)({WORD_SCALES})\b", text, re.IGNORECASE)
    return {
        Decimal(SCALES[m[1].casefold()])
        for m in found
        if not _SCALED.search(before := text[: m.start()])
        or ("\t" in text and re.search(r"\b(?:19|20)\d\d[\s-]*$", before))
    }


def measured_in(text: str) -> set[str]:
    """What the units anywhere in `text` measure."""
    found = (w.replace(" ", "") for w in re.findall(_UNIT, text.casefold()))
    return {told for w in found if w in UNITS for told in (UNITS[w][0], _exactly(w))}


def _exactly(unit: str) -> str:
    """A unit by what it measures and how much of it."""
    return f"{UNITS[unit][0]} {UNITS[unit][1]}"


def agree(
    claim: Number, held: Number, around: Collection[str] = (), scales: Collection[Decimal] = ()
) -> bool:
    """Whether `held` says what `claim` does. Where no unit stands beside `held`, `around` is what
    its text is measured in; `scales` are those of its headings."""
    if claim.per and held.per and claim.per != held.per:
        return False
    factors = [Decimal(1), *(() if held.scaled else scales)]
    return any(
        _same(c, (value * factor, unit, point), around, claim.about)
        for c in claim.readings
        for value, unit, point in held.readings
        for factor in factors
        # What is written alike is read alike: 4,910 million is not 4,910 thousand.
        if point == c[2] or claim.digits != held.digits
    )


def _same(claim: Reading, held: Reading, around: Collection[str], about: bool) -> bool:
    a, b = claim[0], held[0]
    if claim[1] and held[1]:
        (measure, more), (other, times) = UNITS[claim[1]], UNITS[held[1]]
        if measure != other:
            return False
        if _close(a, b, about) and more == times:
            return True
        return _close(a * more, b * times, about)
    if claim[1] and _exactly(claim[1]) not in around:
        return False
    return _close(a, b, about)


def _close(a: Decimal, b: Decimal, about: bool) -> bool:
    """Equal, or rounded to what the claim says ("5.2 million" of 5,203,117)."""
    if a == b:
        return True
    if not b or (abs(a) < 100_000 and not about):
        return False
    digits = len(a.normalize().as_tuple().digits)
    step = Decimal(10) ** (a.adjusted() - digits + 1)
    if about and abs(a - b) <= abs(b) * Decimal("0.03"):
        return True
    return digits >= 2 and abs(a - b) <= step / 2


def _in_digits(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        unit, end = _unit_of(match)
        before = _BEFORE.search(text[max(0, match.start() - 8) : match.start()])
        if before:
            unit = before[1].casefold()
        per = _PER.match(text[end : end + 20])
        for part in _split_spaced(match["digits"]):
            yield Number(
                readings=frozenset(_readings(part, match, unit)),
                digits=part,
                start=match.start(),
                end=match.end("digits"),
                per=UNITS[per["per"].casefold()][0] + str(UNITS[per["per"].casefold()][1])
                if per and per["per"].casefold() in UNITS
                else None,
                scaled=bool(match["scale"]) and not _is_heading(match),
                about=_ABOUT.search(text[max(0, match.start() - 20) : match.start()]) is not None,
            )


def _unit_of(match: re.Match[str]) -> tuple[str | None, int]:
    """The unit beside a number, or behind one more word ("2,000 operating hours"), and its end."""
    for group in ("unit", "later"):
        word = (match[group] or "").casefold().replace(" ", "")
        if word in UNITS and (group == "unit" or len(word) > 3):
            return word, match.end(group)
    return None, match.end("digits")


def _readings(digits: str, match: re.Match[str], unit: str | None) -> Iterator[Reading]:
    for value, point in _values(digits).items():
        if match["short"]:
            letter = match["short"].casefold()
            yield value * SCALES[letter], unit, point
            yield value, unit or ("m" if letter == "m" else None), point
        elif match["scale"] and not _is_heading(match):
            yield value * SCALES[match["scale"].casefold()], unit, point
        else:
            yield value, unit if not match["scale"] else None, point


def _is_heading(match: re.Match[str]) -> bool:
    """Whether it is a year in the heading of a column, as in “Revenue 2023 thousand EUR”."""
    return "\t" in match.string and _YEAR.fullmatch(match["digits"]) is not None


def _spelled(text: str, claimed: bool) -> Iterator[Number]:
    lowered = text.casefold()
    for match in re.finditer(r"[^\W\d_]+", lowered):
        word = match.group()
        if word == "first":
            value = 1 if _FIRST_OF.match(lowered, match.start()) else None
        else:
            value = SPELLED.get(word)
        if value is None or (
            claimed and word in _UNCLAIMED and not _measured(lowered, match.end())
        ):
            continue
        if word in _TENS and _UNITS_FOLLOW.match(lowered, match.end()):
            continue
        if claimed and _NOT_COUNTED.search(lowered[: match.end()]):
            continue
        if claimed and word == "second" and re.match(r" half\b(?! of)", lowered[match.end() :]):
            continue
        if word == "second" and re.search(r"(?:per|a|each|every)\s$", lowered[: match.start()]):
            continue
        after = re.match(r"[\s-]+(?:de\s+)?([^\W\d_]+)(?:\s+([a-z]+))?", lowered[match.end() :])
        unit = next((w for w in (after.groups() if after else ()) if w in UNITS), None)
        scale = SCALES.get(after[1], 1) if after and len(after[1]) > 1 else 1
        tens = re.search(rf"({'|'.join(_TENS)})[\s-]$", lowered[: match.start()])
        value += SPELLED[tens[1]] if tens and value < 10 else 0
        yield Number(
            readings=frozenset([(Decimal(value * scale), unit, "")]),
            digits=word,
            start=match.start(),
            end=match.end(),
            scaled=scale > 1,
        )


def _fractions(text: str, claimed: bool) -> Iterator[Number]:
    """Half, a quarter, two thirds: a share in percent; of a unit, so much of it."""
    for match in _FRACTION.finditer(text):
        part, many = match["part"].casefold(), (match["many"] or "").casefold()
        if _ORDINALS.search(text[: match.start("part")]) or not (part == "half" or many):
            continue
        # "the second quarter" and "the third" are no shares, "a quarter" may be a time.
        ends = re.match(r"\s*(?:[.,;)]|$)", text[match.end() :])
        sure = match["of"] or part == "half" or many in _SEVERAL or (ends and part != "third")
        if many == "the" or (claimed and not sure):
            continue
        value = Decimal(FRACTIONS[part]) * SPELLED.get(many, 1)
        unit = (match["unit"] or "").casefold()
        reading = (value * 100, "percent", "")
        if unit:
            reading = (value * (1 if unit in UNITS else SCALES.get(unit, 12)), unit, "")
            reading = reading if unit in UNITS else (reading[0], None, "")
        yield Number(
            readings=frozenset([reading]),
            digits=match.group().casefold(),
            start=match.start(),
            end=match.end("part"),
            about="third" in part,
        )


_SEVERAL = frozenset(["two", "three", "zwei", "drei", "dos", "tres"])


def _measured(text: str, end: int) -> bool:
    """Whether a unit follows, at most one word later: "one working day"."""
    after = re.match(r"\s+([^\W\d_]+)(?:\s+([^\W\d_]+))?", text[end:])
    return after is not None and any(word in UNITS and len(word) > 2 for word in after.groups())


def _split_spaced(digits: str) -> list[str]:
    """Spaces inside digits belong to one number only where they group thousands."""
    if re.fullmatch(r"\d{1,3}(?:[  \u202f]\d{3})+(?:[.,]\d+)?", digits):
        return [digits]
    return digits.split()


def _values(digits: str) -> dict[Decimal, str]:
    """The readings of a number, with the decimal point of each: a mark before three digits may
    group them or begin decimals."""
    plain = re.sub(r"[\s'’]", "", digits)
    found: dict[Decimal, str] = {}
    for point, group in ((".", ","), (",", ".")):
        shape = rf"(?:\d+|\d{{1,3}}(?:{re.escape(group)}\d{{3}})+)(?:{re.escape(point)}\d+)?"
        if re.fullmatch(shape, plain):
            found[Decimal(plain.replace(group, "").replace(point, ".")).normalize()] = point
    # Neither: a section number such as 1.2.3 or a list such as 4,15.
    return found or {Decimal(re.sub(r"\D", "", plain)): ""}


def is_number_word(word: str) -> bool:
    """Whether a folded word is a number, a scale or a unit: checked by value, not as a word."""
    return (
        word[:1].isdigit() or word in UNITS or word in SPELLED or word in SCALES or word == "half"
    )
