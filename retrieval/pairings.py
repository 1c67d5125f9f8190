"""Whether what belongs together in a passage does so in the claim: three books, half of the
exports, the finance director, 61 votes to 20, costs that rose because of wages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from retrieval.clauses import told_by
from retrieval.deeds import party_words
from retrieval.numbers import Number, agree, numbers
from retrieval.words import STOP

_COUNTED = re.compile(r"[\s-]+([a-z]{3,})(?:[\s-]+([a-z]{3,}))?")
_OF = re.compile(
    r"^\s*(?:%|percent|per cent)?\s+of\s+(?:the |its |our |their |all )*((?:[\w’'-]+ ?){1,3})"
)
_TO = re.compile(r"^\s*(?:\w+\s+)?(?:to|against)\s+$")
_TITLED = re.compile(
    r"\b([a-z]{4,}) (director|officer|manager|secretary|minister|engineer|president|editor|judge"
    r"|teacher|adviser|advisor|assistant|controller|auditor|architect|board|committee|department)\b"
)
_NO_TITLE = frozenset(
    [
        "with",
        "from",
        "that",
        "this",
        "their",
        "its",
        "former",
        "acting",
        "deputy",
        "current",
        "then",
    ]
)
_BECAUSE = re.compile(
    r"\b(?:because(?: of)?|due to|owing to|as a result of|thanks to|on account of|caused by)\b",
    re.IGNORECASE,
)
_OF_ALL = re.compile(r"\b(?:all|every)(?: of)?(?: the)? ([a-z]{3,})\b", re.IGNORECASE)
_OF_THEM = re.compile(
    r"\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|some|most|many|few|several)"
    r" of (?:them|these|those|whom|which)\b",
    re.IGNORECASE,
)


def mispaired(claim: str, held: str, passage: str) -> list[str]:
    """What the claim puts with something else than the passage does; `held` is the passage's clause
    that it repeats."""
    found: list[str] = []
    found += _counts(claim, passage)
    found += _shares_of(claim, passage)
    found += _scores(claim, passage)
    found += _titles(claim, passage)
    found += _causes(claim, passage)
    found += _alls(claim, held)
    found += _owners(claim, passage)
    found += _belongings(claim, held)
    return found


def _counts(claim: str, passage: str) -> Iterator[str]:
    """Six weeks where the passage has six books and three weeks."""
    said, written = _counted(claim), _counted(passage)
    for number, noun in said:
        others = [n for n, other in written if other == noun]
        if not others or any(agree(number, n) for n in others):
            continue
        if any(_same_value(number, n) for n, _ in written):
            yield f"“{number.value}” is said of other things"


def _counted(text: str) -> list[tuple[Number, str]]:
    found: list[tuple[Number, str]] = []
    for number in numbers(text):
        match = _COUNTED.match(text[number.end :])
        for noun in match.groups() if match and not number.is_year else ():
            if noun in STOP or noun is None:
                break
            found.append((number, noun.rstrip("s")))
    return found


def _same_value(one: Number, other: Number) -> bool:
    return bool({v for v, _, _ in one.readings} & {v for v, _, _ in other.readings})


def _shares_of(claim: str, passage: str) -> Iterator[str]:
    """Half of the revenue where the passage has half of the exports."""
    for number in numbers(claim):
        of = _OF.match(claim[number.end :])
        if number.measures != {"percent"} or of is None:
            continue
        wholes = [
            _whole(match[1])
            for n in numbers(passage)
            if agree(number, n) and (match := _OF.match(passage[n.end :]))
        ]
        if all(wholes) and wholes and not any(_whole(of[1]) & whole for whole in wholes):
            yield f"“{number.digits}” is said of another whole"


def _whole(text: str) -> frozenset[str]:
    """The words up to the first that says nothing: “exports” of “exports went to”."""
    kept: list[str] = []
    for word in text.split():
        if word in STOP and not kept:
            return frozenset()
        if word in STOP:
            break
        kept.append(word)
    return told_by(" ".join(kept))


def _scores(claim: str, passage: str) -> Iterator[str]:
    """61 votes to 5 where the passage has 61 to 20."""
    said, written = list(_pairs(claim)), list(_pairs(passage))
    for a, b in said:
        others = [d for c, d in written if agree(a, c)]
        if others and not any(agree(b, d) for d in others):
            yield "the passage has another result"


def _pairs(text: str) -> Iterator[tuple[Number, Number]]:
    found = [n for n in numbers(text) if not n.is_year]
    for a, b in pairwise(found):
        if _TO.match(text[a.end : b.start]) and not a.measures and not b.measures:
            yield a, b


def _titles(claim: str, passage: str) -> Iterator[str]:
    """The managing director where the passage has the finance director only."""
    written: dict[str, set[str]] = {}
    for match in _TITLED.finditer(passage):
        written.setdefault(match[2], set()).add(match[1])
    lowered = passage.casefold()
    for match in _TITLED.finditer(claim):
        word, head = match[1], match[2]
        if word in STOP or word in _NO_TITLE or word in lowered:
            continue
        others = {w for w in written.get(head, ()) if w not in STOP and w not in _NO_TITLE}
        if others and not any(other in claim.casefold() for other in others):
            yield f"the passage speaks of another {head}"


def _causes(claim: str, passage: str) -> Iterator[str]:
    """A cause that is none of those which the passage names."""
    said, written = _BECAUSE.search(claim), _BECAUSE.search(passage)
    if said and written:
        cause, other = told_by(claim[said.end() :]), told_by(passage[written.end() :])
        effect = told_by(passage[: written.start()])
        if cause and other and not cause & other and not cause <= effect:
            yield "the passage names another cause"


def _alls(claim: str, held: str) -> Iterator[str]:
    """All flights where the passage speaks of longer flights, or of eleven of them."""
    match = _OF_ALL.search(claim)
    if match is None:
        return
    if _OF_THEM.search(held) and not _OF_THEM.search(claim):
        yield "the passage says it of some"
        return
    if re.search(r"\b(?:all|every|each|any|both)\b", held, re.IGNORECASE):
        return
    for found in re.finditer(rf"\b([a-z-]+) {re.escape(match[1])}\b", held):
        word = found[1]
        unsaid = word not in STOP and not word.isdigit() and word not in claim.casefold()
        if unsaid and not numbers(word):
            yield "the passage says it of some"
            return


def _belongings(claim: str, held: str) -> Iterator[str]:
    """The consent of the tenant where the passage has the landlord's."""
    said, written = _owned(claim), _owned(held)
    for noun, owner in said:
        others = [other for n, other in written if n == noun]
        if others and owner not in others and owner not in party_words(held):
            yield f"the passage speaks of another's {noun}"


def _owned(text: str) -> list[tuple[str, str]]:
    """(what, whose) of each “consent of the tenant” and “tenant's consent”, of parties only."""
    found = [(m[1], m[2]) for m in re.finditer(r"\b([a-z]{4,}) of (?:the |an? )?(\w+)", text)]
    found += [(m[2], m[1]) for m in re.finditer(r"\b(\w+)['’]s? ([a-z]{4,})", text)]
    return [(noun, party) for noun, whose in found for party in party_words(whose)]


def _owners(claim: str, passage: str) -> Iterator[str]:
    """Leonard Birch where the passage speaks of Leonard Birch's nephew."""
    for match in re.finditer(r"\b([A-Z][a-z]+ [A-Z][a-z]+)(?!['’]?s?['’]|\w)", claim):
        name = re.escape(match[1])
        owned = re.findall(rf"{name}['’]s? ([a-z]+)", passage)
        if not owned or re.search(rf"{name}(?!['’])\b", passage.replace("’", "'")):
            continue
        if not any(told_by(noun) & told_by(claim) for noun in owned):
            yield f"the passage speaks of what is {match[1]}'s"
