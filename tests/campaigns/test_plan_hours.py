"""Quiet hours and allowances in plan and planner: who waits, until when by whose clock, and what it does to the end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hantar.campaigns import audience, plan
from tests.campaigns import crowd
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(400)]
NINE_PM = {"quiet_start": 480, "quiet_end": 1260}
"""The hours of linked devices; it is 10:00 in Kuala Lumpur and 21:00 of the day before in New York."""


async def make(fleet: Fleet, due_at: datetime | None = None, as_kind: Any = None, **more: Any) -> Any:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await plan.make(tx, fleet.workspace, fleet.draft(**{"text": crowd.STOP, **more}), None, due_at, as_kind)


async def people(fleet: Fleet, made: Any) -> list[Any]:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await plan.recipients(tx, fleet.workspace, made.id, audience.Asked(), None)


async def test_who_sleeps_is_written_to_in_the_morning_and_the_plan_says_so(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    await fleet.add_leads(device, PHONES[2:4], time_zone="America/New_York")
    made = await make(fleet, rules=NINE_PM)
    first, second, third, fourth = await people(fleet, made)
    opens = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
    assert [each.earliest_at for each in (first, second)] == [fleet.clock.now(), fleet.clock.now() + timedelta(seconds=10)]
    assert [each.earliest_at for each in (third, fourth)] == [opens, opens + timedelta(seconds=10)]
    assert [each.moved_by for each in (first, second, third, fourth)] == [None, None, "quiet_hours", "quiet_hours"]
    assert (first.time_zone, first.local_time[:16], first.local_time[19:]) == ("Asia/Kuching", "2026-12-01T10:00", "+08:00")
    assert (third.time_zone, third.local_time) == ("America/New_York", "2026-12-01T08:00:00-05:00")
    (moved,) = made.moved
    assert (moved.cause, moved.count, moved.until) == ("quiet_hours", 2, opens + timedelta(seconds=20))
    assert made.eta_at == opens + timedelta(seconds=20)


async def test_the_planner_writes_what_the_plan_says_and_the_device_keeps_it(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3], time_zone="America/New_York")
    await fleet.add_leads(device, PHONES[3:5])
    campaign = await fleet.launch(text=crowd.STOP, rules=NINE_PM)
    opens = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
    rows = await fleet.rows(campaign)
    assert [row["not_before"] for row in rows] == [opens] * 3 + [fleet.clock.now()] * 2
    assert [row["waiting_for"] for row in rows] == ["quiet_hours"] * 3 + [None] * 2
    async with fleet.db.transaction(fleet.workspace) as tx:
        noted = await tx.fetch("SELECT message_id, cause, until FROM message_events ORDER BY message_id")
    assert [tuple(row) for row in noted] == [(row["id"], "quiet_hours", opens) for row in rows[:3]]
    assert all(row["expires_at"] >= row["not_before"] + timedelta(hours=72) for row in rows)
    await fleet.run(60, step=0.5)
    assert [row["state"] for row in await fleet.rows(campaign)][:3] == ["queued"] * 3
    assert {line["to"] for line in fleet.book.lines() if line["effect"] == "sent"} == set(PHONES[3:5])


@pytest.mark.parametrize(
    ("zone", "due_at", "opens"),
    [
        ("America/New_York", datetime(2027, 3, 14, 6, 30, tzinfo=UTC), datetime(2027, 3, 14, 12, 0, tzinfo=UTC)),  # goes forward
        ("America/New_York", datetime(2027, 3, 13, 6, 30, tzinfo=UTC), datetime(2027, 3, 13, 13, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 7, 0, tzinfo=UTC)),  # goes back
        ("Europe/Berlin", datetime(2027, 10, 30, 0, 30, tzinfo=UTC), datetime(2027, 10, 30, 6, 0, tzinfo=UTC)),
        (
            "Australia/Lord_Howe",
            datetime(2027, 4, 3, 14, 0, tzinfo=UTC),
            datetime(2027, 4, 3, 21, 30, tzinfo=UTC),
        ),  # half an hour
    ],
)
async def test_the_morning_comes_by_the_clock_on_the_wall(fleet: Fleet, zone: str, due_at: datetime, opens: datetime) -> None:
    """Eight o'clock on the days on which clocks change."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1], time_zone=zone)
    made = await make(fleet, due_at, rules=NINE_PM)
    (one,) = await people(fleet, made)
    assert one.earliest_at == opens
    assert one.local_time[11:19] == "08:00:00"


