"""Who is written to and who is left out; pages with their cursor; starts that happen once."""

import asyncio
from datetime import date, time, timedelta
from typing import Any

import asyncpg
import pytest

from hantar.campaigns import audience, model, plan, planner as planners, service, store, writing
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(200)]


async def test_pages_write_everyone_once_and_the_plan_says_the_same(fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    await fleet.add_leads(first, PHONES[:120])
    await fleet.add_leads(second, PHONES[100:180])  # twenty people stand on both devices
    await fleet.add_leads(None, PHONES[180:185])
    await fleet.add_leads(first, PHONES[185:190], niches=["OUTFIT"], niche_keys=["outfit"])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await plan.make(tx, fleet.workspace, fleet.draft(), None)
        asked = audience.Asked(included=True)
        people = await plan.recipients(tx, fleet.workspace, made.id, asked, None)
    assert (made.shares.matched, made.shares.will_send) == (205, 180)
    assert made.shares.excluded_by_reason == {"no_device": 5, "duplicate_of": 20}
    campaign = await fleet.launch()
    rows = await fleet.rows(campaign)
    assert [row["phone"] for row in rows] == [each.phone for each in people]
    assert {(row["phone"], row["device_id"]) for row in rows} == {(each.phone, each.device_id) for each in people}


async def test_a_missing_field_leaves_a_lead_out(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2], attributes={"City": "Ipoh"})
    await fleet.add_leads(device, PHONES[2:5])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await plan.make(tx, fleet.workspace, fleet.draft(text="{{ city }}"), None)
    assert made.shares.excluded_by_reason == {"missing_variable": 3}
    campaign = await fleet.launch(text="{{ city }}")
    assert len(await fleet.rows(campaign)) == 2


async def test_a_crash_between_pages_goes_on_from_the_cursor(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:120])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await service.create(tx, fleet.workspace, fleet.draft())
    stop = asyncio.Event()
    stop.set()  # takes the campaign, writes no page: as if the process died right after the start
    await fleet.planner.look(stop)
    assert await fleet.rows() == []
    await fleet.planner._write_page(fleet.workspace, made.campaign.id)
    assert len(await fleet.rows()) == 50
    again = planners.Planner(fleet.db, fleet.bus, fleet.clock, page=50)
    await again.look()
    assert len(await fleet.rows()) == 120


