"""What every child process of a driver needs: our package wherever it was started from, and an end with its parent."""

import ctypes
import os
import signal
import sys
from pathlib import Path

import hantar

PR_SET_PDEATHSIG = 1


def surroundings() -> dict[str, str]:
    """Our environment, in which the child finds this very package, wherever it was started from."""
    root = str(Path(hantar.__file__).resolve().parents[1])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def end_with(parent: int) -> None:
    """Ask the system to end us with our parent (Linux); the closed socket says the same elsewhere.

    The system means the thread that started us, so a child is started from its parent's main thread.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)
