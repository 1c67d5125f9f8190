"""Hybrid search: chunks by meaning and by words, confirmed by the catalog, ranked together."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retrieval.fusion import Head, Scores, rank
from store.embedders import EmbedderGone
from store.embedding import Embedder
from store.errors import FootnoteError, IndexDamaged, Transient
from store.indexes.generations import Indexes
from store.models import Chunk, Frozen, Generation, Hit

DEPTH = 100
"""Candidates of each side."""

EXACT_AGE_S = 60.0
"""How long a copy of the catalog's vectors answers before it is read again."""

NO_MEANING = "The vector index cannot be used now; this search went by words alone."
NO_WORDS = "The word index cannot be used now; this search went by meaning alone."
OTHER_MODEL = (
    "The embedding model is another one than the index was made by; re-index. "
    "This search went by words alone."
)
EXACT = "The vector index is damaged; its vectors were searched in memory."


class Found(Frozen):
    """What a search came back with, best first; `warnings` are sentences for a person.

    `dropped`: sentences on candidates that were left out. `steps`: names and milliseconds.
    """

    hits: tuple[Hit, ...] = ()
    warnings: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    steps: tuple[tuple[str, float], ...] = ()


class SearchedCatalog(Protocol):
    """What a search asks of the catalog."""

    def serving_generation(self) -> Generation | None: ...

    def chunk_heads(self, chunk_ids: Sequence[str]) -> Mapping[str, Head]: ...

    def chunk_texts(self, chunk_ids: Sequence[str]) -> dict[str, str]: ...

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]: ...

    def chunks_of_document(self, document_id: str, generation_id: str) -> list[Chunk]: ...


class VectorSearch(Protocol):
    """What Chroma and the exact index have in common here."""

    def query(
        self,
        space_ids: Sequence[str],
        vector: np.ndarray,
        k: int,
        only: Collection[str] | None = None,
    ) -> list[tuple[str, float]]: ...

    def vectors(self, space_id: str, ids: Collection[str]) -> dict[str, np.ndarray]: ...


