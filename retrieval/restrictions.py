"""Whether a clause drops, adds or widens a restriction: only, except, all, some, how often, may.

Each rule compares a clause with the passage that it repeats; the two already share their matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from retrieval.clauses import told_by
from retrieval.deeds import deed
from retrieval.derived import partial
from retrieval.numbers import agree, numbers
from retrieval.periods import periods
from retrieval.polarity import polarity

_ONLY = re.compile(r"\b(?:only|solely|exclusively|nur|solo|sólo|just)\b", re.IGNORECASE)
_LIMITING = re.compile(
    r"\b(?:only|solely|exclusively|sole|just|merely|alone|unless|except\w*|exclud\w+|other than"
    r"|apart from|limited to|restricted|reserved|must|shall|requir\w+|need\w*|until|before"
    r"|subject to"
    r"|provided|no other|nobody else|nothing else|but not|not|none|nur|solo|sólo|werktags"
    r"|ausgenommen"
    r"|excepto|mandatory)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\s*(?:the |an? )?((?:[\w-]+\s+){1,3}?)(?:may|can|must|is|are|was|were|has|have)\b"
)
_EXCEPT = re.compile(
    r"\b(?:except(?: for| in| at| when| on)?|excluding|with the exception of|other than|apart from"
    r"|all but|unless|but (?=one\b|two\b|for\b)|ausgenommen|excepto|außer)\b",
    re.IGNORECASE,
)
_EVEN = re.compile(r"\b(?:even|including|regardless of|also|as well as|includ\w+)\b", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:all|(?:every|each)(?! (?:\w+ )?(?:hour|day|week|month|quarter"
    r"|year))|always|everywhere|everyone|everybody|anyone|anybody|entire|whole|both"
    r"|any|fully|entirely|completely|without exception|alle|jede[rsnm]?|todos|todas|at any time)\b",
    re.IGNORECASE,
)
_EVERYONE = re.compile(r"\b(?:all|every|everyone|everybody|anyone|anybody)\b", re.IGNORECASE)
_MOST = re.compile(
    r"(?<!at )(?<!at the )\b(?:(?<!the )most(?! recent)|majority|mostly|mainly|chiefly|largely"
    r"|nearly all|almost all|predominantly)\b",
    re.I,
)
_SOME = re.compile(
    r"\b(?:some|several|few|certain|partly|partially|sometimes|occasionally|a number of|minority"
    r"|einige|algunos|algunas)\b",
    re.IGNORECASE,
)
_MUST = re.compile(
    r"\b(?:must|shall|has to|have to|had to|obliged|obligated|required to|mandatory|obligatory|muss"
    r"|müssen|debe|deben)\b"
)
_MAY = re.compile(
    r"\b(?:may|can|could|might|optional(?:ly)?|voluntar(?:y|ily)|free to|allowed to|permitted to"
    r"|entitled to|darf|kann|puede|pueden)\b"
)
_CONDITION = re.compile(
    r"\b(?:if|only|unless|provided|until|before|not|never|no|cannot|without|with|after|when|nicht"
    r"|kein\w*|except)\b",
    re.IGNORECASE,
)


def loosened(claim: str, held: str, passage: str) -> list[str]:
    """What restriction the claim says otherwise than `held`, the clause of `passage` it repeats."""
    found: list[str] = []
    found += _only(claim, passage)
    found += _exceptions(claim, passage)
    found += _quantities(claim, held, passage)
    found += _how_often(claim, held, passage)
    found += _duty(claim, held)
    return found


def _only(claim: str, passage: str) -> Iterator[str]:
    """“Only” of what the passage does not restrict, or not of what it restricts."""
    claimed = _focus(claim)
    apart = _EXCEPT.search(passage)
    if claimed and apart and claimed & told_by(passage[apart.end() :]):
        if polarity(claim).negated == polarity(passage[: apart.start()]).negated:
            yield "the passage makes an exception of it"
        return
    if claimed and not _LIMITING.search(passage):
        yield "the passage does not say “only”"
    focus = _focus(passage)
    # Part of a restriction is enough to have named it.
    named = focus & told_by(claim)
    if _EVERYONE.search(claim):
        only = _ONLY.search(passage)
        limits = numbers(passage[only.end() :]) if focus and only else []
        named = focus <= told_by(claim) and all(
            any(agree(n, limit) for n in numbers(claim)) for limit in limits[:1]
        )
    if focus and not named and not _LIMITING.search(claim):
        rest = told_by(passage) - focus
        if len(told_by(claim) & rest) >= 2 or _ALL.search(claim):
            yield "the passage says “only”"


def _focus(text: str) -> frozenset[str]:
    """The words that “only” restricts; none where it stands before a number."""
    match = _ONLY.search(text)
    if match is None or re.match(r"\s+(?:about |EUR |GBP |USD |[€£$])?\d", text[match.end() :]):
        return frozenset()
    behind = re.split(r"[;,.]|\b(?:and|but)\b", text[match.end() :])[0]
    if any(n.start < 5 for n in numbers(behind[:20])):
        return frozenset()
    named = _SUBJECT.match(behind)
    return told_by(named[1] if named else behind)


def _exceptions(claim: str, passage: str) -> Iterator[str]:
    """An exception that the claim denies: “in all halls”, “even in cases of negligence”."""
    match = _EXCEPT.search(passage)
    if match is None:
        return
    excepted = told_by(re.split(r"[;,.]", passage[match.end() :])[0])
    said = told_by(claim)
    even = _EVEN.search(claim)
    if even and excepted & told_by(claim[even.end() :]) and not _EXCEPT.search(claim):
        yield "the passage makes an exception of it"
    new = excepted - told_by(passage[: match.start()])
    values = numbers(passage[match.end() :])
    named = new & said if new else any(agree(a, b) for a in numbers(claim) for b in values)
    if _ALL.search(claim) and not named and not _LIMITING.search(claim):
        yield "the passage makes an exception"


def _quantities(claim: str, held: str, passage: str) -> Iterator[str]:
    """All of what the passage says of some, most of what it says of few."""
    wholes = [] if partial(claim) else [whole for whole, _ in partial(held)]
    if any(agree(n, whole) for n in numbers(claim) for whole in wholes):
        said, written = deed(claim), deed(held)
        if said and written and said.verb == written.verb:
            yield "the passage says it of a part"
            return
    all_, most = _ALL.search(claim), _MOST.search(claim)
    if most and not (_MOST.search(passage) or _ALL.search(passage)) and not _share(claim, passage):
        yield "the passage does not say “most”"
    if not (all_ or most) or _EXCEPT.search(claim):
        return
    less = _SOME.search(held) or (all_ and _MOST.search(held))
    if all_ and _EXCEPT.search(held) is None and less and not _ALL.search(held):
        counted = claim[all_.end() : all_.end() + 30]
        if told_by(counted) & told_by(held) or not told_by(counted):
            yield "the passage says it of some"
    elif most and not all_ and _SOME.search(held) and not _MOST.search(held):
        yield "the passage says it of some"


def _share(claim: str, passage: str) -> bool:
    """Whether the passage has a share, or two numbers that make one, of more than a half."""
    least = 80 if re.search(r"\b(?:nearly|almost) all\b", claim, re.IGNORECASE) else 50
    found = [n for n in numbers(passage) if not n.is_year]
    if any(n.measures == {"percent"} and Decimal(n.value) > least for n in found):
        return True
    values = [Decimal(n.value) for n in found if not n.measures]
    return any(100 * a > least * b > 0 and a < b for a in values for b in values)


def _how_often(claim: str, held: str, passage: str) -> Iterator[str]:
    said = periods(claim)
    written = periods(held) or periods(passage)
    if said and written and not said & written:
        yield "the passage says another interval"


def _duty(claim: str, held: str) -> Iterator[str]:
    """May for must and must for may, where neither is denied or sets a condition."""
    may, must = _MAY.search(claim), _MUST.search(claim)
    free, bound = _MAY.search(held), _MUST.search(held)
    if any(_CONDITION.search(text) for text in (claim, held)):
        return
    if (may and not must and bound and not free) or (must and not may and free and not bound):
        yield "the passage says “may” or “must” otherwise"
