"""What the measuring stands on: which machine, how much time its processes spent on it, how much memory they hold."""

import os
import platform
import resource
import statistics
import sys
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
"""Units in which /proc counts processor time, a second."""
PROC = Path("/proc")
LOOP, TIMES = 100_000, 9
"""Steps of the loop that shows what the processor is worth just now, and how often it runs."""


def described() -> dict[str, str | int | float]:
    """The machine in a few words; `load_1m` is what else ran on it when we were asked, `loop_ms` how fast it was then."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(_memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 1),
        "loop_ms": loop_ms(),
    }


def loop_ms() -> float:
    """Milliseconds of processor time for a loop that is always the same (median): where processors are shared with others, the
    same machine is worth half as much again in one minute as in the next, and no load shows it.
    """
    return round(1e3 * statistics.median(_loop() for _ in range(TIMES)), 1)


def _loop() -> float:
    began, total = time.thread_time(), 0
    for number in range(LOOP):
        total += number * number
    return time.thread_time() - began


def _processor() -> str:
    try:
        lines = (PROC / "cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _fields(pid: int) -> list[str] | None:
    """What /proc says of a process after its name, which may hold spaces; None when it is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def family_seconds(pid: int) -> float:
    """Seconds of processor time of a process, its children that ended, and its children that live (Linux; 0.0 elsewhere)."""
    own = _fields(pid)
    if own is None:
        return 0.0
    ticks = sum(int(each) for each in own[11:15])
    for path in PROC.glob("[0-9]*"):
        child = _fields(int(path.name))
        if child is not None and int(child[1]) == pid:
            ticks += int(child[11]) + int(child[12])
    return ticks / TICKS


def rss_mb(pid: int | None = None) -> float:
    """Resident memory of a process in MB (10^6 bytes), ours without one; where there is no /proc, the most we ever held."""
    try:
        pages = int((PROC / str(pid or os.getpid()) / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1e6 if sys.platform == "darwin" else 1e3)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
