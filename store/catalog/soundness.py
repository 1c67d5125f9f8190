"""What the catalog can say of itself: forgotten, doubled or deleted documents, changed texts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import and_, exists, func, select

from store.catalog import tables as t
from store.catalog.arrivals import requeue
from store.catalog.base import Queries
from store.catalog.chunks import read_spans, text_hash
from store.catalog.pages import layout_sum, text_sum
from store.models import ANSWERING

_STEP = 500
_UNFINISHED = ("queued", "processing")
_LENGTH = 1e-3  # how far from 1 a stored vector's length may be


class Searched(NamedTuple):
    """A chunk of a generation as it is searched; `vector` is None where none is kept."""

    id: str
    space_id: str
    document_id: str
    text_hash: str
    header: str
    text: str
    language: str | None
    vector: np.ndarray | None

    @property
    def searched_text(self) -> str:
        return f"{self.header}\n{self.text}" if self.header else self.text


class SoundQueries(Queries):
    """Invariants that need nothing but the catalog; each is empty where all is well."""

    def forgotten(self) -> list[str]:
        """Versions that wait to be read without a job that would do it."""
        v, j = t.versions.c, t.jobs.c
        job = exists().where(j.version_id == v.id, j.state.in_(("queued", "running")))
        query = (
            select(v.id)
            .join(t.documents, t.documents.c.id == v.document_id)
            .where(v.status.in_(_UNFINISHED), t.documents.c.removing.is_(False), ~job)
        )
        with self.db.read() as c:
            return list(c.execute(query).scalars())

    def remember(self, version_ids: Sequence[str], now: float) -> None:
        """Queue forgotten versions again."""
        with self.db.write() as c:
            for version_id in version_ids:
                requeue(c, version_id, now)

    def not_once(self) -> list[str]:
        """Documents that are there other than once, as sentences naming their ids."""
        v, d = t.versions.c, t.documents.c
        nothing = select(d.id).where(~exists().where(v.document_id == d.id))
        twice = (
            select(d.id)
            .join(t.versions, and_(v.document_id == d.id, v.status.in_(ANSWERING)))
            .group_by(d.id)
            .having(func.count() > 1)
        )
        same_name = (
            select(d.space_id, func.count())
            .where(d.removing.is_(False))
            .group_by(d.space_id, d.name)
            .having(func.count() > 1)
        )
        with self.db.read() as c:
            return [
                *(f"document {i} has no version" for i in c.execute(nothing).scalars()),
                *(f"document {i} answers twice" for i in c.execute(twice).scalars()),
                *(f"{n} documents of space {s} share a name" for s, n in c.execute(same_name)),
            ]

    def names_of_contents(self, hashes: Collection[str]) -> dict[str, str]:
        """Content hash → the name of a document that has it."""
        v, d = t.versions.c, t.documents.c
        query = (
            select(v.content_hash, d.name)
            .join(t.documents, d.id == v.document_id)
            .where(v.content_hash.in_(hashes))
        )
        with self.db.read() as c:
            return {content_hash: name for content_hash, name in c.execute(query)}

    def deleted_but_here(self) -> list[str]:
        """Ids of documents whose deletion is done but of which rows are left."""
        x, d, v = t.deletions.c, t.documents.c, t.versions.c
        left = exists().where(d.id == x.document_id) | exists().where(
            v.document_id == x.document_id
        )
        with self.db.read() as c:
            query = select(x.document_id).where(x.done_at.is_not(None), left)
            return list(c.execute(query).scalars())

    def changed_pages(self) -> list[int]:
        """Ids of pages that are not what was stored."""
        p = t.pages.c
        query = select(p.id, p.text, p.blocks, p.boxes, p.text_sum, p.layout_sum).where(
            p.text_sum.is_not(None)
        )
        found: list[int] = []
        with self.db.read() as c:
            for rows in c.execute(query).partitions(_STEP):
                found += [
                    r.id
                    for r in rows
                    if text_sum(r.text) != r.text_sum
                    or layout_sum(r.blocks, r.boxes) != r.layout_sum
                ]
        return found

    def searched(
        self, generation_id: str, ids: Collection[str] | None = None
    ) -> Iterator[list[Searched]]:
        """The chunks (of these ids) of a generation that may answer, 500 at a time.

        A chunk whose spans or header cannot be read has the text "".
        """
        k, d, e, g = t.chunks.c, t.documents.c, t.embeddings.c, t.generations.c
        query = (
            select(
                k.id, d.space_id, d.id.label("document_id"), k.text_hash, k.header, k.spans,
                k.language, e.vector,
            )
            .join(t.versions, t.versions.c.id == k.version_id)
            .join(t.documents, d.id == t.versions.c.document_id)
            .join(t.generations, g.id == k.generation_id)
            .join(
                t.indexed,
                and_(
                    t.indexed.c.generation_id == k.generation_id,
                    t.indexed.c.version_id == k.version_id,
                ),
            )
            .outerjoin(
                t.embeddings, and_(e.embedder == g.embedder, e.text_hash == k.text_hash)
            )
            .where(k.generation_id == generation_id, t.versions.c.status.in_(ANSWERING))
            .order_by(k.id)
            .limit(_STEP)
        )  # fmt: skip
        wanted_ids = None if ids is None else sorted(ids)
        after, start = "", 0
        while True:
            with self.db.read() as c:
                if wanted_ids is None:
                    rows = c.execute(query.where(k.id > after)).all()
                    if not rows:
                        return
                    after = rows[-1].id
                else:
                    if start >= len(wanted_ids):
                        return
                    step = wanted_ids[start : start + _STEP]
                    rows, start = c.execute(query.where(k.id.in_(step))).all(), start + _STEP
                spans = {r.id: read_spans(r.spans) for r in rows}
                wanted = {s[0] for some in spans.values() for s in some}
                found = c.execute(
                    select(t.pages.c.id, t.pages.c.text).where(t.pages.c.id.in_(wanted))
                )
                texts: dict[int, str] = {id_: text for id_, text in found}
            yield [
                Searched(
                    r.id,
                    r.space_id,
                    r.document_id,
                    r.text_hash,
                    r.header,
                    "\n".join(texts.get(p, "")[s:e] for p, s, e in spans[r.id]),
                    r.language,
                    None if r.vector is None else np.frombuffer(r.vector, "<f4"),
                )
                for r in rows
            ]

    def read_anew(self, page_ids: Sequence[int], chunk_ids: Sequence[str], now: float) -> int:
        """Forget changed pages and queue the documents of these and of changed chunks.

        Pages that are sound stay and are not read again. How many documents were queued.
        """
        v, p, k = t.versions.c, t.pages.c, t.chunks.c
        with self.db.write() as c:
            parses = set(
                c.execute(select(p.parse_id).where(p.id.in_(page_ids)).distinct()).scalars()
            )
            c.execute(t.pages.delete().where(p.id.in_(page_ids)))
            c.execute(t.parses.update().where(t.parses.c.id.in_(parses)).values(complete=False))
            of_chunks = select(k.version_id).where(k.id.in_(chunk_ids))
            rows = c.execute(
                select(v.id)
                .join(t.documents, t.documents.c.id == v.document_id)
                .where(
                    v.parse_id.in_(parses) | v.vision_parse_id.in_(parses) | v.id.in_(of_chunks),
                    v.status.in_((*ANSWERING, "no_text")),
                    t.documents.c.removing.is_(False),
                )
            ).scalars()
            again = list(rows)
            for version_id in again:
                requeue(c, version_id, now)
            return len(again)

    def changed_chunks(self, generation_id: str) -> list[str]:
        """Ids of a generation's chunks that do not say what was cut."""
        steps = self.searched(generation_id)
        return [c.id for step in steps for c in step if is_changed(c)]

    def replace_embeddings(self, embedder: str, vectors: Mapping[str, np.ndarray]) -> None:
        """Keep vectors, float32 [d] by text hash, in place of those that are there."""
        rows = [
            {"embedder": embedder, "text_hash": h, "vector": v.astype("<f4").tobytes()}
            for h, v in vectors.items()
        ]
        if rows:
            with self.db.write() as c:
                c.execute(t.embeddings.insert().prefix_with("OR REPLACE"), rows)

    def forget_embeddings(self, embedder: str, hashes: Sequence[str]) -> None:
        """Drop kept vectors that are not to be trusted; they are computed again where needed."""
        e = t.embeddings.c
        with self.db.write() as c:
            for i in range(0, len(hashes), _STEP):
                c.execute(
                    t.embeddings.delete().where(
                        e.embedder == embedder, e.text_hash.in_(hashes[i : i + _STEP])
                    )
                )


def is_changed(chunk: Searched) -> bool:
    """Whether a chunk's text is not the one that was cut and embedded."""
    return text_hash(chunk.searched_text) != chunk.text_hash


def is_unit(vector: np.ndarray) -> bool:
    """Whether a kept vector is finite and of unit length, as all are written."""
    length = float(np.linalg.norm(vector.astype(np.float64)))
    return abs(length - 1.0) < _LENGTH or length == 0.0
