"""What tests stand on: one throw-away PostgreSQL for the run, a fresh migrated database for each test, a clock they move."""

import asyncio
import collections
import functools
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import argon2
import asyncpg
import pytest
import structlog

from hantar.kit import clock, cluster, db, embedded
from hantar.migrations import run as migrations

pytest_plugins = ["tests.cast"]

_numbers = itertools.count(1)
KEY = bytes(32)
"""The key of tests' keyed hashes."""
MEMORY = Path("/dev/shm")
ROOM = 2_000_000_000
"""Bytes that must be free in memory before the throw-away server goes there."""

COSTLY = ("dsn", "start")
"""What makes a test cost a quarter of a second of processor time and more: a database of its own, session hosts of its own."""
QUICK_EACH = 1
"""Of each file's tests with one of those, so many belong to the quick check (`do.py check`); the whole suite runs all."""
LONG = {
    "accounts": "keys",
    "audit": "traces",
    "campaigns": "backlog guard guard_canary planner progress retry",
    "consent": "copy",
    "demo": "rules_at_work service sunday",
    "dispatch": "aside_engine caps engine failpoints fairness lead number_check optout_race recheck windows",
    "hooks": "lost_replies",
    "inbox": "identity running words",
    "outbox": "files tally",
    "people": "erasure persons",
    "workers": "http",
}
"""By room, files whose first test with a database takes half a second and more, the server's share counted: none of theirs is
quick."""


def is_long(path: Path) -> bool:
    """Whether a file of tests is named in `LONG`."""
    return path.stem.removeprefix("test_") in LONG.get(path.parent.name, "").split()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what the quick check leaves out, so that it stays below a minute and still reads every file."""
    seen: collections.Counter[Path] = collections.Counter()
    for item in items:
        if "slow" not in item.keywords and not set(COSTLY).isdisjoint(getattr(item, "fixturenames", ())):
            seen[item.path] += 1
            if seen[item.path] > QUICK_EACH or is_long(item.path):
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what stands now: thousands of tests, looked through again and again."""
    gc.collect()
    gc.freeze()


DEAR = argon2.PasswordHasher
"""What the product hashes passwords with."""


@pytest.fixture(scope="session", autouse=True)
def _cheap() -> Iterator[None]:
    """Passwords of tests are hashed at the least cost; a traceback in the log is plain, as in the product."""
    tracebacks = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], tracebacks])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argon2, "PasswordHasher", functools.partial(DEAR, time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a running PostgreSQL that is thrown away after the run."""
    with tempfile.TemporaryDirectory(prefix="hantar-test-", dir=place(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        postgres = embedded.Embedded(Path(folder) / "data", durable=False)
        dsn = postgres.start()
        try:
            asyncio.run(_make_template(dsn))
            yield dsn
        finally:
            postgres.stop()


def place() -> Path | None:
    """Where files are made and removed fastest: a database for each test is some hundred files. None: the usual place."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return None


def _named(dsn: str, name: str) -> str:
    head, _, tail = dsn.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{tail}"


async def _make_template(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("SET scram_iterations = 1")  # thousands of connections need not each earn their password
    await connection.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{urlsplit(dsn).password}'")
    await connection.execute("CREATE DATABASE template_hantar")
    await connection.close()
    await migrations.upgrade(_named(dsn, "template_hantar"))


@pytest.fixture
async def dsn(server: str) -> AsyncIterator[str]:
    """A fresh database with today's schema."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_hantar STRATEGY FILE_COPY")
        yield _named(server, name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture
def fake_clock() -> clock.FakeClock:
    """Time that stands still until the test moves it: Tuesday 1 December 2026, 02:00 UTC."""
    return clock.FakeClock()


@pytest.fixture
def bus() -> cluster.LocalBus:
    """Facts within this test."""
    return cluster.LocalBus()


@pytest.fixture
async def database(dsn: str, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> AsyncIterator[db.Database]:
    """A database under the fake clock."""
    opened = db.Database(dsn, key=KEY, clock=fake_clock, bus=bus, size=5)
    yield opened
    await opened.close()