class Searcher:
    """Thread-safe; opens nothing until it is asked."""

    def __init__(
        self,
        catalog: SearchedCatalog,
        indexes: Indexes,
        embedder: Embedder,
        *,
        embedder_of: Callable[[Generation], Embedder] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """`embedder_of` opens the one that made a generation; without it, `embedder` made all."""
        self.catalog, self.indexes, self.embedder = catalog, indexes, embedder
        self._embedder_of = embedder_of or (lambda generation: embedder)
        self._clock = clock
        self._exact: tuple[str, float, VectorSearch] | None = None

    def search(
        self,
        query: str,
        space_ids: Sequence[str],
        document_ids: Collection[str] | None = None,
        k: int = 10,
    ) -> Found:
        """At most `k` hits in these spaces, of these documents where they are named.

        Chunks that the catalog does not confirm are left out; of chunks with the same text the
        best is kept. Where one index is damaged the other answers alone, with a warning; where
        both are, raises IndexDamaged.
        """
        try:
            return self._search(query, space_ids, document_ids, k)
        except Transient:
            # A re-index swapped its generation in between two questions to the old one.
            return self._search(query, space_ids, document_ids, k)

    def _search(
        self,
        query: str,
        space_ids: Sequence[str],
        document_ids: Collection[str] | None,
        k: int,
    ) -> Found:
        generation = self.catalog.serving_generation()
        if generation is None or not query.strip() or not space_ids or k < 1:
            return Found()
        scope = _Scope(generation, tuple(space_ids), document_ids, max(DEPTH, k))
        warnings: list[str] = []
        self.indexes.note_question()
        try:
            embedder = self._embedder_of(generation)
        except EmbedderGone as gone:
            embedder = None
            warnings.append(f"{gone} This search went by words alone.")
        clock = _Laps()
        words = self._by_words(scope, query, warnings)
        clock.lap("search words")
        # The local model reads Latin letters only; on others its votes are noise.
        meaning: Scores | None = None if embedder is None else {}
        if embedder and (words is None or is_latin(query) or embedder.host is not None):
            meaning = self._by_meaning(scope, embedder, query, words or {}, warnings, clock)
        if words is None and meaning is None:
            raise IndexDamaged("Neither index can be searched now; run verify --repair.")
        words, meaning = words or {}, meaning or {}
        heads = self.catalog.chunk_heads(list({**meaning, **words}))
        local = embedder is None or embedder.host is None
        texts = self.catalog.chunk_texts
        scores = rank(query, heads, meaning, words, texts, reads_english_only=local)
        best, repeated = self._best(scores, k)
        vector_ranks, lexical_ranks = _places(meaning), _places(words)
        hits = tuple(
            Hit(
                chunk=chunk,
                score=scores[chunk.id],
                vector_score=meaning.get(chunk.id),
                vector_rank=vector_ranks.get(chunk.id),
                lexical_score=words.get(chunk.id),
                lexical_rank=lexical_ranks.get(chunk.id),
            )
            for chunk in best
        )
        clock.lap("rank")
        dropped = _dropped(len({*meaning, *words}) - len(heads), repeated)
        return Found(hits=hits, warnings=tuple(warnings), dropped=dropped, steps=clock.laps)

    def _best(self, scores: Scores, k: int) -> tuple[list[Chunk], int]:
        """The k best chunks, each text once a document; how many repeated one of them."""
        ranked = sorted(scores, key=lambda i: (-scores[i], i))
        kept: list[Chunk] = []
        taken = read = 0
        while len(kept) < k and read < len(ranked):
            ids = ranked[read : read + k]
            found = self.catalog.chunks(ids)
            read, taken = read + k, taken + len(found)
            kept = _each_text_once([*kept, *(found[i] for i in ids if i in found)])
        return kept[:k], taken - len(kept)

    def _by_words(self, scope: _Scope, query: str, warnings: list[str]) -> Scores | None:
        """BM25 of the best by words; None where their index is damaged."""
        try:
            index = self.indexes.lexical(scope.generation.id)
            return dict(index.query(scope.space_ids, query, scope.depth, scope.document_ids))
        except IndexDamaged:
            warnings.append(NO_WORDS)
            return None

    def _by_meaning(
        self,
        scope: _Scope,
        embedder: Embedder,
        query: str,
        also: Collection[str],
        warnings: list[str],
        clock: _Laps,
    ) -> Scores | None:
        """Similarity of the best by meaning and of the ids in `also`; None where there is none."""
        try:
            vector = embedder.embed_query(query)
        except FootnoteError as fault:
            warnings.append(f"{fault} This search went by words alone.")
            return None
        finally:
            clock.lap("embed question")
        if len(vector) != scope.generation.dimension:
            warnings.append(OTHER_MODEL)
            return None
        only = self._chunk_ids(scope)
        try:
            index = self.indexes.vectors(scope.generation.id, scope.generation.dimension)
            return _similarities(index, scope, vector, only, also)
        except IndexDamaged:
            pass
        finally:
            clock.lap("search meaning")
        try:
            found = _similarities(self._exact_index(scope.generation), scope, vector, only, also)
        except IndexDamaged:
            warnings.append(NO_MEANING)
            return None
        warnings.append(EXACT)
        return found

    def _chunk_ids(self, scope: _Scope) -> set[str] | None:
        """Ids of the chunks of the documents asked, None for all documents."""
        if scope.document_ids is None:
            return None
        return {
            chunk.id
            for document_id in scope.document_ids
            for chunk in self.catalog.chunks_of_document(document_id, scope.generation.id)
        }

    def _exact_index(self, generation: Generation) -> VectorSearch:
        now = self._clock()
        if self._exact is not None:
            of, since, index = self._exact
            if of == generation.id and now - since < EXACT_AGE_S:
                return index
        index = self.indexes.exact(generation.id)
        self._exact = (generation.id, now, index)
        return index


@dataclass(frozen=True)
class _Scope:
    """Where one search looks, and how many candidates each side brings."""

    generation: Generation
    space_ids: tuple[str, ...]
    document_ids: Collection[str] | None
    depth: int


class _Laps:
    """Names what was done since the last call, with its milliseconds."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: tuple[tuple[str, float], ...] = ()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps += ((name, (now - self._last) * 1000),)
        self._last = now


def _dropped(unconfirmed: int, repeated: int) -> tuple[str, ...]:
    found = []
    if unconfirmed:
        found.append(f"{unconfirmed} candidates that the catalog does not confirm")
    if repeated:
        found.append(f"{repeated} candidates that repeat the text of a better one")
    return tuple(found)


def is_latin(text: str) -> bool:
    """Whether at least half of the letters are Latin; a text without letters is."""
    letters = [c for c in text if c.isalpha()]
    latin = sum(c.isascii() or "LATIN" in unicodedata.name(c, "") for c in letters)
    return 2 * latin >= len(letters)


def _similarities(
    index: VectorSearch,
    scope: _Scope,
    vector: np.ndarray,
    only: Collection[str] | None,
    also: Collection[str],
) -> Scores:
    """Cosine of the nearest to `vector` and of the ids in `also`."""
    found = dict(index.query(scope.space_ids, vector, scope.depth, only))
    missing = [i for i in also if i not in found]
    unit = vector / max(float(np.linalg.norm(vector)), 1e-12)
    for space_id in scope.space_ids if missing else ():
        for chunk_id, row in index.vectors(space_id, missing).items():
            found[chunk_id] = float(row @ unit) / max(float(np.linalg.norm(row)), 1e-12)
    return found


def _each_text_once(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Without the later ones of chunks of a document that say the same."""
    kept: dict[tuple[str, str], Chunk] = {}
    for chunk in chunks:
        # The document counts: the same sentence in two reports is two facts.
        kept.setdefault((chunk.document_id, " ".join(chunk.text.split())), chunk)
    return list(kept.values())


def _places(scores: Scores) -> dict[str, int]:
    best = sorted(scores, key=lambda i: -scores[i])
    return {chunk_id: place for place, chunk_id in enumerate(best, 1)}
