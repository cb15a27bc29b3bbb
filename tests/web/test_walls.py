"""Nobody reads, changes or counts what belongs to another workspace (I-07, F-32): a matrix over every route there is.

The routes come from the application itself. A route with an id in its path is tried with Alice's ids by Mallory; an id of
a kind that `Things` does not know, or a body that a route refuses, makes this test fail until a row is added here.
"""

import json
import re
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from hantar import app as house
from hantar.accounts import access, model
from hantar.accounts.model import Role
from hantar.kit.ids import new_id
from hantar.settings import Settings
from hantar.web import asgi, openapi
from tests import cast

CANARY = "Kanarienvogel"
PHONE = "60199887766"

KINDS = {
    "devices": "device",
    "device": "device",
    "leads": "lead",
    "imports": "import",
    "campaigns": "campaign",
    "media": "media",
    "messages": "message",
    "plans": "plan",
    "jobs": "job",
    "api-keys": "key",
    "sign-ins": "sign_in",
    "opt-outs": "opt_out",
    "holds": "hold",
    "persons": "person",
}
"""What the word before an id names."""

BODIES: dict[str, object] = {
    "PUT /api/devices/{device_id}": {"name": "x"},
    "POST /api/devices/{device_id}/pair-code": {"phone": "60123456789"},
    "POST /api/devices/{device_id}/check-number": {"phone": "60123456789"},
    "PUT /api/devices/{device_id}/credentials": {"number_id": "1234567890", "token": "a-token-of-somebody"},
    "POST /api/devices/{device_id}/simulate": {"action": "scan"},
    "POST /api/campaigns/{campaign_id}/test-send": {"phone": "60123456789", "device_id": new_id()},
    "POST /api/persons/{person_id}/merge": {"other_id": new_id()},
    "DELETE /api/persons/{person_id}": {"reason": "They asked for it."},
    "POST /api/messages/{message_id}/resolve": {"outcome": "arrived", "reason": "x"},
    "POST /api/imports/{import_id}/consent": {"wording": "x", "declared": True},
    "DELETE /api/opt-outs/{opt_out_id}": {"reason": "They asked.", "evidence": "A letter."},
    "POST /api/holds/{hold_id}/release": {"reason": "They asked."},
}
"""Bodies of routes that need one to get as far as the wall; others get `{}`."""
FILES = {"POST /api/devices/{device_id}/leads/import": {"file": ("a.csv", b"name,phone\nA,60123456789\n")}}


@dataclass(frozen=True)
class Things:
    """Ids of Alice's things by kind."""

    ids: dict[str, str]

    def address(self, path: str) -> str:
        """A route's path with Alice's ids in it."""

        def fill(found: re.Match[str]) -> str:
            kind = KINDS.get(found[1])
            assert kind in self.ids, f"{path}: which of Alice's things does the id after {found[1]!r} name? Add it to KINDS"
            return f"{found[1]}/{self.ids[kind]}"

        return re.sub(r"([\w-]+)/\{\w+\}", fill, path)


