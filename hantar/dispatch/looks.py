"""Finds out what waits in which lane: where facts point, and everywhere in turn, so that a lost fact costs time alone."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import structlog

from hantar.dispatch.lanes import Lane, Lanes, Queue, Waiting
from hantar.kit import clock, cluster, db
from hantar.outbox import lanes as stored

log = structlog.get_logger(__name__)

SHARDS = 64
"""Shards there are (`leases`)."""
HEAL = 0.5
"""Seconds between looks at one shard after the other: a lost fact costs half a minute at most (our own number)."""
REST = 0.5
"""Seconds between two looks at one workspace, however many facts name it; a fact that names devices is not held back."""
TOGETHER = 2000
"""Devices in one look."""
AGAIN = 1.0
"""Seconds until the next try while the database is away."""
FEW = 4
"""Shards in one look after a start."""


class Looks:
    """Where to look, and the looking. `woken` is called when lanes may be due."""

    def __init__(
        self, database: db.Database, bus: cluster.Bus, clock_: clock.Clock, lanes: Lanes, node: str, woken: Callable[[], None]
    ) -> None:
        self._db, self._clock, self._lanes, self._node, self._woken = database, clock_, lanes, node, woken
        self._devices: set[str] = set()
        self._workspaces: dict[str, float] = {}
        """Workspaces to look at, and from when on."""
        self._looked: dict[str, float] = {}
        self._shards: list[int] = []
        self._next_shard = 0
        self._asked = asyncio.Event()
        bus.subscribe("outbox.queued", self._hear_queued)
        bus.subscribe("campaign.status", self._hear_workspace)
        bus.subscribe("device.status", self._hear_device)

    # -------------------------------------------------------------------------------------------- where

    def at_all(self) -> None:
        """Look at every lane."""
        self._shards = list(range(SHARDS))
        self._asked.set()

    def at_devices(self, device_ids: Iterable[str]) -> None:
        """Look at these lanes at once."""
        self._devices.update(device_ids)
        if self._devices:
            self._asked.set()

    def _hear_queued(self, fact: cluster.Fact) -> None:
        device_ids = fact.data.get("device_ids")
        if device_ids is None:
            self._hear_workspace(fact)
        else:
            self.at_devices(device_ids)

    def _hear_device(self, fact: cluster.Fact) -> None:
        self.at_devices([fact.data["device_id"]])

    def _hear_workspace(self, fact: cluster.Fact) -> None:
        workspace_id = fact.workspace_id
        if workspace_id is None:
            self.at_all()
        elif workspace_id not in self._workspaces:
            self._workspaces[workspace_id] = self._looked.get(workspace_id, -REST) + REST
            self._asked.set()

    # -------------------------------------------------------------------------------------------- looking

    async def run(self, stop: asyncio.Event) -> None:
        """Look where it is asked for, and at one shard after the other, until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._asked.set())
        heal = self._clock.monotonic() + HEAL
        try:
            while not stop.is_set():
                self._asked.clear()
                try:
                    await self._look_around(self._clock.monotonic())
                    if self._clock.monotonic() >= heal:
                        await self._heal()
                        heal = self._clock.monotonic() + HEAL
                except db.DatabaseAway:
                    log.warning("looks.database_away")
                    await self._clock.wait(stop, AGAIN)
                    continue
                if not (self._devices or self._shards):
                    now = self._clock.monotonic()
                    await self._clock.wait(self._asked, min([heal, *self._workspaces.values()]) - now)
        finally:
            stopped.cancel()

    async def look(self) -> None:
        """Look now wherever it was asked for."""
        self._workspaces = dict.fromkeys(self._workspaces, 0.0)
        while self._devices or self._workspaces or self._shards:
            await self._look_around(self._clock.monotonic(), SHARDS)

    async def _look_around(self, now: float, few: int = FEW) -> None:
        """One round: the devices named, the workspaces whose time it is, a few shards. What fails is asked for again."""
        devices = list(self._devices)[:TOGETHER]
        if devices:
            self._devices.difference_update(devices)
            known = [lane for lane in map(self._lanes.find, devices) if lane is not None]
            await self._ask(stored.Scope(devices=devices), known)
        due = [each for each, at in self._workspaces.items() if at <= now]
        if due:
            for each in due:
                del self._workspaces[each]
            self._looked |= dict.fromkeys(due, now)
            await self._ask(stored.Scope(workspaces=due), self._lanes.of(due))
        if self._shards:
            shards, self._shards = self._shards[:few], self._shards[few:]
            await self._ask(stored.Scope(shards=shards), self._lanes.in_shards(shards))

    async def _heal(self) -> None:
        """Look at the next shard, whether or not anybody asked."""
        self._next_shard = (self._next_shard + 1) % SHARDS
        shards = [self._next_shard]
        await self._ask(stored.Scope(shards=shards), self._lanes.in_shards(shards))
        if self._next_shard == 0:
            self._lanes.forget_idle(self._clock.monotonic())
            self._looked.clear()

    async def _ask(self, scope: stored.Scope, known: Sequence[Lane]) -> None:
        began = self._clock.monotonic()
        try:
            async with self._db.hot() as tx:
                now = await tx.now()
                mono = self._clock.monotonic()
                rows = await stored.waiting(tx, self._node, now, scope)
        except db.DatabaseAway:
            self._devices.update(scope.devices or ())
            self._workspaces |= dict.fromkeys(scope.workspaces or (), began)
            self._shards += scope.shards or ()
            raise
        self._lanes.learn(_found(rows, now, mono), known, began)
        self._woken()


def _found(rows: Sequence[db.Row], now: datetime, mono: float) -> list[Waiting]:
    """Rows by lane, with instants of the database's clock as monotonic seconds."""
    by_lane: dict[str, list[db.Row]] = defaultdict(list)
    for row in rows:
        by_lane[row["device_id"]].append(row)
    found = []
    for device_id, of_lane in by_lane.items():
        first = of_lane[0]
        queues = [
            Queue(row["source_id"], row["priority"], mono + max(0.0, (row["not_before"] - now).total_seconds()))
            for row in of_lane
        ]
        rests = mono + max(0.0, (first["ready_at"] - now).total_seconds())
        found.append(Waiting(first["workspace_id"], device_id, first["shard"], rests, queues))
    return found
