"""The machine interface's JSON: what the command line prints and the API answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from store import states
from store.boxes import highlight, unpack
from store.models import SCHEMA_VERSION, Answer, Box, Document, Hit, Page, Span

if TYPE_CHECKING:
    from store.catalog.deletions import Certificate
    from store.catalog.ledger import LedgerLine


class PageSource(Protocol):
    """Where pages come from: the catalog."""

    def pages(self, page_ids: set[int]) -> dict[int, Page]: ...


def document_json(document: Document, outdated: bool = False) -> dict:
    """One line of `list`, and the result of `add`.

    `outdated`: an older Footnote read it, or other settings did.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "file": document.name,
        "document_id": document.id,
        "space": document.space,
        "status": document.status,
        "state": states.sentence(document),
        "paused": document.paused,
        "earlier_answers": document.earlier_answers,
        "outdated": outdated,
        "sync_path": document.sync_path,
        "kind": document.kind,
        "title": document.title,
        "date": document.date,
        "pages": document.pages,
        "pages_done": document.pages_done,
        "chunks": document.chunks,
        "error": document.error,
        "warnings": list(document.warnings),
        "seconds": document.seconds,
    }


def certificate_json(certificate: Certificate) -> dict:
    """That a document was removed for good; `proved`: nothing of it is left anywhere."""
    return {**certificate.model_dump(mode="json"), "proved": certificate.proved}


def removed_json(certificate: Certificate) -> dict:
    """The result of `remove`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "removed": [certificate.document_id],
        "certificate": certificate_json(certificate),
    }


def failed_json(file: str, space: str, error: str) -> dict:
    """A file that never became a document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "file": file,
        "document_id": None,
        "space": space,
        "status": "failed",
        "pages": 0,
        "chunks": 0,
        "error": error,
        "warnings": [],
        "seconds": None,
    }


def shown_json(
    document: Document,
    pages: Iterable[Page],
    readings: Iterable[Page] = (),
    outdated: bool = False,
) -> dict:
    """The result of `show`. `readings` are a vision model's, one line for each region."""
    return {
        **document_json(document, outdated),
        "pages": [
            {
                "page": p.number,
                "page_id": p.id,
                "how": p.how,
                "words": p.words,
                "quality": p.quality,
                "confidence": p.confidence,
                "flags": list(p.flags),
                "label": p.label,
                "error": p.error,
                "text": p.text,
            }
            for p in pages
        ],
        "readings": [
            {
                "page": p.number,
                "page_id": p.id,
                "region": region,
                "text": p.text[start:end],
                "model": p.described_by,
            }
            for p in readings
            for start, end, region in unpack(p.boxes or b"")
        ],
    }


def ledger_json(lines: Iterable[LedgerLine]) -> list[dict]:
    """How each page was read, without its text."""
    return [line.model_dump(mode="json") for line in lines]


def hits_json(
    hits: Sequence[Hit],
    source: PageSource,
    spaces: Mapping[str, str],
    ms: float,
    warnings: Iterable[str] = (),
) -> dict:
    """The result of `search`; `spaces` is id → name."""
    pages = source.pages({s.page_id for h in hits for s in h.chunk.spans})
    return {
        "schema_version": SCHEMA_VERSION,
        "hits": [
            {
                "rank": rank,
                "document_id": hit.chunk.document_id,
                "space": spaces.get(hit.chunk.space_id),
                "doc": hit.chunk.name,
                "page": hit.chunk.page,
                "score": round(hit.score, 6),
                "rerank_score": hit.rerank_score,
                "text": hit.chunk.text,
                "start": hit.chunk.spans[0].start,
                "end": hit.chunk.spans[0].end,
                "section": hit.chunk.section,
                **_read(hit.chunk.spans[0], pages),
                "spans": [_span_json(s, pages) for s in hit.chunk.spans],
            }
            for rank, hit in enumerate(hits, 1)
        ],
        "warnings": list(warnings),
        "ms": round(ms, 1),
    }


def answer_json(answer: Answer, source: PageSource) -> dict:
    """The result of `ask`."""
    pages = source.pages({s.page_id for c in answer.citations for s in c.spans})
    citations = []
    for c in answer.citations:
        spans = [_span_json(s, pages) for s in c.spans]
        first = c.spans[0]
        citations.append(
            {
                "n": c.n,
                "document_id": c.document_id,
                "space": c.space,
                "doc": c.doc,
                "page": c.page,
                "page_id": first.page_id,
                "start": first.start,
                "end": first.end,
                "text": c.text,
                "spans": spans,
                "boxes": spans[0]["boxes"],
                "how": c.how,
                "described_by": c.described_by,
                "deleted": c.deleted,
            }
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "question": answer.question,
        "answer": answer.text,
        "refused": answer.refused,
        "route": answer.route,
        "route_reason": answer.route_reason,
        "route_confidence": answer.route_confidence,
        "rewritten": answer.rewritten,
        "warnings": list(answer.warnings),
        "sentences": [
            {
                "text": s.text,
                "supported": s.supported,
                "citations": list(s.citations),
                "computed": s.computed,
                "deleted": s.deleted,
                "doubted": s.doubted,
                "confirmed_by": s.confirmed_by,
            }
            for s in answer.sentences
        ],
        "table": answer.table.model_dump(mode="json") if answer.table else None,
        "citations": citations,
        "nearest": [n.model_dump() for n in answer.nearest],
        "model": answer.model,
        "ms": answer.ms,
        "trace": answer.trace.model_dump(mode="json") if answer.trace else None,
    }


def _read(span: Span, pages: dict[int, Page]) -> dict:
    page = pages.get(span.page_id)
    return {
        "how": page.how if page else None,
        "described_by": page.described_by if page else None,
    }


def _span_json(span: Span, pages: dict[int, Page]) -> dict:
    page = pages.get(span.page_id)
    boxes: list[Box] | None = None
    if page is not None and page.pictured:
        boxes = highlight(page.boxes, span.start, span.end)
    return {
        "page": page.number if page else None,
        "page_id": span.page_id,
        "start": span.start,
        "end": span.end,
        "text": page.text[span.start : span.end] if page else None,
        "boxes": boxes,
    }
