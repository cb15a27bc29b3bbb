"""pgqueuer, taking batches and recording outcomes in batches, as it is meant to be used under load."""

import asyncio
import time
from datetime import timedelta

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.peers import delivery, job

RAW_BATCH, REAL_BATCH = 1_000, 100


def enqueue(asked: job.Job) -> float:
    """Batches of 1,000."""

    async def run() -> float:
        connection = await asyncpg.connect(asked.dsn)
        queries = Queries.from_asyncpg_connection(connection)
        await queries.install()
        began = time.monotonic()
        for page in asked.pages(1_000):
            names = [f"queue{asked.shard_of(each)}" for each in page]
            await queries.enqueue(names, [b"%d" % each for each in page], [0] * len(page))
        took = time.monotonic() - began
        await connection.execute("ANALYZE")
        return took

    return uvloop.run(run())


def work(asked: job.Job, ledger: job.Ledger) -> None:
    """One manager with one connection of its own; the handler's statements use others."""

    async def run() -> None:
        connection = await asyncpg.connect(asked.dsn)
        queue = PgQueuer.from_asyncpg_connection(connection)
        courier = delivery.Delivery(asked, ledger)

        async def count(taken: Job) -> None:
            ledger.done(int(taken.payload or b""))

        async def deliver(taken: Job) -> None:
            await courier.deliver(int(taken.payload or b""))

        if asked.real:
            await courier.open()
        queue.entrypoint(f"queue{asked.shard}")(deliver if asked.real else count)
        running = asyncio.create_task(
            queue.run(
                batch_size=REAL_BATCH if asked.real else RAW_BATCH,
                max_concurrent_tasks=asked.concurrency or None,
                dequeue_timeout=timedelta(seconds=0.1),
            )
        )
        over = asyncio.create_task(ledger.over())
        await asyncio.wait({running, over}, return_when=asyncio.FIRST_COMPLETED)
        queue.shutdown.set()
        await asyncio.wait_for(running, 20)

    uvloop.run(run())


if __name__ == "__main__":
    job.main(enqueue, work)
