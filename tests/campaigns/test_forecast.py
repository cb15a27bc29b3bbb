"""When a campaign ends: the range holds nine times out of ten, with limits and allowances, before it starts and while it runs."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hantar.campaigns import forecast, model, plan, progress, service
from hantar.campaigns.audience import Part
from hantar.campaigns.rulebook import ALWAYS, Rulebook
from hantar.policy.model import DEFAULTS, Rules
from tests.campaigns import crowd
from tests.fleet import Fleet

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
PHONES = [f"6012345{n:04d}" for n in range(300)]


def course(
    count: int, delays: tuple[float, float], rules: Rules, *, own: tuple[float, float] = (0, 0), linked: datetime | None = None
) -> forecast.Course:
    """A device with so many new people of one place."""
    who = model.Audience(None, model.TargetStatus.ALL, None)
    draft = model.Draft("x", "all", who, "x", None, None, None, "UTC", *delays, "wait", "ask")
    book = Rulebook("w", "UTC", NOW, {"linked": rules}, {}, ("linked",))
    device = forecast.Device("d", "D", "online", "linked", own, (6000, 200_000, 2_000_000), linked, {})
    zones = () if book.window("linked") == ALWAYS else ("Asia/Kuala_Lumpur",)
    return forecast.course(draft, book, device, [Part("d", "linked", zones, True, count, NOW, 1.0)])


def test_the_late_end_holds_nine_times_of_ten() -> None:
    """Against two thousand simulated runs of a hundred messages with random pauses."""
    made = course(100, (10, 30), DEFAULTS["demo"])
    expected, late = (made.timetable(gap).last_at for gap in (made.mean, made.late))
    assert expected is not None
    assert late is not None
    hand = random.Random(7)
    ends = [NOW + timedelta(seconds=sum(hand.uniform(10, 30) for _ in range(99))) for _ in range(2000)]
    assert 0.87 <= sum(end <= late for end in ends) / len(ends) <= 0.93
    assert 0.45 <= sum(end <= expected for end in ends) / len(ends) <= 0.55


def test_limits_stretch_the_end() -> None:
    made = course(41, (1, 1), DEFAULTS["simulator"])
    table = made.timetable(made.mean)
    assert table.last_at == NOW + timedelta(minutes=2)
    assert table.turn(0, 20) == (NOW + timedelta(minutes=1), None)


def test_a_devices_own_pause_and_the_rules_are_floors() -> None:
    made = course(3, (1, 2), DEFAULTS["simulator"], own=(5, 8))
    assert (made.low, made.high) == (5, 8)
    made = course(3, (1, 2), DEFAULTS["linked"])
    assert (made.low, made.high) == (5, 5)


def test_a_device_begins_more_conversations_as_it_ages() -> None:
    made = course(1000, (10, 30), DEFAULTS["linked"], linked=NOW - timedelta(days=2))
    assert [made.new_chats(NOW + timedelta(days=day)) for day in (0, 1, 5, 12, 19)] == [20, 50, 100, 200, 250]
    assert made.is_split
    assert not course(20, (10, 30), DEFAULTS["linked"], linked=NOW).is_split


async def numbers(fleet: Fleet, campaign: str) -> Any:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await progress.of(tx, await service.find(tx, fleet.workspace, campaign))


async def test_a_running_campaign_ends_when_its_plan_says(fleet: Fleet) -> None:
    """With people whose window is shut, and a device that may begin few conversations a day."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    await fleet.add_leads(device, PHONES[4:6], time_zone="America/New_York")
    for own in ({"quiet_start": 480, "quiet_end": 1260}, {"device_new_chats": 2}, {}):
        draft = fleet.draft(text=crowd.STOP, rules=own)
        async with fleet.db.transaction(fleet.workspace) as tx:
            made = await plan.make(tx, fleet.workspace, draft, None)
        campaign = await fleet.launch(text=crowd.STOP, rules=own)
        found = await numbers(fleet, campaign)
        assert (found.eta_at, found.eta_late_at) == (made.eta_at, made.eta_late_at)
        async with fleet.db.transaction(fleet.workspace) as tx:
            await service.cancel(tx, fleet.workspace, campaign)
    assert made.eta_at == made.starts_at + timedelta(seconds=100)


async def test_the_end_comes_nearer_as_messages_leave(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:30])
    campaign = await fleet.launch(min_delay_seconds=2, max_delay_seconds=2)
    before = await numbers(fleet, campaign)
    assert before.eta_at == fleet.clock.now() + timedelta(seconds=2 * 29 + 1 * 0)
    await fleet.run(20, step=0.5)
    after = await numbers(fleet, campaign)
    assert after.counts.queued < before.counts.queued
    assert abs(after.eta_at - before.eta_at) < timedelta(seconds=15)
    await fleet.run(60, step=0.5)
    assert (await numbers(fleet, campaign)).eta_at is None
