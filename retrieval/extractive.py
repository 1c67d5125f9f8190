"""An answer without a language model: the sentences that answer best, quoted exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from retrieval.asked_for import Wanted, wanted
from retrieval.instructions import quotable
from retrieval.presupposed import EmbedsTexts, Likeness
from retrieval.sources import Source
from retrieval.words import content_stems, stems
from store.models import Frozen, Page

EMBEDDED = 40
"""Passages compared by meaning; the rest is left out by its words."""
EMBEDDED_CHARS = 480
"""A longer passage is compared by its beginning: time grows with length."""
THRESHOLD = 0.575
"""Least score of an answer; figures in docs/answers.md."""
KEPT_SHARE = 0.85
"""Further quotes score at least this share of the best one."""
MOST_QUOTES = 3
LOOKED_IN = 5
"""Sources in which the things a question presupposes are looked for."""

MOST_POINTS = 6
MOST_SUMMED = 60
"""Passages of which a summary's points are chosen."""
TOO_ALIKE = 0.75


class Scored(Frozen):
    """A passage with how well it answers; every feature is 0..1, more is better.

    `similarity` of the passage, told with its section, to the question; `coverage` of the
    question's words, the rarer the weightier, by the passage, and by its chunk with title and
    section; `kind` whether it holds the number, date or name asked for; `chunk` the search's score;
    `news` whether it says more than the question does.
    """

    source: Source
    similarity: float = 0.0
    coverage: float
    chunk_coverage: float
    kind: float
    chunk: float
    news: float
    order: int

    @property
    def score(self) -> float:
        return (
            0.45 * self.similarity
            + 0.2 * self.coverage
            + 0.1 * self.chunk_coverage
            + 0.1 * self.kind
            + 0.1 * self.chunk
            + 0.1 * self.news
        )


def extract(
    question: str,
    found: Sequence[tuple[Source, float]],
    pages: Mapping[int, Page],
    embedder: EmbedsTexts,
    likeness: Likeness,
) -> list[Source]:
    """The passages that answer, best first; empty where none does.

    `found` are sources with their search score, best first.
    """
    scored = score_passages(question, found, pages, embedder)
    if not scored or scored[0].score < THRESHOLD:
        return []
    seen = "\n".join(f"{source.header}\n{source.text}" for source, _ in found[:LOOKED_IN])
    if not likeness.mentioned(question, seen):
        return []
    kept: list[Scored] = []
    for passage in scored:
        if passage.score < scored[0].score * KEPT_SHARE or len(kept) == MOST_QUOTES:
            break
        adds = not kept or passage.news > 0.5  # a heading beside a sentence says nothing more
        if adds and not any(_repeats(passage, other) for other in kept):
            kept.append(passage)
    return [passage.source for passage in kept]


def score_passages(
    question: str,
    found: Sequence[tuple[Source, float]],
    pages: Mapping[int, Page],
    embedder: EmbedsTexts,
) -> list[Scored]:
    """The most promising passages of `found`, best first."""
    asked = content_stems(question)
    around = {s.chunk_id: set(stems(f"{s.header}\n{s.text}")) for s, _ in found}
    weight = _rarity(asked, list(around.values()))
    kind = wanted(question)
    best, worst = (found[0][1], found[-1][1]) if found else (0.0, 0.0)
    rough: list[Scored] = []
    for source, score in found:
        for passage in quotable(source, pages):
            rough.append(
                _rough(
                    passage,
                    around[source.chunk_id],
                    weight,
                    kind,
                    chunk=(score - worst) / (best - worst) if best > worst else 1.0,
                    order=len(rough),
                )
            )
    rough = sorted(rough, key=lambda s: (-s.score, s.order))[:EMBEDDED]
    if not rough:
        return []
    vectors = embedder.embed([question, *(_told(scored.source) for scored in rough)])
    close = vectors[1:] @ vectors[0]
    scored = [
        s.model_copy(update={"similarity": max(0.0, float(c))})
        for s, c in zip(rough, close, strict=True)
    ]
    return sorted(scored, key=lambda s: (-s.score, s.order))


def main_points(
    sources: Sequence[Source],
    pages: Mapping[int, Page],
    embedder: EmbedsTexts,
    subject: str | None = None,
) -> list[Source]:
    """The passages nearest to what all of them say together, and to the subject where there is
    one, spread over the pages, in the order they stand."""
    pieces = [p for source in sources for p in quotable(source, pages) if _makes_a_point(p)]
    prose = [p for p in pieces if len(p.pieces) == 1]
    pieces = prose if len(prose) >= MOST_POINTS else pieces
    step = max(1.0, len(pieces) / MOST_SUMMED)
    pieces = [pieces[int(i * step)] for i in range(min(MOST_SUMMED, len(pieces)))]
    if not pieces:
        return []
    vectors = embedder.embed([p.shown[:EMBEDDED_CHARS] for p in pieces])
    towards = vectors.mean(axis=0)
    if subject:
        towards = (
            towards / (float(np.linalg.norm(towards)) or 1.0) + 2 * embedder.embed([subject])[0]
        )
    a_page = math.ceil(MOST_POINTS / len({p.spans[0].page_id for p in pieces}))
    chosen: list[int] = []
    taken: Counter[int] = Counter()
    for i in map(int, np.argsort(-(vectors @ towards))):
        page_id = pieces[i].spans[0].page_id
        # Maximal marginal relevance (Carbonell and Goldstein 1998), as a limit on likeness.
        if taken[page_id] < a_page and all(vectors[i] @ vectors[j] < TOO_ALIKE for j in chosen):
            chosen.append(i)
            taken[page_id] += 1
        if len(chosen) == MOST_POINTS:
            break
    return [pieces[i] for i in sorted(chosen)]


def _makes_a_point(passage: Source) -> bool:
    """Neither a fragment nor a reference."""
    return len(content_stems(passage.text)) >= 6 and "http" not in passage.text


def _rough(
    passage: Source,
    around: set[str],
    weight: Mapping[str, float],
    kind: Wanted | None,
    chunk: float,
    order: int,
) -> Scored:
    held = set(stems(passage.text))
    return Scored(
        source=passage,
        coverage=_share(held, weight),
        chunk_coverage=_share(held | around, weight),
        kind=1.0 if kind is None or kind.is_in(passage.text) else 0.0,
        chunk=chunk,
        news=min(1.0, len(set(content_stems(passage.text)) - set(weight)) / 3),
        order=order,
    )


def _told(source: Source) -> str:
    """The passage with what it stands under, as it is embedded."""
    return f"{source.section or source.header.partition(chr(10))[0]}: {source.shown}"[
        :EMBEDDED_CHARS
    ]


def _rarity(asked: Sequence[str], held: Sequence[set[str]]) -> dict[str, float]:
    counts = Counter(word for words in held for word in words)
    return {w: math.log(1 + (len(held) + 0.5) / (counts[w] + 0.5)) for w in asked}


def _share(held: set[str], weight: Mapping[str, float]) -> float:
    total = sum(weight.values())
    return sum(w for word, w in weight.items() if word in held) / total if total else 0.0


def _repeats(a: Scored, b: Scored) -> bool:
    if set(a.source.spans) <= set(b.source.spans):
        return True
    one, other = set(stems(a.source.text)), set(stems(b.source.text))
    return len(one & other) >= 0.8 * min(len(one), len(other))