INSERTS = {
    "person": "INSERT INTO persons (workspace_id, id, phone, created_at) VALUES ($1, $2, '{phone}', now())",
    "device": """INSERT INTO devices (workspace_id, id, name, driver, state_since, created_at, updated_at)
      VALUES ($1, $2, '{canary}', 'simulator', now(), now(), now())""",
    "lead": """INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, created_at, updated_at)
      VALUES ($1, $2, '{person}', '{device}', '{canary}', '{phone}', '{{{canary}}}', '{{{canary}}}', now(), now())""",
    "job": "INSERT INTO jobs (workspace_id, id, kind, created_at) VALUES ($1, $2, '{canary}', now())",
    "import": """INSERT INTO imports (workspace_id, id, device_id, file_name, is_dry_run, created_at)
      VALUES ($1, $2, '{device}', '{canary}.csv', false, now())""",
    "media": """INSERT INTO media (workspace_id, id, mime, name, size, original_size, sha256, bytes, created_at)
      VALUES ($1, $2, 'image/png', '{canary}', 1, 1, 'x', 'x', now())""",
    "content": """INSERT INTO contents (workspace_id, id, kind, text, created_at)
      VALUES ($1, $2, 'text', '{canary}', now())""",
    "campaign": """INSERT INTO campaigns (workspace_id, id, title, niche, target_status, content_id, time_zone, due_at,
        min_delay_seconds, max_delay_seconds, status, created_at, updated_at)
      VALUES ($1, $2, '{canary}', 'all', 'all', '{content}', 'UTC', now(), 10, 30, 'finished', now(), now())""",
    "message": """INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id, name, phone,
        state, priority, not_before, expires_at, text, created_at)
      VALUES ($1, $2, 'campaign', '{campaign}', '{person}', '{lead}', '{device}', '{content}', '{canary}', '{phone}',
        'planned', 0, now(), now() + interval '1 day', '{canary}', now())""",
    "consent": """INSERT INTO consents (workspace_id, id, person_id, purpose, wording, source, import_id, given_at, created_at)
      VALUES ($1, $2, '{person}', 'marketing', '{canary}', 'import', '{import}', now(), now())""",
    "opt_out": """INSERT INTO suppressions (workspace_id, id, person_id, reason, source, text, at)
      VALUES ($1, $2, '{person}', 'manual', 'api', '{canary}', now())""",
    "inbound": """INSERT INTO inbound_messages
        (workspace_id, id, device_id, person_id, wire_id, at, received_at, text, push_name, meaning)
      VALUES ($1, $2, '{device}', '{person}', '{canary}', now(), now(), '{canary}', '{canary}', 'intent')""",
    "hold": """INSERT INTO holds (workspace_id, id, person_id, kind, inbound_id, device_id, at)
      VALUES ($1, $2, '{person}', 'intent', '{inbound}', '{device}', now())""",
}


@pytest.fixture
async def things(database, alice, mallory, http) -> Things:
    ids = {"sign_in": alice.sign_in_id or ""}
    async with database.transaction(alice.workspace_id) as tx:
        for kind, sql in INSERTS.items():
            ids[kind] = new_id()
            await tx.execute(sql.format(**ids, canary=CANARY, phone=PHONE), alice.workspace_id, ids[kind])
    await cast.add_key(database, alice, *model.SCOPES)
    async with database.door() as tx:
        ids["key"] = await tx.fetchval("SELECT id FROM api_keys")
        # the real clock runs here, the cast signed in by the fake one
        await tx.execute("UPDATE sign_ins SET last_used_at = now(), expires_at = now() + interval '1 hour'")
    body = {"title": CANARY, "niche": "all", "target_status": "all", "message": CANARY}
    ids["plan"] = (await http(alice).post("/api/campaigns/plan", json=body)).json()["plan_id"]
    return Things(ids)


@pytest.fixture
async def app(dsn, tmp_path) -> FastAPI:
    """The real application, none of its services running."""
    built = house.build(Settings(data_dir=tmp_path), dsn, bytes(32))
    yield built.web
    await built.db.close()


def routes(app: FastAPI) -> list[tuple[str, str, APIRoute]]:
    found = [(method, f"/api{r.path}", r) for r in app.state.routes for method in sorted(r.methods - {"HEAD"})]
    return found


def request_of(method: str, path: str) -> dict[str, object]:
    name = f"{method} {path}"
    if name in FILES:
        return {"files": FILES[name]}
    if name in BODIES:
        return {"json": BODIES[name]}
    return {} if method in ("GET", "DELETE") else {"json": {}}


async def test_every_route_names_its_permission_or_is_on_the_public_list(app):
    public = {(method, path) for method, path, route in routes(app) if asgi.need_of(route) is None}
    assert public == asgi.PUBLIC
    assert len(routes(app)) > 50


