"""A session host as its parent sees it: starting it, speaking with it, starting it again when it dies."""

import asyncio
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

import structlog

from hantar.gateways import child, courier, keeping, plain, port
from hantar.gateways.linked import files, frames, limits, watch
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

START_WITHIN = 60.0
"""Seconds for a host to come up: the library's import takes one, on a busy machine more."""
TAKE_WITHIN = 0.1
"""Seconds within which a host hears that its events were taken."""
LAST_WORDS = 4096
"""Bytes of standard error that are remembered for the log of a death."""
_DIGITS = re.compile(r"\d{5,}")
_TELLING = re.compile(r"^(panic|fatal error|SIG[A-Z]+|[A-Za-z_.]*(Error|Exception|Exit|Interrupt))\b.*", re.MULTILINE)


class HostDown(Exception):
    """The host did not get the question, so nothing was done."""


class HostCut(Exception):
    """The host died with the question; it may have been done."""


class Late(Exception):
    """No answer came in time; it may have been done."""


class Failed(Exception):
    """The library raised; what it did is not known."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What every host is started with. `library`: the module that speaks to WhatsApp (`linked/client.py`)."""

    folder: Path
    library: str
    options: Mapping[str, Any] = field(default_factory=dict)
    most: int = watch.MOST
    keeps: keeping.Keeps | None = None
    beat: float = watch.BEAT
    machine: Callable[[], limits.Machine] = limits.read


class Ears(Protocol):
    """Whom a host tells."""

    def heard(self, host: "Host", events: list[port.Event]) -> Sequence[Sequence[port.Event]]:
        """What became of each event: what goes to the sink in its place, with rising numbers."""
        ...

    def died(self, host: "Host") -> None: ...

    def is_up(self, host: "Host") -> None: ...


class _LastWords(asyncio.Protocol):
    """The end of what a host wrote to standard error."""

    def __init__(self) -> None:
        self._kept = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-LAST_WORDS:]

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()

    def telling(self) -> str:
        """The line that names the reason, without numbers of people and without what was quoted: at most 200 characters."""
        lines = [each.group(0) for each in _TELLING.finditer(self._kept.decode(errors="replace"))]
        return _DIGITS.sub("…", lines[0] if lines and lines[0].startswith("panic") else lines[-1])[:200] if lines else ""


@dataclass(slots=True)
class _Asked:
    answer: "asyncio.Future[Any]"
    deadline: float


