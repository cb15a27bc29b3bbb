"""The real work for peers whose handlers are plain functions in threads; `delivery.py` says what it is."""

import threading
import time
from collections import defaultdict
from datetime import datetime
from typing import Any

import psycopg
import psycopg_pool

from benchmarks.peers.delivery import CONNECTIONS, FACTS, PLANNED_ONCE, RECORD, WORKSPACE, message_id, refusal
from benchmarks.peers.job import Job, Ledger


class ThreadedDelivery:
    """Rules asked, message sent, outcome recorded, one message at a time for each device by a lock within this process."""

    def __init__(self, job: Job, ledger: Ledger) -> None:
        self._job, self._ledger = job, ledger
        self._locks: dict[int, threading.Lock] = defaultdict(threading.Lock)
        planned_once = " ".join(f"-c {name}={value}" for name, value in PLANNED_ONCE.items())
        options = {
            "options": planned_once,
            "prepare_threshold": 0,
            "autocommit": True,
            "cursor_factory": psycopg.RawCursor,
            "row_factory": psycopg.rows.dict_row,
        }
        self._pool = psycopg_pool.ConnectionPool(job.dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=options, open=False)

    def open(self) -> None:
        """Connect."""
        self._pool.open(wait=True)

    def close(self) -> None:
        """Let the connections go."""
        self._pool.close()

    def deliver(self, number: int) -> None:
        """Ask the rules, send, record."""
        with self._locks[self._job.device_of(number)]:
            key = WORKSPACE, message_id(number)
            with self._pool.connection() as connection:
                facts: Any = connection.execute(FACTS, key).fetchone()
            if facts is not None:
                refused = refusal(facts)
                if refused is None:
                    time.sleep(self._job.latency)
                said: tuple[str | datetime | None, ...] = (*(refused or ("sent", None)), facts["now"])
                with self._pool.connection() as connection:
                    connection.execute(RECORD, (*key, *said))
        self._ledger.done(number)
