"""Proofs of deletion: what a removal found of a document in the catalog, and what it left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import ColumnElement, Connection, exists, func, select

from store.catalog import tables as t
from store.catalog.base import Queries
from store.catalog.jobs import cancel_jobs
from store.errors import NotFound
from store.models import SCHEMA_VERSION, Frozen

_UNKNOWN = "unknown"


class Counted(Frozen):
    """What one store held of a document: rows, files, entries or quotes."""

    store: str
    before: int
    after: int


class Certificate(Frozen):
    """That a document was removed for good. It names documents, versions and people by id only.

    Times are in seconds since 1970; `done_at` None while it is under way. Counted is what belonged
    to this document alone: bytes, pages and vectors that another document has too are that one's.
    `backups` says where the deletion was told, to be applied when one of them is restored.
    """

    schema_version: int = SCHEMA_VERSION
    document_id: str
    by: str
    begun_at: float
    done_at: float | None = None
    versions: tuple[str, ...] = ()
    stores: tuple[Counted, ...] = ()
    backups: tuple[str, ...] = ()

    @property
    def proved(self) -> bool:
        """Whether it is done and nothing was left anywhere."""
        return self.done_at is not None and not any(s.after for s in self.stores)


class Removal(Frozen):
    """A deletion under way: what must be known of the document when its rows are gone."""

    certificate: Certificate
    space_id: str
    contents: tuple[str, ...]
    """Hashes of its bytes; forgotten with the certificate."""

    @property
    def document_id(self) -> str:
        return self.certificate.document_id


class DeletionQueries(Queries):
    """Deletions, begun and done."""

    def begin_deletion(self, document_id: str, by: str | None, at: float) -> Removal:
        """From this transaction on the document answers no more, whatever happens; its jobs stop.

        One that was begun goes on as it was begun; `by` None asks the audit trail who removed it.
        """
        d, v = t.documents.c, t.versions.c
        with self.db.write() as c:
            if (begun := _begun(c, document_id)) is not None:
                return begun
            rows = c.execute(
                select(v.id, v.content_hash).where(v.document_id == document_id).order_by(v.seq)
            ).all()
            versions = tuple(r.id for r in rows)
            cancel_jobs(c, versions)
            c.execute(t.documents.update().where(d.id == document_id).values(removing=True))
            space = c.execute(select(d.space_id).where(d.id == document_id)).scalar()
            removal = Removal(
                certificate=Certificate(
                    document_id=document_id,
                    by=by or _who(c, document_id),
                    begun_at=at,
                    versions=versions,
                ),
                space_id=space or "",
                contents=tuple(dict.fromkeys(r.content_hash for r in rows)),
            )
            _keep(c, removal.certificate, removal.model_dump_json())
            return removal

    def note_deletion(self, removal: Removal) -> None:
        """Keep what is known by now of a deletion under way."""
        with self.db.write() as c:
            _keep(c, removal.certificate, removal.model_dump_json())

    def end_deletion(self, certificate: Certificate) -> None:
        """Keep the certificate of a deletion that is done."""
        with self.db.write() as c:
            _keep(c, certificate, certificate.model_dump_json())

    def unfinished_deletions(self) -> list[str]:
        """Ids of documents whose deletion was begun and is not done, the oldest first."""
        x, d = t.deletions.c, t.documents.c
        with self.db.read() as c:
            begun = c.execute(
                select(x.document_id).where(x.done_at.is_(None)).order_by(x.begun_at)
            ).scalars()
            marked = c.execute(select(d.id).where(d.removing.is_(True))).scalars()
            return list(dict.fromkeys([*begun, *marked]))

    def deletions(self) -> list[Certificate]:
        """Certificates of all that was removed for good, the oldest first."""
        x = t.deletions.c
        with self.db.read() as c:
            rows = c.execute(
                select(x.certificate).where(x.done_at.is_not(None)).order_by(x.done_at)
            )
            return [Certificate.model_validate_json(text) for text in rows.scalars()]

    def certificate(self, document_id: str) -> Certificate:
        """Of a deletion, done or under way. Raises NotFound."""
        x = t.deletions.c
        with self.db.read() as c:
            row = c.execute(
                select(x.certificate, x.done_at).where(x.document_id == document_id)
            ).first()
        if row is None:
            raise NotFound("No document with this id was removed.")
        if row.done_at is None:
            return Removal.model_validate_json(row.certificate).certificate
        return Certificate.model_validate_json(row.certificate)

    def deleted_among(self, document_ids: Collection[str]) -> set[str]:
        """Those of these documents that were removed, or are being removed."""
        with self.db.read() as c:
            return deleted_among(c, document_ids)

    def rows_of_removed(self, removal: Removal) -> dict[str, int]:
        """Rows of each table that belong to a document alone."""
        ids, d, v = removal.certificate.versions, t.documents.c, t.versions.c
        chunks = t.chunks.c.version_id.in_(ids)
        texts = select(t.chunks.c.text_hash).where(chunks)
        other = t.chunks.alias()
        shared = exists().where(
            other.c.text_hash == t.embeddings.c.text_hash, other.c.version_id.not_in(ids)
        )
        own = [t.parses.c.content_hash == h for h in removal.contents]
        alone = ~exists().where(
            v.content_hash == t.parses.c.content_hash, v.document_id != removal.document_id
        )
        with self.db.read() as c:
            counted = {
                "catalog: document": _count(c, t.documents, d.id == removal.document_id),
                "catalog: versions": _count(c, t.versions, v.document_id == removal.document_id),
                "catalog: jobs": _count(c, t.jobs, t.jobs.c.version_id.in_(ids)),
                "catalog: readings": 0,
                "catalog: pages": 0,
                "catalog: chunks": _count(c, t.chunks, chunks),
                "catalog: entries of what is indexed": _count(
                    c, t.indexed, t.indexed.c.version_id.in_(ids)
                ),
                "catalog: embeddings": _count(
                    c, t.embeddings, t.embeddings.c.text_hash.in_(texts), ~shared
                ),
            }
            for content in own:
                readings = select(t.parses.c.id).where(content, alone)
                counted["catalog: readings"] += _count(c, t.parses, content, alone)
                counted["catalog: pages"] += _count(c, t.pages, t.pages.c.parse_id.in_(readings))
            return counted

    def content_hashes_without(self, document_id: str) -> set[str]:
        """Hashes of all contents that another document's version refers to."""
        v = t.versions.c
        with self.db.read() as c:
            others = select(v.content_hash).where(v.document_id != document_id)
            return set(c.execute(others.distinct()).scalars())

    def names_of_removed(self, removal: Removal) -> list[str]:
        """The document's name, and that of its file in a synchronised folder."""
        d = t.documents.c
        with self.db.read() as c:
            row = c.execute(select(d.name, d.sync_path).where(d.id == removal.document_id)).first()
        return [name for name in row or () if name]

    def texts_of_removed(self, removal: Removal) -> Iterator[str]:
        """All that was read of a document: its pages, and what its files say of themselves."""
        r, p = t.parses.c, t.pages.c
        theirs = r.content_hash.in_(removal.contents)
        with self.db.read() as c:
            for row in c.execute(select(r.title, r.author, r.date).where(theirs)):
                yield from filter(None, row)
            pages = select(p.text, p.label).join(t.parses, r.id == p.parse_id).where(theirs)
            for row in c.execute(pages):
                yield from filter(None, row)

    def forget_unused_embeddings(self) -> None:
        """Vectors of texts that no chunk has any more, as an earlier cutting may have left them."""
        text = t.embeddings.c.text_hash
        with self.db.write() as c:
            c.execute(t.embeddings.delete().where(~exists().where(t.chunks.c.text_hash == text)))


