"""Sentences cut into clauses, each with its words and what is said in it: numbers, names, codes."""

from __future__ import annotations

import re
from functools import lru_cache

from retrieval.facts import MONTHS, facts, is_german
from retrieval.numbers import UNITS, Number, is_number_word
from retrieval.polarity import NEGATIONS, neutral, one_sided, polarity, without_bounds
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
    rf";\s+|,\s+(?=(?:and|but|while|whereas|because|und|aber|y|pero|not|never|whose|which)\b)"
    rf"|\s+(?=and (?:{_MODAL})\b)|,\s+(?=[\w ]{{1,40}}\b(?:do|does|did|is|are|may|can|has|have)"
    rf" not\b)"
    r"|,?\s+(?=(?:because|since|if|when|but not)\s)"
    r"|,?\s+(?=(?:except|ausgenommen|excepto|other than|rather than|instead of(?! \d))\b)"
)
_FRONTED = re.compile(r"^(?:because|if|when|while|although|since)\b[^,]*(,)\s", re.IGNORECASE)
_AND = re.compile(r"(?:,?\s+(?:and|und|y|against)|,)\s+")
_YEARS = re.compile(r"^(.*\d.* in \d{4}) (to .*\d.* in \d{4}.*)$")
_EXCEPTION = re.compile(r"^(?:except|ausgenommen|excepto|other than)\b", re.IGNORECASE)
_INSTEAD = re.compile(r"^(?:rather than|instead of)\b", re.IGNORECASE)
_WHO = re.compile(r",\s+(?:who|which)\s+")
_IN_BRACKETS = re.compile(r"\s*\(([^()]*[^\W\d_]{3}[^()]*)\)")

_FUNCTION_WORDS_WORDS = (
    "der die das den dem des ein eine einen einer im am an auf mit von zu und oder ist sind "
    "wird darf el la los las un una de del al y o es son está por para en con se"
)
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_WORDS.split())
"""German and Spanish ones, and what they have in common with `STOP`."""
_LIGHT = frozenset(
    form
    for verb in [
        "allow",
        "use",
        "put",
        "come",
        "go",
        "take",
        "make",
        "decide",
        "need",
        "require",
        "apply",
        "run",
        "stand",
        "stay",
        "become",
        "happen",
        "exist",
        "occur",
        "serve",
        "act",
        "concern",
        "certain",
    ]
    for stem_ in (verb, verb.removesuffix("e"))
    for form in (stem_, f"{stem_}s", f"{stem_}es", f"{stem_}d", f"{stem_}ed", f"{stem_}ing")
) | frozenset(
    [
        "came",
        "went",
        "gone",
        "took",
        "taken",
        "made",
        "ran",
        "stood",
        "became",
        "possible",
        "various",
        "total",
        "amount",
        "per",
        "other",
        "others",
        "previous",
        "first",
        "former",
        "respective",
        "ahead",
    ]
)
"""Words that paraphrases put in and leave out: they do not count as said or unsaid."""
_SAME = """
bring brought;
class classed classified classify; give gave given; delete erase erased deleted;
begin began begun start started; take took taken; pay paid payable; hold held;
lead led leads head heads headed dirige dirigido; run ran; buy bought; get got receive; leave left;
say said; tell told; write wrote written; keep kept; make made; find found; show showed shown;
cost costs price priced premium; staff employee employees people; year annual yearly annually;
month monthly monatlich monatliche; quarter quarterly; day daily;
analyse analyzed analysed analysis;
chair chaired; weigh weighs weight; noise noisy loud; send sent; meet met; drive drove driven
"""
_FOLDED = {
    stem(word): line.split()[0] for line in _SAME.replace("\n", " ").split(";") if line.strip()
    for word in line.split()
}  # fmt: skip


class Clause(Frozen):
    """`stems` are its words without numbers, units and names, opposites being one; `names` are
    names of one or more words, folded."""

    text: str
    stems: frozenset[str]
    numbers: tuple[Number, ...]
    codes: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]

    @property
    def told(self) -> frozenset[str]:
        """`words`, of a word and its opposite only what is the same."""
        return frozenset(word for word in self.words if not one_sided(word))

    @property
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
            part = _INSTEAD.sub("not", part)
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
        and word not in _LIGHT
        and word not in NEGATIONS
        for told in (folded(word), stem(word) if folded(word)[0] == "⟨" else folded(word))
    )
    return Clause(
        text=text, stems=found, numbers=claimed.numbers, codes=claimed.codes, names=tuple(names)
    )


def actors(of: Clause) -> list[str]:
    """The word that the clause opens with and those behind “by”, as in `words`."""
    found: list[str] = []
    for text in (of.text, *re.split(r"\b(?:by|von|por)\b(?!\W*(?:\d|[A-Z]{3} \d))", of.text)[1:]):
        told = (folded(word) for word in content_words(text))
        found += [next((word for word in told if word in of.words), "")]
    return [word for word in found if word]


def folded(word: str) -> str:
    """A word's stem, irregular forms and opposites being one."""
    alone = neutral(word)
    root = re.sub(r"(?<=[a-z]{2})([ai])bility$", r"\1bl", stem(word))
    return alone if alone != word else _FOLDED.get(root, root)


@lru_cache(maxsize=4096)
def told_by(text: str) -> frozenset[str]:
    """The words of a text that are no numbers or units, folded: what it is told by."""
    return frozenset(
        folded(word)
        for word in content_words(without_bounds(text))
        if not is_number_word(word)
        and word not in _FUNCTION_WORDS
        and word not in _TITLES
        and word not in _LIGHT
        and word not in NEGATIONS
    )


def names_in(text: str) -> list[tuple[str, ...]]:
    """Runs of capitalised words, titles aside; a single one that opens the text is none."""
    found: list[tuple[str, ...]] = []
    german = is_german(text)
    for match in _CAPITALS.finditer(text):
        spoken = re.findall(r"[^\W\d_][\w’-]*[^\W_]", match.group().casefold())
        spoken = [re.sub(r"['’]s$", "", w) for w in spoken]
        left_out = STOP | _TITLES | _FUNCTION_WORDS | UNITS.keys()
        kept = tuple(w for w in spoken if w not in left_out)
        if all(word in MONTHS for word in kept) or (german and len(kept) == 1):
            continue
        opens = not re.search(r"\w", text[: match.start()])
        if not (opens and len(kept) == 1) and kept not in found:
            found.append(kept)
    return found


def _parts(sentence: str) -> list[str]:
    sentence = sentence.strip()
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
    whole = [p for p in _CUTS.split(sentence) if p]
    for part in whole:
        who = _WHO.search(part)
        named = list(_CAPITALS.finditer(part[: who.start()])) if who else []
        if who and named and named[-1].end() == who.start():
            parts.append(part[: who.start()])
            part = f"{named[-1].group()} {part[who.end() :]}"
        parts += _of_two(part)
    return parts


def _of_two(part: str) -> list[str]:
    """Cut at an `and` that joins two things said, not two names or the ends of a range."""
    years = _YEARS.match(part)
    if years:
        return [years[1], years[2]]
    for match in _AND.finditer(part):
        before, after = part[: match.start()], part[match.end() :]
        if re.search(r"\b(?:between|both|zwischen|entre)\b", before):
            continue
        if before.split()[-1:] and before.split()[-1][0].isupper() and after[:1].isupper():
            continue
        one, other = clause(before), clause(after)
        comma = match.group().strip() == ","
        if not other.words or not one.words:
            continue
        if (one.numbers and other.numbers) or (one.names and other.names and not comma):
            return [before, *_of_two(after)]
    return [part]
