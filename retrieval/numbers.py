"""Numbers with what they count: the readings of each, and whether two say the same.

A number may be read in more than one way (1.234 is a thousand or a decimal, 5m are millions or
metres); two agree where one reading of the one is one reading of the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from decimal import Decimal

from store.models import Frozen

_SCALES = {
    "hundred": 100, "thousand": 1000, "k": 1000, "tausend": 1000, "mil": 1000, "m": 10**6,
    "mio": 10**6, "mn": 10**6, "million": 10**6, "millions": 10**6, "millionen": 10**6,
    "millón": 10**6, "millones": 10**6, "b": 10**9, "bn": 10**9, "mrd": 10**9, "billion": 10**9,
    "billions": 10**9, "milliarde": 10**9, "milliarden": 10**9, "trillion": 10**12,
}  # fmt: skip
_WORD_SCALES = "|".join(sorted((s for s in _SCALES if len(s) > 1), key=len, reverse=True))

_UNITS: dict[str, tuple[str, str]] = {
    # what is measured: how much of it each unit is, and how the unit is written
    "EUR": ("1", "eur euro euros €"),
    "GBP": ("1", "gbp £ pound pounds"),
    "USD": ("1", "usd $ us$ dollar dollars"),
    "CHF": ("1", "chf franc francs franken"),
    "JPY": ("1", "jpy ¥ yen"),
    "percent": ("1", "% percent prozent"),
}
_MEASURES = {
    "time": "1 second seconds sec secs s sekunde sekunden segundo segundos;"
    "60 minute minutes min mins minuten minuto minutos;"
    "3600 hour hours h hr hrs stunde stunden hora horas;"
    "86400 day days tag tage tagen día días; 604800 week weeks woche wochen semana semanas",
    "months": "1 month months monat monate monaten mes meses;"
    "3 quarter quarters quartal quartale trimestre;"
    "12 year years yr yrs jahr jahre jahren año años",
    "length": "0.001 mm millimetre millimetres; 0.01 cm centimetre centimetres;"
    "1 m metre metres meter meters metro metros; 1000 km kilometre kilometres kilometer kilometers",
    "mass": "0.001 mg milligram milligrams; 1 g gram grams gramm;"
    "1000 kg kilo kilos kilogram kilograms kilogramm; 1000000 t tonne tonnes tonnen tons",
    "volume": "0.001 ml millilitre millilitres; 1 l litre litres liter liters litros",
    "power": "1 w watt watts; 1000 kw kilowatt kilowatts; 1000000 mw megawatt megawatts",
    "energy": "1 kwh; 1000 mwh",
    "pressure": "1 bar bars; 0.001 mbar",
    "torque": "1 nm", "blood pressure": "1 mmhg", "sound": "1 db decibel decibels",
    "temperature": "1 °c", "data": "1 mb; 1000 gb; 1000000 tb",
}  # fmt: skip
UNITS: dict[str, tuple[str, Decimal]] = {
    word: (name, Decimal(factor))
    for name, (factor, written) in _UNITS.items()
    for word in written.split()
} | {
    word: (name, Decimal(line.split()[0]))
    for name, lines in _MEASURES.items()
    for line in lines.split(";")
    for word in line.split()[1:]
}
"""What a unit measures, and how much of it."""

_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
)
_SPELLED = (
    {word: i for i, word in enumerate(_TO_TWENTY.split())}
    | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80}
    | {"ninety": 90, "hundred": 100, "twice": 2, "double": 2}
    | {
        w: i
        for i, w in enumerate(
            ["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"], 2
        )
    }
    | {w: i for i, w in enumerate(["tenth", "eleventh", "twelfth"], 10)}
    | {
        w: i
        for i, w in enumerate(
            ["zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"], 2
        )
    }
    | {
        w: i
        for i, w in enumerate(
            ["dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"], 2
        )
    }
)
_UNCLAIMED = {"zero", "one", "hundred", "double", "twice"}
"""Spelled words that are often no number; looked for in a text, never in a claim."""
_FIRST_OF = re.compile(r"\bfirst(?=\s+(?:half|quarter|year|month|week|day|stage|phase)\b)", re.I)
_SHORT_ORDINAL = re.compile(r"\b(H|Q)([1-4])\b")
_UNIT = r"[^\W\d_]+\$?|[%€£$¥]|°\s?[cC]\b"
_NUMBER = re.compile(
    r"(?<![\w.,])[-−]?(?P<digits>\d[\d,.'’ \u00a0\u202f]*\d|\d)(?:(?:st|nd|rd|th)\b)?"
    rf"(?:\s*-?(?P<scale>{_WORD_SCALES})\b|(?P<short>[kmb])\b)?"
    rf"(?:\s*-?(?:de\s+)?(?P<unit>{_UNIT}))?(?:\s+(?P<later>[a-z]{{2,}})\b)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"([€£$¥]|\b(?:EUR|GBP|USD|CHF|JPY|euros?|US\$))\s*[-−]?$", re.IGNORECASE)
_PER = re.compile(r"^\s*(?:an?|per|each|every|pro|al|por|/)\s*(?P<per>[^\W\d_]+)", re.IGNORECASE)
_ABOUT = re.compile(
    r"\b(?:about|around|nearly|almost|roughly|approximately|circa|ca\.|some|over|rund|etwa|unos)"
    r"\s+(?:\w{3}\s|[€£$¥])?\s*$",
    re.IGNORECASE,
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
    return sorted([*_in_digits(text), *_spelled(text, claimed)], key=lambda n: n.start)


def spelled_out(text: str) -> str:
    """`text` with H2 and Q3 written as second half and third quarter, and `per cent` as a word."""
    names, whole = ("first", "second", "third", "fourth"), {"H": "half", "Q": "quarter"}
    text = re.sub(r"\bper cent\b", "percent", text)
    text = re.sub(r"\b(?:Swiss|US|British|American) (?=(?:francs?|dollars?|pounds?)\b)", "", text)
    return _SHORT_ORDINAL.sub(lambda m: f"{names[int(m[2]) - 1]} {whole[m[1]]}", text)


def scales_alone(text: str) -> set[Decimal]:
    """Scales that are said of numbers further on, as in the heading “EUR million”."""
    found = re.finditer(rf"(?<!\w)({_WORD_SCALES})\b", text, re.IGNORECASE)
    return {
        Decimal(_SCALES[m[1].casefold()])
        for m in found
        if not re.search(r"\d[\s-]*$", text[: m.start()])
    }


def measured_in(text: str) -> set[str]:
    """What the units anywhere in `text` measure."""
    found = (w.replace(" ", "") for w in re.findall(_UNIT, text.casefold()))
    return {UNITS[w][0] for w in found if w in UNITS}


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
    if claim[1] and UNITS[claim[1]][0] not in around:
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
    if about and abs(a - b) <= abs(b) * Decimal("0.025"):
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
                scaled=bool(match["scale"]),
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
            yield value * _SCALES[letter], unit, point
            yield value, unit or ("m" if letter == "m" else None), point
        else:
            scale = _SCALES[match["scale"].casefold()] if match["scale"] else 1
            yield value * scale, unit, point


def _spelled(text: str, claimed: bool) -> Iterator[Number]:
    lowered = text.casefold()
    for match in re.finditer(r"[^\W\d_]+", lowered):
        word = match.group()
        if word == "first":
            value = 1 if _FIRST_OF.match(lowered, match.start()) else None
        else:
            value = _SPELLED.get(word)
        if value is None or (
            claimed and word in _UNCLAIMED and not _measured(lowered, match.end())
        ):
            continue
        if word == "second" and re.search(r"(?:per|a|each|every)\s$", lowered[: match.start()]):
            continue
        after = re.match(r"[\s-]+(?:de\s+)?([^\W\d_]+)(?:\s+([a-z]+))?", lowered[match.end() :])
        unit = next((w for w in (after.groups() if after else ()) if w in UNITS), None)
        scale = _SCALES.get(after[1], 1) if after and len(after[1]) > 1 else 1
        tens = re.search(r"(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[\s-]$",
                         lowered[: match.start()])  # fmt: skip
        value += _SPELLED[tens[1]] if tens and value < 10 else 0
        yield Number(
            readings=frozenset([(Decimal(value * scale), unit, "")]),
            digits=word,
            start=match.start(),
            end=match.end(),
            scaled=scale > 1,
        )


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
    return word[:1].isdigit() or word in UNITS or word in _SPELLED or word in _SCALES
