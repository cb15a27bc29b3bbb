"""Windows (so many queued of a device and campaign), turns (so many campaigns of an account), pages that cannot be written."""

from datetime import timedelta
from typing import Any

import pytest

from hantar.campaigns import model, planner, planner as planners, progress, service, writing
from hantar.consent import model as consents
from hantar.kit import cluster, db
from hantar.outbox import backlog, service as outbox
from tests.campaigns import crowd
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(200)]
QUICK: dict[str, Any] = {"min_delay_seconds": 1.0, "max_delay_seconds": 1.0}


@pytest.fixture(autouse=True)
def small(fleet: Fleet) -> None:
    """Windows of ten, pages of fifty, two campaigns at once."""
    fleet.planner = planners.Planner(fleet.db, fleet.bus, fleet.clock, page=50, window=10, pools=2)


async def states(fleet: Fleet, campaign: str) -> list[str]:
    return [row["state"] for row in await fleet.rows(campaign)]


async def test_a_window_is_filled_in_order_when_half_of_it_is_empty(fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    await fleet.add_leads(first, PHONES[:30])
    await fleet.add_leads(second, PHONES[60:66])
    campaign = await fleet.launch(min_delay_seconds=0.2, max_delay_seconds=0.2)
    rows = await fleet.rows(campaign)
    assert [row["state"] for row in rows if row["device_id"] == first] == ["queued"] * 10 + ["planned"] * 20
    assert [row["state"] for row in rows if row["device_id"] == second] == ["queued"] * 6
    most = 0
    for _ in range(40):
        await fleet.run(0.5)
        await fleet.planner.look()
        found = await fleet.rows(campaign)
        most = max(most, sum(row["state"] == "queued" and row["device_id"] == first for row in found))
        if not any(row["state"] in ("planned", "queued", "claimed") for row in found):
            break
    assert set(await states(fleet, campaign)) <= {"sent", "delivered", "read"}
    assert most == 10
    assert [phone for phone in fleet.reached() if phone in PHONES[:30]] == PHONES[:30]  # in the order of the plan
    assert await fleet.sql("SELECT * FROM backlogs") == []


async def test_a_full_window_is_left_alone_until_half_of_it_can_have_gone(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:40])
    campaign = await fleet.launch(min_delay_seconds=20, max_delay_seconds=20)
    (row,) = await fleet.sql("SELECT look_at FROM backlogs")
    assert row["look_at"] == fleet.clock.now() + timedelta(seconds=20 * 5)  # half of ten, twenty seconds each
    async with fleet.db.system() as tx:
        assert (await backlog.release(tx, 10)).looked == 0
    assert (await states(fleet, campaign)).count("queued") == 10


async def test_planned_messages_are_paused_counted_opted_out_and_cancelled_like_others(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:30])
    campaign = await fleet.launch(**QUICK)
    person = await crowd.person_of(fleet, PHONES[25])
    async with fleet.db.transaction(fleet.workspace) as tx:
        found = await progress.of(tx, await service.find(tx, fleet.workspace, campaign))
        asked = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD)
        await outbox.opt_out(tx, fleet.workspace, person, asked)
        await service.pause(tx, fleet.workspace, campaign)
    assert (found.counts.queued, found.counts.pending) == (10, 20)
    assert found.eta_at is not None
    assert found.eta_at >= fleet.clock.now() + timedelta(seconds=28)  # all thirty, not the window
    await fleet.sql("DELETE FROM messages WHERE state = 'queued' RETURNING 1")
    fleet.clock.jump(timedelta(minutes=10))
    await fleet.planner.look()
    assert (await states(fleet, campaign)).count("queued") == 0  # paused: nothing follows
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.resume(tx, fleet.workspace, campaign)
    await fleet.planner.look()
    assert await states(fleet, campaign) == ["queued"] * 10 + ["planned"] * 5 + ["suppressed"] + ["planned"] * 4
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.cancel(tx, fleet.workspace, campaign)
    assert set(await states(fleet, campaign)) == {"cancelled", "suppressed"}
    assert await fleet.sql("SELECT * FROM backlogs") == []


async def test_what_is_too_late_by_its_turn_expires_and_is_told(fleet: Fleet, bus: cluster.LocalBus) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:30])
    campaign = await fleet.launch(**QUICK)
    told: list[str] = []
    bus.subscribe("message.status", lambda fact: told.append(fact.data["state"]))
    await fleet.sql("UPDATE messages SET state = 'expired', ended_at = now() WHERE state = 'queued' RETURNING 1")
    fleet.clock.jump(timedelta(days=30))
    await fleet.planner.look()
    assert await states(fleet, campaign) == ["expired"] * 30
    assert told == ["expired"] * 20
    await fleet.watcher.look()
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert (await service.find(tx, fleet.workspace, campaign)).status is model.C.FAILED


