"""Calls from the Cloud API: who may call, kept before anything else, worked off once whatever happens between."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from hantar.dispatch import intake
from hantar.gateways import port
from hantar.gateways.cloud import webhooks
from hantar.hooks import model, service, store
from hantar.inbox import receiver
from hantar.kit import clock, cluster, db
from tests import cast
from tests.fleet import Fleet

KEYS = model.Keys("the app's secret", "a word of ours")
NUMBER, BUSINESS = "106540352242922", "102290129340398"
PERSON = "60123770001"


@dataclass
class Reads:
    """Reads calls as the driver does, into the parts that take what drivers report; fails first as often as it is told to."""

    intake: intake.Intake
    receiver: receiver.Receiver
    failures: list[Exception] = field(default_factory=list)
    taken: int = 0

    async def take_hook(self, payload: Mapping[str, Any], places: Mapping[str, Sequence[str]]) -> int:
        if self.failures:
            raise self.failures.pop()
        events = webhooks.events_of(payload, places, self.intake._clock.now())
        for event in events:
            if isinstance(event, port.Receipt | port.MessageFailed):
                await self.intake.take(event)
            else:
                await self.receiver.take(event)
        self.taken += len(events)
        return len(events)


@pytest.fixture
async def fleet(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Any) -> AsyncIterator[Fleet]:
    made = Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    (device,) = await made.add_devices(1)
    await set_up(made, device, NUMBER)
    yield made
    await made.close()


@pytest.fixture
def reads(fleet: Fleet) -> Reads:
    return Reads(fleet.intake, fleet.receiver)


@pytest.fixture
def hooks(database: db.Database, reads: Reads, fake_clock: clock.FakeClock) -> service.Hooks:
    return service.Hooks(database, reads, KEYS, fake_clock)


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, hooks: service.Hooks) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, parts={service.Hooks: hooks})


async def set_up(fleet: Fleet, device: str, number: str) -> None:
    sql = "INSERT INTO cloud_numbers (workspace_id, device_id, number_id, business_id, checked_at) VALUES ($1, $2, $3, $4, $5)"
    await fleet.sql(sql, fleet.workspace, device, number, BUSINESS, fleet.clock.now())


def call(*statuses: dict[str, Any], messages: Sequence[dict[str, Any]] = (), number: str = NUMBER) -> bytes:
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number}}
    value |= {"statuses": list(statuses)} if statuses else {}
    value |= {"messages": list(messages)} if messages else {}
    entry = {"id": BUSINESS, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def status(ref: str, kind: str = "sent", wire: str = "wamid.1") -> dict[str, Any]:
    return {"id": wire, "status": kind, "timestamp": "1796000000", "recipient_id": PERSON, "biz_opaque_callback_data": ref}


def signed(body: bytes, secret: str = KEYS.secret) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


async def kept(database: db.Database) -> list[dict[str, Any]]:
    async with database.system() as tx:
        return [dict(row) for row in await tx.fetch("SELECT * FROM cloud_hooks ORDER BY id")]


async def work(fleet: Fleet, hooks: service.Hooks) -> int:
    """Work off what waits, with the intake at work beside."""
    working = asyncio.create_task(hooks.work())
    while not working.done():
        await fleet.intake.flush()
        await asyncio.sleep(0.001)
    return await working


async def sent(fleet: Fleet, state: str = "unknown") -> str:
    (message,) = await fleet.enqueue(fleet.devices[0], [PERSON])
    for each in ("claimed", state):
        await fleet.sql("UPDATE messages SET state = $2, claimed_at = $3 WHERE id = $1", message, each, fleet.clock.now())
    return message


async def state_of(fleet: Fleet, message: str) -> str:
    (row,) = await fleet.sql("SELECT state FROM messages WHERE id = $1", message)
    return str(row["state"])


# ---------------------------------------------------------------------- who may call
@pytest.mark.parametrize(
    ("token", "mode", "answer"),
    [(KEYS.token, "subscribe", 200), ("another", "subscribe", 403), ("", "subscribe", 403), (KEYS.token, "other", 403)],
)
async def test_the_challenge_is_answered_as_plain_text_to_who_knows_the_word(
    http: cast.Http, token: str, mode: str, answer: int
) -> None:
    query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
    reply = await http(None).get("/hooks/cloud", params=query)
    assert reply.status_code == answer
    if answer == 200:
        assert (reply.text, reply.headers["content-type"].partition(";")[0]) == ("1158201444", "text/plain")


@pytest.mark.parametrize("secret", ["", "another", KEYS.secret + " "])
async def test_a_call_with_a_wrong_signature_is_refused_and_not_kept(
    http: cast.Http, database: db.Database, secret: str, mallory: Any
) -> None:
    """Mallory is signed in and sends from a page of ours: it does not help her."""
    body = call(status("01a1f000-0000-7000-8000-000000000000"))
    for headers in (
        signed(body, secret),
        {},
        {"X-Hub-Signature-256": signed(body)["X-Hub-Signature-256"].removeprefix("sha256=")},
    ):
        reply = await http(mallory).post("/hooks/cloud", content=body, headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (401, "not_signed")
    assert await kept(database) == []


async def test_the_signature_is_of_the_raw_body(http: cast.Http, database: db.Database) -> None:
    """Bytes that are no JSON are kept too: what they mean is looked at later."""
    body = b'{"entry": [ \xff\xfe'
    assert (await http(None).post("/hooks/cloud", content=body, headers=signed(body))).status_code == 200
    assert (await http(None).post("/hooks/cloud", content=body + b" ", headers=signed(body))).status_code == 401
    assert [row["body"] for row in await kept(database)] == [body]


async def test_a_call_that_is_too_long_is_refused(http: cast.Http, database: db.Database) -> None:
    body = b" " * (model.LARGEST + 1)
    assert (await http(None).post("/hooks/cloud", content=body, headers=signed(body))).status_code == 413
    assert await kept(database) == []


async def test_without_a_secret_every_call_is_refused(http: cast.Http, hooks: service.Hooks, database: db.Database) -> None:
    hooks.keys = model.Keys()
    body = call(status("x"))
    assert (await http(None).post("/hooks/cloud", content=body, headers=signed(body, ""))).status_code == 401
    query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    assert (await http(None).get("/hooks/cloud", params=query)).status_code == 403
    assert await kept(database) == []


# ---------------------------------------------------------------------- worked off
async def test_a_call_is_kept_worked_off_and_gone(http: cast.Http, fleet: Fleet, hooks: service.Hooks) -> None:
    message = await sent(fleet)
    body = call(status(message))
    assert (await http(None).post("/hooks/cloud", content=body, headers=signed(body))).status_code == 200
    assert await state_of(fleet, message) == "unknown", "answered before it is looked at"
    assert await work(fleet, hooks) == 1
    assert await state_of(fleet, message) == "sent"
    assert await kept(fleet.db) == []


async def test_a_call_for_a_number_that_is_not_ours_changes_nothing(fleet: Fleet, hooks: service.Hooks, mallory: Any) -> None:
    """Mallory's number reports about Alice's message, by a true signature of the same app: her device is another."""
    message = await sent(fleet)
    theirs = Fleet(fleet.db, fleet.clock, fleet.bus, mallory.workspace_id)
    await theirs.driver.start(theirs._sink)
    (device,) = await theirs.add_devices(1)
    await set_up(theirs, device, "999")
    await hooks.keep(call(status(message), number="999"))
    await hooks.keep(call(status(message), number="nobody's"))
    assert await work(fleet, hooks) == 2
    assert await state_of(fleet, message) == "unknown"
    assert await kept(fleet.db) == []
    await theirs.close()


async def test_what_people_write_and_their_stop_arrive(fleet: Fleet, hooks: service.Hooks) -> None:
    said = {"from": PERSON, "id": "wamid.in", "timestamp": "1796000000", "type": "text", "text": {"body": "Hello"}}
    await hooks.keep(call(messages=[said]))
    await hooks.keep(call(messages=[said]))
    await work(fleet, hooks)
    assert len(await fleet.sql("SELECT 1 FROM inbound_messages")) == 1
    wish = {"wa_id": PERSON, "value": "stop", "timestamp": "1796000001"}
    value = {"metadata": {"phone_number_id": NUMBER}, "user_preferences": [wish]}
    stop = {"entry": [{"id": BUSINESS, "changes": [{"field": "user_preferences", "value": value}]}]}
    await hooks.keep(json.dumps(stop).encode())
    await work(fleet, hooks)
    (opted,) = await fleet.sql("SELECT reason FROM suppressions")
    assert opted["reason"] == "stop"


class Died(BaseException):
    """The process, in the middle of it."""


async def test_after_a_crash_what_was_taken_is_worked_off_again(
    fleet: Fleet, hooks: service.Hooks, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies between the commit of the events and the end of the call: once more, and it counts once."""
    message = await sent(fleet)
    await hooks.keep(call(status(message)))

    async def dies(tx: db.Tx, hook_ids: Sequence[str]) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(store, "done", dies)
        with pytest.raises(Died):
            await work(fleet, hooks)
    assert (reads.taken, len(await kept(fleet.db))) == (1, 1)
    again = service.Hooks(fleet.db, reads, KEYS, fleet.clock)
    assert await work(fleet, again) == 0, "for a while it may be at work elsewhere"
    await fleet.clock.advance(model.HELD.total_seconds())
    assert await work(fleet, again) == 1
    assert (await state_of(fleet, message), fleet.intake.doubles, await kept(fleet.db)) == ("sent", 0, [])


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"{", b"\xff", b"[" * 200_000, b'"text"'])
async def test_nonsense_is_set_aside_at_once_with_its_reason(fleet: Fleet, hooks: service.Hooks, body: bytes) -> None:
    message = await sent(fleet)
    await hooks.keep(body)
    await hooks.keep(call(status(message)))
    with capture_logs() as logs:
        await work(fleet, hooks)
    (row,) = await kept(fleet.db)
    assert (row["set_aside_at"], row["why"].partition(":")[0]) == (fleet.clock.now(), "Unreadable")
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["hooks.set_aside"]
    assert await state_of(fleet, message) == "sent", "it holds up no other"


