"""How a command line talks to the server that owns the data folder."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from store.errors import FolderInUse, FootnoteError
from store.owner import Owner, read_owner
from store.settings import Settings

_WAIT_S = 60.0
T = TypeVar("T")


class Remote:
    """The owner's API. Answers are its JSON; refusals raise FootnoteError with its sentence."""

    def __init__(self, owner: Owner):
        self._client = httpx.Client(
            base_url=f"{owner.address}/api",
            headers={"Authorization": f"Bearer {owner.token}"},
            timeout=httpx.Timeout(600.0, connect=5.0),
            trust_env=False,
        )

    def get(self, path: str, **params: Any) -> Any:
        return self._call("GET", path, params=_given(params))

    def post(self, path: str, body: dict | None = None, **params: Any) -> Any:
        return self._call("POST", path, json=body or {}, params=_given(params))

    def delete(self, path: str, **params: Any) -> Any:
        return self._call("DELETE", path, params=_given(params))

    def upload(self, path: Path, space: str, **fields: str | None) -> Any:
        # A name that is not UTF-8 cannot be sent as it is; it is cleaned on the other side anyway.
        name = path.name.encode("utf-8", "replace").decode()
        with path.open("rb") as f:
            return self._call(
                "POST",
                "/documents",
                data=_given({"space": space, **fields}),
                files={"file": (name, f)},
            )

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = self._client.request(method, path, **options)
        except httpx.HTTPError as e:
            raise FootnoteError(f"The running Footnote did not answer ({type(e).__name__}).") from e
        try:
            answer = response.json()
        except json.JSONDecodeError:
            answer = {}
        if response.is_error:
            sentence = answer.get("error") if isinstance(answer, dict) else None
            raise FootnoteError(
                sentence or f"The running Footnote refused ({response.status_code})."
            )
        return answer


def here_or_there(settings: Settings, here: Callable[[], T], there: Callable[[Remote], T]) -> T:
    """Do the work in this process when the folder is free, else ask its owner.

    `here` raises FolderInUse when the folder is taken. An owner that serves nobody (another
    command line) is waited for.
    """
    until, said = time.monotonic() + _WAIT_S, False
    while True:
        try:
            return here()
        except FolderInUse as e:
            owner = read_owner(settings.data)
            if owner and owner.address:
                remote = Remote(owner)
                if _answers(remote):
                    return there(remote)
            if time.monotonic() > until:
                raise
            if not said:
                sys.stderr.write(f"{e} Waiting for it …\n")
                said = True
            time.sleep(0.2)


def _answers(remote: Remote) -> bool:
    """A server that is just starting owns the folder before it answers."""
    try:
        remote.get("/health")
    except FootnoteError:
        return False
    return True


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in params.items() if v is not None}
