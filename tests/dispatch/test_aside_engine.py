"""A device that fails three times in a row is set aside by the engine; its messages wait and never move."""

from typing import Any

import pytest

from hantar.audit.service import Actor
from hantar.devices import service as devices
from hantar.dispatch import aside
from hantar.gateways import port
from hantar.kit import errors
from tests.dispatch.test_aside import audited, device_row
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(12)]
LOST = port.SimulatorAction("lose_trace", for_seconds=3600)


async def begun(fleet: Fleet, count: int = 2) -> list[str]:
    """Devices with six people each, one message a second."""
    made = await fleet.add_devices(count)
    for number, device in enumerate(made):
        await fleet.add_leads(device, PHONES[6 * number : 6 * number + 6])
    await fleet.launch(min_delay_seconds=1, max_delay_seconds=1)
    return made


async def test_after_three_lost_answers_its_messages_wait_and_others_go_on(fleet: Fleet) -> None:
    bad, good = await begun(fleet)
    await fleet.driver.simulate(port.DeviceRef(bad), LOST)
    await fleet.run(30, 0.25)
    rows = await fleet.rows()
    states = {device: sorted(row["state"] for row in rows if row["device_id"] == device) for device in (bad, good)}
    assert states[bad] == ["queued"] * 3 + ["unknown"] * 3
    assert set(states[good]) <= {"sent", "delivered", "read"}
    found = await device_row(fleet, bad)
    assert (found["sending_paused"], found["pause_reason"], found["state"]) == (True, "errors", "online")
    assert not (await device_row(fleet, good))["sending_paused"]


async def test_it_is_told_kept_in_the_history_and_audited_as_a_rule_once(fleet: Fleet) -> None:
    told: list[Any] = []
    fleet.bus.subscribe("device.set_aside", told.append)
    [bad] = await begun(fleet, 1)
    await fleet.driver.simulate(port.DeviceRef(bad), LOST)
    await fleet.run(8)
    assert [(fact.workspace_id, fact.data["device_id"]) for fact in told] == [(fleet.workspace, bad)]
    history = await fleet.sql("SELECT * FROM device_events WHERE device_id = $1 AND reason = 'paused'", bad)
    assert len(history) == 1
    assert "in a row" in history[0]["words"]
    assert await audited(fleet, bad) == [], "the dispatcher waits for no writer of the audit"
    writer = aside.Aside(fleet.db, fleet.bus, fleet.clock)
    assert [await writer.write_down(), await writer.write_down()] == [1, 0]
    [entry] = await audited(fleet, bad)
    assert (entry["actor"], entry["reason"], entry["after"]["errors"]) == ("rules", "errors", 3)


async def test_a_person_resumes_it_with_a_reason_and_the_count_begins_anew(fleet: Fleet) -> None:
    [bad] = await begun(fleet, 1)
    await fleet.driver.simulate(port.DeviceRef(bad), port.SimulatorAction("lose_trace", for_seconds=11))
    await fleet.run(12, 0.25)
    await aside.Aside(fleet.db, fleet.bus, fleet.clock).write_down()
    async with fleet.db.transaction(fleet.workspace) as tx:
        with pytest.raises(errors.Invalid):
            await devices.resume(tx, bad, Actor(None, "Alice"), None)
        await devices.resume(tx, bad, Actor(None, "Alice"), "The phone had no network.")
    await fleet.run(12, 0.25)
    assert (await device_row(fleet, bad))["errors_in_a_row"] == 0
    assert "queued" not in await fleet.states()