async def test_who_waits_for_another_hour_is_not_in_the_way_but_the_queue_stays_bounded(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:60])
    campaign = await fleet.launch(**QUICK)
    later = "UPDATE messages SET not_before = $1, waiting_for = 'quiet_hours' WHERE state = 'queued' RETURNING 1"
    for expected in (20, 20):  # ten more may go now; then twice the window is queued and nothing follows
        await fleet.sql(later, fleet.clock.now() + timedelta(hours=9))
        fleet.clock.jump(timedelta(minutes=6))
        await fleet.planner.look()
        assert (await states(fleet, campaign)).count("queued") == expected


async def _follow_while_paused(fleet: Fleet) -> int:
    """How many messages join the queue of a paused campaign whose window is empty."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:30])
    campaign = await fleet.launch(**QUICK)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.pause(tx, fleet.workspace, campaign)
    await fleet.sql("UPDATE messages SET state = 'expired', ended_at = now() WHERE state = 'queued' RETURNING 1")
    fleet.clock.jump(timedelta(minutes=10))
    await fleet.planner.release()
    return (await states(fleet, campaign)).count("queued")


async def test_nothing_joins_the_queue_of_a_paused_campaign(fleet: Fleet) -> None:
    assert await _follow_while_paused(fleet) == 0


async def test_mutant_a_look_that_forgets_the_gate_is_seen(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_RELEASE", backlog._RELEASE.replace("WHERE due.is_open", "WHERE true"))
    assert await _follow_while_paused(fleet) == 10


async def test_mutant_a_look_that_counts_nothing_overfills_the_window(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without counting what is queued the strict order of one window after the other is lost."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:40])
    counted = "count(*) AS waiting, count(*) FILTER (WHERE not_before <= $1) AS ready"
    assert counted in backlog._RELEASE
    monkeypatch.setattr(backlog, "_RELEASE", backlog._RELEASE.replace(counted, "0 AS waiting, 0 AS ready"))
    campaign = await fleet.launch(**QUICK)
    assert (await states(fleet, campaign)).count("queued") > 10


def _patched(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """A bug put back: statements with `old` say `new`."""
    execute = db.Tx.execute

    async def buggy(self: db.Tx, sql: str, *values: Any) -> int:
        return await execute(self, sql.replace(old, new), *values)

    monkeypatch.setattr(db.Tx, "execute", buggy)


async def _look_while_a_page_is_written(fleet: Fleet) -> list[str]:
    """The window of a device is empty and looked at, while a page that plans more for it is not yet committed: its states."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:30])
    async with fleet.db.transaction(fleet.workspace) as tx:
        campaign = (await service.create(tx, fleet.workspace, fleet.draft(**QUICK))).campaign.id
    fleet.planner = planners.Planner(fleet.db, fleet.bus, fleet.clock, page=15, window=10)
    await fleet.planner._start_due()
    await fleet.planner._write_page(fleet.workspace, campaign)
    await fleet.sql("UPDATE messages SET state = 'expired', ended_at = now() WHERE state <> 'expired' RETURNING 1")
    fleet.clock.jump(timedelta(minutes=10))
    open_for = backlog.open_for

    async def meanwhile(*words: Any) -> None:
        await open_for(*words)
        async with fleet.db.system() as tx:
            await backlog.release(tx, 10)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backlog, "open_for", meanwhile)
        await fleet.planner._write_page(fleet.workspace, campaign)
    await fleet.planner.look()
    return await states(fleet, campaign)


async def test_a_page_written_while_its_window_is_looked_at_is_not_forgotten(fleet: Fleet) -> None:
    assert await _look_while_a_page_is_written(fleet) == ["expired"] * 15 + ["queued"] * 10 + ["planned"] * 5


