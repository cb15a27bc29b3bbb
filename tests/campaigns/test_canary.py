"""The first few people go, the others wait until somebody lets them: counted as pending, cancelled and opted out like others."""

from datetime import timedelta
from typing import Any

import pytest

from hantar.campaigns import model, plan, progress, service
from hantar.consent import model as consents
from hantar.outbox import service as outbox
from tests.campaigns import crowd
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(220)]


async def states(fleet: Fleet, campaign: str) -> list[str]:
    return [row["state"] for row in await fleet.rows(campaign)]


async def counts(fleet: Fleet, campaign: str) -> Any:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return (await progress.of(tx, await service.find(tx, fleet.workspace, campaign))).counts


async def release(fleet: Fleet, campaign: str) -> model.Campaign:
    async with fleet.db.transaction(fleet.workspace) as tx:
        released = await service.release_canary(tx, fleet.workspace, campaign)
    await fleet.planner.release()
    return released


async def test_the_first_go_and_the_others_wait_over_all_pages(fleet: Fleet) -> None:
    """Pages are of fifty leads; seventy go first."""
    first, second = await fleet.add_devices(2)
    await fleet.add_leads(first, PHONES[:60])
    await fleet.add_leads(second, PHONES[60:120])
    campaign = await fleet.launch(canary=70)
    rows = await fleet.rows(campaign)
    assert [(row["state"], row["waiting_for"]) for row in rows] == [("queued", None)] * 70 + [("planned", "canary")] * 50
    found = await counts(fleet, campaign)
    assert (found.total, found.queued, found.pending) == (120, 70, 50)
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert (await service.find(tx, fleet.workspace, campaign)).is_waiting_for_canary


async def test_nobody_else_is_sent_before_somebody_lets_them(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:8])
    campaign = await fleet.launch(canary=3, min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(20, step=0.5)
    await fleet.watcher.look()
    assert (await states(fleet, campaign)).count("planned") == 5
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert (await service.find(tx, fleet.workspace, campaign)).status is model.C.PROCESSING  # it has not ended
    before = (await fleet.rows(campaign))[-1]["expires_at"]
    await fleet.clock.advance(5 * 3600)
    await fleet.engine.leases.beat()
    released = await release(fleet, campaign)
    assert released.canary_passed_at == fleet.clock.now()
    assert not released.is_waiting_for_canary
    assert (await fleet.rows(campaign))[-1]["expires_at"] >= before + timedelta(hours=5)
    await fleet.run(20, step=0.5)
    assert set(await states(fleet, campaign)) <= {"sent", "delivered", "read"}


async def test_a_second_release_changes_nothing_and_without_a_canary_there_is_none(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    campaign = await fleet.launch(canary=2)
    first = await release(fleet, campaign)
    fleet.clock.jump(timedelta(minutes=1))
    assert (await release(fleet, campaign)).canary_passed_at == first.canary_passed_at
    with pytest.raises(model.NoCanary):
        await release(fleet, await fleet.launch())


async def test_released_while_it_is_planned_the_rest_is_queued(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:120])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await service.create(tx, fleet.workspace, fleet.draft(canary=10))
    campaign = made.campaign.id
    await fleet.planner._start_due()
    await fleet.planner._write_page(fleet.workspace, campaign)
    assert (await states(fleet, campaign)).count("planned") == 40
    await release(fleet, campaign)
    await fleet.planner.look()
    assert await states(fleet, campaign) == ["queued"] * 120


async def test_who_waits_can_opt_out_and_be_cancelled(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    campaign = await fleet.launch(canary=1)
    person = await crowd.person_of(fleet, PHONES[3])
    async with fleet.db.transaction(fleet.workspace) as tx:
        asked = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD)
        await outbox.opt_out(tx, fleet.workspace, person, asked)
    assert await states(fleet, campaign) == ["queued", "planned", "planned", "suppressed"]
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.cancel(tx, fleet.workspace, campaign)
    assert await states(fleet, campaign) == ["cancelled"] * 3 + ["suppressed"]


async def test_it_is_proposed_from_two_hundred_people_where_the_rules_speak_of_it(fleet: Fleet) -> None:
    async def proposed(**more: Any) -> Any:
        async with fleet.db.transaction(fleet.workspace) as tx:
            draft = fleet.draft(**{"text": crowd.STOP, **more})
            return (await plan.make(tx, fleet.workspace, draft, None)).canary

    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:200])
    assert await proposed() is None  # the simulator has none
    named = await proposed(rules={"canary_size": 50, "canary_wait": 1800})
    assert (named.size, named.wait_seconds) == (50, 1800)
    assert await proposed(rules={"canary_size": 50}, canary=20) is None
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("DELETE FROM leads WHERE phone = $1", PHONES[0])
    assert await proposed(rules={"canary_size": 50}) is None
