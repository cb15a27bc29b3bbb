"""Live counters: what they count, how fast, and when they go."""

import pytest

from hantar.kit import clock, cluster
from hantar.workers import live


@pytest.fixture
def seen(bus: cluster.LocalBus, fake_clock: clock.FakeClock) -> live.Live:
    return live.Live(bus, fake_clock, 5)


def tell(bus: cluster.LocalBus, name: str, campaign: str | None = "c", workspace: str = "w", **data: object) -> None:
    bus.publish(cluster.Fact(name, workspace, {"campaign_id": campaign, **data}))


async def test_it_counts_and_takes_the_rate_of_a_minute(
    bus: cluster.LocalBus, fake_clock: clock.FakeClock, seen: live.Live
) -> None:
    for state in ("sent", "sent", "delivered", "failed", "unknown", "read", "queued"):
        tell(bus, "message.status", state=state)
    await fake_clock.advance(30)
    tell(bus, "message.status", state="sent")
    tell(bus, "message.status", None, state="sent")  # a single message is no broadcast
    (found,) = seen.of("w")
    assert dict(found.counts) == {"sent": 3, "failed": 1, "unknown": 1}
    assert (seen.rate(found), found.fastest) == (3.0, 3.0)
    await fake_clock.advance(30)
    assert seen.rate(found) == 1.0
    await fake_clock.advance(30)
    assert (seen.rate(found), found.fastest) == (0.0, 3.0)


async def test_a_finished_broadcast_is_kept_for_a_while(
    bus: cluster.LocalBus, fake_clock: clock.FakeClock, seen: live.Live
) -> None:
    tell(bus, "campaign.status", status="processing")
    tell(bus, "message.status", state="sent")
    await fake_clock.advance(3600)
    assert [each.ended_at for each in seen.of("w")] == [None]
    tell(bus, "campaign.status", status="finished")
    await fake_clock.advance(299)
    (found,) = seen.of("w")
    assert found.ended_at is not None
    await fake_clock.advance(1)
    assert seen.of("w") == []


async def test_one_that_goes_on_is_kept(bus: cluster.LocalBus, fake_clock: clock.FakeClock, seen: live.Live) -> None:
    tell(bus, "message.status", state="failed")
    tell(bus, "campaign.status", status="finished")
    tell(bus, "campaign.status", status="processing")
    await fake_clock.advance(3600)
    assert [each.campaign_id for each in seen.of("w")] == ["c"]


async def test_nothing_kept_when_the_setting_says_so(bus: cluster.LocalBus, fake_clock: clock.FakeClock) -> None:
    seen = live.Live(bus, fake_clock, 0)
    tell(bus, "message.status", state="sent")
    tell(bus, "campaign.status", status="cancelled")
    assert seen.of("w") == []


async def test_memory_stays_flat_although_ends_are_never_told(
    bus: cluster.LocalBus, fake_clock: clock.FakeClock, seen: live.Live
) -> None:
    for number in range(100):
        tell(bus, "message.status", str(number), state="sent")
    await fake_clock.advance(86_400)
    tell(bus, "message.status", "new", state="sent")
    assert [each.campaign_id for each in seen.of("w")] == ["new"]
    assert len(seen._known["w"]) == 1


async def test_workspaces_do_not_see_each_other(bus: cluster.LocalBus, seen: live.Live) -> None:
    tell(bus, "message.status", "a", "one", state="sent")
    tell(bus, "message.status", "b", "two", state="sent")
    assert [each.campaign_id for each in seen.of("one")] == ["a"]
    assert seen.of("three") == []
