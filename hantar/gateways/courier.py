"""Carries events to whoever takes them: at least once, in their order, again after a failure. Says how far they were taken.

Outcomes of messages come by the thousand and go by the batch, one batch at a time, when the sink takes batches
(`gateways/outcomes.py`); every other event has a task of its own, so that one that waits holds up no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import structlog

from hantar.gateways import outcomes, port
from hantar.kit import errors
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

MOST = 2000
"""Outcomes in one batch: what a few turns of a loaded loop bring, and a transaction of a tenth of a second."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a refused event is brought again."""


class Courier:
    """Hands events to the sink; each is settled when the call that took it returns."""

    def __init__(self, sink: port.EventSink, taken: Callable[[int], None], clock: Clock) -> None:
        self._sink, self._taken, self._clock = sink, taken, clock
        offered: object = sink
        self._many = offered.take_many if isinstance(offered, outcomes.TakesMany) else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: list[port.Event] = []
        self._carrier: asyncio.Task[None] | None = None
        self._open: set[int] = set()
        self._heard = self._settled = 0
        self._is_closed = False

    def bring(self, events: Sequence[port.Event], *, numbered: bool = True) -> None:
        """Take charge of events; unnumbered ones (our own) are not reported back."""
        if self._is_closed:
            return
        if numbered:
            self._heard = events[-1].seq
        for event in events:
            if self._many is not None and isinstance(event, outcomes.KINDS):
                self._outcomes.append(event)
            else:
                if numbered:
                    self._open.add(event.seq)
                self._start(self._deliver(event, numbered))
        if self._outcomes and self._carrier is None:
            self._carrier = self._start(self._carry())

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry(self) -> None:
        """Batches, one after the other, as long as there are outcomes."""
        try:
            while self._outcomes:
                batch = self._outcomes[:MOST]
                await self._until_taken(self._hand, batch)
                del self._outcomes[: len(batch)]
                self._settle()
        finally:
            self._carrier = None

    async def _hand(self, batch: Sequence[port.Event]) -> None:
        assert self._many is not None  # noqa: S101 narrows the type
        await self._many(batch)

    async def _deliver(self, event: port.Event, numbered: bool) -> None:
        await self._until_taken(lambda events: self._sink(events[0]), [event])
        if numbered:
            self._open.discard(event.seq)
            self._settle()

    async def _until_taken(self, hand: Callable[[Sequence[port.Event]], Awaitable[None]], events: Sequence[port.Event]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await hand(events)
                return
            except errors.Unavailable as error:
                log.warning("event.waits", kind=type(events[0]).__name__, count=len(events), why=error.message, again_in=pause)
            except Exception:
                log.exception("event.not_taken", kind=type(events[0]).__name__, count=len(events), again_in=pause)
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _settle(self) -> None:
        """Report the highest number below which everything was taken."""
        reached = self._heard
        if self._outcomes:
            reached = min(reached, self._outcomes[0].seq - 1)
        if self._open:
            reached = min(reached, min(self._open) - 1)
        if reached > self._settled:
            self._settled = reached
            self._taken(reached)

    def forget(self) -> None:
        """The teller died and will tell again; numbers of the past mean nothing to the next."""
        self._open.clear()

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
