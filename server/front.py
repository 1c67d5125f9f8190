"""Puts the front door together for app.py: routes, middleware, and opening and closing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from server import doors, viewer
from server.middleware import (
    API_POLICY,
    COMMON_HEADERS,
    BodyLimit,
    HostCheck,
    OriginCheck,
    PolicyHeaders,
    QuietStartup,
    sentence,
)
from server.opening import open_doors
from store.errors import FootnoteError
from store.settings import Settings

_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def routes() -> list[BaseRoute]:
    """What this server answers beside the screens."""
    return [*viewer.routes(), Mount("/api", _Api())]


def middleware(settings: Settings, index_html: Path | None = None) -> list[Middleware]:
    """What every request goes through, outermost first. `index_html` is the screens' shell."""
    return [
        Middleware(QuietStartup, expected=FootnoteError),
        Middleware(PolicyHeaders, inline_scripts=_script_hashes(index_html)),
        Middleware(HostCheck, allowed_hosts=settings.allowed_hosts),
        Middleware(OriginCheck),
        Middleware(BodyLimit, max_file_mb=settings.max_file_mb),
    ]


def lifespan(
    settings: Settings, address: Callable[[], str]
) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Opens the doors before the first request and closes them after the last one."""

    @asynccontextmanager
    async def open_while_serving(_app: object) -> AsyncIterator[None]:
        opening = open_doors(settings, address())
        doors.fill(await run_in_threadpool(opening.__enter__))
        try:
            yield
        finally:
            doors.fill(None)
            await run_in_threadpool(opening.__exit__, None, None, None)

    return open_while_serving


class _Api:
    """The API, built with its first request: a server that must not start is told so sooner."""

    _built: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._built is None:
            self._built = await run_in_threadpool(_build_api)
        await self._built(scope, receive, send)


def _build_api() -> ASGIApp:
    from server.api import build_api

    return build_api()


async def crash_page(request: Request, error: Exception) -> Response:
    """What a person sees of a fault of ours; the traceback is in the server's log alone."""
    text = "Something went wrong; the server's log says what."
    response = sentence(request.url.path, 500, text)
    # This answer is made outside the middleware, so it brings the policies itself.
    response.headers.update({**COMMON_HEADERS, "content-security-policy": API_POLICY})
    return response


def _script_hashes(index_html: Path | None) -> tuple[str, ...]:
    if index_html is None:
        return ()
    digests = (hashlib.sha256(s).digest() for s in _INLINE_SCRIPT.findall(index_html.read_bytes()))
    return tuple(f"sha256-{base64.b64encode(d).decode()}" for d in digests)
