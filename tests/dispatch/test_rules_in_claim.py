"""What the rules do to messages at the claim: who goes, who ends, who waits and until when, and what is written down of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hantar.consent import model as consents, service as consent
from hantar.gateways import port
from hantar.kit import db, windows
from hantar.outbox import queue, rules, service as outbox
from hantar.persons import service as persons
from hantar.persons.model import Alias, AliasKind, PersonId
from hantar.policy.model import DEFAULTS
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(60)]
STOP = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD)
YES = consents.Given("marketing", "Yes, write to me.", "web_form", datetime.fromisoformat("2026-11-01T00:00:00+00:00"))


async def opt_out(fleet: Fleet, phone: str) -> None:
    person = PersonId(await fleet.person(phone))
    async with fleet.db.transaction(fleet.workspace) as tx:
        await outbox.opt_out(tx, fleet.workspace, person, STOP)


async def suppress_only(fleet: Fleet, phone: str) -> None:
    """The opt-out alone: what is queued stays, so that only the claim can stop it."""
    person = PersonId(await fleet.person(phone))
    async with fleet.db.transaction(fleet.workspace) as tx:
        await consent.opt_out(tx, fleet.workspace, person, STOP)


async def hold(fleet: Fleet, phone: str) -> str:
    person = PersonId(await fleet.person(phone))
    async with fleet.db.transaction(fleet.workspace) as tx:
        return str(await consent.hold(tx, fleet.workspace, person, "intent"))


async def release(fleet: Fleet, phone: str) -> None:
    person = await fleet.person(phone)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE holds SET ended_at = $2, outcome = 'released' WHERE person_id = $1", person, await tx.now())
        await queue.pull_person(tx, fleet.workspace, person, await tx.now())


async def row_of(fleet: Fleet, message_id: str) -> Any:
    return next(row for row in await fleet.rows() if row["id"] == message_id)


async def events_of(fleet: Fleet, message_id: str) -> list[tuple[str, str]]:
    found = await fleet.sql("SELECT kind, cause FROM message_events WHERE message_id = $1 ORDER BY at, id", message_id)
    return [(row["kind"], row["cause"]) for row in found]


# ---------------------------------------------------------------- ends


async def test_what_a_rule_forbids_ends_with_its_reason(fleet: Fleet) -> None:
    await fleet.set_rules(consent_mode="strict", person_cap_day=1)
    (device,) = await fleet.add_devices(1)
    made = await fleet.enqueue(device, PHONES[:4])
    async with fleet.db.transaction(fleet.workspace) as tx:
        who = [await fleet.person(phone) for phone in PHONES[1:4]]
        await consent.give(tx, fleet.workspace, who, YES)
    await suppress_only(fleet, PHONES[1])
    made += await fleet.enqueue(device, PHONES[2:3])
    await fleet.run(5)
    rows = [await row_of(fleet, each) for each in made]
    assert [(row["state"], row["reason"]) for row in rows[:2]] == [("suppressed", "no_consent"), ("suppressed", "opted_out")]
    assert sorted(fleet.reached()) == [PHONES[2], PHONES[3]]
    assert (rows[4]["state"], rows[4]["reason"]) == ("suppressed", "cap")
    assert rows[4]["error"] == rules.WORDS[rules.Reason.CAP]
    assert all(row["ended_at"] for row in rows if row["state"] == "suppressed")


async def test_a_claim_keeps_the_consent_and_the_version_it_went_by(fleet: Fleet) -> None:
    await fleet.set_rules(consent_mode="mark")
    (device,) = await fleet.add_devices(1)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await consent.give(tx, fleet.workspace, [await fleet.person(PHONES[0])], YES)
    (given,) = await fleet.sql("SELECT id FROM consents")
    agreed, stranger = await fleet.enqueue(device, PHONES[:2])
    await fleet.run(3)
    assert ((await row_of(fleet, agreed))["consent_id"], (await row_of(fleet, agreed))["policy_version"]) == (given["id"], 2)
    assert ((await row_of(fleet, stranger))["consent_id"], (await row_of(fleet, stranger))["policy_version"]) == (None, 2)


# ---------------------------------------------------------------- holds


async def test_a_hold_never_lapses_into_sending_and_release_pulls_back(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await hold(fleet, PHONES[0])
    held, other = await fleet.enqueue(device, PHONES[:2])
    await fleet.run(3)
    assert fleet.reached() == [PHONES[1]], "a held head must not stand in the way"
    waiting = await row_of(fleet, held)
    assert (waiting["state"], waiting["waiting_for"]) == ("queued", "person_hold")
    assert waiting["not_before"] - waiting["created_at"] >= rules.LOOK_AGAIN
    for _ in range(10):
        await fleet.clock.advance(16 * 60)
        await fleet.engine.leases.beat()
        await fleet.run(1)
    assert fleet.reached() == [PHONES[1]]
    assert await events_of(fleet, held) == [("wait", "person_hold")], "one cause, told once"
    await release(fleet, PHONES[0])
    await fleet.run(2)
    assert fleet.reached() == [PHONES[1], PHONES[0]]
    assert (await row_of(fleet, held))["waiting_for"] is None
    assert other


async def test_a_person_who_answers_by_hand_is_not_held_up(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await hold(fleet, PHONES[0])
    await fleet.enqueue(device, PHONES[:1], kind="direct", priority=0, is_manual=True)
    by_key = await fleet.enqueue(device, PHONES[:1], kind="direct", priority=0)
    await fleet.run(3)
    assert fleet.reached() == [PHONES[0]]
    assert (await row_of(fleet, by_key[0]))["waiting_for"] == "person_hold"


async def test_only_a_confirmed_answer_and_the_duty_reach_who_opted_out(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await opt_out(fleet, PHONES[0])
    plain, manual = await fleet.enqueue(device, PHONES[:1] * 2, kind="direct", priority=0, is_manual=True)
    (confirmed,) = await fleet.enqueue(device, PHONES[:1], kind="direct", priority=0, is_manual=True, confirms_opted_out=True)
    soon = fleet.clock.now() + timedelta(minutes=5)
    (duty,) = await fleet.enqueue(device, PHONES[:1], kind="auto_reply", priority=0, duty="optout_confirmation", expires_at=soon)
    await fleet.run(6)
    states = {each: (await row_of(fleet, each))["reason"] for each in (plain, manual, confirmed, duty)}
    assert states == {plain: "opted_out", manual: "opted_out", confirmed: None, duty: None}
    assert fleet.reached() == [PHONES[0]] * 2


async def test_an_opt_out_by_any_name_counts(fleet: Fleet) -> None:
    """By an opaque id that was linked to the number later, and for the whole installation: keyed hashes decide."""
    (device,) = await fleet.add_devices(1)
    await opt_out(fleet, PHONES[9])  # somebody else's, by number
    async with fleet.db.transaction(fleet.workspace) as tx:
        stranger = await persons.at_opaque(tx, fleet.workspace, "L1")
        await outbox.opt_out(tx, fleet.workspace, stranger, STOP)
        await tx.execute("DELETE FROM person_aliases WHERE value = 'L1'")
        who = PersonId(await fleet.person(PHONES[0]))
        await persons.add_alias(tx, fleet.workspace, who, Alias(AliasKind.LID, "L1"))
        key = tx.fingerprint("phone", PHONES[1])
        sql = "INSERT INTO global_suppressions (key, id, reason, at) VALUES ($1, gen_random_uuid(), 'legal', $2)"
        await tx.execute(sql, key, await tx.now())
    await fleet.enqueue(device, PHONES[:3])
    await fleet.run(4)
    assert fleet.reached() == [PHONES[2]]
    assert {row["reason"] for row in await fleet.rows() if row["state"] == "suppressed"} == {"opted_out"}


async def test_who_has_no_number_is_written_to_by_opaque_id(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    async with fleet.db.transaction(fleet.workspace) as tx:
        who = await persons.at_opaque(tx, fleet.workspace, "77000111@lid")
    soon = fleet.clock.now() + timedelta(minutes=5)
    await fleet.enqueue(device, [PHONES[0]], kind="auto_reply", priority=0, duty="optout_confirmation", expires_at=soon)
    await fleet.sql("UPDATE messages SET person_id = $1, phone = ''", who)
    await fleet.run(3)
    assert fleet.reached() == ["77000111@lid"]


async def test_the_simulators_own_numbers_hold_no_first_message_up(fleet: Fleet) -> None:
    """A device linked this minute, strangers in zones where it is three in the night of a Sunday, nobody asked for a consent."""
    numbers = {
        f"device_{name}": getattr(DEFAULTS["simulator"], f"device_{name}") for name in ("per_minute", "per_hour", "per_day")
    }
    await fleet.set_rules(**numbers)
    fleet.clock.jump(datetime(2026, 12, 5, 19, 0, tzinfo=UTC) - fleet.clock.now())
    (device,) = await fleet.add_devices(1, linked_at=fleet.clock.now())
    await fleet.engine.leases.beat()
    await fleet.enqueue(device, PHONES[:5])
    await fleet.run(4)
    assert len(fleet.reached()) == 5


async def test_a_duty_that_comes_too_late_is_not_sent(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, state="offline")
    soon = fleet.clock.now() + timedelta(minutes=5)
    (duty,) = await fleet.enqueue(device, PHONES[:1], kind="auto_reply", priority=0, duty="optout_confirmation", expires_at=soon)
    await fleet.clock.advance(301)
    await fleet.set_device(device, state="online")
    await fleet.engine.leases.beat()
    await fleet.run(3)
    assert fleet.reached() == []
    assert (await row_of(fleet, duty))["state"] == "expired"


async def test_a_person_without_an_alias_waits(fleet: Fleet) -> None:
    """Nobody could look an opt-out up, so nothing is sent, and nothing is lost either."""
    (device,) = await fleet.add_devices(1)
    (made,) = await fleet.enqueue(device, PHONES[:1])
    await fleet.sql("DELETE FROM person_aliases")
    await fleet.run(2)
    assert (fleet.reached(), (await row_of(fleet, made))["waiting_for"]) == ([], "person_hold")


# ---------------------------------------------------------------- a restricted device


async def warm(fleet: Fleet, device: str, phone: str) -> None:
    sql = """INSERT INTO chats (workspace_id, device_id, person_id, first_in_at, last_in_at) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT (workspace_id, device_id, person_id) DO UPDATE SET last_in_at = $4"""
    await fleet.sql(sql, fleet.workspace, device, await fleet.person(phone), fleet.clock.now())


async def test_a_restricted_device_answers_warm_chats_and_moves_nothing(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await warm(fleet, device, PHONES[0])
    await fleet.enqueue(device, PHONES[:20])
    before = {row["id"]: (row["not_before"], row["device_id"]) for row in await fleet.rows()}
    await fleet.set_device(device, state="restricted", hold_until=fleet.clock.now() + timedelta(hours=2))
    await fleet.enqueue(device, PHONES[:2], kind="direct", priority=0)
    await fleet.enqueue(device, PHONES[:1], kind="auto_reply", priority=1)
    await fleet.run(10)
    assert fleet.reached() == [PHONES[0]] * 2
    rows = [row for row in await fleet.rows() if row["kind"] == "campaign"]
    assert {row["id"]: (row["not_before"], row["device_id"]) for row in rows} == before, "rows stay as they are"
    assert {row["waiting_for"] for row in rows} == {None}
    await fleet.set_device(device, state="online", hold_until=None)
    await fleet.run(30)
    assert len(fleet.reached()) == 23


async def test_a_refused_conversation_closes_the_lane_to_new_ones_alone(fleet: Fleet) -> None:
    """463 while no event says so: trust the refusal, and let answers go."""
    (device,) = await fleet.add_devices(1)
    ref = port.DeviceRef(device)
    await fleet.driver.simulate(ref, port.SimulatorAction("inbound", phone=PHONES[5], text="Hi"))
    await warm(fleet, device, PHONES[5])
    await fleet.driver.simulate(ref, port.SimulatorAction("restrict", for_seconds=7200))  # nobody listens to the event here
    (first, *_rest) = await fleet.enqueue(device, PHONES[:5])
    await fleet.run(3)
    assert await events_of(fleet, first) == [("deferred", "new_chats")]
    await fleet.enqueue(device, [PHONES[5]], kind="direct", priority=0)
    await fleet.run(10)
    assert fleet.reached() == [PHONES[5]]
    tried = [line for line in fleet.book.lines() if line.get("verdict") == "deferred"]
    assert len(tried) <= 1, "one refusal is enough"
    await fleet.set_device(device, state="restricted", state_since=fleet.clock.now())
    await fleet.driver.simulate(ref, port.SimulatorAction("online"))
    await fleet.clock.advance(5)
    await fleet.set_device(device, state="online", state_since=fleet.clock.now())  # the service lifted it: the refusal is over
    await fleet.engine.leases.beat()
    await fleet.run(10)
    assert set(fleet.reached()) == {*PHONES[1:6]}, "the refused one itself waits an hour"


# ---------------------------------------------------------------- new conversations


async def test_a_young_device_begins_so_many_conversations_a_day(fleet: Fleet) -> None:
    """Twenty on the first days; the rest wait for the day to end, all at once, and people it knows go on."""
    await fleet.set_rules(device_new_chats=None)
    (device,) = await fleet.add_devices(1, linked_at=fleet.clock.now())
    source = await fleet.add_source()
    made = await fleet.enqueue(device, PHONES[:50], source=source)
    await fleet.run(30)
    assert len(fleet.reached()) == 20
    rows = {row["id"]: row for row in await fleet.rows()}
    waiting = [rows[each] for each in made if rows[each]["state"] == "queued"]
    assert len(waiting) == 30
    assert {row["waiting_for"] for row in waiting} == {"device_limit"}, "one statement put them all off"
    assert len({row["not_before"] for row in waiting}) == 1
    assert await events_of(fleet, waiting[-1]["id"]) == [("wait", "device_limit")]
    await fleet.enqueue(device, [PHONES[0]])
    await fleet.run(3)
    assert fleet.reached()[-1] == PHONES[0], "an old conversation is outside the allowance"
    await fleet.clock.advance(25 * 3600)  # the day slides by whole hours
    await fleet.engine.leases.beat()
    await fleet.run(40)
    assert len(fleet.reached()) == 41
    (lane,) = await fleet.sql("SELECT used FROM lanes")
    assert windows.counts(lane["used"], fleet.clock.now()).chats == 20


async def test_conversations_are_known_by_device_and_person(fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    await fleet.enqueue(first, PHONES[:1])
    await fleet.enqueue(second, PHONES[:1])
    await fleet.enqueue(first, PHONES[:1])
    await fleet.run(5)
    found = await fleet.sql("SELECT l.used, c.first_out_at, c.last_out_at FROM chats c JOIN lanes l USING (device_id)")
    assert [windows.counts(row["used"], fleet.clock.now()).chats for row in found] == [1, 1]
    assert all(row["first_out_at"] <= row["last_out_at"] for row in found)


async def test_simulated_traffic_counts_for_no_real_device(fleet: Fleet) -> None:
    """Two messages a day to a person by real devices; what simulated ones sent them is nobody's business."""
    await fleet.set_rules(person_cap_day=2)
    simulated, real = await fleet.add_devices(2)
    await fleet.enqueue(simulated, PHONES[:1] * 2)
    await fleet.run(4)
    assert len(fleet.reached()) == 2
    await fleet.set_device(real, driver="cloud")
    hears = "INSERT INTO chats (workspace_id, device_id, person_id, first_in_at, last_in_at) VALUES ($1, $2, $3, $4, $4)"
    await fleet.sql(hears, fleet.workspace, real, await fleet.person(PHONES[0]), fleet.clock.now())
    made = await fleet.enqueue(real, PHONES[:1] * 3)
    fleet.engine = _with_driver(fleet, "cloud")
    await fleet.sql(
        "INSERT INTO policies (workspace_id, version, values, reason, at) VALUES ($1, 9, $2, 'For the test.', $3)",
        fleet.workspace,
        {"cloud": {"consent_mode": "mark", "quiet_start": 0, "quiet_end": 1440}},
        fleet.clock.now(),
    )
    await fleet.clock.advance(4)
    await fleet.engine.leases.beat()
    await fleet.run(6)
    states = [(await row_of(fleet, each))["reason"] for each in made]
    assert states == [None, None, "cap"]


