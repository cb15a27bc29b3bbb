"""Failpoints of an engine that runs by itself: slow writer, slow claim, lost answers, a database that is away, a stop under load.

Each invariant has its mutant here or in `test_crashes.py`.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from hantar.accounts.model import Caller
from hantar.dispatch import engine, leases, recording, sending
from hantar.gateways import port
from hantar.gateways.simulator import chance
from hantar.kit import clock, cluster, db
from hantar.outbox import model, store
from tests.failpoints import Running, crowd, running
from tests.fleet import CALM, Fleet

ONE = {"min_delay_seconds": 1, "max_delay_seconds": 1}
"""A message a second from each device."""


@pytest.fixture
async def blind(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> AsyncIterator[Fleet]:
    """A fleet whose gateway takes no id of ours and so drops no repeats, as a linked device does."""
    options = chance.Options(**{name: getattr(CALM, name) for name in CALM.__slots__} | {"caller_ids": False})
    made = Fleet(database, fake_clock, bus, alice.workspace_id, options)
    await made.start()
    yield made
    await made.close()


async def begun(fleet: Fleet, devices: int, each: int, gap: float = 1.0) -> list[str]:
    """Devices with as many messages each, and this pause."""
    made = await fleet.add_devices(devices, min_delay_seconds=gap, max_delay_seconds=gap)
    await crowd(fleet, dict.fromkeys(made, each))
    return made


async def assert_all_sent(fleet: Fleet, count: int, gap: float = 1.0) -> None:
    """Each left once, none early, and the table says so."""
    verdict = await fleet.verdict(gaps=gap)
    assert verdict.is_clean, str(verdict)
    assert (verdict.effects, await fleet.states()) == (count, {"sent": count})


def slow_wire(fleet: Fleet, seconds: float, only: str | None = None) -> None:
    """A failpoint: so long it takes until a message is at the gateway (of one device alone)."""
    send = fleet.driver.send

    async def late(device: port.DeviceRef, *words: Any, **more: Any) -> Any:
        if only in (None, device.device_id):
            await fleet.clock.sleep(seconds)
        return await send(device, *words, **more)

    fleet.driver.send = late  # type: ignore[method-assign]


# ---------------------------------------------------------------- slow writer


async def test_a_slow_writer_loses_nothing_and_its_lanes_wait(fleet: Fleet) -> None:
    """A lane goes on when its outcome is written and not when it is known."""
    await begun(fleet, 4, 4)
    async with running(fleet) as at:
        at.db.slow["record"] = 3.0
        await at.run(25)
    await assert_all_sent(fleet, 16, gap=3.0)


@pytest.mark.parametrize("is_mutant", [False, True])
async def test_past_the_bound_of_what_waits_nothing_is_claimed(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, is_mutant: bool
) -> None:
    """Outcomes in memory are possible doubts: their number has a bound. Mutant: nobody looks at it."""
    monkeypatch.setattr(engine, "MAX_WAITING", 3)
    monkeypatch.setattr(engine, "MOST", 2)
    if is_mutant:
        monkeypatch.setattr(engine.Engine, "_is_choked", False)
    await begun(fleet, 16, 1)
    waiting: list[int] = []
    async with running(fleet) as at:
        claim = at.engine._claim

        async def watched(turns: Any) -> None:
            waiting.append(len(at.engine.recorder.waiting))
            await claim(turns)

        at.engine._claim = watched  # type: ignore[method-assign]
        at.db.slow["record"] = 5.0
        await at.run(4, step=0.02)
        was_choked = len(at.engine.recorder.waiting) > 3
        await at.run(20)
    await assert_all_sent(fleet, 16)
    assert was_choked
    assert (max(waiting) > 3) is is_mutant


# ---------------------------------------------------------------- slow claim, claims that break


async def test_a_claim_may_take_longer_than_a_tick(fleet: Fleet) -> None:
    await begun(fleet, 4, 4)
    async with running(fleet) as at:
        at.db.slow["claim"] = 0.7
        await at.run(20)
    await assert_all_sent(fleet, 16)


@pytest.mark.slow
async def test_what_a_claim_longer_than_a_lease_took_does_not_leave(fleet: Fleet) -> None:
    """Who holds the lease by then is not known, so nothing is sent; however long that goes on, no message fails for it."""
    await begun(fleet, 2, 2)
    async with running(fleet) as at:
        at.db.slow["claim"] = 4.0
        await at.run(60)
        assert (await fleet.verdict()).effects == 0
        assert set(await fleet.states()) <= {"queued", "claimed"}
        at.db.slow.clear()
        await at.run(25)
    await assert_all_sent(fleet, 4)


async def test_a_claim_that_fails_before_its_commit_is_made_again(fleet: Fleet) -> None:
    await begun(fleet, 3, 2)
    async with running(fleet) as at:
        at.db.fails["claim"] = 3
        await at.run(20)
        assert at.engine.figures.away >= 3
    await assert_all_sent(fleet, 6)


async def lost_claims(fleet: Fleet) -> None:
    """Two claims are committed and nobody hears of it (F-04)."""
    await begun(fleet, 3, 3)
    async with running(fleet) as at:
        await at.run(1.5)
        at.db.loses["claim"] = 2
        await at.run(50)
        assert at.db.loses["claim"] == 0


async def test_a_claim_whose_commit_went_unanswered_leaves_once(fleet: Fleet) -> None:
    await lost_claims(fleet)
    await assert_all_sent(fleet, 9)


async def test_mutant_nobody_looks_for_unanswered_claims(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was claimed and never heard of stays open for ever."""

    async def nothing(*words: Any) -> list[Any]:
        return []

    monkeypatch.setattr(store, "put_back", nothing)
    await lost_claims(fleet)
    assert (await fleet.states()).get("claimed", 0) > 0, "the mutant lives"


