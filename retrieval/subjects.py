"""Who does what: whether a clause gives a deed to somebody else than the passages do.

A deed is compared with those of the same verb and much the same other words; where a verb is not
found for sure, nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from retrieval.clauses import Clause
from retrieval.deeds import LIGHT_VERBS, TOKEN, Deed, behind, deed, people
from retrieval.folding import folded

_ERGATIVE = frozenset({"⟨amount⟩", "⟨begin⟩", "⟨open⟩", "⟨fill⟩", "⟨switch⟩"})
"""What is done to a thing or what it does itself: it shrank, it was shrunk."""
_GENERAL_WORDS = "company organisation firm group party one user"
_GENERAL = frozenset(folded(word) for word in _GENERAL_WORDS.split())


def of_somebody_else(
    part: Clause, passages: Sequence[Sequence[Clause]], near: Collection[int]
) -> bool:
    """Whether the passages, each as its clauses, give the deed of `part` to others only.

    `near` are the passages that are likest to the claim.
    """
    said = deed(part.text)
    if said is None or said.verb in LIGHT_VERBS or not (said.who or said.by):
        return False
    others = False
    wanted = said.rest | (said.who if said.passive or said.verb == "be" else frozenset())
    for i, clauses_ in enumerate(passages):
        for j, clause_ in enumerate(clauses_):
            held = deed(clause_.text)
            if i in near and said.giver | said.taker and (not held or held.verb != said.verb):
                others = others or _goes_back(said, clause_)
            if held is None or held.verb != said.verb:
                continue
            if held.pole != said.pole and not (held.giver | held.taker):
                continue
            who = doers(passages, i, j, held)
            if _swapped(said, held, who):
                others = True
                continue
            words = TOKEN.findall(clause_.text)
            own = people(words) | (who or frozenset() if held.pronoun else frozenset())
            if "them" in words or "it" in words[2:]:
                own |= frozenset().union(*(people(TOKEN.findall(c.text)) for c in clauses_))
            shared = len(wanted & own)
            if shared < len(wanted) * (0.34 if i in near else 0.5) or (
                not shared and (wanted or i not in near)
            ):
                continue
            here = frozenset().union(*(people(TOKEN.findall(c.text)) for c in clauses_))
            agrees = _same_doer(said, held, who, here, passages)
            if agrees:
                return False
            others = others or agrees is False
    return others


def _same_doer(
    said: Deed,
    held: Deed,
    doers: frozenset[str] | None,
    here: frozenset[str],
    passages: Sequence[Sequence[Clause]],
) -> bool | None:
    """Whether the two have the same doer; None where that is not told. `here` are the words of the
    whole passage."""
    if held.left_out and not held.by and (said.done_by or said.who) & here:
        return True
    if said.giver | said.taker and held.giver | held.taker:
        giver, taker = held.giver, held.taker
        if held.pronoun and not held.passive and doers:
            giver, taker = (doers, taker) if held.gives else (giver, doers)
        if said.giver & taker or said.taker & giver:
            return False
        for one, other in ((said.giver, giver), (said.taker, taker)):
            if one and other and not one & other:
                return _other(one, other, passages)
        return True if said.giver & giver or said.taker & taker else None
    if said.verb == "be":
        if not doers or said.passive != held.passive:
            return None
        both = doers | held.rest
        return True if said.who & both else _other(said.who, doers, passages)
    if said.verb in _ERGATIVE and said.passive != held.passive and not (said.by or held.by):
        return None
    other = held.by if held.passive else doers
    if said.done_by and other:
        return bool(said.done_by & other) or _other(said.done_by, other, passages)
    if said.passive and held.passive and said.who and doers:
        if said.who & (doers | held.rest):
            return True
        if said.rest & held.rest and not said.who & here:
            return _other(said.who, doers, passages)
        return None
    if said.passive and not held.passive and said.who and doers and said.who & doers:
        return None if said.who & held.rest else False
    return None


def goes_alike(one: Deed, other: Deed) -> bool:
    """Whether the same is given or taken by the same: sold to them, bought by them."""
    if one.giver & other.taker or one.taker & other.giver:
        return False
    return bool(one.giver & other.giver or one.taker & other.taker)


def _goes_back(said: Deed, clause_: Clause) -> bool:
    """Whether a text without a deed of the kind has it come from whom the claim has take it."""
    words = TOKEN.findall(clause_.text)
    from_, to = behind("from", words), behind("to", words)
    return bool(
        (said.taker and said.taker <= from_ and said.giver & people(words))
        or (said.giver and said.giver <= to and said.taker & people(words))
    )


def _swapped(said: Deed, held: Deed, doers: frozenset[str] | None) -> bool:
    """Whether doer and done to have changed places."""
    other = held.by if held.passive else doers
    gives = held.giver | held.taker
    if held.passive and not (held.by or gives) and said.done_by and said.done_by <= held.to:
        return True  # "they are reported to the authority"
    if said.verb == "be" or said.gives != held.gives or not said.done_by:
        return False
    done, to = (d.who if d.passive else d.rest for d in (said, held))
    if not other:  # "we share them with Medipay"
        return held.ours and bool(said.done_by & to)
    forth, back = said.done_by & to, done & other
    if said.done_by & other or not forth:
        return False
    return bool(back - to) or (said.passive and not done & to)


def _other(
    one: frozenset[str], other: frozenset[str], passages: Sequence[Sequence[Clause]]
) -> bool | None:
    """False where the two are not called one anywhere, as in “the treasurer, Lena Fischer, …”."""
    if not (one - _GENERAL and other - _GENERAL):
        return None
    known: set[str] = set()
    for clauses_ in passages:
        for clause_ in clauses_:
            found = deed(clause_.text)
            called = found.who if found else people(TOKEN.findall(clause_.text))
            if found and found.verb == "be":
                called = found.who | found.rest
            if len(called) < 7 and called & one and called & other:
                return None
            if found and found.verb in one | other and found.done_by & (one | other):
                return None  # the founder is who founded it
            known |= clause_.words | called
    # Another word for the same is found nowhere in what was read.
    return False if one & known else None


def doers(
    passages: Sequence[Sequence[Clause]], i: int, j: int, held: Deed
) -> frozenset[str] | None:
    """The words before the verb; of a pronoun those of whom it may stand for; None where nobody is
    found."""
    if not held.pronoun:
        return held.who
    found: set[str] = set()
    named = 0
    for k in range(i, max(-1, i - 5), -1):
        for clause_ in reversed(passages[k][:j] if k == i else passages[k]):
            before = deed(clause_.text)
            if before and not before.pronoun:
                found |= before.who | (before.rest if held.thing else frozenset())
                named += 1
                if k == i and not held.thing:
                    return frozenset(found)
        if named > 1:
            break
    return frozenset(found) or None
