"""The lexical index: BM25 over chunks by tantivy, one index for all spaces of a generation.

It stores chunk ids and terms; a text cannot be read back whole from it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

import tantivy

from store.errors import IndexDamaged, Transient
from store.indexes.checksums import changed_files
from store.indexes.stems import ENGLISH, stemmed_language, terms_asked, terms_of
from store.indexes.words import WORDS_VERSION
from store.models import Chunk, Frozen

WRITER_BYTES = 15_000_000  # tantivy's least; per commit, given back after it
_MERGED_BELOW = 10_000  # tantivy takes all segments of fewer chunks for equals; of eight
_ALIKE = 8  # it makes one, and leaves out what was deleted
_PADDING = "padding"
_PADDED = "padded.json"
_RAW = {"tokenizer_name": "raw", "index_option": "basic"}


class LexicalEntry(Frozen):
    """What is indexed of one chunk; `header` is its document's name, title, section and date.

    `language` (ISO 639-1, None where it is not known) says which endings its words lose.
    """

    id: str
    space_id: str
    document_id: str
    header: str
    text: str
    language: str | None = None


def entry_of(chunk: Chunk) -> LexicalEntry:
    """What is indexed of a chunk of the catalog."""
    return LexicalEntry(
        id=chunk.id,
        space_id=chunk.space_id,
        document_id=chunk.document_id,
        header=chunk.header,
        text=chunk.text,
        language=chunk.language,
    )


class LexicalIndex:
    """Thread-safe; a write is on disk when the call returns.

    Every call raises IndexDamaged where tantivy cannot read or write its files, and Transient
    once the index is closed (its generation was replaced: ask the serving one).
    """

    def __init__(self, folder: Path):
        """Opens or creates the index in `folder`."""
        self.folder = folder
        self._lock = threading.RLock()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, **_RAW)
        builder.add_text_field("space", **_RAW)
        builder.add_text_field("document", **_RAW)
        builder.add_text_field("language", **_RAW)
        # Header and text in one field: as fields of their own, each with its BM25, they found the
        # right page of look-alike reports among ten in .70 instead of .78 of cases.
        builder.add_text_field("terms", tokenizer_name=WORDS_VERSION, index_option="freq")
        self._schema = builder.build()
        separated = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        folder.mkdir(parents=True, exist_ok=True)
        self._index: tantivy.Index | None = None
        with self._damage_named():
            # An index of other fields or another WORDS_VERSION has another schema: refused here.
            index = tantivy.Index(self._schema, path=str(folder))
            index.register_tokenizer(WORDS_VERSION, separated)
            # The default policy keeps a thread that reads meta.json twice a second.
            index.config_reader("manual")
            index.reload()
            self._index = index

    def upsert(self, entries: Sequence[LexicalEntry]) -> None:
        """Adds chunks, replacing those of the same id; of one id twice, the last counts."""
        latest = {entry.id: entry for entry in entries}
        with self._writing() as writer:
            for entry in latest.values():
                writer.delete_documents_by_term("id", entry.id)
                writer.add_document(_document(entry))

    def delete(self, ids: Collection[str]) -> None:
        """Removes chunks; ids that are not there are no error."""
        with self._writing() as writer:
            for chunk_id in ids:
                writer.delete_documents_by_term("id", chunk_id)

    def purge(self, entries: Callable[[list[str]], Iterable[LexicalEntry]]) -> int:
        """Erases from the files the terms of deleted chunks; questions go on meanwhile.

        A deleted chunk's terms stay in its segment until that is written anew: a small one by
        merging, a large one from `entries`, which gives chunks again by id. Returns how many
        segments held deleted chunks. A kill at any moment loses nothing.
        """
        with self._lock:
            held = self._with_deleted()
            if not held:
                return 0
            if min(size for _, size in held) < _MERGED_BELOW:
                with self._writing() as writer:
                    for _ in range(_ALIKE):
                        writer.add_document(tantivy.Document(id=_PADDING))
                        writer.commit()
            if left := {alive for alive, _ in self._with_deleted()}:
                self._write_anew(left, entries)
            self.delete([_PADDING])
            padded = {
                s["segment_id"]: s["deletes"]["num_deleted_docs"]
                for s in self._segments()
                if s["deletes"]
            }
            (self.folder / _PADDED).write_text(json.dumps(padded), encoding="utf-8")
            return len(held)

    def holders(self, word: str) -> int:
        """How many chunks hold a word, in any form of it; deleted ones count until a purge."""
        with self._reading() as searcher:
            languages = {*(name for name, _ in searcher.terms_with_prefix("language", "")), ENGLISH}
            forms = {form for forms in terms_asked(word, languages) for form in forms}
            return max((searcher.doc_freq("terms", form) for form in forms), default=0)

    def query(
        self,
        space_ids: Sequence[str],
        text: str,
        k: int,
        document_ids: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """At most `k` (chunk id, BM25 score), best first; any text is a valid query.

        A chunk needs to hold one of the text's terms, as its own language writes them; a term
        asked twice counts twice.
        """
        if not space_ids or (document_ids is not None and not document_ids):
            return []
        with self._reading() as searcher:
            languages = {*(name for name, _ in searcher.terms_with_prefix("language", "")), ENGLISH}
            either = self._any_of(searcher, Counter(terms_asked(text, languages)))
            if not either:
                return []
            should, must = tantivy.Occur.Should, tantivy.Occur.Must
            clauses = [(must, self._one_of("space", space_ids))]
            if document_ids is not None:
                clauses.append((must, self._one_of("document", document_ids)))
            # The terms in a clause of their own: beside a `must` they would all be optional.
            terms = tantivy.Query.boolean_query([(should, query) for query in either])
            clauses.append((must, terms))
            found = searcher.search(tantivy.Query.boolean_query(clauses), k, count=False)
            return [(searcher.doc(address)["id"][0], score) for score, address in found.hits]

    def ids(self, space_id: str | None = None) -> set[str]:
        """Chunk ids of one space, or of all."""
        # Without a filter the terms of deleted chunks are listed too.
        wanted = (
            tantivy.Query.all_query() if space_id is None else self._one_of("space", [space_id])
        )
        with self._reading() as searcher:
            return {term for term, _ in searcher.terms_with_prefix("id", "", wanted)}

    def count(self) -> int:
        with self._reading() as searcher:
            return searcher.num_docs

    def check(self) -> None:
        """Compares the files with their checksums, reads every id and finds one of them; raises
        IndexDamaged where that fails."""
        if changed := changed_files(self.folder, [s["segment_id"] for s in self._segments()]):
            raise IndexDamaged(
                f"The lexical index {self.folder} is damaged: {changed[0]} is not what was written."
            )
        ids = self.ids()
        with self._reading() as searcher:
            if len(ids) != searcher.num_docs:
                raise IndexDamaged(
                    f"The lexical index {self.folder} lists fewer chunks than it has."
                )
            if ids:
                query = tantivy.Query.term_query(self._schema, "id", min(ids), "basic")
                if not searcher.search(query, 1).hits:
                    raise IndexDamaged(f"The lexical index {self.folder} finds no chunk.")

    def close(self) -> None:
        """Lets go of the files; the folder may be deleted afterwards."""
        with self._lock:
            self._index = None

    def _with_deleted(self) -> list[tuple[int, int]]:
        """(chunks left, chunks it was written with) of each segment that holds deleted ones."""
        padded = self._padded()
        return [
            (s["max_doc"] - s["deletes"]["num_deleted_docs"], s["max_doc"])
            for s in self._segments()
            if s["deletes"] and padded.get(s["segment_id"]) != s["deletes"]["num_deleted_docs"]
        ]

    def _segments(self) -> list[dict]:
        with self._damage_named():
            return json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))["segments"]

    def _padded(self) -> dict[str, int]:
        """Of segments that had only padding deleted after a purge, how much of it."""
        try:
            return json.loads((self.folder / _PADDED).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # there is none, or a kill cut it short: work is done twice
            return {}

    def _write_anew(
        self, of_sizes: Collection[int], entries: Callable[[list[str]], Iterable[LexicalEntry]]
    ) -> None:
        """Segments of so many chunks; a segment is not named to us, and one more does no harm."""
        with self._reading() as searcher:
            everything = tantivy.Query.all_query()
            found = searcher.search(everything, max(1, searcher.num_docs), count=False)
            segments: dict[int, list[str]] = {}
            for _, address in found.hits:
                id_ = searcher.doc(address)["id"][0]
                segments.setdefault(address.segment_ord, []).append(id_)
        ids = [i for each in segments.values() if len(each) in of_sizes for i in each]
        with self._writing() as writer:
            for id_ in ids:
                writer.delete_documents_by_term("id", id_)
            for entry in entries([i for i in ids if i != _PADDING]):
                writer.add_document(_document(entry))

    def _any_of(
        self, searcher: tantivy.Searcher, asked: Counter[tuple[str, ...]]
    ) -> list[tantivy.Query]:
        """A query for each form of each term that the index holds.

        The forms of one term weigh as one word that all their chunks hold: a common word is no
        rare one because a few chunks of another language write it so.
        """
        queries = []
        for forms, times in asked.items():
            holders = {f: n for f in forms if (n := searcher.doc_freq("terms", f))}
            weight = _rarity(sum(holders.values()), searcher.num_docs)
            for form, n in holders.items():
                query = tantivy.Query.term_query(self._schema, "terms", form, "freq")
                # tantivy counts a term that is in a query twice only once: hence `times`.
                boost = times * weight / _rarity(n, searcher.num_docs)
                queries.append(tantivy.Query.boost_query(query, boost))
        return queries

    def _one_of(self, field: str, values: Collection[str]) -> tantivy.Query:
        chosen = tantivy.Query.term_set_query(self._schema, field, list(values))
        return tantivy.Query.const_score_query(chosen, 0.0)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[tantivy.Searcher]:
        # A searcher is a snapshot: it needs no lock and no write disturbs it.
        with self._damage_named():
            yield self._opened().searcher()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tantivy.IndexWriter]:
        """One transaction. Opening a writer costs 3 ms; an idle one, threads and 5 MB."""
        with self._lock, self._damage_named():
            index = self._opened()
            writer = index.writer(heap_size=WRITER_BYTES, num_threads=1)
            try:
                yield writer
                writer.commit()
            finally:
                writer.wait_merging_threads()  # also gives the writer's lock back
            index.reload()
        _give_memory_back()

    def _opened(self) -> tantivy.Index:
        if self._index is None:
            raise Transient("The index was replaced meanwhile; ask again.")
        return self._index

    @contextlib.contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as fault:  # what tantivy raises for files it cannot read
            raise IndexDamaged(f"The lexical index {self.folder} is damaged: {fault}") from fault


def written_today(folder: Path) -> bool:
    """False for an index of another WORDS_VERSION, which must be built anew; opens nothing.

    What cannot be read is not of another version: it is damaged, and opening it says so.
    """
    try:
        meta = (folder / "meta.json").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return True
    return f'"{WORDS_VERSION}"' in meta


def _document(entry: LexicalEntry) -> tantivy.Document:
    language = stemmed_language(entry.language)
    return tantivy.Document(
        id=entry.id,
        space=entry.space_id,
        document=entry.document_id,
        language=language,
        terms=" ".join(terms_of(f"{entry.header}\n\n{entry.text}", language)),
    )


def _rarity(holders: int, chunks: int) -> float:
    """BM25's inverse document frequency; deleted chunks may still be among the holders."""
    chunks = max(chunks, holders)
    return math.log(1 + (chunks - holders + 0.5) / (holders + 0.5))


def _give_memory_back() -> None:
    """Without this the C library keeps 150 MB of what ended writers' threads used; takes 2 ms."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library other than glibc
            ctypes.CDLL(None).malloc_trim(0)
