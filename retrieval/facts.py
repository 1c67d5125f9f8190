"""The checkable facts of a sentence: its numbers, dates and names, and whether a text holds them.

A claim may be read in more than one way (1.234 is a thousand or a decimal, 03/04 is March or
April); it is held where one reading of the claim is one reading of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from decimal import Decimal
from functools import lru_cache

from retrieval.numbers import UNITS, Number, agree, measured_in, numbers, scales_alone
from retrieval.spelled import spelled_out
from retrieval.units import SPELLED
from retrieval.words import STOP, stem
from store.models import Frozen

_MONTH_NAMES = (
    "january february march april may june july august september october november december"
    " jan feb mar apr may jun jul aug sep oct nov dec"
    " januar februar märz april mai juni juli august september oktober november dezember"
    " enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
)
MONTHS = {name: i % 12 + 1 for i, name in enumerate(_MONTH_NAMES.split())} | {"sept": 9}
_MONTH = "(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\.?"
_DAY, _YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?", r"(?P<year>\d{4})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_DAY}\s+(?:of\s+|de\s+)?{_MONTH},?\s+(?:de\s+)?{_YEAR}\b",
        rf"\b{_MONTH}\s+{_DAY},?\s+{_YEAR}\b",
        rf"\b{_YEAR}-(?P<m>\d{{1,2}})-(?P<day>\d{{1,2}})\b",
        r"\b(?P<a>\d{1,2})[./](?P<b>\d{1,2})[./](?P<year>\d{4}|\d\d)\b",
        rf"\b{_DAY}\s+(?:of\s+|de\s+)?{_MONTH}\b",
        rf"\b{_MONTH}\s+{_DAY}\b(?!\s*[.,]?\d)",
        rf"\b{_MONTH},?\s+{_YEAR}\b",
    )
)
_CODE = re.compile(
    # building C, an address, a time of day, letters with digits, letters before digits
    r"\b(?:[Bb]uilding|[Rr]oom|[Gg]ate|[Hh]all|[Bb]lock|[Aa]nnex|[Aa]ppendix|[Cc]lass|[Gg]roup|[Ll]evel"
    r"|[Tt]ype|[Gg]rade|[Ss]chedule|[Zz]one|[Ww]ing|[Uu]nit) [A-Z]\b|"
    r"\b[A-Za-z][\w-]+(?:\.[\w-]{2,})*\.[a-z]{2,}\b|\b\d{1,2}:\d\d\b|"
    r"\b(?=\w*[A-Za-z])(?=\w*\d)\w+(?:-\w+)*\b|\b[A-Z]{2,}(?:-\w*\d\w*)+\b"
)
_OPENERS_WORDS = """
before after each every during within until unless once without never there despite while since
because neither either another others nobody nothing everyone everybody anyone anybody somebody
someone instead however therefore moreover otherwise according although though whereas whether
whoever whatever whichever fewer many most several only few less unlike except apart prior
previously formerly altogether overall together between among across along around behind beside
besides beyond under over above below near outside inside throughout toward towards against via
amid following including excluding concerning regarding given considering compared based due
thanks owing subsequently consequently accordingly additionally furthermore meanwhile likewise
similarly nevertheless nonetheless thus hence still yet even also too again already almost nearly
roughly approximately about exactly precisely originally initially finally eventually ultimately
currently presently nowadays today yesterday tomorrow later earlier soon recently lately generally
usually normally typically often sometimes always rarely seldom hardly perhaps maybe probably
certainly clearly obviously apparently notably specifically particularly especially mainly mostly
largely chiefly primarily partly entirely fully half twice thrice nor so such none both all any
some no kids children people men women patients customers users employees visitors members
students anything everything something nearby elsewhere everywhere nowhere worldwide annually
monthly weekly daily first second third next last plus minus per worth whose whom whenever
wherever von bis im am zum zur für mit nach vor bei seit aus der die das ein eine einen einem
einer beim vom den dem des es er sie wir man wenn weil da dass als auch auf in und oder aber nur
noch schon zwischen ohne gegen durch unter über neben während trotz wegen laut gemäß nicht kein
keine alle jeder jede jedes dieser diese dieses gelangt bitte wer wie was wo wann el la los las en
un una por para con desde hasta según sin sobre entre tras durante ante bajo del al se si cuando
como que quien donde cada todo toda todos todas este esta estos estas bien ainsi alors après avant
outre cependant toutefois le les du au aux dans par pour avec sans sur sous chez depuis selon lors
ce cette ces il elle on quand chaque tout toute tous toutes
"""
_OPENERS = frozenset(_OPENERS_WORDS.split())
"""Words that open sentences and are no names, besides `STOP`."""
_GERMAN = re.compile(
    r"\b(?:der|die|das|des|und|ist|sind|nicht|ein|eine|einen|einem|einer|wird|werden|wurde|wurden"
    r"|hat|haben|darf|muss|müssen|kann|können|soll|im|am|den|dem|von|bis|mit|für|zu|zum|zur|zwischen"
    r"|gilt|auf|bei|beim|vom|nach|sich|es|um|aus|als|auch|man|oder|kein|keine)\b",
    re.IGNORECASE,
)
_ORDINARY = re.compile(
    r"(?:s|ing|ed|ly|ion|ment|ness|ity|ance|ence|able|al|ary|ful|less|ous|ive|ship|age|ure|ible|ism)$"
    r"|^(?:un|re|non|pre|over|mis|dis)[a-z]{5,}",
    re.IGNORECASE,
)
_NOUN_FOLLOWS = re.compile(r" (?:of|the|an?|your|this|these|all|any) ")
_VERB_FOLLOWS = re.compile(
    r"['’]s\b|[,.;:)]|\W*$| (?:is|are|was|were|has|have|had|will|would|can|could|may|might|must"
    r"|shall|should|did|does|do|and|or|also|then|never|not|only|first|later|still|\w+(?:ed|s)"
    r"|led|sold|bought|won|lost|held|made|took|gave|got|became|began|built|paid|said|told|wrote"
    r"|went|came|ran|met|left|kept|put|set|spent|sent|signed|hat|ist|war|wird|wurde|kann|muss|darf)\b"
)
"""What stands behind a name that opens a sentence; behind other words, a noun or an adjective."""
_ABBREVIATION = re.compile(r"[A-Z]{2,5}")
_CAPITAL = re.compile(r"[^\W\d_][\w’'&-]*")

Day = tuple[int | None, int | None, int | None]
"""Year, month, day; None where not said."""


class Facts(Frozen):
    """Each fact is the set of its readings."""

    numbers: tuple[Number, ...] = ()
    dates: tuple[frozenset[Day], ...] = ()
    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.numbers or self.dates or self.names or self.codes)


class Held(Frozen):
    """What a text holds, as claims are compared with it."""

    folded: str
    numbers: tuple[Number, ...]
    days: frozenset[Day]
    measured_in: frozenset[str]
    scales: frozenset[Decimal]


def facts(sentence: str, common: Collection[str] = ()) -> Facts:
    """What `sentence` claims that can be looked up in the text it cites.

    `common` holds the stems of words that are known to be written small.
    """
    text = spelled_out(unicodedata.normalize("NFKC", sentence))
    dates, rest = _take_dates(text)
    found = [m.group().casefold() for m in _CODE.finditer(rest) if not _scaled(m.group())]
    rest = _CODE.sub(lambda m: m.group() if _scaled(m.group()) else " ; ", rest)
    return Facts(
        numbers=tuple(numbers(rest, claimed=True)),
        dates=tuple(dates),
        names=tuple(_names(rest, common)),
        codes=tuple(found),
    )


@lru_cache(maxsize=4096)
def held_in(text: str) -> Held:
    """Read once for all sentences of an answer that may cite it."""
    text = spelled_out(unicodedata.normalize("NFKC", text))
    dates, rest = _take_dates(text)
    days = frozenset(day for date in dates for day in date)
    # Years stand inside dates, and numbers inside codes ("room B204").
    inside = {str(day[0]) for day in days if day[0]}
    inside |= {n for m in _CODE.finditer(rest) for n in re.findall(r"\d+", m.group())}
    plain = _CODE.sub(lambda m: m.group() if _scaled(m.group()) else " ; ", rest)
    return Held(
        folded=" ".join(text.casefold().replace("’", "'").split()),
        numbers=(*numbers(plain), *(n for word in inside for n in numbers(word))),
        days=days,
        measured_in=frozenset(measured_in(text)),
        scales=frozenset(scales_alone(text)),
    )


def missing(claimed: Facts, *texts: str) -> list[str]:
    """What of `claimed` none of the texts holds, as words for a person; empty where all is held."""
    if not claimed:
        return []
    held = [held_in(text) for text in texts]
    gone = [
        f"the number {number.value}"
        for number in claimed.numbers
        if not any(holds_number(number, h) for h in held)
    ]
    gone += ["a date" for date in claimed.dates if not any(holds_date(date, h) for h in held)]
    words = (*claimed.names, *claimed.codes)
    return gone + [f"“{w}”" for w in words if not any(holds_word(w, h) for h in held)]


def holds_number(number: Number, held: Held) -> bool:
    return any(agree(number, other, held.measured_in, held.scales) for other in held.numbers)


def holds_date(date: frozenset[Day], held: Held) -> bool:
    return any(_same_day(a, b) for a in date for b in held.days)


def holds_word(name: str, held: Held) -> bool:
    """Whether the name or code occurs, a plural or genitive ending aside, or is the initials of
    words that follow each other."""
    if _ABBREVIATION.fullmatch(name):
        initials = r"\W+".join(rf"{letter}\w+" for letter in name.casefold())
        if re.search(rf"(?<!\w){initials}", held.folded):
            return True
    name = name.casefold()
    bare = re.escape(name.removesuffix("s") if len(name) > 4 else name)
    return re.search(rf"(?<!\w){bare}(?:'?s)?(?!\w)", held.folded) is not None


def _scaled(token: str) -> bool:
    """Whether the token is a number with an ending, not a code: 5m, 38kg, 3rd."""
    match = re.fullmatch(r"\d+([^\W\d_]+)", token)
    return match is not None and (
        match[1].casefold() in UNITS
        or match[1].casefold() in ["k", "m", "b", "bn", "mn", "st", "nd", "rd", "th", "mio"]
    )


def _take_dates(text: str) -> tuple[list[frozenset[Day]], str]:
    """The dates, and the text with them blanked out."""
    found: list[frozenset[Day]] = []
    for pattern in _DATES:
        for match in list(pattern.finditer(text)):
            readings = _readings(match.groupdict())
            if readings and not _OTHER_WORD.search(match.group()):
                found.append(readings)
                blank = " ; ".ljust(match.end() - match.start())
                text = text[: match.start()] + blank + text[match.end() :]
    return found, text


_OTHER_WORD = re.compile(r"\b(?:may|march|mar)\b(?!.*\d{4})")
"""Months that are other words where they are written small: "gifts up to EUR 25 may be"."""


def _readings(got: dict[str, str | None]) -> frozenset[Day]:
    year = int(got["year"]) if got.get("year") else None
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    if got.get("a"):
        a, b = int(got["a"] or 0), int(got["b"] or 0)
        pairs = [(a, b), (b, a)]
    else:
        month = got.get("month")
        number = MONTHS[month.casefold()] if month else int(got["m"] or 0)
        if not got.get("day"):
            return frozenset([(year, number, None)])
        pairs = [(int(got["day"] or 0), number)]
    return frozenset((year, m, d) for d, m in pairs if 1 <= m <= 12 and 1 <= d <= 31)


def _same_day(claim: Day, held: Day) -> bool:
    """Whether `held` says all that `claim` says."""
    return all(a is None or a == b for a, b in zip(claim, held, strict=True))


def _names(text: str, common: Collection[str]) -> list[str]:
    """Capitalised words, folded. The word a sentence opens with is a name where another follows
    it, or where it is not among the `common` stems and does not look like another word."""
    found: list[str] = []
    german = is_german(text)
    matches = list(_CAPITAL.finditer(text))
    for match, after in zip(matches, [*matches[1:], None], strict=False):
        word = match.group()
        folded = re.sub(r"['’]s$", "", word.casefold().replace("’", "'"))
        if re.fullmatch(r"[A-Z][a-z]+-[a-z-]+", word):  # English-language
            word, folded = word.partition("-")[0], folded.partition("-")[0]
        if not word[0].isupper() or len(word) == 1 or folded in STOP or folded in UNITS:
            continue
        if folded in _OPENERS or folded in SPELLED:
            continue
        if german and not _beside_a_capital(text, match):
            continue
        if text[: match.start()].rstrip()[-1:] in ("", *".!?:•*-") and not word.isupper():
            pair = after and after.group()[0].isupper() and after.start() - match.end() == 1
            ordinary = stem(folded) in common or _ORDINARY.search(folded)
            follows = _NOUN_FOLLOWS.match(text, match.end())
            verb = _VERB_FOLLOWS.match(text, match.end())
            if not pair and (ordinary or follows or not verb):
                continue
        found.append(word if _ABBREVIATION.fullmatch(word) else folded)
    return list(dict.fromkeys(found))


_GERMAN_PLACE = re.compile(r"\b(?:in|aus|nach|bei|von)\s$", re.IGNORECASE)
_GERMAN_NOUN = re.compile(
    r"(?:ung|heit|keit|schaft|tion|tät|ungen|en|ern|eit|nis)$|^(?:Höhe|Kürze|Kraft|Form|Folge|Bezug"
    r"|Betrieb|Anspruch|Rechnung|Ordnung|Frost|Art|Hand|Haus|Wasser|Strom|Gas|Öl|Zeit|Jahr|Tag)",
    re.IGNORECASE,
)
"""Nouns that stand behind such a word without an article; others there are names."""


def is_german(text: str) -> bool:
    return len(_GERMAN.findall(text)) > 1


def _beside_a_capital(text: str, match: re.Match[str]) -> bool:
    """German writes all nouns so; two together, or one after Frau or Herr, are a name. The word
    that opens a sentence tells nothing."""
    if _GERMAN_PLACE.search(text[: match.start()]) and not _GERMAN_NOUN.search(match.group()):
        return True
    before = re.search(r"\w\W*\s(\w+)\s$", text[: match.start()])
    after = re.match(r"\s(\w+)", text[match.end() :])
    return any(m is not None and m[1][:1].isupper() for m in (before, after))
