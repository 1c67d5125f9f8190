"""Whether the numbers and names of a clause stand in the passages where the clause is said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.alignment import SAME_MATTER, Anchor, Passage, aligned, anchors, share
from retrieval.clauses import Clause, clause
from retrieval.deeds import deed
from retrieval.derived import complement, is_derived
from retrieval.facts import MONTHS, held_in, holds_number
from retrieval.numbers import Number
from retrieval.periods import periods, spans
from retrieval.polarity import one_sided
from retrieval.subjects import doers
from retrieval.words import stem, words

CLEARLY = 0.34
"""How much more of a clause's words another sentence holds to be the one it is about."""
SLIGHTLY = 0.15
TOGETHER = 0.5
"""Share of a clause's words that one document must hold."""
IN_ONE = 0.7
"""Share of a clause's words that one passage must hold for us to add its footnote."""

_PRONOUN = re.compile(r"^(?:it|its|they|their|this|these|he|she|his|her|er|sie|es|dies\w*)\b", re.I)


def scattered(part: Clause, passages: Sequence[Passage], cited: bool) -> list[str]:
    """The clause where no document has all of its numbers and names and enough of its words; where
    it is not cited, no single passage most of its words."""
    if not cited and part.words and max(_told(part.words, p) for p in passages) < IN_ONE:
        return [f"no passage says “{part.text}”"]
    documents: dict[str, list[Passage]] = {}
    for passage in passages:
        documents.setdefault(passage.source.document_id, []).append(passage)
    for of in documents.values():
        words = frozenset().union(*(p.words | p.near for p in of))
        text = "\n".join(p.text for p in of)
        wanted = frozenset(w for w in part.words if not (cited and one_sided(w)))
        if all(
            anchor.is_in(text) or (anchor.number and _worked_out(anchor.number, part, of))
            for anchor in anchors(part)
        ) and (len(wanted) < 2 or len(wanted & words) >= TOGETHER * len(wanted)):
            return []
    return [f"no document says “{part.text}”"]


def _told(wanted: frozenset[str], passage: Passage) -> float:
    return len(wanted & (passage.words | passage.near)) / len(wanted)


def _worked_out(number: Number, part: Clause, passages: Sequence[Passage]) -> bool:
    return any(
        is_derived(number, part.text, p.text)
        or complement(number, part.text, p.text)
        or any(s <= number.start < e and h in periods(p.text) for s, e, h in spans(part.text))
        for p in passages
        if part.words & p.words
    )


def torn(parts: Sequence[Clause], passages: Sequence[Passage]) -> list[str]:
    """Numbers that a sentence puts together from two halves of a passage: “below 99 % the credit is
    10 %” of “below 99.9 % it is 10 %; below 99 % 30 %”."""
    claim = " ".join(part.text for part in parts)
    said = [n for part in parts for n in part.numbers if not n.is_year]
    if len(said) < 2:
        return []
    whole = [p for p in passages if all(holds_number(n, held_in(p.text)) for n in said)]
    halves = [[half for half in p.text.split(";") if half.strip()] for p in whole]
    if whole and all(len(of) > 1 and _apart(said, of, claim) for of in halves):
        return ["its numbers belong to different things"]
    return []


def _apart(said: Sequence[Number], halves: Sequence[str], claim: str) -> bool:
    """Whether no half has all of the numbers, and two have some with another value for the rest."""
    held = [held_in(half) for half in halves]
    if any(all(holds_number(n, h) for n in said) for h in held):
        return False
    with_rivals = 0
    for half, h in zip(halves, held, strict=True):
        own = [n for n in said if holds_number(n, h)]
        rest = [n for n in said if n not in own]
        with_rivals += bool(own) and any(Anchor(number=n).rivals(clause(half), claim) for n in rest)
    return with_rivals > 1


