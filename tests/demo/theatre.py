"""The demo on a stage: devices, people and the simulated world under a fake clock, with everything that plays in it."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from hantar.campaigns import guard, service as campaigns
from hantar.demo import director, scenes, service as demo
from hantar.devices import keeper, model as devices
from hantar.gateways import port
from tests.devices.stage import WatchedDatabase
from tests.fleet import Fleet

T = TypeVar("T")


class Theatre(Fleet):
    """A fleet whose keeper, guard and director are at work; a test lets time pass."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keeper = keeper.Keeper(self.db, {"simulator": self.driver}, self.clock)
        self.demo = demo.Demo(self.db, self.clock, self.keeper)
        self.director = director.Director(self.db, self.bus, self.clock, self.keeper)
        self.guard = guard.Guard(self.db, self.bus, self.clock)
        self.welcome = self.rules = ""

    async def _sink(self, event: port.Event) -> None:
        if isinstance(event, devices.EVENTS):
            await self.keeper.take(event)
        else:
            await super()._sink(event)

    async def settle(self) -> None:
        """Let everything end that needs no time."""
        assert isinstance(self.db, WatchedDatabase)
        await self.clock.settle()
        while self.db.in_use:
            await asyncio.sleep(0.001)
            await self.clock.settle()

    async def wait(self, work: Awaitable[T]) -> T:
        """The result of something that needs time."""
        task = asyncio.ensure_future(work)
        for _ in range(600):
            await self.settle()
            if task.done():
                return task.result()
            await self.clock.advance(0.1)
        raise AssertionError("it never ended")

    async def build(self, by: str) -> None:
        """Build the demo, and note its two campaigns."""
        await self.demo.start(self.workspace, by, "Asia/Kuala_Lumpur")
        await self.wait(asyncio.gather(*self.demo._tasks))
        async with self.db.transaction(self.workspace) as tx:
            welcome, rules = await demo.campaigns_to_start(tx)
            error = await tx.fetchval("SELECT error FROM jobs WHERE kind = 'demo' ORDER BY id DESC LIMIT 1")
        assert welcome, error
        assert rules, error
        self.welcome, self.rules = welcome, rules

    async def begin(self, campaign_id: str) -> None:
        """Somebody starts a campaign of the demo."""
        async with self.db.transaction(self.workspace) as tx:
            await campaigns.start(tx, self.workspace, campaign_id)
        await self.planner.look()

    async def play(self, seconds: float) -> None:
        """Let time pass with everybody at work."""
        for _ in range(round(seconds / 0.5)):
            for _ in range(5):
                await self.engine.tick()
                await self.clock.advance(0.1)
                await self.settle()
                await self.engine.flush()
                await self.intake.flush()
                await self.settle()
            await self.engine.leases.beat()
            await self.director.look()
            await self.settle()
            await self.guard.look()
        await self.watcher.look()

    async def played(self) -> list[str]:
        """The scenes that were played."""
        async with self.db.transaction(self.workspace) as tx:
            cursor = await tx.fetchval("SELECT cursor FROM jobs WHERE kind = $1 ORDER BY id DESC LIMIT 1", director.JOB)
        return list((cursor or {}).get("played", ()))

    async def play_all(self) -> None:
        """Until the last scene has had its effect."""
        for _ in range(60):
            await self.play(2)
            if scenes.is_over(await self.played()):
                break
        await self.play(1)

    async def sql(self, query: str, *values: Any) -> list[Any]:
        """Ask in the workspace."""
        async with self.db.transaction(self.workspace) as tx:
            return list(await tx.fetch(query, *values))
