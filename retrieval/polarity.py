"""Whether two clauses say a thing or its opposite: negations, opposites, and what stands where.

Two clauses about the same thing contradict each other where an odd number of these differ:
whether it is negated, a word and its opposite (rose, fell), and the sides of a comparison.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from pydantic import Field

from retrieval.numbers import Number, numbers
from retrieval.opposites import (
    ALLOWED,
    COMPARED,
    CONVERSE,
    DENYING,
    EXPLAINING,
    FREELY,
    IMPLIED,
    NEEDS,
    NEGATIONS,
    POLE_STEMS,
    POLES,
    REWRITTEN,
    WITHOUT,
)
from retrieval.words import STOP, content_stems, stem, words
from store.models import Frozen

_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?(?:\w+ed|lent|sold|bought|led|got)\b"
)


class Polarity(Frozen):
    """How a clause says what it says. `poles` are the opposites it uses; `left` and `right`
    what it compares, `scope` the stems that a negation is said of."""

    negated: bool
    conditional: bool
    implied: frozenset[str]
    freely: bool
    needs: bool
    allowed: bool
    poles: dict[str, frozenset[int]]
    passive: bool = False
    row: bool = False
    unsure: frozenset[str] = frozenset()
    stems: frozenset[str] = frozenset()
    scope: frozenset[str] = frozenset()
    freed: frozenset[str] = frozenset()
    denied: dict[str, frozenset[str]] = Field(default_factory=dict)
    left: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()


@lru_cache(maxsize=4096)
def polarity(clause: str) -> Polarity:
    text = _rewritten(clause)
    found = re.findall(r"⟨\w+⟩|[^\W\d_]+", text)
    poles: dict[str, set[int]] = {}
    unsure: set[str] = set()
    for word in found:
        if word in POLES and not word.startswith("⟨"):
            for name, pole in POLES[word]:
                poles.setdefault(name, set()).add(pole)
                if len(POLES[word]) > 1:
                    unsure.add(name)
    for match in re.finditer(r"⟨\w+⟩", text):
        of = next(iter(numbers(text[match.end() : match.end() + 30])), None)
        poles.setdefault(bound(of), set()).add(POLES[match.group()][0][1])
    left, right = _sides(text)
    negated = sum(word in NEGATIONS for word in found) % 2 == 1
    freely = FREELY.search(text) is not None
    return Polarity(
        # "not without consent" forbids nothing: it sets a condition.
        negated=negated and not freely,
        conditional=negated and freely,
        implied=frozenset(m.group() for m in IMPLIED.finditer(text)),
        freely=freely and not negated,
        allowed=ALLOWED.search(text) is not None,
        needs=NEEDS.search(text) is not None,
        poles={name: frozenset(found) for name, found in poles.items()},
        left=left,
        right=right,
        passive=_PASSIVE.search(text) is not None,
        row="\t" in clause,
        unsure=frozenset(unsure),
        stems=frozenset(map(stem, found)),
        scope=frozenset(_scope(found)),
        freed=frozenset(_scope(found, WITHOUT)),
        denied={
            name: frozenset(stem(w) for w in _around(found, i))
            for i, word in enumerate(found)
            for name, pole in POLES.get(word, ())
            if pole == 1 and name in DENYING
        },
    )


def bound(of: Number | None) -> str:
    """The pole of what bounds a number."""
    value = f"{max(value for value, _, _ in of.readings).normalize():f}" if of else ""
    return f"bound {value}".strip()


def contradict(claim: Polarity, held: Polarity, turned: bool = False) -> bool:
    """Whether the clauses, which are about the same, say opposite things. `turned`: the names in
    them stand the other way round."""
    if held.conditional and not claim.conditional:
        return not (claim.needs or claim.negated)
    if claim.conditional and not held.conditional:
        return not (held.needs or held.negated)
    compared = bool(claim.left | claim.right) and bool(held.left | held.right)
    odd = claim.negated != held.negated
    if held.negated and odd and held.scope and not held.scope & claim.stems:
        odd = False  # It is said of something that the claim leaves out.
    if claim.negated and odd and claim.scope and not claim.scope & held.stems:
        odd = False  # What is denied is not what is said.
    unknown = odd and bool(
        held.implied - claim.implied if claim.negated else claim.implied - held.implied
    )
    odd = odd and not unknown
    odd = odd != (_prefixed(claim, held) != _prefixed(held, claim))
    if claim.freely != held.freely and not (claim.allowed or held.allowed):
        odd = not odd  # "without a bonus" is "no bonus"
    elif claim.freely != held.freely and not (claim.negated or held.negated):
        # "May assign without consent" also says "may assign", not "with consent".
        odd = odd != (claim.freely or bool(held.freed & claim.stems))
    for name in claim.poles.keys() | held.poles.keys():
        poles, against = claim.poles.get(name), held.poles.get(name)
        if name.startswith("bound ") and (poles is None or against is None):
            # "at least 0.8" and "the minimum is 0.8"
            poles, against = poles or claim.poles.get("bound"), against or held.poles.get("bound")
        if poles and against and not poles & against:
            if 2 in poles or 2 in against:  # neither more nor less
                return not (claim.negated or held.negated)
            odd = not odd
            if name in CONVERSE and claim.passive != held.passive and not (turned or held.row):
                odd = not odd
        elif not (poles and against) and (poles or against) == {1}:
            lone = name not in (claim.unsure | held.unsure) and not unknown
            lone = lone and not (held.implied ^ claim.implied)
            near = (claim if poles else held).denied.get(name, frozenset())
            about = not near or near & (held if poles else claim).stems
            if (name in DENYING and lone and about) or (name in EXPLAINING and odd):
                odd = not odd
    return odd != (_sides_turned(claim, held) if compared else turned)


def turns(claim: Polarity, held: Polarity) -> bool:
    """Whether a word of the one has its opposite in the other, as lent and borrowed."""
    return any(not poles & held.poles.get(n, poles) for n, poles in claim.poles.items())


def without_bounds(text: str) -> str:
    """`text` folded, without words such as “up to” and “no later than”, which are no content."""
    return re.sub(r"⟨\w+⟩|\b(?:against|up|down)\b", " ", _rewritten(text))


def one_sided(stemmed: str) -> bool:
    """Whether a stem is that of a word with an opposite."""
    return stemmed in POLE_STEMS


def neutral(word: str) -> str:
    """The same word for a word and its opposite."""
    return f"⟨{POLES[word][0][0]}⟩" if word in POLES else word


@lru_cache(maxsize=4096)
def _rewritten(clause: str) -> str:
    text = clause.casefold()
    for pattern, instead in REWRITTEN:
        text = re.sub(pattern, instead, text)
    return text


def _sides(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Content stems before and after a comparing word; what it opens with goes to its right."""
    match = COMPARED.search(text)
    if match is None:
        return frozenset(), frozenset()
    before, after = text[: match.start()], text[match.end() :]
    if not words(before):
        if "," not in after:
            return frozenset(), frozenset()
        after, _, before = after.partition(",")
    left, right = set(content_stems(before)), set(content_stems(after))
    return frozenset(left - right), frozenset(right - left)


