"""What a plan's hash promises: people may drop out of it; nobody joins without a new look."""

from datetime import timedelta
from typing import Any

import pytest

from hantar.campaigns import model, plan, service, store
from tests.campaigns import crowd
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(40)]


async def held(fleet: Fleet, **more: Any) -> tuple[str, Any]:
    """A campaign that waits, and its plan."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await service.create(tx, fleet.workspace, fleet.draft(**{"text": crowd.STOP, **more}), hold=True)
        return made.campaign.id, await plan.make(tx, fleet.workspace, made.campaign.draft, made.campaign.id)


async def start(fleet: Fleet, campaign: str, plan_hash: str) -> model.Campaign:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await service.start(tx, fleet.workspace, campaign, plan_hash)


async def test_who_dropped_out_since_is_no_change(fleet: Fleet) -> None:
    """An opt-out, a hold, a cap reached, a lead deleted: the others get it."""
    (device,) = await fleet.add_devices(1)
    leads = await fleet.add_leads(device, PHONES[:6])
    campaign, made = await held(fleet, rules={"person_cap_day": 1})
    assert made.shares.will_send == 6
    await crowd.opt_out(fleet, PHONES[0])
    await crowd.hold(fleet, PHONES[1])
    await crowd.wrote_to(fleet, device, PHONES[2], fleet.clock.now() - timedelta(minutes=5))
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("DELETE FROM leads WHERE id = $1", leads[3])
    assert (await start(fleet, campaign, made.hash)).status == "pending"
    await fleet.planner.look()
    assert [row["phone"] for row in await fleet.rows(campaign)] == PHONES[4:6]


async def test_a_newcomer_needs_a_new_plan_and_is_named(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign, made = await held(fleet)
    (new,) = await fleet.add_leads(device, PHONES[3:4])
    await crowd.opt_out(fleet, PHONES[0])
    with pytest.raises(model.PlanChanged) as refused:
        await start(fleet, campaign, made.hash)
    details = refused.value.details
    assert (details["added"], details["removed"]) == (1, 1)
    assert [each["lead_id"] for each in details["added_people"]] == [new]
    assert [each["phone"] for each in details["removed_people"]] == [PHONES[0]]


async def test_somebody_free_again_is_a_newcomer(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await crowd.hold(fleet, PHONES[1])
    campaign, made = await held(fleet)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE holds SET ended_at = $1, outcome = 'released'", await tx.now())
    with pytest.raises(model.PlanChanged):
        await start(fleet, campaign, made.hash)


async def test_another_device_or_text_is_another_plan(fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    (lead,) = await fleet.add_leads(first, PHONES[:1])
    campaign, made = await held(fleet)
    async with fleet.db.transaction(fleet.workspace) as tx:
        found = await service.find(tx, fleet.workspace, campaign)
        await service.edit(tx, fleet.workspace, campaign, fleet.draft(text=f"{crowd.STOP}!", title=found.draft.title))
    with pytest.raises(model.PlanChanged):
        await start(fleet, campaign, made.hash)
    campaign, made = await held(fleet)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE leads SET device_id = $1 WHERE id = $2", second, lead)
    with pytest.raises(model.PlanChanged) as refused:
        await start(fleet, campaign, made.hash)
    assert (refused.value.details["added"], refused.value.details["removed"]) == (1, 1)


async def test_nobody_joins_between_the_start_and_the_planner(fleet: Fleet) -> None:
    """Started by a plan, it reaches only that plan's people, however late its pages are written."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign, made = await held(fleet)
    await start(fleet, campaign, made.hash)
    await fleet.add_leads(device, PHONES[3:5])
    await fleet.planner.look()
    assert [row["phone"] for row in await fleet.rows(campaign)] == PHONES[:3]


async def test_without_a_hash_everybody_of_that_moment_is_reached(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign, _ = await held(fleet)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.start(tx, fleet.workspace, campaign)
    await fleet.add_leads(device, PHONES[3:4])
    await fleet.planner.look()
    assert len(await fleet.rows(campaign)) == 4


async def test_an_unknown_hash_and_one_that_was_only_looked_at_start_nothing(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await crowd.agree(fleet, *PHONES[:3])
    campaign, _ = await held(fleet)
    async with fleet.db.transaction(fleet.workspace) as tx:
        looked = await plan.make(tx, fleet.workspace, fleet.draft(text=crowd.STOP), campaign, as_kind="linked")
        kept = await tx.fetchval("SELECT count(*) FROM plans WHERE id = $1 AND people IS NOT NULL", looked.id)
    assert (looked.hash, kept) == (None, 0)
    for word in ("", "f" * 32):
        with pytest.raises(model.PlanChanged):
            await start(fleet, campaign, word)


async def test_a_plan_lives_as_long_as_its_campaign_is_being_written(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign, made = await held(fleet)
    await start(fleet, campaign, made.hash)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.pause(tx, fleet.workspace, campaign)
    fleet.clock.jump(plan.KEEP + timedelta(days=1))
    async with fleet.db.transaction(fleet.workspace) as tx:
        again = await plan.make(tx, fleet.workspace, fleet.draft(text="Other STOP"), None)
        left = {row["id"] for row in await tx.fetch("SELECT id FROM plans")}
        assert left == {made.id, again.id}
        await service.cancel(tx, fleet.workspace, campaign)
        await store.forget_plans(tx, fleet.workspace, await tx.now() - plan.KEEP)
        assert {row["id"] for row in await tx.fetch("SELECT id FROM plans")} == {again.id}
