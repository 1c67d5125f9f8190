"""What a question takes for granted ("the warranty", "our pension fund"), and whether it is there.

A definite phrase presupposes its thing. Where no document found mentions anything like it, the
question cannot be answered however well its other words match.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from retrieval.words import content_words, stem

LEAST_LIKENESS = 0.6
"""Mean likeness of a phrase's words to the nearest words found; figures in docs/answers.md."""
_KEPT_WORDS = 5000

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


class EmbedsTexts(Protocol):
    def embed(self, texts: Sequence[str]) -> np.ndarray: ...


def phrases(question: str) -> list[list[str]]:
    """The content words of each definite phrase that names a thing."""
    found = [content_words(match.group(1)) for match in _PHRASE.finditer(question)]
    named = [[w for w in ws if stem(w) not in _GENERAL_STEMS] for ws in found]
    return [ws for ws in named if ws]


class Likeness:
    """How near words are in meaning, from their vectors; keeps the newest. Thread-safe."""

    def __init__(self, embedder: EmbedsTexts):
        self._embedder = embedder
        self._vectors: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    def mentioned(self, question: str, text: str) -> bool:
        """Whether `text` has something like each thing that the question presupposes."""
        wanted = phrases(question)
        if not wanted:
            return True
        held = content_words(text)
        stems = {stem(word) for word in held}
        absent = {word for ws in wanted for word in ws if stem(word) not in stems}
        if not absent:
            return True
        nearest = self._nearest(sorted(absent), held)
        return all(
            sum(nearest.get(word, 1.0) for word in ws) / len(ws) >= LEAST_LIKENESS for ws in wanted
        )

    def _nearest(self, words: Sequence[str], held: Sequence[str]) -> dict[str, float]:
        if not held:
            return dict.fromkeys(words, 0.0)
        vectors = self._embed([*words, *held])
        close = vectors[: len(words)] @ vectors[len(words) :].T
        return dict(zip(words, close.max(axis=1).tolist(), strict=True))

    def _embed(self, words: Sequence[str]) -> np.ndarray:
        with self._lock:
            known = {word: self._vectors[word] for word in words if word in self._vectors}
        new = [word for word in dict.fromkeys(words) if word not in known]
        if new:
            known.update(zip(new, self._embedder.embed(new), strict=True))
            with self._lock:
                self._vectors.update((word, known[word]) for word in new)
                for word in list(self._vectors)[: max(0, len(self._vectors) - _KEPT_WORDS)]:
                    del self._vectors[word]
        return np.stack([known[word] for word in words])
