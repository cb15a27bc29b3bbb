"""The run/stop contract: a service works in `run(stop)` until the event is set. If any service dies, the process stops."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

log = structlog.get_logger(__name__)

Run = Callable[[asyncio.Event], Awaitable[None]]


class ServiceDied(Exception):
    """A service ended although nobody had asked it to."""


class Supervisor:
    """Starts services in order and stops them in reverse, each with time to finish."""

    def __init__(self) -> None:
        self._running: list[tuple[str, asyncio.Event, asyncio.Task[None]]] = []
        self.died = asyncio.Event()

    def start(self, name: str, run: Run) -> None:
        """Start one service; it must not end before it is told to."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._guard(name, run, stop), name=name)
        self._running.append((name, stop, task))

    def start_all(self, services: Mapping[str, Run]) -> None:
        """Start several, in the order given."""
        for name, run in services.items():
            self.start(name, run)

    async def _guard(self, name: str, run: Run, stop: asyncio.Event) -> None:
        try:
            await run(stop)
            if not stop.is_set():
                raise ServiceDied(f"{name} ended by itself")
        except Exception:
            log.exception("service.died", service=name)
            self.died.set()

    async def stop(self, patience: float = 20.0) -> None:
        """Stop all in reverse order; one that does not end in time is cut. Harmless when repeated."""
        await self.stop_until(None, patience)

    async def stop_until(self, last: str | None, patience: float = 20.0) -> None:
        """Stop in reverse order, and leave this service and those started before it running."""
        while self._running and self._running[-1][0] != last:
            name, stop, task = self._running.pop()
            stop.set()
            done, _ = await asyncio.wait([task], timeout=patience)
            if not done:
                log.error("service.cut", service=name, after_s=patience)
                task.cancel()
                await asyncio.wait([task], timeout=1)
