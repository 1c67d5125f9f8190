"""Parses and their pages."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Row, func, select

from store.catalog import tables as t
from store.catalog.base import named, strings, to_json
from store.catalog.database import Database
from store.catalog.documents import _document, _newest
from store.catalog.leases import Lease, LeasedQueries
from store.errors import NotFound, PageChanged
from store.models import Block, Box, Document, How, Page, ParsedDocument, ParsedPage

_WINDOW = 32
_BLOCKS = TypeAdapter(tuple[Block, ...])


class Outcome(NamedTuple):
    """How a page was read; `text` is its first letter, nothing where it has none."""

    number: int
    how: How
    error: str | None
    text: str
    breaks_off: bool = False


class EachPage:
    """The pages of a parse in order, read from the catalog as they are walked through."""

    def __init__(self, db: Database, parse_id: int):
        self._db, self._parse_id = db, parse_id

    def __iter__(self) -> Iterator[Page]:
        n = t.pages.c
        query = select(t.pages).where(n.parse_id == self._parse_id).order_by(n.number)
        last = 0
        while True:
            with self._db.read() as c:
                rows = c.execute(query.where(n.number > last).limit(_WINDOW)).all()
            if not rows:
                return
            yield from map(_page, rows)
            last = rows[-1].number


class PageQueries(LeasedQueries):
    """Pages by id; immutable once written."""

    def begin_parse(
        self, lease: Lease, content_hash: str, fingerprint: str, info: ParsedDocument
    ) -> int:
        """The parse of these bytes by this parser: found, or begun."""
        p = t.parses.c
        with self.leased(lease) as c:
            found = c.execute(
                select(p.id).where(p.content_hash == content_hash, p.fingerprint == fingerprint)
            ).scalar()
            if found is not None:
                return found
            result = c.execute(
                t.parses.insert().values(
                    content_hash=content_hash,
                    fingerprint=fingerprint,
                    pages=info.pages,
                    unread=info.unread,
                    title=info.title,
                    date=info.date,
                    author=info.author,
                    language=info.language,
                    warnings=to_json(info.warnings),
                )
            )
            return int(result.inserted_primary_key[0])  # type: ignore[index]

    def find_parse(self, content_hash: str, fingerprint: str) -> tuple[int, bool] | None:
        """(parse id, complete) of these bytes read by this parser."""
        p = t.parses.c
        with self.db.read() as c:
            row = c.execute(
                select(p.id, p.complete).where(
                    p.content_hash == content_hash, p.fingerprint == fingerprint
                )
            ).first()
        return (row.id, row.complete) if row else None

    def parse_info(self, parse_id: int) -> ParsedDocument:
        with self.db.read() as c:
            row = c.execute(select(t.parses).where(t.parses.c.id == parse_id)).one()
        return ParsedDocument(
            pages=row.pages,
            unread=row.unread,
            title=row.title,
            date=row.date,
            author=row.author,
            language=row.language,
            warnings=strings(row.warnings),
        )

    def page_numbers(self, parse_id: int) -> set[int]:
        """Numbers of the pages already read."""
        with self.db.read() as c:
            return set(
                c.execute(select(t.pages.c.number).where(t.pages.c.parse_id == parse_id)).scalars()
            )

    def add_pages(
        self, lease: Lease, version_id: str, parse_id: int, pages: Sequence[ParsedPage]
    ) -> None:
        """Store pages (those already there stay) and the version's progress."""
        rows = [_page_row(parse_id, p) for p in pages]
        with self.leased(lease) as c:
            c.execute(t.pages.insert().prefix_with("OR IGNORE"), rows)
            done = c.execute(
                select(func.count()).select_from(t.pages).where(t.pages.c.parse_id == parse_id)
            ).scalar_one()
            c.execute(
                t.versions.update().where(t.versions.c.id == version_id).values(pages_done=done)
            )

    def add_readings(self, lease: Lease, parse_id: int, pages: Sequence[ParsedPage]) -> None:
        """Store what a vision model said of pages; a version's progress counts pages read."""
        rows = [_page_row(parse_id, p) for p in pages]
        with self.leased(lease) as c:
            c.execute(t.pages.insert().prefix_with("OR IGNORE"), rows)

    def copy_readings(
        self,
        lease: Lease,
        parse_id: int,
        content_hash: str,
        fingerprint_start: str,
        regions: Mapping[int, tuple[Box, ...]],
    ) -> None:
        """Take over readings of the same regions of these bytes from parses of the same reader."""
        p, n = t.parses.c, t.pages.c
        with self.leased(lease) as c:
            known = select(n.number).where(n.parse_id == parse_id)
            rows = c.execute(
                select(t.pages)
                .join(t.parses, p.id == n.parse_id)
                .where(
                    p.content_hash == content_hash,
                    p.id != parse_id,
                    p.fingerprint.startswith(fingerprint_start, autoescape=True),
                    n.number.in_(regions),
                    n.number.not_in(known),
                )
            ).all()
            same = {
                page.number: _page_row(parse_id, page)
                for page in map(_page, rows)
                if page.figures == regions[page.number]
            }
            if same:
                c.execute(t.pages.insert(), list(same.values()))

    def readings(self, version_id: str) -> list[Page]:
        """What a vision model said of a version's pages, those without a word left out."""
        v = t.versions.c
        with self.db.read() as c:
            parse_id = c.execute(select(v.vision_parse_id).where(v.id == version_id)).scalar()
        return [] if parse_id is None else [p for p in self.pages_of_parse(parse_id) if p.text]

    def newest_version(self, document_id: str) -> str | None:
        """The id of a document's newest version."""
        v = t.versions.c
        newest = select(v.id).where(v.document_id == document_id).order_by(v.seq.desc()).limit(1)
        with self.db.read() as c:
            return c.execute(newest).scalar()

    def complete_parse(self, lease: Lease, parse_id: int) -> bool:
        """Note that all pages are there; False where some are not: a retry took failed ones out."""
        p = t.parses.c
        stored = select(func.count()).where(t.pages.c.parse_id == parse_id).scalar_subquery()
        with self.leased(lease) as c:
            done = c.execute(
                t.parses.update().where(p.id == parse_id, p.pages == stored).values(complete=True)
            )
            return done.rowcount == 1

    def pages_of_parse(self, parse_id: int) -> list[Page]:
        with self.db.read() as c:
            rows = c.execute(
                select(t.pages).where(t.pages.c.parse_id == parse_id).order_by(t.pages.c.number)
            )
            return [_page(r) for r in rows]

    def each_page(self, parse_id: int) -> EachPage:
        """As `pages_of_parse`, a few at a time: those of a long document take gigabytes."""
        return EachPage(self.db, parse_id)

    def outcomes(self, parse_id: int) -> list[Outcome]:
        """How each page was read, in order."""
        n = t.pages.c
        breaks_off = n.flags.contains('"breaks_off"').label("breaks_off")
        query = select(n.number, n.how, n.error, n.text, breaks_off).where(n.parse_id == parse_id)
        with self.db.read() as c:
            rows = c.execute(query.order_by(n.number))
            return [
                Outcome(r.number, r.how, r.error, r.text.strip()[:1], bool(r.breaks_off))
                for r in rows
            ]

    def page(self, page_id: int) -> Page:
        found = self.pages([page_id])
        if page_id not in found:
            raise NotFound("This page is gone.")
        return found[page_id]

    def pages(self, page_ids: Collection[int]) -> dict[int, Page]:
        with self.db.read() as c:
            rows = c.execute(select(t.pages).where(t.pages.c.id.in_(page_ids)))
            return {r.id: _page(r) for r in rows}

    def document_pages(self, document_id: str) -> list[Page]:
        """Pages of a document's newest version, as far as they are read."""
        with self.db.read() as c:
            parse_id = c.execute(
                select(t.versions.c.parse_id)
                .where(t.versions.c.document_id == document_id)
                .order_by(t.versions.c.seq.desc())
                .limit(1)
            ).scalar()
        return [] if parse_id is None else self.pages_of_parse(parse_id)

    def document_of_page(
        self, page_id: int, visible_spaces: Collection[str] | None
    ) -> tuple[Document, str]:
        """A document (and its content hash) through which this page may be seen.

        Parses are shared between spaces underneath: the page is visible through any version with
        its bytes in a visible space, and through no other.
        """
        v, d = t.versions.c, t.documents.c
        query = (
            select(v.document_id, v.content_hash, v.kind)
            .join(t.parses, t.parses.c.content_hash == v.content_hash)
            .join(t.pages, t.pages.c.parse_id == t.parses.c.id)
            .join(t.documents, d.id == v.document_id)
            .where(t.pages.c.id == page_id, d.removing.is_(False))
            .order_by(v.seq.desc())
        )
        if visible_spaces is not None:
            query = query.where(d.space_id.in_(visible_spaces))
        with self.db.read() as c:
            row = c.execute(query).first()
            if row is None:
                raise NotFound("This page is gone, or not yours to see.")
            document = c.execute(_newest().where(d.id == row.document_id)).one()
        # The page may be of an older version, of another kind than the newest one's file.
        return _document(document).model_copy(update={"kind": row.kind}), row.content_hash


