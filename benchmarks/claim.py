"""How long one claim of 100 due devices takes with every rule on, in a database of a million persons.

    python benchmarks/claim.py [--persons 1000000] [--ticks 200] [--explain]

A throw-away PostgreSQL as Hantar runs it (fsync on) is filled, then ticks of four kinds take turns in the same minutes: the
claim, the claim with the facts left out, the claim of lanes without due messages, and a transaction of one `SELECT 1`. Devices
are linked ones under the linked numbers; what was claimed is recorded as sent between the ticks, outside the measure.
"""

import argparse
import asyncio
import contextlib
import gc
import os
import platform
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from hantar.dispatch import claims
from hantar.gateways import port
from hantar.kit import db, embedded
from hantar.kit.clock import SystemClock
from hantar.migrations import run as migrations
from hantar.outbox import facts, rules

NODE = "00000000-0000-7000-8000-000000000001"
BATCH = 100
WARM = 40
"""Ticks before the measure: every lane has its turn twice, so pages are in memory and statements prepared, as in daily work."""
BAR = 15.0
"""Milliseconds at the median (our own bar)."""


async def fill(dsn: str, numbers: dict[str, int]) -> None:
    """Make the world of `world.sql`, as the owner, with its triggers and foreign keys asleep."""
    await migrations.upgrade(dsn)
    owner = await asyncpg.connect(dsn, timeout=60)
    script = (Path(__file__).parent / "world.sql").read_text(encoding="utf-8")
    for name, number in numbers.items():
        script = script.replace(f"{{{name}}}", str(number))
    for statement in script.split("\n--;;\n"):
        began = time.perf_counter()
        await owner.execute(statement)
        if (took := time.perf_counter() - began) > 5:
            print(f"  {took:5.1f} s  {statement.strip().splitlines()[0][:90]}", flush=True)
    await owner.execute("UPDATE leases SET node = $1, token = 1, expires_at = now() + interval '1 day'", NODE)
    await owner.execute("VACUUM ANALYZE")
    await owner.execute("CHECKPOINT")
    await owner.close()


class Bench:
    """One engine connection, and the means to make lanes due and settle what was claimed."""

    def __init__(self, database: db.Database, owner: asyncpg.Connection) -> None:
        self._db, self._owner = database, owner
        caps = {"linked": port.Capabilities(send_timeout=timedelta(seconds=30))}
        self._claimer = claims.Claimer(caps, lambda: 0.5, SystemClock())
        self.claimed = self.turned = self.lanes = self._turn = 0
        self._asked: list[Any] = []

    async def make_due(self) -> None:
        """The next hundred lanes in turn are due, their windows empty; the others rest."""
        lanes = await self._owner.fetch("SELECT device_id FROM lanes ORDER BY device_id OFFSET $1 LIMIT $2", self._turn, BATCH)
        self._turn = self._turn + BATCH if len(lanes) == BATCH else 0
        await self._owner.execute(
            """UPDATE lanes SET next_at = 'epoch', used = NULL
               WHERE device_id = ANY($1)""",
            [row["device_id"] for row in lanes],
        )
        heads = await self._owner.fetch(
            """SELECT x.id AS device_id, l.workspace_id, m.source_id FROM unnest($1::uuid[]) AS x (id)
               JOIN lanes l ON l.device_id = x.id
               LEFT JOIN LATERAL (SELECT m.source_id FROM messages m WHERE (m.workspace_id, m.device_id) = (l.workspace_id, x.id)
                 AND m.state = 'queued' ORDER BY m.source_id LIMIT 1) m ON true""",
            [row["device_id"] for row in lanes],
        )
        self._asked = [
            (str(row["workspace_id"]), str(row["device_id"]), str(row["source_id"]) if row["source_id"] else None)
            for row in heads
        ]

    async def settle(self) -> None:
        """What was claimed was sent; every lane rests."""
        await self._owner.execute("UPDATE messages SET state = 'sent', sent_at = now(), ended_at = now() WHERE state = 'claimed'")
        await self._owner.execute(
            "UPDATE lanes SET next_at = now() + interval '10 days' WHERE next_at < now() + interval '1 day'"
        )

    async def claim(self) -> float:
        """Milliseconds of one claim transaction, from BEGIN to COMMIT."""
        began = time.perf_counter()
        async with self._db.hot() as tx:
            taken = await self._claimer.take(tx, NODE, self._asked)
        took = time.perf_counter() - began
        self.lanes = len(self._asked)
        self.claimed += len(taken.to_send) + len(taken.outcomes)
        self.turned += len(self._asked) - len(taken.to_send) - len(taken.outcomes)
        return took * 1000

    async def one(self) -> float:
        """Milliseconds of a transaction of one `SELECT 1`."""
        began = time.perf_counter()
        async with self._db.hot() as tx:
            await tx.fetchval("SELECT 1")
        return (time.perf_counter() - began) * 1000


async def _no_facts(tx: db.Tx, ready: Sequence[facts.Ready], *more: Any, **named: Any) -> list[rules.Facts]:
    return [rules.Facts(lead_zone="Etc/UTC")] * len(ready)


def _everyone_goes(*words: Any, **more: Any) -> rules.Ruling:
    return rules.Go()


@contextlib.contextmanager
def without_facts() -> Iterator[None]:
    """The same claim, but nobody is looked up: everyone goes."""
    read, judge = facts.read_held, rules.judge
    facts.read_held, rules.judge = _no_facts, _everyone_goes
    try:
        yield
    finally:
        facts.read_held, rules.judge = read, judge


