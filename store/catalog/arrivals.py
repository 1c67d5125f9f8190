"""How a file that comes in meets those that are there: new, known, replaced or kept beside."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Row, exists, func, select

from store.catalog import tables as t
from store.catalog.base import strings, to_json
from store.catalog.jobs import cancel_jobs, insert_job
from store.catalog.leases import LeasedQueries
from store.models import ANSWERING, Kind, SameName
from store.states import without_losses

Outcome = Literal["added", "again", "here", "replaces", "beside", "skipped", "asked"]
NEVER_READ = ("failed", "cancelled")
_NUMBERED = re.compile(
    r"^(?P<stem>.*?)(?: \((?P<number>\d{1,6})\))?(?P<suffix>\.[^. ]{1,10})?$", re.S
)
_LONGEST_NAME = 180


class Origin(NamedTuple):
    """Where in a synchronised folder a file lies: the folder's identity, the path within."""

    folder: str
    path: str


class Added(NamedTuple):
    """What `add_version` did.

    `here`: these bytes are known; `again`: known, but never read, so they are queued again;
    `skipped` and `asked`: the name has other bytes, and nothing was stored.
    """

    document_id: str
    version_id: str
    outcome: Outcome

    @property
    def duplicate(self) -> bool:
        return self.outcome == "here"


class Known(NamedTuple):
    """A document as a synchronisation sees it; `path` is None unless it came from this folder."""

    document_id: str
    name: str
    path: str | None
    digest: str
    status: str


class Move(NamedTuple):
    """A document whose file has another path now; `name` is the file's."""

    document_id: str
    path: str
    name: str


class ArrivalQueries(LeasedQueries):
    """Files that come in, one by one or as a folder; each decided in one transaction."""

    def add_version(
        self,
        space_id: str,
        name: str,
        content_hash: str,
        size: int,
        kind: Kind,
        now: float,
        warnings: Sequence[str] = (),
        same_name: SameName = "replace",
        origin: Origin | None = None,
    ) -> Added:
        """Acknowledge a file: its document, version and job in one transaction.

        The same bytes as a document's newest version are already here, unless reading them failed
        or was cancelled: then they are read again. The same name with other bytes is what
        `same_name` says; a document that never could be read makes room for any. A file of a
        synchronised folder is a new version of the document of its path, and of no other.
        """
        with self.db.write() as c:
            same = _same_bytes(c, space_id, content_hash, origin)
            if same and same.status not in NEVER_READ:
                return Added(same.document_id, same.id, "here")
            if same:
                requeue(c, same.id, now)
                return Added(same.document_id, same.id, "again")
            there, outcome = _met(c, space_id, name, same_name, origin)
            if there is not None and outcome in ("asked", "skipped"):
                return Added(there.document_id, there.id, outcome)
            if there is not None and outcome == "replaces":
                document_id = there.document_id
            else:
                document_id = "d" + secrets.token_hex(8)
                c.execute(
                    t.documents.insert().values(
                        id=document_id,
                        space_id=space_id,
                        name=_free_name(c, space_id, name),
                        removing=False,
                        added_at=now,
                        sync_folder=origin.folder if origin else None,
                        sync_path=origin.path if origin else None,
                    )
                )
            version_id = _new_version(
                c, document_id, now,
                content_hash=content_hash, size=size, kind=kind,
                warnings=to_json(list(warnings)),
            )  # fmt: skip
            return Added(document_id, version_id, outcome)

    def requeue(self, document_id: str, now: float, *, ready_too: bool = False) -> bool:
        """Read a document again that failed, was cancelled or lost pages; True if it will be.

        `ready_too`: also one that lost none, because a vision model or newer parsers have more to
        say of it.
        """
        v = t.versions.c
        with self.db.write() as c:
            row = c.execute(
                select(v.id, v.status).where(v.document_id == document_id).order_by(v.seq.desc())
            ).first()
            again = ["failed", "cancelled", "partial", "no_text"] + ["ready"] * ready_too
            if row is None or row.status not in again:
                return False
            others = _forget_failed_pages(c, row.id)
            for version_id in [row.id, *others]:
                _read_again(c, version_id, now)
            return True

    def requeue_answering(self, version_ids: Sequence[str], now: float) -> None:
        """Index versions again that were ready but are missing from the index."""
        with self.db.write() as c:
            for version_id in version_ids:
                requeue(c, version_id, now)

    def known_to_sync(self, space_id: str, folder: str) -> list[Known]:
        """Every document of the space with its newest bytes."""
        with self.db.read() as c:
            return _known(c, space_id, folder)

    def sync_folder(
        self,
        space_id: str,
        folder: str,
        decide: Callable[[list[Known]], tuple[Collection[Move], Collection[str]]],
        now: float,
    ) -> None:
        """Move and remove documents of a folder as `decide` says of what is known now.

        Only documents of this folder are touched, whatever it says. Those removed answer no more
        from this transaction on; the caller clears what they leave.
        """
        d = t.documents.c
        with self.db.write() as c:
            moves, removals = decide(_known(c, space_id, folder))
            ours = {
                row.id: row.name
                for row in c.execute(
                    select(d.id, d.name).where(
                        d.space_id == space_id, d.sync_folder == folder, d.removing.is_(False)
                    )
                )
            }
            for document_id in [i for i in removals if i in ours]:
                ids = select(t.versions.c.id).where(t.versions.c.document_id == document_id)
                cancel_jobs(c, list(c.execute(ids).scalars()))
                c.execute(t.documents.update().where(d.id == document_id).values(removing=True))
            for move in [m for m in moves if m.document_id in ours]:
                _move(c, space_id, move, ours[move.document_id], now)


