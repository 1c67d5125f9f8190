"""Retrieval figures over a folder of PDFs with questions, or a corpus with judgements.

python -m benchmarks.retrieval FOLDER [--model-dir DIR] [--cache DIR]

FOLDER holds `docs/*.pdf` and `questions.jsonl` (`evidence: [{doc, page}]`), or `corpus.jsonl`,
`queries.jsonl` and `qrels.tsv`. Pages become chunks of 150 words behind the file's name; the real
embedder, indexes and searcher do the rest. Printed: how often a page (document) named by the
question is among the first 1, 5, 10 distinct ones, or nDCG@10. Embeddings are kept between runs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2

from retrieval import fusion
from retrieval.search import Searcher
from store.embedding import Embedder, LocalEmbedder
from store.indexes.generations import Indexes
from store.indexes.lexical import LexicalEntry
from store.models import Chunk, Generation

SPACE, GENERATION = "bench", "g1"
DEPTH = 100
Ranked = list[str]
"""Chunk ids, best first."""


@dataclass(frozen=True)
class Question:
    """`right` are the names of what should be found, each with its grade."""

    text: str
    right: dict[str, float]


@dataclass(frozen=True)
class DataSet:
    """`place` names, for a chunk, what a question's `right` names."""

    chunks: list[Chunk]
    questions: list[Question]
    place: Callable[[Chunk], str]
    unit: str


