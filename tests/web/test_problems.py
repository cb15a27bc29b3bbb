"""Errors become problems (api.md 1.4), with the same headers as everything else."""

import asyncio

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import Field

from hantar.accounts import access, model
from hantar.kit import db, errors, inputs
from hantar.web import edge
from tests import cast


class Gone(errors.Conflict):
    """This link has been used."""

    code = "gone"


class StepIn(inputs.In):
    next_trigger: str


class BodyIn(inputs.In):
    full_name: str
    steps: list[StepIn] = Field(default_factory=list)


router = APIRouter()


@router.get("/boom")
async def boom() -> None:
    raise RuntimeError("secret words")


@router.get("/raise/{kind}")
async def raise_kind(kind: str) -> None:
    raise {
        "missing": errors.NotFound(),
        "limit": errors.LimitReached(retry_after=7.2),
        "away": db.DatabaseAway(),
        "overflow": OverflowError("date value out of range"),
        "clash": errors.Conflict("Taken.", existing_id="42"),
        "gone": Gone(),
        "fields": errors.invalid_field("phone", "invalid_phone", "Give the number with its country code."),
    }[kind]


@router.post("/body")
async def body(body: BodyIn) -> BodyIn:
    return body


@router.get("/things/{id}")
async def thing(id: str, at: access.At = access.need(model.Role.VIEWER, None)) -> None:
    async with at.tx() as tx:
        await tx.fetchrow("SELECT 1 FROM devices WHERE id = $1", id)
    raise errors.NotFound


@pytest.fixture
def app(database, fake_clock, bus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[router])


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("missing", 404, "not_found"),
        ("limit", 429, "rate_limited"),
        ("away", 503, "unavailable"),
        ("clash", 409, "conflict"),
        ("gone", 410, "gone"),
        ("fields", 422, "validation"),
        ("overflow", 422, "validation"),
    ],
)
async def test_each_kind_of_error_has_its_status(http, kind, status, code):
    reply = await http(None).get(f"/api/raise/{kind}")
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert reply.json()["type"] == f"/problems/{code}"
    assert ("retry-after" in reply.headers) == (status in (429, 503))


async def test_details_and_fields_are_in_the_body(http):
    assert (await http(None).get("/api/raise/clash")).json()["existing_id"] == "42"
    problem = (await http(None).get("/api/raise/fields")).json()
    assert problem["detail"] == "1 field needs attention."
    assert problem["errors"] == [{"field": "phone", "code": "invalid_phone", "message": "Give the number with its country code."}]


async def test_an_unknown_error_tells_nothing_but_its_id(http):
    reply = await http(None).get("/api/boom")
    assert reply.status_code == 500
    assert "secret words" not in reply.text
    assert "Traceback" not in reply.text
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert "content-security-policy" in reply.headers


async def test_wrong_fields_are_named_by_their_path(http):
    reply = await http(None).post("/api/body", json={"steps": [{"next_trigger": "a"}, {}]})
    assert reply.status_code == 422
    assert {(e["field"], e["code"]) for e in reply.json()["errors"]} == {
        ("full_name", "required"),
        ("steps[1].next_trigger", "required"),
    }
    assert "input" not in reply.text


@pytest.mark.parametrize("content", ["{", "[" * 100_000, b"\xff\xfe", "1" * 5000])
async def test_unreadable_json_is_a_bad_request(http, content):
    reply = await http(None).post("/api/body", content=content, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")


async def test_a_body_that_is_not_json_is_refused(http):
    reply = await http(None).post("/api/body", content="full_name=x")
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_type")


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
async def test_impossible_characters_are_a_field_error(http, name):
    reply = await http(None).post(
        "/api/body", content=f'{{"full_name": "{name.encode("unicode_escape").decode()}"}}'.replace("\\x00", "\\u0000"),
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert reply.status_code == 422


async def test_unknown_fields_are_ignored_and_named_and_old_names_understood(http):
    reply = await http(None).post(
        "/api/body", json={"fullname": "A", "colour": "red", "steps": [{"next_trigger": "x", "day": 1}]}
    )
    assert reply.status_code == 200
    assert reply.json()["full_name"] == "A"
    assert reply.headers["x-ignored-fields"] == "colour, day"


async def test_a_body_too_large_is_refused(http, alice):
    reply = await http(alice).post("/api/body", json={"full_name": "x" * 1_000_001})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
    assert "content-security-policy" in reply.headers


async def test_unknown_addresses_and_methods_are_problems(http):
    assert (await http(None).get("/api/nothing")).json()["code"] == "not_found"
    reply = await http(None).delete("/api/body")
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("id", ["1", "not-an-id", "' OR 1=1", "%00", "x" * 5000])
async def test_a_malformed_id_names_nothing(http, alice, id):
    assert (await http(alice).get(f"/api/things/{id}")).status_code == 404


async def test_a_body_that_stops_arriving_is_given_up(app, monkeypatch):
    monkeypatch.setattr(edge, "BODY_PATIENCE_SECONDS", 0.05)

    async def slow():
        yield b'{"full_name": '
        await asyncio.Event().wait()

    sent = []
    body = slow()

    async def receive():
        return {"type": "http.request", "body": await anext(body), "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/body", "raw_path": b"/api/body", "root_path": "", "scheme": "http",
        "query_string": b"", "headers": [(b"content-type", b"application/json")], "client": ("1.2.3.4", 1),
        "server": ("hantar.test", 80), "http_version": "1.1",
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["status"] == 408
