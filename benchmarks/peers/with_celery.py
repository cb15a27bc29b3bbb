"""celery on Redis: acknowledged late, no results; threads, which beat its processes and greenlets at both comparisons."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import Celery
from celery.apps.worker import Worker
from celery.worker import state

from benchmarks.peers import job, threads

SENDERS = 16


def _app(asked: job.Job) -> Celery:
    app = Celery("peers", broker=f"redis+socket://{asked.valkey}")
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_default_queue=f"queue{asked.shard}",
        worker_prefetch_multiplier=4,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_pool_limit=50,
    )
    return app


def enqueue(asked: job.Job) -> float:
    """`send_task` with one producer kept open for each of a few threads."""
    app = _app(asked)
    began = time.monotonic()

    def send(page: list[int]) -> None:
        with app.producer_pool.acquire(block=True) as producer:
            for number in page:
                app.send_task("handle", args=(number,), queue=f"queue{asked.shard_of(number)}", producer=producer)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, asked.pages(100)))
    return time.monotonic() - began


def work(asked: job.Job, ledger: job.Ledger) -> None:
    """One worker without gossip, mingle and heartbeat, as busy installations run it."""
    app = _app(asked)
    courier = threads.ThreadedDelivery(asked, ledger)

    def handle(number: int) -> None:
        if asked.real:
            courier.deliver(number)
        else:
            ledger.done(number)

    app.task(name="handle")(handle)
    if asked.real:
        courier.open()
    options: dict[str, Any] = {
        "pool": "threads",
        "concurrency": asked.concurrency,
        "loglevel": "ERROR",
        "quiet": True,
    }
    worker = Worker(app=app, hostname=f"worker{asked.shard}@peers", without_gossip=True, without_mingle=True, **options)

    def stop_when_over() -> None:
        ledger.wait()
        state.should_stop = 0  # what celery does itself when told to end; its loop looks at it

    threading.Thread(target=stop_when_over, daemon=True).start()
    with contextlib.suppress(SystemExit):  # how it ends
        worker.start()


if __name__ == "__main__":
    job.main(enqueue, work)
