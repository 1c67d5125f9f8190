"""Is every chunk of a generation found by its own vector and by its rarest words?"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from ingestion.pipeline import Pipeline
from store.catalog.soundness import Searched, is_changed, is_unit
from store.indexes.generations import IndexPair
from store.indexes.words import spelled
from store.models import Generation

ALL_UP_TO = 20_000
SAMPLE = 5_000
QUICK_SAMPLE = 64
"""Of how many chunks each is searched: all of a smaller index, a random part of a larger one."""

_TIE = 1e-5
"""Similarities nearer than this are one: different texts can have the same vector."""
_SAME_VECTOR = 0.999
_BATCH = 128
_RAREST = 6
_MOST_HITS = 50


class Unsound(NamedTuple):
    """Chunks of a generation that are not as they must be, by what is wrong with them."""

    changed: list[str]
    """Their text is not the one that was cut."""
    lost: list[Searched]
    """Their kept vector is missing or is not a unit vector."""
    other: list[Searched]
    """Chroma holds another vector of them than the catalog."""
    unfound: list[Searched]
    """Searched by their own vector, a different text comes before them."""
    unread: list[Searched]
    """Their rarest words do not find them."""
    searched: int
    total: int


def unsound(
    pipeline: Pipeline,
    generation: Generation,
    *,
    quick: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Unsound:
    """What is wrong with the chunks of a generation that are wholly indexed.

    Nothing is locked meanwhile: what looks wrong is looked at once more under the lock, because
    documents come and go. `step` is called between two pieces of work. Raises IndexDamaged.
    """
    pair = pipeline.indexes.open(generation.id, generation.dimension)
    ids = _chosen(pipeline, generation, quick)
    suspects = _unsound(pair, _searched(pipeline, generation, ids), quick, step)
    doubtful = {c.id for some in suspects[1:5] for c in some} | set(suspects.changed)
    if doubtful:
        with pipeline.index_lock:
            pair = pipeline.indexes.open(generation.id, generation.dimension)
            again = _searched(pipeline, generation, doubtful)
            suspects = _unsound(pair, again, quick, lambda: None)
    total = pipeline.catalog.chunk_count(generation.id)
    searched = total if ids is None else min(len(ids), total)
    return suspects._replace(searched=searched, total=total)


def still_unfound(
    pipeline: Pipeline, generation: Generation, ids: Collection[str]
) -> list[Searched]:
    """Those of these chunks that are not found by their own vector."""
    pair = pipeline.indexes.open(generation.id, generation.dimension)
    steps = _searched(pipeline, generation, set(ids))
    return _unsound(pair, steps, True, lambda: None).unfound


def searched_of(total: int) -> int:
    """Of how many of so many chunks each is searched."""
    return total if total <= ALL_UP_TO else SAMPLE


def _chosen(pipeline: Pipeline, generation: Generation, quick: bool) -> set[str] | None:
    """Ids of the chunks to search; None for all."""
    total = pipeline.catalog.chunk_count(generation.id)
    most = QUICK_SAMPLE if quick else searched_of(total)
    if total <= most:
        return None
    # Fewer than all where a crash left versions half indexed.
    ids = sorted(set().union(*pipeline.catalog.chunk_ids(generation.id, finished=True).values()))
    return set(random.sample(ids, min(most, len(ids))))


def _searched(
    pipeline: Pipeline, generation: Generation, ids: set[str] | None
) -> Iterator[list[Searched]]:
    return pipeline.catalog.searched(generation.id, ids)


def _unsound(
    pair: IndexPair, parts: Iterable[list[Searched]], quick: bool, step: Callable[[], None]
) -> Unsound:
    found = Unsound([], [], [], [], [], 0, 0)
    for part in parts:
        found.changed.extend(c.id for c in part if is_changed(c))
        found.lost.extend(c for c in part if c.vector is None or not is_unit(c.vector))
        sound = [c for c in part if c.vector is not None and is_unit(c.vector)]
        for space, some in groupby(sorted(sound, key=_space), key=_space):
            chunks = list(some)
            found.other.extend(_other_vectors(pair, space, chunks))
            for start in range(0, len(chunks), _BATCH):
                found.unfound.extend(_not_first(pair, space, chunks[start : start + _BATCH]))
                step()
        if not quick:
            found.unread.extend(_not_by_words(pair, part))
        step()
    return found


def _other_vectors(pair: IndexPair, space: str, chunks: Sequence[Searched]) -> list[Searched]:
    have = pair.vectors.vectors(space, [c.id for c in chunks])
    return [
        c
        for c in chunks
        if (row := have.get(c.id)) is not None
        and c.vector is not None
        and c.vector.any()
        and _cosine(row, c.vector) < _SAME_VECTOR
    ]


def _not_first(pair: IndexPair, space: str, chunks: Sequence[Searched]) -> list[Searched]:
    rows = [c.vector for c in chunks if c.vector is not None]
    hashes = {c.id: c.text_hash for c in chunks}
    missed = []
    for c, hits in zip(chunks, pair.vectors.nearest(space, np.stack(rows), 10), strict=True):
        if not c.vector.any():  # type: ignore[union-attr]
            continue  # an empty text has no direction
        same = any(i == c.id or hashes.get(i) == c.text_hash for i, _ in hits)
        best = hits[0][1] if hits else 0.0
        own = max((s for i, s in hits if i == c.id or hashes.get(i) == c.text_hash), default=0.0)
        if best < 1.0 - _TIE if not same else best > own + _TIE:
            missed.append(c)
    return missed


def _not_by_words(pair: IndexPair, chunks: Sequence[Searched]) -> list[Searched]:
    """Rare among the chunks of a step: what is rare in all of them is rare there too."""
    words = {c.id: spelled(c.searched_text) for c in chunks}
    holders = Counter(word for some in words.values() for word in set(some))
    missed = []
    for c in chunks:
        rarest = sorted(set(words[c.id]), key=lambda w: (holders[w], -len(w), w))[:_RAREST]
        if not rarest:
            continue
        asked = " ".join(rarest)
        if any(i == c.id for i, _ in pair.lexical.query([c.space_id], asked, _MOST_HITS)):
            continue
        # Many chunks with the same words: among those of its document it must be all the same.
        among = pair.lexical.query([c.space_id], asked, ALL_UP_TO, [c.document_id])
        if all(i != c.id for i, _ in among):
            missed.append(c)
    return missed


def _space(chunk: Searched) -> str:
    return chunk.space_id


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / lengths if lengths > 0 and np.isfinite(lengths) else 0.0