class Host(asyncio.Protocol):
    """One child process, started again with growing pauses when it dies. Must be started in the main thread: on Linux the child
    ends with the thread that started it."""

    def __init__(self, slot: int, setup: Setup, ears: Ears, sink: port.EventSink, clock: Clock) -> None:
        self.slot, self._setup, self._ears, self._clock = slot, setup, ears, clock
        self.courier = courier.Courier(sink, self._settled, clock)
        self.is_ready = False
        self.beat_at = 0.0
        self.is_missed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._reader = frames.Reader()
        self._words = _LastWords()
        self._gone = asyncio.Event()
        self._gone.set()
        self._settled_up = asyncio.Event()
        self._closing = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._saving: set[asyncio.Task[None]] = set()
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count(1)
        self._last_seq = 0
        self._brought: deque[tuple[int, int]] = deque()  # number of an event, number of the host's that it settles
        self._taken: int | None = None
        self.files: set[str] = set()
        """Files that it was brought in its present life, and may still have."""

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Start the process and keep it alive; raises `RuntimeError` in any thread but the main one."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("A session host is started from the main thread: it ends with the thread that started it.")
        self._keeper = asyncio.create_task(self._keep(), name=f"session host {self.slot}")

    @property
    def pid(self) -> int | None:
        """The process id, while it lives."""
        return self._process.pid if self._process is not None else None

    async def _keep(self) -> None:
        deaths = 0
        while True:
            began = self._clock.monotonic()
            try:
                await self._spawn()
                await self._clock.wait(self._settled_up, START_WITHIN)
                if self.is_ready:
                    self._ears.is_up(self)
                elif not self._gone.is_set():
                    self.kill()
                await self._gone.wait()
            except OSError as error:
                log.warning("host.not_started", slot=self.slot, why=type(error).__name__)
            code = await self._reap()
            if self._closing.is_set():
                return
            deaths = 1 if self._clock.monotonic() - began >= watch.LIVED else deaths + 1
            pause = watch.restart_pause(deaths)
            log.error("host.died", slot=self.slot, code=code, why=self._words.telling(), deaths=deaths, restart_in=pause)
            if await self._clock.wait(self._closing, pause):
                return

    async def _spawn(self) -> None:
        setup, (ours, theirs) = self._setup, socket.socketpair()
        ours.setblocking(False)
        words = [sys.executable, "-m", "hantar.gateways.linked.host", "--folder", str(setup.folder), "--slot", str(self.slot)]
        words += ["--library", setup.library, "--options", json.dumps(dict(setup.options)), "--most", str(setup.most)]
        words += ["--beat", str(setup.beat)]
        words += ["--fd", str(theirs.fileno()), "--parent", str(os.getpid()), "--after", str(self._last_seq)]
        words += ["--keep"] if setup.keeps is not None else []
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 our own module; it must start from this thread
                words,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=child.bare_surroundings(),
            )
        self._gone.clear()
        self._settled_up.clear()
        self.files.clear()
        self._reader, self._words, self._taken = frames.Reader(), _LastWords(), None
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: self._words, self._process.stderr)
        await loop.create_connection(lambda: self, sock=ours)

    async def _reap(self) -> int | None:
        if self._process is None:
            return None
        process, self._process = self._process, None
        code = await asyncio.to_thread(process.wait)
        await self._clock.wait(self._words.ended, 1.0)
        return code

    def kill(self) -> None:
        """End it at once; its death is heard as any other."""
        if self._process is not None:
            self._process.kill()

    async def close(self, seconds: float) -> None:
        """Let it store its sessions and close its clients within so many seconds, then end it."""
        self._closing.set()
        self._say_taken()
        self._say("end", max(1.0, seconds))
        if not await self._clock.wait(self._gone, max(1.0, seconds) + 2.0):
            self.kill()
        if self._keeper is not None:
            await self._keeper
        await asyncio.gather(*self._saving, return_exceptions=True)

    # ------------------------------------------------------------------ asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone: nobody knows about what was asked and not answered."""
        was_ready, self.is_ready, self._transport = self.is_ready, False, None
        asked, self._asked = self._asked, {}
        for each in asked.values():
            _fail(each.answer, HostCut("The session host ended before it answered."))
        if was_ready and not self._closing.is_set():
            self._ears.died(self)
        self._gone.set()
        self._settled_up.set()

    def data_received(self, data: bytes) -> None:
        """Answers, events, heartbeats; any of them shows that it lives."""
        self.beat_at, self.is_missed = self._clock.monotonic(), False
        try:
            for frame in self._reader.frames(data):
                self._understand(frame)
        except frames.BrokenLine:
            log.error("host.broken_line", slot=self.slot)
            self.kill()

    def _understand(self, frame: frames.Frame) -> None:
        match frame.values:
            case ["events", *events]:
                self._hear(events)
            case ["done", number, value]:
                self._answer(number, plain.plain_to(value))
            case ["bytes", number]:
                self._answer(number, frame.data)
            case ["refused", number, kind, why]:
                self._refuse(number, plain.ERRORS[kind](why))
            case ["failed", number, why]:
                self._refuse(number, Failed(why))
            case ["lacking", number]:
                self._refuse(number, files.Lacking())
            case ["late", number]:
                self._refuse(number, Late("No answer in time."))
            case ["keep", device_id]:
                task = asyncio.create_task(self._save(device_id, frame.data))
                self._saving.add(task)
                task.add_done_callback(self._saving.discard)
            case ["ready"]:
                self.is_ready = True
                self._settled_up.set()

    def _answer(self, number: int, value: Any) -> None:
        if (asked := self._asked.pop(number, None)) is not None and not asked.answer.done():
            asked.answer.set_result(value)

    def _refuse(self, number: int, error: Exception) -> None:
        if (asked := self._asked.pop(number, None)) is not None:
            _fail(asked.answer, error)

    async def _save(self, device_id: str, session: bytes) -> None:
        if self._setup.keeps is None:
            return
        try:
            await self._setup.keeps.save(device_id, session)
        except Exception as error:  # the host asks again in a few minutes
            log.warning("session.not_kept", device=device_id, why=type(error).__name__)
        else:
            self._say("kept", device_id)

    # ------------------------------------------------------------------ events

    def _hear(self, told: list[list[Any]]) -> None:
        """Bring events to the sink, those that were brought before left out."""
        new = [(seq, plain.plain_to(value)) for seq, value in told if seq > self._last_seq]
        if not new:
            return
        self._last_seq = new[-1][0]
        brought: list[port.Event] = []
        for (seq, _), instead in zip(new, self._ears.heard(self, [event for _, event in new]), strict=True):
            for place, event in enumerate(instead):
                brought.append(event)
                self._brought.append((event.seq, seq if place == len(instead) - 1 else seq - 1))
        self.courier.bring(brought)

    def report(self, event: port.Event) -> None:
        """An event of our own making about one of its devices."""
        self.courier.bring([event], numbered=False)

    def _settled(self, reached: int) -> None:
        """The sink has committed all events up to this number."""
        taken = None
        while self._brought and self._brought[0][0] <= reached:
            taken = self._brought.popleft()[1]
        if taken is None:
            return
        if self._taken is None:
            asyncio.get_running_loop().call_later(TAKE_WITHIN, self._say_taken)
        self._taken = taken

    def _say_taken(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            self._say("take", taken)

    # ------------------------------------------------------------------ speaking

    def _say(self, *values: Any, data: bytes = b"") -> None:
        if self._transport is not None:
            self._transport.write(frames.pack(*values, data=data))

    def ask(self, seconds: float, question: str, *values: Any, data: bytes = b"") -> "asyncio.Future[Any]":
        """Put a question that the host must answer within so many seconds; raises `HostDown` when it is away.

        The answer may be `HostCut`, `Late`, `Failed`, or what the library refused with.
        """
        if self._transport is None or not self.is_ready or self._closing.is_set():
            raise HostDown("The session host is starting.")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        number = next(self._numbers)
        self._asked[number] = _Asked(answer, self._clock.monotonic() + seconds + SLACK)
        self._say("ask", number, seconds, question, *values, data=data)
        return answer

    def sweep(self, now: float) -> None:
        """Give up what the host itself should have given up by now."""
        for number in [each for each, asked in self._asked.items() if asked.deadline <= now]:
            self._refuse(number, Late("No answer in time."))

    def give_up(self) -> None:
        """Nobody waits for answers any more."""
        for number in list(self._asked):
            self._refuse(number, HostCut("The program stopped before it answered."))

    @property
    def in_flight(self) -> int:
        """Questions without an answer."""
        return len(self._asked)


SLACK = 2.0
"""Seconds that our deadline lies behind the host's, so that its word comes first while it lives."""


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def numbered(event: port.Event, seq: int) -> port.Event:
    """The event under our own number."""
    return replace(event, seq=seq)
