"""Erasing a person reaches the simulator's own record (I-24), and nobody else's."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from hantar.gateways import forget, port
from hantar.gateways.simulator import driver, ledger, lines
from hantar.kit import clock
from tests.fleet import CALM

NUMBER, OTHER, LID = "60123000111", "60123000222", "12345678901234@lid"


class Stage:
    """A simulator with a ledger in files, devices, and what it told."""

    def __init__(self, time: clock.FakeClock, folder: Path) -> None:
        self.time, self.folder = time, folder
        self.book = ledger.FileLedger(folder)
        self.line = lines.InProcess(time, self.book, options=CALM)
        self.driver = driver.SimulatorDriver(self.line, time, CALM)
        self.taken: list[port.Event] = []

    async def sink(self, event: port.Event) -> None:
        self.taken.append(event)

    async def link(self, name: str) -> port.DeviceRef:
        device = port.DeviceRef(name, 1, "60120000001")
        await self.driver.open(device)
        await self.time.advance(1)
        await self.driver.simulate(device, port.SimulatorAction("scan", phone="60120000001"))
        await self.time.advance(5)
        return device

    async def send(self, device: port.DeviceRef, number: str, ref: str) -> None:
        sending = self.driver.send(device, port.Address(phone=number), port.Content(text="Hello"), ref=ref)
        await self.time.advance(2)
        assert isinstance(await asyncio.wait_for(sending, 5), port.Accepted)

    async def says(self, device: port.DeviceRef) -> None:
        said = port.SimulatorAction("inbound", phone=NUMBER, text="My secret words", opaque=LID, extra={"name": "Siti"})
        await self.driver.simulate(device, said)

    def text(self, device: str) -> str:
        """All that is on disk about a device."""
        self.book.flush()
        lines_ = [line for path in self.folder.glob("ledger*.jsonl") for line in path.read_text().splitlines()]
        found = [line for line in lines_ if json.loads(line)["device"] == device]
        kept = self.folder / "snapshot.json"
        state = json.loads(kept.read_text())["state"] if kept.exists() else {"devices": [], "due": {}}
        found += [json.dumps(row) for row in state["devices"] if row[0] == device]
        return "\n".join(found + [json.dumps(row) for rows in state["due"].values() for row in rows if row[1] == device])


@pytest.fixture
async def stage(fake_clock: clock.FakeClock, tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(fake_clock, tmp_path)
    await made.driver.start(made.sink)
    yield made
    await made.driver.close(timedelta())
    made.book.close()


@pytest.mark.parametrize("has_snapshot", [False, True])
async def test_the_driver_leaves_no_trace_of_an_erased_person(stage: Stage, has_snapshot: bool) -> None:
    device = await stage.link("d1")
    await stage.send(device, NUMBER, "R1")
    await stage.send(device, OTHER, "R2")
    await stage.says(device)
    if has_snapshot:
        stage.line.world.compact()
        await stage.send(device, NUMBER, "R3")
    assert all(word in stage.text("d1") for word in (NUMBER, LID, "secret", "Siti"))
    assert isinstance(stage.driver, forget.Forgets)
    before = len(stage.taken)

    await stage.driver.forget_people([NUMBER, LID], ["d1"])

    text = stage.text("d1")
    assert not [word for word in (NUMBER, LID, "secret", "Siti") if word in text]
    assert OTHER in text, "nobody else's record is touched"
    await stage.time.advance(60)
    linked = [each for each in stage.taken[before:] if isinstance(each, port.IdentityLinked)]
    assert linked == [], "what was on its way never arrives"
    await stage.send(device, OTHER, "R4")
    assert stage.text("d1").count(OTHER) > text.count(OTHER), "the new file is the one that is written"


@pytest.mark.parametrize("has_snapshot", [False, True])
async def test_another_workspace_keeps_what_it_knows_of_the_same_number(stage: Stage, has_snapshot: bool) -> None:
    """Mallory's workspace knows the number too; that Alice's forgets it is none of hers."""
    ours, theirs = await stage.link("ours"), await stage.link("theirs")
    for device in (ours, theirs):
        await stage.send(device, NUMBER, f"R-{device.device_id}")
        await stage.says(device)
    if has_snapshot:
        stage.line.world.compact()
    await stage.driver.forget_people([NUMBER, LID], ["ours"])
    assert NUMBER not in stage.text("ours")
    assert all(word in stage.text("theirs") for word in (NUMBER, LID, "secret"))
    assert NUMBER in stage.line.world.at("theirs").warm
    before = len(stage.taken)
    await stage.time.advance(60)
    linked = [each.device_id for each in stage.taken[before:] if isinstance(each, port.IdentityLinked)]
    assert linked == ["theirs"]


async def test_what_a_forgotten_device_left_behind_goes_as_well(stage: Stage) -> None:
    """Its workspace does not name it any more, and nobody else needs its record."""
    gone, ours = await stage.link("gone"), await stage.link("ours")
    await stage.send(gone, NUMBER, "R1")
    await stage.driver.forget(gone)
    await stage.driver.forget_people([NUMBER], [ours.device_id])
    assert NUMBER not in stage.text("gone")
