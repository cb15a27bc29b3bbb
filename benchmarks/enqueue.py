"""How long it takes to write a campaign's recipients into the outbox, and what that costs.

    python benchmarks/enqueue.py [--people 1000000] [--devices 3000] [--history 0] [--driver simulator] [--dsn DSN]

A throw-away PostgreSQL as Hantar runs it (fsync on) is filled with people, each with an alias, a consent and a lead; then a
campaign to all of them is created and the planner writes it. Printed: time on the wall, processor time of our process and of
PostgreSQL for each 100,000 recipients, and how much memory our process took.
"""

import argparse
import asyncio
import gc
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from hantar.bench.planning import draft
from hantar.campaigns import planner, service
from hantar.kit import clock, cluster, db, embedded
from hantar.migrations import run as migrations

TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """Time on a processor of one process since it began (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(field: str = "VmRSS") -> float:
    """Memory of our process (`VmHWM`: the most so far)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


async def fill(dsn: str, numbers: dict[str, object]) -> None:
    """Make the world of `audience.sql`, as the owner, with its triggers and foreign keys asleep."""
    await migrations.upgrade(dsn)
    owner = await asyncpg.connect(dsn, timeout=60)
    script = (Path(__file__).parent / "audience.sql").read_text(encoding="utf-8")
    for name, number in numbers.items():
        script = script.replace(f"{{{name}}}", str(number))
    for statement in script.split("\n--;;\n"):
        await owner.execute(statement)
    await owner.execute("VACUUM ANALYZE")
    await owner.execute("CHECKPOINT")
    await owner.close()


async def measure(dsn: str) -> None:
    """Create a campaign, let the planner write it, print what it took."""
    database = db.Database(dsn, key=bytes(32), size=1, bus=cluster.LocalBus())
    async with database.door() as tx:
        workspace: Any = await tx.fetchval("SELECT id FROM workspaces LIMIT 1")
    async with database.transaction(workspace) as tx:
        await service.create(tx, workspace, draft())
        servers = [await tx.fetchval("SELECT pg_backend_pid()")]
    async with database.system() as tx:
        servers.append(await tx.fetchval("SELECT pg_backend_pid()"))
    engine = planner.Planner(database, cluster.LocalBus(), clock.SystemClock())
    before = [processor_seconds(pid) for pid in servers], time.process_time(), time.perf_counter(), resident_mb()
    await engine.look()
    wall, ours = time.perf_counter() - before[2], time.process_time() - before[1]
    theirs = sum(processor_seconds(pid) - was for pid, was in zip(servers, before[0], strict=True))
    async with database.transaction(workspace) as tx:
        sql = """SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'planned') AS planned
                 FROM messages m JOIN campaigns c ON (c.workspace_id, c.id) = (m.workspace_id, m.source_id)
                 WHERE c.id = (SELECT id FROM campaigns ORDER BY id DESC LIMIT 1)"""
        row = await tx.fetchrow(sql)
    assert row is not None  # noqa: S101 an aggregate always has its row
    written = row["queued"] + row["planned"]
    share = 100_000 / max(1, written)
    print(f"{written:,} written: {row['queued']:,} queued, {row['planned']:,} planned")
    print(f"wall {wall:.1f} s ({written / wall:,.0f}/s)")
    print(f"processor time for 100,000: PostgreSQL {theirs * share:.2f} s, ours {ours * share:.3f} s")
    print(f"memory of our process: {before[3]:.0f} MB before, {resident_mb('VmHWM'):.0f} MB at most")
    await database.close()


async def main() -> None:
    """Fill if need be, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=3_000)
    parser.add_argument("--history", type=int, default=0, help="messages of older campaigns")
    parser.add_argument("--driver", choices=("simulator", "linked"), default="simulator")
    parser.add_argument("--dsn", help="measure in this filled database instead of making one")
    asked = parser.parse_args()
    if asked.dsn:
        await measure(asked.dsn)
        return
    with tempfile.TemporaryDirectory(prefix="hantar-enqueue-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        postgres = embedded.Embedded(Path(folder) / "data")
        dsn = postgres.start()
        try:
            numbers = {"people": asked.people, "devices": asked.devices, "history": asked.history, "driver": asked.driver}
            await fill(dsn, numbers)
            print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, fsync on; {numbers}", flush=True)
            await measure(dsn)
        finally:
            postgres.stop()


if __name__ == "__main__":
    gc.freeze()  # as the program does after its start
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
