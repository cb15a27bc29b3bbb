"""The engine in a process of its own, as a run measures it: `python -m hantar.bench.rig SPEC`. Prints one JSON object.

In it are the real engine and the real driver over an in-process world, and nothing else of the program.

The simulator's share is what the world does with messages that were handed over, and its giving of answers up to the point where
the engine's callbacks stand in the loop (`gateway.Line`). All else counts as the engine's, also what is not its own: the driver's
`send`, the hand-over, the timer that wakes the world; and, when receipts come, the courier and the intake.
"""

import asyncio
import gc
import json
import random
import sys
import time
from datetime import timedelta
from typing import Any

import uvloop

from hantar.bench import child, gateway, machine, world
from hantar.bench.spec import Spec
from hantar.dispatch import engine, intake
from hantar.gateways.simulator import chance, driver, world as simulated
from hantar.kit import cluster, db, ids
from hantar.kit.clock import SystemClock

REMEMBERED = 20_000
"""Wire ids the world remembers here: its memory is not the engine's, and what is in doubt at once is far less."""
STEP = 0.02
"""Seconds between looks whether the measure is over."""
PATIENCE = 90.0
"""Seconds until the first send must have come."""
OPEN = "SELECT count(*) FROM messages WHERE state IN ('planned', 'held', 'queued', 'claimed')"
DEVICES = """SELECT d.id, d.phone, d.min_delay_seconds, extract(epoch FROM l.next_at)::float8 AS turn_at
  FROM devices d JOIN lanes l ON (l.workspace_id, l.device_id) = (d.workspace_id, d.id) ORDER BY d.id"""
STATES = "SELECT state, count(*) AS count FROM messages WHERE id >= '0c000000-0000-0000-0000-000000000000' GROUP BY state"


def behaviour(spec: Spec) -> chance.Options:
    """A calm world: every number exists and every answer comes; receipts only where they are wanted."""
    return chance.Options(
        latency=spec.latency,
        not_on_whatsapp=0,
        hides_read=0,
        is_off=0,
        blocks=0 if spec.receipts else 1,
        never_reads=0,
        oddities=0,
    )


class Moment:
    """What was spent and done until now."""

    def __init__(self, rig: "Rig") -> None:
        self.at = time.monotonic()
        self.engine = time.process_time() - rig.line.seconds
        self.simulator = rig.line.seconds
        self.postgres = machine.family_seconds(rig.spec.postmaster)
        self.answered = rig.book.answered
        figures = rig.engine.figures
        spans = {"lateness": figures.lateness, "claim": figures.claim_seconds, "record": figures.record_seconds}
        self.own = {name: each.copy() for name, each in spans.items()}


