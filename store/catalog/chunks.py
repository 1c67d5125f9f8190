"""Chunks and embeddings."""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, Select, bindparam, exists, func, literal_column, select

from store.catalog import tables as t
from store.catalog.base import to_json
from store.catalog.leases import Lease, LeasedQueries, check_here
from store.errors import Transient
from store.models import ANSWERING, Chunk, Span

log = logging.getLogger("footnote.catalog")
_BATCH = 500  # SQLite's limit of bound variables is far above; this bounds the memory of a step


class NewChunk(NamedTuple):
    """A chunk to store; its id follows from generation, version and position."""

    spans: tuple[Span, ...]
    page: int
    section: str
    header: str
    text: str
    language: str | None = None

    @property
    def searched_text(self) -> str:
        return f"{self.header}\n{self.text}" if self.header else self.text


class ChunkHead(NamedTuple):
    """What a search needs to know of a candidate before it reads its text."""

    document_id: str
    name: str
    header: str
    language: str | None


def chunk_id(generation_id: str, version_id: str, seq: int) -> str:
    return f"{generation_id}-{version_id}-{seq:05d}"


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


class ChunkQueries(LeasedQueries):
    """Chunks by id, version and generation; embeddings by text."""

    def put_chunks(
        self,
        lease: Lease,
        generation_id: str,
        version_id: str,
        chunks: Sequence[NewChunk],
        first: int = 0,
    ) -> list[str]:
        """Put a version's chunks, from its `first` on, in place of those there; ids in order."""
        ids = [chunk_id(generation_id, version_id, first + i) for i in range(len(chunks))]
        rows = [
            {
                "id": ids[i],
                "generation_id": generation_id,
                "version_id": version_id,
                "seq": first + i,
                "spans": to_json([[s.page_id, s.start, s.end] for s in chunk.spans]),
                "page": chunk.page,
                "section": chunk.section,
                "header": chunk.header,
                "text_hash": text_hash(chunk.searched_text),
                "language": chunk.language,
            }
            for i, chunk in enumerate(chunks)
        ]
        k = t.chunks.c
        with self.leased(lease) as c:
            check_here(c, lease, version_id)
            g = t.generations.c
            if c.execute(select(g.id).where(g.id == generation_id)).first() is None:
                raise Transient("The index was replaced meanwhile; it goes on in the one in use.")
            c.execute(
                t.chunks.delete().where(
                    k.generation_id == generation_id,
                    k.version_id == version_id,
                    k.seq >= first,
                    k.seq < first + len(chunks),
                )
            )
            if rows:
                c.execute(t.chunks.insert(), rows)
        return ids

    def chunks_beyond(self, generation_id: str, version_id: str, count: int) -> list[str]:
        """Ids of a version's chunks after the first `count`: of an earlier, longer cutting."""
        k = t.chunks.c
        ours = (k.generation_id == generation_id, k.version_id == version_id, k.seq >= count)
        with self.db.read() as c:
            return list(c.execute(select(k.id).where(*ours).order_by(k.seq)).scalars())

    def forget_chunks_beyond(
        self, lease: Lease, generation_id: str, version_id: str, count: int
    ) -> None:
        """Delete those, once they are out of the indexes."""
        k = t.chunks.c
        ours = (k.generation_id == generation_id, k.version_id == version_id, k.seq >= count)
        with self.leased(lease) as c:
            check_here(c, lease, version_id)
            c.execute(t.chunks.delete().where(*ours))

    def chunk_ids(
        self, generation_id: str, version_id: str | None = None, *, finished: bool = False
    ) -> dict[str, set[str]]:
        """Space id → ids of a generation's chunks: of one version, of those wholly indexed."""
        query = (
            select(t.documents.c.space_id, t.chunks.c.id)
            .join(t.versions, t.versions.c.id == t.chunks.c.version_id)
            .join(t.documents, t.documents.c.id == t.versions.c.document_id)
            .where(t.chunks.c.generation_id == generation_id)
        )
        if version_id is not None:
            query = query.where(t.chunks.c.version_id == version_id)
        if finished:
            query = query.join(
                t.indexed,
                (t.indexed.c.generation_id == generation_id)
                & (t.indexed.c.version_id == t.chunks.c.version_id),
            )
        found: dict[str, set[str]] = {}
        with self.db.read() as c:
            for space_id, id_ in c.execute(query):
                found.setdefault(space_id, set()).add(id_)
        return found

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        """Those of these chunks that may answer: not removed, not replaced, fully indexed."""
        found: dict[str, Chunk] = {}
        for i in range(0, len(chunk_ids), _BATCH):
            found.update(self._load(_ANSWERING, {"ids": chunk_ids[i : i + _BATCH]}))
        return found

    def chunk_heads(self, chunk_ids: Sequence[str]) -> dict[str, ChunkHead]:
        """As `chunks`, without their texts: those are most of the reading."""
        found: dict[str, ChunkHead] = {}
        with self.db.read() as c:
            for i in range(0, len(chunk_ids), _BATCH):
                rows = c.execute(_HEADS, {"ids": chunk_ids[i : i + _BATCH]})
                found.update((row[0], ChunkHead(*row[1:])) for row in rows)
        return found

    def chunk_texts(self, chunk_ids: Sequence[str]) -> dict[str, str]:
        """The texts of chunks, whatever their document's state; not compared with their hashes."""
        found: dict[str, str] = {}
        with self.db.read() as c:
            for i in range(0, len(chunk_ids), _BATCH):
                rows = c.execute(_SPANS, {"ids": chunk_ids[i : i + _BATCH]}).all()
                spans = {id_: read_spans(packed) for id_, packed in rows}
                texts = _page_texts(c, spans.values())
                found.update((id_, _joined(own, texts)) for id_, own in spans.items())
        return found

    def stored_chunks(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        """These chunks whatever their document's state; for filling the indexes."""
        found: dict[str, Chunk] = {}
        for i in range(0, len(chunk_ids), _BATCH):
            found.update(
                self._load(_chunk_rows().where(t.chunks.c.id.in_(chunk_ids[i : i + _BATCH])))
            )
        return found

    def each_chunk_of(self, generation_id: str, version_id: str) -> Iterator[Chunk]:
        """A version's chunks in order, whatever its state, some hundred in memory at a time."""
        k = t.chunks.c
        ours = (k.generation_id == generation_id, k.version_id == version_id)
        first, found = 0, True
        while found:
            part = (*ours, k.seq >= first, k.seq < first + _BATCH)
            found = self._load(_chunk_rows().where(*part).order_by(k.seq))
            yield from found.values()
            first += _BATCH

    def texts_to_embed(self, generation_id: str, embedder: str) -> int:
        """Different texts of a generation's chunks of which no vector by `embedder` is kept."""
        k, e = t.chunks.c, t.embeddings.c
        known = exists().where(e.embedder == embedder, e.text_hash == k.text_hash)
        query = select(func.count(k.text_hash.distinct())).where(
            k.generation_id == generation_id, ~known
        )
        with self.db.read() as c:
            return c.execute(query).scalar_one()

    def some_chunks(self, generation_id: str, count: int, seed: int) -> list[str]:
        """Ids of at most `count` chunks of a generation that may answer, chosen by `seed`."""
        k, v = t.chunks.c, t.versions.c
        query = (
            select(k.id)
            .join(t.versions, v.id == k.version_id)
            .join(t.documents, t.documents.c.id == v.document_id)
            .where(
                k.generation_id == generation_id,
                v.status.in_(ANSWERING),
                t.documents.c.removing.is_(False),
            )
            .order_by(k.id)
        )
        with self.db.read() as c:
            ids = list(c.execute(query).scalars())
        return sorted(random.Random(seed).sample(ids, min(count, len(ids))))

    def chunks_of_document(self, document_id: str, generation_id: str) -> list[Chunk]:
        """Chunks of a document that may answer, in order."""
        query = (
            _chunk_rows()
            .where(
                t.chunks.c.generation_id == generation_id,
                t.versions.c.document_id == document_id,
                t.versions.c.status.in_(ANSWERING),
                t.documents.c.removing.is_(False),
            )
            .order_by(t.chunks.c.version_id, t.chunks.c.seq)
        )
        return list(self._load(query).values())

    def chunk_count(self, generation_id: str | None) -> int:
        with self.db.read() as c:
            return c.execute(
                select(func.count())
                .select_from(t.chunks)
                .where(t.chunks.c.generation_id == generation_id)
            ).scalar_one()

    def embeddings(self, embedder: str, hashes: Collection[str]) -> dict[str, np.ndarray]:
        """Stored vectors by text hash, float32 [d]."""
        e = t.embeddings.c
        found: dict[str, np.ndarray] = {}
        wanted = list(hashes)
        with self.db.read() as c:
            for i in range(0, len(wanted), _BATCH):
                rows = c.execute(
                    select(e.text_hash, e.vector).where(
                        e.embedder == embedder, e.text_hash.in_(wanted[i : i + _BATCH])
                    )
                )
                found.update((h, np.frombuffer(v, dtype="<f4")) for h, v in rows)
        return found

    def embeddings_of(self, generation_id: str) -> Iterator[tuple[str, list[str], np.ndarray]]:
        """A generation's stored vectors: (space id, chunk ids, float32 [n, d]) a space."""
        k, e, d = t.chunks.c, t.embeddings.c, t.documents.c
        query = (
            select(d.space_id, k.id, e.vector)
            .join(t.generations, t.generations.c.id == k.generation_id)
            .join(t.versions, t.versions.c.id == k.version_id)
            .join(t.documents, d.id == t.versions.c.document_id)
            .join(
                t.embeddings,
                (e.embedder == t.generations.c.embedder) & (e.text_hash == k.text_hash),
            )
            .where(k.generation_id == generation_id)
            .order_by(d.space_id)
        )
        with self.db.read() as c:
            for space_id, rows in groupby(c.execute(query), key=lambda r: r.space_id):
                ids, vectors = zip(
                    *((r.id, np.frombuffer(r.vector, "<f4")) for r in rows), strict=True
                )
                yield space_id, list(ids), np.stack(vectors)

    def put_embeddings(
        self, lease: Lease, embedder: str, vectors: Iterable[tuple[str, np.ndarray]]
    ) -> None:
        rows = [
            {"embedder": embedder, "text_hash": h, "vector": v.astype("<f4").tobytes()}
            for h, v in vectors
        ]
        if not rows:
            return
        with self.leased(lease) as c:
            c.execute(t.embeddings.insert().prefix_with("OR IGNORE"), rows)

    def _load(self, query: Select, values: dict | None = None) -> dict[str, Chunk]:
        with self.db.read() as c:
            rows = c.execute(query, values or {}).all()
            spans = {r.id: read_spans(r.spans) for r in rows}
            texts = _page_texts(c, spans.values())
        chunks = {r.id: _chunk(r, spans[r.id], texts) for r in rows}
        whole = {r.id for r in rows if text_hash(chunks[r.id].searched_text) == r.text_hash}
        if len(whole) < len(chunks):
            # The disk, or somebody, changed a text or where a chunk lies in it: never quoted.
            log.warning("%d damaged passages are left out; verify.", len(chunks) - len(whole))
        return {i: chunk for i, chunk in chunks.items() if i in whole}


def _page_texts(c: Connection, spans: Iterable[Sequence[tuple[int, int, int]]]) -> dict[int, str]:
    ids = list({s[0] for found in spans for s in found})
    texts: dict[int, str] = {}
    for i in range(0, len(ids), _BATCH):
        found = c.execute(_TEXTS, {"ids": ids[i : i + _BATCH]})
        texts.update((id_, text) for id_, text in found)
    return texts


def _joined(spans: Sequence[tuple[int, int, int]], texts: Mapping[int, str]) -> str:
    return "\n".join(texts.get(p, "")[s:e] for p, s, e in spans)


def _chunk_rows() -> Select:
    k, d = t.chunks.c, t.documents.c
    return (
        select(
            k.id,
            k.spans,
            k.page,
            k.section,
            k.header,
            k.text_hash,
            k.language,
            d.id.label("document_id"),
            d.space_id,
            d.name,
        )
        .join(t.versions, t.versions.c.id == k.version_id)
        .join(t.documents, d.id == t.versions.c.document_id)
    )


def _chunk(row: Row, spans: list[tuple[int, int, int]], texts: dict[int, str]) -> Chunk:
    return Chunk(
        id=row.id,
        document_id=row.document_id,
        space_id=row.space_id,
        name=row.name,
        spans=tuple(Span(page_id=p, start=s, end=e) for p, s, e in spans),
        page=row.page,
        section=row.section,
        header=row.header,
        language=row.language,
        text=_joined(spans, texts),
    )


def read_spans(text: str) -> list[tuple[int, int, int]]:
    """(page id, start, end) as the table keeps them; none where they cannot be read."""
    try:
        return [(int(p), int(s), int(e)) for p, s, e in json.loads(text)]
    except (ValueError, TypeError):
        return []


# Composed once: that takes SQLAlchemy longer than SQLite needs to answer them.
# The plus keeps SQLite from beginning with the index of states, which holds the whole base.
_MAY_ANSWER = t.chunks.c.id.in_(bindparam("ids", expanding=True)) & (
    literal_column("+versions.status").in_(ANSWERING) & t.documents.c.removing.is_(False)
)
_ANSWERING = _chunk_rows().where(_MAY_ANSWER)
_HEADS = (
    select(
        t.chunks.c.id,
        t.documents.c.id,
        t.documents.c.name,
        t.chunks.c.header,
        t.chunks.c.language,
    )
    .join(t.versions, t.versions.c.id == t.chunks.c.version_id)
    .join(t.documents, t.documents.c.id == t.versions.c.document_id)
    .where(_MAY_ANSWER)
)
_SPANS = select(t.chunks.c.id, t.chunks.c.spans).where(
    t.chunks.c.id.in_(bindparam("ids", expanding=True))
)
_TEXTS = select(t.pages.c.id, t.pages.c.text).where(
    t.pages.c.id.in_(bindparam("ids", expanding=True))
)
