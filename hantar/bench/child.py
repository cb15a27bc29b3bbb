"""What every process of a run does first: it ends with the command that started it, and keeps standard output for figures."""

import logging
import os

import structlog

from hantar.gateways.simulator import host
from hantar.kit import logs


def begin(level: int = logging.WARNING) -> None:
    """Tie our life to the parent's and log to standard error from this level on."""
    host.end_with(os.getppid())
    logs.configure(debug=False)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
