"""The planner in a process of its own, as the run `enqueue` measures it: `python -m hantar.bench.planning DSN POSTMASTER`."""

import asyncio
import gc
import json
import resource
import sys
import time
from typing import Any

import uvloop

from hantar.bench import child, machine
from hantar.campaigns import model, planner, service
from hantar.kit import cluster, db
from hantar.kit.clock import SystemClock

WRITTEN = "SELECT state, count(*) AS count FROM messages GROUP BY state"


def draft() -> model.Draft:
    """A campaign to everybody, now."""
    return model.Draft(
        title="Measured",
        niche="FIT",
        audience=model.Audience(None, model.TargetStatus.ALL, None),
        text="Hello {{ name }}, our shop in {{ city }} opens on Friday. Reply STOP to hear no more.",
        media_id=None,
        campaign_date=None,
        time_schedule=None,
        time_zone="Asia/Kuala_Lumpur",
        min_delay_seconds=10.0,
        max_delay_seconds=30.0,
        when_offline="wait",
        late_policy="run",
    )


async def measure(dsn: str, postmaster: int) -> dict[str, Any]:
    """Create the campaign, let the planner write it; seconds are those of the planner alone."""
    bus = cluster.LocalBus()
    database = db.Database(dsn, key=bytes(32), bus=bus)
    try:
        async with database.door() as tx:
            workspace: str = await tx.fetchval("SELECT id FROM workspaces LIMIT 1")
        async with database.transaction(workspace) as tx:
            await service.create(tx, workspace, draft())
        planning = planner.Planner(database, bus, SystemClock())
        gc.collect()
        gc.freeze()  # as the program does after its start
        before = time.monotonic(), time.process_time(), machine.family_seconds(postmaster), machine.rss_mb()
        await planning.look()
        seconds = time.monotonic() - before[0]
        ours, theirs = time.process_time() - before[1], machine.family_seconds(postmaster) - before[2]
        async with database.transaction(workspace) as tx:
            states = {row["state"]: row["count"] for row in await tx.fetch(WRITTEN)}
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        return {
            "seconds": round(seconds, 2),
            "rate_per_s": round(sum(states.values()) / seconds, 1),
            "planner_cpu_s": round(ours, 2),
            "postgres_cpu_s": round(theirs, 2),
            "rss_before_mb": round(before[3], 1),
            "rss_mb": round(most, 1),
            "states": states,
        }
    finally:
        await database.close()


def main() -> None:
    """Read the address and the server's process id from the command line, print the figures."""
    child.begin()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(sys.argv[1], int(sys.argv[2])))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