async def test_a_call_that_fails_again_and_again_is_set_aside_and_deleted_in_time(
    fleet: Fleet, hooks: service.Hooks, reads: Reads
) -> None:
    await hooks.keep(call(status("x")))
    for tries in range(1, model.TRIES + 1):
        reads.failures = [RuntimeError("+60123456789 wrote something")]
        await fleet.clock.advance(model.LONGEST_RETRY.total_seconds())
        with capture_logs() as logs:
            assert await work(fleet, hooks) == 1
        assert "60123456789" not in repr(logs), "no words of a failure in the log"
        (row,) = await kept(fleet.db)
        assert (row["set_aside_at"] is not None) == (tries == model.TRIES)
    assert row["why"] == "RuntimeError"
    await fleet.clock.advance(model.KEPT.total_seconds() - 1)
    assert await hooks.sweep() == 0
    await fleet.clock.advance(2)
    assert await hooks.sweep() == 1
    assert await kept(fleet.db) == []


async def test_long_calls_are_worked_off_a_few_at_a_time(
    fleet: Fleet, hooks: service.Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "MOST_BYTES", 1000)
    for _ in range(5):
        await hooks.keep(call(number="nobody's") + b" " * 600)
    assert [await work(fleet, hooks) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_database_that_is_away_spends_no_try(fleet: Fleet, hooks: service.Hooks, reads: Reads) -> None:
    message = await sent(fleet)
    await hooks.keep(call(status(message)))
    for _ in range(model.TRIES + 1):
        reads.failures = [db.DatabaseAway()]
        await work(fleet, hooks)
        await fleet.clock.advance(model.FIRST_RETRY.total_seconds())
    await work(fleet, hooks)
    assert await state_of(fleet, message) == "sent"


async def test_a_call_wakes_the_service_and_it_ends_when_told(fleet: Fleet, hooks: service.Hooks) -> None:
    message = await sent(fleet)
    stop = asyncio.Event()
    running = asyncio.create_task(hooks.run(stop))
    await asyncio.sleep(0.05)
    await hooks.keep(call(status(message)))
    async with asyncio.timeout(10):
        while await kept(fleet.db):
            await fleet.intake.flush()
            await asyncio.sleep(0.001)
    assert await state_of(fleet, message) == "sent"
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_an_installation_without_the_cloud_api_waits_for_nothing(
    database: db.Database, fake_clock: clock.FakeClock
) -> None:
    bare = service.of(database, {}, model.Keys(), fake_clock)
    stop = asyncio.Event()
    running = asyncio.create_task(bare.run(stop))
    stop.set()
    await asyncio.wait_for(running, 5)


def test_waits_grow_and_end() -> None:
    waits = [model.again_after(tries) for tries in range(40)]
    assert waits[:3] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert max(waits) == model.LONGEST_RETRY == waits[-1]


def test_secrets_show_up_in_no_text() -> None:
    assert KEYS.secret not in repr(KEYS)
    assert KEYS.token not in repr(KEYS)