async def test_a_route_without_permission_is_seen(database, fake_clock, bus):
    router = APIRouter()

    @router.get("/open")
    async def open_to_all() -> None: ...

    @router.get("/closed")
    async def closed(at: access.At = access.need(Role.VIEWER, None)) -> None: ...

    app = cast.make_app(database, fake_clock, bus, routers=[router])
    needs = {route.path: asgi.need_of(route) for route in app.state.routes}
    assert needs["/open"] is None
    assert needs["/closed"] == (Role.VIEWER, None, False)


async def test_every_route_wants_to_know_who_calls(app, http, things, database, alice):
    revoked = await cast.add_key(database, alice, *model.SCOPES)
    async with database.door() as tx:
        await tx.execute("UPDATE api_keys SET revoked_at = now() WHERE id <> $1", things.ids["key"])
    wrong = []
    for method, path, _ in routes(app):
        if (method, path) in asgi.PUBLIC:
            continue
        for headers in ({}, {"authorization": f"Bearer {revoked}"}):
            reply = await http(None).request(method, things.address(path), headers=headers, **request_of(method, path))
            # a body may be refused before anyone looks who sent it; nothing is read or done then
            if reply.status_code not in (401, 422):
                wrong.append((method, path, reply.status_code))
            if reply.status_code == 422 and method == "GET" and "required" not in reply.text:
                wrong.append((method, path, reply.text))
    assert wrong == []


async def holes(app: FastAPI, client: httpx.AsyncClient, things: Things) -> list[tuple[str, str, int, str]]:
    """Routes by which this client gets at things that it must not find, or sees words of them."""
    found = []
    for method, path, _ in routes(app):
        if "{" in path and not path.startswith("/api/analytics"):
            reply = await client.request(method, things.address(path), **request_of(method, path))
            if reply.status_code != 404 or CANARY in reply.text or PHONE in reply.text:
                found.append((method, path, reply.status_code, reply.text[:200]))
    return found


async def test_nothing_of_another_workspace_can_be_reached_by_its_id(app, http, things, mallory, database):
    before = await fingerprint(database)
    assert await holes(app, http(mallory), things) == []
    assert await fingerprint(database) == before


async def test_a_route_that_leaks_is_seen(http, things, mallory, database, fake_clock, bus):
    router = APIRouter()

    @router.get("/leads/{id}")
    async def leak(id: str, at: access.At = access.need(Role.VIEWER, None)) -> str:
        async with at.db.system() as tx:
            return await tx.fetchval("SELECT name FROM leads WHERE id = $1", id)

    @router.delete("/leads/{id}")
    async def forbid(id: str, at: access.At = access.need(Role.VIEWER, None)) -> None:
        raise model.NotAllowed

    leaky = cast.make_app(database, fake_clock, bus, routers=[router])
    async with cast.client(leaky, mallory) as client:
        found = await holes(leaky, client, things)
    assert [(method, path) for method, path, *_ in found if path == "/api/leads/{id}"] == [
        ("GET", "/api/leads/{id}"),
        ("DELETE", "/api/leads/{id}"),
    ]


async def test_a_missing_id_is_not_found_either(app, http, things, alice):
    assert await holes(app, http(alice), Things(dict.fromkeys(things.ids, new_id()))) == []


async def test_lists_counts_and_exports_hold_nothing_of_another_workspace(app, http, things, mallory, alice):
    seen = 0
    for method, path, _ in routes(app):
        if method == "GET" and "{" not in path:
            query = {"with_total": "true", "q": CANARY, "device_id": things.ids["device"]}
            for params in ({}, {"with_total": "true"}, query):
                reply = await http(mallory).get(path, params=params)
                assert CANARY not in reply.text, path
                assert PHONE not in reply.text, path
                assert reply.status_code < 500, path
            body = (await http(alice).get(path)).text
            seen += CANARY in body or PHONE in body
    assert seen >= 4, "Alice must see her own things, or this test proves nothing"