def _sides_turned(claim: Polarity, held: Polarity) -> bool:
    """Whether what the one compares with stands on the other's other side."""
    crossed = len(claim.right & held.left), len(claim.left & held.right)
    straight = len(claim.right & held.right), len(claim.left & held.left)
    if claim.right and held.right and crossed[0] > straight[0] and crossed[1]:
        return True
    return sum(crossed) > sum(straight)


def _scope(found: list[str], signs: Collection[str] = NEGATIONS) -> Iterator[str]:
    """The stems of the next words with meaning behind each negation."""
    for i, word in enumerate(found):
        if word in signs:
            behind = (w for w in found[i + 1 :] if w not in STOP and w not in NEGATIONS)
            yield from (stem(w) for w, _ in zip(behind, range(3), strict=False))


def _around(found: list[str], i: int) -> list[str]:
    """What is excluded or rejected: the words behind "excluding", else those on both sides."""
    behind = [w for w in found[i + 1 :] if w not in STOP][:3]
    before = [] if found[i].endswith("ing") else [w for w in found[:i] if w not in STOP][-4:]
    return behind + before


_PREFIXES = ("un", "in", "im", "ir", "il", "non", "dis", "mis")


def _prefixed(one: Polarity, other: Polarity) -> bool:
    """Whether the one says insufficient or unlocked where the other says sufficient or locked."""
    theirs = other.stems - one.stems
    bases = [
        word.removeprefix(prefix)
        for word in one.stems - other.stems
        for prefix in _PREFIXES
        if len(word) > len(prefix) + 3 and word.startswith(prefix)
    ]
    # "independent" and "depend"
    return any(
        base == word or (len(word) > 4 and base.startswith(word) and len(base) < len(word) + 4)
        for base in bases
        for word in theirs
    )
