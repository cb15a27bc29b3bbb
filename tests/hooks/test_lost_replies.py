"""Lost replies over the whole way: engine, driver, HTTP, webhooks kept and worked off. Nothing is lost, nothing goes twice."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hantar.kit import clock, cluster, db
from tests.clouds import CloudFleet
from tests.fleet import Fleet
from tests.gateways.cloud.fake import FakeCloud


@pytest.fixture
async def stage(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Any
) -> AsyncIterator[CloudFleet]:
    made = CloudFleet(Fleet(database, fake_clock, bus, alice.workspace_id), FakeCloud(lossy=0.1))
    await made.start()
    await made.rules(device_new_chats=100_000)
    yield made
    await made.close()


async def messages(stage: CloudFleet) -> list[dict[str, Any]]:
    return [dict(row) for row in await stage.fleet.sql("SELECT id, state, wire_id, attempts FROM messages")]


@pytest.mark.slow
async def test_every_lost_reply_is_settled_by_its_status_and_nothing_goes_twice(stage: CloudFleet) -> None:
    """A tenth of the replies is lost; the webhooks come shuffled, and a third of them twice."""
    devices = [await stage.add() for _ in range(6)]
    for n, device in enumerate(devices):
        await stage.enqueue(device, [f"60123{n}{m:05d}" for m in range(25)])
    await stage.run(6)
    while any(each["state"] == "queued" for each in await messages(stage)):  # three lost in a row set a device aside
        await stage.resume()
        await stage.run(6)
    before = Counter(each["state"] for each in await messages(stage))
    assert before["unknown"] > 5, "without lost replies this proves nothing"
    assert before["unknown"] + before["sent"] == 150
    await stage.calls(doubled=0.3)
    found = await messages(stage)
    assert Counter(each["state"] for each in found) == {"read": 150}
    wires = {each.ref: each.wire_id for each in stage.cloud.ledger}
    assert len(stage.cloud.ledger) == len(wires) == 150, "each message went out once"
    assert {each["id"]: each["wire_id"] for each in found} == wires
    assert ({each["attempts"] for each in found}, stage.fleet.intake.doubles) == ({1}, 0)


async def test_webhooks_that_overtake_their_replies_change_nothing_of_that(stage: CloudFleet) -> None:
    device = await stage.add()
    await stage.enqueue(device, [f"60123{m:06d}" for m in range(12)])
    for _ in range(15):
        await stage.run(0.1)
        await stage.calls(doubled=1.0)
    assert Counter(each["state"] for each in await messages(stage)) == {"read": 12}
    assert (len(stage.cloud.ledger), stage.fleet.intake.doubles) == (12, 0)


async def test_a_late_cap_of_the_service_closes_a_person_to_campaigns_for_a_day(stage: CloudFleet) -> None:
    device = await stage.add()
    stage.cloud.fails("late", 131049)
    await stage.enqueue(device, ["60123770000"])
    await stage.run(0.5)
    await stage.calls()
    (second,) = await stage.enqueue(device, ["60123770000"])
    await stage.run(0.5)
    (row,) = await stage.fleet.sql("SELECT state, reason FROM messages WHERE id = $1", second)
    assert (row["state"], row["reason"], len(stage.cloud.ledger)) == ("suppressed", "cap", 1)


async def test_who_stopped_our_marketing_is_opted_out_by_their_own_word(stage: CloudFleet) -> None:
    """131050, by reply and by webhook: a wish, not a block, so that a few do not close the device."""
    device = await stage.add()
    stage.cloud.fails("code", 131050, to="60123770000")
    stage.cloud.fails("late", 131050, to="60123770001")
    await stage.enqueue(device, ["60123770000", "60123770001"])
    await stage.run(1)
    await stage.calls()
    rows = await stage.fleet.sql("SELECT reason FROM suppressions")
    assert [row["reason"] for row in rows] == ["stop", "stop"]
    refused = await stage.fleet.sql("SELECT state, reason FROM messages")
    assert [(row["state"], row["reason"]) for row in refused] == [("failed", "opted_out")] * 2
