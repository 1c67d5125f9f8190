"""An answer without a language model: the sentences that answer best, quoted exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from retrieval.answerable import UNREAD_THRESHOLD, points_off, unread_score
from retrieval.asked_for import Wanted, wanted
from retrieval.instructions import parted
from retrieval.presupposed import Likeness
from retrieval.proximity import nearness
from retrieval.quotes import (
    completed,
    difference,
    differing,
    numerals,
    of_one_table,
    rows_in_order,
)
from retrieval.sources import Source
from retrieval.words import STOP, content_stems, content_words, stem, stems, words
from store.embedding import Embedder
from store.models import Page

CONSIDERED = 40
"""Passages compared by the meaning of their words alone; the rest is left out by its words."""
WORD_MEANING = 0.3
"""What that likeness weighs beside the rest of the score."""
EMBEDDED = 5
"""Passages of these compared by the model: 20 ms each on a slow core, most of an answer's time."""
EMBEDDED_CHARS = 320
"""A longer passage is compared by its beginning: time grows with length."""
THRESHOLD = 0.575
"""Least score of an answer; figures in docs/answers.md."""
NEAR_CHUNKS = 8
"""Chunks that tell which of the question's words are rare, where words count most."""
KEPT_SHARE = 0.85
"""Further quotes score at least this share of the best one."""
MOST_QUOTES = 3
LOOKED_IN = 5
"""Sources in which the things a question presupposes are looked for."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage with how well it answers; every feature is 0..1, more is better.

    `similarity` of the passage, told with its section, to the question; `coverage` of the
    question's words, the rarer the weightier, by the passage, and by its chunk with title and
    section; `kind` whether it holds the number, date or name asked for; `chunk` the search's score;
    `news` whether it says more than the question does.
    """

    source: Source
    coverage: float
    chunk_coverage: float
    kind: float
    chunk: float
    news: float
    order: int
    similarity: float = 0.0
    nearness: float | None = None
    """How near the question's words stand to each other; only where the embedder cannot read."""

    @property
    def score(self) -> float:
        if self.nearness is not None:
            return unread_score(
                self.nearness,
                similarity=self.similarity,
                chunk_coverage=self.chunk_coverage,
                kind=self.kind,
                chunk=self.chunk,
                news=self.news,
            )
        return (
            0.45 * self.similarity
            + 0.2 * self.coverage
            + 0.1 * self.chunk_coverage
            + 0.1 * self.kind
            + 0.1 * self.chunk
            + 0.1 * self.news
        )


class Extracted(NamedTuple):
    """`quotes` answer, best first, none where none does; `warning` is a sentence where they do not
    agree. `repeated` were left out because they say the same again, `held_back` of the best sources
    because they speak to an assistant."""

    quotes: tuple[Source, ...] = ()
    warning: str | None = None
    repeated: int = 0
    held_back: int = 0


def extract(
    question: str,
    found: Sequence[tuple[Source, float]],
    pages: Mapping[int, Page],
    embedder: Embedder,
    likeness: Likeness,
    *,
    unread: bool = False,
) -> Extracted:
    """The passages that answer. `found` are sources with their search score, best first; `unread`
    says that they are in a language that the embedder does not read."""
    cut = {source.chunk_id: parted(source, pages) for source, _ in found}
    held_back = sum(len(cut[source.chunk_id][1]) for source, _ in found[:LOOKED_IN])
    passages = [(source, score, cut[source.chunk_id][0]) for source, score in found]
    scored = score_passages(question, passages, embedder, likeness, unread=unread)
    if not scored or certainty(question, scored[0]) < THRESHOLD:
        return Extracted(held_back=held_back)
    seen = "\n".join(f"{source.header}\n{source.text}" for source, _ in found[:LOOKED_IN])
    if not likeness.mentioned(question, seen):
        return Extracted(held_back=held_back)
    kept: list[Source] = []
    sentences = repeated = 0
    for passage in scored:
        if passage.score < scored[0].score * KEPT_SHARE:
            break
        another_row = any(of_one_table(passage.source, other) for other in kept)
        if sentences >= MOST_QUOTES and not another_row:
            continue
        if kept and passage.news <= 0.5:  # a heading beside a sentence says nothing more
            continue
        of_best = of_one_table(passage.source, scored[0].source)
        if kept and passage.coverage < scored[0].coverage and of_best:
            continue  # another row, which is less of what is asked
        if any(_repeats(passage.source, other) for other in kept):
            repeated += 1
            continue
        if another_row:  # the rows of a table are one answer
            kept.append(passage.source)
            continue
        whole = completed(question, passage.source, pages, MOST_QUOTES - sentences - 1)
        kept.append(whole)
        sentences += 1 if whole.pieces[0] == passage.source.pieces[0] else 2
    kept = rows_in_order(kept)
    apart = differing(question, kept, wanted(question))
    if not apart:
        return Extracted(tuple(kept), None, repeated, held_back)
    first = [*apart, *(source for source in kept if source not in apart)]
    return Extracted(tuple(first), difference(apart), repeated, held_back)