def text_sum(text: str) -> int:
    """CRC-32 of what a page says, as the table keeps it."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def layout_sum(blocks: str, boxes: bytes | None) -> int:
    """CRC-32 of where a page says it, as the table keeps it."""
    return zlib.crc32(boxes or b"", zlib.crc32(blocks.encode("utf-8", "surrogatepass")))


def check_page(number: int, kept: int | None, found: int) -> None:
    """Raises PageChanged; pages that were stored before there were sums pass."""
    if kept is not None and kept != found:
        raise PageChanged(
            f"Page {number} is damaged in the catalog and is not used; "
            "`python -m ingestion verify --repair` reads it again."
        )


def _page_row(parse_id: int, page: ParsedPage) -> dict:
    blocks = _pack_blocks(page.blocks)
    return {
        "parse_id": parse_id,
        "number": page.number,
        "text": page.text,
        "how": page.how,
        "quality": page.quality,
        "flags": to_json(page.flags),
        "label": page.label,
        "width": page.width,
        "height": page.height,
        "boxes": page.boxes,
        "blocks": blocks,
        "error": page.error,
        "confidence": page.confidence,
        "figures": to_json(page.figures),
        "text_sum": text_sum(page.text),
        "layout_sum": layout_sum(blocks, page.boxes),
    }


def _page(row: Row) -> Page:
    values = named(row)
    check_page(row.number, values.pop("text_sum"), text_sum(row.text))
    check_page(row.number, values.pop("layout_sum"), layout_sum(row.blocks, row.boxes))
    values["flags"] = strings(values["flags"])
    values["blocks"] = _unpack_blocks(values["blocks"])
    values["figures"] = tuple(tuple(box) for box in json.loads(values["figures"]))
    return Page(**values)


def _pack_blocks(blocks: Iterable[Block]) -> str:
    """Blocks as short arrays: a page of a price list has thousands of cells."""
    return to_json(
        [
            [
                b.kind,
                b.start,
                b.end,
                b.level,
                [[k.start, k.end, k.row, k.column, int(k.header)] for k in b.cells],
            ]
            for b in blocks
        ]
    )


def _unpack_blocks(text: str) -> tuple[Block, ...]:
    return _BLOCKS.validate_python(
        [
            {
                "kind": kind,
                "start": start,
                "end": end,
                "level": level,
                "cells": [
                    {"start": s, "end": e, "row": r, "column": c, "header": bool(h)}
                    for s, e, r, c, h in cells
                ],
            }
            for kind, start, end, level, cells in json.loads(text)
        ]
    )
