"""Who does it to whom: whether two names have changed their roles between two clauses."""

from __future__ import annotations

import re

from retrieval.clauses import Clause, clause
from retrieval.polarity import polarity, turns

_BEFORE_A_NAME = re.compile(r"\b(?:by|von|por)\s+(?:\w+\.?\s+){0,4}$", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"\b(in|at|for|from|to|on|of|with|near|between|von|zu|de|a|para)\s+(?:the\s+)?$", re.IGNORECASE
)
_OWNED = re.compile(r"^['’]s\b|\b(?:his|her|its|their|whose)\b", re.IGNORECASE)
_JOINED = re.compile(r"^[\s,]*(?:(?:and|or|und|oder|y|o|,)\s*)+$", re.IGNORECASE)
_WAY = re.compile(r"\bfrom [A-Z][\w ]* to [A-Z]")
_AS_MUCH = re.compile(r"\bas (?:much|many|\w+) (?:\w+ ){0,3}as\b", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:is|are|was|were|been|be|being|wurde|wird|fue|está)\b", re.IGNORECASE)


def turned(claim: Clause, held: Clause) -> bool:
    """Whether two names that stand in both clauses, with the same verb, have changed places."""
    shared = [n for n in claim.names if any(_same(n, other) for other in held.names)]
    if len(shared) < 2 or _AS_MUCH.search(claim.text):
        return False
    one, other = shared[:2]
    said, written = _order(claim.text, one, other), _order(held.text, one, other)
    if said is None or written is None or said[0] == written[0]:
        return False
    # Without a verb in common they may tell of two things.
    if _WAY.search(claim.text) and _WAY.search(held.text):
        return True
    return bool(said[1] & written[1]) or turns(polarity(claim.text), polarity(held.text))


def _order(text: str, one: tuple[str, ...], other: tuple[str, ...]) -> tuple[bool, set[str]] | None:
    """(whether `one` does it to `other`, stems between the two); None where that cannot be told."""
    a, b = _place(text, one), _place(text, other)
    if a is None or b is None or a[0] == b[0]:
        return None
    first, second = sorted((a, b))
    between = text[first[1] : second[0]]
    if _JOINED.match(between):
        return None
    stems = set(clause(between).stems)
    if re.search(r",\s*followed by\b", between):
        return first == a, stems
    if _PASSIVE.search(between) and _BEFORE_A_NAME.search(between):
        return first != a, stems
    straight = (first == a) != (_OWNED.search(between) is not None)
    opens, follows = _PREPOSITION.search(text[: first[0]]), _PREPOSITION.search(between)
    if opens and opens[1].casefold() not in ("from", "of") and not follows:
        return not straight, stems  # "For the board, A ..." names first what it is done to
    return straight, stems


def _place(text: str, name: tuple[str, ...]) -> tuple[int, int] | None:
    pattern = r"[\s.-]+(?:& )?".join(re.escape(word) for word in name)
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)
    return match.span() if match else None


def _same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return set(one) <= set(other) or set(other) <= set(one)
