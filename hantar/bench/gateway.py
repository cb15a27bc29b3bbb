"""The gateway's side of a speed run: a simulated world in our process whose ledger is small and judges while it is written.

What the engine says of itself does not count here: a send is early by the gateway's own clock, from the instant at which it
answered the device's last message; a message that comes twice is counted by its id.
"""

import asyncio
import functools
import math
import time
from array import array
from collections.abc import Callable, Iterator, Mapping

from hantar.bench import world
from hantar.gateways import port
from hantar.gateways.simulator import chance, ledger, lines, world as world_of
from hantar.gateways.simulator.refusals import Shipment
from hantar.kit.clock import Clock

TOLERANCE = 0.002
"""Seconds by which a send may come before its gap is over: two readings of a clock, one of them through the database."""


def percentile(values: "array[float]", share: float) -> float | None:
    """The value below which this share of them lies; None when there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Book:
    """A ledger that keeps no lines: for each device when it may send again, for each message how often it came."""

    def __init__(self, gaps: Mapping[str, float], messages: int) -> None:
        """`gaps`: the least seconds between an answer and the next send, by device."""
        self._numbers = {device: number for number, device in enumerate(gaps)}
        self._gaps = array("d", gaps.values())
        self._due = array("d", bytes(8 * len(gaps)))
        """When each device may send again: 0 is nobody knows, infinity is while a message of its is not answered."""
        self._times = bytearray(messages + 1)
        self.lateness = array("d")
        self.is_measuring = False
        """Whether lateness is kept; faults are counted always."""
        self.sent = self.answered = self.early = self.duplicated = self.forbidden = self.repeated = self.refused = 0
        self.first_sent_at = 0.0

    def append(self, line: ledger.Line) -> None:
        return None

    def note(self, effect: ledger.Effect) -> None:
        at, _, _, device, _, ref, _, _, kind, _, _ = effect
        if kind == "sent":
            self._sent(self._numbers[device], world.number_in(ref), at)
        elif kind == "repeat":
            self.repeated += 1
        elif kind == "forbidden":
            self.forbidden += 1
        elif kind in ("refused", "none"):
            self.refused += 1

    def _sent(self, number: int, message: int, at: float) -> None:
        self.sent += 1
        if not self.first_sent_at:
            self.first_sent_at = at
        if self._times[message]:
            self.duplicated += 1
        else:
            self._times[message] = 1
        if world.is_opted_out(message):
            self.forbidden += 1
        due = self._due
        late, due[number] = at - due[number], math.inf
        if late < -TOLERANCE:
            self.early += 1
        elif self.is_measuring and late < at:
            self.lateness.append(late)

    def answer(self, device: str, at: float) -> None:
        """The device's message was answered now."""
        number = self._numbers[device]
        self._due[number] = at + self._gaps[number]
        self.answered += 1

    def expect(self, device: str, at: float) -> None:
        """The device's first turn comes at this instant."""
        self._due[self._numbers[device]] = at

    @property
    def reached(self) -> int:
        """How many different messages arrived."""
        return sum(self._times)

    # what a ledger does beside; nothing of it outlives the run

    def flush(self) -> None:
        return None

    def lines(self) -> Iterator[ledger.Line]:
        return iter(())

    def snapshot(self) -> ledger.State | None:
        return None

    def since(self) -> Iterator[ledger.Line]:
        return iter(())

    def put_aside(self) -> None:
        return None

    def keep(self, state: ledger.State) -> None:
        return None

    def amend(self, change: Callable[[ledger.State], ledger.State]) -> None:
        return None

    def mark(self, stamp: float) -> None:
        return None

    def marked(self) -> float:
        return 0.0

    def redact(self, names: set[str], is_theirs: ledger.IsTheirs) -> None:
        return None


class Line(lines.InProcess):
    """A world beside us whose share of our processor time is counted, and whose answers reach the book.

    What is sent in one turn of the loop comes to the world together, at its end, as over a socket (`lines.Child`); each message
    is judged by the instant at which it was handed over.
    """

    def __init__(self, clock: Clock, book: Book, *, options: chance.Options) -> None:
        super().__init__(clock, book, options=options)
        self.book: Book = book
        self.seconds = 0.0
        """Processor time spent in the world, and none of it the engine's."""
        self._handed: list[world_of.Message] = []

    def link(self, device_id: str, phone: str) -> None:
        """A device that is linked and connected since long."""
        known = self.world.at(device_id)
        known.phone = known.wanted = phone
        known.is_open = known.is_connected = known.has_history = True

    def _fire(self) -> float | None:
        began = time.thread_time()
        try:
            return super()._fire()
        finally:
            self.seconds += time.thread_time() - began

    def send(self, number: int, shipment: Shipment) -> None:
        if not self._handed:
            asyncio.get_running_loop().call_soon(self._take_in)
        answer = functools.partial(self._answer, shipment.device_id, number)
        self._handed.append((shipment, answer, self._clock.monotonic()))

    def _take_in(self) -> None:
        began = time.thread_time()
        handed, self._handed = self._handed, []
        try:
            self.world.send_together(handed)
            self._stir()
        finally:
            self.seconds += time.thread_time() - began

    def _answer(self, device_id: str, number: int, verdict: port.Verdict) -> None:
        self.book.answer(device_id, self._clock.monotonic())
        self._ears.answered(number, verdict)
