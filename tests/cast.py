"""The fixed cast, as fixtures every test may ask for (loaded by conftest.py):

* `alice` owns the workspace, `bob` is her operator, `vera` her viewer; `mallory` owns another workspace. Each is a
  `Caller`; their rows are in the test's `database`.
* `http(caller)` gives an `httpx.AsyncClient` that calls the application as that person, signed in by a real cookie
  (`http(None)`: nobody). It talks to the fixture `app`; a test module chooses its own routers and parts by overriding it:

      @pytest.fixture
      def app(database, fake_clock, bus):
          return cast.make_app(database, fake_clock, bus, routers=[leads_http.router], parts={Leads: service})

      async def test_a_lead_is_made(http, alice):
          reply = await http(alice).post("/api/leads", json={...})

* `await cast.add_key(database, alice, "leads:read")` makes an API key; send it as `Authorization: Bearer …`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from hantar.accounts import model, tokens
from hantar.kit import clock, cluster, db
from hantar.kit.ids import new_id
from hantar.settings import Settings
from hantar.web import asgi

PASSWORD = "correct horse battery staple"
ADDRESS = "http://hantar.test"
_BUILT: dict[tuple[int, ...], tuple[list[Any], int, list[Any]]] = {}
"""By the ids of their routes: the routes (kept, so that no id is used again), their version, and what FastAPI built of them."""

Http = Callable[[model.Caller | None], httpx.AsyncClient]


def make_app(
    database: db.Database,
    fake_clock: clock.FakeClock,
    bus: cluster.LocalBus,
    *,
    routers: Sequence[APIRouter] = (),
    parts: Mapping[type, object] | None = None,
    settings: Settings | None = None,
    static: Path | None = None,
) -> FastAPI:
    """The application with some routers and parts."""
    app = asgi.create(
        db=database,
        clock=fake_clock,
        bus=bus,
        settings=settings or Settings(),
        parts=parts or {},
        routers=routers,
        static=static,
    )
    _share_routes(app)
    return app


def _share_routes(app: FastAPI) -> None:
    """Build what FastAPI makes of the same routes once for all applications: it is read only, and dear at a thousand of them."""
    for each in app.router.routes:
        if not hasattr(each, "_effective_candidates"):
            continue
        routes, version = list(each.original_router.routes), each.original_router._get_routes_version()
        key = tuple(map(id, routes))
        if key not in _BUILT:
            _BUILT[key] = (routes, version, each.effective_candidates())
        _, each._effective_candidates_version, each._effective_candidates = _BUILT[key]


def token_of(caller: model.Caller) -> str:
    """The token in the caller's cookie."""
    return f"token-of-{caller.user_id}"


async def add_workspace(database: db.Database, name: str) -> model.WorkspaceId:
    """A workspace without anyone in it."""
    made = model.WorkspaceId(new_id())
    async with database.door() as tx:
        await tx.execute(
            "INSERT INTO workspaces (id, name, time_zone, default_country, created_at) VALUES ($1, $2, $3, 'MY', $4)",
            made,
            name,
            "Asia/Kuala_Lumpur",
            await tx.now(),
        )
    return made


async def add_person(
    database: db.Database,
    workspace_id: model.WorkspaceId,
    name: str,
    role: model.Role,
    *,
    is_admin: bool = False,
) -> model.Caller:
    """A person with a role in a workspace, signed in."""
    user_id, sign_in_id = model.UserId(new_id()), new_id()
    caller = model.Caller(user_id, workspace_id, role, is_admin, "Asia/Kuala_Lumpur", sign_in_id=sign_in_id)
    async with database.door() as tx:
        now = await tx.now()
        await tx.execute(
            """INSERT INTO users (id, email, full_name, password_hash, is_admin, time_zone, password_changed_at, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $7)""",
            user_id,
            f"{name.lower()}@example.com",
            name,
            "nobody knows",
            is_admin,
            caller.time_zone,
            now,
        )
        await tx.execute("INSERT INTO members VALUES ($1, $2, $3, $4)", workspace_id, user_id, role, now)
        await tx.execute(
            """INSERT INTO sign_ins (workspace_id, id, user_id, token_hash, created_at, last_used_at, expires_at)
            VALUES ($1, $2, $3, $4, $5::timestamptz, $5, $5 + interval '24 hours')""",
            workspace_id,
            sign_in_id,
            user_id,
            tokens.digest(token_of(caller)),
            now,
        )
    return caller


async def add_key(database: db.Database, caller: model.Caller, *scopes: str) -> str:
    """An API key of the caller's workspace; returns the key itself."""
    key = tokens.new_key()
    async with database.door() as tx:
        await tx.execute(
            """INSERT INTO api_keys (workspace_id, id, name, prefix, key_hash, scopes, created_by, created_at)
            VALUES ($1, $2, 'test', $3, $4, $5, $6, $7)""",
            caller.workspace_id,
            new_id(),
            key[:8],
            tokens.digest(key),
            list(scopes),
            caller.user_id,
            await tx.now(),
        )
    return key


@pytest.fixture
async def alice(database: db.Database) -> model.Caller:
    """Owns the workspace."""
    return await add_person(database, await add_workspace(database, "Alice's"), "Alice", model.Role.OWNER)


@pytest.fixture
async def bob(database: db.Database, alice: model.Caller) -> model.Caller:
    """Alice's operator."""
    return await add_person(database, alice.workspace_id, "Bob", model.Role.OPERATOR)


@pytest.fixture
async def vera(database: db.Database, alice: model.Caller) -> model.Caller:
    """Looks on in Alice's workspace."""
    return await add_person(database, alice.workspace_id, "Vera", model.Role.VIEWER)


@pytest.fixture
async def mallory(database: db.Database) -> model.Caller:
    """Owns another workspace and would like to see Alice's."""
    return await add_person(database, await add_workspace(database, "Mallory's"), "Mallory", model.Role.OWNER)


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    """The application without any feature; override it in your test module."""
    return make_app(database, fake_clock, bus)


def client(app: FastAPI, caller: model.Caller | None) -> httpx.AsyncClient:
    """A client of the application as someone; the caller closes it."""
    cookies = {"hantar": token_of(caller)} if caller else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS, cookies=cookies)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[Http]:
    """`http(alice)`: a client that calls as Alice."""
    opened: list[httpx.AsyncClient] = []

    def as_someone(caller: model.Caller | None) -> httpx.AsyncClient:
        opened.append(client(app, caller))
        return opened[-1]

    yield as_someone
    for each in opened:
        await each.aclose()
