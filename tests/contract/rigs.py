"""One rig for each driver: how to build it, how time passes in its world, and what it was told to report."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hantar.gateways import outcomes, port
from hantar.gateways.simulator import chance, driver, ledger, lines
from hantar.kit import clock

FAST = chance.Options(latency=(0.001, 0.01), connect=(0.001, 0.02), linking=(0.001, 0.02), receipts=0.02, oddities=0.0)

E = TypeVar("E", bound=port.Event)


class Rig:
    """A started driver, the events it reported, and time."""

    def __init__(self, made: driver.SimulatorDriver, time: clock.Clock) -> None:
        self.driver, self.time = made, time
        self.events: list[port.Event] = []
        self.refuse_events = 0
        self.many = Many(self)

    async def sink(self, event: port.Event) -> None:
        """Takes events; refuses as many as a test asked for."""
        self._take([event])

    def _take(self, events: Sequence[port.Event]) -> None:
        if self.refuse_events:
            self.refuse_events -= 1
            raise ConnectionError("not taken")
        self.events += events

    def seen(self, kind: type[E], device: str | None = None) -> list[E]:
        """Events of a kind."""
        return [each for each in self.events if isinstance(each, kind) and device in (None, each.device_id)]

    async def until(self, holds: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Let time pass until something holds; fails when it never does."""
        end = self.time.monotonic() + seconds
        while not (found := holds()):
            assert self.time.monotonic() < end, "it never happened"
            await self.passes(0.02)
        return found

    async def passes(self, seconds: float) -> None:
        """Let so much time pass."""
        if isinstance(self.time, clock.FakeClock):
            await self.time.advance(seconds)
        else:
            await asyncio.sleep(seconds)

    async def wait(self, work: Any, seconds: float = 30.0) -> Any:
        """The result of something that needs time."""
        task = asyncio.ensure_future(work)
        await self.until(task.done, seconds)
        return task.result()

    async def send(self, device: port.DeviceRef, phone: str, ref: str, text: str = "Hello") -> port.Verdict:
        """Send a text."""
        verdict: port.Verdict = await self.wait(self.driver.send(device, port.Address(phone), port.Content(text), ref=ref))
        return verdict

    async def does(self, device: port.DeviceRef, action: str, **more: Any) -> dict[str, str]:
        """Ask the world for something."""
        done: dict[str, str] = await self.wait(self.driver.simulate(device, port.SimulatorAction(action, **more)))
        return done

    async def linked(self, name: str = "device-1") -> port.DeviceRef:
        """A device that is linked and online."""
        device = port.DeviceRef(name, 0, "60111111111")
        await self.pairs(device)
        return device

    async def pairs(self, device: port.DeviceRef) -> None:
        """Link a device that has no link, and wait until it is online."""
        codes, lines = len(self.seen(port.QrCode, device.device_id)), len(self.seen(port.Connected, device.device_id))
        await self.driver.open(device)
        await self.until(lambda: len(self.seen(port.QrCode, device.device_id)) > codes)
        await self.does(device, "scan")
        await self.until(lambda: len(self.seen(port.Connected, device.device_id)) > lines)

    def needs(self, ability: str) -> None:
        """Skip a test of what this driver does not say it can do."""
        if not getattr(self.driver.caps, ability):
            pytest.skip(f"{self.driver.name} declares no {ability}")

    async def close(self) -> None:
        """Close the driver."""
        await self.wait(self.driver.close(timedelta(seconds=1)))


class Many:
    """A sink that takes outcomes by the batch, as the program's does, and lets time pass before they are committed."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.batches: list[list[port.Event]] = []
        self._busy = False

    async def __call__(self, event: port.Event) -> None:
        """Takes an event; outcomes never come here."""
        assert not isinstance(event, outcomes.KINDS)
        await self._rig.sink(event)

    async def take_many(self, events: Sequence[port.Event]) -> None:
        """Takes outcomes, one batch at a time."""
        assert not self._busy, "the next batch came before this one was committed"
        assert events
        assert all(isinstance(each, outcomes.KINDS) for each in events)
        self._busy = True
        try:
            await self._rig.time.sleep(0.01)
            self._rig._take(events)
            self.batches.append(list(events))
        finally:
            self._busy = False


async def in_process(options: chance.Options = FAST) -> Rig:
    """The simulator beside us, under a clock that the test moves."""
    time = clock.FakeClock()
    line = lines.InProcess(time, ledger.MemoryLedger(), seed=1, options=options)
    rig = Rig(driver.SimulatorDriver(line, time, options), time)
    await rig.driver.start(rig.many)
    return rig


async def host(folder: Path, options: chance.Options = FAST, *, long: int = ledger.LONG) -> Rig:
    """The simulator in a process of its own, in real time; its ledger is put aside after so many lines."""
    time = clock.SystemClock()
    line = lines.Child(time, folder / "simulator", seed=1, options=options, long=long)
    rig = Rig(driver.SimulatorDriver(line, time, options), time)
    await rig.driver.start(rig.many)
    return rig


def person(wanted: Callable[[chance.Traits], bool], options: chance.Options = FAST, seed: int = 1) -> str:
    """The number of somebody with these traits."""
    numbers = (f"6012{number:07d}" for number in range(100_000))
    return next(each for each in numbers if wanted(chance.traits(seed, each, options)))


def ordinary(who: chance.Traits) -> bool:
    """On WhatsApp, reachable, shows read receipts."""
    return who.exists and not (who.is_off or who.blocks or who.hides_read)