async def test_all_clocks_of_a_number_must_be_inside(fleet: Fleet) -> None:
    """An Indonesian number may be in any of three zones: 08:00 in Jakarta is 10:00 in Jayapura, where it shuts first."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["6281234567890"])
    night = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)  # 19:30 in Jakarta, 21:30 in Jayapura
    made = await make(fleet, night, rules=NINE_PM)
    (one,) = await people(fleet, made)
    assert one.earliest_at == datetime(2026, 12, 2, 1, 0, tzinfo=UTC)  # 08:00 in Jakarta
    assert set(one.zones) == {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}


async def test_an_unknown_zone_is_left_out_or_goes_by_the_workspaces_clock(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1])
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE persons SET zones = '{}'")
    made = await make(fleet, rules=NINE_PM)
    (one,) = await people(fleet, made)
    assert (one.included, one.time_zone) == (True, "Asia/Kuala_Lumpur")
    held = await make(fleet, rules={**NINE_PM, "quiet_unknown_zone": "hold"})
    assert held.shares.excluded_by_reason == {"quiet_hours": 1}
    assert (await people(fleet, held))[0].reason == "quiet_hours"
    anytime = await make(fleet, rules={"quiet_unknown_zone": "hold"})  # no hour is quiet, so the place does not matter
    assert anytime.shares.will_send == 1


async def test_a_zone_that_is_none_falls_back_to_the_number(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1], time_zone="Mars/Olympus")
    (one,) = await people(fleet, await make(fleet, rules=NINE_PM))
    assert (one.time_zone, one.moved_by) == ("Asia/Kuching", None)


async def test_rules_that_drop_leave_out_who_is_outside(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1])
    await fleet.add_leads(device, PHONES[1:2], time_zone="America/New_York")
    drop = {**NINE_PM, "quiet_overflow": "drop"}
    made = await make(fleet, rules=drop)
    assert made.shares.excluded_by_reason == {"quiet_hours": 1}
    campaign = await fleet.launch(text=crowd.STOP, rules=drop)
    assert [row["phone"] for row in await fleet.rows(campaign)] == PHONES[:1]


async def test_ten_thousand_new_people_over_one_device_are_forty_days(fleet: Fleet) -> None:
    """The sum, the warning, and how many would expire before their turn."""
    (device,) = await fleet.add_devices(1, **crowd.REAL, linked_at=fleet.clock.now() - timedelta(days=60))
    await _many(fleet, device, 10_000)
    made = await make(fleet)
    assert (made.shares.will_send, made.devices[0].course.new_people) == (10_000, 10_000)
    assert 39 < (made.eta_at - made.starts_at) / timedelta(days=1) <= 40
    words = {each.code: each.message for each in made.warnings}
    assert "40 days" in words["new_chats_allowance"]
    assert "250 new conversations" in words["new_chats_allowance"]
    assert "ends_after_expiry" in words
    assert 5_000 < made.devices[0].would_expire < 9_500
    (moved,) = made.moved
    assert (moved.cause, moved.count) == ("device_limit", 9_750)


async def _many(fleet: Fleet, device: str, count: int) -> None:
    """So many leads of persons who agreed, written at once."""
    fields = {"w": fleet.workspace, "d": device, "n": count}
    async with fleet.db.transaction(fleet.workspace) as tx:
        for sql in (
            """INSERT INTO persons (workspace_id, id, phone, zones, created_at)
               SELECT '{w}', gen_random_uuid(), '6013' || lpad(n::text, 7, '0'), '{{Asia/Kuala_Lumpur}}', now()
               FROM generate_series(1, {n}) n""",
            """INSERT INTO person_aliases SELECT '{w}', 'phone', phone, sha256(phone::bytea), id, now() FROM persons""",
            """INSERT INTO consents (workspace_id, id, person_id, purpose, wording, source, given_at, created_at)
               SELECT '{w}', gen_random_uuid(), id, 'marketing', 'yes', 'paper', now(), now() FROM persons""",
            """INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, created_at, updated_at)
               SELECT '{w}', gen_random_uuid(), id, '{d}', 'x', phone, '{{FIT}}', '{{fit}}', now(), now() FROM persons""",
        ):
            await tx.execute(sql.format(**fields))


async def test_people_a_device_knows_need_no_allowance(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, **crowd.REAL, linked_at=fleet.clock.now())
    await fleet.add_leads(device, PHONES[:30])
    await crowd.agree(fleet, *PHONES[:30])
    made = await make(fleet)
    assert (made.devices[0].course.new_people, made.eta_at > made.starts_at + timedelta(days=1)) == (30, True)
    for phone in PHONES[:15]:
        await crowd.met(fleet, device, phone)
    made = await make(fleet)
    assert made.devices[0].course.new_people == 15
    assert made.eta_at < made.starts_at + timedelta(hours=1)


async def test_the_tighter_of_device_and_rules_sets_the_pace(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:61])
    fast = {"min_delay_seconds": 0, "max_delay_seconds": 0}
    made = await make(fleet, **fast, rules={"device_per_minute": 6})
    assert made.eta_at == made.starts_at + timedelta(minutes=10)
    made = await make(fleet, **fast, rules={"device_per_minute": 60, "device_gap": 30})
    assert made.eta_at == made.starts_at + timedelta(minutes=30)
    await fleet.set_device(device, per_minute=2)
    made = await make(fleet, **fast, rules={"device_per_minute": 6})
    assert made.eta_at == made.starts_at + timedelta(minutes=30)


async def test_a_look_with_real_device_numbers_changes_nothing(fleet: Fleet) -> None:
    """Who would be left out, who would wait, the new end; and no hash to start by."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:40])
    await fleet.add_leads(device, PHONES[40:41], time_zone="America/New_York")
    await crowd.agree(fleet, *PHONES[:35], PHONES[40])
    for phone in PHONES[:40]:
        await crowd.met(fleet, device, phone)
    before = await make(fleet)
    real = await make(fleet, as_kind="linked")
    after = await make(fleet)
    assert (before.shares.will_send, before.hash) == (41, after.hash)
    assert (real.shares.will_send, real.shares.excluded_by_reason, real.hash) == (36, {"no_consent": 5}, None)
    assert real.devices[0].course.new_people == 36  # what it did in the simulator makes nobody known
    assert real.eta_at > before.eta_at + timedelta(hours=10)
    assert {each.cause for each in real.moved} == {"device_limit", "quiet_hours"}
    assert real.devices[0].course.device.kind == "linked"
    shown = await people(fleet, real)
    assert [each.reason for each in shown].count("no_consent") == 5
    assert [each.moved_by for each in shown if each.phone == PHONES[40]] == ["quiet_hours"]


async def test_expiry_and_planned_times_go_by_the_rules(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await crowd.set_policy(fleet, simulator={"expires_after": 36_000})
    campaign = await fleet.launch(text=crowd.STOP)
    assert [row["expires_at"] - fleet.clock.now() for row in await fleet.rows(campaign)] == [
        timedelta(hours=10, seconds=20 * n) for n in range(3)
    ]
    tighter = await fleet.launch(text=crowd.STOP, rules={"expires_after": 3600})
    looser = await fleet.launch(text=crowd.STOP, rules={"expires_after": 360_000})
    assert (await fleet.rows(tighter))[0]["expires_at"] == fleet.clock.now() + timedelta(hours=1)
    assert (await fleet.rows(looser))[0]["expires_at"] == fleet.clock.now() + timedelta(hours=10)
