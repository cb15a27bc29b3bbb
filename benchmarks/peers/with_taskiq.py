"""taskiq on Redis streams, acknowledged after the handler; no result backend, since nobody reads results here."""

import asyncio
import time

import uvloop
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from benchmarks.peers import delivery, job

AT_ONCE = 200
"""Messages being enqueued at the same time: one append to disk then serves many."""


def _broker(asked: job.Job, shard: int) -> RedisStreamBroker:
    return RedisStreamBroker(
        f"unix://{asked.valkey}", queue_name=f"queue{shard}", consumer_id="0", xread_count=500, max_connection_pool_size=50
    )


def enqueue(asked: job.Job) -> float:
    """`kiq`, many at once."""

    async def run() -> float:
        brokers = [_broker(asked, shard) for shard in range(asked.workers)]
        tasks = []
        for broker in brokers:
            tasks.append(broker.register_task(_nothing, task_name="handle"))
            await broker.startup()
        began = time.monotonic()
        for page in asked.pages(AT_ONCE):
            await asyncio.gather(*(tasks[asked.shard_of(number)].kiq(number) for number in page))
        return time.monotonic() - began

    return uvloop.run(run())


async def _nothing(number: int) -> None:
    """Stands for the handler in the process that enqueues."""


def work(asked: job.Job, ledger: job.Ledger) -> None:
    """One receiver, as `taskiq worker` runs it in each process."""

    async def run() -> None:
        broker = _broker(asked, asked.shard)
        courier = delivery.Delivery(asked, ledger)

        async def handle(number: int) -> None:
            if asked.real:
                await courier.deliver(number)
            else:
                ledger.done(number)

        broker.register_task(handle, task_name="handle")
        if asked.real:
            await courier.open()
        await broker.startup()
        running = asyncio.create_task(
            run_receiver_task(broker, max_async_tasks=asked.concurrency, max_prefetch=asked.concurrency, validate_params=False)
        )
        over = asyncio.create_task(ledger.over())
        await asyncio.wait({running, over}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        await asyncio.wait({running}, timeout=20)
        await asyncio.wait_for(broker.shutdown(), 10)

    uvloop.run(run())


if __name__ == "__main__":
    job.main(enqueue, work)
