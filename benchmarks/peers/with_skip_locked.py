"""A table as a queue, one row per transaction: `FOR UPDATE SKIP LOCKED` and nothing else.

Raw: one statement takes and deletes a row. Real: the row stays locked from the claim to the outcome, in one transaction, so a
crash gives it back; each message in work holds a connection. One message at a time per device comes from the queues: each
connection serves its own devices, which is cheaper than any lock and never skips over what others hold.
"""

import asyncio
import time
from typing import Any

import asyncpg
import uvloop

from benchmarks.peers import delivery, job

TAKE = """
DELETE FROM jobs WHERE queue = $1 AND id = (
  SELECT id FROM jobs WHERE queue = $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING number"""

CLAIM = "SELECT id, number FROM jobs WHERE queue = $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"


def enqueue(asked: job.Job) -> float:
    """COPY, in pages."""

    async def run() -> float:
        connection = await asyncpg.connect(asked.dsn)
        await connection.execute(
            """CREATE TABLE jobs (id bigint GENERATED ALWAYS AS IDENTITY, queue int NOT NULL, number bigint NOT NULL,
                 PRIMARY KEY (queue, id))"""
        )
        began = time.monotonic()
        for page in asked.pages(5_000):
            rows = [(_queue(asked, number), number) for number in page]
            await connection.copy_records_to_table("jobs", records=rows, columns=("queue", "number"))
        took = time.monotonic() - began
        await connection.execute("ANALYZE jobs")
        return took

    return uvloop.run(run())


def _queue(asked: job.Job, number: int) -> int:
    """One for each worker process in the raw drain; else one for each of its connections."""
    if not asked.real:
        return asked.shard_of(number)
    device = asked.device_of(number)
    return asked.shard_of(number) + asked.workers * (device // asked.workers % asked.concurrency)


def work(asked: job.Job, ledger: job.Ledger) -> None:
    """As many connections as messages in work, each in a loop of its own."""

    async def take(pool: Any, number: int) -> None:
        async with pool.acquire() as connection:
            while not ledger.is_over:
                taken = await connection.fetchval(TAKE, asked.shard)
                if taken is None:
                    return
                ledger.done(taken)

    async def deliver(pool: Any, number: int) -> None:
        queue = asked.shard + asked.workers * number
        async with pool.acquire() as connection:
            while not ledger.is_over:
                async with connection.transaction():
                    claimed = await connection.fetchrow(CLAIM, queue)
                    if claimed is None:
                        return
                    await _deliver(connection, asked, claimed)
                    await connection.execute("DELETE FROM jobs WHERE queue = $1 AND id = $2", queue, claimed["id"])
                ledger.done(claimed["number"])

    async def run() -> None:
        size = asked.concurrency
        async with asyncpg.create_pool(asked.dsn, min_size=size, max_size=size, server_settings=delivery.PLANNED_ONCE) as pool:
            await asyncio.gather(*((deliver if asked.real else take)(pool, each) for each in range(size)))

    uvloop.run(run())


async def _deliver(connection: Any, asked: job.Job, claimed: Any) -> None:
    key = delivery.WORKSPACE, delivery.message_id(claimed["number"])
    facts = await connection.fetchrow(delivery.FACTS, *key)
    if facts is not None:
        refused = delivery.refusal(facts)
        if refused is None:
            await asyncio.sleep(asked.latency)
        await connection.execute(delivery.RECORD, *key, *(refused or ("sent", None)), facts["now"])


if __name__ == "__main__":
    job.main(enqueue, work)