class Shelf:
    """What the searcher asks of the catalog, answered from a list."""

    def __init__(self, chunks: Sequence[Chunk], dimension: int):
        self._chunks = {chunk.id: chunk for chunk in chunks}
        self._generation = Generation(
            id=GENERATION, chunker="bench", embedder="bench", dimension=dimension, state="serving"
        )

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        return {i: self._chunks[i] for i in chunk_ids if i in self._chunks}

    def chunks_of_document(self, document_id: str, generation_id: str) -> list[Chunk]:
        return [c for c in self._chunks.values() if c.document_id == document_id]

    def serving_generation(self) -> Generation | None:
        return self._generation


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model-dir", type=Path)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "footnote-bench"
    )
    args = parser.parse_args()
    embedder = LocalEmbedder(args.model_dir)
    data_sets = load(args.folder)
    chunks = data_sets[0].chunks
    args.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        indexes = Indexes(Path(folder))
        started = time.perf_counter()
        vectors = cached_vectors([c.searched_text for c in chunks], embedder, args.cache)
        say(f"{len(chunks)} chunks, vectors {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        fill(indexes, chunks, vectors, embedder.dimension)
        say(f"indexed in {time.perf_counter() - started:.1f} s")
        for data in data_sets:
            say(f"\n{len(data.questions)} questions by {data.unit}")
            report(data, indexes, embedder, args.cache)
        indexes.close()
    return 0


def report(data: DataSet, indexes: Indexes, embedder: Embedder, cache: Path) -> None:
    """Prints a line of figures for each method."""
    catalog = Shelf(data.chunks, embedder.dimension)
    texts = [q.text for q in data.questions]
    asked = dict(zip(texts, cached_vectors(texts, embedder, cache), strict=True))
    pair = indexes.open(GENERATION, embedder.dimension)
    searcher = Searcher(catalog, indexes, embedder)
    lexical = {t: pair.lexical.query([SPACE], t, DEPTH) for t in texts}
    dense = {t: pair.vectors.query([SPACE], asked[t], DEPTH) for t in texts}

    def halves(text: str) -> Ranked:
        ids = list(dict.fromkeys([i for i, _ in dense[text] + lexical[text]]))
        rows = pair.vectors.vectors(SPACE, ids)
        by_meaning = fusion.min_max({i: float(rows[i] @ asked[text]) for i in ids})
        by_words = fusion.min_max(dict(lexical[text]))
        return sorted(ids, key=lambda i: -(by_meaning[i] + by_words.get(i, 0.0)))

    methods: dict[str, Callable[[str], Ranked]] = {
        "BM25": lambda text: [i for i, _ in lexical[text]],
        "vectors": lambda text: [i for i, _ in dense[text]],
        "min-max 0.5": halves,
        "ours": lambda text: [hit.chunk.id for hit in searcher.search(text, [SPACE], k=DEPTH).hits],
    }
    chunks = {chunk.id: chunk for chunk in data.chunks}
    for name, method in methods.items():
        started = time.perf_counter()
        places = [
            list(dict.fromkeys(data.place(chunks[i]) for i in method(text))) for text in texts
        ]
        ms = (time.perf_counter() - started) / len(texts) * 1000
        rights = [q.right for q in data.questions]
        pairs = list(zip(places, rights, strict=True))
        hits = "  ".join(
            f"hit@{k} {np.mean([hit(found, right, k) for found, right in pairs]):.3f}"
            for k in (1, 5, 10)
        )
        gain = np.mean([ndcg(found, right, 10) for found, right in pairs])
        say(f"{name:12} {hits}  nDCG@10 {gain:.4f}  {ms:.1f} ms")


def hit(found: Ranked, right: Collection[str], k: int) -> bool:
    return any(place in right for place in found[:k])


def ndcg(found: Ranked, right: dict[str, float], k: int) -> float:
    gains = [right.get(place, 0.0) for place in found[:k]]
    best = sorted(right.values(), reverse=True)[:k]
    ideal = sum(g / math.log2(n + 2) for n, g in enumerate(best))
    return sum(g / math.log2(n + 2) for n, g in enumerate(gains)) / ideal if ideal else 0.0


def load(folder: Path) -> list[DataSet]:
    """The questions of a folder, by page and by document where it has pages."""
    if (folder / "corpus.jsonl").exists():
        return [load_corpus(folder)]
    chunks = [chunk for path in sorted((folder / "docs").glob("*.pdf")) for chunk in cut(path)]
    rows = read_lines(folder / "questions.jsonl")
    by_page = [(row["question"], [e for e in row["evidence"] if e["page"]]) for row in rows]
    by_document = [(row["question"], row["evidence"]) for row in rows]
    return [
        DataSet(
            chunks,
            [Question(q, {f"{e['doc']} {e['page']}": 1.0 for e in es}) for q, es in by_page if es],
            lambda chunk: f"{chunk.name} {chunk.page}",
            "page",
        ),
        DataSet(
            chunks,
            [Question(q, {e["doc"]: 1.0 for e in es}) for q, es in by_document if es],
            lambda chunk: chunk.name,
            "document",
        ),
    ]


def load_corpus(folder: Path) -> DataSet:
    chunks = [
        make_chunk(row["_id"], f"{row['_id']}.txt", 1, 0, row.get("title", ""), row["text"])
        for row in read_lines(folder / "corpus.jsonl")
    ]
    grades: dict[str, dict[str, float]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            grades.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
    questions = [
        Question(row["text"], grades[row["_id"]])
        for row in read_lines(folder / "queries.jsonl")
        if row["_id"] in grades
    ]
    return DataSet(chunks, questions, lambda chunk: chunk.document_id, "document")


def cut(path: Path, size: int = 150) -> list[Chunk]:
    """Chunks of `size` words of each page's text, behind the file's name."""
    chunks = []
    with pypdfium2.PdfDocument(path) as pdf:
        for number, page in enumerate(pdf, 1):
            words = page.get_textpage().get_text_bounded().split()
            for n in range(0, len(words), size):
                text = " ".join(words[n : n + size])
                chunks.append(make_chunk(path.name, path.name, number, n, path.stem, text))
    return chunks


def make_chunk(document_id: str, name: str, page: int, n: int, header: str, text: str) -> Chunk:
    return Chunk(
        id=f"{document_id}-{page}-{n}",
        document_id=document_id,
        space_id=SPACE,
        name=name,
        spans=(),
        page=page,
        section="",
        header=header,
        text=text,
    )


def fill(indexes: Indexes, chunks: Sequence[Chunk], vectors: np.ndarray, dimension: int) -> None:
    pair = indexes.open(GENERATION, dimension)
    pair.vectors.upsert(SPACE, [chunk.id for chunk in chunks], vectors)
    pair.lexical.upsert(
        [
            LexicalEntry(
                id=chunk.id,
                space_id=SPACE,
                document_id=chunk.document_id,
                header=chunk.header,
                text=chunk.text,
            )
            for chunk in chunks
        ]
    )


def cached_vectors(texts: Sequence[str], embedder: Embedder, cache: Path) -> np.ndarray:
    key = hashlib.sha256("\0".join([embedder.fingerprint, *texts]).encode("utf-8", "replace"))
    file = cache / f"{key.hexdigest()[:24]}.npy"
    if not file.exists():
        np.save(file, embedder.embed(texts))
    return np.load(file)


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
