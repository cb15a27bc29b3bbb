"""The gate of the API: who calls, how often, and whether this very request was here before."""

import contextlib

from limits import RateLimitItem
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from hantar.accounts import identity, model, tokens
from hantar.kit import quota
from hantar.kit.clock import Clock
from hantar.web import edge, repeats

PER_CALLER = quota.per_minutes(3_000, 1, "caller")
"""50 requests a second: a page takes ten at once and live pages a few a second, a program adding leads one by one gets
on; one caller alone cannot take all of a small server, which answers some hundred a second."""
PER_STRANGER = quota.per_minutes(300, 1, "stranger")
"""Requests of one address without a sign-in or with a dead one: enough for an office that signs in at nine."""
FAILED = quota.per_minutes(1, 1, "failed look-up")
"""Full while the last look-up of an address, within a minute, found nobody."""
MOST_GOOD = 10_000
"""Cookies and keys remembered as good (by their hash)."""
SMALL_BODY = 1_000_000
"""Bytes that are read from someone unknown; more is refused before it is read."""


class Gate:
    """Stands before every route under `/api`."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self.app = app
        self._quota = quota.Quota(clock)
        self._good: dict[bytes, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        connection, headers = HTTPConnection(scope), Headers(scope=scope)
        caller = await self._who(connection, headers, scope)
        limit, name = _counter(connection, caller)
        scope["hantar.standing"] = self._quota.standing(limit, name)
        scope["hantar.standing"] = self._quota.take(limit, name)
        key = headers.get("idempotency-key")
        if key is not None and caller is not None and scope["method"] not in edge.SAFE:
            await repeats.Repeats(self.app, connection.app.state.db, caller).run(key, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _who(self, connection: HTTPConnection, headers: Headers, scope: Scope) -> model.Caller | None:
        """The caller if the request says so; a stranger may go on to public routes, but not with a large body."""
        word = _credential(connection, headers)
        if word is not None:
            self._refuse_guesser(connection, word, scope)
            try:
                caller = await identity.identify(connection)
            except model.Unauthenticated:
                self._note(connection, word, is_good=False)
            else:
                self._note(connection, word, is_good=True)
                return caller
        size = headers.get("content-length", "0")
        if size.isdigit() and int(size) > SMALL_BODY:
            raise model.Unauthenticated
        return None

    def _refuse_guesser(self, connection: HTTPConnection, word: bytes, scope: Scope) -> None:
        """Spare the database another guess from an address that is over the limit; who was let in lately is looked up."""
        host = _host(connection)
        standing = self._quota.standing(PER_STRANGER, host)
        if word not in self._good and not standing.remaining and not self._quota.standing(FAILED, host).remaining:
            scope["hantar.standing"] = standing
            raise quota.TooMany(retry_after=standing.reset_seconds)

    def _note(self, connection: HTTPConnection, word: bytes, *, is_good: bool) -> None:
        """Remember how the look-up of this cookie or key went."""
        self._good.pop(word, None)
        if is_good:
            self._good[word] = None
            self._quota.forget(FAILED, _host(connection))
            if len(self._good) > MOST_GOOD:
                del self._good[next(iter(self._good))]
        else:
            with contextlib.suppress(quota.TooMany):
                self._quota.take(FAILED, _host(connection))


def _credential(connection: HTTPConnection, headers: Headers) -> bytes | None:
    """A hash of what the request shows to prove who calls; None when it shows nothing."""
    cookie = connection.cookies.get(identity.cookie_name(connection))
    if not edge.has_key(headers) and cookie is None:
        return None
    return tokens.digest(repr((headers.get("authorization"), headers.get("x-api-key"), cookie)))


def _host(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


def _counter(connection: HTTPConnection, caller: model.Caller | None) -> tuple[RateLimitItem, str]:
    if caller is None:
        return PER_STRANGER, _host(connection)
    return PER_CALLER, caller.key_id or caller.user_id
