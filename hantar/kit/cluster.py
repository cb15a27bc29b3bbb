"""Facts and who listens to them. The local twin serves one process; facts are hints, so a lost one never loses data."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that has happened and is committed: its name, whose it is (None: the installation's), and a few plain values."""

    name: str
    workspace_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Fact], None]


class Bus(Protocol):
    """Carries facts upward. Listeners are quick and never raise on purpose."""

    def publish(self, fact: Fact) -> None: ...

    def subscribe(self, name: str, listener: Listener) -> Callable[[], None]: ...

    def is_heard(self, name: str) -> bool: ...


class LocalBus:
    """Facts within one process. `*` listens to everything."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = defaultdict(list)

    def publish(self, fact: Fact) -> None:
        """Tell everyone who listens; one who fails does not silence the others."""
        for listener in (*self._listeners[fact.name], *self._listeners["*"]):
            try:
                listener(fact)
            except Exception:
                log.exception("bus.listener_failed", fact=fact.name)

    def subscribe(self, name: str, listener: Listener) -> Callable[[], None]:
        """Listen to facts of a name; returns how to stop listening."""
        self._listeners[name].append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):
                self._listeners[name].remove(listener)

        return stop

    def is_heard(self, name: str) -> bool:
        """Whether anybody listens to facts of this name; who makes thousands of them may ask first."""
        return bool(self._listeners["*"] or self._listeners[name])

    def waker(self, *names: str) -> asyncio.Event:
        """An event that any of these facts sets: the hint that wakes a service."""
        event = asyncio.Event()
        for name in names:
            self.subscribe(name, lambda _fact: event.set())
        return event
