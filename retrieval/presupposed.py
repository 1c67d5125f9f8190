"""What a question takes for granted ("the warranty", "our pension fund"), and whether it is there.

A definite phrase presupposes its thing. Where no document found mentions anything like it, the
question cannot be answered however well its other words match.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from retrieval.words import content_words, stem
from store.word_vectors import WordVectors

LEAST_LIKENESS = 0.7
"""Mean likeness of a phrase's words to the nearest words found; figures in docs/answers.md."""
NEAR = 0.62
"""Likeness of two words that mean nearly the same: died and deaths, residents and inhabitants."""

_GENERAL = """
role source title value change difference percentage percent constitution makeup name reason purpose
meaning effect result type kind number total amount sum average ratio share part way method rate
level size increase decrease answer question thing process main best most first last largest highest
lowest people person man woman term group area place impact influence idea goal aim cause
consequence example definition focus study year date day time period month deadline price cost due
currently company firm organisation organization business employer
"""
_GENERAL_STEMS = frozenset(stem(word) for word in _GENERAL.split())
"""Words that ask for a property rather than name a thing, and for whom the documents are of."""
_PHRASE = re.compile(
    r"\b(?:the|our|my|your|their|its)\s+((?:[\w'’.-]+\s*){1,4}?)"
    r"(?=\b(?:of|on|for|in|at|to|by|from|with|does|do|did|is|are|was|were|has|have|had|that|which"
    r"|who|when|after|before|during|into|as|and|or|he|she|they|we|you|i|can|could|be|used|the)\b"
    r"|[?,.]|$)",
    re.IGNORECASE,
)


def phrases(question: str) -> list[list[str]]:
    """The content words of each definite phrase that names a thing."""
    found = [content_words(match.group(1)) for match in _PHRASE.finditer(question)]
    named = [[w for w in ws if stem(w) not in _GENERAL_STEMS] for ws in found]
    return [ws for ws in named if ws]


class Likeness:
    """How near words are in meaning. Thread-safe."""

    def __init__(self, vectors: WordVectors | None = None):
        self.vectors = vectors or WordVectors()
        self._rows = lru_cache(maxsize=1024)(self._of_text)
        self._is_whole = lru_cache(maxsize=8192)(lambda word: bool(self.vectors.whole([word])))

    def mentioned(self, question: str, text: str) -> bool:
        """Whether `text` has something like each thing that the question presupposes."""
        wanted = phrases(question)
        if not wanted:
            return True
        held = content_words(text)
        stems = {stem(word) for word in held}
        absent = sorted({word for ws in wanted for word in ws if stem(word) not in stems})
        if not absent:
            return True
        if not held:
            return False
        close = self.vectors.words(absent) @ self.vectors.words(held).T
        nearest = dict(zip(absent, close.max(axis=1).tolist(), strict=True))
        return all(
            sum(nearest.get(word, 1.0) for word in ws) / len(ws) >= LEAST_LIKENESS for ws in wanted
        )

    def near(self, words: Mapping[str, str], text: str) -> frozenset[str]:
        """The keys of those of `words` that mean nearly the same as a word of `text`."""
        held = self._rows(text)
        asked = {w: k for k, w in words.items() if self._is_whole(w)}
        if not asked or held is None:
            return frozenset()
        close = (self.vectors.words(list(asked)) @ held.T).max(axis=1)
        return frozenset(k for k, c in zip(asked.values(), close, strict=True) if c >= NEAR)

    def _of_text(self, text: str) -> np.ndarray | None:
        held = self.vectors.whole(content_words(text))
        return self.vectors.words(held) if held else None
