"""A clause read as a deed: who does it, what it is, to whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from retrieval.folding import folded
from retrieval.numbers import is_number_word
from retrieval.opposites import POLES
from retrieval.verbs import (
    AFTER_A_VERB,
    AUX,
    BE,
    HAVE,
    HELPS,
    PRONOUNS,
    is_adverb,
    is_participle,
    verb_at,
)
from retrieval.words import STOP
from store.models import Frozen

GIVING = frozenset({"deal", "lend", "let"})
"""Verbs by which something goes from one to another, and those of the other side."""
_EITHER_WAY = frozenset({"rents", "rented", "leases", "leased", "hires"})
_SIDES = frozenset({"side", "trade", "work", "loan", "age", "gender"})
_LIGHT_VERBS = "have come came go goes went gone take took make made get got put"
LIGHT_VERBS = frozenset(folded(word) for word in _LIGHT_VERBS.split())
"""Verbs that say little of what is done."""
_LEADING = re.compile(
    r"^(?:(?:In|By|Since|in|by|since) \d{4},?\s+"
    r"|(?:in|on|at|after|before|during|since|until|by|for|from|under|with|according to|as|because"
    r" of|unlike|besides|within|upon)\b(?![^,]*\b(?:he|she|it|they|we|is|are|was|were)\b)[^,]*,\s+"
    r"|(?:if|when|while|because|although|where|once|unless|however"
    r"|nevertheless|later|then|but|and|so|yet)\b[^,]*,\s+"
    r"|(?:and|but|while|whereas|because|since|when|if|that|which|who|also)\s+)",
    re.IGNORECASE,
)
TOKEN = re.compile(r"[^\W_]+(?:[’'.&-][^\W_]+)*")


class Deed(Frozen):
    """A clause as who does what: `who`, `rest` and `words` of it before and behind the verb.

    `by` is who does it in the passive, `giver` and `taker` those between whom something goes;
    `pronoun` whether `who` is one, or left out, `thing` whether it may stand for a thing.
    """

    who: frozenset[str]
    verb: str
    rest: frozenset[str]
    by: frozenset[str] = frozenset()
    passive: bool = False
    pronoun: bool = False
    thing: bool = False
    ours: bool = False
    left_out: bool = False
    pole: int | None = None
    to: frozenset[str] = frozenset()
    gives: bool = False
    giver: frozenset[str] = frozenset()
    taker: frozenset[str] = frozenset()

    @property
    def done_by(self) -> frozenset[str]:
        return self.by if self.passive else self.who


@lru_cache(maxsize=8192)
def deed(text: str) -> Deed | None:
    """The deed that a clause tells first; None where no verb is found for sure."""
    text = text.strip()
    while (lead := _LEADING.match(text)) and text[lead.end() :].strip():
        text = text[lead.end() :]
    tokens = TOKEN.findall(text)
    at = verb_at(tokens)
    if at is None or tokens[0] == "Of":
        return None
    end = at
    while end < len(tokens) and (tokens[end].casefold() in HELPS or is_adverb(tokens[end])):
        end += 1
    if end >= len(tokens):
        return None
    helped = [t.casefold() for t in tokens[at:end] if t.casefold() in AUX]
    main, rest = tokens[end].casefold(), tokens[end + 1 :]
    passive = bool(BE & set(helped)) and is_participle(main)
    if not passive and helped and helped[-1] in BE and not main.endswith("ing"):
        main, rest = "be", tokens[end:]
    elif helped and helped[-1] in HAVE and tokens[end - 1] != "to" and not is_participle(main):
        main, rest = "have", tokens[end:]
    if not helped and is_participle(main) and rest[:1] == ["by"] and len(rest) > 1:
        # "the council, led by Nadia Karim", but "grew by EUR 4 million"
        named = (
            rest[1].casefold() in ("the", "a", "an", "its", "his", "her") or rest[1][0].isupper()
        )
        passive = named and not is_number_word(rest[1].casefold())
    deed_ = folded(main)
    if (
        deed_ in LIGHT_VERBS
        and not passive
        and rest
        and rest[0].casefold() not in STOP | AFTER_A_VERB
    ):
        deed_ = f"{deed_} {folded(rest[0].casefold())}"  # "took command"
    by: frozenset[str] = frozenset()
    if passive and "by" in rest:
        i = rest.index("by")
        agent = _noun_phrase(rest[i + 1 :])
        if not re.search(r"\d", " ".join(agent)):
            by, rest = people(agent), rest[:i] + rest[i + 1 + len(agent) :]
    before = tokens[:at]
    pronoun = not before or (before[0].casefold() in PRONOUNS and len(before) < 3)
    found = Deed(
        who=frozenset() if pronoun else people(before),
        verb=deed_, rest=people(rest), by=by, passive=passive, pronoun=pronoun,
        to=behind("to", rest),
        pole=POLES[main][0][1] if main in POLES else None,
        left_out=not before,
        ours=bool(before) and before[0].casefold() in ("we", "wir", "i"),
        thing=bool(before) and before[0].casefold() not in ("he", "she", "who", "er", "sie"),
    )  # fmt: skip
    gives = next((pole for name, pole in POLES.get(main, ()) if name in GIVING), None)
    if gives is None:
        return found
    if main in _EITHER_WAY and found.to and "from" not in rest:
        gives = 0  # "leases it to"
    to, from_ = behind("to", rest), behind("from", rest)
    if gives == 0 and not to and not passive and rest[:1] and rest[0][:1].isupper():
        named = _noun_phrase(rest)
        to = frozenset() if is_number_word(rest[0].casefold()) else people(named)
    giver, taker = (found.done_by, to) if gives == 0 else (from_, found.done_by)
    return found.model_copy(update={"gives": gives == 0, "giver": giver, "taker": taker})


def behind(word: str, rest: Sequence[str]) -> frozenset[str]:
    low = [t.casefold() for t in rest]
    return people(_noun_phrase(rest[low.index(word) + 1 :])) if word in low else frozenset()


@lru_cache(maxsize=16384)
def _person(word: str) -> str:
    sides = POLES.get(word, ())
    for name, pole in sides:
        if name in _SIDES:
            return f"{name} {pole}"
    return folded(word)


def party_words(text: str) -> frozenset[str]:
    """The parties that a text names: landlord and lessor as one, tenant as the other."""
    told = (_person(word.casefold()) for word in TOKEN.findall(text))
    return frozenset(word for word in told if word[:-2] in _SIDES)


def people(tokens: Sequence[str]) -> frozenset[str]:
    """Content words, of two parties (landlord, tenant) each by itself."""
    low = (re.sub(r"['’]s$", "", t.casefold()) for t in tokens)
    return frozenset(
        _person(part)
        for t in low
        for part in re.split(r"[-.]", t)
        if part not in STOP and len(part) > 1 and not is_number_word(part)
    )


def _noun_phrase(tokens: Sequence[str]) -> list[str]:
    """The words up to the next preposition or verb, at most six."""
    found: list[str] = []
    for token in tokens[:6]:
        low = token.casefold()
        if found and (low in AUX or (low in STOP and low not in ("the", "a", "an", "and", "of"))):
            break
        found.append(token)
    return found
