"""How the engine is, for people and programs that watch: its own counters, what the database knows, and a line in the log.

Counters are read from memory. The database is asked at most every few seconds, and never for more than a small share of time.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from hantar.dispatch.engine import Engine
from hantar.dispatch.figures import Figures, Histogram
from hantar.kit import clock, db
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

FRESH = 5.0
"""Seconds for which one answer of the database serves everybody who asks."""
CALM = 19
"""Rests this many times as long as the last answer took, so that watching takes a twentieth of the time at most."""
PATIENCE = 3.0
"""Seconds the database may take; Prometheus gives up a scrape after ten."""
BUSY = "busy"
"""The state of a lane one of whose messages is on its way."""


def _nothing() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """The engine of this process, as far as others watch it."""

    figures: Figures
    lanes: Callable[[], Mapping[str, int]]
    """How many lanes stand in each state."""
    waiting: Callable[[], int] = _nothing
    """Outcomes that wait to be written."""
    shards: Callable[[], int] = _nothing
    """Shards of devices whose lease is ours."""


def of(engine: Engine) -> Pulse:
    """The pulse of an engine."""
    return Pulse(engine.figures, engine.lanes_by_state, lambda: len(engine.recorder.known()), lambda: engine.leases.held)


@dataclass(frozen=True, slots=True)
class Census:
    """What the database knows, over all workspaces."""

    queue_age: float
    """Seconds since the oldest message was due that nothing holds back but its turn; 0: none is due."""
    unknown: int
    """Messages that may have arrived."""
    devices: Mapping[str, int]
    """Devices by state."""


async def count(tx: db.Tx) -> Census:
    """Ask the database. Looks at what is queued, by indexes that hold nothing else; what has ended costs nothing."""
    oldest = """SELECT min(m.not_before) FROM messages m
                JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
                  AND d.state IN ('online', 'restricted') AND NOT d.sending_paused
                LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
                WHERE m.stage = 'queued' AND m.not_before <= $1 AND coalesce(s.is_open, true)"""
    now = await tx.now()
    due = await tx.fetchval(oldest, now)
    unknown: int = await tx.fetchval("SELECT count(*) FROM messages WHERE stage = 'unknown'")
    states = await tx.fetch("SELECT state, count(*) AS n FROM devices GROUP BY state")
    age = 0.0 if due is None else max(0.0, (now - due).total_seconds())
    return Census(age, unknown, {row["state"]: row["n"] for row in states})


class Watch:
    """Asks the database for everybody who wants to know, one at a time and seldom enough."""

    def __init__(self, database: db.Database, clock_: Clock) -> None:
        self._db, self._clock = database, clock_
        self._last: Census | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def census(self) -> Census:
        """The latest answer, a few seconds old at most; raises `DatabaseAway`."""
        async with self._asking:
            began = self._clock.monotonic()
            if self._last is None or began >= self._until:
                try:
                    async with asyncio.timeout(PATIENCE), self._db.system() as tx:
                        self._last = await count(tx)
                except TimeoutError as error:
                    raise db.DatabaseAway from error
                now = self._clock.monotonic()
                self._until = now + max(FRESH, CALM * (now - began))
            return self._last


class Teller:
    """A line in the log every so many seconds while anything is sending; nothing while it is idle."""

    def __init__(self, pulse: Pulse, watch: Watch, clock_: clock.Clock, every: float) -> None:
        self._pulse, self._watch, self._clock, self._every = pulse, watch, clock_, every
        self._at = clock_.monotonic()
        self._claimed, self._recorded, self._answers = 0, 0, Histogram()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until told to stop."""
        while not await self._clock.wait(stop, self._every):
            line = await self.look()
            if line is not None:
                log.info("engine.progress", **line)

    async def look(self) -> dict[str, object] | None:
        """What to say of the time since the last look; None when nothing was sent and nothing is on its way."""
        figures, lanes = self._pulse.figures, self._pulse.lanes()
        now, answers = self._clock.monotonic(), figures.answer_seconds.copy()
        sent, claimed = figures.recorded - self._recorded, figures.claimed - self._claimed
        took, lately = now - self._at, answers.since(self._answers)
        self._at, self._recorded, self._claimed, self._answers = now, figures.recorded, figures.claimed, answers
        if not (sent or claimed or lanes.get(BUSY)):
            return None
        try:
            census = await self._watch.census()
        except db.DatabaseAway:
            census = None
        return {
            "per_minute": round(60 * sent / took) if took > 0 else 0,
            "mean_ms": round(1000 * lately.mean, 1),
            "devices_busy": lanes.get(BUSY, 0),
            "devices": sum(census.devices.values()) if census else sum(lanes.values()),
            "queue_age_s": round(census.queue_age, 1) if census else None,
        }
