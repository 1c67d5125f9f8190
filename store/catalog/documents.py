"""Spaces, documents and their versions."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from sqlalchemy import Row, Select, and_, exists, func, select

from store.catalog import tables as t
from store.catalog.base import named, strings, to_json
from store.catalog.jobs import cancel_jobs, held
from store.catalog.leases import Lease, LeasedQueries, check_lease
from store.errors import BadInput, NotFound
from store.models import ANSWERING, Document, Kind, Status


class VersionRow(NamedTuple):
    """What the pipeline needs to know of a version."""

    id: str
    document_id: str
    space_id: str
    name: str
    content_hash: str
    kind: Kind | None
    status: str
    parse_id: int | None
    warnings: tuple[str, ...]


_SPACES = select(t.spaces).order_by(t.spaces.c.name)


class DocumentQueries(LeasedQueries):
    """Documents by id, name and space."""

    def spaces(self) -> dict[str, str]:
        """Space id → name."""
        with self.db.read() as c:
            return {r.id: r.name for r in c.execute(_SPACES)}

    def space_id(self, name: str) -> str | None:
        with self.db.read() as c:
            return c.execute(select(t.spaces.c.id).where(t.spaces.c.name == name)).scalar()

    def ensure_space(self, name: str) -> str:
        """The id of the space with this name, made if there is none."""
        with self.db.write() as c:
            found = c.execute(select(t.spaces.c.id).where(t.spaces.c.name == name)).scalar()
            if found:
                return found
            space_id = "s" + secrets.token_hex(6)
            c.execute(t.spaces.insert().values(id=space_id, name=name))
            return space_id

    def version(self, version_id: str) -> VersionRow:
        with self.db.read() as c:
            row = c.execute(_version_row().where(t.versions.c.id == version_id)).first()
        if row is None:
            raise NotFound("This version of the document is gone.")
        return _version(row)

    def cancel_version(self, document_id: str) -> str | None:
        """Cancel the newest version if it is not finished; its id, else None."""
        v = t.versions.c
        with self.db.write() as c:
            row = c.execute(
                select(v.id, v.status).where(v.document_id == document_id).order_by(v.seq.desc())
            ).first()
            if row is None or row.status not in ("queued", "processing"):
                return None
            cancel_jobs(c, [row.id])
            c.execute(
                t.versions.update().where(v.id == row.id).values(status="cancelled", step=None)
            )
            return row.id

    def update_version(self, lease: Lease, version_id: str, **values: object) -> None:
        """Write progress or a result under a lease."""
        if "warnings" in values:
            values["warnings"] = to_json(values["warnings"])
        with self.db.write() as c:
            check_lease(c, lease)
            c.execute(t.versions.update().where(t.versions.c.id == version_id).values(**values))

    def documents(
        self, space_ids: Collection[str] | None = None, ids: Collection[str] | None = None
    ) -> list[Document]:
        """Documents with their newest version, newest first; of these spaces, these ids."""
        query = _newest().order_by(t.documents.c.added_at.desc(), t.documents.c.name)
        if space_ids is not None:
            query = query.where(t.documents.c.space_id.in_(space_ids))
        if ids is not None:
            query = query.where(t.documents.c.id.in_(ids))
        with self.db.read() as c:
            return [_document(r) for r in c.execute(query)]

    def find_document(self, id_or_name: str, space_ids: Collection[str] | None = None) -> Document:
        """By id, else by name. Raises NotFound, or BadInput where a name is in several spaces."""
        query = _newest().where(
            (t.documents.c.id == id_or_name) | (t.documents.c.name == id_or_name)
        )
        if space_ids is not None:
            query = query.where(t.documents.c.space_id.in_(space_ids))
        with self.db.read() as c:
            found = [_document(r) for r in c.execute(query)]
        exact = [d for d in found if d.id == id_or_name] or found
        if not exact:
            raise NotFound(f"There is no document “{id_or_name}”.")
        if len(exact) > 1:
            names = ", ".join(sorted(d.space for d in exact))
            raise BadInput(f"“{id_or_name}” is in several spaces ({names}); name one of them.")
        return exact[0]

    def answering_elsewhere(self, space_ids: Collection[str]) -> bool:
        """Whether any document in these spaces is there to answer."""
        with self.db.read() as c:
            return (
                c.execute(
                    select(t.versions.c.id)
                    .join(t.documents, t.documents.c.id == t.versions.c.document_id)
                    .where(
                        t.documents.c.space_id.in_(space_ids),
                        t.documents.c.removing.is_(False),
                        t.versions.c.status.in_(ANSWERING),
                    )
                    .limit(1)
                ).first()
                is not None
            )

    def awaited(
        self, space_ids: Collection[str], document_ids: Collection[str] | None = None
    ) -> int:
        """How many documents in these spaces (of these, where named) are still to be read, and
        have no earlier version that answers meanwhile."""
        d, v, other = t.documents.c, t.versions.c, t.versions.alias()
        answers = exists().where(other.c.document_id == d.id, other.c.status.in_(ANSWERING))
        query = (
            select(func.count(d.id.distinct()))
            .join(t.versions, v.document_id == d.id)
            .where(
                v.status.in_(("queued", "processing")),
                d.space_id.in_(space_ids),
                d.removing.is_(False),
                ~answers,
            )
        )
        if document_ids is not None:
            query = query.where(d.id.in_(document_ids))
        with self.db.read() as c:
            return c.execute(query).scalar_one()

    def counts(self) -> dict[str, int]:
        """Documents by status of their newest version."""
        newest = _newest().subquery()
        with self.db.read() as c:
            rows = c.execute(select(newest.c.status, func.count()).group_by(newest.c.status))
            return {status: n for status, n in rows}

    def content_hashes(self) -> set[str]:
        """Hashes of all contents that some version refers to."""
        with self.db.read() as c:
            return set(c.execute(select(t.versions.c.content_hash).distinct()).scalars())


def _version_row() -> Select:
    v, d = t.versions.c, t.documents.c
    return select(
        v.id,
        v.document_id,
        d.space_id,
        d.name,
        v.content_hash,
        v.kind,
        v.status,
        v.parse_id,
        v.warnings,
    ).join(t.documents, d.id == v.document_id)


def _version(row: Row) -> VersionRow:
    return VersionRow(*row[:-1], warnings=strings(row.warnings))


@cache
def _newest() -> Select:
    # Once: to compose it takes SQLAlchemy longer than SQLite needs to answer it.
    v, d = t.versions.c, t.documents.c
    older, every = t.versions.alias(), t.versions.alias()
    # Looked up a document at a time: to group all versions would cost every `add` the whole base.
    last = (
        select(func.max(every.c.seq)).where(every.c.document_id == d.id).correlate(t.documents)
    ).scalar_subquery()
    before = exists().where(
        older.c.document_id == d.id, older.c.seq < v.seq, older.c.status.in_(ANSWERING)
    )
    return (
        select(
            d.id,
            d.space_id,
            t.spaces.c.name.label("space"),
            d.name,
            v.status,
            v.kind,
            v.size,
            v.content_hash,
            v.pages,
            v.pages_done,
            v.chunks,
            v.step,
            v.error,
            v.warnings,
            t.parses.c.title,
            t.parses.c.date,
            v.added_at,
            v.seconds,
            and_(v.status == "queued", held(v.id)).label("paused"),
            and_(v.status.not_in(ANSWERING), before).label("earlier_answers"),
            d.sync_folder,
            d.sync_path,
        )
        .join(t.spaces, t.spaces.c.id == d.space_id)
        .join(t.versions, and_(v.document_id == d.id, v.seq == last))
        .outerjoin(t.parses, t.parses.c.id == v.parse_id)
        .where(d.removing.is_(False))
    )


def _document(row: Row) -> Document:
    values = named(row)
    values["warnings"] = strings(values["warnings"])
    values["paused"] = bool(values["paused"])
    values["earlier_answers"] = bool(values["earlier_answers"])
    status: Status = values.pop("status")
    return Document(status=status, **values)
