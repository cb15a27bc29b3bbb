"""The servers of one comparison, thrown away after it: PostgreSQL as Hantar runs it, and Valkey that writes all to disk."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hantar.kit import embedded

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 10.0
DURABLE = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
"""Every write is on disk before it is answered, as in PostgreSQL."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Servers:
    """Where the servers of one comparison listen; empty where it needs none."""

    dsn: str = ""
    valkey: str = ""
    pids: tuple[int, ...] = ()

    def cpu_seconds(self) -> float:
        """Processor time of all server processes so far (Linux; elsewhere 0)."""
        return sum(cpu_of_family(pid) for pid in self.pids)


@contextlib.contextmanager
def started(folder: Path, valkey_server: Path, *, with_postgres: bool, with_valkey: bool) -> Iterator[Servers]:
    """Start what is asked for, in `folder`; everything is stopped at the end."""
    with contextlib.ExitStack() as stack:
        dsn, valkey, pids = "", "", []
        if with_postgres:
            postgres = embedded.Embedded(folder / "data")
            dsn = postgres.start()
            stack.callback(postgres.stop)
            pids.append(postgres.pid or 0)
        if with_valkey:
            child = stack.enter_context(_valkey(folder, valkey_server))
            valkey = str(folder / "valkey.sock")
            pids.append(child.pid)
        yield Servers(dsn, valkey, tuple(pids))


@contextlib.contextmanager
def _valkey(folder: Path, program: Path) -> Iterator["subprocess.Popen[bytes]"]:
    place = ["--port", "0", "--unixsocket", str(folder / "valkey.sock"), "--dir", str(folder), "--daemonize", "no"]
    with open(folder / "valkey.log", "wb") as log:
        child = subprocess.Popen(
            [str(program), *place, *DURABLE], stdout=log, stderr=log, start_new_session=True, preexec_fn=end_with_us
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (folder / "valkey.sock").exists():
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Valkey did not start: " + (folder / "valkey.log").read_text()[-500:])
            time.sleep(0.02)
        yield child
    finally:
        end(child)


def end_with_us() -> None:
    """What a child does before it starts: ask the kernel to end it when we die, however that happens (Linux only)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def end(child: "subprocess.Popen[bytes]", patience: float = 5.0) -> None:
    """Ask a process and its group to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)


def cpu_of_family(pid: int) -> float:
    """Processor seconds of a process, its living children and those it has reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(int(each) for each in fields[11:15]) / TICKS + sum(cpu_of_family(int(child)) for child in children)
