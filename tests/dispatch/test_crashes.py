"""Crashes at every point of a message's way, by a seeded hand, and the mutants that show the test can see what it looks for."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.dispatch import lanes as memory, pacing
from hantar.gateways.simulator import chance
from hantar.kit import clock, cluster, db
from hantar.outbox import model, receipts, store
from tests import checker
from tests.fleet import CALM, Fleet

pytestmark = pytest.mark.slow  # every point of a message's way, many times

GAP = 2.0
SEEDS = (1, 2, 3)


async def crash(fleet: Fleet) -> None:
    """The process dies: what was in flight or waited to be written is forgotten; the next waits for the lease to lapse."""
    _cut(fleet)
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(3.5)
    await fleet.engine.leases.beat()


def _cut(fleet: Fleet) -> None:
    flights = list(fleet.engine.sender.flights.values())
    fleet.engine.sender.flights.clear()
    for flight in flights:
        if flight.task is not None:
            flight.task.cancel()


def slow_wire(fleet: Fleet, hand: random.Random) -> None:
    """A failpoint: between our hand and the gateway up to a second passes."""
    send = fleet.driver.send

    async def late(*words: Any, **more: Any) -> Any:
        await fleet.clock.sleep(hand.uniform(0, 1))
        return await send(*words, **more)

    fleet.driver.send = late  # type: ignore[method-assign]


async def run_with_crashes(fleet: Fleet, seed: int, crashes: int = 12) -> checker.Verdict:
    """Ten devices, forty messages each way of dying: after the claim, in flight, after the answer, after the record."""
    hand = random.Random(seed)
    fleet.random = 0.0
    devices = await fleet.add_devices(4)
    for number, device in enumerate(devices):
        await fleet.add_leads(device, [f"60123{number}{n:05d}" for n in range(10)])
    await fleet.launch(min_delay_seconds=GAP, max_delay_seconds=GAP)
    for _ in range(crashes):
        await fleet.engine.leases.beat()
        await fleet.run(hand.uniform(0, 3))
        await fleet.engine.tick()
        point = hand.randrange(3)
        if point > 0:
            await fleet.clock.advance(hand.uniform(0, 0.1))
        if point == 2:
            await fleet.engine.flush()
        await crash(fleet)
    await fleet.run(180, step=0.2)
    return await fleet.verdict(gaps=GAP)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_slow", [False, True])
async def test_nothing_is_lost_doubled_or_early(fleet: Fleet, seed: int, is_slow: bool) -> None:
    if is_slow:
        slow_wire(fleet, random.Random(seed))
    verdict = await run_with_crashes(fleet, seed)
    assert verdict.is_clean, f"seed {seed}: {verdict}"
    assert verdict.effects == 40, f"seed {seed}: {verdict}"


async def _blind(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> Fleet:
    """A fleet whose gateway takes no id of ours and so drops no repeats, as a linked device does."""
    options: chance.Options = replace(CALM, caller_ids=False)
    made = Fleet(database, fake_clock, bus, alice.workspace_id, options)
    await made.start()
    return made


def _doubled(fleet: Fleet) -> list[str]:
    """People who got the campaign more than once, by the ledger alone."""
    reached = [line["to"] for line in fleet.book.lines() if line["effect"] == "sent"]
    return [phone for phone in set(reached) if reached.count(phone) > 1]


async def test_without_deduplication_nothing_goes_twice(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller
) -> None:
    blind = await _blind(database, fake_clock, bus, alice)
    await run_with_crashes(blind, 1)
    assert _doubled(blind) == []
    states = await blind.states()
    assert states.get("unknown", 0) > 0, "no crash hit a message in flight, so the test proves nothing"
    assert "queued" not in states
    await blind.close()


async def test_mutant_put_back_what_was_in_flight_doubles(
    database: db.Database,
    fake_clock: clock.FakeClock,
    bus: cluster.LocalBus,
    alice: Caller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I-02 mutant: rescue puts rows back although the gateway does not drop repeats."""
    rescue = store.rescue

    async def put_back(tx: db.Tx, shards: Any, deduplicating: Any, now: Any) -> Any:
        return await rescue(tx, shards, ["simulator"], now)

    monkeypatch.setattr(store, "rescue", put_back)
    blind = await _blind(database, fake_clock, bus, alice)
    for seed in (1, 2, 3):  # few deaths find a message that has left and is not recorded
        await run_with_crashes(blind, seed, crashes=40)
        if _doubled(blind):
            break
    assert _doubled(blind), "the mutant lives"
    await blind.close()


Mutate = Callable[[pytest.MonkeyPatch], None]


def _memory_pacing(patch: pytest.MonkeyPatch) -> None:
    """The claim reserves nothing: a restart has forgotten the gap."""
    reserve = pacing.reserve

    def forgetful(lane: Any, head: Any, now: Any, *more: Any) -> model.Slot:
        return replace(reserve(lane, head, now, *more), rest=0.0, gap=0.0)

    patch.setattr(pacing, "reserve", forgetful)