@contextlib.contextmanager
def timed(into: dict[str, list[float]]) -> Iterator[None]:
    """Keep how long each statement takes, by its beginning."""
    kept: dict[str, Callable[..., Any]] = {}
    for name in ("fetch", "execute", "fetchval"):
        kept[name] = getattr(db.Tx, name)

        async def measured(self: db.Tx, sql: str, *values: Any, was: Callable[..., Any] = kept[name]) -> Any:
            began = time.perf_counter()
            try:
                return await was(self, sql, *values)
            finally:
                into.setdefault(_label(sql), []).append((time.perf_counter() - began) * 1000)

        setattr(db.Tx, name, measured)
    try:
        yield
    finally:
        for name, was in kept.items():
            setattr(db.Tx, name, was)


LABELS = {
    "FROM installation_policy": "whether the rules changed",
    "FOR KEY SHARE OF e": "lanes with their heads, locked, and what they say",
    "FOR UPDATE OF p SKIP": "the persons, locked",
    "WITH ORDINALITY": "the facts",
    "SET state = 'claimed'": "the claim, slots and conversations",
    "WITH put AS": "put off",
    "SET state = x.state, reason": "ended",
    "clock_timestamp": "the time",
}


def _label(sql: str) -> str:
    return next((label for part, label in LABELS.items() if part in sql), sql.strip()[:50])


def shown(name: str, times: Sequence[float]) -> str:
    """One line of the table."""
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{name:<42} {statistics.median(ordered):8.2f} {p99:8.2f} {ordered[0]:8.2f} {len(ordered):6}"


class Work:
    """Time on a processor and time in line for one, of our process and of our connection's server process (Linux)."""

    def __init__(self, server_pid: int) -> None:
        self._paths = [Path(f"/proc/{pid}/schedstat") for pid in (os.getpid(), server_pid)]

    def now(self) -> tuple[float, float, float]:
        """Milliseconds: ours on a processor, PostgreSQL's, and in line for one, since the processes began."""
        ours, theirs = ([int(each) / 1e6 for each in path.read_text().split()] for path in self._paths)
        return ours[0], theirs[0], ours[1] + theirs[1]


async def measure(dsn: str, ticks: int) -> dict[str, list[float]]:
    """Run ticks of each kind in turn."""
    database = db.Database(dsn, key=bytes(32), size=1)
    owner = await asyncpg.connect(dsn)
    bench = Bench(database, owner)
    async with database.hot() as tx:
        work = Work(await tx.fetchval("SELECT pg_backend_pid()"))
    worked: dict[str, list[float]] = {"  our processor time": [], "  PostgreSQL's": [], "  in line for a processor": []}
    times: dict[str, list[float]] = {"claim, every rule": [], "claim, nobody looked up": [], "nothing due": [], "SELECT 1": []}
    statements: dict[str, list[float]] = {}
    for number in range(ticks + WARM):
        found: dict[str, float] = {}
        await bench.make_due()
        with timed(statements if number >= WARM else {}):
            before = work.now()
            found["claim, every rule"] = await bench.claim()
            spent = [after - was for was, after in zip(before, work.now(), strict=True)]
        is_full = bench.lanes >= BATCH * 0.9  # the last lanes of a round may have run dry
        await bench.settle()
        counted = bench.claimed, bench.turned
        await bench.make_due()
        with without_facts():
            found["claim, nobody looked up"] = await bench.claim()
        await bench.settle()
        bench.claimed, bench.turned = counted
        found["nothing due"] = await bench.claim()
        found["SELECT 1"] = await bench.one()
        if number >= WARM and is_full:
            for name, took in found.items():
                times[name].append(took)
            for each, took in zip(worked.values(), spent, strict=True):
                each.append(took)
    print(f"\n{bench.claimed} claimed, {bench.turned} turned away by a rule or a lock")
    print(f"\n{'milliseconds':<42} {'median':>8} {'p99':>8} {'least':>8} {'ticks':>6}")
    for name, each in times.items():
        print(shown(name, each))
        if name == "claim, every rule":
            print("\n".join(shown(part, took) for part, took in worked.items()))
    print("\nof the claim, by statement")
    for name, each in statements.items():
        print(shown("  " + name, each))
    await owner.close()
    await database.close()
    return times


@contextlib.asynccontextmanager
async def server(folder: Path) -> AsyncIterator[str]:
    """A PostgreSQL of our own, as Hantar starts it."""
    folder.chmod(0o755)
    postgres = embedded.Embedded(folder / "data")
    dsn = postgres.start()
    try:
        yield dsn
    finally:
        postgres.stop()


async def main() -> int:
    """Fill, measure, print; returns 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=3_000)
    parser.add_argument("--ticks", type=int, default=200)
    parser.add_argument("--dsn", help="measure in this filled database instead of making one")
    asked = parser.parse_args()
    if asked.dsn:
        await measure(asked.dsn, asked.ticks)
        return 0
    with tempfile.TemporaryDirectory(prefix="hantar-claim-", ignore_cleanup_errors=True) as folder:
        async with server(Path(folder)) as dsn:
            numbers = {
                "persons": asked.persons,
                "suppressed": asked.persons // 10,
                "history": asked.persons,
                "devices": asked.devices,
                "queued": max(asked.devices * 50, BATCH * 5 * asked.ticks),
            }
            print(" · ".join(f"{number:,} {name}" for name, number in numbers.items()), flush=True)
            await fill(dsn, numbers)
            print(
                f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, fsync on; {dsn.split('?')[0][:0]}"
            )
            times = await measure(dsn, asked.ticks)
    median = statistics.median(times["claim, every rule"])
    print(f"\nbar {BAR:.0f} ms: {'held' if median <= BAR else 'missed'} ({median:.1f} ms)")
    return 0 if median <= BAR else 1


if __name__ == "__main__":
    gc.freeze()  # as the program does after its start
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise SystemExit(runner.run(main()))
