"""Reads templates by itself: of a number that is new here, of one with news of an unknown template, and of all once a day."""

import asyncio
from datetime import timedelta

import structlog

from hantar.devices import keeper, model as devices
from hantar.kit import clock, cluster, db, errors
from hantar.templates import service, store

log = structlog.get_logger(__name__)

EVERY = timedelta(days=1)
"""How old what was read may become; news come by themselves in between (our own number)."""
AGAIN = timedelta(minutes=10)
"""After a reading that failed (our own number)."""
LOOK = 30.0
"""Seconds between looks; a device that comes online wakes it at once."""
TOGETHER = 20
"""Numbers read in one look."""


class Reader:
    """One service per process; each number is read by one of them."""

    def __init__(self, database: db.Database, kept: keeper.Keeper, bus: cluster.Bus, clock_: clock.Clock) -> None:
        self._db, self._keeper, self._clock = database, kept, clock_
        self._woken = asyncio.Event()
        bus.subscribe("device.status", self._hear)
        bus.subscribe("template.status", self._hear)

    def _hear(self, fact: cluster.Fact) -> None:
        if fact.name == "template.status" or fact.data.get("state") == "online":
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Read what is due, until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    if await self.look() == TOGETHER:
                        continue
                except db.DatabaseAway:
                    log.warning("templates.database_away")
                await self._clock.wait(self._woken, LOOK)
        finally:
            stopped.cancel()

    async def look(self) -> int:
        """Read the numbers that are due, some at most; returns how many these were."""
        async with self._db.system() as tx:
            now = await tx.now()
            due = await store.take_unread(tx, now, now - EVERY, TOGETHER)
        for workspace_id, device_id in due:
            try:
                count = await service.sync(self._db, self._keeper, workspace_id, device_id)
                log.info("templates.read", device=device_id, count=count)
            except (errors.Invalid, errors.Unavailable, devices.NotSupported, devices.DeviceNotFound) as error:
                log.warning("templates.not_read", device=device_id, why=type(error).__name__)
                async with self._db.system() as tx:
                    await store.read_again(tx, device_id, await tx.now() - EVERY + AGAIN)
        return len(due)