async def test_mutant_a_page_that_does_not_hold_its_window_is_forgotten(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    _patched(monkeypatch, "DO UPDATE SET look_at = backlogs.look_at", "DO NOTHING")
    assert await _look_while_a_page_is_written(fleet) == ["expired"] * 15 + ["planned"] * 15


async def test_released_lanes_are_named_and_very_many_are_not(fleet: Fleet, bus: cluster.LocalBus, monkeypatch: Any) -> None:
    devices = await fleet.add_devices(3)
    for n, device in enumerate(devices):
        await fleet.add_leads(device, PHONES[n * 12 : n * 12 + 12])
    told: list[Any] = []
    bus.subscribe("outbox.queued", lambda fact: told.append(fact.data.get("device_ids")))
    await fleet.launch(**QUICK)
    assert [sorted(each) for each in told] == [sorted(devices)]
    await fleet.sql("UPDATE messages SET state = 'expired', ended_at = now() WHERE state = 'queued' RETURNING 1")
    fleet.clock.jump(timedelta(minutes=1))
    monkeypatch.setattr(planner, "NAMED", 2)
    await fleet.planner.look()
    assert told[1:] == [None]


async def test_a_page_and_its_backlog_are_written_together(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash after the rows and before the cursor leaves neither; the next try writes them once."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:30])
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await service.create(tx, fleet.workspace, fleet.draft(**QUICK))
    await fleet.planner._start_due()

    async def dies(*words: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(planner.store, "save_cursor", dies)
        with pytest.raises(planner.db.DatabaseAway):
            await fleet.planner._write_page(fleet.workspace, made.campaign.id)
    assert await fleet.rows() == []
    assert await fleet.sql("SELECT * FROM backlogs") == []
    await fleet.planner.look()
    assert await states(fleet, made.campaign.id) == ["queued"] * 10 + ["planned"] * 20


async def _status(fleet: Fleet, campaign: str) -> tuple[str, str | None]:
    (row,) = await fleet.sql("SELECT status, status_reason FROM campaigns WHERE id = $1", campaign)
    return row["status"], row["status_reason"]


async def test_so_many_campaigns_of_an_account_run_at_once_and_the_next_follow_in_order(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    made = []
    for n in range(4):
        async with fleet.db.transaction(fleet.workspace) as tx:
            made.append((await service.create(tx, fleet.workspace, fleet.draft(title=f"C{n}", **QUICK))).campaign.id)
        fleet.clock.jump(timedelta(seconds=1))
        await fleet.planner.look()
    waits = ("triggered", "waits_for_turn")
    assert [await _status(fleet, each) for each in made] == [("processing", None)] * 2 + [waits] * 2
    assert await fleet.rows(made[2]) == []
    assert await fleet.planner._write_page(fleet.workspace, made[3]) is False  # another server may not let it jump the line
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.cancel(tx, fleet.workspace, made[0])
    await fleet.planner.look()
    assert [await _status(fleet, each) for each in made[2:]] == [("processing", None), waits]
    assert len(await fleet.rows(made[2])) == 3


async def test_a_campaign_that_cannot_be_written_is_ended_and_the_others_go_on(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:120])
    async with fleet.db.transaction(fleet.workspace) as tx:
        poison = (await service.create(tx, fleet.workspace, fleet.draft(title="Poison"))).campaign.id
        good = (await service.create(tx, fleet.workspace, fleet.draft(title="Good"))).campaign.id
    write = writing.write_page

    async def sometimes(tx: Any, campaign: Any, book: Any, after: Any, *more: Any) -> Any:
        if campaign.id == poison and after is not None:
            raise ValueError("an odd value")
        return await write(tx, campaign, book, after, *more)

    monkeypatch.setattr(writing, "write_page", sometimes)
    await fleet.planner.look()
    assert await _status(fleet, poison) == ("failed", "planning_failed")
    assert set(await states(fleet, poison)) == {"cancelled"}  # the page that had been written does not go either
    assert await _status(fleet, good) == ("processing", None)
    assert len(await fleet.rows(good)) == 120


async def test_a_campaign_that_cannot_even_be_read_stops_nobody(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    async with fleet.db.transaction(fleet.workspace) as tx:
        poison = (await service.create(tx, fleet.workspace, fleet.draft(title="Poison"))).campaign.id
        good = (await service.create(tx, fleet.workspace, fleet.draft(title="Good"))).campaign.id
    await fleet.sql("""UPDATE campaigns SET rules = '{"late_start_after": "soon"}' WHERE id = $1 RETURNING 1""", poison)
    await fleet.planner.look()
    assert await _status(fleet, poison) == ("failed", "planning_failed")
    assert await _status(fleet, good) == ("processing", None)


async def test_the_progress_of_one_that_cannot_be_read_keeps_no_other_from_being_told(
    fleet: Fleet, bus: cluster.LocalBus
) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    odd, good = await fleet.launch(title="Odd", **QUICK), await fleet.launch(title="Good", **QUICK)
    told: list[str] = []
    bus.subscribe("campaign.progress", lambda fact: told.append(fact.data["campaign_id"]))
    await fleet.sql("""UPDATE campaigns SET rules = '{"device_gap": "soon"}' WHERE id = $1 RETURNING 1""", odd)
    for campaign in (odd, good):
        fact = cluster.Fact("message.status", fleet.workspace, {"campaign_id": campaign})
        bus.publish(fact)
    await fleet.watcher.look()
    assert told == [good]
