"""What a killed PostgreSQL left behind: processes still ending, and a lock file naming a process that is gone.

Only the holder of the data folder's lock may call this: then whatever still runs there belongs to a dead parent.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from hantar.kit.embedded_programs import EmbeddedError

PATIENCE = 60.0
"""Seconds for a fast shutdown with its last checkpoint; afterwards SIGQUIT, which leaves the rest to recovery."""
LAST_PATIENCE = 10.0


def clear(pgdata: Path) -> None:
    """Wait until nothing runs in the database folder any more, then remove the stale lock file."""
    if not pgdata.is_dir():
        return
    for number, patience in ((signal.SIGINT, PATIENCE), (signal.SIGQUIT, LAST_PATIENCE)):
        if not _end(pgdata, number, patience):
            (pgdata / "postmaster.pid").unlink(missing_ok=True)
            return
    raise EmbeddedError(
        f"An earlier PostgreSQL still runs in {pgdata} (processes {_in_words(running_in(pgdata))}) and does not end. "
        "End these processes, then start again."
    )


def _end(pgdata: Path, number: signal.Signals, patience: float) -> list[int]:
    """Ask what runs there to end; returns what still runs when the patience is over."""
    deadline = time.monotonic() + patience
    asked: set[int] = set()
    while (running := running_in(pgdata)) and time.monotonic() < deadline:
        for pid in set(running) - asked:
            asked.add(pid)
            _signal(pid, number)
        time.sleep(0.02)
    return running


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise EmbeddedError(f"Process {pid} of another account uses this database folder.") from None


def _in_words(pids: list[int]) -> str:
    return ", ".join(map(str, pids))


def running_in(pgdata: Path) -> list[int]:
    """PostgreSQL processes that work in this folder; zombies do not count."""
    if Path("/proc/self/stat").exists():
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and _works_in(Path("/proc", name), pgdata)]
    pid = _pid_in_lock_file(pgdata)
    return [pid] if pid and _is_postgres(pid) else []


def _works_in(process: Path, pgdata: Path) -> bool:
    """All of PostgreSQL's processes have the database as their working folder; the first one names it with -D."""
    try:
        if (process / "stat").read_text().rpartition(") ")[2].startswith("Z"):
            return False
        words = (process / "cmdline").read_bytes().split(b"\0")
        if not words[0].rpartition(b"/")[2].startswith(b"postgres"):
            return False
        if b"-D" in words and words[words.index(b"-D") + 1] == os.fsencode(pgdata):
            return True
        # inside a container root may lack the right to look; the server's own checks remain
        return os.readlink(process / "cwd") == os.fspath(pgdata)
    except (OSError, IndexError):
        return False


def _pid_in_lock_file(pgdata: Path) -> int | None:
    try:
        return int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_postgres(pid: int) -> bool:
    """For systems without /proc."""
    done = subprocess.run(["/bin/ps", "-p", str(pid), "-o", "stat=,command="], capture_output=True, text=True, check=False)
    return "postgres" in done.stdout and not done.stdout.lstrip().startswith("Z")
