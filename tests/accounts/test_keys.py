"""API keys, roles and the workspace's settings."""

import hashlib

import pytest

from tests import cast


async def make(http, person, **more):
    return await http(person).post("/api/api-keys", json={"name": "shop", "scopes": ["leads:read"]} | more)


def bearer(key):
    return {"authorization": f"Bearer {key}"}


async def test_a_key_is_shown_once_and_stored_as_a_hash(http, alice, database):
    reply = await make(http, alice)
    assert reply.status_code == 201
    key = reply.json()["key"]
    assert key.startswith("hk_")
    assert key.startswith(reply.json()["prefix"])
    listed = (await http(alice).get("/api/api-keys")).json()
    assert "key" not in listed[0]
    async with database.door() as tx:
        assert await tx.fetchval("SELECT key_hash FROM api_keys") == hashlib.sha256(key.encode()).digest()


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_a_key_calls_until_it_is_revoked(http, alice, header):
    made = (await make(http, alice)).json()
    headers = {header: f"Bearer {made['key']}" if header == "authorization" else made["key"]}
    me = (await http(None).get("/api/me", headers=headers)).json()
    assert me["workspace"]["id"] == alice.workspace_id
    assert me["permissions"] == ["leads:read"]
    assert (await http(alice).get("/api/api-keys")).json()[0]["last_used_at"] == "2026-12-01T02:00:00Z"
    assert (await http(alice).delete(f"/api/api-keys/{made['id']}")).status_code == 204
    assert (await http(None).get("/api/me", headers=headers)).status_code == 401


async def test_an_expired_key_is_refused(http, alice, fake_clock):
    key = (await make(http, alice, expires_at="2026-12-01T03:00:00Z")).json()["key"]
    assert (await http(None).get("/api/me", headers=bearer(key))).status_code == 200
    await fake_clock.advance(3600)
    assert (await http(None).get("/api/me", headers=bearer(key))).status_code == 401


@pytest.mark.parametrize("key", ["hk_", "hk_unknown", "", "nonsense", "hk_" + "x" * 5000])
async def test_an_unknown_key_is_refused_even_beside_a_good_cookie(http, alice, key):
    assert (await http(alice).get("/api/me", headers=bearer(key))).status_code == 401


async def test_a_key_does_only_what_its_scopes_say(http, alice, database):
    reader = bearer(await cast.add_key(database, alice, "leads:read"))
    reply = await http(None).put("/api/settings", json={"name": "New"}, headers=reader)
    assert (reply.status_code, reply.json()["code"]) == (403, "scope_missing")
    writer = bearer(await cast.add_key(database, alice, "settings:write"))
    assert (await http(None).put("/api/settings", json={"name": "New"}, headers=writer)).status_code == 200


async def test_a_key_does_no_more_than_its_maker_may_do_today(http, bob, database):
    writer = bearer(await cast.add_key(database, bob, "settings:write"))
    assert (await http(None).put("/api/settings", json={"name": "New"}, headers=writer)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/api-keys"), ("GET", "/api/api-keys"), ("POST", "/api/me/password"), ("GET", "/api/me/sign-ins"),
     ("PUT", "/api/me"), ("POST", "/api/logout")],
)  # fmt: skip
async def test_a_key_cannot_act_for_a_person(http, alice, database, method, path):
    key = bearer(await cast.add_key(database, alice, "settings:write"))
    body = {"name": "x", "scopes": ["leads:read"], "current_password": "x", "new_password": "y"}
    assert (await http(None).request(method, path, json=body, headers=key)).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [({"scopes": []}, "scopes"), ({"scopes": ["admin"]}, "scopes"), ({"name": " "}, "name"),
     ({"expires_at": "2026-11-01T00:00:00Z"}, "expires_at"), ({"expires_at": "2027-01-01T00:00:00"}, "expires_at")],
)  # fmt: skip
async def test_a_wrong_key_order_is_a_field_error(http, alice, change, field):
    reply = await make(http, alice, **change)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, field)


async def test_roles_hold(http, alice, bob, vera, mallory):
    for person in (bob, vera):
        assert (await make(http, person)).status_code == 403
        assert (await http(person).get("/api/settings")).status_code == 403
        assert (await http(person).get("/api/members")).status_code == 403
    assert [m["full_name"] for m in (await http(alice).get("/api/members")).json()] == ["Alice", "Bob", "Vera"]
    assert [m["full_name"] for m in (await http(mallory).get("/api/members")).json()] == ["Mallory"]
    assert "leads:write" not in (await http(vera).get("/api/me")).json()["permissions"]


async def test_a_stranger_s_key_cannot_be_seen_or_revoked(http, alice, mallory):
    made = (await make(http, alice)).json()
    assert (await http(mallory).get("/api/api-keys")).json() == []
    assert (await http(mallory).delete(f"/api/api-keys/{made['id']}")).status_code == 404
    assert (await http(None).get("/api/me", headers=bearer(made["key"]))).status_code == 200


async def test_settings_keep_what_is_left_out(http, alice):
    client = http(alice)
    assert (await client.put("/api/settings", json={"time_zone": "Europe/Berlin"})).json() == {
        "name": "Alice's", "time_zone": "Europe/Berlin", "default_country": "MY",
    }  # fmt: skip
    assert (await client.put("/api/settings", json={"default_country": None})).json()["default_country"] is None
    assert (await client.put("/api/settings", json={"default_country": "XX"})).status_code == 422
    assert (await client.put("/api/settings", json={"time_zone": "../etc/passwd"})).status_code == 422
    assert (await client.put("/api/settings", json={"name": " "})).status_code == 422