def _with_driver(fleet: Fleet, name: str) -> Any:
    """An engine that reaches the same world under another driver's name."""
    return fleet.new_engine("simulator", name)


# ---------------------------------------------------------------- limits by the policy


async def test_a_device_column_may_only_be_stricter_than_the_policy(fleet: Fleet) -> None:
    await fleet.set_rules(device_per_hour=3)
    (device,) = await fleet.add_devices(1, per_hour=100)
    await fleet.enqueue(device, PHONES[:8])
    await fleet.run(20)
    assert len(fleet.reached()) == 3
    await fleet.set_rules(device_per_hour=5)
    await fleet.run(10)
    assert len(fleet.reached()) == 5, "a raised limit counts at once"
    await fleet.set_device(device, per_hour=6)
    await fleet.set_rules(device_per_hour=100)
    await fleet.run(10)
    assert len(fleet.reached()) == 6


async def test_the_policys_gap_is_a_floor(fleet: Fleet) -> None:
    await fleet.set_rules(device_gap=7)
    (device,) = await fleet.add_devices(1)
    await fleet.enqueue(device, PHONES[:4])
    await fleet.run(40)
    verdict = await fleet.verdict(gaps=7.0)
    assert (verdict.early, verdict.effects) == (0, 4), str(verdict)


