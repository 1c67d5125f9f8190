"""Sentences cut into clauses, each with its words and what is said in it: numbers, names, codes."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

from retrieval.facts import MONTHS, Day, facts, is_german
from retrieval.folding import LIGHT, folded
from retrieval.numbers import UNITS, Number, is_number_word
from retrieval.periods import periods
from retrieval.polarity import NEGATIONS, one_sided, polarity, without_bounds
from retrieval.words import STOP, content_words, stem
from store.models import Frozen

_TITLES_WORDS = (
    "dr prof professor mr mrs ms herr frau sir señor señora don ltd inc plc sa gmbh ag ab llc co"
)
_TITLES = frozenset(_TITLES_WORDS.split())
_CAPITALS = re.compile(r"[A-ZÀ-ÖØ-Þ][\w’'-]*(?:(?: & | )[A-ZÀ-ÖØ-Þ][\w’'-]*)*")
_MODAL = (
    "must|may|shall|should|will|can|cannot|do|does|did|is|are|was|were|has|have|had|not|no|never"
)
_CUTS = re.compile(
    rf";\s+|:\s+(?=[^\W\d])|,\s+(?=(?:and|but|while|whereas|because|und|aber|y|pero|not|never|whose|which)\b)"
    rf"|\s+(?=and (?:{_MODAL})\b)|,\s+(?=[\w ]{{1,40}}\b(?:do|does|did|is|are|may|can|has|have)"
    rf" not\b)"
    r"|,?\s+(?=(?:because|since|if|when|but not)\s)|\s+that (?=(?:it|he|she|they) )"
    r"|,?\s+(?=(?:except|ausgenommen|excepto|other than|rather than|instead of(?! \d))\b)"
)
_FRONTED = re.compile(r"^(?:because|if|when|while|although|since)\b[^,]*(,)\s", re.IGNORECASE)
_NEW_SUBJECT = re.compile(
    r",\s+(?=(?:the|its|their|his|her|all|every) (?:[\w-]+ ){1,3}(?:is|are|was|were|has|have|had"
    r"|can"
    r"|may|must|will|do|does|did)\b)"
)
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|can|may|must|will|\w{3,}ed)\b")
_PREPOSED = re.compile(
    r"^\W*(?:in|on|at|if|when|while|after|before|during|since|until|for|from|as|because|where|although"
    r"|unless|once|according|under|with|by)\b",
    re.IGNORECASE,
)
_UNLIKE = re.compile(r",? unlike [^,;]{3,40},")
_ASIDE = re.compile(r",\s([^,]{3,40}) aside\b")
_LED_BY = re.compile(
    r",\s+((?:\w+ed|led|held|run|built|made|written|drawn|chosen|founded)\s+by\s+[^,;]{3,60}),\s+"
)
_FRONTED_EXCEPTION = re.compile(
    r"^((?:except|apart from|other than|with the exception of|excluding)\b[^,]*),\s(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_AND = re.compile(r"(?:,?\s+(?:and|und|y|against)|,)\s+")
_YEARS = re.compile(r"^(.*\d.* in \d{4}) (to .*\d.* in \d{4}.*)$")
_EXCEPTION = re.compile(r"^(?:except|ausgenommen|excepto|other than)\b", re.IGNORECASE)
_INSTEAD = re.compile(r"^(?:rather than|instead of)\b", re.IGNORECASE)
_WHO = re.compile(r",\s+(?:who|which)\s+")
_ANTECEDENT = re.compile(
    r"(?:[A-ZÀ-ÖØ-Þ][\w’'-]*(?: (?:& |of )?[A-ZÀ-ÖØ-Þ][\w’'-]*)*"
    r"|\b(?:[Tt]he|[Aa]n?|its|his|her|their|our|this|two|three|each|every)"
    r" (?:[\w’'-]+ ){0,3}?[\w’'-]+)$"
)
_IN_BRACKETS = re.compile(r"\s*\(([^()]*[^\W\d_]{3}[^()]*)\)")

_FUNCTION_WORDS_WORDS = (
    "der die das den dem des ein eine einen einer im am an auf mit von zu und oder ist sind "
    "wird darf bis gilt el la los las un una de del al y o es son está por para en con se"
)
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_WORDS.split())
"""German and Spanish ones, and what they have in common with `STOP`."""


class Clause(Frozen):
    """`stems` are its words without numbers, units and names, opposites being one; `names` are
    names of one or more words, folded."""

    text: str
    stems: frozenset[str]
    numbers: tuple[Number, ...]
    codes: tuple[str, ...]
    dates: tuple[frozenset[Day], ...]
    names: tuple[tuple[str, ...], ...]

    @cached_property
    def told(self) -> frozenset[str]:
        """`words`, of a word and its opposite only what is the same."""
        return frozenset(w for w in self.words if not one_sided(w) and w[0] != "⟨")

    @cached_property
    def words(self) -> frozenset[str]:
        """All that it can be told by."""
        spoken = {told for name in self.names for w in name for told in (stem(w), folded(w))}
        years = {number.digits for number in self.numbers if number.is_year}
        return self.stems | spoken | set(self.codes) | years


@lru_cache(maxsize=4096)
def clauses(sentence: str) -> tuple[Clause, ...]:
    """The clauses of one sentence or table row, in order; at least one."""
    parts: list[str] = []
    for part in _parts(sentence):
        negative = _EXCEPTION.match(part)
        if negative and parts and not polarity(parts[-1]).negated:
            part = "not " + part[negative.end() :]
        elif negative:
            part = part[negative.end() :]
        elif _INSTEAD.match(part):
            without = _INSTEAD.sub("", part)
            part = f"not{without}" if clause(without).words else f"in place of{without}"
        if parts and not clause(part).words:  # "but not more than 5 %"
            part = f"{parts.pop()}, {part}"
        parts.append(part)
    found = tuple(clause(part) for part in parts if re.search(r"\w", part))
    return found or (clause(sentence),)


@lru_cache(maxsize=4096)
def clause(text: str) -> Clause:
    claimed = facts(text)
    names = names_in(text)
    spoken = {word for name in names for word in name}
    found = frozenset(
        told
        for word in content_words(without_bounds(text))
        if not (any(c.isdigit() for c in word) or is_number_word(word))
        and word not in spoken
        and word not in _FUNCTION_WORDS
        and word not in _TITLES
        and word not in LIGHT
        and word not in NEGATIONS
        for told in (folded(word), stem(word) if folded(word)[0] == "⟨" else folded(word))
    )
    return Clause(
        text=text,
        stems=found,
        numbers=claimed.numbers,
        codes=claimed.codes,
        dates=claimed.dates,
        names=tuple(names),
    )


def actors(of: Clause) -> list[str]:
    """The word that the clause opens with and those behind “by”, as in `words`."""
    found: list[str] = []
    for text in (of.text, *re.split(r"\b(?:by|von|por)\b(?!\W*(?:\d|[A-Z]{3} \d))", of.text)[1:]):
        told = (folded(word) for word in content_words(text))
        found += [next((word for word in told if word in of.words), "")]
    return [word for word in found if word]


@lru_cache(maxsize=4096)
def told_by(text: str) -> frozenset[str]:
    """The words of a text that are no numbers or units, folded: what it is told by."""
    return frozenset(told_words(text))


def told_words(text: str) -> dict[str, str]:
    """Each word that a text is told by as it stands there, by its folded form."""
    return {
        folded(word): word
        for word in content_words(without_bounds(text))
        if not is_number_word(word)
        and word not in _FUNCTION_WORDS
        and word not in _TITLES
        and word not in LIGHT
        and word not in NEGATIONS
    }


def names_in(text: str) -> list[tuple[str, ...]]:
    """Runs of capitalised words, titles aside; a single one that opens the text is none."""
    found: list[tuple[str, ...]] = []
    german = is_german(text)
    for match in _CAPITALS.finditer(text):
        spoken = re.findall(r"[^\W\d_][\w’-]*[^\W_]", match.group().casefold())
        spoken = [re.sub(r"['’]s$", "", w) for w in spoken]
        spoken = [w for w in spoken if not re.fullmatch(r"[qh][1-4]", w)]
        left_out = STOP | _TITLES | _FUNCTION_WORDS | UNITS.keys()
        kept = tuple(w for w in spoken if w not in left_out)
        if all(word in MONTHS for word in kept) or (german and len(kept) == 1):
            continue
        # "The Kestrel mine" opens with a name, "Mines are" with none.
        opens = not re.search(r"\w", text[: match.start()]) and spoken[:1] == [*kept[:1]]
        if not (opens and len(kept) == 1) and kept not in found:
            found.append(kept)
    return found


def _parts(sentence: str) -> list[str]:
    sentence = _ASIDE.sub(r", except \1", _UNLIKE.sub("", sentence.strip()))
    fronted = _FRONTED_EXCEPTION.match(sentence)
    if fronted:
        sentence = f"{fronted[2].strip().rstrip('.')}, {fronted[1][0].lower()}{fronted[1][1:]}."
    fronted = _FRONTED.match(sentence)
    if fronted:
        rest = sentence[fronted.end(1) :].strip()
        return [sentence[: fronted.start(1)], *_parts(rest)]
    parts: list[str] = []
    for bracketed in _IN_BRACKETS.finditer(sentence):
        named = list(_CAPITALS.finditer(sentence[: bracketed.start()]))
        between = sentence[named[-1].end() : bracketed.start()].strip() if named else ""
        if named and (not between or between in _TITLES):
            parts.append(f"{named[-1].group()} {bracketed[1]}")
            sentence = sentence.replace(bracketed.group(), "", 1)
    whole = [p for part in _relative(sentence) for p in _CUTS.split(part) if p]
    for part in whole:
        for said in _run_on(part):
            parts += _of_two(said)
    return parts


def _run_on(part: str) -> list[str]:
    """Cut at a comma where another subject with its verb follows: “…, the museum is open”."""
    match = _NEW_SUBJECT.search(part)
    if match and _VERB.search(part[: match.start()]) and not _PREPOSED.match(part):
        return [part[: match.start()], part[match.end() :]]
    return [part]


def _relative(sentence: str) -> list[str]:
    """Cut at “, who …” and “, which …”, each put for what it follows; what goes on behind the next
    comma is said of the first again."""
    led = _LED_BY.search(sentence)
    thing = _ANTECEDENT.search(sentence[: led.start()]) if led else None
    if led and thing:
        rest = f"{sentence[: led.start()]} {sentence[led.end() :]}"
        return [*_relative(rest), f"{thing.group()} was {led[1]}"]
    who = _WHO.search(sentence)
    before = sentence[: who.start()] if who else ""
    thing = _ANTECEDENT.search(before) if who else None
    if who is None or thing is None:
        return [sentence]
    return [before, *_relative(f"{thing.group().strip()} {sentence[who.end() :]}")]


def _of_two(part: str) -> list[str]:
    """Cut at an `and` that joins two things said, not two names or the ends of a range."""
    years = _YEARS.match(part)
    if years:
        return [years[1], *_of_two(years[2])]
    for match in _AND.finditer(part):
        before, after = part[: match.start()], part[match.end() :]
        if re.search(r"\b(?:between|both|zwischen|entre)\b", before, re.IGNORECASE):
            continue
        money = (re.findall(r"\w+", after) or [""])[0].casefold() in UNITS
        named = before.split()[-1:] and before.split()[-1][0].isupper() and after[:1].isupper()
        if named and not money:
            continue
        one, other = clause(before), clause(after)
        comma = match.group().strip() == ","
        if not other.words or not one.words:
            continue
        against = match.group().strip().endswith("against")
        if (
            (one.numbers and (other.numbers or re.search(r"\b(?:once|twice)\b", after)))
            or (periods(before) and periods(after))
            or (one.dates and other.dates)
            or (one.codes and other.codes and re.search(r"\d:\d\d", one.codes[0]))
        ) or (one.names and other.names and not comma and not against):
            return [before, *_of_two(after)]
    return [part]
