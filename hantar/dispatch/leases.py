"""Which devices are ours: leases of shards in PostgreSQL, with fencing tokens.

A lapsed lease is taken over under a higher token; nothing is rescued by age.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from hantar.dispatch import facts
from hantar.gateways import port
from hantar.kit import clock, db
from hantar.outbox import store

log = structlog.get_logger(__name__)

TTL = timedelta(seconds=3)
"""Life of a lease without renewal; a dead server's devices move within this time (engine.md 6: takeover 2.7-3.3 s)."""
RENEW_EVERY = 0.8
JUMP = 1.0
"""Seconds by which the database's clock must outrun our own before it has been put forward (our own number)."""
HEED_JUMP = timedelta(minutes=10)
"""How long after a jump slots written before it are not believed: longer than devices pause (our own number)."""


class Leases:
    """Renews what we have and takes what has lapsed; what a dead holder had claimed is rescued in the same transaction."""

    def __init__(
        self,
        database: db.Database,
        clock_: clock.Clock,
        node: str,
        caps: Mapping[str, port.Capabilities],
    ) -> None:
        self._db, self._clock, self.node, self._caps = database, clock_, node, caps
        self.held = 0
        self._last: tuple[datetime, float] | None = None
        """The database's clock at the last beat, and ours just before it was asked."""
        self._jumped_at: datetime | None = None
        """When the database's clock was seen put forward, by itself."""
        self._timeout = max((each.send_timeout for each in caps.values()), default=timedelta())

    def _jump_before(self, now: datetime, asked: float) -> datetime | None:
        """When the database's clock was put forward lately, if it was: slots written before come too early (F-07)."""
        mono = self._clock.monotonic()
        if self._last is not None and (now - self._last[0]).total_seconds() - (mono - self._last[1]) > JUMP:
            self._jumped_at = now
        self._last = now, asked
        at = self._jumped_at
        return at if at is not None and timedelta() <= now - at < HEED_JUMP else None

    async def beat(self) -> int:
        """One round; returns how many shards were newly taken."""
        deduplicating = [name for name, caps in self._caps.items() if caps.deduplicates]
        asked = self._clock.monotonic()
        async with self._db.system() as tx:
            now = await tx.now()
            jumped_at = self._jump_before(now, asked)
            kept = await store.renew_leases(tx, self.node, now, TTL)
            taken = await store.take_leases(tx, self.node, now, TTL)
            rescued = await store.rescue(tx, taken, deduplicating, now) if taken else []
            if taken and jumped_at is not None:
                await store.rest_anew(tx, taken, jumped_at, self._timeout)
            await facts.note_rescues(tx, rescued)
            await facts.tell_and_end_stopped(tx, rescued)
        self.held = kept + len(taken)
        if taken:
            log.info("leases.taken", node=self.node, shards=len(taken), rescued=len(rescued))
        return len(taken)

    async def run(self, stop: asyncio.Event, wake: Callable[[], None]) -> None:
        """Beat until told to stop; the engine gives the leases back after its last outcome is written."""
        while not stop.is_set():
            try:
                if await self.beat():
                    wake()
            except db.DatabaseAway:
                self.held = 0
                log.warning("leases.database_away")
            await self._clock.wait(stop, RENEW_EVERY)

    async def give_back(self) -> None:
        """Let others take over at once."""
        async with self._db.system() as tx:
            await store.give_back_leases(tx, self.node, await tx.now())
        self.held = 0