async def test_a_due_campaign_starts_once_however_many_servers_look(fleet: Fleet) -> None:
    """I-13: eight planners at once."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:60])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = [await service.create(tx, fleet.workspace, fleet.draft(title=f"C{n}")) for n in range(10)]
    planners_ = [planners.Planner(fleet.db, fleet.bus, fleet.clock, page=25) for _ in range(8)]
    await asyncio.gather(*(each.look() for each in planners_))
    for each in made:
        assert len(await fleet.rows(each.campaign.id)) == 60


async def test_a_campaign_starts_at_its_time(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign = await fleet.launch(campaign_date=date(2026, 12, 1), time_schedule=time(11, 0))  # 03:00 UTC; it is 02:00
    assert await fleet.rows(campaign) == []
    fleet.clock.jump(timedelta(minutes=61))
    await fleet.planner.look()
    assert len(await fleet.rows(campaign)) == 3


async def _status(fleet: Fleet, campaign: str) -> tuple[str, str | None]:
    async with fleet.db.transaction(fleet.workspace) as tx:
        found = await service.find(tx, fleet.workspace, campaign)
    return found.status.value, found.status_reason


async def test_a_start_missed_by_hours_asks_first(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    later = {"campaign_date": date(2026, 12, 1), "time_schedule": time(11, 0)}
    asks = await fleet.launch(**later)
    runs = await fleet.launch(**later, late_policy="run")
    skips = await fleet.launch(**later, late_policy="skip")
    fleet.clock.jump(timedelta(hours=5))
    await fleet.planner.look()
    assert await _status(fleet, asks) == ("paused", "waits_for_answer")
    assert await _status(fleet, runs) == ("processing", None)
    assert await _status(fleet, skips) == ("failed", "too_late")
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.resume(tx, fleet.workspace, asks, "run")
    await fleet.planner.look()
    assert await _status(fleet, asks) == ("processing", None)


async def test_nobody_to_write_to_fails_with_its_reason(fleet: Fleet) -> None:
    assert await _status(fleet, await fleet.launch()) == ("failed", "no_recipients")
    await fleet.add_leads(None, PHONES[:2])
    assert await _status(fleet, await fleet.launch()) == ("failed", "no_usable_device")


async def test_a_changed_audience_changes_the_hash(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await service.create(tx, fleet.workspace, fleet.draft(), hold=True)
        before = await plan.make(tx, fleet.workspace, fleet.draft(), made.campaign.id)
    await fleet.add_leads(device, PHONES[3:4])
    async with fleet.db.transaction(fleet.workspace) as tx:
        after = await plan.make(tx, fleet.workspace, fleet.draft(), made.campaign.id)
        assert before.hash != after.hash
        try:
            await service.start(tx, fleet.workspace, made.campaign.id, before.hash)
        except model.PlanChanged:
            pass
        else:
            raise AssertionError("a stale plan was accepted")
        started = await service.start(tx, fleet.workspace, made.campaign.id, after.hash)
        assert started.status == "pending"
    await fleet.planner.look()
    assert len(await fleet.rows()) == 4


async def test_a_campaign_paused_while_planned_goes_on_where_it_was(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:120])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await service.create(tx, fleet.workspace, fleet.draft())
    stop = asyncio.Event()
    stop.set()
    await fleet.planner.look(stop)
    await fleet.planner._write_page(fleet.workspace, made.campaign.id)
    async with fleet.db.transaction(fleet.workspace) as tx:
        paused = await service.pause(tx, fleet.workspace, made.campaign.id)
        assert paused.paused_from == "triggered"
    await fleet.planner.look()
    assert len(await fleet.rows()) == 50
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.resume(tx, fleet.workspace, made.campaign.id)
    await fleet.planner.look()
    assert len(await fleet.rows()) == 120


async def test_every_campaign_move_in_the_code_is_listed(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1])
    campaign = await fleet.launch(min_delay_seconds=0, max_delay_seconds=0)
    await fleet.run(5)
    async with fleet.db.transaction(fleet.workspace) as tx:
        for act in (service.pause, service.cancel, service.resume, service.start):
            try:
                await act(tx, fleet.workspace, campaign)
            except model.CampaignEnded:
                continue
            raise AssertionError(f"{act.__name__} moved an ended campaign")
        assert (await store.find(tx, fleet.workspace, campaign)).status is model.C.FINISHED


async def test_a_lead_deleted_while_its_page_is_written_stops_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is written again without it; the planner lives."""
    (device,) = await fleet.add_devices(1)
    leads = await fleet.add_leads(device, PHONES[:60])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await service.create(tx, fleet.workspace, fleet.draft())
    write, failed = writing.write_page, []

    async def meanwhile(*words: Any, **more: Any) -> Any:
        if not failed:
            failed.append(True)
            async with fleet.db.transaction(fleet.workspace) as other:
                await other.execute("DELETE FROM leads WHERE id = $1", leads[3])
            raise asyncpg.ForeignKeyViolationError("messages_workspace_id_lead_id_fkey")
        return await write(*words, **more)

    monkeypatch.setattr(writing, "write_page", meanwhile)
    await fleet.planner.look()
    assert len(await fleet.rows(made.campaign.id)) == 59


async def test_a_campaign_deleted_while_it_is_planned_stops_nothing(fleet: Fleet) -> None:
    assert await fleet.planner._page_again(fleet.workspace, "01890000-0000-7000-8000-000000000000") is False


async def test_a_huge_campaign_keeps_a_small_one_waiting_for_one_page_only(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:190])
    await fleet.add_leads(device, ["60129990001"], niches=["VIP"], niche_keys=["vip"])
    async with fleet.db.transaction(fleet.workspace) as tx:
        big = await service.create(tx, fleet.workspace, fleet.draft())
        few = model.Audience(("vip",), model.TargetStatus.ALL, None)
        small = await service.create(tx, fleet.workspace, fleet.draft(audience=few))
    pages: list[str] = []
    write = fleet.planner._write_page

    async def noted(workspace: str, campaign: str) -> bool:
        pages.append("big" if campaign == big.campaign.id else "small")
        return await write(workspace, campaign)

    fleet.planner._write_page = noted  # type: ignore[method-assign]
    await fleet.planner.look()
    assert len(await fleet.rows(small.campaign.id)) == 1
    assert pages.index("small") <= 1