def displaced(
    part: Clause, passages: Sequence[Passage], sentence: Sequence[Clause] = ()
) -> list[str]:
    """Numbers, dates, names and codes that the passages say of something else; `sentence` are all
    clauses of the claim."""
    found: list[str] = []
    known = tuple(n for n in part.numbers if not _worked_out(n, part, passages))
    if any(complement(n, part.text, p.text) for n in part.numbers for p in passages):
        known = ()
    part = part.model_copy(update={"numbers": known})
    together = tuple(n for other in sentence for n in other.numbers)
    context = frozenset().union(*(other.words for other in sentence))
    for anchor in anchors(part):
        own = [p for p in passages if anchor.is_in(p.text)]
        spoken = {stem(w) for w in anchor.name} | {anchor.code}
        if anchor.number and anchor.number.is_year:
            spoken.add(anchor.number.digits)
        if anchor.date:
            spoken |= {stem(month) for month in MONTHS}
        wanted = part.words - spoken
        if len(wanted) < 3 and not anchor.name:
            wanted |= context - spoken
        if anchor.name and _speaks(part, spoken) and any(_heading(p) for p in own):
            continue
        if anchor.name:
            own += [p for p in _by_pronoun(part, spoken, passages) if p not in own]
        if not own or not wanted:
            continue
        best = max(share(wanted, p) for p in own)
        near = [p for p in own if share(wanted, p) >= best - 0.05]
        if not anchor.name and any(_told_by_deed(part, p, anchor) for p in near):
            continue
        if all(_misplaced(anchor, part, wanted, p, together) for p in near) or any(
            _elsewhere(anchor, wanted, best, near[0], other, part.text)
            for other in passages
            if other not in own and other.source.document_id == near[0].source.document_id
        ):
            found.append(f"“{_shown(anchor)}” is said of something else")
    return found


def _told_by_deed(part: Clause, passage: Passage, anchor: Anchor) -> bool:
    """Whether a clause has the value, and the same doer and verb as the claim."""
    said = deed(part.text)
    return any(
        anchor.is_in(c.text)
        and (held := deed(c.text)) is not None
        and said is not None
        and held.verb == said.verb
        and bool(held.who & said.who)
        and said.who - held.who <= _first_names(part)
        for c in passage.clauses
    )


def _first_names(part: Clause) -> frozenset[str]:
    return frozenset(stem(name[0]) for name in part.names if len(name) == 2)


def _by_pronoun(part: Clause, name: set[str], passages: Sequence[Passage]) -> list[Passage]:
    """The passages that say what the clause says of he, she or it, meaning the name."""
    every = [p.clauses for p in passages]
    found: list[Passage] = []
    for i, passage in enumerate(passages):
        for j, of in enumerate(passage.clauses):
            told = deed(of.text)
            if told is None or aligned(part, passage) is not of:
                continue
            if told.pronoun and name & (doers(every, i, j, told) or frozenset()):
                found.append(passage)
                break
    return found


def _speaks(part: Clause, name: set[str]) -> bool:
    """Whether the named one does what the clause tells, or it is said of something of theirs."""
    said = deed(part.text)
    of = " ".join(re.findall(r"\bof (?:the )?((?:[A-Z][\w’'-]*\s*)+)", part.text))
    of += " ".join(re.findall(r"((?:[A-Z][\w-]*\s*)+)['’]s\b", part.text))
    return said is None or bool(name & said.done_by) or bool(name & {*map(stem, words(of))})


def _heading(passage: Passage) -> bool:
    """Whether it only names what follows: “Privacy notice of Lumen Health”."""
    return all(deed(c.text) is None for c in passage.clauses) and not passage.row


def _misplaced(
    anchor: Anchor,
    part: Clause,
    wanted: frozenset[str],
    passage: Passage,
    together: Sequence[Number] = (),
) -> bool:
    """Whether the passage says it in another clause than the one that the claim repeats."""
    if share(wanted, passage) < SAME_MATTER:
        return False
    said = aligned(part, passage, anchor)
    for numbers in (part.numbers, together):
        others = [n for n in numbers if n != anchor.number]
        if anchor.number and others:
            for c in passage.clauses:
                held = held_in(c.text)
                enough = any if anchor.number.is_year else all
                if anchor.is_in(c.text) and enough(
                    holds_number(n, held) for n in others if not n.is_year or enough is all
                ):
                    return False
    return not anchor.is_in(said.text) and anchor.rivals(said, part.text)


def _elsewhere(
    anchor: Anchor,
    wanted: frozenset[str],
    best: float,
    own: Passage,
    other: Passage,
    claim: str,
) -> bool:
    """Whether the claim is about what another sentence or row says with another value."""
    held = share(wanted, other)
    if any(anchor.rivals(c, claim, other.row) for c in other.clauses):
        more = wanted & (own.words - other.words) or _heading(own)
        return held - best >= CLEARLY or (held - best >= SLIGHTLY and not more)
    if _PRONOUN.match(own.text) or anchor.name or anchor.date:  # who did it is often not repeated
        return False
    return best == 0 and held >= 0.5 and len(wanted) > 1


def _shown(anchor: Anchor) -> str:
    if anchor.number:
        return anchor.number.value
    if anchor.date:
        return "the date"
    return anchor.code or " ".join(anchor.name)
