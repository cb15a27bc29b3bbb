"""The engine that a crash loop kills: `python -m hantar.bench.victim SPEC`, with the simulator in a process of its own.

It says "ready" on standard output once it holds its leases, and ends cleanly on SIGTERM.
"""

import asyncio
import json
import logging
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import uvloop

from hantar.bench import child
from hantar.dispatch import engine, intake
from hantar.gateways import port
from hantar.gateways.simulator import chance, driver, lines
from hantar.kit import cluster, db, ids
from hantar.kit.clock import SystemClock

POLL = 0.02
LINES_PATIENCE = 10.0
"""Seconds until all devices must be connected; the engine starts without those that are not."""
GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Spec:
    """Where its database and its gateway's ledger are, and how the gateway behaves."""

    dsn: str
    folder: str
    deduplicates: bool
    """Whether the gateway takes our ids and drops one it knows, or makes its own and would send again."""
    lost_answers: float

    def written(self) -> str:
        """As a word for the command line."""
        return json.dumps(asdict(self))

    def options(self) -> chance.Options:
        """The world of this run: receipts soon, everybody reachable, some answers lost."""
        return chance.Options(
            caller_ids=self.deduplicates,
            latency=(0.02, 0.08),
            connect=(0.01, 0.02),
            receipts=0.02,
            not_on_whatsapp=0,
            is_off=0,
            blocks=0,
            oddities=0,
            lost_ack=self.lost_answers,
        )


class Victim:
    """Engine, intake and driver in one process."""

    def __init__(self, spec: Spec) -> None:
        self._clock, bus = SystemClock(), cluster.LocalBus()
        self._db = db.Database(spec.dsn, key=bytes(32), clock=self._clock, bus=bus)
        options = spec.options()
        self._driver = driver.SimulatorDriver(lines.Child(self._clock, Path(spec.folder), options=options), self._clock, options)
        self._intake = intake.Intake(self._db, self._clock)
        self._engine = engine.Engine(
            self._db,
            {"simulator": self._driver},
            bus,
            self._clock,
            node=ids.new_id(),
            random=random.random,
            grace=GRACE,
            lead=engine.LEAD,
        )
        self._connected: set[str] = set()

    async def __call__(self, event: port.Event) -> None:
        """Where the driver's events go, one by one."""
        if isinstance(event, port.Connected):
            self._connected.add(event.device_id)
        else:
            await self._intake(event)

    async def take_many(self, events: Sequence[port.Event]) -> None:
        """Outcomes come by the batch (`gateways/outcomes.py`)."""
        await self._intake.take_many(events)

    async def run(self) -> None:
        """Connect the devices, work until SIGTERM, end in order."""
        stop, closing = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        reading = asyncio.create_task(self._intake.run(closing))
        await self._driver.start(self)
        await self._connect()
        working = asyncio.create_task(self._engine.run(stop))
        while not working.done() and not self._engine.leases.held:
            await self._clock.sleep(POLL)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.wait([working, reading], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await working
        await self._driver.close(GRACE)
        closing.set()
        await reading
        await self._db.close()

    async def _connect(self) -> None:
        async with self._db.system() as tx:
            devices = await tx.fetch("SELECT id, phone FROM devices")
        for device in devices:
            await self._driver.open(port.DeviceRef(device["id"], 0, device["phone"]))
        until = self._clock.monotonic() + LINES_PATIENCE
        while len(self._connected) < len(devices) and self._clock.monotonic() < until:
            await self._clock.sleep(POLL)


def main() -> None:
    """Read the spec from the command line and work."""
    child.begin(logging.ERROR)
    spec = Spec(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Victim(spec).run())


if __name__ == "__main__":
    main()
