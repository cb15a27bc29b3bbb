"""What every child process of a driver needs: our package wherever it was started from, and an end with its parent."""

import ctypes
import os
import re
import signal
import sys
from pathlib import Path

import hantar

PR_SET_PDEATHSIG = 1
_HARMLESS = re.compile(
    r"PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|PYTHON\w+|VIRTUAL_ENV|SSL_CERT_\w+|(DY)?LD_LIBRARY_PATH|(HTTPS?|ALL|NO)_PROXY",
    re.IGNORECASE,
)


def surroundings() -> dict[str, str]:
    """Our environment, in which the child finds this very package, wherever it was started from."""
    root = str(Path(hantar.__file__).resolve().parents[1])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def bare_surroundings() -> dict[str, str]:
    """The same without anything that a stranger's library has no business with: no password, no key, no address of a database."""
    return {name: value for name, value in surroundings().items() if _HARMLESS.fullmatch(name)}


def end_with(parent: int) -> None:
    """Ask the system to end us with our parent (Linux); the closed socket says the same elsewhere.

    The system means the thread that started us, so a child is started from its parent's main thread.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)
