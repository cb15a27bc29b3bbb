"""Three in the morning on a Sunday, for everybody: the simulator's rules hold nothing up, a linked device's would."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from hantar.demo import fill
from hantar.kit import clock
from tests.fleet import Fleet

SUNDAY_THREE = datetime(2026, 12, 5, 19, 0, tzinfo=UTC)
"""Saturday evening in UTC: Sunday 6 December, 03:00, in Kuala Lumpur."""
MONDAY_EIGHT = datetime(2026, 12, 7, 0, 0, tzinfo=UTC)
PEOPLE = [f"60123{n:06d}" for n in range(4)]


@pytest.fixture
def fake_clock() -> clock.FakeClock:
    return clock.FakeClock(SUNDAY_THREE)


async def _people(fleet: Fleet) -> None:
    """Half say where they are, the others are where their number is."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PEOPLE[:2], time_zone="Asia/Kuala_Lumpur")
    await fleet.add_leads(device, PEOPLE[2:])


async def test_under_the_simulators_rules_everybody_gets_it_at_once(fleet: Fleet) -> None:
    await _people(fleet)
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    await fleet.run(12)
    out = Counter(row["state"] in ("sent", "delivered", "read") for row in await fleet.rows())
    assert out == {True: len(PEOPLE)}
    await fleet.run(120, step=1)  # a few phones are slow
    states = await fleet.states()
    assert states.get("delivered", 0) + states.get("read", 0) == len(PEOPLE)


async def test_under_a_linked_devices_hours_everybody_would_wait_for_monday(fleet: Fleet) -> None:
    """The contrast that shows the clocks were at night and on a Sunday."""
    await _people(fleet)
    hours = {name: fill.RULES[name] for name in ("quiet_start", "quiet_end")}
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=1, rules={**hours, "quiet_days": [7]})
    await fleet.run(12)
    rows = await fleet.rows()
    assert {(row["state"], row["not_before"]) for row in rows} == {("queued", MONDAY_EIGHT)}
