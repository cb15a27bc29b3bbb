"""The gate of the API: who calls, how often, and whether this very request was here before."""

from limits import RateLimitItem
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from hantar.accounts import identity, model
from hantar.kit import quota
from hantar.kit.clock import Clock
from hantar.web import edge, repeats

PER_CALLER = quota.per_minutes(3_000, 1, "caller")
"""50 requests a second: a page takes ten at once and live pages a few a second, a program adding leads one by one gets
on; one caller alone cannot take all of a small server, which answers some hundred a second."""
PER_STRANGER = quota.per_minutes(300, 1, "stranger")
"""Requests of one address without a sign-in or with a dead one: enough for an office that signs in at nine."""
SMALL_BODY = 1_000_000
"""Bytes that are read from someone unknown; more is refused before it is read."""


class Gate:
    """Stands before every route under `/api`."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self.app = app
        self._quota = quota.Quota(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        connection, headers = HTTPConnection(scope), Headers(scope=scope)
        caller = await self._who(connection, headers)
        limit, name = _counter(connection, caller)
        scope["hantar.standing"] = self._quota.standing(limit, name)
        scope["hantar.standing"] = self._quota.take(limit, name)
        key = headers.get("idempotency-key")
        if key is not None and caller is not None and scope["method"] not in edge.SAFE:
            await repeats.Repeats(self.app, connection.app.state.db, caller).run(key, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _who(self, connection: HTTPConnection, headers: Headers) -> model.Caller | None:
        """The caller if the request says so; a stranger may go on to public routes, but not with a large body."""
        is_known = edge.has_key(headers) or identity.cookie_name(connection) in connection.cookies
        try:
            if is_known:
                return await identity.identify(connection)
        except model.Unauthenticated:
            pass
        size = headers.get("content-length", "0")
        if size.isdigit() and int(size) > SMALL_BODY:
            raise model.Unauthenticated
        return None


def _counter(connection: HTTPConnection, caller: model.Caller | None) -> tuple[RateLimitItem, str]:
    if caller is None:
        return PER_STRANGER, connection.client.host if connection.client else ""
    return PER_CALLER, caller.key_id or caller.user_id
