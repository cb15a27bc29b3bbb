"""When rules are loosened, what waits by the old ones is judged again at once, not when the old wait would have ended.

It hears a fact; a fact that is lost costs time alone: the message looks again at the end of the wait it was told.
"""

import asyncio

import structlog

from hantar.kit import cluster, db
from hantar.kit.clock import Clock
from hantar.outbox import queue

log = structlog.get_logger(__name__)

BATCH = 2000
"""Messages in one transaction, so that no claim waits long for it (our own number)."""
FIRST = "00000000-0000-0000-0000-000000000000"
"""Before every id."""


class Recheck:
    """One service per process."""

    def __init__(self, database: db.Database, bus: cluster.Bus, clock: Clock) -> None:
        self._db, self._bus, self._clock = database, bus, clock
        self._workspaces: set[str | None] = set()
        self._woken = asyncio.Event()
        bus.subscribe("policy.changed", self._hear)

    def _hear(self, fact: cluster.Fact) -> None:
        if fact.data.get("is_looser"):
            self._workspaces.add(fact.workspace_id)
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look again until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        try:
            while True:
                await self._woken.wait()
                if stop.is_set():
                    return
                self._woken.clear()
                try:
                    await self.look()
                except db.DatabaseAway:
                    log.warning("recheck.database_away")
                    await self._clock.sleep(1.0)
                    self._woken.set()
        finally:
            stopped.cancel()

    async def look(self) -> int:
        """Let everything be judged again that waits in workspaces whose rules were loosened; returns how many messages."""
        count = 0
        while self._workspaces:
            workspace = self._workspaces.pop()
            try:
                count += await self._look_in(workspace)
            except db.DatabaseAway:
                self._workspaces.add(workspace)
                raise
        return count

    async def _look_in(self, workspace_id: str | None) -> int:
        count, last = 0, FIRST
        while True:
            async with self._db.system() as tx:
                found = await queue.look_again(tx, workspace_id, last, await tx.now(), BATCH)
                tx.tell("outbox.queued", workspace_id)
            count += len(found)
            if len(found) < BATCH:
                return count
            last = found[-1]
