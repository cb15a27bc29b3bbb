"""One peer in one comparison: servers, enqueueing, workers, and what the ledger and the tables say afterwards."""

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from benchmarks.peers import roster, servers
from benchmarks.peers.job import Job, Ledger

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 150
"""Seconds for each step besides the window; a process that takes longer is ended."""


class Sample(threading.Thread):
    """The servers' processor time once the workers are warm: what opening connections cost is not counted per message."""

    def __init__(self, job: Job, running: servers.Servers) -> None:
        super().__init__(daemon=True)
        self._job, self._running = job, running
        self.completed, self.cpu_s = 0, 0.0

    def run(self) -> None:
        """Look until a few messages are completed."""
        deadline = time.monotonic() + self._job.patience
        while self.completed < self._job.messages * roster.WARM / 2 and time.monotonic() < deadline:
            time.sleep(0.1)
            self.completed = Ledger.count(Path(self._job.ledger))
            self.cpu_s = self._running.cpu_seconds()


class PeerFailed(Exception):
    """A step ended badly or late, or the tables say that the work was not done as told."""


@dataclass(frozen=True)
class Figures:
    """What came out."""

    enqueue_per_s: float
    per_s: float
    """From the first completion of a warm worker to the last."""
    worker_us: float
    """Processor time of the workers for each message, in microseconds: less at the mercy of a busy machine than a rate."""
    server_us: float
    """The same of PostgreSQL and Valkey."""
    completed: int
    repeated: int


@dataclass(frozen=True)
class Tools:
    """The throw-away environment of the peers."""

    python: Path
    valkey_server: Path


def run(peer: roster.Peer, tools: Tools, *, real: bool, quick: bool) -> Figures:
    """Measure one peer in one of the two comparisons. Raises `PeerFailed`. Main thread only."""
    tuning = peer.real if real else peer.raw
    messages = int(tuning.messages * (roster.QUICK_SHARE if quick else 1))
    window = roster.QUICK_WINDOW if quick else roster.WINDOW
    with tempfile.TemporaryDirectory(prefix="hantar-peer-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another account
        needs_postgres = real or not peer.on_valkey
        with servers.started(folder, tools.valkey_server, with_postgres=needs_postgres, with_valkey=peer.on_valkey) as running:
            ledger = folder / "ledger"
            Ledger.make(ledger, messages)
            job = Job(
                real=real,
                messages=messages,
                devices=roster.DEVICES,
                workers=tuning.workers,
                shard=0,
                concurrency=tuning.concurrency,
                latency=roster.LATENCY,
                window=window,
                patience=int(PATIENCE + window),
                dsn=running.dsn,
                valkey=running.valkey,
                ledger=str(ledger),
            )
            if real:
                asyncio.run(_make_world(job))
            [said] = _steps(tools, peer, "enqueue", [job])
            return _drain(peer, tools, job, running, messages / said["seconds"])


def _drain(peer: roster.Peer, tools: Tools, job: Job, running: servers.Servers, enqueue_per_s: float) -> Figures:
    sample = Sample(job, running)
    sample.start()
    said = _steps(tools, peer, "work", [replace(job, shard=shard) for shard in range(job.workers)])
    sample.join()
    times = Ledger.read(Path(job.ledger))
    warm = int(len(times) * roster.WARM)
    if len(times) < 100 or times[-1] <= times[warm] or sample.completed >= len(times):
        raise PeerFailed(f"only {len(times)} of {job.messages} messages were completed")
    if job.real:
        asyncio.run(_check(job, len(times)))
    return Figures(
        enqueue_per_s=enqueue_per_s,
        per_s=(len(times) - 1 - warm) / (times[-1] - times[warm]),
        worker_us=sum(each["cpu_s"] for each in said) / len(times) * 1e6,
        server_us=(running.cpu_seconds() - sample.cpu_s) / (len(times) - sample.completed) * 1e6,
        completed=len(times),
        repeated=int(sum(each["repeated"] for each in said)),
    )


def _steps(tools: Tools, peer: roster.Peer, step: str, jobs: list[Job]) -> list[dict[str, float]]:
    """Run one process for each job at the same time; what each said. Raises `PeerFailed`."""
    deadline = time.monotonic() + jobs[0].patience + 5
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(_child(tools, peer, step, job)) for job in jobs]
        said = []
        for child in children:
            try:
                out, errors = child.communicate(timeout=max(1.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise PeerFailed(f"{step} did not end in {jobs[0].patience} s") from None
            lines = out.decode(errors="replace").strip().splitlines()
            if child.returncode or not lines:
                raise PeerFailed(f"{step} ended with {child.returncode}: {errors.decode(errors='replace')[-1_500:]}")
            said.append(json.loads(lines[-1]))
        return said


@contextlib.contextmanager
def _child(tools: Tools, peer: roster.Peer, step: str, job: Job) -> "Iterator[subprocess.Popen[bytes]]":
    command = [str(tools.python), "-m", peer.module, step, job.to_text()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=servers.end_with_us,
    )
    try:
        yield child
    finally:
        servers.end(child)


async def _make_world(job: Job) -> None:
    """The tables of the real work."""
    script = (Path(__file__).parent / "world.sql").read_text(encoding="utf-8")
    connection = await asyncpg.connect(job.dsn, timeout=30)
    await connection.execute(script.replace("{devices}", str(job.devices)).replace("{messages}", str(job.messages)))
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


async def _check(job: Job, completed: int) -> None:
    """That every completed message has its outcome, that the rules held, and that no device sent two at a time."""
    connection = await asyncpg.connect(job.dsn, timeout=30)
    row = await connection.fetchrow(
        """SELECT count(*) FILTER (WHERE state <> 'queued') AS ended,
             count(*) FILTER (WHERE state = 'sent' AND EXISTS (
               SELECT FROM suppressions s WHERE (s.workspace_id, s.person_id) = (m.workspace_id, m.person_id))) AS wrong,
             count(*) FILTER (WHERE claimed_at < before) AS overlaps
           FROM (SELECT *, lag(sent_at) OVER (PARTITION BY device_id ORDER BY claimed_at) AS before
                 FROM messages WHERE state <> 'suppressed') m""",
    )
    suppressed = await connection.fetchval("SELECT count(*) FROM messages WHERE state = 'suppressed'")
    await connection.close()
    if row["ended"] + suppressed < completed or row["wrong"] or row["overlaps"] or not suppressed:
        raise PeerFailed(f"{completed} completed, but the tables say {dict(row)} and {suppressed} suppressed")
