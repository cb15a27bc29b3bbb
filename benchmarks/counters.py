"""What counters cost: processor time of the engine's two moves of a message under each way to count, and of the questions.

    python benchmarks/counters.py moves DSN [--rounds 100] [--batch 100]
    python benchmarks/counters.py reads DSN

`moves` takes a database that `enqueue.py` or its `audience.sql` filled and a campaign that waits in it: rows of many devices are
claimed and recorded in batches, as the engine does, with no counters, with an index on the state, with the tallies of today and
with deltas of each source and device. Ways take turns in one run, so that other work on the machine hits all alike.
`reads` asks for a campaign's progress, its report by device and the list of campaigns.
"""

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

import asyncpg

DELTAS = """
CREATE TABLE bench_deltas (workspace_id uuid NOT NULL, source_id uuid NOT NULL, device_id uuid, state text NOT NULL,
  n bigint NOT NULL);
CREATE FUNCTION bench_deltas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO bench_deltas SELECT workspace_id, source_id, device_id, state, sum(n) FROM (
    SELECT workspace_id, source_id, device_id, state, 1 AS n FROM fresh WHERE kind IN ('campaign', 'sequence')
    UNION ALL SELECT workspace_id, source_id, device_id, state, -1 FROM stale WHERE kind IN ('campaign', 'sequence')) x
  GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0;
  RETURN NULL;
END $$;
CREATE TRIGGER bench_deltas AFTER UPDATE ON messages REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION bench_deltas();"""
NO_DELTAS = "DROP TRIGGER bench_deltas ON messages; DROP FUNCTION bench_deltas; DROP TABLE bench_deltas"
ASLEEP, AWAKE = (f"ALTER TABLE messages {word} TRIGGER tally_update" for word in ("DISABLE", "ENABLE"))
WAYS = {
    "nothing counts": (ASLEEP, AWAKE),
    "index on (source, state)": (
        f"{ASLEEP}; CREATE INDEX bench_state ON messages (workspace_id, source_id, state)",
        f"DROP INDEX bench_state; {AWAKE}",
    ),
    "tallies of each source (today)": ("SELECT 1", "SELECT 1"),
    "deltas of each source and device": (f"{ASLEEP}; {DELTAS}", f"{NO_DELTAS}; {AWAKE}"),
}
CLAIM = """UPDATE messages m SET state = 'claimed', reason = NULL, error = NULL, waiting_for = NULL, claimed_at = now(),
  token = 1, wire_id = upper(md5(m.id::text)), policy_version = 1,
  text = 'Hello, our shop opens on Friday. Reply STOP to hear no more.'
  FROM unnest($1::uuid[], $2::uuid[]) AS x (workspace_id, id)
  WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id) AND m.state = 'queued' RETURNING m.id"""
RECORD = """UPDATE messages m SET state = 'sent', sent_at = now(), ended_at = now(), attempts = attempts + 1
  FROM unnest($1::uuid[], $2::uuid[]) AS x (workspace_id, id)
  WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id) RETURNING m.id"""
SUMS = """count(*) AS total, count(*) FILTER (WHERE state IN ('planned', 'held')) AS pending,
  count(*) FILTER (WHERE state IN ('queued', 'claimed')) AS queued,
  count(*) FILTER (WHERE state IN ('sent', 'delivered', 'read')) AS sent,
  count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'unknown') AS unconfirmed"""
