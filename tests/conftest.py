"""What tests stand on: one throw-away PostgreSQL for the run, a fresh migrated database for each test, a clock they move."""

import asyncio
import functools
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

QUICK_EACH = 1
"""Of each file's tests that have a database, so many belong to the quick check (`do.py check`); the whole suite runs all."""
LONG = {
    *("test_caps.py", "test_erasure.py", "test_guard.py", "test_guard_canary.py", "test_number_check.py", "test_optout_race.py"),
    *("test_recheck.py", "test_retry.py", "test_rules_at_work.py", "test_running.py", "test_traces.py", "test_windows.py"),
}
"""Files of which nearly every test with a database takes seconds: none of those is quick."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what the quick check leaves out, so that it stays below a minute and still opens every file."""
    seen: dict[Path, int] = {}
    for item in items:
        if "dsn" in getattr(item, "fixturenames", ()) and "slow" not in item.keywords:
            seen[item.path] = seen.get(item.path, 0) + 1
            if seen[item.path] > QUICK_EACH or item.path.name in LONG:
                item.add_marker(pytest.mark.slow)


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
