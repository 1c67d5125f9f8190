"""Where the passages speak of what a clause says: its anchors, and the clause that it repeats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from retrieval.clauses import Clause, clause
from retrieval.deeds import deed
from retrieval.facts import Day, held_in, holds_date, holds_number, holds_word
from retrieval.numbers import Number
from retrieval.sources import Source
from store.models import Frozen

SAME_MATTER = 0.3
"""Share of a clause's words in a passage below which the two are not compared."""


class Passage(Frozen):
    """A sentence or row of a source, cut into its clauses."""

    source: Source
    text: str
    clauses: tuple[Clause, ...]
    near: frozenset[str] = frozenset()
    """Words of the claim that mean nearly the same as one of its own."""

    @property
    def row(self) -> bool:
        """Whether it is a table's row under its header row."""
        return len(self.source.pieces) == 2

    @cached_property
    def shares(self) -> dict[tuple[str, int], float | None]:
        """What `closeness` found of the anchors of a clause; asked for several times."""
        return {}

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset().union(*(c.words for c in self.clauses))


class Anchor(Frozen):
    """A number, name or code of a clause, which must stand where the clause is said."""

    number: Number | None = None
    date: frozenset[Day] = frozenset()
    name: tuple[str, ...] = ()
    code: str = ""

    def is_in(self, text: str) -> bool:
        held = held_in(text)
        if self.number:
            return holds_number(self.number, held)
        if self.date:
            return holds_date(self.date, held)
        if self.code:
            return holds_word(self.code, held)
        if len(self.name) == 2 and _by_surname(self.name, text):
            return True
        return 2 * sum(holds_word(word, held) for word in self.name) > len(self.name)

    def like(self, word: str, of: Clause) -> bool:
        """Whether a word of `of` is of its kind: of a name, or a year."""
        if self.number or self.date:
            return word.isdigit()
        if self.code:
            return any(c.isdigit() for c in word)
        return bool(self.name) and word not in of.stems and word not in of.codes

    def rivals(self, of: Clause, claim: str, row: bool = False) -> bool:
        """Whether `of` has another one of its kind, which the claim does not speak of. In a row
        units stand in the heading."""
        said = held_in(claim)
        if self.number:
            kind = _kinds(self.number)
            return any(
                (row or kind & _kinds(n) or kind == _kinds(n)) and not holds_number(n, said)
                for n in of.numbers
            )
        if self.date:
            return any(not holds_date(date, said) for date in of.dates)
        if self.code:
            return any(not holds_word(code, said) for code in of.codes)
        return any(not any(holds_word(w, said) for w in name) for name in of.names)


_OUTSIDE = re.compile(r"\boutside (?:of )?(?:the )?([A-Z][\w-]+)")


def _inherited(of: Clause, many: Sequence[Clause]) -> frozenset[str]:
    """The subject that a clause leaves out because the one before it said it."""
    told = deed(of.text)
    at = next(i for i, one in enumerate(many) if one is of)
    before = deed(many[at - 1].text) if at and told and told.pronoun else None
    return before.who if before else frozenset()


def _by_surname(name: tuple[str, ...], text: str) -> bool:
    """Whether the second word of a name stands alone, not behind another first name."""
    found = re.search(
        rf"(?:([A-Z][\w’'-]+) )?(?<!\w){re.escape(name[-1].title())}\b(?! [A-Z])", text
    )
    if found is None or not found.group().split()[-1][0].isupper():
        return False
    return found[1] is None or found[1].casefold() in (*name, *_NO_FIRST_NAME)


_NO_FIRST_NAME = [
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "the",
    "herr",
    "frau",
    "and",
    "by",
    "with",
    "of",
    "to",
    "for",
    "in",
]


def _kinds(number: Number) -> frozenset[str]:
    """What it may measure, days and months being one."""
    return frozenset("time" if kind == "months" else kind for kind in number.measures)


def aligned(
    part: Clause, passage: Passage, anchor: Anchor | None = None, by_value: bool = True
) -> Clause:
    """The clause of the passage that a claim is about.

    A later clause leaves out what an earlier one said ("and the filter every 500 hours"), so the
    last one of whose own words the claim has most is it; otherwise the likest. Where it is asked
    about an anchor, things of its kind do not tell: they are what is doubted.
    """
    many, words = passage.clauses, part.words
    outside = _OUTSIDE.search(part.text)
    if outside:
        without = tuple(c for c in many if outside[1] not in c.text)
        if without and len(without) < len(many) and "outside" not in passage.text:
            many, words = without, words - clause(outside[1]).words
    for i in range(len(many) - 1, 0, -1):
        others = frozenset().union(*(c.words for j, c in enumerate(many) if j != i))
        own = ((many[i].words & words) | many[i].told) - others
        if anchor is not None:
            own = {w for w in own if not anchor.like(w, many[i])}
        if own and len(own & words) > len(own) / 2:
            return many[i]

    said = deed(part.text)
    if anchor is None and len(many) > 1:
        values = [a for a in anchors(part) if not a.name]
        holding = [c for c in many if all(value.is_in(c.text) for value in values)]
        of_it = [c for c in many if said and (told := deed(c.text)) and said.who <= told.who]
        if by_value and values and len(holding) == 1:
            return holding[0]
        if said and said.who and len(of_it) == 1:
            return of_it[0]

    def likeness(c: Clause) -> tuple[int, int, int]:
        told = {
            w
            for w in (c.told | _inherited(c, many)) & words
            if not (anchor and anchor.like(w, c)) and w[0] != "⟨"
        }
        held = held_in(c.text)
        both = (c.words | _inherited(c, many)) & words
        return len(told), sum(holds_number(n, held) for n in part.numbers), len(both)

    return max(many, key=likeness)


def anchors(part: Clause) -> list[Anchor]:
    return [
        *(Anchor(number=number) for number in part.numbers),
        *(Anchor(date=date) for date in part.dates),
        *(Anchor(name=name) for name in part.names),
        *(Anchor(code=code) for code in part.codes),
    ]


def share(wanted: frozenset[str], passage: Passage) -> float:
    return len(wanted & passage.words) / (len(wanted) or 1)


def closeness(part: Clause, wanted: frozenset[str], passage: Passage) -> float:
    """The share of the words, and of the numbers, names and codes, that the passage has."""
    key = (part.text, len(part.numbers))
    if key not in passage.shares:
        told = anchors(part)
        held = sum(anchor.is_in(passage.text) for anchor in told)
        passage.shares[key] = held / len(told) if told else None
    held = passage.shares[key]
    return share(wanted, passage) if held is None else (share(wanted, passage) + held) / 2