READS = {
    "progress of the campaign, by tallies": """SELECT state, sum(n) FROM (
        SELECT state, n FROM tallies WHERE (workspace_id, source_id) = ($1, $2)
        UNION ALL SELECT state, n FROM tally_moves WHERE (workspace_id, source_id) = ($1, $2)) x GROUP BY 1""",
    "progress of the campaign": f"SELECT {SUMS} FROM messages WHERE (workspace_id, source_id) = ($1, $2)",
    "its report by device": f"SELECT device_id, {SUMS} FROM messages WHERE (workspace_id, source_id) = ($1, $2) GROUP BY 1",
    "the list of 50 campaigns, by tallies": """SELECT source_id, state, sum(n) FROM (
        SELECT source_id, state, n FROM tallies WHERE workspace_id = $1 UNION ALL
        SELECT source_id, state, n FROM tally_moves WHERE workspace_id = $1) x
      WHERE $2::uuid IS NOT NULL AND source_id IN (SELECT id FROM campaigns ORDER BY id DESC LIMIT 50) GROUP BY 1, 2""",
    "the list of 50 campaigns": f"""SELECT source_id, {SUMS} FROM messages WHERE workspace_id = $1 AND $2::uuid IS NOT NULL
      AND source_id IN (SELECT id FROM campaigns ORDER BY id DESC LIMIT 50) GROUP BY 1""",
}


def server_milliseconds(pid: int) -> float:
    """Time on a processor of one server process since it began (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


async def one_round(owner: asyncpg.Connection, pid: int, batch: int) -> float:
    """Microseconds of PostgreSQL for each message that is claimed and recorded."""
    rows = await owner.fetch(
        """SELECT m.workspace_id, m.id FROM (SELECT workspace_id, id FROM devices ORDER BY random() LIMIT $1) d
           CROSS JOIN LATERAL (SELECT m.workspace_id, m.id FROM messages m
             WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id) AND m.state = 'queued' LIMIT 1) m""",
        batch,
    )
    columns: tuple[list[Any], list[Any]] = [row["workspace_id"] for row in rows], [row["id"] for row in rows]
    before = server_milliseconds(pid)
    for sql in (CLAIM, RECORD):
        await owner.execute(sql, *columns)
    return 1000 * (server_milliseconds(pid) - before) / max(1, len(rows))


async def moves(dsn: str, rounds: int, batch: int) -> None:
    """Each way in turn, five rounds at a time, after three that warm up; each cycle begins with another way."""
    owner = await asyncpg.connect(dsn)
    pid = await owner.fetchval("SELECT pg_backend_pid()")
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    names = list(WAYS)
    for cycle in range(rounds // 5):
        for name in names[cycle % len(names) :] + names[: cycle % len(names)]:
            make, drop = WAYS[name]
            await owner.execute(make)
            for number in range(8):
                took = await one_round(owner, pid, batch)
                if number >= 3:
                    found[name].append(took)
            await owner.execute(drop)
    bare = statistics.median(found["nothing counts"])
    print(f"batches of {batch}; microseconds of PostgreSQL for a message claimed and recorded")
    for name, took in found.items():
        median = statistics.median(took)
        print(f"  {name:<36} {median:7.1f}  {median / bare:5.2f}x")
    await owner.close()


async def reads(dsn: str) -> None:
    """Each question three times; the least."""
    owner = await asyncpg.connect(dsn, command_timeout=600)
    pid = await owner.fetchval("SELECT pg_backend_pid()")
    await owner.execute("SET max_parallel_workers_per_gather = 0")
    first = await owner.fetchrow("SELECT workspace_id, id FROM campaigns ORDER BY created_at LIMIT 1")
    for name, sql in READS.items():
        cpu, wall = [], []
        for _ in range(3):
            began, before = time.perf_counter(), server_milliseconds(pid)
            await owner.fetch(sql, *first)
            wall.append(1000 * (time.perf_counter() - began))
            cpu.append(server_milliseconds(pid) - before)
        print(f"  {name:<36} {min(cpu):9.1f} ms of PostgreSQL, {min(wall):9.1f} ms on the wall")
    await owner.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("moves", "reads"))
    parser.add_argument("dsn")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--batch", type=int, default=100)
    asked = parser.parse_args()
    asyncio.run(moves(asked.dsn, asked.rounds, asked.batch) if asked.what == "moves" else reads(asked.dsn))
