"""Two ways to reach a simulated world: in this process (tests), or in a child process with a ledger of its own (the product)."""

import asyncio
import contextlib
import dataclasses
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import structlog

from hantar.gateways import child, port
from hantar.gateways.simulator import chance, desk, ledger, wire
from hantar.gateways.simulator.refusals import Shipment
from hantar.gateways.simulator.world import World
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Ears:
    """Whom a line tells: events in their order, verdicts by the number of the message, the death and the return of the world."""

    hear: Callable[[list[port.Event]], None]
    answered: Callable[[int, port.Verdict], None]
    died: Callable[[], None]
    revived: Callable[[], None]


def _nothing(*told: Any) -> None:
    return None


DEAF = Ears(_nothing, _nothing, _nothing, _nothing)
"""Nobody listens."""


STEP = 0.002
"""Seconds: what is due within them happens together, so that a busy world in our process wakes once for many answers."""
TAKE_WITHIN = 0.1
"""Seconds within which a world hears that its events were taken: 600 of the 4,096 it may have told at most."""


class LineDown(Exception):
    """The world did not get the question, so nothing was done."""


class LineCut(Exception):
    """The world died with the question; it may have been done."""


class Line(Protocol):
    """Questions to a world, and what it tells."""

    async def start(self, ears: Ears) -> None: ...

    def send(self, number: int, shipment: Shipment) -> None:
        """Hand over a message; its verdict comes under this number. Raises `LineDown` when the world is away."""
        ...

    def ask(self, question: str, *values: Any) -> "asyncio.Future[Any]":
        """Put a question; raises `LineDown` when the world is away, the answer may be `LineCut`."""
        ...

    def take(self, seq: int) -> None:
        """All events up to this number are taken."""
        ...

    async def close(self) -> None: ...


class InProcess:
    """A world beside us, under our clock."""

    def __init__(self, clock: Clock, book: ledger.Ledger, *, seed: int = 1, options: chance.Options | None = None) -> None:
        self._clock = clock
        self._ears = DEAF
        self._told: list[port.Event] = []
        self._wake = asyncio.Event()
        self._is_resting = False
        """Whether it waits for longer than a step, so that news must wake it; else the next step finds them."""
        self._task: asyncio.Task[None] | None = None
        self.book = book
        self.world = World(seed=seed, clock=clock, book=book, tell=self._told.append, options=options)

    def _pass_on(self) -> None:
        if self._told:
            told = list(self._told)
            self._told.clear()
            self._ears.hear(told)

    async def start(self, ears: Ears) -> None:
        self._ears = ears
        self._task = asyncio.create_task(self._turn(), name="simulated world")

    async def _turn(self) -> None:
        while True:
            self._wake.clear()
            rest = self._fire()
            self._pass_on()
            self.book.flush()
            self._is_resting = rest is None or rest > STEP
            if self._is_resting:
                await self._clock.wait(self._wake, 3600.0 if rest is None else rest)
            else:
                await self._clock.sleep(STEP)

    def _fire(self) -> float | None:
        return self.world.fire()

    def _stir(self) -> None:
        if self._is_resting:
            self._wake.set()

    def send(self, number: int, shipment: Shipment) -> None:
        if self._task is None:
            raise LineDown
        self.world.send(shipment, functools.partial(self._ears.answered, number))
        self._stir()

    def ask(self, question: str, *values: Any) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._task is None:
            raise LineDown
        try:
            desk.serve(self.world, question, list(values), future.set_result)
        except (port.PairingRefused, port.NotPaired) as error:
            future.set_exception(error)
        self._pass_on()
        self._stir()
        return future

    def take(self, seq: int) -> None:
        self.world.take(seq)
        self._stir()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.world.save()
        self.book.flush()


