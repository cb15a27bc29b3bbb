"""How many linked devices the system lets this machine carry: threads, processes, open files. Read when the driver starts.

A device costs about 1.5 threads and 2-4 open files in its host (gateways.md 6). Where there is no room for another thread the
library ends its process and with it all lines of its host, so what does not fit is not opened at all.
"""

import math
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

THREADS, FILES = 1.5, 4
"""Threads and open files of one device (gateways.md 6)."""
HOST_THREADS, HOST_FILES = 40, 64
"""What a host needs beside its devices (our own allowance)."""
OTHERS = 300
"""Threads and processes that are left to the database, the program and everything else (our own allowance)."""
WORDS = "This machine has no room for another linked device. Stop one, or raise its limits of threads and processes."


@dataclass(frozen=True, slots=True)
class Machine:
    """What the system allows. None: nobody limits it, or nobody says so."""

    tasks: int | None
    """Threads and processes that may still be started; both count as one."""
    files: int | None
    """Open files of one process, after raising its limit as far as it goes."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many devices may be open at once (None: any number), and how many in one host."""

    devices: int | None
    in_host: int


def room(machine: Machine, most: int) -> Room:
    """What fits; `most`: devices in one host at most."""
    in_host = most if machine.files is None else min(most, (machine.files - HOST_FILES) // FILES)
    if in_host < 1:
        return Room(0, 1)
    if machine.tasks is None:
        return Room(None, in_host)
    full, left = divmod(max(0, machine.tasks - OTHERS), math.ceil(HOST_THREADS + in_host * THREADS))
    return Room(full * in_host + int(max(0, left - HOST_THREADS) / THREADS), in_host)


def read(root: Path = Path("/")) -> Machine:
    """What the system says now: `pids.max` of our control group and of those above it, the kernel's limits, our own."""
    running = _running(root)
    free = list(_free_in_groups(root))
    for name in ("threads-max", "pid_max"):
        limit = _number(root / "proc/sys/kernel" / name)
        if limit is not None:
            free.append(limit - running)
    ours, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if ours != resource.RLIM_INFINITY and os.geteuid() != 0:
        free.append(ours)  # how many of them are in use nobody says
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Machine(max(0, min(free)) if free else None, None if files == resource.RLIM_INFINITY else files)


def _free_in_groups(root: Path) -> Iterator[int]:
    """What each group still allows; version 2 has one tree, version 1 one for `pids`. Inside a container our path may not be
    there, and the container's own limit is at the top."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds not in ("", "pids"):
            continue
        top = root / "sys/fs/cgroup" / kinds
        here = top / path.lstrip("/")
        for folder in (here, *here.parents):
            limit, used = _number(folder / "pids.max"), _number(folder / "pids.current")
            if limit is not None:
                yield limit - (used or 0)
            if folder == top:
                break


def _running(root: Path) -> int:
    """Threads of the whole machine: the second number of `running/all`."""
    words = _text(root / "proc/loadavg").split()
    found = words[3].partition("/")[2] if len(words) > 3 else ""
    return int(found) if found.isdecimal() else 0


def _number(path: Path) -> int | None:
    """The number in a file; None when there is none (`max`)."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
