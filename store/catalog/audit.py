"""The audit trail: who did what to which document, each entry's hash covering the one before."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Row, select

from store.catalog import tables as t
from store.catalog.base import Queries, named, to_json, write_meta
from store.models import Frozen

MAX_DETAIL = 200
"""Characters of an entry's detail as JSON."""
_FIRST = "0" * 64  # what the first entry follows
_HEAD = "audit_head"
_CODE = re.compile(r"[A-Za-z0-9_.:+-]*\Z")  # no spaces: neither a text nor most names of files
_STEP = 1000

Detail = Mapping[str, Any]


class AuditEntry(Frozen):
    """One deed. `at` in seconds since 1970; `hash` is SHA-256 over the rest, `previous` too."""

    seq: int
    at: float
    principal_id: str
    action: str
    document_id: str | None
    detail: dict[str, Any]
    previous: str
    hash: str


class AuditHead(Frozen):
    """The newest entry; `seq` is 0 where there is none."""

    seq: int = 0
    hash: str = _FIRST


class AuditQueries(Queries):
    """Entries are only ever added. No entry holds a name, a question or a word of a document."""

    def together(self) -> AbstractContextManager[object]:
        """One transaction around the deed and its entry: neither is kept without the other."""
        return self.db.write()

    def record(
        self, principal_id: str, action: str, document_id: str | None = None, **detail: Any
    ) -> AuditHead:
        """Append an entry, durable on return; within `together()` it is part of that transaction.

        `detail` holds numbers, ids and short codes. Raises ValueError for anything else: texts and
        names do not belong into a record that no deletion reaches.
        """
        with self.db.write() as c:
            return append(c, time.time(), principal_id, action, document_id, detail)

    def audit(
        self, after_seq: int = 0, limit: int = _STEP, document_id: str | None = None
    ) -> list[AuditEntry]:
        """At most `limit` entries after one, oldest first; all documents', or one's."""
        a = t.audit.c
        which = [] if document_id is None else [a.document_id == document_id]
        query = select(t.audit).where(a.seq > after_seq, *which).order_by(a.seq).limit(limit)
        with self.db.read() as c:
            return [_entry(r) for r in c.execute(query)]

    def audit_head(self) -> AuditHead:
        """What the catalog holds to be the newest entry; kept elsewhere, it proves the chain."""
        with self.db.read() as c:
            return _head(c)

    def check_audit(self) -> str | None:
        """None where the chain holds, else its first fault as a sentence.

        Noticed are entries that were changed, removed (at the end too), added or put in another
        order by anybody who did not write the whole chain anew. Against that helps only a head
        that was kept elsewhere: `audit_head`, which every backup notes.
        """
        with self.db.read() as c:
            try:
                reached, head = AuditHead(), _head(c)
            except ValueError:
                return "The note of the audit trail's newest entry cannot be read."
            for row in c.execute(select(t.audit).order_by(t.audit.c.seq)):
                fault = _fault(row, reached)
                if fault:
                    return fault
                reached = AuditHead(seq=row.seq, hash=row.hash)
        if reached.seq < head.seq:
            return f"The audit trail lacks its end: entries {reached.seq + 1} to {head.seq}."
        if reached != head:
            return f"Entry {reached.seq} of the audit trail is not the one that was written last."
        return None


def append(
    c: Connection,
    at: float,
    principal_id: str,
    action: str,
    document_id: str | None,
    detail: Detail,
) -> AuditHead:
    """Append an entry in a transaction that the caller has begun for writing."""
    _check(principal_id, action, document_id, detail)
    head = _head(c)
    entry = {
        "seq": head.seq + 1,
        "at": at,
        "principal_id": principal_id,
        "action": action,
        "document_id": document_id,
        "detail": to_json(detail),
        "previous": head.hash,
    }
    new = AuditHead(seq=head.seq + 1, hash=_hash(entry))
    c.execute(t.audit.insert().values(**entry, hash=new.hash))
    write_meta(c, _HEAD, new.model_dump_json())
    return new


def _head(c: Connection) -> AuditHead:
    kept = c.execute(select(t.meta.c.value).where(t.meta.c.key == _HEAD)).scalar()
    return AuditHead.model_validate_json(kept) if kept else AuditHead()


def _fault(row: Row, before: AuditHead) -> str | None:
    if row.seq != before.seq + 1:
        return f"The audit trail lacks entries {before.seq + 1} to {row.seq - 1}."
    if row.previous != before.hash:
        return f"Entry {row.seq} of the audit trail does not follow the one before it."
    values = named(row)
    if values.pop("hash") != _hash(values):
        return f"Entry {row.seq} of the audit trail was changed after it was written."
    return None


def _hash(entry: Mapping[str, Any]) -> str:
    """Over canonical JSON: keys sorted, no spaces, UTF-8; `detail` as the text that is kept."""
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check(principal_id: str, action: str, document_id: str | None, detail: Detail) -> None:
    for value in (action, document_id or "", *detail, *_leaves(detail.values())):
        if not isinstance(value, int | float | None) and not _CODE.match(value):
            raise ValueError(f"{action}: an audit entry holds numbers, ids and codes only.")
    if max(len(to_json(detail)), len(principal_id)) > MAX_DETAIL:
        raise ValueError(f"{action}: an audit entry's detail is longer than {MAX_DETAIL}.")


def _leaves(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, list | tuple):
            found += _leaves(value)
        elif isinstance(value, str | int | float | None):
            found.append(value)
        else:
            raise ValueError("An audit entry holds numbers, ids and codes only.")
    return found


def _entry(row: Row) -> AuditEntry:
    values = named(row)
    return AuditEntry(**values | {"detail": json.loads(values["detail"])})
