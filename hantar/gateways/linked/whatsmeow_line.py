"""One connection of the library, from `connect` to `stop`: what it tells arrives in order, its end is always noticed.

Measured of 0.5.2: `connect` returns at once and its failure is in the task it returns; the first connect is not tried again. The
Go part keeps its clients in plain maps: two stops that end together abort the process. `stop` waits as long as a connect hangs
(60 s) and changes the map only then. So one lock per process holds each stop from beginning to end, and none begins while its
connect hangs. It holds a client weakly, so a line holds it.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from hantar.gateways.linked import whatsmeow_events
from hantar.gateways.linked.loading import Neonize
from hantar.kit.clock import Clock

log = logging.getLogger("hantar.linked")

SETTLE = 0.1
"""Seconds the lock is held after a connect has begun, when nothing is heard of it earlier: time to enter the map (measured: 5 to
60 ms until a connect that fails at once has failed). 200 devices of a process come up one after the other in 20 s."""
STOP = 5.0
"""Seconds to wait for a stop; after that it goes on by itself, and the device is not opened again before it has ended."""
HANGS = 120.0
"""Seconds a connect can hang at most; the library's own limit is 60."""
SPENT = 1500
"""Connects after which a process in which no line is up is given up for a new one. The library closes no session file: each
connect leaves one file and 0.2 MB behind (measured), so this is 300 MB and far below the usual limit of files."""


class Process:
    """What all lines of a process share: the lock on the library's tables, and a count of what it has used up."""

    def __init__(self, library: Neonize, clock: Clock, proxy: str | None, retire: Callable[[], None]) -> None:
        self.library, self.clock, self.proxy = library, clock, proxy
        self.lock = asyncio.Lock()
        self._retire = retire
        self._numbers = itertools.count(1)
        self._spent = self._live = 0

    def begin(self, device_id: str) -> str:
        """A name for the library's table that was never there: a late stop of one line must not end the next."""
        self._spent += 1
        self._live += 1
        return f"{device_id}:{next(self._numbers)}"

    @contextlib.contextmanager
    def opening(self) -> Iterator[None]:
        """While a device is being opened the process stays: it would be taken for a crash of that device's making."""
        self._live += 1
        try:
            yield
        finally:
            self.end()

    def end(self) -> None:
        """A line has ended. When it was the last one, and enough was left behind, a new process is due."""
        self._live -= 1
        if self._live == 0 and self._spent >= SPENT:
            self._retire()


class Line:
    """A client of the library. `hear(event)`, `show(code)` and `end(why)` are called on the loop, the last one once."""

    def __init__(self, process: Process, device_id: str) -> None:
        self._process, self._device_id = process, device_id
        self._sign = asyncio.Event()  # something was heard of the connect, or it has ended
        self._connecting: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._is_unwanted = False
        self.api: Any = None

    async def connect(
        self,
        path: str,
        is_new: bool,
        hear: Callable[[Any], None],
        show: Callable[[str], None],
        end: Callable[[str | None], None],
    ) -> None:
        """Begin to connect; returns when it has begun. Its end is told by `end`: None, or the words it failed with."""
        process = self._process
        async with process.lock:
            if self._is_unwanted:
                return
            name = process.begin(self._device_id)
            try:
                self._connecting = await self._ask_for(name, path, is_new, hear, show)
            except BaseException:
                process.end()
                raise
            self._connecting.add_done_callback(lambda _task: self._sign.set())
            self._watching = asyncio.create_task(self._watch(end))
            await process.clock.wait(self._sign, SETTLE)

    async def _ask_for(
        self, name: str, path: str, is_new: bool, hear: Callable[[Any], None], show: Callable[[str], None]
    ) -> "asyncio.Task[None]":
        library, proxy = self._process.library, self._process.proxy
        self.api = library.client.NewAClient(path, props=_presented(library), uuid=name, new_device=is_new)
        self._register(hear, show)
        connecting: asyncio.Task[None] = await self.api.connect(library.proxy(proxy) if proxy else None)
        return connecting

    def _register(self, hear: Callable[[Any], None], show: Callable[[str], None]) -> None:
        """Plain functions, because bound methods would be held weakly; before connect, when the Go part is told what we want."""

        async def heard(_api: Any, event: Any) -> None:
            self._sign.set()
            hear(event)

        async def shown(_api: Any, code: bytes) -> None:
            self._sign.set()
            show(code.decode())

        for kind in whatsmeow_events.KINDS:
            self.api.event(getattr(self._process.library.protos, kind))(heard)
        self.api.event.qr(shown)

    async def _watch(self, end: Callable[[str | None], None]) -> None:
        assert self._connecting is not None  # noqa: S101 narrows the type
        try:
            await self._connecting
        except Exception as error:
            end(str(error))
        else:
            end(None)

    async def stop(self) -> None:
        """End it. It may go on ending by itself: `is_stopped` tells when it is over."""
        self._is_unwanted = True
        if self._connecting is None:
            return
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.wait([self._stopping], timeout=STOP)

    @property
    def has_ended(self) -> bool:
        """Whether the library's connect came to its end, by itself or not."""
        return self._connecting is not None and self._connecting.done()

    @property
    def is_stopped(self) -> bool:
        """Whether nothing of it is left."""
        return self._connecting is None or (self._stopping is not None and self._stopping.done())

    async def _stop(self) -> None:
        await self._process.clock.wait(self._sign, HANGS)
        async with self._process.lock:
            try:
                await self.api.stop()
            except Exception as error:
                log.error("a stop failed: %s", error)
            self.api._stop_finalizer.detach()  # it would stop once more, on our loop, whenever memory is tidied
        if self._watching is not None:
            await asyncio.wait([self._watching], timeout=STOP)
        self._process.end()


def _presented(library: Neonize) -> Any:
    """How the device is named in the phone's list of linked devices: as what it is."""
    kind = library.companion.DeviceProps
    return kind(os="Hantar", platformType=kind.UNKNOWN)


def disconnected_why(text: str | None) -> str:
    """The reason we give when a connection ended by itself: a code that pages know words for."""
    if text is None:
        return "connection_ended"
    return "no_network" if "dial" in text or "websocket" in text.lower() else "connection_failed"