def requeue(c: Connection, version_id: str, now: float) -> None:
    """Queue a version that does not answer; its pages stay."""
    v = t.versions.c
    said = c.execute(select(v.warnings).where(v.id == version_id)).scalar_one()
    c.execute(
        t.versions.update()
        .where(v.id == version_id)
        .values(
            status="queued",
            step=None,
            error=None,
            warnings=to_json(without_losses(strings(said))),
            pages_done=0,
            added_at=now,
        )
    )
    insert_job(c, "ingest", now, version_id=version_id)


def numbered(name: str, number: int) -> str:
    """`a.txt` as `a (2).txt`; a number it has already is counted on from its stem."""
    found = _NUMBERED.match(name)
    stem, suffix = (found["stem"], found["suffix"] or "") if found else (name, "")
    mark = f" ({number})"
    return stem[: _LONGEST_NAME - len(mark) - len(suffix)].rstrip() + mark + suffix


def _same_bytes(
    c: Connection, space_id: str, content_hash: str, origin: Origin | None
) -> Row | None:
    """The document of the space whose newest version has these bytes.

    Within a synchronised folder only the document of the same path counts: which file is which
    document was decided for the folder as a whole, and there what was never read does not count.
    """
    v, d = t.versions.c, t.documents.c
    later = t.versions.alias()
    query = (
        select(v.id, v.document_id, v.status)
        .join(t.documents, d.id == v.document_id)
        .where(
            d.space_id == space_id,
            d.removing.is_(False),
            v.content_hash == content_hash,
            v.status != "replaced",
            ~exists().where(later.c.document_id == d.id, later.c.seq > v.seq),
        )
    )
    if origin is not None:
        elsewhere = d.sync_folder.is_(None) | (d.sync_folder != origin.folder)
        read = v.status.not_in(NEVER_READ)
        query = query.where((elsewhere & read) | (d.sync_path == origin.path))
    return c.execute(query).first()


def _met(
    c: Connection, space_id: str, name: str, same_name: SameName, origin: Origin | None
) -> tuple[Row | None, Outcome]:
    """The newest version of the document in the way, and what comes of it."""
    d = t.documents.c
    if origin is not None:
        of_path = (d.sync_folder == origin.folder) & (d.sync_path == origin.path)
        there = _newest_where(c, space_id, of_path)
        return there, "replaces" if there is not None else "added"
    there = _newest_where(c, space_id, d.name == name)
    if there is None:
        return None, "added"
    if same_name == "replace" or (
        there.status in NEVER_READ and not _answers(c, there.document_id)
    ):
        return there, "replaces"
    outcomes: dict[SameName, Outcome] = {"keep_both": "beside", "skip": "skipped", "ask": "asked"}
    return there, outcomes[same_name]


def _newest_where(c: Connection, space_id: str, condition) -> Row | None:
    v, d = t.versions.c, t.documents.c
    return c.execute(
        select(v.id, v.document_id, v.status)
        .join(t.documents, d.id == v.document_id)
        .where(d.space_id == space_id, d.removing.is_(False), condition)
        .order_by(v.seq.desc())
        .limit(1)
    ).first()


def _answers(c: Connection, document_id: str) -> bool:
    v = t.versions.c
    query = select(v.id).where(v.document_id == document_id, v.status.in_(ANSWERING)).limit(1)
    return c.execute(query).first() is not None


def _free_name(c: Connection, space_id: str, name: str, but: str | None = None) -> str:
    """The name, or the name with the next free number; `but` is the document that asks."""
    d = t.documents.c
    found = _NUMBERED.match(name)
    stem = (found["stem"] if found else name)[: _LONGEST_NAME - 24]
    query = select(d.name).where(
        d.space_id == space_id, d.removing.is_(False), d.name.startswith(stem, autoescape=True)
    )
    if but is not None:
        query = query.where(d.id != but)
    taken = set(c.execute(query).scalars())
    number = 1
    free = name
    while free in taken:
        number += 1
        free = numbered(name, number)
    return free


