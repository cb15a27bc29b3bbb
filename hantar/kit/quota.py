"""How often something may be done: fixed windows of `limits`, kept in memory and driven by our clock.

One process counts for itself. A full window says when to come back; nothing is locked for good.
"""

import itertools
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute, strategies
from limits.storage import Storage

from hantar.kit import errors
from hantar.kit.clock import Clock

SWEEP_EVERY = 10_000
"""Hits between two sweeps of windows that ended; keeps memory flat when strangers try many names."""


class TooMany(errors.LimitReached):
    """Too many requests. Wait a moment and try again."""


class ClockStorage(Storage):
    """Counters that run out by our clock (the library's own memory storage reads the system's clock, in a thread)."""

    STORAGE_SCHEME = ("hantar",)  # type: ignore[assignment] # the base wants a list; it is only read

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[str, tuple[int, float]] = {}
        self._hits = itertools.count(1)

    @property
    def base_exceptions(self) -> type[Exception]:
        """No error of a backend can happen here."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; a window begins with its first hit and lasts `expiry` seconds."""
        if next(self._hits) % SWEEP_EVERY == 0:
            self._sweep()
        count, ends = self._windows.get(key, (0, 0.0))
        now = self._clock.monotonic()
        if ends <= now:
            count, ends = 0, now + expiry
        self._windows[key] = (max(0, count + amount), ends)
        return count + amount

    def get(self, key: str) -> int:
        """The count of the running window."""
        count, ends = self._windows.get(key, (0, 0.0))
        return count if ends > self._clock.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, on the clock's monotonic scale."""
        return max(self._clock.monotonic(), self._windows.get(key, (0, 0.0))[1])

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self._windows.pop(key, None)

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        self._windows = {key: window for key, window in self._windows.items() if window[1] > now}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a counter stands: the window's limit, what is left, seconds until it begins anew."""

    limit: int
    remaining: int
    reset_seconds: float


class Quota:
    """Counts by name. `take` refuses with `TooMany` once the window is full."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._storage = ClockStorage(clock)
        self._limiter = strategies.FixedWindowRateLimiter(self._storage)

    def take(self, limit: RateLimitItem, *name: str) -> Standing:
        """Count one; raises `TooMany` with the seconds to wait."""
        allowed = self._limiter.hit(limit, *name)
        standing = self.standing(limit, *name)
        if not allowed:
            raise TooMany(retry_after=standing.reset_seconds)
        return standing

    def give_back(self, limit: RateLimitItem, *name: str) -> None:
        """Take one hit back: it turned out to be harmless."""
        self._limiter.hit(limit, *name, cost=-1)

    def forget(self, limit: RateLimitItem, *name: str) -> None:
        """Begin anew for this name."""
        self._limiter.clear(limit, *name)

    def standing(self, limit: RateLimitItem, *name: str) -> Standing:
        """How the counter stands, without counting."""
        reset, remaining = self._limiter.get_window_stats(limit, *name)
        return Standing(limit.amount, remaining, max(0.0, reset - self._clock.monotonic()))


def per_minutes(amount: int, minutes: int, namespace: str) -> RateLimitItem:
    """So many in so many minutes; each namespace counts for itself."""
    return RateLimitItemPerMinute(amount, minutes, namespace)
