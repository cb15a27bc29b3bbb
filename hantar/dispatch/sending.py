"""Hands claimed messages to their drivers, all at once, with one timer for all deadlines. A known answer is never dropped."""

import asyncio
import functools
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

import structlog

from hantar.dispatch import leases, shelf
from hantar.gateways import port
from hantar.kit import clock, db
from hantar.outbox import model

log = structlog.get_logger(__name__)

STOOD_STILL = leases.TTL.total_seconds()
"""Seconds between claim and send after which the lease may have lapsed, so nothing is sent."""
STEP = 0.008
"""Seconds between two looks at what is held, at least, so a message leaves up to so much after its turn: a timer for each would
cost more than it gains, with few messages a second as with thousands (measured)."""
Settle = Callable[[model.Claimed, port.Verdict, float], None]
"""Told of a message, its verdict, and the monotonic second at which its claim began."""


class Flight:
    """One message on its way. Instants are monotonic seconds."""

    __slots__ = ("claimed_at", "deadline", "message", "task")

    def __init__(self, message: model.Claimed, claimed_at: float) -> None:
        self.message, self.claimed_at = message, claimed_at
        self.deadline = float("inf")
        self.task: asyncio.Future[port.Verdict] | None = None


class Sender:
    """Everything in flight. `settle` is called once for each message, with its verdict."""

    def __init__(self, drivers: Mapping[str, port.Driver], clock_: clock.Clock, load: shelf.LoadMedia, settle: Settle) -> None:
        self._drivers, self._clock, self._files, self._settle = drivers, clock_, shelf.Shelf(load), settle
        self._timeouts = {name: driver.caps.send_timeout.total_seconds() for name, driver in drivers.items()}
        self.flights: dict[str, Flight] = {}
        self._deadlines: dict[str, deque[Flight]] = {name: deque() for name in drivers}
        self._timer: asyncio.Task[None] | None = None
        self._held: list[tuple[float, int, Flight]] = []
        self._order = 0
        self._nearer = asyncio.Event()
        self._next_look = 0.0
        self._releasing: asyncio.Task[None] | None = None

    def timeout(self, message: model.Claimed) -> float:
        """Seconds within which its driver must answer."""
        return self._timeouts[message.driver]

    def start(self, message: model.Claimed, claimed_at: float, leaves_at: float = 0.0) -> None:
        """Send it, now or when it is to leave; returns at once. `claimed_at`: when its claim began. Both in monotonic seconds."""
        flight = Flight(message, claimed_at)
        self.flights[message.id] = flight
        if leaves_at <= self._clock.monotonic():
            self._leave(flight)
            return
        self._order += 1
        heapq.heappush(self._held, (leaves_at, self._order, flight))
        if leaves_at < self._next_look - STEP:
            self._nearer.set()
        if self._releasing is None:
            self._releasing = asyncio.create_task(self._release())

    async def _release(self) -> None:
        """Let go what is held, each when its time has come and up to a step later."""
        try:
            while self._held:
                now = self._clock.monotonic()
                while self._held and self._held[0][0] <= now:
                    self._leave(heapq.heappop(self._held)[2])
                if self._held:
                    self._nearer.clear()
                    self._next_look = max(self._held[0][0], now + STEP)
                    await self._clock.wait(self._nearer, self._next_look - self._clock.monotonic())
        finally:
            self._releasing = None

    async def land(self, seconds: float) -> None:
        """Give what is in flight a grace period; what does not answer in time is recorded as unknown by its own deadline."""
        if self._releasing is not None:
            await asyncio.wait([self._releasing], timeout=seconds)
        tasks = {flight.task for flight in self.flights.values() if flight.task is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def _leave(self, flight: Flight) -> None:
        """Hand it to its driver; a text costs no task of ours where the driver gives a future."""
        message, now = flight.message, self._clock.monotonic()
        if self.flights.get(message.id) is not flight:
            return
        flight.deadline = now + self._timeouts[message.driver]
        self._deadlines[message.driver].append(flight)
        if self._timer is None:
            self._timer = asyncio.create_task(self._watch())
        if now - flight.claimed_at > STOOD_STILL:
            self._land(flight, self._not_now("The server stood still; the lease may have lapsed."))
            return
        try:
            answer = self._ask(message) if message.media_id is None else self._ask_with_file(message)
            flight.task = asyncio.ensure_future(answer)
        except Exception as error:
            self._land(flight, self._raised(message, error))
            return
        flight.task.add_done_callback(functools.partial(self._came, flight))

    def _came(self, flight: Flight, answer: asyncio.Future[port.Verdict]) -> None:
        """Its driver has answered, or has failed to."""
        if answer.cancelled():  # by the timer, which has settled it already; or by whoever ends this process
            verdict: port.Verdict = port.Unconfirmed("The server stopped while this was being sent.")
        elif (error := answer.exception()) is not None:
            verdict = self._raised(flight.message, error)
        else:
            verdict = answer.result()
        self._land(flight, verdict)

    @staticmethod
    def _raised(message: model.Claimed, error: BaseException) -> port.Verdict:
        log.error("engine.send_raised", message=message.id, device=message.device_id, exc_info=error)
        return port.Unconfirmed("The gateway failed while sending; it may have arrived.")

    async def _ask_with_file(self, message: model.Claimed) -> port.Verdict:
        assert message.media_id is not None  # noqa: S101 asked for by what has one
        try:
            media = await self._files.get(message.workspace_id, message.media_id)
        except db.DatabaseAway as error:
            return self._not_now(error.message)
        return await self._ask(message, media)

    def _ask(self, message: model.Claimed, media: port.MediaBytes | None = None) -> Awaitable[port.Verdict]:
        template = port.Template(*message.template) if message.template is not None else None
        content = port.Content(text=message.text or "", media=media, template=template)
        # by number; by opaque id where we know no number, and never by a number made from an opaque id
        to = port.Address(phone=message.phone) if message.phone else port.Address(opaque=message.opaque)
        device = port.DeviceRef(message.device_id, message.token)
        return self._drivers[message.driver].send(device, to, content, ref=message.wire_id or message.id)

    def _not_now(self, why: str) -> port.Verdict:
        """Nothing left, and the service has put nothing off: however often it happens, no message fails for it."""
        return port.DeviceLost(self._clock.now() + leases.TTL, why)

    def _land(self, flight: Flight, verdict: port.Verdict) -> None:
        if self.flights.pop(flight.message.id, None) is not None:
            self._settle(flight.message, verdict, flight.claimed_at)

    async def _watch(self) -> None:
        """End what had no answer in time. All flights of a driver have the same time, so its oldest is always first. What is
        held has no deadline yet: when nothing else is on its way this ends, and begins anew with the next that leaves.
        """
        try:
            while True:
                for queue in self._deadlines.values():
                    while queue and (queue[0].message.id not in self.flights or queue[0].deadline <= self._clock.monotonic()):
                        self._give_up(queue.popleft())
                fronts = [queue[0].deadline for queue in self._deadlines.values() if queue]
                if not fronts:
                    return
                await self._clock.sleep(min(fronts) - self._clock.monotonic())
        finally:
            self._timer = None

    def _give_up(self, flight: Flight) -> None:
        """Its deadline has passed, or it has landed long since."""
        if self.flights.get(flight.message.id) is flight:
            self._land(flight, port.Unconfirmed("No answer came in time; it may have arrived."))
            if flight.task is not None:
                flight.task.cancel()
