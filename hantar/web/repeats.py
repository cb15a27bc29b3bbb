"""`Idempotency-Key`: a changing request that comes twice happens once; the first result is kept 24 hours and replayed.

The key is taken before the request runs and its result is written before the answer is sent. If the process dies between,
the key stays taken: we cannot know whether the request took effect, so it is never run again under the same key.
"""

import hashlib
import random
import re
from datetime import timedelta

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hantar.accounts.model import Caller
from hantar.kit import errors
from hantar.kit.db import Database
from hantar.web import problems, store
from hantar.web.store import Kept

log = structlog.get_logger(__name__)

LIFETIME = timedelta(hours=24)
LARGEST_KEPT = 1_000_000
"""Bytes of an answer that is kept; larger ones pass by and are not replayed (only reads are that large)."""
LARGEST_BODY = 110_000_000
"""Bytes read of a repeated request to compare it; more than any route takes."""
KEPT_HEADERS = ("content-type", "location", "etag")
NOTHING_HAPPENED = {401, 403, 408, 413, 429, 503}
"""Answers after which the same key may try again."""
SWEEP_ONE_IN = 500

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


class BadKey(errors.Invalid):
    """An Idempotency-Key has 1 to 255 plain characters."""

    code = "bad_request"


class InProgress(errors.Conflict):
    """A request with this Idempotency-Key is still running, or was cut off. Look whether it took effect."""

    code = "in_progress"


class Mismatch(errors.Invalid):
    """This Idempotency-Key was used for a different request."""

    code = "idempotency_mismatch"


class AlreadyDone(errors.Conflict):
    """This was done already, and its answer held a secret that is shown once only."""

    code = "already_done"


class TooLarge(errors.Invalid):
    """This is too large."""

    code = "too_large"


class _Digest:
    """A hash over method, address and body. The random boundary of a multipart body does not count."""

    def __init__(self, scope: Scope, headers: Headers) -> None:
        self._hash = hashlib.sha256(f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n")
        found = re.search(r'boundary="?([^";]+)', headers.get("content-type", ""))
        self._boundary = found[1].encode() if found else b""
        self._rest = b""
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if not self._boundary:
            self._hash.update(chunk)
            return
        text = (self._rest + chunk).replace(self._boundary, b"")
        cut = max(0, len(text) - len(self._boundary) + 1)
        self._hash.update(text[:cut])
        self._rest = text[cut:]

    def value(self) -> bytes:
        whole = self._hash.copy()
        whole.update(self._rest)
        return whole.digest()


class Repeats:
    """Runs a request under its key, or replays what the first one gave."""

    def __init__(self, app: ASGIApp, db: Database, caller: Caller) -> None:
        self._app, self._db, self._caller = app, db, caller
        self._name = f"key:{caller.key_id}" if caller.key_id else f"user:{caller.user_id}"

    async def run(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The whole way of one request with a key."""
        if not _KEY.fullmatch(key):
            raise BadKey
        headers = Headers(scope=scope)
        if await self._reserve(key):
            await self._first(key, _Digest(scope, headers), scope, receive, send)
            return
        async with self._db.transaction(self._caller.workspace_id) as tx:
            known = await store.kept(tx, self._caller.workspace_id, self._name, key)
        if known is None or known.status is None:
            raise InProgress
        await _compare(known, _Digest(scope, headers), receive)
        if known.body is None:
            raise AlreadyDone
        response = Response(known.body, known.status, {**(known.headers or {}), "Idempotency-Replayed": "true"})
        await response(scope, receive, send)

    async def _reserve(self, key: str) -> bool:
        async with self._db.transaction(self._caller.workspace_id) as tx:
            now = await tx.now()
            if random.randrange(SWEEP_ONE_IN) == 0:
                await store.forget_old(tx, self._caller.workspace_id, now - LIFETIME)
            return await store.reserve(tx, self._caller.workspace_id, self._name, key, now, now - LIFETIME)

    async def _first(self, key: str, digest: _Digest, scope: Scope, receive: Receive, send: Send) -> None:
        held = _Held(send)
        settled = False

        is_read = False

        async def receive_digested() -> Message:
            nonlocal is_read
            message = await receive()
            if message["type"] == "http.request":
                digest.add(message.get("body", b""))
            is_read = not message.get("more_body")
            return message

        try:
            try:
                await self._app(scope, receive_digested, held.send)
            except Exception as error:  # as in `edge`: what was not foreseen is an answer too, and is kept like one
                if held.is_passing:
                    raise
                held = _Held(send)
                await problems.of_any(HTTPConnection(scope), error)(scope, receive, held.send)
            # a route that takes no body left it unread, but it counts in the comparison
            while not is_read and held.status not in NOTHING_HAPPENED and digest.size <= LARGEST_BODY:
                await receive_digested()
            await self._settle(key, digest, held, is_secret=bool(scope.get("hantar.secret")))
            settled = True
        finally:
            if not settled:
                log.warning("repeats.left_open", caller=self._name)
        await held.release()

    async def _settle(self, key: str, digest: _Digest, held: "_Held", *, is_secret: bool) -> None:
        async with self._db.transaction(self._caller.workspace_id) as tx:
            if held.is_passing or held.status in NOTHING_HAPPENED:
                await store.forget(tx, self._caller.workspace_id, self._name, key)
                return
            body = None if is_secret and held.status < 300 else held.body
            result = Kept(digest.value(), held.status, held.kept_headers(), body)
            await store.keep(tx, self._caller.workspace_id, self._name, key, result)


class _Held:
    """An answer that waits until it is written down; one that is too large passes by."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self._size = 0
        self.is_passing = False

    async def send(self, message: Message) -> None:
        if self.is_passing:
            await self._send(message)
            return
        self._messages.append(message)
        self._size += len(message.get("body", b""))
        if self._size > LARGEST_KEPT:
            await self.release()
            self.is_passing = True

    async def release(self) -> None:
        """Send what waits."""
        messages, self._messages = self._messages, []
        for message in messages:
            await self._send(message)

    @property
    def status(self) -> int:
        return int(self._messages[0]["status"]) if self._messages else 500

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self._messages)

    def kept_headers(self) -> dict[str, str]:
        found = MutableHeaders(raw=self._messages[0]["headers"]) if self._messages else MutableHeaders()
        return {name: found[name] for name in KEPT_HEADERS if name in found}


async def _compare(known: Kept, digest: _Digest, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        digest.add(message.get("body", b""))
        if digest.size > LARGEST_BODY:
            raise TooLarge
        if not message.get("more_body"):
            break
    if digest.value() != known.request_hash:
        raise Mismatch