class Child(asyncio.Protocol):
    """A world in a child process; it is started again, with back-off, when it dies."""

    def __init__(
        self,
        clock: Clock,
        folder: Path,
        *,
        seed: int = 1,
        options: chance.Options | None = None,
        long: int = ledger.LONG,
    ) -> None:
        self._clock, self._folder, self._seed, self._long = clock, folder, seed, long
        self._options = options or chance.Options()
        self._ears = DEAF
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._ready = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        self._settled = asyncio.Event()
        self._is_closing = False
        self._keeper: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._last_seq = 0
        self._took: int | None = None
        self._out, self._ear = wire.Letters(), wire.Ear()

    async def start(self, ears: Ears) -> None:
        self._ears = ears
        await self._spawn()  # here and now: on Linux the child ends with the thread that started it
        if not await self._is_up():
            await self.close()
            raise LineDown("The simulator did not start.")
        self._keeper = asyncio.create_task(self._keep(), name="simulator host")

    async def _is_up(self) -> bool:
        """Wait until the child serves, or has ended instead."""
        await self._clock.wait(self._settled, 30.0)
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The process id of the world, while it lives."""
        return self._process.pid if self._process is not None else None

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        options = json.dumps(dataclasses.asdict(self._options))
        words = [sys.executable, "-m", "hantar.gateways.simulator.host", "--dir", str(self._folder)]
        words += ["--seed", str(self._seed), "--fd", str(theirs.fileno()), "--parent", str(os.getpid())]
        words += ["--after", str(self._last_seq), "--long", str(self._long), "--options", options]
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 our own module; it must start from this thread
                words,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=child.surroundings(),
            )
        self._gone.clear()
        self._settled.clear()
        self._took = None
        self._out, self._ear = wire.Letters(), wire.Ear()
        await asyncio.get_running_loop().create_connection(lambda: self, sock=ours)

    async def _keep(self) -> None:
        pause = 0.2
        while True:
            await self._gone.wait()
            await self._reap()
            if self._is_closing:
                return
            log.warning("simulator.died", restart_in=pause)
            await self._clock.sleep(pause)
            pause = min(pause * 2, 10.0)
            try:
                await self._spawn()
                if await self._is_up():
                    pause = 0.2
                    self._ears.revived()
            except OSError as error:
                log.warning("simulator.not_started", why=str(error))
                self._gone.set()

    async def _reap(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            await asyncio.to_thread(process.wait)

    # ------------------------------------------------------------------ asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one by what it can do, not by its class

    def data_received(self, data: bytes) -> None:
        """Answers and events; what came together is handed on together."""
        events: list[port.Event] = []
        for frame in self._ear.frames(data):
            match frame[0]:
                case "accepted":
                    for number, verdict in wire.accepted(frame):
                        self._ears.answered(number, verdict)
                case "receipts":
                    events += wire.receipts(frame)
                case "verdict":
                    self._ears.answered(frame[1], wire.plain_to(frame[2]))
                case "event":
                    events.append(wire.plain_to(frame[1]))
                case "ready":
                    self._ready.set()
                    self._settled.set()
                case _:
                    self._hand_events(events)
                    events = []
                    self._understand(frame)
        self._hand_events(events)

    def _hand_events(self, events: list[port.Event]) -> None:
        if events:
            self._last_seq = events[-1].seq
            self._ears.hear(events)

    def _understand(self, frame: wire.Frame) -> None:
        """The answer to a question."""
        future = self._asked.pop(frame[1], None)
        if future is not None and not future.done():
            if frame[0] == "answer":
                future.set_result(wire.plain_to(frame[2]))
            else:
                future.set_exception(wire.ERRORS[frame[2]](frame[3]))

    def connection_lost(self, error: Exception | None) -> None:
        """The world is gone: nobody knows about what was asked and not answered."""
        was_ready = self._ready.is_set()
        self._transport = None
        self._ready.clear()
        asked, self._asked = self._asked, {}
        for future in asked.values():
            if not future.done():
                future.set_exception(LineCut())
        if was_ready and not self._is_closing:
            self._ears.died()
        self._gone.set()
        self._settled.set()

    # ------------------------------------------------------------------ speaking

    def send(self, number: int, shipment: Shipment) -> None:
        self._check()
        self._out.join("send", (number, *shipment))

    def ask(self, question: str, *values: Any) -> "asyncio.Future[Any]":
        self._check()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._number += 1
        self._asked[self._number] = future
        self._out.say("ask", self._number, question, wire.to_plain(values))
        return future

    def _check(self) -> None:
        """Raise when nobody is there; else see to it that this turn of the loop ends in one write."""
        if self._transport is None or not self._ready.is_set() or self._is_closing:
            raise LineDown
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)

    def take(self, seq: int) -> None:
        """Said with the next message, or soon by itself: a write of its own for each batch costs more than the batch."""
        if self._took is None:
            asyncio.get_running_loop().call_later(TAKE_WITHIN, self._say_taken)
        self._took = seq

    def _say_taken(self) -> None:
        if self._took is not None and self._transport is not None and self._ready.is_set() and not self._is_closing:
            self._flush()

    def _flush(self) -> None:
        if self._took is not None:
            self._out.say("take", self._took)
            self._took = None
        if self._out and self._transport is not None:
            self._transport.write(self._out.line())

    async def close(self) -> None:
        self._is_closing = True
        self._flush()
        if self._transport is not None:
            self._transport.close()
        if not await self._clock.wait(self._gone, 5.0) and self._process is not None:
            self._process.kill()
        if self._keeper is not None:
            await self._keeper
        await self._reap()
