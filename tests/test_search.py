"""Hybrid search over real indexes; the embedder here counts words into fixed places."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from retrieval.fusion import min_max, rank, share_of_words
from retrieval.search import Found, Searcher, is_latin
from store.errors import IndexDamaged, Transient
from store.indexes.generations import Indexes
from store.indexes.lexical import LexicalEntry
from store.indexes.stems import asked
from store.models import Chunk, Generation

DIMENSION = 256


class WordEmbedder:
    """Texts that share words are near each other."""

    fingerprint, dimension, host = "words", DIMENSION, None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.full((len(texts), DIMENSION), 1e-3, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in asked(text):
                row[zlib.crc32(word.encode()) % DIMENSION] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_query(self, text: str) -> np.ndarray:
        return self.embed([text])[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


class AwayEmbedder(WordEmbedder):
    """A server that does not answer."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        raise Transient("The embeddings server example.org did not answer.")


class Shelf:
    """The few things that a search asks of a catalog."""

    def __init__(self) -> None:
        self.known: dict[str, Chunk] = {}
        self.serving: str | None = "g1"
        self.on_asked: Callable[[], None] = lambda: None

    def serving_generation(self) -> Generation | None:
        self.on_asked()
        if self.serving is None:
            return None
        return Generation(
            id=self.serving, chunker="c", embedder="e", dimension=DIMENSION, state="serving"
        )

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        return {i: self.known[i] for i in chunk_ids if i in self.known}

    def chunk_texts(self, chunk_ids: Sequence[str]) -> dict[str, str]:
        return {i: chunk.text for i, chunk in self.chunks(chunk_ids).items()}

    def chunk_heads(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        return self.chunks(chunk_ids)

    def chunks_of_document(self, document_id: str, generation_id: str) -> list[Chunk]:
        return [c for c in self.known.values() if c.document_id == document_id]


class Library:
    """A shelf with its indexes."""

    def __init__(self, root: Path):
        self.root = root
        self.shelf, self.embedder = Shelf(), WordEmbedder()
        self.indexes = Indexes(root, embeddings=self.stored)
        self.searcher = Searcher(self.shelf, self.indexes, self.embedder)

    def add(
        self, id: str, text: str, *, name: str = "a.pdf", header: str = "", space: str = "s"
    ) -> None:
        chunk = Chunk(
            id=id, document_id=name, space_id=space, name=name, spans=(), page=1, section="",
            header=header, text=text,
        )  # fmt: skip
        self.shelf.known[id] = chunk
        self.index(chunk, "g1")

    def index(self, chunk: Chunk, generation: str) -> None:
        pair = self.indexes.open(generation, DIMENSION)
        pair.vectors.upsert(chunk.space_id, [chunk.id], self.embedder.embed([chunk.searched_text]))
        pair.lexical.upsert(
            [
                LexicalEntry(
                    id=chunk.id,
                    space_id=chunk.space_id,
                    document_id=chunk.document_id,
                    header=chunk.header,
                    text=chunk.text,
                )
            ]
        )

    def stored(self, generation: str) -> list[tuple[str, list[str], np.ndarray]]:
        return [
            (chunk.space_id, [chunk.id], self.embedder.embed([chunk.searched_text]))
            for chunk in self.shelf.known.values()
        ]

    def damage(self, side: str) -> None:
        """Leaves a file where `side` has its folder, as nothing can open."""
        self.indexes.close()
        folder = self.root / "g1" / side
        folder.rename(folder.with_suffix(".gone"))
        folder.mkdir()
        (folder / {"chroma": "chroma.sqlite3", "lexical": "meta.json"}[side]).write_bytes(b"x" * 99)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "indexes")
    opened.add("pay", "Salaries are paid on the last working day of the month.")
    opened.add("leave", "Employees have thirty days of annual leave.", name="b.pdf")
    opened.add("visit", "Visitors sign in at the desk.", name="b.pdf")
    opened.add("secret", "Salaries of the board are secret.", name="c.pdf", space="other")
    yield opened
    opened.indexes.close()


def ids(found: Found) -> list[str]:
    return [hit.chunk.id for hit in found.hits]


def test_the_best_chunk_comes_first_with_how_it_was_found(library: Library):
    found = library.searcher.search("How many days of annual leave?", ["s"])
    best = found.hits[0]
    assert best.chunk.id == "leave"
    assert (best.vector_rank, best.lexical_rank) == (1, 1)
    assert best.vector_score is not None
    assert 0.5 < best.vector_score <= 1
    assert best.lexical_score is not None
    assert 0 < best.score <= 1
    assert [h.score for h in found.hits] == sorted((h.score for h in found.hits), reverse=True)
    assert found.warnings == ()


def test_only_the_asked_spaces_answer(library: Library):
    assert "secret" not in ids(library.searcher.search("salaries", ["s"]))
    assert ids(library.searcher.search("salaries of the board", ["s", "other"]))[0] == "secret"
    assert library.searcher.search("salaries", []).hits == ()


def test_only_the_asked_documents_answer(library: Library):
    found = library.searcher.search("salaries paid", ["s"], document_ids=["b.pdf"])
    assert set(ids(found)) <= {"leave", "visit"}
    assert ids(library.searcher.search("salaries", ["s"], document_ids=["none.pdf"])) == []


def test_what_the_catalog_does_not_confirm_is_not_found(library: Library):
    del library.shelf.known["leave"]
    assert "leave" not in ids(library.searcher.search("annual leave", ["s"]))


