"""Retrieval figures over a folder of PDFs with questions, or a corpus with judgements.

python -m benchmarks.retrieval FOLDER [--chunks words|structure] [--model-dir DIR] [--cache DIR]

FOLDER holds `docs/*.pdf` and `questions*.jsonl` (`evidence: [{doc, page}]`), or `corpus.jsonl`,
`queries.jsonl` and `qrels.tsv`. Pages become chunks of 150 words behind the file's name, or, with
`--chunks structure`, what a library makes of them; the real embedder, indexes and searcher do the
rest. Printed: how often a page (document) named by the question is among the first 1, 5, 10
distinct ones, or nDCG@10. Pages and embeddings are kept in --cache; delete it to read them anew.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2

from ingestion.chunking import chunk_pages
from ingestion.languages import Languages
from ingestion.parsers import ParseOptions, pdf
from retrieval import fusion
from retrieval.search import Searcher
from store.catalog.chunks import text_hash
from store.embedding import Embedder, LocalEmbedder
from store.indexes.generations import Indexes
from store.indexes.lexical import LexicalEntry
from store.models import Chunk, Generation, Page, ParsedDocument

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
    """What is looked for, and in which file's questions."""


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
    parser.add_argument("--chunks", choices=("words", "structure"), default="words")
    parser.add_argument("--model-dir", type=Path)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "footnote-bench"
    )
    args = parser.parse_args()
    embedder = LocalEmbedder(args.model_dir)
    args.cache.mkdir(parents=True, exist_ok=True)
    data_sets = load(args.folder, args.cache if args.chunks == "structure" else None, embedder)
    chunks = data_sets[0].chunks
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


def load(folder: Path, pages_in: Path | None, embedder: Embedder) -> list[DataSet]:
    """The questions of a folder, by page and by document where it has pages.

    Chunks of 150 words, or with a folder for the pages read, chunks by structure.
    """
    if (folder / "corpus.jsonl").exists():
        return [load_corpus(folder)]
    paths = sorted((folder / "docs").glob("*.pdf"))
    made = (cut_by_structure(p, pages_in, embedder) if pages_in else cut(p) for p in paths)
    chunks = [chunk for some in made for chunk in some]
    found = []
    for file in sorted(folder.glob("questions*.jsonl")):
        rows = read_lines(file)
        paged = [(r["question"], [e for e in r["evidence"] if e["page"]]) for r in rows]
        by_page = [Question(q, {f"{e['doc']} {e['page']}": 1.0 for e in es}) for q, es in paged]
        by_document = [
            Question(r["question"], {e["doc"]: 1.0 for e in r["evidence"]}) for r in rows
        ]
        found += [
            DataSet(
                chunks,
                [q for q in by_page if q.right],
                lambda chunk: f"{chunk.name} {chunk.page}",
                f"page ({file.stem})",
            ),
            DataSet(
                chunks,
                [q for q in by_document if q.right],
                lambda chunk: chunk.name,
                f"document ({file.stem})",
            ),
        ]
    return found


def load_corpus(folder: Path) -> DataSet:
    chunks = [
        make_chunk(row["_id"], f"{row['_id']}.txt", 1, 0, row.get("title", ""), row["text"])
        for row in read_lines(folder / "corpus.jsonl")
    ]
    grades: dict[str, dict[str, float]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if float(row["score"]) > 0:
                grades.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
    questions = [
        Question(row["text"], grades[row["_id"]])
        for row in read_lines(folder / "queries.jsonl")
        if row["_id"] in grades
    ]
    told = in_their_languages(chunks)
    return DataSet(told, questions, lambda chunk: chunk.document_id, "document")


def cut(path: Path, size: int = 150) -> list[Chunk]:
    """Chunks of `size` words of each page's text, behind the file's name."""
    chunks = []
    with pypdfium2.PdfDocument(path) as file:
        for number, page in enumerate(file, 1):
            words = page.get_textpage().get_text_bounded().split()
            for n in range(0, len(words), size):
                text = " ".join(words[n : n + size])
                chunks.append(make_chunk(path.name, path.name, number, n, path.stem, text))
    return in_their_languages(chunks)


def cut_by_structure(path: Path, pages_in: Path, embedder: Embedder) -> list[Chunk]:
    """What a library makes of a file; `pages_in` keeps the pages read."""
    info, pages = read_pages(path, pages_in)
    drafts = chunk_pages(
        pages,
        title=info.title,
        name=path.name,
        date=info.date,
        count_tokens=embedder.count_tokens,
    )
    return [
        make_chunk(path.name, path.name, d.page, n, d.header, d.text).model_copy(
            update={"language": d.language, "section": d.section, "spans": d.spans}
        )
        for n, d in enumerate(drafts)
    ]


def read_pages(path: Path, pages_in: Path) -> tuple[ParsedDocument, list[Page]]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:24]
    kept = pages_in / f"{digest}.json"
    if not kept.exists():
        file = pdf.open_file(path, ParseOptions())
        read = (file.page(n) for n in range(1, file.info.pages + 1))
        pages = [Page(**dict(page), id=page.number, parse_id=1) for page in read]
        file.close()
        told = [
            {**p.model_dump(mode="json", exclude={"boxes"}), "boxes": (p.boxes or b"").hex()}
            for p in pages
        ]
        kept.write_text(json.dumps([file.info.model_dump(mode="json"), told]), encoding="utf-8")
    info, told = json.loads(kept.read_text(encoding="utf-8"))
    return ParsedDocument.model_validate(info), [
        Page.model_validate({**page, "boxes": bytes.fromhex(page["boxes"]) or None})
        for page in told
    ]


def in_their_languages(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Chunks of one document with the language of each."""
    found = Languages().of([chunk.text for chunk in chunks])
    return [
        chunk.model_copy(update={"language": language})
        for chunk, language in zip(chunks, found, strict=True)
    ]


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
                language=chunk.language,
            )
            for chunk in chunks
        ]
    )


def cached_vectors(texts: Sequence[str], embedder: Embedder, cache: Path) -> np.ndarray:
    """Vectors float32 [n, d]; each different text is embedded once, in all runs together."""
    with sqlite3.connect(cache / "vectors.db") as kept:
        kept.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB)")
        keys = [text_hash(f"{embedder.fingerprint}\0{text}") for text in texts]
        known = dict(kept.execute("SELECT key, vector FROM vectors"))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            fresh = embedder.embed(list(new.values())).astype("<f4")
            rows = [(key, row.tobytes()) for key, row in zip(new, fresh, strict=True)]
            kept.executemany("INSERT INTO vectors VALUES (?, ?)", rows)
            known.update(rows)
    return np.stack([np.frombuffer(known[key], "<f4") for key in keys])


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
