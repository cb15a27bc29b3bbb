"""Holds by the API: the person's words as a task, confirmed as an opt-out or released."""

from typing import Any

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.consent import holds as held, service as consent
from hantar.kit import clock, cluster, db
from hantar.kit.ids import new_id
from hantar.people import http_holds
from hantar.persons import service as persons
from hantar.persons.model import PersonId
from tests import cast

ANN, BEN = "60123450001", "60123450002"


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[http_holds.router])


async def put_on_hold(database: db.Database, caller: Caller, kind: str = "intent", number: str = ANN) -> tuple[PersonId, str]:
    """A person, on hold for words of theirs; returns the person and the hold."""
    async with database.transaction(caller.workspace_id) as tx:
        now, device, said = await tx.now(), new_id(), new_id()
        sql = """INSERT INTO devices (workspace_id, id, name, driver, state_since, created_at, updated_at)
                 VALUES ($1, $2, 'Counter', 'simulator', $3, $3, $3)"""
        await tx.execute(sql, caller.workspace_id, device, now)
        who = await persons.at_phone(tx, caller.workspace_id, number)
        sql = """INSERT INTO inbound_messages
                   (workspace_id, id, device_id, person_id, wire_id, at, received_at, text, push_name, meaning)
                 VALUES ($1, $2, $3, $4, 'W1', $5, $5, 'please stop', 'Annie', 'intent')"""
        await tx.execute(sql, caller.workspace_id, said, device, who, now)
        made = await consent.hold(tx, caller.workspace_id, who, kind, inbound_id=said, device_id=device)
    assert made is not None
    return who, made


async def queued(database: db.Database, caller: Caller, who: PersonId, **columns: Any) -> str:
    """A message that waits for the hold."""
    async with database.transaction(caller.workspace_id) as tx:
        now, content, message = await tx.now(), new_id(), new_id()
        device = await tx.fetchval("SELECT id FROM devices LIMIT 1")
        await tx.execute(
            "INSERT INTO contents (workspace_id, id, kind, text, created_at) VALUES ($1, $2, 'text', 'x', $3)",
            caller.workspace_id,
            content,
            now,
        )
        sql = """INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state,
                   priority, not_before, expires_at, waiting_for, created_at)
                 VALUES ($1, $2, 'direct', $2, $3, $4, $5, $6, 'queued', 0, $7::timestamptz + interval '1 hour',
                   $7::timestamptz + interval '1 day', 'person_hold', $7)"""
        await tx.execute(sql, caller.workspace_id, message, who, device, content, ANN, now)
    return message


async def test_a_hold_shows_the_person_s_words(http, alice, vera, database):
    who, made = await put_on_hold(database, alice)
    reply = await http(vera).get("/api/holds", params={"open": True, "with_total": True})
    assert reply.json()["total"] == 1
    (shown,) = reply.json()["items"]
    assert (shown["id"], shown["person_id"], shown["kind"], shown["text"]) == (made, who, "intent", "please stop")
    assert (shown["phone"], shown["name"], shown["device_name"], shown["is_open"]) == (ANN, "Annie", "Counter", True)


async def test_the_list_can_be_narrowed(http, alice, database):
    await put_on_hold(database, alice)
    await put_on_hold(database, alice, "conversation", BEN)
    for params, count in (({}, 2), ({"kind": "intent"}, 1), ({"open": True}, 2), ({"open": False}, 0), ({"kind": "talk"}, None)):
        reply = await http(alice).get("/api/holds", params=params)
        assert reply.status_code == (422 if count is None else 200)
        assert count is None or len(reply.json()["items"]) == count, params


async def test_confirming_is_an_opt_out_at_once(http, alice, bob, database, bus):
    who, made = await put_on_hold(database, alice)
    await put_on_hold(database, alice, "conversation")
    message = await queued(database, alice, who)
    facts: list[cluster.Fact] = []
    bus.subscribe("*", facts.append)
    reply = await http(bob).post(f"/api/holds/{made}/confirm", json={})
    assert reply.status_code == 200, reply.text
    assert (reply.json()["outcome"], reply.json()["is_open"]) == ("confirmed", False)
    async with database.transaction(alice.workspace_id) as tx:
        assert await consent.is_opted_out(tx, alice.workspace_id, who)
        row = await tx.fetchrow("SELECT reason, source, text, inbound_id, actor_id FROM suppressions")
        assert await tx.fetchval("SELECT state FROM messages WHERE id = $1", message) == "suppressed"
        assert not await held.is_held(tx, who), "who is opted out waits for no decision"
        assert await tx.fetchval("SELECT count(*) FROM audit WHERE action = 'hold.confirmed'") == 1
    assert (row["reason"], row["source"], row["text"], row["actor_id"]) == ("stop", "chat", "please stop", bob.user_id)
    assert row["inbound_id"] is not None
    assert {"lead.opted_out", "hold.changed"} <= {fact.name for fact in facts}


async def test_releasing_lets_what_waited_go_on(http, alice, bob, database, fake_clock):
    who, made = await put_on_hold(database, alice)
    message = await queued(database, alice, who)
    assert (await http(bob).post(f"/api/holds/{made}/release", json={})).status_code == 422
    reply = await http(bob).post(f"/api/holds/{made}/release", json={"reason": "A joke about the bus stop."})
    assert (reply.status_code, reply.json()["outcome"]) == (200, "released")
    async with database.transaction(alice.workspace_id) as tx:
        row = await tx.fetchrow("SELECT state, waiting_for, not_before FROM messages WHERE id = $1", message)
        assert not await consent.is_opted_out(tx, alice.workspace_id, who)
    assert (row["state"], row["waiting_for"]) == ("queued", None)
    assert row["not_before"] <= fake_clock.now()
    again = await http(bob).post(f"/api/holds/{made}/release", json={"reason": "Once more."})
    assert again.json()["code"] == "hold_ended"


async def test_another_open_hold_keeps_everything_waiting(http, alice, database):
    who, made = await put_on_hold(database, alice)
    async with database.transaction(alice.workspace_id) as tx:
        await consent.hold(tx, alice.workspace_id, who, "conversation")
    message = await queued(database, alice, who)
    await http(alice).post(f"/api/holds/{made}/release", json={"reason": "A joke."})
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT waiting_for FROM messages WHERE id = $1", message) == "person_hold"


async def test_viewers_decide_nothing(http, alice, vera, database):
    _, made = await put_on_hold(database, alice)
    for path, body in (("confirm", {}), ("release", {"reason": "No."})):
        assert (await http(vera).post(f"/api/holds/{made}/{path}", json=body)).status_code == 403


async def test_an_unknown_hold_is_not_found(http, alice):
    assert (await http(alice).post(f"/api/holds/{new_id()}/confirm", json={})).status_code == 404
