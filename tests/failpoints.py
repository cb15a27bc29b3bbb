"""Failpoints: an engine that runs by itself under the fake clock, on a database that is slow, away, or loses its answers.

Kills alone miss what a slow writer shows at once, so each point of a transaction can be held or broken here, by what it does:
`claim` (it claims messages) and `record` (it writes outcomes).
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from hantar.dispatch import engine
from hantar.kit import db, ids
from hantar.outbox import queue
from tests.fleet import Fleet

SIGNS = {"claim": "SET state = 'claimed', reason = NULL", "record": "deferrals = m.deferrals +"}
"""By which words a transaction is known."""
Door = contextlib.AbstractAsyncContextManager[db.Tx]


class Marked(db.Tx):
    """A transaction that knows what it does."""

    kind = ""

    async def fetch(self, sql: str, *values: Any) -> list[db.Row]:
        for kind, sign in SIGNS.items():
            if sign in sql:
                self.kind = kind
        return await super().fetch(sql, *values)


class Failing(db.Database):
    """The same database through connections of its own, with failpoints in the engine's transactions."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet.db.dsn, key=fleet.db.key, clock=fleet.clock, bus=fleet.bus, size=6)
        self.is_away = False
        self.refused = 0
        """Transactions asked for while it was away."""
        self.slow: dict[str, float] = {}
        """Seconds that such a transaction stands before its commit."""
        self.fails: Counter[str] = Counter()
        """How many such transactions fail before their commit."""
        self.loses: Counter[str] = Counter()
        """How many such transactions are committed although the answer is lost."""
        self.done: Counter[str] = Counter()
        self._open = self._held = 0

    @property
    def is_held(self) -> bool:
        """Whether a transaction stands before its commit now."""
        return self._held > 0

    def _tx(self, connection: Any) -> db.Tx:
        return Marked(connection, self.clock, self.key, self.bus.is_heard)

    def system(self) -> Door:
        return self._through(super().system)

    def hot(self) -> Door:
        return self._through(super().hot)

    def hot_single(self) -> Door:
        return self._through(super().hot)  # so that there is something between the statement and its commit

    @contextlib.asynccontextmanager
    async def _through(self, door: Callable[[], Door]) -> AsyncIterator[db.Tx]:
        """A transaction of the engine, with what is to go wrong in it."""
        if self.is_away:
            self.refused += 1
            await asyncio.sleep(0)
            raise db.DatabaseAway
        self._open += 1
        try:
            async with door() as tx:
                yield tx
                await self._before_commit(tx)
            self._after_commit(tx)
        finally:
            self._open -= 1

    async def _before_commit(self, tx: Any) -> None:
        if seconds := self.slow.get(tx.kind):
            self._held += 1
            await self.clock.sleep(seconds)
            self._held -= 1
        if self.is_away or self.fails[tx.kind] > 0:
            self.fails[tx.kind] -= 1
            raise db.DatabaseAway
        if self.loses[tx.kind] > 0:
            tx.facts.clear()

    def _after_commit(self, tx: Any) -> None:
        self.done[tx.kind] += 1
        if self.loses[tx.kind] > 0:
            self.loses[tx.kind] -= 1
            raise db.DatabaseAway

    async def quiet(self) -> None:
        """Wait until no transaction is at work: the database works in real time, a held one stands by the fake clock."""
        for _ in range(10_000):
            await self.clock.settle()  # type: ignore[attr-defined]
            if self._open <= self._held:
                return
            await asyncio.sleep(0.0005)
        raise TimeoutError("a transaction did not end")


class Running:
    """An engine at work, and its door to the database."""

    def __init__(self, fleet: Fleet, *names: str, workers_per_pool: int | None = None) -> None:
        self.fleet, self.db = fleet, Failing(fleet)
        drivers = dict.fromkeys(names or ("simulator",), fleet.driver)
        self.engine = engine.Engine(
            self.db,
            drivers,
            fleet.bus,
            fleet.clock,
            node=ids.new_id(),
            random=lambda: fleet.random,
            workers_per_pool=workers_per_pool,
            lead=engine.LEAD,
        )
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Let it run."""
        self.task = asyncio.create_task(self.engine.run(self.stop))
        await self.db.quiet()

    async def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass, and every transaction end at its time."""
        for _ in range(round(seconds / step)):
            await self.fleet.clock.advance(step)
            await self.db.quiet()
            await self.fleet.heard()
        if self.task is not None and self.task.done():
            self.task.result()

    async def until(self, is_there: Callable[[], bool], seconds: float, step: float = 0.1) -> None:
        """Let time pass until this is so; raises `TimeoutError` when it is not within so many seconds."""
        for _ in range(round(seconds / step)):
            if is_there():
                return
            await self.run(step, step)
        raise TimeoutError

    async def end(self, seconds: float = 60.0) -> None:
        """Tell it to stop, and let time pass until it has."""
        self.stop.set()
        task = self.task
        assert task is not None
        await self.until(task.done, seconds)
        await task
        self.task = None

    async def kill(self) -> None:
        """The process dies: nothing of it runs on, nothing that it knew is written."""
        self.db.is_away = True
        mine = [flight.task for flight in self.engine.sender.flights.values() if flight.task is not None]
        self.engine.sender.flights.clear()
        for task in [*mine, self.task]:
            if task is not None:
                task.cancel()
        self.engine.recorder.waiting.clear()
        self.stop.set()
        self.task = None
        await self.fleet.clock.settle()


@contextlib.asynccontextmanager
async def running(fleet: Fleet, *names: str, workers_per_pool: int | None = None) -> AsyncIterator[Running]:
    """An engine that runs in place of the fleet's own, which gives its leases back."""
    await fleet.engine.leases.give_back()
    made = Running(fleet, *names, workers_per_pool=workers_per_pool)
    await made.start()
    try:
        yield made
    finally:
        if made.task is not None:
            made.db.is_away = False
            made.db.slow.clear()
            await made.end()
        await made.db.close()


async def crowd(fleet: Fleet, plan: Mapping[str, int], source: str | None = None, workspace: str | None = None) -> str:
    """So many queued messages for each of these devices, of one source (made when none is given), each to a person of its own."""
    workspace, made = workspace or fleet.workspace, source or ids.new_id()
    devices = [device for device, count in plan.items() for _ in range(count)]
    sql = """
      WITH c AS (INSERT INTO contents (workspace_id, id, kind, text, created_at)
                 VALUES ($1, gen_random_uuid(), 'text', 'Hello', $2) RETURNING id),
      n AS (SELECT *, gen_random_uuid() AS person FROM unnest($4::uuid[], $5::text[], $6::bytea[]) AS x (device, phone, key)),
      p AS (INSERT INTO persons (workspace_id, id, phone, zones, created_at)
            SELECT $1, person, phone, '{Asia/Kuala_Lumpur}', $2 FROM n),
      a AS (INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at)
            SELECT $1, 'phone', phone, key, person, $2 FROM n)
      INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state, priority,
                            not_before, expires_at, created_at)
      SELECT $1, gen_random_uuid(), 'campaign', $3, person, device, c.id, phone, 'queued', 5, $2, $2 + interval '3 days', $2
      FROM n, c"""
    async with fleet.db.transaction(workspace) as tx:
        now, first = await tx.now(), await tx.fetchval("SELECT count(*) FROM persons")
        phones = [f"60139{first + n:07d}" for n in range(len(devices))]
        keys = [tx.fingerprint("phone", phone) for phone in phones]
        await queue.open_lanes(tx, workspace, list(plan))
        await tx.execute(sql, workspace, now, made, devices, phones, keys)
    return made
