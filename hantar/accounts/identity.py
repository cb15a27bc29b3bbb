"""Who is calling: the sign-in cookie of a browser or the API key of a program, looked up once per request."""

from datetime import timedelta

from starlette.requests import HTTPConnection

from hantar.accounts import model, store, tokens
from hantar.kit import db

LIFETIME = timedelta(hours=24)
"""How long a sign-in lasts after its last use (api.md 1.3)."""
TOUCH_AFTER = timedelta(minutes=1)
"""Use is written down at most this often, so that reading a page costs no writes."""


def is_secure(connection: HTTPConnection) -> bool:
    """Whether people reach us by HTTPS, going by the public address or by the request."""
    public = str(connection.app.state.settings.public_url)
    return public.startswith("https:") or connection.url.scheme in ("https", "wss")


def cookie_name(connection: HTTPConnection) -> str:
    """The cookie's name; with the `__Host-` prefix no other host can set it (it needs HTTPS)."""
    return "__Host-hantar" if is_secure(connection) else "hantar"


def cookie(connection: HTTPConnection, token: str | None) -> str:
    """The `Set-Cookie` value that keeps a sign-in, or ends it (None)."""
    age = int(LIFETIME.total_seconds()) if token else 0
    secure = "; Secure" if is_secure(connection) else ""
    return f"{cookie_name(connection)}={token or ''}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def _presented_key(connection: HTTPConnection) -> str | None:
    kind, _, word = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return word.strip()
    return connection.headers.get("x-api-key")


async def identify(connection: HTTPConnection) -> model.Caller:
    """The caller; raises `Unauthenticated`. A key that comes along counts alone, even beside a cookie."""
    known: model.Caller | None = connection.scope.get("hantar.caller")
    if known is None:
        known = await look_up(connection)
        connection.scope["hantar.caller"] = known
    return known


async def look_up(connection: HTTPConnection) -> model.Caller:
    """The caller as of now, whatever was found before on this connection; raises `Unauthenticated`."""
    database: db.Database = connection.app.state.db
    key = _presented_key(connection)
    async with database.door() as tx:
        if key is not None:
            return await _by_key(tx, key)
        token = connection.cookies.get(cookie_name(connection))
        if not token:
            raise model.Unauthenticated
        return await _by_sign_in(tx, connection, token)


async def _by_key(tx: db.Tx, key: str) -> model.Caller:
    if not key.startswith(tokens.KEY_MARK):
        raise model.Unauthenticated
    now = await tx.now()
    caller, used_at = await store.caller_of_key(tx, tokens.digest(key), now)
    if caller is None:
        raise model.Unauthenticated
    if used_at is None or now - used_at >= TOUCH_AFTER:
        await store.touch_key(tx, caller, now)
    return caller


async def _by_sign_in(tx: db.Tx, connection: HTTPConnection, token: str) -> model.Caller:
    now = await tx.now()
    caller, used_at = await store.caller_of_sign_in(tx, tokens.digest(token), now)
    if caller is None or used_at is None:
        raise model.Unauthenticated
    if now - used_at >= TOUCH_AFTER:
        await store.touch_sign_in(tx, caller, now, now + LIFETIME)
        connection.scope["hantar.cookie"] = cookie(connection, token)
    return caller
