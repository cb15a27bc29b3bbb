"""A call from the Cloud API that is kept until it is worked off. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

LARGEST = 4_000_000
"""Bytes of one call; the service sends 3 MB at most (Meta's documents, 2026)."""
MOST_BYTES = 32_000_000
"""Bytes of calls that are worked off together at most, but for the last of them (our own number)."""
HELD = timedelta(seconds=60)
"""A call that is being worked off is nobody else's for so long; after a crash it is worked off again then (our own number)."""
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=1), timedelta(minutes=5)
"""Waits after a failure, doubled each time (our own numbers)."""
TRIES = 8
"""Failures of its own after which a call is set aside, about two minutes later; it holds up no other."""
KEPT = timedelta(days=7)
"""How long a call that was set aside is kept: it holds what people wrote, so no longer than somebody needs to look at it."""


@runtime_checkable
class TakesHooks(Protocol):
    """A driver to which calls from outside are handed."""

    async def take_hook(self, payload: Mapping[str, Any], places: Mapping[str, Sequence[str]]) -> int:
        """Report what one call holds; returns how many events, all of them committed. Raises when it must be brought again."""
        ...


@dataclass(frozen=True, slots=True)
class Keys:
    """What calls are known by: the app's secret signs them, the token is given when the address is set up. Empty: no calls."""

    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Hook:
    """One call as it came, and how often it failed before."""

    id: str
    body: bytes
    tries: int


def again_after(tries: int) -> timedelta:
    """How long to wait after so many failures."""
    return min(FIRST_RETRY * (1 << min(tries, 16)), LONGEST_RETRY)
