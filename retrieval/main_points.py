"""The main points of a document or of a subject, without a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from retrieval.instructions import quotable
from retrieval.sources import Source
from retrieval.words import content_stems
from store.models import Page

MOST_POINTS = 6
MOST_SUMMED = 60
"""Passages of which a summary's points are chosen."""
TOO_ALIKE = 0.75
EMBEDDED_CHARS = 480
"""A longer passage is compared by its beginning: time grows with length."""


Vectors = Callable[[Sequence[str]], np.ndarray]
"""Texts to float32 [n, d], rows of unit length."""


def main_points(
    sources: Sequence[Source],
    pages: Mapping[int, Page],
    vectors_of: Vectors,
    subject: str | None = None,
    most: int = MOST_POINTS,
) -> list[Source]:
    """At most `most` passages nearest to what all of them say together, and to the subject where
    there is one, spread over the pages, in the order they stand."""
    pieces = [p for source in sources for p in quotable(source, pages) if _makes_a_point(p)]
    prose = [p for p in pieces if len(p.pieces) == 1]
    pieces = prose if len(prose) >= most else pieces
    step = max(1.0, len(pieces) / MOST_SUMMED)
    pieces = [pieces[int(i * step)] for i in range(min(MOST_SUMMED, len(pieces)))]
    if not pieces:
        return []
    vectors = vectors_of([p.shown[:EMBEDDED_CHARS] for p in pieces])
    towards = vectors.mean(axis=0)
    if subject:
        towards = towards / (float(np.linalg.norm(towards)) or 1.0) + 2 * vectors_of([subject])[0]
    a_page = math.ceil(most / len({p.spans[0].page_id for p in pieces}))
    chosen: list[int] = []
    taken: Counter[int] = Counter()
    for i in map(int, np.argsort(-(vectors @ towards))):
        page_id = pieces[i].spans[0].page_id
        # Maximal marginal relevance (Carbonell and Goldstein 1998), as a limit on likeness.
        if taken[page_id] < a_page and all(vectors[i] @ vectors[j] < TOO_ALIKE for j in chosen):
            chosen.append(i)
            taken[page_id] += 1
        if len(chosen) == most:
            break
    return [pieces[i] for i in sorted(chosen)]


def _makes_a_point(passage: Source) -> bool:
    """Neither a fragment nor a reference."""
    return len(content_stems(passage.text)) >= 6 and "http" not in passage.text
