"""dramatiq on Redis, with threads; without the middleware that this work does not need."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries

from benchmarks.peers import job, threads

SENDERS = 16


def _broker(asked: job.Job) -> RedisBroker:
    broker = RedisBroker(url=f"unix://{asked.valkey}", middleware=[Retries()])
    dramatiq.set_broker(broker)
    return broker


def enqueue(asked: job.Job) -> float:
    """`send`, from a few threads: one append to disk then serves several."""
    _broker(asked)
    actors = [dramatiq.actor(_nothing, actor_name=f"handle{shard}", queue_name=f"queue{shard}") for shard in range(asked.workers)]
    began = time.monotonic()

    def send(page: list[int]) -> None:
        for number in page:
            actors[asked.shard_of(number)].send(number)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, asked.pages(100)))
    return time.monotonic() - began


def _nothing(number: int) -> None:
    """Stands for the handler in the process that enqueues."""


def work(asked: job.Job, ledger: job.Ledger) -> None:
    """One worker with its threads, as `dramatiq --processes 1 --threads N` runs it in each process."""
    logging.disable(logging.WARNING)
    broker = _broker(asked)
    courier = threads.ThreadedDelivery(asked, ledger)

    def handle(number: int) -> None:
        if asked.real:
            courier.deliver(number)
        else:
            ledger.done(number)

    dramatiq.actor(handle, actor_name=f"handle{asked.shard}", queue_name=f"queue{asked.shard}", broker=broker)
    if asked.real:
        courier.open()
    worker = dramatiq.Worker(broker, worker_threads=asked.concurrency, worker_timeout=100)
    worker.start()
    ledger.wait()
    worker.stop(timeout=20_000)
    broker.close()


if __name__ == "__main__":
    job.main(enqueue, work)
