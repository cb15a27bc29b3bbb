"""One connection of the library, from `connect` to `stop`: what it tells arrives in order, its end is always noticed.

Measured of 0.5.2: `connect` returns at once and its failure is in the task it returns; the first connect is not tried again;
`stop` waits as long as a connect hangs (60 s). The Go part keeps its clients in plain maps, so one lock per process lets only
one connect or stop at a time begin. It holds a client weakly, so a line holds it.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from hantar.gateways.linked import whatsmeow_events
from hantar.gateways.linked.loading import Neonize
from hantar.kit.clock import Clock

SETTLE = 0.1
"""Seconds the lock is held after a connect or stop has begun, when nothing is heard of it earlier: time to enter the map."""
STOP = 5.0
"""Seconds to wait for a stop; after that it goes on by itself, and the device is not opened again before it has ended."""
_numbers = itertools.count(1)


class Line:
    """A client of the library. `hear(event)`, `show(code)` and `end(why)` are called on the loop, the last one once."""

    def __init__(self, library: Neonize, lock: asyncio.Lock, clock: Clock, proxy: str | None) -> None:
        self._library, self._lock, self._clock, self._proxy = library, lock, clock, proxy
        self._sign = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self.api: Any = None

    async def connect(
        self,
        path: str,
        name: str,
        is_new: bool,
        hear: Callable[[Any], None],
        show: Callable[[str], None],
        end: Callable[[str | None], None],
    ) -> None:
        """Begin to connect; returns when it has begun. Its end is told by `end`: None, or the words it failed with."""
        api = self._library.client.NewAClient(
            path, props=_presented(self._library), uuid=f"{name}:{next(_numbers)}", new_device=is_new
        )

        async def heard(_api: Any, event: Any) -> None:  # plain functions: bound methods would be held weakly
            self._sign.set()
            hear(event)

        async def shown(_api: Any, code: bytes) -> None:
            self._sign.set()
            show(code.decode())

        for kind in whatsmeow_events.KINDS:  # fixed before connect: the Go part is told then which ones we want
            api.event(getattr(self._library.protos, kind))(heard)
        api.event.qr(shown)
        self.api = api
        async with self._lock:
            self._connecting = await api.connect(self._library.proxy(self._proxy) if self._proxy else None)
            self._connecting.add_done_callback(lambda _task: self._sign.set())
            self._watching = asyncio.create_task(self._watch(end))
            await self._clock.wait(self._sign, SETTLE)

    async def _watch(self, end: Callable[[str | None], None]) -> None:
        assert self._connecting is not None  # noqa: S101 narrows the type
        try:
            await self._connecting
        except Exception as error:
            end(str(error))
        else:
            end(None)

    async def stop(self) -> bool:
        """End it; False when it goes on ending by itself (`is_stopped` tells when it is over)."""
        if self.api is None:
            return True
        async with self._lock:
            if self._stopping is None:
                self._stopping = asyncio.create_task(self._stop())
                await asyncio.wait([self._stopping], timeout=SETTLE)
        await asyncio.wait([self._stopping], timeout=STOP)
        return self._stopping.done()

    @property
    def is_stopped(self) -> bool:
        """Whether nothing of it is left."""
        return self.api is None or (self._stopping is not None and self._stopping.done())

    async def _stop(self) -> None:
        try:
            await self.api.stop()
        finally:
            self.api._stop_finalizer.detach()  # it would stop once more, on our loop, whenever memory is tidied
        if self._watching is not None:
            await asyncio.wait([self._watching], timeout=STOP)


def _presented(library: Neonize) -> Any:
    """How the device is named in the phone's list of linked devices: as what it is."""
    kind = library.companion.DeviceProps
    return kind(os="Hantar", platformType=kind.UNKNOWN)


def disconnected_why(text: str | None) -> str:
    """The reason we give when a connection ended by itself: a code that pages know words for."""
    if text is None:
        return "connection_ended"
    return "no_network" if "dial" in text or "websocket" in text.lower() else "connection_failed"