def deleted_among(c: Connection, document_ids: Iterable[str]) -> set[str]:
    """As `Catalog.deleted_among`, in a transaction."""
    x = t.deletions.c
    wanted = list(document_ids)
    if not wanted:
        return set()
    return set(c.execute(select(x.document_id).where(x.document_id.in_(wanted))).scalars())


def _begun(c: Connection, document_id: str) -> Removal | None:
    x = t.deletions.c
    begun = select(x.certificate).where(x.document_id == document_id, x.done_at.is_(None))
    text = c.execute(begun).scalar()
    return Removal.model_validate_json(text) if text else None


def _keep(c: Connection, certificate: Certificate, text: str) -> None:
    c.execute(t.deletions.delete().where(t.deletions.c.document_id == certificate.document_id))
    c.execute(
        t.deletions.insert().values(
            document_id=certificate.document_id,
            begun_at=certificate.begun_at,
            done_at=certificate.done_at,
            certificate=text,
        )
    )


def _who(c: Connection, document_id: str) -> str:
    a = t.audit.c
    said = select(a.principal_id).where(a.document_id == document_id, a.action == "remove")
    return c.execute(said.order_by(a.seq.desc()).limit(1)).scalar() or _UNKNOWN


def _count(c: Connection, table, *where: ColumnElement[bool]) -> int:
    return c.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
