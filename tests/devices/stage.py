"""A keeper with a simulated world beside it, under a clock that the test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, TypeVar

from hantar.devices import model, store
from hantar.devices.keeper import Keeper
from hantar.gateways import port
from hantar.gateways.simulator import chance, driver, ledger, lines
from hantar.kit import clock, cluster, db

OPTIONS = chance.Options(connect=(0.1, 0.2), linking=(0.1, 0.2))
T = TypeVar("T")


class WatchedDatabase(db.Database):
    """A database that knows whether somebody is using it: the fake clock waits for real work to end."""

    def __init__(self, *values: Any, **more: Any) -> None:
        super().__init__(*values, **more)
        self.in_use = 0

    @contextlib.asynccontextmanager
    async def _counted(self, opened: AbstractAsyncContextManager[db.Tx]) -> AsyncIterator[db.Tx]:
        self.in_use += 1
        try:
            async with opened as tx:
                yield tx
        finally:
            self.in_use -= 1

    def transaction(self, workspace_id: str | None) -> AbstractAsyncContextManager[db.Tx]:
        return self._counted(super().transaction(workspace_id))

    def system(self) -> AbstractAsyncContextManager[db.Tx]:
        return self._counted(super().system())

    def door(self) -> AbstractAsyncContextManager[db.Tx]:
        return self._counted(super().door())


class Stage:
    """Everything a device needs to come alive."""

    def __init__(self, database: WatchedDatabase, time: clock.FakeClock, bus: cluster.LocalBus) -> None:
        self.db, self.time = database, time
        self.book = ledger.MemoryLedger()
        self.driver = driver.SimulatorDriver(lines.InProcess(time, self.book, options=OPTIONS), time, OPTIONS)
        self.keeper = Keeper(database, {"simulator": self.driver}, time, random=lambda: 0.5)
        self.facts: list[cluster.Fact] = []
        bus.subscribe("*", self.facts.append)
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start driver and keeper."""
        await self.driver.start(self.keeper.take)
        self._task = asyncio.create_task(self.keeper.run(self._stop))
        await self.passes(0.1)

    async def close(self) -> None:
        """Stop both."""
        self._stop.set()
        if self._task is not None:
            await self.wait(self._task)
        await self.wait(self.driver.close(timedelta(0)))

    async def passes(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass, and let the database keep up with it."""
        while seconds > 0:
            await self.time.advance(min(step, seconds))
            await self.settle()
            seconds -= step

    async def settle(self) -> None:
        """Let everything end that needs no time of the fake clock."""
        await self.time.settle(10)
        while self.db.in_use:
            await asyncio.sleep(0.001)
            await self.time.settle(10)

    async def wait(self, work: Awaitable[T], seconds: float = 120.0) -> T:
        """The result of something that needs time."""
        task = asyncio.ensure_future(work)
        while not task.done() and seconds > 0:
            await self.passes(0.1, 0.1)
            seconds -= 0.1
        assert task.done(), "it never ended"
        await self.settle()
        return task.result()

    async def until(self, holds: Callable[[model.Device], Any], device_id: str, seconds: float = 120.0) -> model.Device:
        """Let time pass until something holds of a device."""
        while not holds(found := await self.device(device_id)):
            assert seconds > 0, f"it never happened: {found.state} {found.state_reason}"
            await self.passes(0.25)
            seconds -= 0.25
        return found

    async def device(self, device_id: str) -> model.Device:
        """The device as it is stored."""
        async with self.db.system() as tx:
            found = await store.find(tx, device_id)
        assert found is not None
        return found

    async def does(self, device_id: str, action: str, **more: Any) -> dict[str, str]:
        """Ask the world for something."""
        wish = port.SimulatorAction(action, **more)
        return await self.wait(self.driver.simulate(port.DeviceRef(device_id), wish))

    def told(self, name: str) -> list[dict[str, Any]]:
        """The data of facts with this name."""
        return [dict(fact.data) for fact in self.facts if fact.name == name]