async def test_outcomes_whose_commit_went_unanswered_count_once(fleet: Fleet) -> None:
    """They are written again; that changes nothing."""
    await begun(fleet, 3, 2)
    async with running(fleet) as at:
        at.db.loses["record"] = 2
        await at.run(15)
        assert at.db.loses["record"] == 0
    await assert_all_sent(fleet, 6)
    assert {row["attempts"] for row in await fleet.rows()} == {1}


# ---------------------------------------------------------------- a lapsed owner


async def frozen_and_thawed(fleet: Fleet) -> None:
    """A server stands still between claim and send until another one has its device and sends (I-06), then it goes on."""
    await begun(fleet, 1, 2)
    old, thaw = fleet.engine, asyncio.Event()
    leave, frozen = old.sender._leave, list[sending.Flight]()
    old.sender._leave = frozen.append  # type: ignore[method-assign]
    old.sender._timer = asyncio.create_task(thaw.wait())  # type: ignore[arg-type] # its deadlines stand still too
    await old.leases.beat()
    await old.tick()
    assert await fleet.states() == {"claimed": 1, "queued": 1}
    await fleet.clock.advance(4)
    fleet.engine = fleet.new_engine()
    await fleet.engine.leases.beat()
    await fleet.run(7.7)  # until its slot, and no longer
    assert (await fleet.verdict()).effects == 1
    thaw.set()
    for flight in frozen:
        leave(flight)
    await fleet.clock.advance(0.2)
    await old.tick()
    await old.flush()
    await fleet.run(5)


async def test_a_lapsed_owner_sends_nothing(fleet: Fleet) -> None:
    """I-06, by the tokens that the simulator sees."""
    await frozen_and_thawed(fleet)
    await fleet.run(20)
    verdict = await fleet.verdict(gaps=1.0)
    assert verdict.is_clean, str(verdict)
    assert verdict.effects == 2


