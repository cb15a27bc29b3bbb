"""The only door to time. Decisions about time are pure functions that take `now`; nobody else reads a clock or sleeps."""

import asyncio
import contextlib
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the program may ask of time."""

    is_real: bool

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Rest for so many seconds."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event at most so many seconds; True when it came. The event is left set."""
        ...


class SystemClock:
    """The machine's clock."""

    is_real = True

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        if event.is_set():
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await event.wait()
        return event.is_set()


class FakeClock:
    """A clock that a test moves. Sleepers wake in order of their due times while it is advanced."""

    is_real = False

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)  # one sum: many small steps would each round by a microsecond

    def monotonic(self) -> float:
        return self._elapsed

    def jump(self, by: timedelta) -> None:
        """Put the wall clock forward or back without time passing (F-07)."""
        self._start += by

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self._alarm(seconds)

    def _alarm(self, seconds: float) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), future))
        return future

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        if event.is_set() or seconds <= 0:
            await asyncio.sleep(0)
            return event.is_set()
        alarm, waiter = self._alarm(seconds), asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait([alarm, waiter], return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var] # both are futures
        finally:
            alarm.cancel()
            waiter.cancel()
        return event.is_set()

    async def advance(self, seconds: float) -> None:
        """Let time pass: wake every sleeper that becomes due, in order, and let the loop settle after each."""
        end = self._elapsed + seconds
        while True:
            await self.settle()
            if not self._sleepers or self._sleepers[0][0] > end:
                break
            due, _, future = heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, due)
            if not future.done():
                future.set_result(None)
        self._elapsed = end
        await self.settle()

    async def settle(self, rounds: int = 20) -> None:
        """Give ready tasks a turn without moving time."""
        for _ in range(rounds):
            await asyncio.sleep(0)
