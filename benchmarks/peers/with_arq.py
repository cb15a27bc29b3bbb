"""arq, with a short poll and no results kept; one worker starts its jobs one after another, so several processes help it."""

import asyncio
import logging
import time
from typing import Any

import uvloop
from arq import create_pool, func
from arq.connections import RedisSettings
from arq.worker import Worker

from benchmarks.peers import delivery, job

AT_ONCE = 50


def _settings(asked: job.Job) -> RedisSettings:
    return RedisSettings(unix_socket_path=asked.valkey, conn_timeout=10)


def enqueue(asked: job.Job) -> float:
    """`enqueue_job`, many at once."""

    async def run() -> float:
        pool = await create_pool(_settings(asked))
        began = time.monotonic()
        for page in asked.pages(AT_ONCE):
            await asyncio.gather(
                *(pool.enqueue_job("handle", number, _queue_name=f"queue{asked.shard_of(number)}") for number in page)
            )
        took = time.monotonic() - began
        await pool.aclose()
        return took

    return uvloop.run(run())


def work(asked: job.Job, ledger: job.Ledger) -> None:
    """One worker of each process reads one queue."""
    logging.disable(logging.WARNING)

    async def run() -> None:
        courier = delivery.Delivery(asked, ledger)

        async def handle(context: dict[str, Any], number: int) -> None:
            if asked.real:
                await courier.deliver(number)
            else:
                ledger.done(number)

        if asked.real:
            await courier.open()
        worker = Worker(
            functions=[func(handle, name="handle", keep_result=0)],
            redis_settings=_settings(asked),
            queue_name=f"queue{asked.shard}",
            max_jobs=asked.concurrency,
            queue_read_limit=max(1_000, asked.concurrency * 5),
            poll_delay=0.005,
            handle_signals=False,
            log_results=False,
        )
        running = asyncio.create_task(worker.async_run())
        over = asyncio.create_task(ledger.over())
        await asyncio.wait({running, over}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        await asyncio.wait({running, *worker.tasks.values()}, timeout=20)
        worker.tasks.clear()
        await asyncio.wait_for(worker.close(), 10)

    uvloop.run(run())


if __name__ == "__main__":
    job.main(enqueue, work)