async def test_mutant_a_lapsed_owner_goes_on(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-06 mutant: nobody asks how long ago the claim was."""
    monkeypatch.setattr(sending, "STOOD_STILL", float("inf"))
    await frozen_and_thawed(fleet)
    assert (await fleet.verdict()).forbidden == 1, "the mutant lives"


async def late_answer(fleet: Fleet, verdict: port.Verdict) -> None:
    """An owner that has the answer and stands still until another one has its device and, if it may, the row in flight again."""
    await begun(fleet, 1, 1)
    old = fleet.engine
    await old.leases.beat()
    await old.tick()
    ((_, flight),) = old.sender.flights.items()
    old.sender._land(flight, verdict)
    await fleet.clock.advance(4)
    fleet.engine = fleet.new_engine()
    await fleet.engine.leases.beat()
    await fleet.clock.advance(12)
    await fleet.engine.leases.beat()
    await fleet.engine.tick()
    await old.flush()


async def test_a_late_answer_is_evidence_and_nothing_else(blind: Fleet) -> None:
    """It settles what is in doubt, and does not touch the next owner's slot."""
    accepted = port.Accepted("W1", blind.clock.now())
    await late_answer(blind, accepted)
    assert await blind.states() == {"sent": 1}
    assert [row["next_at"] < blind.clock.now() for row in await blind.sql("SELECT next_at FROM lanes")] == [True]


async def test_a_late_deferral_moves_nothing(blind: Fleet) -> None:
    await late_answer(blind, port.Deferred(timedelta(seconds=1)))
    assert await blind.states() == {"unknown": 1}


@pytest.mark.parametrize("is_mutant", [False, True])
async def test_a_late_answer_moves_no_row_of_another_owner(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, is_mutant: bool
) -> None:
    """The row is in flight again under a higher token. Mutant: the record takes any token."""
    record = store.record

    async def any_token(tx: db.Tx, outcomes: list[model.Outcome], ages: list[float]) -> Any:
        for each in outcomes:
            each.token = await tx.fetchval("SELECT token FROM messages WHERE id = $1", each.id) or each.token
        return await record(tx, outcomes, ages)

    if is_mutant:
        monkeypatch.setattr(store, "record", any_token)
    await late_answer(fleet, port.Deferred(timedelta(seconds=60)))
    assert await fleet.states() == {"queued" if is_mutant else "claimed": 1}


# ---------------------------------------------------------------- a stop under load


async def stopped_under_load(fleet: Fleet) -> None:
    """Six devices whose gateway takes two seconds; told to stop while all are at it."""
    slow_wire(fleet, 2.0)
    await begun(fleet, 6, 3)
    async with running(fleet) as at:
        await at.until(lambda: len(at.engine.sender.flights) == 6, 10)
        await at.run(1)
        await at.end()


async def test_a_stop_under_load_leaves_no_doubt_and_no_lease(fleet: Fleet) -> None:
    """F-39: what is in flight ends, nothing is unknown, and the next server goes on at once."""
    await stopped_under_load(fleet)
    assert await fleet.states() == {"sent": 6, "queued": 12}
    other = fleet.new_engine()
    assert await other.leases.beat() == 64
    async with running(fleet) as at:
        await other.leases.give_back()
        await at.run(15)
    await assert_all_sent(fleet, 18)


async def test_mutant_a_stop_that_cuts_what_is_in_flight(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-39 mutant."""

    async def cut(sender: sending.Sender, seconds: float) -> None:
        for flight in list(sender.flights.values()):
            if flight.task is not None:
                flight.task.cancel()

    monkeypatch.setattr(sending.Sender, "land", cut)
    await stopped_under_load(fleet)
    assert (await fleet.states()).get("unknown") == 6, "the mutant lives"


# ---------------------------------------------------------------- a gateway that hangs


async def rates(fleet: Fleet) -> tuple[int, int, int]:
    """What the healthy ones of eight devices sent in 12 s before one began to hang and in 12 s after, and what that one sent."""
    devices = await begun(fleet, 8, 30)
    bad = devices[0]
    async with running(fleet) as at:
        await at.run(3)
        began = fleet.clock.monotonic()
        await at.run(12)
        slow_wire(fleet, 3600, only=bad)
        at.engine.sender._drivers = {"simulator": fleet.driver}
        turned = fleet.clock.monotonic()
        await at.run(13)
    began, turned = began + 0.5, turned + 0.5  # not at the instant at which all of them send
    lines = [(line["device"], float(line["mono"])) for line in fleet.book.lines() if line["effect"] == "sent"]
    before = sum(1 for device, at_ in lines if device != bad and began <= at_ < turned)
    after = sum(1 for device, at_ in lines if device != bad and turned <= at_ < turned + 12)
    return before, after, sum(1 for device, at_ in lines if device == bad and turned <= at_ < turned + 12)


@pytest.mark.slow
async def test_a_gateway_that_hangs_holds_one_lane(fleet: Fleet) -> None:
    """F-08, I-22: its message is in doubt after the deadline; all others go on as before."""
    before, after, hung = await rates(fleet)
    assert (after >= 0.95 * before, hung) == (True, 0), (before, after, hung)
    assert (await fleet.states()).get("unknown", 0) >= 1


@pytest.mark.slow
async def test_mutant_all_wait_for_the_slowest(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-22 mutant: a tick waits until everything in flight has landed."""
    monkeypatch.setattr(engine.Engine, "_is_choked", property(lambda self: bool(self.sender.flights)))
    before, after, _ = await rates(fleet)
    assert after < 0.95 * before, "the mutant lives"


# ---------------------------------------------------------------- a database that is away


async def away_for_30_s(fleet: Fleet, *, is_busy: bool = False) -> int:
    """The database is gone for 30 s in mid-run; returns how often it was asked meanwhile."""
    await begun(fleet, 4, 8)
    async with running(fleet) as at:
        await at.run(3.05)
        at.db.is_away = True
        await at.run(30)
        refused = at.db.refused
        assert at.engine.figures.away > 3
        at.db.is_away = False
        if not is_busy:
            sent = (await fleet.verdict()).effects
            await at.run(16)
            assert (await fleet.verdict()).effects > sent, "it did not go on by itself"
            await at.run(30)
    return refused


async def test_a_database_away_is_asked_now_and_then_and_all_goes_on_after(fleet: Fleet) -> None:
    """F-02, F-05: a dozen questions a second over all parts of the engine at most."""
    refused = await away_for_30_s(fleet)
    assert refused <= 30 * 12, refused
    await assert_all_sent(fleet, 32)


async def test_mutant_no_rest_is_a_busy_loop(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LONGEST_REST", 0.0)
    assert await away_for_30_s(fleet, is_busy=True) > 30 * 12, "the mutant lives"


async def test_mutant_outcomes_are_dropped_while_it_is_away(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-01, I-03 mutant: what was sent stays claimed, and without the ids that a rescue would give it is in doubt."""

    async def forgetful(recorder: recording.Recorder) -> None:
        batch, recorder.waiting = recorder.waiting, []
        with contextlib.suppress(db.DatabaseAway):
            await recorder.write(batch)

    monkeypatch.setattr(recording.Recorder, "flush", forgetful)
    await begun(fleet, 2, 1)
    async with running(fleet) as at:
        at.db.fails["record"] = 1
        await at.run(10)
        assert (await fleet.states()).get("claimed", 0) > 0, "the mutant lives"


# ---------------------------------------------------------------- clocks


@pytest.mark.slow
async def test_a_clock_an_hour_off_makes_nothing_early_and_no_burst(fleet: Fleet) -> None:
    """F-07: forward, back, forward, with a restart in between; judged by the gateway's own time."""
    await begun(fleet, 3, 12, gap=5.0)
    for number, hours in enumerate((1, -1, 1)):
        async with running(fleet) as at:
            await at.run(7)
            fleet.clock.jump(timedelta(hours=hours))
            await at.run(24 + number)
    verdict = await fleet.verdict(gaps=5.0)
    assert verdict.is_clean or verdict.lost == (await fleet.states()).get("queued", 0), str(verdict)
    assert (verdict.early, verdict.duplicated) == (0, 0), str(verdict)
    assert verdict.effects >= 3 * 6, "it stood still"


@pytest.mark.parametrize("is_mutant", [False, True])
async def test_a_jump_of_the_clock_that_moves_devices_to_another_server_shortens_no_gap(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, is_mutant: bool
) -> None:
    """I-05, F-07: all leases lapse at once, and who takes them did not send the last messages. Mutant: it asks the wall alone."""
    if is_mutant:
        monkeypatch.setattr(leases, "JUMP", float("inf"))
    await begun(fleet, 3, 3, gap=20.0)
    other = fleet.new_engine()
    await fleet.engine.leases.beat()
    await other.leases.beat()
    await fleet.run(3)
    await other.leases.beat()
    fleet.clock.jump(timedelta(hours=1))
    fleet.engine, first = other, fleet.engine
    assert await other.leases.beat() == 64
    await first.leases.beat()
    await fleet.run(70, step=0.5)
    verdict = await fleet.verdict(gaps=20.0)
    assert verdict.effects >= 6, str(verdict)
    assert (verdict.early > 0) is is_mutant, str(verdict)


# ---------------------------------------------------------------- poison


async def poison(fleet: Fleet, phone: str) -> None:
    """PostgreSQL refuses to claim a message to this number."""
    owner = await asyncpg.connect(fleet.db.dsn)
    await owner.execute(
        f"""CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE 'poison' USING ERRCODE = 'check_violation'; END $$;
            CREATE TRIGGER poison BEFORE UPDATE ON messages FOR EACH ROW
              WHEN (NEW.state = 'claimed' AND NEW.phone = '{phone}') EXECUTE FUNCTION poison()"""
    )
    await owner.close()


async def poisoned(fleet: Fleet) -> tuple[str, str]:
    """Five devices with two messages each; PostgreSQL refuses to claim a message of one of them. Returns that device."""
    devices = await begun(fleet, 5, 2)
    phone = (await fleet.sql("SELECT phone FROM messages WHERE device_id = $1 ORDER BY not_before, id LIMIT 1", devices[2]))[0]
    await poison(fleet, phone["phone"])
    return devices[2], phone["phone"]


async def test_a_claim_that_postgresql_refuses_stops_one_lane(fleet: Fleet) -> None:
    bad, _ = await poisoned(fleet)
    async with running(fleet) as at:
        await at.run(10)
        left = Counter(row["device_id"] for row in await fleet.rows() if row["state"] == "queued")
        assert left == {bad: 2}
        owner = await asyncpg.connect(fleet.db.dsn)
        await owner.execute("DROP TRIGGER poison ON messages")
        await owner.close()
        await at.run(engine.LATE_EVERY + 5)
    await assert_all_sent(fleet, 10)


async def test_mutant_a_refused_claim_stops_the_engine(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await poisoned(fleet)
    monkeypatch.setattr(engine.Engine, "_claim", engine.Engine._take)
    await fleet.engine.leases.give_back()
    at = Running(fleet)
    await at.start()
    with pytest.raises(asyncpg.CheckViolationError):
        await at.run(5)
    await at.db.close()


async def test_a_database_that_goes_away_beside_a_refused_claim_keeps_no_lane(fleet: Fleet) -> None:
    """While the lanes of a refused claim are asked one by one, the database goes away: all others go on after."""
    bad, _ = await poisoned(fleet)
    async with running(fleet) as at:
        take, calls = at.engine._take, 0

        async def second_fails(turns: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise db.DatabaseAway
            await take(turns)

        at.engine._take = second_fails  # type: ignore[method-assign]
        await at.run(20)
        left = Counter(row["device_id"] for row in await fleet.rows() if row["state"] == "queued")
        assert left == {bad: 2}
        assert calls > 2


async def test_an_outcome_that_postgresql_refuses_is_in_doubt_and_holds_up_nobody(fleet: Fleet) -> None:
    """A gateway's words hold what no text of PostgreSQL can: that message goes to a person, and the rest is written."""
    devices = await begun(fleet, 4, 2)
    send = fleet.driver.send
    spoilt: list[str] = []

    async def rude(device: port.DeviceRef, *words: Any, **more: Any) -> Any:
        verdict = await send(device, *words, **more)
        if device.device_id == devices[1] and not spoilt:
            spoilt.append(device.device_id)
            return port.Rejected(port.Reason.NOT_ON_WHATSAPP, "no \x00 such")
        return verdict

    fleet.driver.send = rude  # type: ignore[method-assign]
    async with running(fleet) as at:
        await at.run(30)
    assert await fleet.states() == {"sent": 7, "unknown": 1}


# ---------------------------------------------------------------- gates and durability


@pytest.mark.parametrize("is_mutant", [False, True])
async def test_a_closed_gate_bites_within_one_message_per_device(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, is_mutant: bool
) -> None:
    """I-15. Mutant: the gate is remembered as it was."""
    if is_mutant:
        fetch = db.Tx.fetch

        async def remembered(self: db.Tx, sql: str, *values: Any) -> Any:
            return await fetch(self, sql.replace("coalesce(s.is_open, true)", "true").replace("NOT s.is_open", "false"), *values)

        monkeypatch.setattr(db.Tx, "fetch", remembered)
    devices = await fleet.add_devices(3, **ONE)
    source = await fleet.add_source()
    await crowd(fleet, dict.fromkeys(devices, 6), source)
    async with running(fleet) as at:
        await at.run(2.5)
        before = (await fleet.verdict()).effects
        await fleet.sql("UPDATE sources SET is_open = false WHERE id = $1", source)
        await at.run(8)
        after = (await fleet.verdict()).effects - before
    assert (after > len(devices)) is is_mutant


@pytest.mark.parametrize("is_mutant", [False, True])
async def test_every_commit_is_on_disk_before_it_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, is_mutant: bool) -> None:
    """I-04: the server of tests has `synchronous_commit=off`, and no connection of ours takes that over. Mutant: it does."""
    if is_mutant:
        create = asyncpg.create_pool

        def trusting(*words: Any, server_settings: dict[str, str], **more: Any) -> Any:
            kept = {name: value for name, value in server_settings.items() if name != "synchronous_commit"}
            return create(*words, server_settings=kept, **more)

        monkeypatch.setattr(asyncpg, "create_pool", trusting)
    fresh = db.Database(fleet.db.dsn, key=fleet.db.key, clock=fleet.clock)
    found = set()
    for door in (fresh.system(), fresh.hot(), fresh.transaction(fleet.workspace), fresh.door()):
        async with door as tx:
            found.add(await tx.fetchval("SHOW synchronous_commit"))
    await fresh.close()
    assert found == ({"off"} if is_mutant else {"on"})
