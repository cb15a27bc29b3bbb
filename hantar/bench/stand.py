"""The stand a run is made on: a throw-away PostgreSQL with the product's settings, filled worlds, and an engine's process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncpg

import hantar
from hantar.bench import world
from hantar.bench.spec import Spec
from hantar.kit import embedded, errors
from hantar.migrations import run as migrations

TEMPLATE = "migrated"
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "server_version")
Say = Callable[[str], None]


class RunFailed(errors.Unavailable):
    """The engine's process ended with an error."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; what it said stands above.")


class Stand:
    """One PostgreSQL for all runs; each run has a database of its own. Main thread only."""

    def __init__(self, say: Say) -> None:
        """`say`: where progress is told."""
        self.say = say
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.server: embedded.Embedded | None = None
        self.dsn = ""

    def __enter__(self) -> "Stand":
        self._folder = tempfile.TemporaryDirectory(prefix="hantar-bench-", ignore_cleanup_errors=True)
        self.folder.chmod(0o755)
        self.server = embedded.Embedded(self.folder / "data", durable=True)
        try:
            self.dsn = self.server.start()
            asyncio.run(self._make_template())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.server is not None:
            self.server.stop()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Where this stand keeps its files."""
        assert self._folder is not None  # noqa: S101 narrows the type
        return Path(self._folder.name)

    @property
    def postmaster(self) -> int:
        """Process id of the PostgreSQL server."""
        found = self.server.pid if self.server is not None else None
        assert found is not None  # noqa: S101 narrows the type
        return found

    def named(self, name: str) -> str:
        """The address of one database."""
        head, _, tail = self.dsn.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{tail}"

    def settings(self) -> dict[str, str]:
        """What the server runs with."""

        async def read() -> dict[str, str]:
            owner = await asyncpg.connect(self.dsn)
            try:
                return {name: await owner.fetchval("SELECT current_setting($1)", name) for name in SETTINGS}
            finally:
                await owner.close()

        return asyncio.run(read())

    async def _make_template(self) -> None:
        await self._tell(f"CREATE DATABASE {TEMPLATE}")
        await migrations.upgrade(self.named(TEMPLATE))

    async def _tell(self, command: str) -> None:
        owner = await asyncpg.connect(self.dsn, timeout=30)
        try:
            await owner.execute(command)
        finally:
            await owner.close()

    def make(self, name: str, size: world.Size) -> str:
        """A database with such a world; returns its address."""
        began = time.monotonic()
        asyncio.run(self._tell(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
        asyncio.run(world.fill(self.named(name), size, self.say))
        self.say(f"{name}: {size.devices:,} devices, {size.queued:,} messages filled in {time.monotonic() - began:.1f} s")
        return self.named(name)

    def drop(self, name: str) -> None:
        """Throw a database away."""
        asyncio.run(self._tell(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def measure(self, spec: Spec) -> dict[str, Any]:
        """Run an engine's process to its end and return its figures; raises `RunFailed`."""
        process = start("hantar.bench.rig", spec.written())
        try:
            output, _ = process.communicate(timeout=spec.ramp + spec.seconds + 300)
        finally:
            end(process)
        if process.returncode:
            raise RunFailed(f"The engine's process ended with code {process.returncode}")
        found: dict[str, Any] = json.loads(output)
        return found


def start(module: str, *words: str) -> subprocess.Popen[bytes]:
    """Start one of our own modules as a child whose standard output is ours to read."""
    root = str(Path(hantar.__file__).resolve().parents[1])
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
    command = [sys.executable, "-m", module, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environ)  # noqa: S603 our own module


def end(process: "subprocess.Popen[bytes]", how: int = signal.SIGKILL, patience: float = 60.0) -> int:
    """Send a signal, wait for the end, by force when it takes longer; returns the exit code. Harmless when repeated."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()
