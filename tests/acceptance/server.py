"""The real program as a child process: started by its command, asked over HTTP, stopped or killed like in life."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from hantar.kit import embedded_address

NAME, PASSWORD = "alice", "a long password for tests"
PATIENCE = 60.0


class Server:
    """`hantar up` with a data folder of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "server.log"
        self.mutant = ""
        """Python that the program runs before it begins: a bug that is put back."""
        self.port = 0
        self.http = httpx.Client(timeout=30)

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def start(self) -> "Server":
        """Start it and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        foreign = ("HANTAR_", "APP_", "DATABASE_", "DB_", "PYTHONDONTWRITE")
        environ = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        environ |= {"HANTAR_DATA_DIR": str(self.folder / "data"), "APP_PORT": "0", "APP_BASIC_AUTH": f"{NAME}:{PASSWORD}"}
        before = len(self.log)
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "hantar", "up"]
            if self.mutant:
                begin = "import runpy, sys; sys.argv = ['hantar', 'up']; runpy.run_module('hantar', run_name='__main__')"
                command = [sys.executable, "-c", f"{self.mutant}\n{begin}"]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environ | self._environ
            )
        self._wait_until_ready(before)
        return self

    def _wait_until_ready(self, before: int) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            said = self.log[before:]
            if "Hantar is ready" in said:
                self.port = int(said.split("Hantar is ready:")[1].split()[0].rsplit(":", 1)[1])
                self.http.base_url = httpx.URL(f"http://127.0.0.1:{self.port}")
                if self._answers():
                    return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log[-3000:]}")

    def _answers(self) -> bool:
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9, and wait for its end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; returns its exit code. Harmless when it does not run."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=40)

    def kill_both(self) -> None:
        """kill -9 of the program and of its PostgreSQL, as one."""
        postgres = int(self._pid_file.read_text().split()[0])
        os.kill(self.pid, signal.SIGKILL)
        os.kill(postgres, signal.SIGKILL)
        self.kill()

    @property
    def _pid_file(self) -> Path:
        return self.folder / "data" / "postgres" / "data" / "postmaster.pid"

    def kill_database(self) -> None:
        """kill -9 of its PostgreSQL, and wait until another one runs and the program says that it is ready."""
        pid_file = self._pid_file
        killed = int(pid_file.read_text().split()[0])
        os.kill(killed, signal.SIGKILL)

        def is_another() -> bool:
            words = pid_file.read_text().split() if pid_file.exists() else []
            return bool(words) and int(words[0]) != killed and self._answers()

        wait_for(is_another, 30)

    def sign_in(self) -> None:
        """As the administrator made from APP_BASIC_AUTH."""
        reply = self.http.post("/api/login", json={"email": NAME, "password": PASSWORD})
        assert reply.status_code == 200, reply.text

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Ask, and expect success; returns the body."""
        reply = self.http.request(method, f"/api{path}", **more)
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content and "json" in reply.headers.get("content-type", "") else reply.content

    async def sql(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """Ask its database as the owner, beside the program."""
        dsn = embedded_address.address_of_running(self.folder / "data")
        assert dsn is not None
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    def ledger(self) -> Iterator[dict[str, Any]]:
        """The simulator's own record."""
        for path in sorted((self.folder / "data" / "simulator").glob("*ledger*")):
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):
                        yield json.loads(line)


def wait_for(condition: Any, seconds: float, every: float = 0.1) -> Any:
    """Wait for something of a real process; returns what came."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > until:
            assert found, "it did not happen in time"
            return found
        time.sleep(every)