def _claim_only(patch: pytest.MonkeyPatch) -> None:
    """The claim reserves `now + gap` and the acknowledgement does not re-arm: a slow answer shortens the next gap."""
    reserve = pacing.reserve

    def short(lane: Any, head: Any, now: Any, timeout: Any, *more: Any) -> model.Slot:
        return reserve(lane, head, now, timedelta(), *more)

    record = store.record

    async def unarmed(tx: db.Tx, *values: Any) -> list[db.Row]:
        before = await tx.fetch("SELECT device_id, next_at FROM lanes")
        rows = await record(tx, *values)
        await tx.executemany("UPDATE lanes SET next_at = $2 WHERE device_id = $1", [tuple(each) for each in before])
        return rows

    patch.setattr(pacing, "reserve", short)
    patch.setattr(store, "record", unarmed)
    patch.setattr(memory.Lane, "floor", property(lambda self: 0.0, lambda self, value: None))


@pytest.mark.parametrize("mutate", [_memory_pacing, _claim_only])
async def test_mutants_of_pacing_are_early(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, mutate: Mutate) -> None:
    """I-05 mutants."""
    mutate(monkeypatch)
    slow_wire(fleet, random.Random(1))
    verdict = await run_with_crashes(fleet, 1)
    assert verdict.early > 0, f"the mutant lives: {verdict}"


async def test_mutant_sent_before_the_send_loses(fleet: Fleet) -> None:
    """I-03 mutant: the row says sent, the process dies, nothing ever left."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001"])
    await fleet.launch()
    await fleet.engine.leases.beat()
    fleet.engine.sender._leave = lambda flight: None  # type: ignore[method-assign] # nothing leaves yet
    await fleet.engine.tick()
    _cut(fleet)
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE messages SET state = 'sent' WHERE state = 'claimed'")
    await crash(fleet)
    assert (await fleet.verdict()).lost == 1


async def test_a_stale_holder_writes_nothing(fleet: Fleet) -> None:
    """A server that stood still past its lease: the row is with the next holder, and the late answer moves nothing twice."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001", "60123450002"])
    await fleet.launch(min_delay_seconds=60, max_delay_seconds=60)
    await fleet.engine.leases.beat()
    await fleet.engine.tick()
    await fleet.clock.advance(0.2)
    frozen = fleet.engine  # it has the answer and has not written it
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(4)
    await fleet.engine.leases.beat()
    assert (await fleet.states())["queued"] == 2
    await frozen.flush()
    assert (await fleet.states())["queued"] == 2, "a stale token moved a row that is somebody else's now"
    await fleet.run(200, step=0.5)
    verdict = await fleet.verdict()
    assert verdict.is_clean, str(verdict)
    assert verdict.effects == 2


async def test_a_claim_whose_commit_went_unanswered_is_put_back(fleet: Fleet) -> None:
    """F-04: the database committed the claim, the answer was lost; the message leaves once all the same."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001"])
    await fleet.launch()
    await fleet.engine.leases.beat()
    await fleet.claim()  # what the lost commit left behind
    assert await fleet.states() == {"claimed": 1}
    fleet.engine._in_doubt = True
    await fleet.run(60)
    verdict = await fleet.verdict()
    assert verdict.is_clean, str(verdict)
    assert verdict.effects == 1


async def test_a_receipt_before_the_answer_stays(fleet: Fleet) -> None:
    """The answer that comes late does not move the message back."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001"])
    await fleet.launch()
    await fleet.engine.leases.beat()
    await fleet.engine.tick()
    (row,) = await fleet.rows()
    async with fleet.db.system() as tx:
        await receipts.receipts(tx, [(device, row["wire_id"], "delivered", await tx.now())])
    await fleet.clock.advance(0.2)
    await fleet.engine.flush()
    (row,) = await fleet.rows()
    assert row["state"] == model.S.DELIVERED
    assert row["sent_at"] is not None


async def test_a_receipt_that_meets_a_rescue_finds_the_row_as_it_is(fleet: Fleet) -> None:
    """Both want the same row at once: the receipt waits, then sees that the row was put back, and keeps only its time."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001"])
    await fleet.launch()
    await fleet.engine.leases.beat()
    await fleet.engine.tick()
    (row,) = await fleet.rows()
    async with fleet.db.system() as rescue:
        await rescue.execute("UPDATE messages SET state = 'queued' WHERE id = $1", row["id"])

        async def receipt() -> None:
            async with fleet.db.system() as tx:
                await receipts.receipts(tx, [(device, row["wire_id"], "delivered", await tx.now())])

        waiting = asyncio.create_task(receipt())
        async with fleet.db.system() as watch:  # until the receipt stands in line for the row
            while not await watch.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
    await waiting
    (row,) = await fleet.rows()
    assert (row["state"], row["delivered_at"] is not None) == ("queued", True)
