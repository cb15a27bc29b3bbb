"""procrastinate, many jobs at once in one worker; its own `lock` keeps one message at a time per device."""

import asyncio
import time

import procrastinate
import uvloop
from procrastinate import jobs

from benchmarks.peers import delivery, job


def _app(asked: job.Job, size: int) -> procrastinate.App:
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=asked.dsn, min_size=2, max_size=size))


def enqueue(asked: job.Job) -> float:
    """Batches of 1,000, each job with its device's lock in the real work."""

    async def run() -> float:
        app = _app(asked, 2)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            began = time.monotonic()
            for page in asked.pages(1_000):
                await app.job_manager.batch_defer_jobs_async([_job(asked, number) for number in page])
            took = time.monotonic() - began
            await app.connector.execute_query_async("ANALYZE")
            return took

    return uvloop.run(run())


def _job(asked: job.Job, number: int) -> jobs.Job:
    lock = f"device:{asked.device_of(number)}" if asked.real else None
    name, queue = "handle", f"queue{asked.shard_of(number)}"
    return jobs.Job(queue=queue, lock=lock, queueing_lock=None, task_name=name, task_kwargs={"number": number})


def work(asked: job.Job, ledger: job.Ledger) -> None:
    """One worker; finished jobs are deleted, so that its tables stay small."""

    async def run() -> None:
        app = _app(asked, delivery.CONNECTIONS)
        courier = delivery.Delivery(asked, ledger, locks=False)

        @app.task(name="handle")
        async def handle(number: int) -> None:
            if asked.real:
                await courier.deliver(number)
            else:
                ledger.done(number)

        if asked.real:
            await courier.open()
        async with app.open_async():
            running = asyncio.create_task(
                app.run_worker_async(
                    queues=[f"queue{asked.shard}"],
                    concurrency=asked.concurrency,
                    delete_jobs="always",
                    fetch_job_polling_interval=0.1,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=5,
                )
            )
            over = asyncio.create_task(ledger.over())
            await asyncio.wait({running, over}, return_when=asyncio.FIRST_COMPLETED)
            running.cancel()
            await asyncio.wait({running}, timeout=20)

    uvloop.run(run())


if __name__ == "__main__":
    job.main(enqueue, work)
