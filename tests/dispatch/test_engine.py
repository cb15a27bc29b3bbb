"""The engine under a fake clock: who gets what when, what pauses do, and what a crash leaves."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from hantar.campaigns import service as campaigns
from hantar.gateways import port
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(40)]


async def test_a_campaign_reaches_everyone_once_at_its_pace(fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    await fleet.add_leads(first, PHONES[:6])
    await fleet.add_leads(second, PHONES[6:10])
    campaign = await fleet.launch()
    await fleet.run(150)
    verdict = await fleet.verdict(gaps=10.0)
    assert verdict.is_clean, str(verdict)
    assert verdict.effects == 10
    assert sum((await fleet.states(campaign)).values()) == 10
    assert set(await fleet.states(campaign)) <= {"sent", "delivered", "read"}


async def test_messages_leave_in_the_order_of_their_leads(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:5])
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(15)
    assert [line["to"] for line in fleet.book.lines() if line["effect"] == "sent"] == PHONES[:5]


async def test_a_pause_bites_within_one_message_per_device(fleet: Fleet) -> None:
    devices = await fleet.add_devices(3)
    for number, device in enumerate(devices):
        await fleet.add_leads(device, PHONES[number * 5 : number * 5 + 5])
    campaign = await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(2)
    before = (await fleet.verdict()).effects
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.pause(tx, fleet.workspace, campaign)
    await fleet.run(20)
    assert (await fleet.verdict()).effects - before <= len(devices)
    assert (await fleet.states())["queued"] > 0
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.resume(tx, fleet.workspace, campaign)
    await fleet.run(20)
    assert (await fleet.verdict()).effects == 15


async def test_a_cancelled_campaign_sends_nothing_more(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:10])
    campaign = await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(3)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.cancel(tx, fleet.workspace, campaign)
    left = (await fleet.verdict()).effects
    await fleet.run(20)
    assert (await fleet.verdict()).effects <= left + 1
    states = await fleet.states()
    assert states["cancelled"] == 10 - sum(count for state, count in states.items() if state != "cancelled")


async def test_after_a_crash_the_gap_is_kept_and_nothing_goes_twice(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:8])
    await fleet.launch(min_delay_seconds=5, max_delay_seconds=5)
    await fleet.run(12)
    await fleet.engine.tick()
    await fleet.clock.advance(0.2)  # the message is out, its outcome is not written: the process dies here
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(4)  # the old leases lapse
    await fleet.engine.leases.beat()
    await fleet.run(120)
    verdict = await fleet.verdict(gaps=5.0)
    assert verdict.is_clean, str(verdict)
    assert verdict.effects == 8


async def test_without_deduplication_a_crash_leaves_unknown_and_a_receipt_settles_it(fleet: Fleet) -> None:
    fleet.driver.caps = replace(fleet.driver.caps, deduplicates=False)
    fleet.engine = fleet.new_engine()
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    await fleet.launch(min_delay_seconds=60, max_delay_seconds=60)
    await fleet.engine.leases.beat()
    await fleet.engine.tick()
    await fleet.clock.advance(0.2)
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(4)
    await fleet.engine.leases.beat()
    await fleet.intake.flush()
    before = await fleet.states()
    assert before["queued"] == 1
    assert set(before) <= {"queued", "unknown", "sent", "delivered", "read"}, "put back instead of left in doubt"
    await fleet.run(120)  # a slow phone's receipt may take 100 s
    assert "unknown" not in await fleet.states()
    assert (await fleet.verdict()).duplicated == 0


async def test_a_lost_answer_is_unconfirmed_and_never_sent_again(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction("lose_ack", extra={"receipts": "no"}))
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(30)
    verdict = await fleet.verdict()
    assert verdict.is_clean, str(verdict)
    assert verdict.duplicated == 0


async def test_an_offline_device_waits_and_goes_on(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await fleet.set_device(device, state="offline")
    campaign = await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(10)
    assert await fleet.states(campaign) == {"queued": 3}
    await fleet.set_device(device, state="online")
    await fleet.run(10)
    assert (await fleet.verdict()).effects == 3


async def test_a_campaign_may_skip_devices_that_are_away(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await fleet.set_device(device, state="offline", state_since=fleet.clock.now() - timedelta(minutes=3))
    campaign = await fleet.launch(when_offline="skip")
    await fleet.engine.sweep()
    assert await fleet.states(campaign) == {"expired": 3}


async def test_a_short_drop_or_a_restart_skips_nobody(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    campaign = await fleet.launch(when_offline="skip", min_delay_seconds=1, max_delay_seconds=1)
    for state in ("connecting", "offline", "suspect"):
        await fleet.set_device(device, state=state, state_since=fleet.clock.now())
        await fleet.clock.advance(60)
        await fleet.engine.sweep()
        assert await fleet.states(campaign) == {"queued": 3}, state
    await fleet.set_device(device, state="online", state_since=fleet.clock.now())
    await fleet.engine.leases.beat()
    await fleet.run(8)
    assert (await fleet.verdict()).effects == 3


async def test_each_message_expires_after_its_own_planned_time(fleet: Fleet) -> None:
    """Three a day on one device: the last of seven is planned for the third day, and lives 72 hours from then."""
    (device,) = await fleet.add_devices(1, per_day=3)
    await fleet.add_leads(device, PHONES[:7])
    fleet.planner._page = 2  # places go on over pages
    campaign = await fleet.launch()
    lives = [(row["expires_at"] - fleet.clock.now()).total_seconds() / 3600 for row in await fleet.rows(campaign)]
    for hours, day in zip(lives, (0, 0, 0, 1, 1, 1, 2), strict=True):
        assert 72 + 24 * day <= hours < 96 + 24 * day, lives


async def test_the_time_a_campaign_stands_paused_does_not_count(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    campaign = await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(2)
    left = (await fleet.states(campaign))["queued"]
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.pause(tx, fleet.workspace, campaign)
    await fleet.clock.advance(100 * 3600)
    await fleet.engine.sweep()
    assert (await fleet.states(campaign))["queued"] == left, "a paused campaign lost its people"
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.resume(tx, fleet.workspace, campaign)
    await fleet.engine.leases.beat()
    await fleet.run(15)
    assert (await fleet.verdict()).effects == 4


async def test_what_comes_back_to_a_cancelled_campaign_is_cancelled(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    campaign = await fleet.launch()
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction("rate_limit", for_seconds=60))
    await fleet.engine.leases.beat()
    await fleet.engine.tick()
    async with fleet.db.transaction(fleet.workspace) as tx:
        await campaigns.cancel(tx, fleet.workspace, campaign)
    await fleet.clock.advance(0.3)
    await fleet.engine.flush()
    assert await fleet.states(campaign) == {"cancelled": 2}


async def test_a_raised_limit_counts_at_once(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, per_hour=2)
    await fleet.add_leads(device, PHONES[:5])
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(20)
    assert (await fleet.verdict()).effects == 2
    await fleet.set_device(device, per_hour=100)
    await fleet.run(10)
    assert (await fleet.verdict()).effects == 5


async def test_our_clock_may_be_wrong_by_an_hour(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-07: the slot is written on the database's time; what our own clock says changes nothing."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    await fleet.launch(min_delay_seconds=5, max_delay_seconds=5)
    right = fleet.clock.now
    wrong = SimpleNamespace(
        now=lambda: right() + timedelta(hours=1), monotonic=fleet.clock.monotonic, sleep=fleet.clock.sleep, wait=fleet.clock.wait
    )
    monkeypatch.setattr(fleet.engine, "_clock", wrong)
    await fleet.run(30)
    verdict = await fleet.verdict(gaps=5.0)
    assert verdict.is_clean, str(verdict)
    assert verdict.effects == 4
    assert all(row["sent_at"] <= right() for row in await fleet.rows())


async def test_too_late_is_not_sent(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await fleet.set_device(device, state="offline")
    campaign = await fleet.launch()
    fleet.clock.jump(timedelta(hours=73))
    await fleet.set_device(device, state="online")
    await fleet.engine.leases.beat()
    await fleet.run(5)
    assert (await fleet.verdict()).effects == 0
    await fleet.engine.sweep()
    assert await fleet.states(campaign) == {"expired": 3}


async def test_the_limit_of_a_minute_is_kept(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, per_minute=5)
    await fleet.add_leads(device, PHONES[:12])
    await fleet.launch(min_delay_seconds=0.5, max_delay_seconds=0.5)
    await fleet.run(58)
    assert (await fleet.verdict()).effects == 5
    await fleet.run(60)
    assert (await fleet.verdict()).effects == 10


async def test_a_clock_that_jumps_forward_shortens_no_gap(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    await fleet.launch(min_delay_seconds=20, max_delay_seconds=20)
    await fleet.run(5)
    fleet.clock.jump(timedelta(hours=1))
    await fleet.engine.leases.beat()
    await fleet.run(60)
    verdict = await fleet.verdict(gaps=20.0)
    assert verdict.early == 0, str(verdict)
    assert verdict.effects >= 3


async def test_a_finished_campaign_says_so(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    campaign = await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(10)
    async with fleet.db.transaction(fleet.workspace) as tx:
        found = await campaigns.find(tx, fleet.workspace, campaign)
    assert found.status == "finished"