async def test_alice_reaches_her_own_things(app, http, things, alice):
    """Without this the matrix above could be green because everything is 404."""
    wrong = []
    for method, path, _ in routes(app):
        if method == "GET" and "{" in path and not path.endswith("/qr") and not path.startswith("/api/analytics"):
            reply = await http(alice).get(things.address(path))
            if reply.status_code not in (200, 409):
                wrong.append((path, reply.status_code, reply.text[:200]))
    assert wrong == []


FOREIGN_REFERENCES = [
    ("POST", "/api/leads", lambda ids: {"name": "M", "phone": "60123456780", "device_id": ids["device"]}),
    ("POST", "/api/leads/bulk", lambda ids: {"action": "delete", "ids": [ids["lead"]]}),
    ("POST", "/api/leads/bulk", lambda ids: {"action": "update", "ids": [ids["lead"]], "set": {"niche": "X"}}),
    (
        "POST",
        "/api/send/message",
        lambda ids: {"device_id": ids["device"], "phone": "60123456780", "message": "x"},
    ),
    (
        "POST",
        "/api/send/image",
        lambda ids: {"device_id": ids["device"], "phone": "60123456780", "media_id": ids["media"]},
    ),
    (
        "POST",
        "/api/send/file",
        lambda ids: {"device_id": ids["device"], "phone": "60123456780", "media_id": ids["media"]},
    ),
    (
        "POST",
        "/api/campaigns",
        lambda ids: {
            "title": "x",
            "niche": "all",
            "target_status": "all",
            "message": "x",
            "media_id": ids["media"],
        },
    ),
    (
        "POST",
        "/api/campaigns",
        lambda ids: {
            "title": "x",
            "niche": "all",
            "target_status": "all",
            "message": "x",
            "device_ids": [ids["device"]],
        },
    ),
    (
        "POST",
        "/api/consents",
        lambda ids: {"phone": PHONE, "wording": "x", "proof_media_id": ids["media"]},
    ),
    ("POST", "/api/consents", lambda ids: {"person_id": ids["person"], "wording": "x"}),
    ("GET", "/api/consents/export", lambda ids: {"person_id": ids["person"]}),
    ("POST", "/api/opt-outs", lambda ids: {"person_id": ids["person"]}),
    ("GET", "/api/app/qr", lambda ids: {"device_id": ids["device"]}),
]
"""Requests that name another workspace's things in their body."""


@pytest.mark.parametrize(("method", "path", "body"), FOREIGN_REFERENCES)
async def test_another_workspace_s_things_cannot_be_named_in_a_body(http, things, mallory, database, method, path, body):
    before = await fingerprint(database)
    given = body(things.ids)
    key = "params" if method == "GET" else "json"
    reply = await http(mallory).request(method, path, **{key: given})
    assert reply.status_code in (404, 422) or (path.endswith("bulk") and reply.json()["changed"] == 0), reply.text
    assert CANARY not in reply.text
    assert await fingerprint(database) == before


async def fingerprint(database) -> str:
    """Everything that is in the tables of features, as text."""
    texts = []
    for table in ("devices", "leads", "persons", "messages", "campaigns", "media", "jobs", "imports", "plans", "contents"):
        async with database.system() as tx:
            if not await tx.fetchval("SELECT has_table_privilege($1, 'SELECT')", table):
                continue
            rows = await tx.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table} t ORDER BY 1")
            texts.append(json.dumps([table, [row["row"] for row in rows]]))
    return "\n".join(texts)


async def test_the_openapi_file_has_words_for_every_operation(app):
    document = openapi.document(app)
    tags = {tag["name"] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("tags"), f"{method} {path} has no tag"
            assert set(operation["tags"]) <= tags, f"{method} {path} has a tag without words in openapi.TAGS"
            assert operation.get("summary"), f"{method} {path} has no summary"
    names = set(document["components"]["schemas"])
    assert not [name for name in names if "__" in name or name.startswith("Body_") or name.endswith("Out")]
    text = json.dumps(document)
    for reference in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert reference in names, reference
