"""One linked device's client on a stage: the scripted library, time that stands still, and a road to WhatsApp that may close."""

import asyncio
from pathlib import Path

from hantar.gateways import port
from hantar.gateways.linked.whatsmeow_client import LinkedClient
from hantar.gateways.linked.whatsmeow_line import Process
from hantar.gateways.linked.whatsmeow_reach import Reach
from hantar.kit.clock import FakeClock
from tests.gateways.linked.protos import events
from tests.gateways.linked.scripted import Api, Script, link

ANN = port.Address("60123456789")
HELLO = port.Content("Hello @60198765432, see https://example.com")


class Road(Reach):
    """The way to WhatsApp, which a test closes."""

    def __init__(self) -> None:
        self.is_open = True

    async def is_there(self) -> bool:
        return self.is_open


class SlowRoad(Road):
    """Nobody knows yet whether it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.known = asyncio.Event()

    async def is_there(self) -> bool:
        await self.known.wait()
        return self.is_open


class Stage:
    """One device, its script, and what was told."""

    def __init__(self, folder: Path, time: FakeClock, script: Script, name: str = "device") -> None:
        self.path = folder / "sessions" / f"{name}.db"
        self.time, self.script, self.told = time, script, list[port.Event]()
        self.reach, self.retired = Road(), list[bool]()
        self.process = Process(script.library(), time, None, lambda: self.retired.append(True))
        self.client = LinkedClient(port.DeviceRef(name), self.path, self.told.append, self.process, self.reach)

    @property
    def api(self) -> Api:
        return self.script.made[-1]

    async def opens(self) -> Api:
        opening = asyncio.create_task(self.client.open())
        await self.passes(0.3)
        await opening
        return self.api

    async def linked(self) -> Api:
        """A device that was linked before, and is online."""
        link(self.path)
        await self.opens()
        await self.api.tell(events.Connected(status=True))
        self.told.clear()
        return self.api

    async def passes(self, seconds: float) -> None:
        for _ in range(3):
            await self.time.settle(10)
            await self.time.advance(seconds / 3)
        await self.time.settle(10)

    def kinds(self) -> list[type]:
        return [type(each) for each in self.told]
