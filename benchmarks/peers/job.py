"""What a worker process of a peer is told, and the ledger in which it notes what it completed."""

import asyncio
import json
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One step of one peer: which work, how much of it, where."""

    real: bool
    """The real work; otherwise the raw drain."""
    messages: int
    devices: int
    workers: int
    shard: int
    """Which of the worker processes this is, from 0."""
    concurrency: int
    latency: float
    """Seconds of the pretended gateway."""
    window: float
    """Seconds after the first completion when the worker stops although messages are left."""
    patience: int
    """Seconds after which this process is ended by an alarm, whatever it does."""
    dsn: str
    """PostgreSQL's address; empty when this comparison needs none."""
    valkey: str
    """Path of Valkey's socket; empty when this peer needs none."""
    ledger: str

    def device_of(self, number: int) -> int:
        """Devices take turns, as when a campaign is spread over them."""
        return number % self.devices

    def shard_of(self, number: int) -> int:
        """The queue of a message: all of a device are in one, so that a lock within one process is enough."""
        return self.device_of(number) % self.workers

    def pages(self, size: int) -> Iterator[list[int]]:
        """All message numbers, in pages."""
        for start in range(0, self.messages, size):
            yield list(range(start, min(start + size, self.messages)))

    def to_text(self) -> str:
        """For the command line of the process."""
        return json.dumps(asdict(self))


class Ledger:
    """When each message was completed, by the monotonic clock, which all processes share; one slot for each message."""

    def __init__(self, job: Job) -> None:
        with open(job.ledger, "r+b") as file:
            self._times = memoryview(mmap.mmap(file.fileno(), 0)).cast("d")
        self._window = job.window
        self._expected = sum(job.shard_of(number) == job.shard for number in range(job.messages))
        self.completed = self.repeated = 0
        self._first = self._cpu = 0.0

    @staticmethod
    def make(path: Path, messages: int) -> None:
        """Make an empty one."""
        path.write_bytes(bytes(8 * messages))

    @staticmethod
    def read(path: Path) -> list[float]:
        """Instants of the completions so far, in their order."""
        return sorted(at for at in memoryview(path.read_bytes()).cast("d") if at)

    @staticmethod
    def count(path: Path) -> int:
        """How many are completed so far."""
        return sum(map(bool, memoryview(path.read_bytes()).cast("d")))

    def done(self, number: int) -> None:
        """The handler of this message has ended."""
        if self._times[number]:
            self.repeated += 1
            return
        self._times[number] = at = time.monotonic()
        if not self.completed:
            self._first, self._cpu = at, time.process_time()
        self.completed += 1

    @property
    def is_over(self) -> bool:
        """Whether all of this worker's messages are completed, or its time is up."""
        if self.completed >= self._expected:
            return True
        return self.completed > 0 and time.monotonic() - self._first > self._window

    async def over(self) -> None:
        """Return when it is over."""
        while not self.is_over:  # noqa: ASYNC110 looking now and then costs less than telling at each message
            await asyncio.sleep(0.02)

    def wait(self) -> None:
        """The same for threads."""
        while not self.is_over:
            time.sleep(0.02)

    def report(self) -> dict[str, float]:
        """What this worker has to say at its end."""
        return {"completed": self.completed, "repeated": self.repeated, "cpu_s": time.process_time() - self._cpu}


def main(enqueue: Callable[[Job], float], work: Callable[[Job, Ledger], None]) -> None:
    """The command line of each peer: `enqueue JOB` or `work JOB`; prints one JSON object and ends.

    `enqueue` returns the seconds it took once connected; `work` returns when the ledger says that it is over.
    """
    step, job = sys.argv[1], Job(**json.loads(sys.argv[2]))
    signal.alarm(job.patience)
    if step == "enqueue":
        said = {"seconds": enqueue(job)}
    else:
        ledger = Ledger(job)
        work(job, ledger)
        said = ledger.report()
    print(json.dumps(said), flush=True)
    os._exit(0)  # what a library left running must not keep us
