"""The machine interface's part about keeping: backups and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request

from server.api import To, Who
from store.errors import NotAllowed
from store.models import SCHEMA_VERSION


def add(api: FastAPI) -> None:
    """Adds the routes; `server.api.build_api` calls it."""

    @api.post("/backup")
    def backup(to: To, who: Who, request: Request, target: str | None = None) -> dict:
        # Whoever names a place makes this process write there. Only a command line on this machine
        # may, which shows the token of owner.json; others get the folder of the settings.
        if target is not None and "authorization" not in request.headers:
            raise NotAllowed("Over HTTP a backup goes into FOOTNOTE_BACKUP_FOLDER only.")
        return _plain(to.library.backup(who, target))

    @api.get("/backup")
    def backup_status(to: To, who: Who) -> dict:
        return _plain(to.library.backup_status(who))

    @api.post("/backup/cancel")
    def cancel_backup(to: To, who: Who) -> dict:
        to.library.cancel_backup(who)
        return _plain(to.library.backup_status(who))

    @api.get("/audit")
    def audit(
        to: To,
        who: Who,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        document: str | None = None,
    ) -> list[dict]:
        return [_plain(entry) for entry in to.library.audit(who, after, limit, document)]

    @api.get("/audit/state")
    def audit_state(to: To, who: Who) -> dict:
        return _plain(to.library.audit_state(who))


def _plain(value) -> dict:
    return {"schema_version": SCHEMA_VERSION, **value.model_dump(mode="json")}
