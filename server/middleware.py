"""Checks before any page, route or websocket: host, origin, size of body, and the policies sent.

Any website can make a browser talk to a local server (by DNS rebinding, forms, images,
websockets), and Streamlit accepts uploads before a screen's code runs. So the checks are here, in
plain ASGI, before everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEGABYTE = 1024 * 1024
_HOST = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FILE_PATHS = ("/_stcore/upload_file/", "/api/documents")

COMMON_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def screen_policy(host: str, inline_scripts: Iterable[str]) -> str:
    """The policy of Streamlit's pages: nothing from anywhere else, no inline script but its own.

    Streamlit sets style attributes, so styles may be inline. `host` is a checked Host header: some
    browsers do not take 'self' to include the websocket of the same host.
    """
    hashes = " ".join(f"'{h}'" for h in inline_scripts)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {hashes}".strip(),
            "style-src 'self' 'unsafe-inline'",
            "font-src 'self' data:",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            f"connect-src 'self' ws://{host} wss://{host}",
            "frame-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


class HostCheck:
    """Answers only to the names this server is known by, with any port."""

    def __init__(self, app: ASGIApp, allowed_hosts: str) -> None:
        self.app = app
        self.allowed = {h.strip().lower() for h in allowed_hosts.split(",") if h.strip()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        hosts = Headers(scope=scope).getlist("host")
        match = _HOST.match(hosts[0]) if len(hosts) == 1 else None
        if match is None or match[1].lower() not in self.allowed:
            text = (
                "This server does not answer to that host name. "
                "Add the name to FOOTNOTE_ALLOWED_HOSTS if it should."
            )
            return await refuse(scope, receive, send, 400, text)
        await self.app(scope, receive, send)


class OriginCheck:
    """Refuses what another website makes a browser send here; opening a page by a link is fine."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not _same_origin(scope):
            text = "This request comes from another website, so it was refused."
            return await refuse(scope, receive, send, 403, text)
        await self.app(scope, receive, send)


class BodyLimit:
    """Cuts bodies that are too large, said or not said in Content-Length."""

    def __init__(self, app: ASGIApp, max_file_mb: int, other_mb: int = 1) -> None:
        self.app = app
        # One megabyte more than the file: names and boundaries around it in the form.
        self.file_bytes, self.other_bytes = (max_file_mb + 1) * MEGABYTE, other_mb * MEGABYTE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS:
            return await self.app(scope, receive, send)
        file = scope["path"].startswith(_FILE_PATHS)
        limit = self.file_bytes if file else self.other_bytes
        text = f"That is more than {limit // MEGABYTE - file} MB, the most this server takes."
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            return await refuse(scope, receive, send, 413, text)
        taken, started, cut = 0, False, False

        async def limited() -> Message:
            nonlocal taken, cut
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                cut = True
                return {"type": "http.disconnect"}
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if cut and not started:
                return
            started = True
            await send(message)

        try:
            await self.app(scope, limited, watched)
        except ClientDisconnect:
            if not cut:
                raise
        # The app gave up on a body that "disconnected": say why, whatever it made of that.
        if cut and not started:
            await refuse(scope, receive, send, 413, text)


class PolicyHeaders:
    """Puts the policies on every answer; a route that sets its own policy keeps it."""

    def __init__(self, app: ASGIApp, inline_scripts: tuple[str, ...] = ()) -> None:
        self.app, self.inline_scripts = app, inline_scripts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        host = Headers(scope=scope).get("host", "")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in COMMON_HEADERS.items():
                    headers.setdefault(name, value)
                api = scope["path"].startswith("/api")
                # A host that did not pass the check is answered too, and must not get into it.
                known = host if _HOST.match(host) else "localhost"
                policy = API_POLICY if api else screen_policy(known, self.inline_scripts)
                headers.setdefault("content-security-policy", policy)
                if api:
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class QuietStartup:
    """A start refused on purpose says its sentence without a traceback."""

    def __init__(self, app: ASGIApp, expected: type[Exception]) -> None:
        self.app, self.expected = app, expected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return await self.app(scope, receive, send)
        failed: Message | None = None

        async def held(message: Message) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.failed":
                failed = message
            else:
                await send(message)

        try:
            await self.app(scope, receive, held)
        except self.expected as refusal:
            await send({"type": "lifespan.startup.failed", "message": str(refusal)})
        except BaseException:
            if failed:
                await send(failed)
            raise


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str) -> None:
    """Answer a request or a websocket with one sentence."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": text[:120]})
        return
    await sentence(scope["path"], status, text)(scope, receive, send)


def sentence(path: str, status: int, text: str) -> Response:
    """One sentence as JSON under /api, as plain text elsewhere."""
    if path.startswith("/api"):
        return JSONResponse({"error": text}, status)
    return PlainTextResponse(text, status)


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # `http://[`
        return None


def _same_origin(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    changing = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
    origin = headers.get("origin")
    if changing and origin is not None and _host_of(origin) != headers.get("host"):
        return False
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return True
    opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return not changing and opened == ("navigate", "document")
