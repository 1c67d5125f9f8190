"""The machine interface over HTTP: the same verbs and the same JSON as the command lines.

Every handler calls one door in a thread. The interactive documentation pages are off: they load
scripts from elsewhere; `/api/openapi.json` describes the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from ingestion.folders import Listing
from server import doors, principals
from server.doors import Doors, NotOpen
from server.principals import NotSignedIn
from store import errors, wire
from store.catalog.arrivals import Origin
from store.models import SCHEMA_VERSION, Principal, SameName

STATUS: tuple[tuple[type[errors.FootnoteError], int], ...] = (
    (errors.NotFound, 404),
    (errors.NotAllowed, 403),
    (NotSignedIn, 401),
    (errors.NameTaken, 409),
    (errors.BadInput, 422),
    (NotOpen, 503),
    (errors.Transient, 503),
    (errors.IndexDamaged, 503),
    (errors.ModelUnavailable, 503),
    (errors.FootnoteError, 409),
)
"""Which of our errors is which HTTP status; the first that fits."""


class SearchBody(BaseModel):
    """What to search for, and where."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=4000)
    k: int = Field(10, ge=1, le=100)
    space: str | None = None
    document: str | None = None


class AskBody(BaseModel):
    """What to ask, where the answer may come from, and how it is made (None: the words decide)."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(max_length=4000)
    space: str | None = None
    document: str | None = None
    route: str | None = Field(None, max_length=100)
    stream: bool = False


class SyncBody(BaseModel):
    """What lies in a folder, for the space that it is synchronised with."""

    model_config = ConfigDict(extra="forbid")

    listing: Listing
    space: str = "main"
    dry_run: bool = False
    allow_empty: bool = False


def opened() -> Doors:
    """The open doors, for the handlers."""
    return doors.current()


def asks(request: Request, to: Annotated[Doors, Depends(opened)]) -> Principal:
    """Who asks, for the handlers."""
    return principals.of_request(request, to.token)


To = Annotated[Doors, Depends(opened)]
Who = Annotated[Principal, Depends(asks)]


def build_api() -> FastAPI:
    """The application mounted at /api."""
    api = FastAPI(title="Footnote", version="1", docs_url=None, redoc_url=None)
    from server import safekeeping  # it needs what stands above

    for add in (_documents, _upkeep, safekeeping.add, _questions, _errors):
        add(api)
    return api


def _documents(api: FastAPI) -> None:
    @api.post("/documents")
    def add(
        to: To,
        who: Who,
        file: UploadFile,
        space: Annotated[str, Form()] = "main",
        same_name: Annotated[SameName | None, Form()] = None,
        sync_folder: Annotated[str | None, Form(max_length=4096)] = None,
        sync_path: Annotated[str | None, Form(max_length=4096)] = None,
    ) -> dict:
        name = file.filename or "unnamed"
        origin = Origin(sync_folder, sync_path) if sync_folder and sync_path else None
        return wire.document_json(
            to.library.add(who, name, file.file, space, same_name=same_name, origin=origin)
        )

    @api.post("/documents/sync")
    def sync(to: To, who: Who, body: SyncBody) -> dict:
        options = {"dry_run": body.dry_run, "allow_empty": body.allow_empty}
        return _plain(to.library.sync(who, body.listing, body.space, **options))

    @api.get("/documents")
    def listed(to: To, who: Who, space: str | None = None) -> list[dict]:
        outdated = set(to.library.outdated(who, space))
        return [wire.document_json(d, d.id in outdated) for d in to.library.list(who, space)]

    @api.post("/documents/retry-outdated")
    def retry_outdated(to: To, who: Who) -> dict:
        return {"schema_version": SCHEMA_VERSION, "queued": to.library.retry_outdated(who)}

    @api.get("/documents/{document_id}/ledger")
    def ledger(to: To, who: Who, document_id: str) -> list[dict]:
        return wire.ledger_json(to.library.ledger(who, document_id))

    @api.get("/documents/{document_id}/certificate")
    def certificate(to: To, who: Who, document_id: str) -> dict:
        return wire.certificate_json(to.library.certificate(who, document_id))

    @api.get("/certificates")
    def certificates(to: To, who: Who) -> list[dict]:
        return [wire.certificate_json(c) for c in to.library.certificates(who)]

    @api.get("/documents/{id_or_name:path}")
    def show(
        to: To, who: Who, id_or_name: str, space: str | None = None, pages: bool = True
    ) -> dict:
        document = to.library.document(who, id_or_name, space)
        outdated = to.library.is_outdated(who, document.id)
        if not pages:
            return wire.document_json(document, outdated)
        readings = to.library.readings(who, document.id)
        return wire.shown_json(*to.library.show(who, document.id), readings, outdated)

    @api.delete("/documents/{id_or_name:path}")
    def remove(to: To, who: Who, id_or_name: str, space: str | None = None) -> dict:
        return wire.removed_json(to.library.removed(who, id_or_name, space))

    for verb in ("cancel", "retry", "pause", "resume"):
        api.post(f"/documents/{{document_id}}/{verb}", name=verb)(_on_one(verb))


def _on_one(verb: str) -> Callable[..., dict]:
    """The handler of a verb of the library on one document."""

    def handler(to: To, who: Who, document_id: str) -> dict:
        getattr(to.library, verb)(who, document_id)
        return wire.document_json(to.library.document(who, document_id))

    return handler


def _upkeep(api: FastAPI) -> None:
    @api.get("/health")
    def health(to: To, who: Who) -> dict:
        # Always 200: a command line asks here first, also when it comes to repair what is not ok.
        found = to.library.health(who)
        model = to.assistant.model_status(who)
        shape = _plain(found) | {"model": model.model_dump(mode="json")}
        return shape

    @api.get("/queue")
    def queue(to: To, who: Who) -> dict:
        return _queue(to, who)

    @api.post("/queue/pause")
    def pause(to: To, who: Who) -> dict:
        to.library.pause(who)
        return _queue(to, who)

    @api.post("/queue/resume")
    def resume(to: To, who: Who) -> dict:
        to.library.resume(who)
        return _queue(to, who)

    @api.get("/ledger")
    def ledger(to: To, who: Who) -> dict:
        counts = to.library.ledger_counts(who)
        return _plain(counts) | {"pages": counts.pages}

    @api.post("/reindex")
    def reindex(to: To, who: Who, wait: bool = False, anyway: bool = False) -> dict:
        status = to.library.reindex(who, anyway=anyway)
        while wait and status.state == "running":
            time.sleep(0.2)
            status = to.library.reindex_status(who)
        return _plain(status)

    @api.get("/reindex")
    def reindex_status(to: To, who: Who) -> dict:
        return _plain(to.library.reindex_status(who))

    @api.get("/reindex/scope")
    def reindex_scope(to: To, who: Who) -> dict:
        back = to.library.way_back(who)
        shape = _plain(to.library.reindex_scope(who))
        return shape | {"way_back": back.model_dump(mode="json") if back else None}

    @api.post("/reindex/rollback")
    def rollback(to: To, who: Who) -> dict:
        return _plain(to.library.rollback(who))

    @api.post("/reindex/cancel")
    def cancel_reindex(to: To, who: Who) -> dict:
        to.library.cancel_reindex(who)
        return _plain(to.library.reindex_status(who))

    @api.post("/verify")
    def verify(to: To, who: Who, repair: bool = False) -> dict:
        return _plain(to.library.verify(who, repair=repair))


def _questions(api: FastAPI) -> None:
    @api.post("/search")
    def search(to: To, who: Who, body: SearchBody) -> dict:
        started = time.perf_counter()
        found = to.assistant.find(who, body.query, body.k, body.space, body.document)
        ms = (time.perf_counter() - started) * 1000
        spaces = to.library.spaces(who)
        return wire.hits_json(found.hits, to.pages, spaces, ms, found.warnings)

    @api.post("/ask", response_model=None)
    def ask(to: To, who: Who, body: AskBody) -> dict | StreamingResponse:
        where = {"space": body.space, "document": body.document, "route": body.route}
        if body.stream:
            growing = to.assistant.ask_stream(who, body.question, **where)
            return StreamingResponse(
                _events(wire.answer_json(answer, to.pages) for answer in growing),
                media_type="text/event-stream",
            )
        return wire.answer_json(to.assistant.ask(who, body.question, **where), to.pages)


def _errors(api: FastAPI) -> None:
    @api.exception_handler(errors.FootnoteError)
    def on_purpose(request: Request, error: errors.FootnoteError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_of(error))

    @api.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()
        )
        return JSONResponse({"error": f"The request is not well formed ({wrong})."}, 422)

    @api.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": f"{error.detail}."}, error.status_code, error.headers)

    @api.exception_handler(Exception)
    def crash(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "Something went wrong; the server's log says what."}, 500)


def status_of(error: errors.FootnoteError) -> int:
    """The HTTP status of one of our errors."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def _queue(to: Doors, who: Principal) -> dict:
    return {"schema_version": SCHEMA_VERSION, **to.library.queue(who)._asdict()}


def _plain(value: BaseModel) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, **value.model_dump(mode="json")}


def _events(values: Iterator[dict]) -> Iterator[str]:
    try:
        for value in values:
            yield f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
    except errors.FootnoteError as error:
        yield f"event: error\ndata: {json.dumps({'error': str(error)})}\n\n"