def test_the_same_text_is_listed_once_a_document(library: Library):
    for n in range(3):
        library.add(f"again{n}", "The canteen\nopens at noon.", name="b.pdf")
    library.add("other report", "The canteen opens at noon.", name="d.pdf")
    found = ids(library.searcher.search("when does the canteen open", ["s"]))
    assert len([i for i in found if i.startswith("again")]) == 1
    assert "other report" in found


def test_no_more_than_k_hits_come(library: Library):
    assert len(library.searcher.search("days salaries desk", ["s"], k=2).hits) == 2


@pytest.mark.parametrize("query", ["", "  ", '"(AND', "?!", "\x00", "word " * 3000])
def test_any_query_is_safe(library: Library, query: str):
    library.searcher.search(query, ["s"])


def test_without_a_serving_generation_nothing_is_found(library: Library):
    library.shelf.serving = None
    assert library.searcher.search("salaries", ["s"]) == Found()


def test_without_chroma_the_catalogs_vectors_answer_and_it_is_said(library: Library):
    library.damage("chroma")
    found = library.searcher.search("annual leave", ["s"])
    assert found.hits[0].chunk.id == "leave"
    assert found.hits[0].vector_rank == 1
    assert "searched in memory" in found.warnings[0]


def test_without_any_vectors_words_answer_and_it_is_said(library: Library):
    library.damage("chroma")
    bare = Searcher(library.shelf, Indexes(library.root), library.embedder)
    found = bare.search("annual leave", ["s"])
    assert ids(found) == ["leave"]
    assert "by words alone" in found.warnings[0]
    bare.indexes.close()


def test_without_the_word_index_meaning_answers_and_it_is_said(library: Library):
    library.damage("lexical")
    found = library.searcher.search("annual leave", ["s"])
    assert found.hits[0].chunk.id == "leave"
    assert found.hits[0].lexical_rank is None
    assert "by meaning alone" in found.warnings[0]


def test_without_either_index_the_search_fails_with_advice(library: Library):
    library.damage("chroma")
    library.damage("lexical")
    bare = Searcher(library.shelf, Indexes(library.root), library.embedder)
    with pytest.raises(IndexDamaged, match="verify --repair"):
        bare.search("annual leave", ["s"])


def test_while_the_embedder_is_away_words_answer(library: Library):
    away = Searcher(library.shelf, library.indexes, AwayEmbedder())
    found = away.search("annual leave", ["s"])
    assert ids(found) == ["leave"]
    assert "did not answer" in found.warnings[0]


def test_a_generation_swapped_during_a_question_is_asked_anew(library: Library):
    for chunk in list(library.shelf.known.values()):
        library.index(chunk, "g2")
    old = library.indexes.lexical("g1")

    def swap_after_first_look() -> None:
        if library.shelf.serving == "g1" and not swapped:
            swapped.append(True)
            old.close()  # as `drop` does, between the look and the query
            return
        library.shelf.serving = "g2"

    swapped: list[bool] = []
    library.shelf.on_asked = swap_after_first_look
    assert ids(library.searcher.search("annual leave", ["s"]))[0] == "leave"


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("What is it?", True),
        ("Ünïcödé und Straße", True),
        ("2023?", True),
        ("", True),
        ("Что это такое", False),
        ("ما هو التقرير", False),
        ("東京の人口は", False),
        ("Was kostet das 製品?", True),
    ],
)
def test_latin_questions_are_known(text: str, latin: bool):
    assert is_latin(text) is latin


def test_a_question_in_another_script_goes_by_words(library: Library):
    library.add("tokyo", "東京都の人口は約千四百万人です。")
    found = library.searcher.search("東京の人口", ["s"])
    assert ids(found) == ["tokyo"]
    assert found.hits[0].vector_score is None


def chunk(id: str, document: str, text: str = "x") -> Chunk:
    return Chunk(
        id=id, document_id=document, space_id="s", name=document, spans=(), page=1, section="",
        header=document, text=text,
    )  # fmt: skip


def ranked(question: str, known: dict[str, Chunk], *scores: dict[str, float]) -> dict[str, float]:
    return rank(question, known, *scores, lambda ids: {i: known[i].text for i in ids})


def test_the_document_that_the_question_names_comes_first():
    known = {c.id: c for c in (chunk("a", "2022 Q3 AAPL.pdf"), chunk("b", "2023 Q1 AAPL.pdf"))}
    even = {"a": 0.5, "b": 0.52}
    named = ranked("revenue in Q3 2022", known, even, {})
    assert named["a"] > ranked("revenue", known, even, {})["a"]
    scores = ranked("revenue in Q3 2022", known, even | {"c": 0.1}, {"a": 3.0, "b": 3.1})
    assert scores.keys() == {"a", "b"}


def test_a_short_document_is_not_beaten_for_its_length():
    known = {"letter": chunk("letter", "letter.pdf")}
    known |= {f"h{n}": chunk(f"h{n}", "handbook.pdf") for n in range(30)}
    meaning = {"letter": 0.8} | {f"h{n}": 0.7 for n in range(29)} | {"h29": 0.1}
    scores = ranked("overdue", known, meaning, {})
    assert max(scores, key=scores.__getitem__) == "letter"


def test_words_that_are_everywhere_weigh_less():
    flat = {str(n): 10.0 - n / 100 for n in range(100)}
    peaked = {str(n): 10.0 / (n + 1) for n in range(100)}
    assert share_of_words(flat) < 0.02
    assert share_of_words(peaked) > 0.4
    assert share_of_words({}) == 0


def test_min_max_of_equal_scores_is_one():
    assert min_max({"a": 3.0, "b": 3.0}) == {"a": 1.0, "b": 1.0}
    assert min_max({"a": 1.0, "b": 3.0, "c": 2.0}) == {"a": 0.0, "b": 1.0, "c": 0.5}
    assert min_max({}) == {}
