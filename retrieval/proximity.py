"""How near the words of a question stand to each other in a text: the second look at candidates.

BM25 does not care whether two words of a question stand in one sentence or at two ends of a chunk.
The best stretch of some 25 words is looked for in each candidate (minimal spans of query terms, as
in Tao and Zhai 2007, weighed by rarity). Words are recognised by how they begin, which is quick
and joins their inflected forms; the index's stems have done the finding before.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from store.indexes.stems import ENGLISH, asked, terms_of
from store.indexes.words import fold

STRETCH = 160
"""Characters, some 25 words."""
LEAST = 3
"""A shorter beginning would begin too many words; the word itself is looked for then."""
LONG = 8


def nearness(question: str, texts: Mapping[str, str]) -> dict[str, float]:
    """0..1 of each text: the share of the question's words, by rarity, in its best stretch."""
    terms = list(dict.fromkeys(map(_begins, asked(question))))
    if not terms or not texts:
        return dict.fromkeys(texts, 0.0)
    # The longest first: of two words of which one begins the other, each counts where it stands.
    pattern = re.compile("|".join(sorted((t.pattern for t in terms), key=len, reverse=True)))
    places = {
        i: [(found.start(), found[0]) for found in pattern.finditer(_folded(text))]
        for i, text in texts.items()
    }
    holders = Counter(term for found in places.values() for term in {term for _, term in found})
    weights = {t.text: math.log(1 + (len(texts) + 0.5) / (holders[t.text] + 0.5)) for t in terms}
    whole = sum(weights.values())
    return {i: _best_stretch(found, weights) / whole for i, found in places.items()}


class _Term(NamedTuple):
    """What a word of the question and its inflected forms begin with, and how it is found."""

    text: str
    pattern: str


def _begins(term: str) -> _Term:
    [stemmed] = terms_of(term, ENGLISH) or [term]
    pairs = zip(term, stemmed.partition(":")[2], strict=False)
    shared = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if len(shared) > LEAST:
        shared = shared.removesuffix("i")
    if len(shared) > LONG:  # endings of other languages than English
        shared = shared[:-2]
    if not term[0].isascii():  # also scripts that set no space before a word
        return _Term(term, re.escape(term))
    if len(shared) >= LEAST:
        return _Term(shared, rf"\b{re.escape(shared)}")
    return _Term(term, rf"\b{re.escape(term)}\b")


@lru_cache(maxsize=2048)
def _folded(text: str) -> str:
    return fold(text)


def _best_stretch(found: Sequence[tuple[int, str]], weights: Mapping[str, float]) -> float:
    """The most that different terms within one stretch weigh together."""
    best = held = 0.0
    inside: Counter[str] = Counter()
    first = 0
    for at, term in found:
        if not inside[term]:
            held += weights[term]
        inside[term] += 1
        while at - found[first][0] > STRETCH:
            gone = found[first][1]
            inside[gone] -= 1
            if not inside[gone]:
                held -= weights[gone]
            first += 1
        best = max(best, held)
    return best
