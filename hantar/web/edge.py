"""What every request passes first and every answer last: its id, where it may come from, the headers that protect.

Errors included: an exception that nobody caught becomes a problem here, so that its answer has the headers too.
"""

import asyncio
import math
import re
import secrets
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hantar.kit import errors, inputs
from hantar.web import problems

BARE = {"/login": {"POST"}, "/register": {"POST"}, "/logout": {"POST"}}
"""Addresses that answer the same without `/api` (api.md 1.1); a GET on them is the page."""
BARE_ALWAYS = {"/app/qr", "/send/message", "/send/image"}
SAFE = {"GET", "HEAD", "OPTIONS"}

BODY_PATIENCE_SECONDS = 30.0
"""How long a client may pause within its request's body; a phone on a bad line sends something every few seconds."""

_OWN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class ForeignOrigin(errors.Forbidden):
    """This request came from another site's page, so it was refused."""

    code = "csrf"


def policy(host: str) -> str:
    """The Content-Security-Policy: only our own files, no code within pages; the socket of this very host."""
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        f"media-src 'self' blob:; font-src 'self'; connect-src 'self'{sockets}; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def is_own_origin(headers: Headers, public_url: str) -> bool:
    """Whether a browser's request comes from our own pages. Programs send neither header and pass."""
    if headers.get("sec-fetch-site", "").lower() == "cross-site":
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    own = {headers.get("host", "").lower()} | ({urlsplit(public_url).netloc.lower()} if public_url else set())
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() in own - {""}


def has_key(headers: Headers) -> bool:
    """Whether an API key comes along; browsers never add one by themselves, so such requests cannot be forged."""
    return "x-api-key" in headers or headers.get("authorization", "").lower().startswith("bearer ")


def _impatient(receive: Receive) -> Receive:
    """Gives up on a body that stops arriving (F-36); once it is complete, waiting is fine."""
    is_complete = False

    async def receive_in_time() -> Message:
        nonlocal is_complete
        if is_complete:
            return await receive()
        try:
            async with asyncio.timeout(BODY_PATIENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        is_complete = not message.get("more_body")
        return message

    return receive_in_time


def is_plain_413(message: Message) -> bool:
    """Whether this is the framework's own short answer to a body over the route's limit."""
    return message["status"] == 413 and Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")


class Edge:
    """The outermost middleware of our own."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app, self.public_url = app, public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        wished = headers.get("x-request-id", "")
        scope["hantar.request_id"] = wished if _OWN_ID.fullmatch(wished) else f"req_{secrets.token_hex(8)}"
        _find_route(scope)
        strange: set[str] = set()
        inputs.ignored.set(strange)
        started = replaced = False

        async def send_guarded(message: Message) -> None:
            nonlocal started, replaced
            if replaced:
                return
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                if is_plain_413(message) and not started:
                    started = True
                    await problems.of_any(HTTPConnection(scope), HTTPException(413))(scope, receive, send_guarded)
                    replaced = True
                    return
                started = True
                self._dress(scope, headers, MutableHeaders(scope=message), strange)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=scope["hantar.request_id"]):
            if scope["type"] == "websocket":
                await self.app(scope, receive, send_guarded)
                return
            try:
                if scope["method"] not in SAFE and not has_key(headers) and not is_own_origin(headers, self.public_url):
                    raise ForeignOrigin
                await self.app(scope, _impatient(receive), send_guarded)
            except Exception as error:  # the outermost loop: whatever was not foreseen becomes a problem and a log line
                if started:
                    raise
                response = problems.of_any(HTTPConnection(scope), error)
                await response(scope, receive, send_guarded)

    def _dress(self, scope: Scope, asked: Headers, headers: MutableHeaders, strange: set[str]) -> None:
        headers["X-Request-Id"] = scope["hantar.request_id"]
        headers.setdefault("Content-Security-Policy", policy(asked.get("host", "")))  # a stored file brings its own, stricter one
        for name, value in HEADERS.items():
            headers[name] = value
        if scope["scheme"] in ("https", "wss") or self.public_url.startswith("https:"):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if scope["path"].startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")
        standing = scope.get("hantar.standing")
        if standing:
            headers["RateLimit-Limit"] = str(standing.limit)
            headers["RateLimit-Remaining"] = str(standing.remaining)
            headers["RateLimit-Reset"] = str(math.ceil(standing.reset_seconds))
        if "hantar.cookie" in scope:
            headers.append("Set-Cookie", scope["hantar.cookie"])
        if strange:
            headers["X-Ignored-Fields"] = ", ".join(sorted(filter(_OWN_ID.fullmatch, strange))[:50])


def _find_route(scope: Scope) -> None:
    """Addresses without `/api`, and PATCH, which does the same as PUT (api.md 1.1)."""
    path = scope["path"]
    if path in BARE_ALWAYS or scope.get("method") in BARE.get(path, ()):
        scope["path"] = f"/api{path}"
        scope["raw_path"] = scope["path"].encode()
    if scope.get("method") == "PATCH":
        scope["method"] = "PUT"
