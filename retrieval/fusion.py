"""How the candidates of a search are ranked: meaning, words, document.

Constants are few and coarse, chosen on three sets by benchmarks/retrieval.py (page, document and
abstract retrieval; figures in its commit); in a wide range around them the figures hardly move.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from retrieval.proximity import nearness
from store.indexes.stems import asked
from store.indexes.words import words

Scores = Mapping[str, float]
"""Chunk id → score."""

MOST_FOR_WORDS = 0.5
CONCENTRATION_DEPTH = 20
DOCUMENT_WEIGHT = 0.4
DOCUMENT_CHUNKS = 5
NAME_WEIGHT = 2.5
PROXIMITY_WEIGHT = 0.5


class Head(Protocol):
    """What is asked of a candidate, besides the texts of the best."""

    @property
    def document_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def header(self) -> str: ...
    @property
    def language(self) -> str | None: ...


def rank(
    question: str,
    chunks: Mapping[str, Head],
    meaning: Scores,
    by_words: Scores,
    texts: Callable[[Sequence[str]], Mapping[str, str]],
    *,
    reads_english_only: bool = False,
) -> dict[str, float]:
    """0..1 of each of `chunks`, which `meaning` (cosine) and `by_words` (BM25) brought. `texts`
    reads their texts by id.

    Where the embedder `reads_english_only`, what it means to say of other languages counts less.

    A chunk's own score counts most, and how near the question's words stand to each other in it;
    its document's best chunks and the words of the question that name its document, not the others,
    find the right one of several look-alike reports first.
    """
    said = {i: score for i, score in by_words.items() if i in chunks}
    least = MOST_FOR_WORDS * _foreign(chunks, said) if reads_english_only else 0.0
    own = fuse({i: score for i, score in meaning.items() if i in chunks}, said, least)
    if not own:
        return {}
    members: dict[str, list[str]] = {}
    for chunk_id in own:
        members.setdefault(chunks[chunk_id].document_id, []).append(chunk_id)
    strength = min_max({d: _best_mean([own[i] for i in ids]) for d, ids in members.items()})
    named = _named(question, {d: [chunks[i] for i in ids] for d, ids in members.items()})
    whole = 1.0 + DOCUMENT_WEIGHT + NAME_WEIGHT + PROXIMITY_WEIGHT
    near = nearness(question, texts(list(own)))
    return {
        i: (
            own[i]
            + DOCUMENT_WEIGHT * strength[d]
            + NAME_WEIGHT * named[d]
            + PROXIMITY_WEIGHT * near.get(i, 0.0)
        )
        / whole
        for d, ids in members.items()
        for i in ids
    }


def fuse(meaning: Scores, by_words: Scores, least_for_words: float = 0.0) -> dict[str, float]:
    """0..1: both scaled to 0..1 and weighed by `share_of_words`; a missing BM25 score is 0."""
    share = max(least_for_words, share_of_words(by_words)) if meaning else 1.0
    near, said = min_max(meaning), min_max(by_words)
    return {i: (1 - share) * near.get(i, 0.0) + share * said.get(i, 0.0) for i in {*near, *said}}


def share_of_words(by_words: Scores) -> float:
    """BM25's share of the fused score: how far its best stands out from its twentieth.

    Where many chunks score alike, the question's words are boilerplate of the collection (reports
    of many quarters) and say little; where few hold them all, they say as much as the meaning.
    """
    best = sorted(by_words.values(), reverse=True)[:CONCENTRATION_DEPTH]
    return MOST_FOR_WORDS * (best[0] - best[-1]) / best[0] if best else 0.0


def _foreign(chunks: Mapping[str, Head], by_words: Scores) -> float:
    """The share of the best by words that is in another language than English.

    It tells a question's language better than its few words do.
    """
    best = sorted(by_words, key=lambda i: -by_words[i])[:CONCENTRATION_DEPTH]
    return sum(chunks[i].language not in (None, "en") for i in best) / len(best) if best else 0.0


def min_max(scores: Scores) -> dict[str, float]:
    """Scores scaled so that the least is 0 and the best 1; equal scores are all 1."""
    if not scores:
        return {}
    least, most = min(scores.values()), max(scores.values())
    if most == least:
        return dict.fromkeys(scores, 1.0)
    return {i: (score - least) / (most - least) for i, score in scores.items()}


def _best_mean(scores: list[float]) -> float:
    # Of those there are: a letter of one chunk is not beaten by a handbook for its length.
    best = sorted(scores, reverse=True)[:DOCUMENT_CHUNKS]
    return sum(best) / len(best)


def _named(question: str, documents: Mapping[str, Collection[Head]]) -> dict[str, float]:
    """0..1 of each document: the share of the question's terms in its name, title and date.

    A term that names every document among the candidates counts nothing, a rare one most.
    """
    terms = set(asked(question))
    names = {d: _name_terms(chunks) & terms for d, chunks in documents.items()}
    if len(documents) < 2 or not terms:
        return dict.fromkeys(documents, 0.0)
    holders = Counter(term for name in names.values() for term in name)
    rarity = {
        t: math.log(len(documents) / n) / math.log(len(documents)) for t, n in holders.items()
    }
    return {d: sum(rarity[t] for t in name) / len(terms) for d, name in names.items()}


def _name_terms(chunks: Collection[Head]) -> frozenset[str]:
    """Terms of a document's name, and of its header as far as all its chunks share it."""
    names = {chunk.name for chunk in chunks}
    headers = {chunk.header for chunk in chunks}
    return frozenset().union(*map(_terms, names)) | frozenset.intersection(*map(_terms, headers))


@lru_cache(maxsize=4096)
def _terms(text: str) -> frozenset[str]:
    return frozenset(words(text))
