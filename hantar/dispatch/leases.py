"""Which devices are ours: leases of shards in PostgreSQL, with fencing tokens.

A lapsed lease is taken over under a higher token; nothing is rescued by age.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from hantar.dispatch import facts
from hantar.gateways import port
from hantar.kit import clock, db
from hantar.outbox import store

log = structlog.get_logger(__name__)

TTL = timedelta(seconds=3)
"""Life of a lease without renewal; a dead server's devices move within this time (engine.md 6: takeover 2.7-3.3 s)."""
RENEW_EVERY = 0.8


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

    async def beat(self) -> int:
        """One round; returns how many shards were newly taken."""
        deduplicating = [name for name, caps in self._caps.items() if caps.deduplicates]
        async with self._db.system() as tx:
            now = await tx.now()
            kept = await store.renew_leases(tx, self.node, now, TTL)
            taken = await store.take_leases(tx, self.node, now, TTL)
            rescued = await store.rescue(tx, taken, deduplicating, now) if taken else []
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