def _new_version(c: Connection, document_id: str, now: float, **values: object) -> str:
    """A version after all others of its document, with its job."""
    v = t.versions.c
    last = select(func.coalesce(func.max(v.seq), 0)).where(v.document_id == document_id)
    version_id = "v" + secrets.token_hex(8)
    c.execute(
        t.versions.insert().values(
            id=version_id,
            document_id=document_id,
            seq=c.execute(last).scalar_one() + 1,
            status="queued",
            added_at=now,
            **values,
        )
    )
    insert_job(c, "ingest", now, version_id=version_id)
    return version_id


def _read_again(c: Connection, version_id: str, now: float) -> None:
    """A version that answers goes on until one of the same bytes is ready in its place."""
    row = c.execute(select(t.versions).where(t.versions.c.id == version_id)).one()
    if row.status not in ANSWERING:
        requeue(c, version_id, now)
        return
    _new_version(
        c, row.document_id, now,
        content_hash=row.content_hash, size=row.size, kind=row.kind,
        warnings=to_json(without_losses(strings(row.warnings))),
        parse_id=row.parse_id, vision_parse_id=row.vision_parse_id, pages=row.pages,
    )  # fmt: skip


def _forget_failed_pages(c: Connection, version_id: str) -> list[str]:
    """Failed pages of a version's bytes are read again; other versions that lack the same pages.

    Bytes are read once for all spaces: what is read better for one must not stay lost to another.
    """
    v, p, d = t.versions.c, t.parses.c, t.documents.c
    content = c.execute(select(v.content_hash).where(v.id == version_id)).scalar_one()
    parses = list(c.execute(select(p.id).where(p.content_hash == content)).scalars())
    failed = t.pages.delete().where(t.pages.c.parse_id.in_(parses), t.pages.c.how == "failed")
    forgotten = c.execute(failed).rowcount
    c.execute(t.parses.update().where(p.id.in_(parses)).values(complete=False))
    if not forgotten:
        return []
    later = t.versions.alias()
    return list(
        c.execute(
            select(v.id)
            .join(t.documents, d.id == v.document_id)
            .where(
                v.content_hash == content,
                v.id != version_id,
                v.status.in_(("partial", "failed")),
                d.removing.is_(False),
                ~exists().where(later.c.document_id == v.document_id, later.c.seq > v.seq),
            )
        ).scalars()
    )


def _known(c: Connection, space_id: str, folder: str) -> list[Known]:
    v, d = t.versions.c, t.documents.c
    last = select(v.document_id, func.max(v.seq).label("seq")).group_by(v.document_id).subquery()
    rows = c.execute(
        select(d.id, d.name, d.sync_folder, d.sync_path, v.content_hash, v.status)
        .join(last, last.c.document_id == d.id)
        .join(t.versions, (v.document_id == d.id) & (v.seq == last.c.seq))
        .where(d.space_id == space_id, d.removing.is_(False))
        .order_by(d.sync_path, d.name)
    )
    return [
        Known(
            document_id=row.id,
            name=row.name,
            path=row.sync_path if row.sync_folder == folder else None,
            digest=row.content_hash,
            status=row.status,
        )
        for row in rows
    ]


def _move(c: Connection, space_id: str, move: Move, old_name: str, now: float) -> None:
    """The name follows the file.

    Where it changes, chunks are made again under the new name, from the pages there are; the old
    ones answer meanwhile.
    """
    d, v = t.documents.c, t.versions.c
    name = old_name
    if not _is_of(old_name, move.name):
        name = _free_name(c, space_id, move.name, but=move.document_id)
    c.execute(
        t.documents.update().where(d.id == move.document_id).values(name=name, sync_path=move.path)
    )
    newest = c.execute(
        select(v.id, v.status).where(v.document_id == move.document_id).order_by(v.seq.desc())
    ).first()
    if name == old_name or newest is None:
        return
    if newest.status in ANSWERING:
        _read_again(c, newest.id, now)
    elif newest.status == "processing":  # it may have been told its old name already
        cancel_jobs(c, [newest.id])
        requeue(c, newest.id, now)


def _is_of(name: str, wanted: str) -> bool:
    """Whether a document's name is the wanted one, or that with a number."""
    if name == wanted:
        return True
    found = _NUMBERED.match(name)
    number = found["number"] if found else None
    return number is not None and numbered(wanted, int(number)) == name
