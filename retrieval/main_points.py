"""The main points of a document or of a subject, without a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

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


class EmbedsTexts(Protocol):
    def embed(self, texts: Sequence[str]) -> np.ndarray: ...


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
