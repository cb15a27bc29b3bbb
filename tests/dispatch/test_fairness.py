"""Turns and limits through the real engine: campaigns of one device, workspaces, sources, restarts."""

import json
from itertools import pairwise

import pytest

from hantar.accounts.model import Caller
from hantar.dispatch import engine
from hantar.kit import db
from hantar.outbox import lanes
from tests.failpoints import crowd, running
from tests.fleet import Fleet

ONE = {"min_delay_seconds": 1, "max_delay_seconds": 1}
"""A message a second from each device."""


async def order(fleet: Fleet) -> list[str]:
    """The sources of what was sent, in the order of the ledger."""
    by_wire = {row["wire_id"]: row["source_id"] for row in await fleet.rows()}
    return [by_wire[line["ref"]] for line in fleet.book.lines() if line["effect"] == "sent"]


async def test_two_campaigns_of_one_device_take_turns(fleet: Fleet) -> None:
    """The second one comes when the first has long begun, and is smaller."""
    (device,) = await fleet.add_devices(1, **ONE)
    first = await crowd(fleet, {device: 20})
    async with running(fleet) as at:
        await at.run(4.5)
        second = await crowd(fleet, {device: 4})
        at.engine.wake()
        await at.run(12)
    sent = await order(fleet)
    begin = sent.index(second)
    turns = sent[begin : begin + 8]
    assert turns.count(second) == turns.count(first) == 4
    assert sum(one == other for one, other in pairwise(turns)) <= 1, "a turn may be missed while a row is locked elsewhere"
    assert begin <= 7, "it waited for the first to end"


async def test_an_answer_goes_next(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, **ONE)
    await crowd(fleet, {device: 20})
    async with running(fleet) as at:
        await at.run(3.5)
        before = len(fleet.reached())
        await fleet.enqueue(device, ["60121111111"], kind="direct", priority=0, is_manual=True)
        at.engine.looks.at_devices([device])
        await at.run(3)
    assert fleet.reached()[before : before + 2].count("60121111111") == 1


async def neighbour(fleet: Fleet, mallory: Caller) -> tuple[Fleet, str]:
    """Another workspace with one device in the same world."""
    other = Fleet(fleet.db, fleet.clock, fleet.bus, mallory.workspace_id)
    other.line, other.driver, other.book = fleet.line, fleet.driver, fleet.book
    await other.set_rules()
    other.devices = list(fleet.devices)
    (device,) = await other.add_devices(1, **ONE)
    return other, device


@pytest.mark.slow
async def test_a_huge_campaign_does_not_hold_up_another_workspace(
    fleet: Fleet, mallory: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,000 messages on eight devices, three lanes in a claim: the neighbour's single device keeps its own pace."""
    monkeypatch.setattr(engine, "MOST", 3)
    devices = await fleet.add_devices(8, min_delay_seconds=0, max_delay_seconds=0)
    await fleet.set_rules(device_gap=0)
    await crowd(fleet, dict.fromkeys(devices, 250))
    other, lonely = await neighbour(fleet, mallory)
    await crowd(other, {lonely: 8})
    async with running(fleet) as at:
        await at.run(6.5)
    at_ = [float(line["mono"]) for line in fleet.book.lines() if line["effect"] == "sent" and line["device"] == lonely]
    mine = sum(1 for line in fleet.book.lines() if line["effect"] == "sent" and line["device"] != lonely)
    assert len(at_) >= 5, at_
    assert max(later - earlier for earlier, later in pairwise(at_)) < 1.6
    assert mine > 100


@pytest.mark.parametrize("most", [2, None])
async def test_so_many_devices_of_one_source_send_at_once(fleet: Fleet, most: int | None) -> None:
    """`workers_per_pool`; another source is not held up by one that has as many under way as it may."""
    devices = await fleet.add_devices(6, **ONE)
    source = await crowd(fleet, dict.fromkeys(devices, 2))
    send, under_way, peak = fleet.driver.send, 0, 0

    async def slow(*words: object, **more: object) -> object:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await fleet.clock.sleep(0.5)
        under_way -= 1
        return await send(*words, **more)  # type: ignore[arg-type]

    fleet.driver.send = slow  # type: ignore[method-assign,assignment]
    async with running(fleet, workers_per_pool=most) as at:
        await at.run(15)
    assert peak == (most or 6)
    assert await fleet.states(source) == {"sent": 12}


async def test_a_paused_campaign_is_not_read_past(fleet: Fleet) -> None:
    """However many rows wait behind a closed gate, a look touches a few pages, by what PostgreSQL says."""
    (device,) = await fleet.add_devices(1, **ONE)
    paused, source = await fleet.add_source(), await fleet.add_source()
    await crowd(fleet, {device: 3000}, min(paused, source))
    await fleet.sql("UPDATE sources SET is_open = false WHERE id = $1", min(paused, source))
    await crowd(fleet, {device: 3}, max(paused, source))
    await fleet.engine.leases.beat()
    async with fleet.db.hot() as tx:
        found = await lanes.waiting(tx, fleet.engine._node, await tx.now(), lanes.Scope(devices=[device]))
        plan = await tx.fetchval(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + lanes._WAITING + "l.device_id = ANY($3::uuid[])",
            fleet.engine._node,
            await tx.now(),
            [device],
        )
    assert [row["source_id"] for row in found] == [max(paused, source)]
    assert buffers(plan) < 3000 / 30, f"it read past the paused rows: {buffers(plan)} pages"
    async with running(fleet) as at:
        await at.run(6)
    assert await fleet.states(max(paused, source)) == {"sent": 3}
    assert await fleet.states(min(paused, source)) == {"queued": 3000}


def buffers(plan: object) -> int:
    """Pages that a statement touched."""
    (top,) = json.loads(plan) if isinstance(plan, str) else plan  # type: ignore[misc]
    return int(top["Plan"]["Shared Hit Blocks"]) + int(top["Plan"]["Shared Read Blocks"])


@pytest.mark.parametrize("is_mutant", [False, True])
async def test_limits_survive_a_restart(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, is_mutant: bool) -> None:
    """Four a minute, over three lives of the engine. Mutant: what was used is in memory alone."""
    if is_mutant:
        fetch = db.Tx.fetch

        async def forgetful(self: db.Tx, sql: str, *values: object) -> object:
            return await fetch(self, sql.replace("l.used", "NULL::bytea"), *values)

        monkeypatch.setattr(db.Tx, "fetch", forgetful)
    (device,) = await fleet.add_devices(1, per_minute=4, **ONE)
    await crowd(fleet, {device: 20})
    for _ in range(3):
        async with running(fleet) as at:
            await at.run(8)
    assert (len(fleet.reached()) > 4) is is_mutant
    async with running(fleet) as at:
        await at.run(60, step=0.5)
    if not is_mutant:
        instants = [float(line["mono"]) for line in fleet.book.lines() if line["effect"] == "sent"]
        assert len(instants) >= 8
        assert all(fifth - first > 60 for first, fifth in zip(instants, instants[4:], strict=False))
