"""Who takes part, with how much work and how tuned. No package of any peer is needed to read it."""

from dataclasses import dataclass, replace

DEVICES = 3_000
LATENCY = 0.05
"""Seconds the pretended gateway takes for one message (the bench's own simulator uses the same)."""
WINDOW, QUICK_WINDOW = 20.0, 3.0
"""Seconds of draining after which a peer stops although messages are left, so that a busy machine cannot hold the run up."""
QUICK_SHARE = 0.15
WARM = 0.03
"""The share of messages before the first that counts: connections open, statements prepared, code compiled."""


@dataclass(frozen=True)
class Tuning:
    """How a peer runs in one of the two comparisons."""

    messages: int
    """About 10 to 15 seconds of work on two idle cores."""
    workers: int
    """Worker processes; messages are spread over one queue for each, by device."""
    concurrency: int
    """Messages in work at once, in each worker process; 0 leaves the peer unbounded."""


@dataclass(frozen=True)
class Peer:
    """One queue: its module here, the packages whose versions are told, where its messages wait, and its tuning."""

    name: str
    module: str
    packages: tuple[str, ...]
    on_valkey: bool
    raw: Tuning
    real: Tuning
    venv: str = ".venv-peers"
    """The environment it is installed in."""
    lock: str = "peers.txt"


def _peer(name: str, module: str, packages: str, raw: Tuning, real: Tuning, *, on_valkey: bool = False) -> Peer:
    return Peer(name, f"benchmarks.peers.{module}", tuple(packages.split()), on_valkey, raw, real)


ALONE = {"venv": ".venv-peers-arq", "lock": "peers-arq.txt"}
"""arq asks for a redis client of long ago, which would hold the others back."""


PEERS = [
    _peer("skip-locked", "with_skip_locked", "asyncpg", Tuning(60_000, 1, 16), Tuning(16_000, 1, 90)),
    _peer("pgqueuer", "with_pgqueuer", "pgqueuer asyncpg", Tuning(250_000, 2, 0), Tuning(16_000, 1, 200)),
    _peer("procrastinate", "with_procrastinate", "procrastinate psycopg", Tuning(8_000, 2, 50), Tuning(6_000, 2, 50)),
    _peer("taskiq", "with_taskiq", "taskiq taskiq-redis", Tuning(30_000, 2, 200), Tuning(15_000, 2, 100), on_valkey=True),
    _peer("dramatiq", "with_dramatiq", "dramatiq redis", Tuning(30_000, 2, 8), Tuning(15_000, 2, 64), on_valkey=True),
    replace(_peer("arq", "with_arq", "arq redis", Tuning(12_000, 2, 100), Tuning(10_000, 2, 100), on_valkey=True), **ALONE),
    _peer("celery", "with_celery", "celery redis", Tuning(8_000, 2, 10), Tuning(5_000, 2, 50), on_valkey=True),
]
