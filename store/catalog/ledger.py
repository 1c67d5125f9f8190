"""The ledger of pages: how each was read and how well, without its text."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import exists, func, select

from store.catalog import tables as t
from store.catalog.base import Queries
from store.models import ANSWERING, POOR_QUALITY, Flag, Frozen, How, Kind

_FLAGS = TypeAdapter(tuple[Flag, ...])


class LedgerLine(Frozen):
    """One page's line. `described`: a vision model has said something of it as well."""

    page_id: int
    page: int
    how: How
    words: int
    confidence: float | None = None
    quality: float | None = None
    flags: tuple[Flag, ...] = ()
    label: str | None = None
    error: str | None = None
    described: bool = False


class LedgerCounts(Frozen):
    """Pages of all documents there are: by how they were read, and those read poorly."""

    how: dict[How, int]
    poor: int

    @property
    def pages(self) -> int:
        return sum(self.how.values())


class ReadBy(NamedTuple):
    """By which parser, of which version, a document was read."""

    document_id: str
    kind: Kind
    fingerprint: str


class LedgerQueries(Queries):
    """The ledger, of one document and of all."""

    def ledger(self, document_id: str) -> list[LedgerLine]:
        """Pages of a document's newest version, as far as they are read, in order."""
        v, p = t.versions.c, t.pages.c
        with self.db.read() as c:
            newest = c.execute(
                select(v.parse_id, v.vision_parse_id)
                .where(v.document_id == document_id)
                .order_by(v.seq.desc())
                .limit(1)
            ).first()
            if newest is None or newest.parse_id is None:
                return []
            described = set(
                c.execute(
                    select(p.number).where(p.parse_id == newest.vision_parse_id, p.how == "vision")
                ).scalars()
            )
            rows = c.execute(
                select(
                    p.id,
                    p.number,
                    p.how,
                    p.text,
                    p.confidence,
                    p.quality,
                    p.flags,
                    p.label,
                    p.error,
                )
                .where(p.parse_id == newest.parse_id)
                .order_by(p.number)
            )
            return [
                LedgerLine(
                    page_id=row.id,
                    page=row.number,
                    how=row.how,
                    words=len(row.text.split()),
                    confidence=row.confidence,
                    quality=row.quality,
                    flags=_FLAGS.validate_json(row.flags),
                    label=row.label,
                    error=row.error,
                    described=row.number in described,
                )
                for row in rows
            ]

    def ledger_counts(self, space_ids: Collection[str] | None = None) -> LedgerCounts:
        """Pages of the newest versions; a reading that two documents share counts for each."""
        v, d, p = t.versions.c, t.documents.c, t.pages.c
        last = select(v.document_id, func.max(v.seq).label("seq")).group_by(v.document_id)
        last = last.subquery()
        query = (
            select(p.how, func.count(), func.sum(p.quality < POOR_QUALITY))
            .join(t.versions, v.parse_id == p.parse_id)
            .join(last, (last.c.document_id == v.document_id) & (last.c.seq == v.seq))
            .join(t.documents, d.id == v.document_id)
            .where(d.removing.is_(False))
            .group_by(p.how)
        )
        if space_ids is not None:
            query = query.where(d.space_id.in_(space_ids))
        with self.db.read() as c:
            rows = list(c.execute(query))
        return LedgerCounts(
            how={how: n for how, n, _ in rows}, poor=sum(int(poor or 0) for _, _, poor in rows)
        )

    def read_by(
        self, space_ids: Collection[str] | None = None, document_id: str | None = None
    ) -> list[ReadBy]:
        """What read the newest versions that were read to the end; of all documents or of one."""
        v, d, p = t.versions.c, t.documents.c, t.parses.c
        later = t.versions.alias()
        query = (
            select(d.id, v.kind, p.fingerprint)
            .join(t.versions, v.document_id == d.id)
            .join(t.parses, p.id == v.parse_id)
            .where(
                d.removing.is_(False),
                v.status.in_((*ANSWERING, "no_text")),
                ~exists().where(later.c.document_id == d.id, later.c.seq > v.seq),
            )
            .order_by(d.added_at)
        )
        if space_ids is not None:
            query = query.where(d.space_id.in_(space_ids))
        if document_id is not None:
            query = query.where(d.id == document_id)
        with self.db.read() as c:
            return [ReadBy(*row) for row in c.execute(query)]
