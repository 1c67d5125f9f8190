"""Reads a question against a table: which words name columns, cells, dates and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from retrieval.tabular.lexicon import FUNCTION, LIGHT, root
from retrieval.tabular.plan import Filter
from retrieval.tabular.table import Table, folded

_TOKEN = re.compile(r"[$€£¥]?[^\W_]+(?:[.,](?=\d)[^\W_]+)*%?")
_LONGEST_NAME = 6


class Word(NamedTuple):
    """`text` is folded, without currency and possessive; `said` is as the question has it.

    `apart`: a comma or the like stands before it. `named`: written with a capital letter.
    """

    text: str
    root: str
    said: str
    possessive: bool
    apart: bool = False
    named: bool = False


class Named(NamedTuple):
    """Words [start, end) name one of `columns`; `weak` where they may be ordinary words."""

    start: int
    end: int
    columns: tuple[int, ...]
    full: bool
    weak: bool


class Said(NamedTuple):
    """Words [start, end) that stand for a filter."""

    start: int
    end: int
    filter: Filter


@dataclass
class Reading:
    """`names` and `filters` in the order of the question; `used` are words that are explained."""

    words: list[Word]
    names: list[Named] = field(default_factory=list)
    filters: list[Said] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    year: bool = False
    """Whether the year alone is asked for."""

    def text(self, start: int, end: int) -> str:
        return " ".join(word.said for word in self.words[start:end])

    def add(self, start: int, end: int, filter_: Filter) -> None:
        self.filters.append(Said(start, end, filter_))
        self.used |= set(range(start, end))

    def has(self, *roots: str) -> int | None:
        """The index of the first word with one of these roots."""
        return next((i for i, word in enumerate(self.words) if word.root in roots), None)


def words_of(question: str) -> list[Word]:
    found: list[Word] = []
    # Not casefold: it may lengthen the text, and places are looked up in the question.
    folded_question = question.lower().replace("’", "'")
    ended = 0
    for match in _TOKEN.finditer(folded_question):
        said = match.group()
        rest = folded_question[match.end() :]
        if said == "s" and match.start() and found:
            found[-1] = found[-1]._replace(possessive=True)
            continue
        text = said.lstrip("$€£¥").rstrip("%")
        apart = bool(re.search(r"[,;:?!]", folded_question[ended : match.start()]))
        capital = question[match.start() : match.start() + 1].isupper() and bool(found)
        possessive = bool(re.match(r"'(?:s\b|(?!\w))", rest))
        found.append(Word(text, root(text), said, possessive, apart, capital))
        ended = match.end()
    return found


def names_in(words: Sequence[Word], table: Table) -> Iterator[Named]:
    """Longest first, each word once."""
    content = [frozenset(c.roots) - FUNCTION or frozenset(c.roots) for c in table.columns]
    bare = [
        frozenset(folded(re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", c.name)).split()) - FUNCTION
        for c in table.columns
    ]
    taken: set[int] = set()
    for length in range(_LONGEST_NAME, 0, -1):
        for start in range(len(words) - length + 1):
            span = range(start, start + length)
            gram = [words[i].root for i in span]
            own = frozenset(gram) - FUNCTION or frozenset(gram)
            if taken & set(span) or (gram[0] not in own or gram[-1] not in own):
                continue
            if length == 1 and gram[0].isdigit():
                continue
            full = [i for i, names in enumerate(content) if own in (names, bare[i]) and names]
            part = [i for i, names in enumerate(content) if own <= names]
            if full or (part and len(part) <= 4):
                weak = own <= (FUNCTION | LIGHT)
                taken |= set(span)
                yield Named(start, start + length, tuple(full or part), bool(full), weak)
