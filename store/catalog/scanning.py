"""The text of all pages that may answer, for questions that must look at every one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import exists, func, or_, select

from store.catalog import tables as t
from store.catalog.base import Queries
from store.catalog.pages import check_page, text_sum
from store.models import ANSWERING, How, Kind

TABULAR: tuple[Kind, ...] = ("xlsx", "csv")
_ROWS = 256
"""Rows fetched at a time: the pages of a long document together take gigabytes."""


class ScannedDocument(NamedTuple):
    """A document that answers, and the parse of its serving version.

    `title` and `date` (ISO 8601) are what the file says of itself. `language` (ISO 639-1) is that
    of most of its chunks, None where it is not known.
    """

    document_id: str
    space: str
    name: str
    parse_id: int
    pages: int
    title: str | None
    date: str | None
    language: str | None


class PageText(NamedTuple):
    """A page without its boxes and blocks."""

    id: int
    parse_id: int
    number: int
    how: How
    text: str
    quality: float | None


class ScanQueries(Queries):
    """Documents and page texts of a scope, read only."""

    def answering_documents(
        self, space_ids: Collection[str], document_ids: Collection[str] | None = None
    ) -> list[ScannedDocument]:
        """The documents in these spaces (of these, where named) that answer, by name."""
        v, d, k = t.versions.c, t.documents.c, t.chunks.c
        language = (
            select(k.language)
            .where(k.version_id == v.id, k.language.is_not(None))
            .group_by(k.language)
            .order_by(func.count().desc(), k.language)
            .limit(1)
            .correlate(t.versions)
            .scalar_subquery()
        )
        query = (
            select(
                d.id,
                t.spaces.c.name,
                d.name,
                v.parse_id,
                v.pages,
                t.parses.c.title,
                t.parses.c.date,
                language,
            )
            .join(t.versions, v.document_id == d.id)
            .join(t.spaces, t.spaces.c.id == d.space_id)
            .join(t.parses, t.parses.c.id == v.parse_id)
            .where(*_in_scope(space_ids, document_ids))
        )
        with self.db.read() as c:
            found = [ScannedDocument(*row) for row in c.execute(query)]
        return sorted(found, key=lambda each: (each.name.casefold(), each.document_id))

    def page_texts(self, parse_ids: Sequence[int]) -> Iterator[PageText]:
        """All stored pages of these parses, by parse and number, a few at a time.

        Raises PageChanged at one that is not what was stored.
        """
        p = t.pages.c
        query = (
            select(p.id, p.parse_id, p.number, p.how, p.text, p.quality, p.text_sum)
            .where(p.parse_id.in_(parse_ids))
            .order_by(p.parse_id, p.number)
        )
        with self.db.read() as c:
            for rows in c.execute(query).partitions(_ROWS):
                for row in rows:
                    check_page(row.number, row.text_sum, text_sum(row.text))
                    yield PageText(*row[:-1])

    def has_tables(
        self, space_ids: Collection[str], document_ids: Collection[str] | None = None
    ) -> bool:
        """Whether a document in scope is a sheet, or a page of one holds a table."""
        v, p = t.versions.c, t.pages.c
        within = (
            select(v.id)
            .join(t.documents, t.documents.c.id == v.document_id)
            .where(*_in_scope(space_ids, document_ids))
        )
        table = exists().where(p.parse_id == v.parse_id, p.blocks.contains('["table",'))
        query = within.where(or_(v.kind.in_(TABULAR), table)).limit(1)
        with self.db.read() as c:
            return c.execute(query).first() is not None

    def only_sheets(
        self, space_ids: Collection[str], document_ids: Collection[str] | None = None
    ) -> bool:
        """Whether something in scope answers, and all of that are sheets."""
        kind = t.versions.c.kind
        query = (
            select(func.count(), func.sum(kind.in_(TABULAR)))
            .select_from(t.versions)
            .join(t.documents, t.documents.c.id == t.versions.c.document_id)
            .where(*_in_scope(space_ids, document_ids))
        )
        with self.db.read() as c:
            documents, sheets = c.execute(query).one()
        return documents > 0 and documents == sheets


def _in_scope(space_ids: Collection[str], document_ids: Collection[str] | None) -> list:
    v, d = t.versions.c, t.documents.c
    where = [d.space_id.in_(space_ids), d.removing.is_(False), v.status.in_(ANSWERING)]
    return where if document_ids is None else [*where, d.id.in_(document_ids)]
