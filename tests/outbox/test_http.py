"""Single messages by the API under the rules: what is taken, what waits, what is refused, and who may do what."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hantar.accounts.model import SCOPES, Caller
from hantar.consent import model as consents
from hantar.kit import db
from hantar.outbox import facts, queue, rules
from tests import cast
from tests.fleet import Fleet
from tests.outbox import people

PHONE = "60123450001"
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NIGHT = {"quiet_start": 9 * 60, "quiet_end": 9 * 60 + 30}
"""Open from 09:00 to 09:30; in Malaysia it is 10:00."""


@pytest.fixture
async def device(fleet: Fleet) -> str:
    (made,) = await fleet.add_devices(1)
    return made


@pytest.fixture
async def key(database: db.Database, alice: Caller) -> dict[str, str]:
    """The header of a program of Alice's."""
    return {"authorization": f"Bearer {await cast.add_key(database, alice, *SCOPES)}"}


async def send(client: httpx.AsyncClient, device: str, **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    body = {"device_id": device, "phone": PHONE, "message": "Hello", **more}
    return await client.post("/api/send/message", json=body, headers=headers)


# ---------------------------------------------------------------- what a message says of itself
async def test_a_message_says_by_what_it_left(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    consent = await people.agree(fleet, PHONE)
    reply = await send(http(bob), device)
    assert reply.status_code == 202, reply.text
    message = reply.json()["message"]
    assert message["person_id"] == await people.person(fleet, PHONE)
    assert [message[name] for name in ("sequence_id", "step_id", "campaign_id", "policy_version", "consent_id")] == [None] * 5
    assert (message["is_manual"], message["confirms_opted_out"]) == (True, False)
    await fleet.run(5)
    message = (await http(bob).get(f"/api/messages/{message['id']}")).json()
    assert (message["status"], message["policy_version"], message["consent_id"]) == ("sent", 1, consent)


async def test_a_program_s_message_is_not_manual(http: cast.Http, fleet: Fleet, device: str, key: dict[str, str]) -> None:
    reply = await send(http(None), device, headers=key)
    assert reply.status_code == 202, reply.text
    assert reply.json()["message"]["is_manual"] is False


# ---------------------------------------------------------------- opted out
async def test_nobody_who_opted_out_is_written_to(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    await people.opt_out(fleet, PHONE)
    for reply in (
        await send(http(bob), device),
        await http(bob).post("/api/send/image", json={"device_id": device, "phone": PHONE, "image_url": PIXEL}),
        await send(http(bob), device, send_at="2026-12-05T02:00:00Z"),
    ):
        assert (reply.status_code, reply.json()["code"]) == (409, "opted_out"), reply.text
        assert "confirm_opted_out" in reply.json()["detail"]
    assert await fleet.rows() == []


async def test_a_member_may_answer_knowingly_and_it_is_written_down(
    http: cast.Http, fleet: Fleet, alice: Caller, bob: Caller, device: str
) -> None:
    await people.opt_out(fleet, PHONE)
    reply = await send(http(bob), device, confirm_opted_out=True)
    assert reply.status_code == 202, reply.text
    message = reply.json()["message"]
    assert message["confirms_opted_out"] is True
    await fleet.run(5)
    assert set(await fleet.states()) <= {"sent", "delivered", "read"}
    (entry,) = (await http(alice).get("/api/audit")).json()["items"]
    assert (entry["action"], entry["actor"], entry["object_id"]) == ("message.sent_to_opted_out", "Bob", message["id"])
    assert PHONE not in str(entry)


async def test_a_program_may_not_confirm(http: cast.Http, fleet: Fleet, device: str, key: dict[str, str]) -> None:
    await people.opt_out(fleet, PHONE)
    reply = await send(http(None), device, headers=key, confirm_opted_out=True)
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
    reply = await send(http(None), device, headers=key)
    assert (reply.status_code, reply.json()["code"]) == (409, "opted_out")
    assert "confirm_opted_out" not in reply.json()["detail"]
    assert await fleet.rows() == []


async def test_confirming_what_nobody_opted_out_of_confirms_nothing(
    http: cast.Http, fleet: Fleet, alice: Caller, device: str
) -> None:
    """Else a message made today would pass an opt-out of tomorrow."""
    reply = await send(http(alice), device, confirm_opted_out=True, send_at="2026-12-02T02:00:00Z")
    assert reply.json()["message"]["confirms_opted_out"] is False
    assert (await http(alice).get("/api/audit")).json()["items"] == []
    await people.opt_out(fleet, PHONE)
    assert await fleet.states() == {"suppressed": 1}


# ---------------------------------------------------------------- consent
async def test_strict_rules_want_a_consent_or_an_open_conversation(
    http: cast.Http, fleet: Fleet, bob: Caller, device: str
) -> None:
    await fleet.set_rules(consent_mode="strict")
    reply = await send(http(bob), device)
    assert (reply.status_code, reply.json()["code"]) == (409, "no_consent")
    assert reply.json()["detail"] == (
        "There is no consent on record for this person. Record their consent, or wait until they write."
    )
    await people.write_in(fleet, device, PHONE, timedelta(hours=25))
    assert (await send(http(bob), device)).status_code == 409
    await people.write_in(fleet, device, PHONE, timedelta(hours=23))
    assert (await send(http(bob), device)).status_code == 202
    other = "60123450002"
    await people.agree(fleet, other, "service")
    assert (await send(http(bob), device, phone=other)).status_code == 202


async def test_an_answer_planned_after_the_day_has_passed_is_no_answer(
    http: cast.Http, fleet: Fleet, bob: Caller, device: str
) -> None:
    await fleet.set_rules(consent_mode="strict")
    await people.write_in(fleet, device, PHONE)
    assert (await send(http(bob), device, send_at="2026-12-01T20:00:00Z")).status_code == 202
    assert (await send(http(bob), device, send_at="2026-12-03T02:00:00Z")).json()["code"] == "no_consent"


# ---------------------------------------------------------------- quiet hours
async def test_outside_the_hours_it_waits_for_the_next_window(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    await fleet.set_rules(**NIGHT)
    reply = await send(http(bob), device)
    assert reply.status_code == 202
    message = reply.json()["message"]
    assert (message["waiting_for"], message["waiting_until"]) == ("quiet_hours", "2026-12-02T01:00:00Z")
    await fleet.run(5)
    (listed,) = (await http(bob).get("/api/messages")).json()["items"]
    assert (listed["status"], listed["waiting_for"], listed["waiting_until"]) == ("queued", "quiet_hours", "2026-12-02T01:00:00Z")


async def test_or_is_refused_with_the_time_of_the_next_one(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    await fleet.set_rules(**NIGHT, quiet_overflow="drop")
    reply = await send(http(bob), device)
    assert reply.status_code == 409
    assert (reply.json()["code"], reply.json()["next_at"]) == ("quiet_hours", "2026-12-02T01:00:00Z")
    assert (await send(http(bob), device, send_at="2026-12-02T01:00:00Z")).status_code == 202
    await people.write_in(fleet, device, PHONE)
    assert (await send(http(bob), device)).status_code == 202


# ---------------------------------------------------------------- holds
async def test_a_hold_stops_programs_and_not_people(
    http: cast.Http, fleet: Fleet, bob: Caller, device: str, key: dict[str, str]
) -> None:
    hold = await people.hold(fleet, PHONE)
    by_program = (await send(http(None), device, headers=key)).json()["message"]
    assert (by_program["waiting_for"], by_program["waiting_until"]) == ("person_hold", None)
    by_hand = (await send(http(bob), device, message="I am here")).json()["message"]
    assert by_hand["waiting_for"] == "pacing"
    await fleet.run(60, step=0.5)
    assert sorted((await fleet.states()).values()) == [1, 1]
    assert (await http(bob).get(f"/api/messages/{by_program['id']}")).json()["waiting_for"] == "person_hold"
    await people.release(fleet, hold)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await queue.pull_person(tx, fleet.workspace, by_program["person_id"], await tx.now())
    await fleet.run(60, step=0.5)
    assert "queued" not in await fleet.states()


async def test_a_hold_does_not_bring_a_later_message_forward(
    http: cast.Http, fleet: Fleet, device: str, key: dict[str, str]
) -> None:
    """Only what waits *for the hold* goes when it ends; a message for next week keeps its time."""
    await people.hold(fleet, PHONE)
    reply = await send(http(None), device, headers=key, send_at="2026-12-08T02:00:00Z")
    message = reply.json()["message"]
    assert (reply.json()["status"], message["waiting_for"]) == ("pending", "pacing")
    assert message["scheduled_at"] == "2026-12-08T02:00:00Z"


# ---------------------------------------------------------------- one truth
KNOWN = [
    {},
    {"opt_out": True},
    {"hold": True},
    {"agreed": "marketing"},
    {"agreed": "service"},
    {"wrote": timedelta(hours=2)},
    {"wrote": timedelta(hours=30)},
    {"opt_out": True, "wrote": timedelta(hours=2)},
    {"hold": True, "agreed": "service"},
]


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("rules_", [{}, {"consent_mode": "strict"}, NIGHT, {**NIGHT, "quiet_overflow": "drop"}])
async def test_the_api_and_the_claim_never_disagree(
    http: cast.Http, fleet: Fleet, device: str, key: dict[str, str], known: dict[str, Any], rules_: dict[str, Any]
) -> None:
    """What the API takes as free to go the claim sends; what it makes wait the claim puts off; what it refuses the claim ends."""
    if known.get("agreed"):
        await people.agree(fleet, PHONE, known["agreed"])
    if known.get("wrote"):
        await people.write_in(fleet, device, PHONE, known["wrote"])
    if known.get("hold"):
        await people.hold(fleet, PHONE)
    if known.get("opt_out"):
        await people.opt_out(fleet, PHONE)
    # a message that was queued under other rules, so that the claim alone judges it
    reply = await send(http(None), device, headers=key)
    if reply.status_code == 202:
        async with fleet.db.transaction(fleet.workspace) as tx:
            await tx.execute("UPDATE messages SET waiting_for = NULL, not_before = $1", await tx.now())
    await fleet.set_rules(**rules_)
    asked = await send(http(None), device, headers=key)
    await fleet.run(10)
    rows = await fleet.rows()
    first = rows[0] if rows else None
    if asked.status_code == 409:
        assert first is None or (first["state"], first["reason"]) == ("suppressed", asked.json()["code"])
    else:
        waits = asked.json()["message"]["waiting_for"] in ("quiet_hours", "person_hold")
        assert first is not None
        assert (first["state"] == "queued") == waits
        assert (first["waiting_for"] is not None) == waits


async def test_mutant_a_judge_of_its_own_would_disagree(
    http: cast.Http, fleet: Fleet, bob: Caller, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the API's facts others than the claim's, a person who opted out could be queued: the test above sees it."""
    await people.opt_out(fleet, PHONE)
    read = facts.read

    async def blind(*words: Any, **more: Any) -> list[rules.Facts]:
        return [replace(each, is_opted_out=False) for each in await read(*words, **more)]

    monkeypatch.setattr(facts, "read", blind)
    assert (await send(http(bob), device)).status_code == 202


# ---------------------------------------------------------------- devices that do not send
async def test_a_restricted_device_says_so_and_until_when(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    until = fleet.clock.now() + timedelta(hours=24)
    await fleet.set_device(device, state="restricted", state_since=fleet.clock.now(), hold_until=until)
    message = (await send(http(bob), device)).json()["message"]
    assert (message["waiting_for"], message["waiting_until"]) == ("device_restricted", until.isoformat().replace("+00:00", "Z"))
    await people.write_in(fleet, device, "60123450002")
    message = (await send(http(bob), device, phone="60123450002")).json()["message"]
    assert message["waiting_for"] == "pacing"  # an answer to somebody who wrote goes
    await fleet.set_device(device, state="offline", hold_until=None)
    waits = {row["waiting_for"] for row in (await http(bob).get("/api/messages")).json()["items"]}
    assert waits == {"device_offline"}


# ---------------------------------------------------------------- settling
async def unconfirmed(fleet: Fleet, client: httpx.AsyncClient, device: str) -> str:
    message = (await send(client, device)).json()["message_id"]
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE messages SET state = 'claimed', claimed_at = now() WHERE id = $1", message)
        await tx.execute("UPDATE messages SET state = 'unknown' WHERE id = $1", message)
    return str(message)


@pytest.mark.parametrize(
    ("outcome", "status", "action"),
    [
        ("arrived", "sent", "message.settled"),
        ("not_arrived", "failed", "message.settled"),
        ("send_again", "queued", "message.resent"),
    ],
)
async def test_who_settles_says_why_and_it_is_kept(
    http: cast.Http, fleet: Fleet, alice: Caller, bob: Caller, device: str, outcome: str, status: str, action: str
) -> None:
    message = await unconfirmed(fleet, http(bob), device)
    path = f"/api/messages/{message}/resolve"
    assert (await http(bob).post(path, json={"outcome": outcome})).status_code == 422
    reply = await http(bob).post(path, json={"outcome": outcome, "reason": "I asked them"})
    assert (reply.status_code, reply.json()["status"]) == (200, status), reply.text
    (entry,) = (await http(alice).get("/api/audit")).json()["items"]
    assert (entry["action"], entry["actor"], entry["reason"]) == (action, "Bob", "I asked them")
    assert (entry["object_kind"], entry["object_id"]) == ("message", message)
    assert (entry["before"], entry["after"]["outcome"]) == ({"state": "unknown"}, outcome)
    again = await http(bob).post(path, json={"outcome": outcome, "reason": "I asked them"})
    assert (again.status_code, again.json()["code"]) == (409, "not_unconfirmed")
    assert (await http(alice).get("/api/audit", params={"with_total": "true"})).json()["total"] == 1


async def test_what_was_erased_or_merged_is_not_sent_again(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    message = await unconfirmed(fleet, http(bob), device)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE persons SET erased_at = now()")
    reply = await http(bob).post(f"/api/messages/{message}/resolve", json={"outcome": "send_again", "reason": "x"})
    assert (reply.status_code, reply.json()["code"]) == (409, "person_erased")
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE persons SET erased_at = NULL")
        await tx.execute(
            """INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state, priority,
                 not_before, expires_at, created_at, twin)
               SELECT workspace_id, gen_random_uuid(), kind, source_id, person_id, device_id, content_id, phone, 'queued', 0,
                 not_before, expires_at, created_at, 1 FROM messages""",
        )
    reply = await http(bob).post(f"/api/messages/{message}/resolve", json={"outcome": "send_again", "reason": "x"})
    assert (reply.status_code, reply.json()["code"]) == (409, "duplicate_of")


# ---------------------------------------------------------------- who may
async def test_roles_keys_and_strangers(
    http: cast.Http, fleet: Fleet, database: db.Database, alice: Caller, vera: Caller, mallory: Caller, device: str
) -> None:
    assert (await send(http(vera), device)).status_code == 403
    assert (await send(http(None), device)).status_code == 401
    reading = {"authorization": f"Bearer {await cast.add_key(database, alice, 'campaigns:read')}"}
    assert (await send(http(None), device, headers=reading)).json()["code"] == "scope_missing"
    assert (await send(http(mallory), device)).status_code == 422
    message = (await send(http(alice), device)).json()["message_id"]
    assert (await http(vera).get(f"/api/messages/{message}")).status_code == 200
    for who, status in ((vera, 403), (mallory, 404), (None, 401)):
        body = {"outcome": "arrived", "reason": "x"}
        assert (await http(who).post(f"/api/messages/{message}/resolve", json=body)).status_code == status
        assert (await http(who).post(f"/api/messages/{message}/cancel")).status_code == status
    assert (await http(mallory).get(f"/api/messages/{message}")).status_code == 404


async def test_a_confirmation_is_not_sent_again_later(http: cast.Http, fleet: Fleet, bob: Caller, device: str) -> None:
    """It passes every rule, so it leaves within its minutes or never: who said STOP hears nothing days later."""
    made = (await fleet.enqueue(device, ["60123450002"], kind="auto_reply", priority=0, duty="optout_confirmation"))[0]
    async with fleet.db.system() as tx:
        late = await tx.now()
        sql = "UPDATE messages SET state = $2, claimed_at = $3, expires_at = $3 WHERE id = $1"
        await tx.execute(sql, made, "claimed", late)
        await tx.execute("UPDATE messages SET state = 'unknown' WHERE id = $1", made)
    await fleet.clock.advance(3600)
    await fleet.engine.leases.beat()
    reply = await http(bob).post(f"/api/messages/{made}/resolve", json={"outcome": "send_again", "reason": "x"})
    await fleet.run(3)
    assert fleet.reached() == []
    assert (reply.status_code, reply.json()["code"]) == (409, "too_late")
    assert [row["state"] for row in await fleet.rows()] == ["unknown"]


async def test_a_new_opt_out_ends_what_was_confirmed_for_an_older_one(
    http: cast.Http, fleet: Fleet, bob: Caller, device: str
) -> None:
    """Whoever answers knowingly knows of one opt-out; the next one, before it has left, is another word."""
    number = "60123450002"
    await people.opt_out(fleet, number)
    soon = (fleet.clock.now() + timedelta(hours=1)).isoformat()
    reply = await send(http(bob), device, phone=number, confirm_opted_out=True, send_at=soon)
    assert reply.json()["message"]["confirms_opted_out"] is True, reply.text
    await people.opt_out(fleet, number)  # the same word again changes nothing
    assert [row["state"] for row in await fleet.rows()] == ["queued"]
    await people.opt_out(fleet, number, consents.OptOut(consents.OptOutReason.COMPLAINT, consents.OptOutSource.API))
    await fleet.clock.advance(3700)
    await fleet.engine.leases.beat()
    await fleet.run(2)
    assert fleet.reached() == []
    assert [(row["state"], row["reason"]) for row in await fleet.rows()] == [("suppressed", "opted_out")]
