"""Rules that are loosened count for what waits already; rules that are tightened count at the next claim anyway."""

import asyncio
from typing import Any

import pytest

from hantar.accounts.model import Caller, Role
from hantar.audit.service import Actor
from hantar.dispatch import recheck
from hantar.policy import service as policy
from tests.fleet import Fleet

BY = policy.By(Actor(None, "Alice"), Role.OWNER, is_person=True)


async def change(fleet: Fleet, **values: Any) -> None:
    async with fleet.db.transaction(fleet.workspace) as tx:
        await policy.change(tx, fleet.workspace, BY, policy.Wish("simulator", values, "x"))


@pytest.fixture
async def waiting(fleet: Fleet) -> Fleet:
    """Ten messages that wait because nothing leaves on a Tuesday, as today is."""
    [device] = await fleet.add_devices(1)
    await fleet.add_leads(device, [f"6012345678{n}" for n in range(10)])
    await fleet.launch(min_delay_seconds=0, max_delay_seconds=0)
    await change(fleet, quiet_days=[2])
    await fleet.run(5)
    rows = await fleet.rows()
    assert {row["waiting_for"] for row in rows} == {"quiet_hours"}
    assert min(row["not_before"] for row in rows) > fleet.clock.now()
    return fleet


async def test_what_waits_goes_when_the_rule_is_loosened(waiting: Fleet) -> None:
    service = recheck.Recheck(waiting.db, waiting.bus, waiting.clock)
    await change(waiting, quiet_days=None, person_cap_day=40)
    assert await service.look() == 10
    await waiting.run(60)
    assert set(await waiting.states()) <= {"sent", "delivered", "read"}
    assert await service.look() == 0


async def test_in_batches_each_message_is_looked_at_once(waiting: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck, "BATCH", 3)
    service = recheck.Recheck(waiting.db, waiting.bus, waiting.clock)
    await change(waiting, quiet_days=[1, 2], person_cap_day=40)
    assert await service.look() == 0, "that was tightened"
    await change(waiting, quiet_days=[2])
    assert await service.look() == 10
    await waiting.run(5)
    assert {row["waiting_for"] for row in await waiting.rows()} == {"quiet_hours"}, "Tuesday is still quiet"
    assert set(await waiting.states()) == {"queued"}


async def test_another_workspace_s_change_moves_nothing_here(waiting: Fleet, mallory: Caller) -> None:
    service = recheck.Recheck(waiting.db, waiting.bus, waiting.clock)
    async with waiting.db.transaction(mallory.workspace_id) as tx:
        await policy.change(tx, mallory.workspace_id, BY, policy.Wish("simulator", {"person_cap_day": 900}, "x"))
    assert await service.look() == 0
    async with waiting.db.door() as tx:
        await policy.lock(tx, BY, "simulator", "person_cap_day", 60, is_locked=False, reason="x")
    assert await service.look() == 10, "an administrator's change is everybody's"


async def test_the_service_hears_and_ends(waiting: Fleet) -> None:
    service, stop = recheck.Recheck(waiting.db, waiting.bus, waiting.clock), asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    await change(waiting, quiet_days=None)
    async with asyncio.timeout(10):
        while any(row["not_before"] > waiting.clock.now() for row in await waiting.rows()):
            await asyncio.sleep(0.01)
        stop.set()
        await task
