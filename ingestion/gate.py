"""Before a new index serves: does it find what the one in use finds?

Both are asked the same questions in the same plain way, each by its own embedder: the best by
meaning and the best by words, their places added up (reciprocal rank fusion, Cormack et al. 2009).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from ingestion.pipeline import Pipeline
from store.embedders import EmbedderGone
from store.errors import IndexDamaged
from store.gates import Asked
from store.indexes.generations import IndexPair
from store.models import Chunk, Generation

MARGIN = 0.05
"""By how much the share of pages found may fall."""
BEST = 10
_DEPTH = 100
_SAMPLE = 50
_MOST_MARKED = 200
_AT_ONCE = 16
_SENTENCE = re.compile(r"[^.!?\n]{20,200}[.!?]")

Page = tuple[str, int]
"""Document id and page number."""


class Question(NamedTuple):
    """A text to look for, in which spaces, and the pages that ought to be found."""

    text: str
    space_ids: frozenset[str]
    pages: frozenset[Page]


def compared(
    pipeline: Pipeline, old: Generation, new: Generation, step: Callable[[], None]
) -> tuple[Asked, ...]:
    """Both generations asked what people marked right, and what is made from the documents."""
    asked = []
    for kind, questions in (
        ("marked", marked_questions(pipeline, old)),
        ("made", made_questions(pipeline, old)),
    ):
        if questions:
            try:
                before = recall(pipeline, old, questions, step)
            except IndexDamaged:  # what is to be replaced cannot be a measure
                before = None
            after = recall(pipeline, new, questions, step)
            asked.append(Asked(kind=kind, questions=len(questions), before=before, after=after))
    return tuple(asked)


def falls(asked: Sequence[Asked], margin: float = MARGIN) -> list[str]:
    """Sentences on what the new index finds less of; empty where it may serve."""
    named = {"marked": "questions that were marked right", "made": "made from the documents"}
    return [
        f"Of {a.questions} {'questions ' if a.kind == 'made' else ''}{named[a.kind]}, the index in"
        f" use finds {a.before:.0%} of the pages and the new one {a.after:.0%}."
        for a in asked
        if a.before is not None and a.after < a.before - margin - 1e-9
    ]


def marked_questions(pipeline: Pipeline, generation: Generation) -> list[Question]:
    """What people marked right, with the pages that were cited, as far as they are still here."""
    catalog = pipeline.catalog
    here = {d.id: d.space_id for d in catalog.documents()}
    found: dict[str, Question] = {}
    for mark in catalog.marks():
        if mark.verdict != "right":
            continue
        turn = catalog.turn(mark.turn_id)
        pages = frozenset((c.document_id, c.page) for c in turn.answer.citations)
        if pages and all(document in here for document, _ in pages):
            text = turn.answer.rewritten or turn.question
            spaces = frozenset(here[document] for document, _ in pages)
            found[turn.id] = Question(text, spaces, pages)
    return list(found.values())[-_MOST_MARKED:]


def made_questions(pipeline: Pipeline, generation: Generation) -> list[Question]:
    """Of a sample of chunks: section and first sentence, to be found on the chunk's page."""
    found = []
    for chunk in sample(pipeline, generation):
        sentence = _SENTENCE.search(chunk.text)
        said = sentence.group() if sentence else chunk.text[:200]
        text = " ".join(f"{chunk.section} {said}".split())
        page = frozenset([(chunk.document_id, chunk.page)])
        found.append(Question(text, frozenset([chunk.space_id]), page))
    return found


def recall(
    pipeline: Pipeline,
    generation: Generation,
    questions: Sequence[Question],
    step: Callable[[], None],
) -> float:
    """Mean share of each question's pages among those of the best 10 hits, 0..1."""
    pair = pipeline.indexes.open(generation.id, generation.dimension)
    try:
        embedder = pipeline.embedders.of(generation)
    except EmbedderGone:  # then it answers by words alone, and is measured so
        embedder = None
    vectors: list[np.ndarray] = []
    for start in range(0, len(questions), _AT_ONCE):
        if embedder is None:
            break
        # `embed`, not `embed_query`: that would push people's questions out of its memory.
        vectors += list(embedder.embed([q.text for q in questions[start : start + _AT_ONCE]]))
        step()
    shares = []
    for question, vector in zip_longest(questions, vectors):
        hits = best(pair, question, vector)
        found = pipeline.catalog.chunks(hits)
        pages = {(found[i].document_id, found[i].page) for i in hits if i in found}
        shares.append(len(pages & question.pages) / len(question.pages))
        step()
    return float(np.mean(shares))


def best(pair: IndexPair, question: Question, vector: np.ndarray | None) -> list[str]:
    """Ids of the best 10 chunks; by words alone where there is no vector of the question."""
    spaces = sorted(question.space_ids)
    sides = [pair.lexical.query(spaces, question.text, _DEPTH)]
    if vector is not None:
        sides.append(pair.vectors.query(spaces, vector, _DEPTH))
    scores: dict[str, float] = {}
    for side in sides:
        for place, (chunk_id, _) in enumerate(side, 1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + 1 / (60 + place)
    return sorted(scores, key=lambda i: -scores[i])[:BEST]


def sample(pipeline: Pipeline, generation: Generation, count: int = _SAMPLE) -> list[Chunk]:
    """The same chunks at each call, as long as the documents are the same."""
    ids = pipeline.catalog.some_chunks(generation.id, count, seed=1)
    found = pipeline.catalog.chunks(ids)
    return [found[i] for i in ids if i in found]
