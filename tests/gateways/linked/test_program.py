"""Linked devices under the devices' keeper, with a real database, real processes and real time: what a person sees of it all."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.devices import keeper, model, secrets, service
from hantar.devices.control import Control
from hantar.gateways import port
from hantar.gateways.linked import watch
from hantar.gateways.port import DeviceState as S
from hantar.kit import clock, cluster, db
from tests.contract import rig_linked, rigs

pytestmark = pytest.mark.slow

KEY = bytes(32)


class Program:
    """Database, keeper and linked devices, as `app.py` puts them together."""

    def __init__(self, database: db.Database, rig: rig_linked.LinkedRig) -> None:
        self.db, self.rig = database, rig
        self.keeper = keeper.Keeper(database, {"linked": rig.driver}, rig.time)
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start driver and keeper."""
        await self.rig.driver.start(self.keeper.take)
        self._task = asyncio.create_task(self.keeper.run(self._stop))

    async def close(self) -> None:
        """Stop both."""
        self._stop.set()
        if self._task is not None:
            await self._task
        await self.rig.driver.close(timedelta(seconds=1))

    async def until(self, device_id: str, holds: Callable[[model.Device], Any], seconds: float = 30.0) -> model.Device:
        """Wait until something holds of a device."""
        async with asyncio.timeout(seconds):
            while True:
                async with self.db.system() as tx:
                    row = await service.store.find(tx, device_id)
                assert row is not None
                if holds(row):
                    return row
                await asyncio.sleep(0.05)

    async def linked(self, caller: Caller, name: str) -> str:
        """A device that a person added and linked by its code."""
        async with self.db.transaction(caller.workspace_id) as tx:
            made = await service.create(tx, caller.workspace_id, service.New(name, "linked"))
        control = Control(self.db, self.rig.time, self.keeper, caller.workspace_id)
        code = await control.qr(made.id)
        await self.rig.does(port.DeviceRef(made.id), "scan", code=code.code, phone=f"6011{len(name):08d}")
        await self.until(made.id, lambda each: each.state is S.ONLINE)
        return made.id


@pytest.fixture
async def real(dsn: str, bus: cluster.LocalBus) -> AsyncIterator[db.Database]:
    """A database under the machine's clock."""
    opened = db.Database(dsn, key=KEY, clock=clock.SystemClock(), bus=bus, size=5)
    yield opened
    await opened.close()


@pytest.fixture
async def program(real: db.Database, tmp_path: Path) -> AsyncIterator[Program]:
    """The running program."""
    made = Program(real, rig_linked.LinkedRig(tmp_path, {}, watch.MOST, secrets.of(real, KEY)("linked"), watch.BEAT))
    await made.start()
    yield made
    await made.close()


async def test_a_person_links_a_phone_and_its_session_is_sealed_and_comes_back_after_a_restart(
    program: Program, real: db.Database, alice: Caller, tmp_path: Path
) -> None:
    device = await program.linked(alice, "Shop")
    async with asyncio.timeout(20):  # a moment after the pairing
        while (kept := await secrets.of(real, KEY)("linked").load(device)) is None:
            await asyncio.sleep(0.05)
    assert b"6011" in kept
    async with real.system() as tx:
        sealed = await tx.fetchval("SELECT sealed FROM device_secrets WHERE device_id = $1", device)
    assert b"6011" not in sealed
    await program.close()
    for file in (program.rig.setup.folder / "sessions").iterdir():
        file.unlink()  # another machine, say
    again = Program(real, rig_linked.LinkedRig(tmp_path, {}, watch.MOST, secrets.of(real, KEY)("linked"), watch.BEAT))
    await again.start()
    await again.until(device, lambda each: each.state is S.ONLINE)
    await again.close()


async def test_devices_of_a_killed_host_are_offline_for_a_moment_and_a_silent_one_is_restarted(
    program: Program, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await program.linked(alice, "Shop")
    pid = program.rig.driver.pid_of(device)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    gone = await program.until(device, lambda each: each.state is S.OFFLINE)
    assert gone.state_reason == "gateway_restart"
    await program.until(device, lambda each: each.state is S.ONLINE)
    monkeypatch.setattr("hantar.gateways.linked.driver.SEND_WITHIN", 0.2)
    await program.rig.does(port.DeviceRef(device), "silent")
    to, text = port.Address(rigs.person(rigs.ordinary)), port.Content("x")
    for ref in ("m1", "m2"):
        assert isinstance(await program.rig.driver.send(port.DeviceRef(device), to, text, ref=ref), port.Unconfirmed)
    await program.until(device, lambda each: each.state is S.SUSPECT)
    await program.until(device, lambda each: each.state is S.ONLINE)
    monkeypatch.undo()
    assert isinstance(await program.rig.driver.send(port.DeviceRef(device), to, text, ref="m3"), port.Accepted)
