"""Carries events to whoever takes them: at least once, many at a time, again after a failure. Says how far they were taken."""

import asyncio
import heapq
from collections.abc import Callable

import structlog

from hantar.gateways import port
from hantar.kit import errors
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)


class Courier:
    """Hands events to the sink in the order they came; each is settled when its own call returns."""

    def __init__(self, sink: port.EventSink, taken: Callable[[int], None], clock: Clock) -> None:
        self._sink, self._taken, self._clock = sink, taken, clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: list[int] = []
        self._done: set[int] = set()
        self._is_closed = False

    def bring(self, event: port.Event, *, numbered: bool = True) -> None:
        """Take charge of an event; unnumbered ones (our own) are not reported back."""
        if self._is_closed:
            return
        if numbered:
            heapq.heappush(self._open, event.seq)
        task = asyncio.create_task(self._deliver(event, numbered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, event: port.Event, numbered: bool) -> None:
        pause = 0.1
        while True:
            try:
                await self._sink(event)
                break
            except errors.Unavailable as error:
                log.warning("event.waits", kind=type(event).__name__, why=error.message, again_in=pause)
            except Exception:
                log.exception("event.not_taken", kind=type(event).__name__, again_in=pause)
            await self._clock.sleep(pause)
            pause = min(pause * 2, 5.0)
        if numbered:
            self._settle(event.seq)

    def _settle(self, seq: int) -> None:
        """Report the highest number below which everything was taken."""
        self._done.add(seq)
        reached = None
        while self._open and self._open[0] in self._done:
            reached = heapq.heappop(self._open)
            self._done.discard(reached)
        if reached is not None:
            self._taken(reached)

    def forget(self) -> None:
        """The teller died and will tell again; numbers of the past mean nothing to the next."""
        self._open.clear()
        self._done.clear()

    async def close(self, seconds: float) -> None:
        """Take no more; what is under way gets so many seconds."""
        self._is_closed = True
        if self._tasks and seconds > 0:
            idle = asyncio.Event()
            waiter = asyncio.ensure_future(asyncio.wait(set(self._tasks)))
            waiter.add_done_callback(lambda _: idle.set())
            await self._clock.wait(idle, seconds)
            waiter.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
