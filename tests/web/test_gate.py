"""Limits and repeated requests."""

import asyncio

import pytest
from fastapi import APIRouter, FastAPI, Response, UploadFile

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.kit import errors, inputs
from hantar.web import gate
from tests import cast

router = APIRouter()
done: list[str] = []
started, go_on = asyncio.Event(), asyncio.Event()


class ThingIn(inputs.In):
    name: str


@router.post("/things", status_code=202)
async def post_thing(body: ThingIn, response: Response, at: access.At = access.need(Role.VIEWER, None)) -> dict[str, int]:
    done.append(body.name)
    response.headers["Location"] = "/api/things/1"
    if body.name == "wait":
        started.set()
        await go_on.wait()
    if body.name == "away":
        raise errors.Unavailable
    if body.name == "boom":
        raise RuntimeError
    if body.name == "clash":
        raise errors.Conflict
    return {"count": len(done)}


@router.post("/file", max_body_size=5_000_000)
async def post_file(file: UploadFile, at: access.At = access.need(Role.VIEWER, None)) -> int:
    done.append("file")
    return len(await file.read())


@router.post("/ping", status_code=204)
async def post_ping(at: access.At = access.need(Role.VIEWER, None)) -> None:
    done.append("ping")


@pytest.fixture
def app(database, fake_clock, bus) -> FastAPI:
    done.clear()
    started.clear()
    go_on.clear()
    return cast.make_app(database, fake_clock, bus, routers=[router])


def again(key="k1"):
    return {"idempotency-key": key}


async def test_the_first_result_is_replayed(http, alice):
    client = http(alice)
    first = await client.post("/api/things", json={"name": "a"}, headers=again())
    second = await client.post("/api/things", json={"name": "a"}, headers=again())
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (202, {"count": 1})
    assert second.headers["location"] == "/api/things/1"
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert done == ["a"]


async def test_a_key_is_free_again_after_a_day(http, database, alice, fake_clock):
    key = {"authorization": f"Bearer {await cast.add_key(database, alice)}"}
    await http(None).post("/api/things", json={"name": "a"}, headers=again() | key)
    await fake_clock.advance(24 * 3600)
    await http(None).post("/api/things", json={"name": "b"}, headers=again() | key)
    assert done == ["a", "b"]


async def test_another_body_under_the_same_key_is_refused(http, alice):
    await http(alice).post("/api/things", json={"name": "a"}, headers=again())
    reply = await http(alice).post("/api/things", json={"name": "b"}, headers=again())
    assert (reply.status_code, reply.json()["code"]) == (422, "idempotency_mismatch")
    assert done == ["a"]


async def test_a_request_that_still_runs_is_not_run_twice(http, alice):
    first = asyncio.create_task(http(alice).post("/api/things", json={"name": "wait"}, headers=again()))
    await started.wait()
    reply = await http(alice).post("/api/things", json={"name": "wait"}, headers=again())
    assert (reply.status_code, reply.json()["code"]) == (409, "in_progress")
    go_on.set()
    assert (await first).status_code == 202
    assert done == ["wait"]


@pytest.mark.parametrize(("name", "status", "runs"), [("clash", 409, 1), ("boom", 500, 1), ("away", 503, 2), ("", 422, 0)])
async def test_refusals_are_replayed_unless_nothing_can_have_happened(http, alice, name, status, runs):
    body = {"name": name} if name else {}
    for _ in range(2):
        reply = await http(alice).post("/api/things", json=body, headers=again())
        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["x-request-id"]
    assert len(done) == runs


async def test_keys_of_different_callers_do_not_meet(http, alice, bob, mallory):
    for person in (alice, bob, mallory):
        await http(person).post("/api/things", json={"name": "a"}, headers=again())
    assert len(done) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "\x07"])
async def test_a_key_that_is_none_is_refused(http, alice, key):
    reply = await http(alice).post("/api/things", json={"name": "a"}, headers=again(key))
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")


async def test_a_body_that_nobody_reads_counts_too(http, alice):
    for body, status in (("{}", 204), ("{}", 204), ("{ }", 422)):
        reply = await http(alice).post("/api/ping", content=body, headers=again())
        assert reply.status_code == status


async def test_the_boundary_of_a_form_does_not_count(http, alice):
    for boundary in ("aaaa", "bbbbbbbb"):
        head = {"content-type": f"multipart/form-data; boundary={boundary}"}
        body = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nhello\r\n--{boundary}--\r\n'
        reply = await http(alice).post("/api/file", content=body, headers=again() | head)
        assert (reply.status_code, reply.json()) == (200, 5)
    assert done == ["file"]


async def test_an_answer_with_a_secret_is_not_kept(http, alice, database):
    body = {"name": "x", "scopes": ["leads:read"]}
    assert (await http(alice).post("/api/api-keys", json=body, headers=again())).status_code == 201
    reply = await http(alice).post("/api/api-keys", json=body, headers=again())
    assert (reply.status_code, reply.json()["code"]) == (409, "already_done")
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT body FROM idempotency_keys") is None


async def test_every_answer_of_the_api_says_how_the_limit_stands(http, alice, fake_clock):
    first = (await http(alice).get("/api/me")).headers
    second = (await http(alice).get("/api/me")).headers
    assert int(first["ratelimit-remaining"]) == int(second["ratelimit-remaining"]) + 1 == gate.PER_CALLER.amount - 1
    assert first["ratelimit-limit"] == str(gate.PER_CALLER.amount)
    assert first["ratelimit-reset"] == "60"


async def test_a_stranger_in_a_hurry_is_slowed(http, fake_clock):
    for _ in range(gate.PER_STRANGER.amount):
        await http(None).get("/api/nothing")
    reply = await http(None).get("/api/nothing")
    assert (reply.status_code, reply.json()["code"], reply.headers["retry-after"]) == (429, "rate_limited", "60")
    assert reply.headers["ratelimit-remaining"] == "0"
    await fake_clock.advance(60)
    assert (await http(None).get("/api/nothing")).status_code == 404


async def test_an_address_that_guesses_keys_costs_no_look_ups_over_the_limit(http, alice, bob, database, fake_clock, monkeypatch):
    opened = []
    door = database.door

    def counted():
        opened.append(1)
        return door()

    monkeypatch.setattr(database, "door", counted)
    known, stranger = http(alice), http(None)
    assert (await known.get("/api/me")).status_code == 200
    for number in range(gate.PER_STRANGER.amount):
        await stranger.get("/api/me", headers={"x-api-key": f"hk_{number}"})
    opened.clear()
    reply = await stranger.get("/api/me", headers={"x-api-key": "hk_one_more"})
    assert (reply.status_code, reply.headers["ratelimit-remaining"], opened) == (429, "0", [])
    assert (await known.get("/api/me")).status_code == 200, "who was let in from there stays in"
    assert (await http(bob).get("/api/me")).status_code == 200, "the last look-up there was good"
    await stranger.get("/api/me", headers={"x-api-key": "hk_another"})
    await fake_clock.advance(60)
    assert (await stranger.get("/api/me", headers={"x-api-key": "hk_later"})).status_code == 401


async def test_a_stranger_s_large_body_is_not_read(http, alice):
    files = {"file": b"x" * 2_000_000}
    assert (await http(None).post("/api/file", files=files)).status_code == 401
    assert (await http(alice).post("/api/file", files=files)).json() == 2_000_000
    too_large = await http(alice).post("/api/file", files={"file": b"x" * 5_000_001})
    assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")