class Rig:
    """One engine, one world, one measure."""

    def __init__(
        self, spec: Spec, devices: list[db.Row], database: db.Database, clock: SystemClock, bus: cluster.LocalBus
    ) -> None:
        self.spec, self.clock, self._db = spec, clock, database
        options = behaviour(spec)
        self.book = gateway.Book({row["id"]: row["min_delay_seconds"] for row in devices}, spec.messages)
        self.line = gateway.Line(clock, self.book, options=options)
        for row in devices:
            self.line.link(row["id"], row["phone"])
        self.driver = driver.SimulatorDriver(self.line, clock, options)
        self.intake = intake.Intake(database, clock)
        self.engine = engine.Engine(
            database, {"simulator": self.driver}, bus, clock, node=ids.new_id(), random=random.random, lead=engine.LEAD
        )

    async def run(self) -> dict[str, Any]:
        """Start, measure, stop; returns what the run gave. The collector leaves alone what stands now, as in the program."""
        gc.collect()
        gc.set_threshold(*engine.GARBAGE)
        gc.freeze()
        stop, closing = asyncio.Event(), asyncio.Event()
        rss_before, began = machine.rss_mb(), time.monotonic()
        await self.driver.start(self.intake)
        reading = asyncio.create_task(self.intake.run(closing))
        working = asyncio.create_task(self.engine.run(stop))
        watching = asyncio.create_task(self._measure())
        await asyncio.wait([working, watching, reading], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await working
        found = await watching
        await self.driver.close(timedelta(seconds=10))
        closing.set()
        await reading
        gc.unfreeze()
        first = self.book.first_sent_at
        found |= {"rss_before_mb": round(rss_before, 1), "first_send_s": round(first - began, 3), "first_sent_at": first}
        return found | await self._faults()

    async def _measure(self) -> dict[str, Any]:
        book, until = self.book, time.monotonic() + PATIENCE
        while not book.sent and time.monotonic() < until:
            await self.clock.sleep(STEP / 4)
        if not book.sent:
            raise RuntimeError(f"Nothing was sent within {PATIENCE:.0f} s.")
        if self.spec.until_first:
            return {}
        await self.clock.sleep(self.spec.ramp)
        before = Moment(self)
        book.is_measuring, ends = True, before.at + self.spec.seconds
        while time.monotonic() < ends and not await self._is_drained():
            await self.clock.sleep(STEP)
        after = Moment(self)
        book.is_measuring = False
        return self._between(before, after)

    async def _is_drained(self) -> bool:
        """Whether every message reached its end; the database is asked once the gateway has seen all it can see."""
        expected = self.spec.messages - self.spec.messages // world.OPTED_OUT_EVERY
        if not self.spec.drains or self.book.answered < expected:
            return False
        async with self._db.system() as tx:
            return not await tx.fetchval(OPEN)

    def _between(self, before: Moment, after: Moment) -> dict[str, Any]:
        seconds = after.at - before.at
        sent = after.answered - before.answered
        each = 1e6 / max(1, sent)

        def late(share: float) -> float | None:
            value = gateway.percentile(self.book.lateness, share)
            return None if value is None else round(value * 1000, 2)

        found = {
            "seconds": round(seconds, 2),
            "messages": sent,
            "rate_per_s": round(sent / seconds, 1),
            "lateness_p50_ms": late(0.5),
            "lateness_p99_ms": late(0.99),
            "lateness_p999_ms": late(0.999),
            "engine_cpu_percent": round(100 * (after.engine - before.engine) / seconds, 1),
            "simulator_cpu_percent": round(100 * (after.simulator - before.simulator) / seconds, 1),
            "postgres_cpu_percent": round(100 * (after.postgres - before.postgres) / seconds, 1),
            "engine_us_per_message": round(each * (after.engine - before.engine), 1),
            "simulator_us_per_message": round(each * (after.simulator - before.simulator), 1),
            "postgres_us_per_message": round(each * (after.postgres - before.postgres), 1),
            "rss_mb": round(machine.rss_mb(), 1),
        }
        return found | self._own_words(before, after)

    def _own_words(self, before: Moment, after: Moment) -> dict[str, Any]:
        """What the engine measured of itself, beside what the gateway saw."""
        return {
            f"engine_{name}_p{share * 100:.0f}_ms": round(spans.since(before.own[name]).percentile(share) * 1000, 2)
            for name, spans in after.own.items()
            for share in (0.5, 0.99)
        }

    async def _faults(self) -> dict[str, Any]:
        """What the ledger says against the rows, once everything is written."""
        async with self._db.system() as tx:
            states = {row["state"]: row["count"] for row in await tx.fetch(STATES)}
        said = sum(states.get(each, 0) for each in ("sent", "delivered", "read"))
        book = self.book
        return {
            "early": book.early,
            "duplicated": book.duplicated,
            "forbidden": book.forbidden,
            "refused": book.refused,
            "lost": max(0, said - book.reached),
            "unrecorded": max(0, book.reached - said - states.get("unknown", 0)),
            "unknown": states.get("unknown", 0),
            "states": states,
        }


async def _shift(tx: db.Tx) -> float:
    """What makes an instant of the database (seconds since 1970) one of our monotonic clock.

    It may make it too early, by the shortest of several ways there and back, and never too late: no send is early by mistake.
    """
    found = []
    for _ in range(7):
        before = time.monotonic()
        there = await tx.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        found.append((time.monotonic() - before, before - there))
    return float(min(found)[1])


async def measure(spec: Spec) -> dict[str, Any]:
    """Run what was asked and return its figures."""
    clock, bus = SystemClock(), cluster.LocalBus()
    database = db.Database(spec.dsn, key=bytes(32), clock=clock, bus=bus)
    try:
        async with database.system() as tx:
            devices = await tx.fetch(DEVICES)
            shift = await _shift(tx)
        rig, now = Rig(spec, devices, database, clock, bus), time.monotonic()
        for row in devices:
            if row["turn_at"] + shift > now:
                rig.book.expect(row["id"], row["turn_at"] + shift)
        return await rig.run()
    finally:
        await database.close()


def main() -> None:
    """Read the spec from the command line, print the figures."""
    child.begin()
    simulated.REMEMBERED = REMEMBERED
    spec = Spec.read(sys.argv[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(spec))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
