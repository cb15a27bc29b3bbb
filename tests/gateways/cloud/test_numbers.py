"""What the service says about a number is written down beside it; what it does not say stays."""

from datetime import timedelta
from typing import Any

from hantar.devices import numbers
from hantar.gateways import port
from hantar.gateways.credentials import Quality
from hantar.kit import clock, cluster, db
from tests.fleet import Fleet


async def test_quality_and_limit_are_written_down_and_late_news_changes_nothing(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Any
) -> None:
    fleet = Fleet(database, fake_clock, bus, alice.workspace_id)
    await fleet.start()
    (device,) = await fleet.add_devices(1)
    now = fake_clock.now()
    sql = """INSERT INTO cloud_numbers (workspace_id, device_id, number_id, business_id, tier, checked_at)
             VALUES ($1, $2, '100', '9001', 250, $3)"""
    await fleet.sql(sql, fleet.workspace, device, now)

    async def told(seconds: float, quality: Quality | None, tier: int | None) -> tuple[Quality, int | None]:
        at = now + timedelta(seconds=seconds)
        event = port.NumberQuality(device_id=device, event_id=str(seconds), at=at, quality=quality, tier=tier)
        await numbers.take(database, event)
        async with database.transaction(fleet.workspace) as tx:
            found = (await numbers.of(tx, [device]))[device]
        return found.quality, found.tier

    assert await told(10, Quality.YELLOW, None) == (Quality.YELLOW, 250)
    assert await told(20, None, 2_000) == (Quality.YELLOW, 2_000)
    assert await told(15, Quality.GREEN, 250) == (Quality.YELLOW, 2_000)
    await fleet.close()