def certainty(question: str, best: Scored) -> float:
    """The best passage's score without what comes off for saying the contrary, moved so that
    THRESHOLD is the least of an answer in every language."""
    moved = 0.0 if best.nearness is None else THRESHOLD - UNREAD_THRESHOLD
    return best.score - points_off(question, best.source.shown) + moved


def score_passages(
    question: str,
    found: Sequence[tuple[Source, float, Sequence[Source]]],
    embedder: Embedder,
    likeness: Likeness,
    *,
    unread: bool = False,
) -> list[Scored]:
    """The most promising passages, best first. `found` are sources with their search score, best
    first, and what may be quoted of each."""
    asked = content_stems(question)
    around = {s.chunk_id: set(stems(f"{s.header}\n{s.text}")) for s, _, _ in found}
    weight = _rarity(asked, list(around.values()))
    kind = wanted(question)
    best, worst = (found[0][1], found[-1][1]) if found else (0.0, 0.0)
    rough: list[Scored] = []
    for source, score, passages in found:
        for passage in passages:
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
    rough = _promising(question, rough, likeness)
    if not rough:
        return []
    close = embedder.embed([_told(s.source) for s in rough]) @ embedder.embed_query(question)
    scored = [replace(s, similarity=max(0.0, float(c))) for s, c in zip(rough, close, strict=True)]
    if unread:
        texts = {s.chunk_id: f"{s.header}\n{s.text}" for s, _, _ in found[:NEAR_CHUNKS]}
        texts |= {str(n): s.source.text for n, s in enumerate(scored)}
        near = nearness(question, texts)
        scored = [replace(s, nearness=near[str(n)]) for n, s in enumerate(scored)]
    return sorted(scored, key=lambda s: (-s.score, s.order))


def _promising(question: str, rough: Sequence[Scored], likeness: Likeness) -> list[Scored]:
    """The few that are worth the model, by their words and what these mean."""
    kept = sorted(rough, key=lambda s: (-s.score, s.order))[:CONSIDERED]
    if len(kept) <= EMBEDDED:
        return kept
    asked = content_words(question)
    near = likeness.vectors.covered(asked, [_told(s.source) for s in kept])
    places = sorted(range(len(kept)), key=lambda i: -kept[i].score - WORD_MEANING * near[i])
    return [kept[i] for i in places[:EMBEDDED]]


def _rough(
    passage: Source,
    around: set[str],
    weight: Mapping[str, float],
    kind: Wanted | None,
    chunk: float,
    order: int,
) -> Scored:
    said = words(passage.text)
    held = set(map(stem, said))
    told = {stem(word) for word in said if word not in STOP}
    return Scored(
        source=passage,
        coverage=_share(held, weight),
        chunk_coverage=_share(held | around, weight),
        kind=1.0 if kind is None or kind.is_in(passage.text) else 0.0,
        chunk=chunk,
        news=min(1.0, len(told - weight.keys()) / 3),
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


def _repeats(source: Source, other: Source) -> bool:
    """Whether `other` says it already; the same words with another number are news."""
    if set(source.spans) <= set(other.spans):
        return True
    if numerals(source.text) - numerals(other.text):
        return False
    one, two = set(stems(source.text)), set(stems(other.text))
    return len(one & two) >= 0.8 * min(len(one), len(two))
