"""The end of a campaign is seen by events, and by a look from time to time where their facts were lost."""

import asyncio
from typing import Any

from hantar.campaigns import progress
from hantar.kit import cluster
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(3)]


async def _status(fleet: Fleet, campaign: str) -> str:
    (row,) = await fleet.sql("SELECT status FROM campaigns WHERE id = $1", campaign)
    return str(row["status"])


async def _sent_unheard(fleet: Fleet) -> str:
    """All messages of a campaign are sent, and nobody heard of it."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES)
    campaign = await fleet.launch()
    for state in ("claimed", "sent"):
        await fleet.sql("UPDATE messages SET state = $2 WHERE source_id = $1 RETURNING 1", campaign, state)
    return campaign


async def _pass(fleet: Fleet, seconds: float) -> None:
    """Let time pass; the database answers in real time."""
    for _ in range(round(seconds)):
        await fleet.clock.advance(1)
        await asyncio.sleep(0.02)


async def test_a_campaign_ends_at_the_next_check_when_its_facts_were_lost(fleet: Fleet) -> None:
    campaign = await _sent_unheard(fleet)
    watcher = progress.Watcher(fleet.db, fleet.bus, fleet.clock, check_every=30)
    stop = asyncio.Event()
    running = asyncio.create_task(watcher.run(stop))
    await _pass(fleet, 25)
    assert await _status(fleet, campaign) == "processing"
    await _pass(fleet, 10)
    assert await _status(fleet, campaign) == "finished"
    stop.set()
    await _pass(fleet, 3)
    await asyncio.wait_for(running, 5)


async def test_telling_that_takes_long_keeps_nothing_from_ending(fleet: Fleet, bus: cluster.LocalBus) -> None:
    campaign = await _sent_unheard(fleet)
    watcher = progress.Watcher(fleet.db, fleet.bus, fleet.clock, check_every=30)
    told: list[Any] = []

    async def slowly() -> None:
        told.append(fleet.clock.monotonic())
        await fleet.clock.sleep(4)

    watcher.tell = slowly  # type: ignore[method-assign]
    stop = asyncio.Event()
    running = asyncio.create_task(watcher.run(stop))
    await _pass(fleet, 36)
    assert len(told) == 1
    await fleet.sql("UPDATE campaigns SET status = 'processing' WHERE id = $1 RETURNING 1", campaign)
    bus.publish(cluster.Fact("message.status", fleet.workspace, {"campaign_id": campaign}))
    await _pass(fleet, 3)
    assert await _status(fleet, campaign) == "finished"
    assert len(told) == 1
    stop.set()
    await _pass(fleet, 3)
    await asyncio.wait_for(running, 5)
