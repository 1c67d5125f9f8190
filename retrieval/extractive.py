"""An answer without a language model: the sentences that answer best, quoted exactly."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from retrieval.sources import Source, passages
from retrieval.words import content_stems, stems
from store.models import Frozen, Page

EMBEDDED = 40
"""Passages compared by meaning; the rest is left out by its words."""

THRESHOLD = 0.45
KEPT_SHARE = 0.85
MOST_QUOTES = 3
MOST_POINTS = 5
MOST_SUMMED = 60
TOO_ALIKE = 0.75


class EmbedsTexts(Protocol):
    def embed(self, texts: Sequence[str]) -> np.ndarray: ...


class Scored(Frozen):
    """A passage with how well it answers; every feature is 0..1 and more is better."""

    source: Source
    similarity: float
    coverage: float
    context: float
    kind: float
    chunk: float
    order: int

    @property
    def score(self) -> float:
        return (
            0.45 * self.similarity
            + 0.25 * self.coverage
            + 0.10 * self.context
            + 0.10 * self.kind
            + 0.10 * self.chunk
        )


_NUMBER = re.compile(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|half|a third)\b")
_DATE = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b\d{1,2}[./:]\d{1,2}|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov"
    r"|dec)[a-z]*\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:week|month|year|day)s?\b"
    r"|\bcentury\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[\w,;:)(] )[A-Z][\w’'-]+|\b[A-Z]\w+ [A-Z]\w+")
_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"\bhow (?:much|many|long|old|far|high|large|big|tall|often)\b|\bcosts?\b"
                r"|\bprice\b|\bnumber of\b|\bpercent", re.I), _NUMBER),
    (re.compile(r"\bwhen\b|\b(?:what|which|by what|in what) (?:year|date|day|month|century|time)\b"
                r"|\bdeadline\b", re.I), _DATE),
    (re.compile(r"\bwho(?:m|se)?\b", re.I), _NAME),
)  # fmt: skip


def wants(question: str) -> re.Pattern[str] | None:
    """What a sentence must hold to answer: a number, a date, a name; None where it is open."""
    for asked, held in _KINDS:
        if asked.search(question):
            return held
    return None


def score_passages(
    question: str,
    found: Sequence[tuple[Source, float]],
    pages: Mapping[int, Page],
    embedder: EmbedsTexts,
) -> list[Scored]:
    """Every quotable passage of `found` (source, search score; best first), best first."""
    pieces = [
        (passage, source, score) for source, score in found for passage in passages(source, pages)
    ]
    if not pieces:
        return []
    asked = content_stems(question)
    weight = _rarity(asked, [source for source, _ in found])
    held = [set(stems(p.text)) for p, _, _ in pieces]
    around = {s.chunk_id: set(stems(f"{s.header}\n{s.text}")) for s, _ in found}
    best, worst = found[0][1], found[-1][1]
    kind = wants(question)
    rough = []
    for i, (passage, source, score) in enumerate(pieces):
        rough.append(
            Scored(
                source=passage,
                similarity=0.0,
                coverage=_share(asked, held[i], weight),
                context=_share(asked, held[i] | around[source.chunk_id], weight),
                kind=1.0 if kind is None or kind.search(passage.text) else 0.0,
                chunk=(score - worst) / (best - worst) if best > worst else 1.0,
                order=i,
            )
        )
    rough.sort(key=lambda s: (-s.score, s.order))
    vectors = embedder.embed([question, *(s.source.shown for s in rough[:EMBEDDED])])
    close = vectors[1:] @ vectors[0]
    scored = [
        s.model_copy(update={"similarity": max(0.0, float(c))})
        for s, c in zip(rough, close, strict=False)
    ]
    return sorted(scored, key=lambda s: (-s.score, s.order))


def _rarity(asked: Sequence[str], sources: Sequence[Source]) -> dict[str, float]:
    counts = Counter(w for s in sources for w in set(stems(f"{s.header}\n{s.text}")))
    n = len(sources)
    return {w: math.log(1 + (n + 0.5) / (counts[w] + 0.5)) for w in asked}


def _share(asked: Sequence[str], held: set[str], weight: Mapping[str, float]) -> float:
    total = sum(weight[w] for w in asked)
    return sum(weight[w] for w in asked if w in held) / total if total else 0.0


def extract(
    question: str,
    found: Sequence[tuple[Source, float]],
    pages: Mapping[int, Page],
    embedder: EmbedsTexts,
) -> list[Source]:
    """The passages that answer, best first; empty where none does."""
    scored = score_passages(question, found, pages, embedder)
    if not scored or scored[0].score < THRESHOLD:
        return []
    kept: list[Scored] = []
    for passage in scored:
        if passage.score < scored[0].score * KEPT_SHARE or len(kept) == MOST_QUOTES:
            break
        if not any(_repeats(passage, other) for other in kept):
            kept.append(passage)
    return [passage.source for passage in kept]


def main_points(
    sources: Sequence[Source], pages: Mapping[int, Page], embedder: EmbedsTexts
) -> list[Source]:
    """The passages nearest to what all of them say together, in the order they stand."""
    pieces = [
        p for source in sources for p in passages(source, pages) if len(content_stems(p.text)) >= 6
    ]
    step = max(1.0, len(pieces) / MOST_SUMMED)
    pieces = [pieces[int(i * step)] for i in range(min(MOST_SUMMED, len(pieces)))]
    if not pieces:
        return []
    vectors = embedder.embed([p.shown for p in pieces])
    centre = vectors.mean(axis=0)
    chosen: list[int] = []
    for i in np.argsort(-(vectors @ centre)):
        # Maximal marginal relevance (Carbonell and Goldstein 1998), as a limit on likeness.
        if all(vectors[i] @ vectors[j] < TOO_ALIKE for j in chosen):
            chosen.append(int(i))
        if len(chosen) == MOST_POINTS:
            break
    return [pieces[i] for i in sorted(chosen)]


def _repeats(a: Scored, b: Scored) -> bool:
    if set(a.source.spans) & set(b.source.spans) == set(a.source.spans):
        return True
    one, other = set(stems(a.source.text)), set(stems(b.source.text))
    return len(one & other) >= 0.8 * min(len(one), len(other))