async def test_a_campaigns_own_numbers_bind_it_alone(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    strict = await fleet.add_source(rules={"device_per_hour": 2, "person_cap_day": 1})
    await fleet.enqueue(device, PHONES[:10], source=strict)
    await fleet.enqueue(device, PHONES[10:15], source=await fleet.add_source())
    await fleet.run(20)
    reached = fleet.reached()
    assert [phone for phone in reached if phone in PHONES[:10]] == PHONES[:1], "the other campaign's count too"
    assert len(reached) == 6
    waiting = [row for row in await fleet.rows(strict) if row["state"] == "queued"]
    assert {row["waiting_for"] for row in waiting} == {"device_limit"}
    await fleet.clock.advance(3600 + 180)  # the hour slides by three minutes
    await fleet.engine.leases.beat()
    await fleet.run(5)
    assert len(fleet.reached()) == 8


# ---------------------------------------------------------------- the service's own words


async def test_a_refusal_because_of_a_block_is_an_opt_out(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (device,) = await fleet.add_devices(1)
    first, *_later = await fleet.enqueue(device, PHONES[:1] * 3, kind="direct")
    _answer(fleet, monkeypatch, {PHONES[0]: port.Rejected(port.Reason.OPTED_OUT)})
    await fleet.run(5)
    assert ((await row_of(fleet, first))["state"], (await row_of(fleet, first))["reason"]) == ("failed", "opted_out")
    assert {row["reason"] for row in await fleet.rows()} == {"opted_out"}
    (made,) = await fleet.sql("SELECT reason, source, device_id FROM suppressions")
    assert dict(made) == {"reason": "block", "source": "platform", "device_id": device}


def _answer(fleet: Fleet, patch: pytest.MonkeyPatch, verdicts: dict[str, port.Verdict]) -> None:
    """The gateway answers so for these numbers."""
    send = fleet.driver.send

    async def answer(device: port.DeviceRef, to: port.Address, *more: Any, **named: Any) -> port.Verdict:
        return verdicts.get(to.phone or "") or await send(device, to, *more, **named)

    patch.setattr(fleet.driver, "send", answer)


async def test_an_opt_out_is_not_lost_when_the_server_dies_before_it_writes(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The opt-out commits before the outcome: whatever dies in between, the person hears nothing more."""
    (device,) = await fleet.add_devices(1)
    await fleet.enqueue(device, PHONES[:1] * 2)
    _answer(fleet, monkeypatch, {PHONES[0]: port.Rejected(port.Reason.OPTED_OUT)})
    await fleet.engine.leases.beat()
    await fleet.engine.tick()
    await fleet.clock.advance(0.2)

    async def dies(*words: Any) -> None:
        raise db.DatabaseAway

    with monkeypatch.context() as patch:
        patch.setattr("hantar.outbox.store.record", dies)
        batch, fleet.engine.recorder.waiting = fleet.engine.recorder.waiting, []
        with pytest.raises(db.DatabaseAway):
            await fleet.engine.recorder.write(batch)
    assert len(await fleet.sql("SELECT 1 FROM suppressions")) == 1
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(4)
    await fleet.engine.leases.beat()
    await fleet.run(10)
    assert fleet.reached() == []
    assert {row["reason"] for row in await fleet.rows()} == {"opted_out"}


async def test_a_late_refusal_because_of_a_block_is_an_opt_out_too(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    (made,) = await fleet.enqueue(device, PHONES[:1])
    await fleet.run(2)
    wire = (await row_of(fleet, made))["wire_id"]
    event = port.MessageFailed(device_id=device, event_id="e", at=fleet.clock.now(), wire_id=wire, reason=port.Reason.OPTED_OUT)
    fleet.intake._batch.events.append(event)
    await fleet.intake.flush()
    assert [row["reason"] for row in await fleet.sql("SELECT reason FROM suppressions")] == ["block"]
    await fleet.enqueue(device, PHONES[:1])
    await fleet.run(2)
    assert len(fleet.reached()) == 1


async def test_twice_not_on_whatsapp_is_a_bounce(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (device,) = await fleet.add_devices(1)
    _answer(fleet, monkeypatch, {PHONES[0]: port.Rejected(port.Reason.NOT_ON_WHATSAPP)})
    await fleet.enqueue(device, PHONES[:1])
    await fleet.run(2)
    assert await fleet.sql("SELECT 1 FROM suppressions") == []
    await fleet.enqueue(device, PHONES[:1])
    await fleet.run(2)
    (made,) = await fleet.sql("SELECT reason, source FROM suppressions")
    assert dict(made) == {"reason": "bounce", "source": "platform"}
    (last,) = await fleet.enqueue(device, PHONES[:1])
    await fleet.run(2)
    assert (await row_of(fleet, last))["reason"] == "opted_out"


async def test_the_services_cap_closes_the_person_for_a_day(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (device,) = await fleet.add_devices(1)
    with monkeypatch.context() as patch:
        _answer(fleet, patch, {PHONES[0]: port.Rejected(port.Reason.CAPPED)})
        await fleet.enqueue(device, PHONES[:1])
        await fleet.run(2)
    (soon,) = await fleet.enqueue(device, PHONES[:1])
    await fleet.run(2)
    assert (await row_of(fleet, soon))["reason"] == "cap"
    await fleet.clock.advance(24 * 3600)
    await fleet.engine.leases.beat()
    await fleet.enqueue(device, PHONES[:1])
    await fleet.run(2)
    assert fleet.reached() == [PHONES[0]]


# ---------------------------------------------------------------- what is written down


async def test_what_came_back_is_kept_with_its_cause(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (device,) = await fleet.add_devices(1)
    slow = port.Deferred(timedelta(seconds=30), port.Scope.DEVICE, "Slow down.")
    with monkeypatch.context() as patch:
        _answer(fleet, patch, {PHONES[0]: slow})
        (made,) = await fleet.enqueue(device, PHONES[:1])
        await fleet.run(2)
    assert (await row_of(fleet, made))["claimed_at"] is None, "what certainly did not leave counts for no cap"
    with monkeypatch.context() as patch:
        _answer(fleet, patch, {PHONES[0]: port.DeviceLost(None, "Gone.")})
        await fleet.run(45)
    await fleet.engine.tick()
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(4)
    await fleet.engine.leases.beat()
    kinds = await events_of(fleet, made)
    assert kinds[0] == ("deferred", "device")
    assert ("lost", "device") in kinds
    assert kinds[-1] == ("rescued", "server_stopped")
    (detail,) = await fleet.sql("SELECT detail, until FROM message_events WHERE kind = 'deferred'")
    assert (detail["detail"], detail["until"] is not None) == ("Slow down.", True)


async def test_heads_that_do_not_go_hold_nobody_up(fleet: Fleet) -> None:
    """More lanes with held people than a tick takes: the others still get their turn."""
    blocked = await fleet.add_devices(6)
    (free,) = await fleet.add_devices(1)
    for number, device in enumerate(blocked):
        phones = PHONES[number * 5 : number * 5 + 5]
        for phone in phones:
            await hold(fleet, phone)
        await fleet.enqueue(device, phones)
    await fleet.enqueue(free, PHONES[40:41])
    await fleet.engine.leases.beat()
    for _ in range(4):
        taken, _ = await fleet.claim(most=3)
        if taken.to_send:
            break
        await fleet.clock.advance(0.1)
    assert [each.phone for each in taken.to_send] == [PHONES[40]]


# ---------------------------------------------------------------- I-16


async def outage(fleet: Fleet) -> tuple[dict[str, datetime], dict[str, str]]:
    """An hour of work at one message a minute, six hours without an engine, and the hours after."""
    (device,) = await fleet.add_devices(1)
    source = await fleet.add_source(gap=60)
    expires: dict[str, datetime] = {}
    phones = [f"60129{n:06d}" for n in range(120)]
    for number, phone in enumerate(phones):
        until = fleet.clock.now() + timedelta(minutes=30 + 5 * number)
        (made,) = await fleet.enqueue(device, [phone], source=source, expires_at=until)
        expires[made] = until
    await fleet.run(1200, step=5)
    await fleet.clock.advance(6 * 3600)
    await fleet.engine.leases.beat()
    for _ in range(12):
        await fleet.run(600, step=10)
        await fleet.engine.sweep()
    return expires, {row["wire_id"]: row["id"] for row in await fleet.rows() if row["wire_id"]}


def too_late(fleet: Fleet, expires: dict[str, datetime], ids: dict[str, str]) -> list[str]:
    """Effects in the ledger after their message's end and a step of the test's clock: what is claimed in time is on its way."""
    start = fleet.clock.now().timestamp() - fleet.clock.monotonic()
    sent = [line for line in fleet.book.lines() if line["effect"] == "sent"]
    return [line["to"] for line in sent if start + float(line["mono"]) - 10 > expires[ids[line["ref"]]].timestamp()]


async def test_after_six_hours_nothing_is_sent_too_late_and_nothing_faster(fleet: Fleet) -> None:
    """I-16."""
    expires, ids = await outage(fleet)
    assert too_late(fleet, expires, ids) == []
    verdict = await fleet.verdict(gaps=60.0)
    assert verdict.is_clean, str(verdict)
    states = await fleet.states()
    assert states["expired"] > 30
    assert verdict.effects > 50, "what was still in time went on"


async def test_mutant_without_expiry_is_too_late(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-16 mutant: neither the rules nor the claim look at the end."""
    judge, fetch = rules.judge, db.Tx.fetch

    def timeless(kind: Any, facts: Any, bound: Any, now: datetime, **more: Any) -> rules.Ruling:
        return judge(kind, facts, bound, now, **{**more, "expires_at": now + timedelta(days=1)})

    async def careless(self: db.Tx, sql: str, *values: Any) -> Any:
        return await fetch(self, sql.replace("AND m.expires_at > $1", ""), *values)

    async def never(*words: Any) -> list[Any]:
        return []

    monkeypatch.setattr(rules, "judge", timeless)
    monkeypatch.setattr(db.Tx, "fetch", careless)
    monkeypatch.setattr("hantar.outbox.store.end_late", never)
    expires, ids = await outage(fleet)
    assert too_late(fleet, expires, ids), "the mutant lives"


async def test_many_refusals_of_one_person_close_them_and_never_stop_the_engine(fleet: Fleet) -> None:
    """Refusals that come late may be many at once; the rest that doubles with each has an end."""
    (device,) = await fleet.add_devices(1)
    refused = await fleet.enqueue(device, PHONES[:1] * 40, state="queued")
    await fleet.sql("UPDATE messages SET state = 'claimed', claimed_at = $1", fleet.clock.now())
    await fleet.sql("UPDATE messages SET state = 'failed', reason = 'capped', ended_at = $1", fleet.clock.now())
    one, other = await fleet.enqueue(device, PHONES[:2])
    await fleet.run(3)
    assert len(refused) == 40
    assert (await row_of(fleet, one))["reason"] == "cap"
    assert fleet.reached() == [PHONES[1]]
    assert other
