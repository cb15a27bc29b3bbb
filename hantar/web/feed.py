"""What happens, sorted by workspace and numbered, for whoever listens: facts from the bus into frames for sockets.

Frames are hints: a listener who is too slow, or away too long, is told to read again (`resync`). No I/O here but a timer.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hantar.accounts import service as accounts
from hantar.accounts.model import Caller
from hantar.kit.clock import Clock
from hantar.kit.cluster import Bus, Fact

EVENTS: Mapping[str, str | None] = {
    "device.status": "devices:read",
    "device.qr": "devices:control",
    "device.paired": "devices:read",
    "device.logged_out": "devices:read",
    "message.status": "campaigns:read",
    "campaign.status": "campaigns:read",
    "campaign.progress": "campaigns:read",
    "lead.opted_out": "consent:read",
    "lead.opted_in": "consent:read",
    "hold.changed": "consent:read",
    "job.progress": None,
    "system.notice": None,
}
"""Facts that leave the server (api.md section 5), and the scope a key needs to hear of them. All others stay inside."""

FOLLOWED_ONLY = {"device.qr": "device"}
"""Events for those alone who follow the thing (`device:ID`): a QR code links a phone, so it is not for everybody."""

KEPT_FRAMES = 1_000
"""Frames kept per workspace for a browser that comes back; half a megabyte at most."""
WAITING_FRAMES = 500
"""Frames waiting for one slow listener before all are dropped for one `resync`."""
PROGRESS_SECONDS = 1.0
"""Progress of one thing is told at most this often (api.md section 5)."""
FORGET_AFTER_SECONDS = 300.0
"""How long frames are kept for a workspace in which nobody listens."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One numbered event as text, ready to send."""

    id: int
    event: str
    text: str


@dataclass(eq=False, slots=True)
class Listener:
    """One open socket: who it belongs to, what it follows, what waits to be sent. None in the queue means: close."""

    caller: Caller
    topics: set[str] = field(default_factory=set)
    queue: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(WAITING_FRAMES))
    is_stopping: bool = False

    def may_hear(self, event: str) -> bool:
        """Whether the listener's key (if it is one) has the scope for this event."""
        scope = EVENTS[event]
        return self.caller.scopes is None or scope is None or scope in self.caller.scopes

    def put(self, text: str | None, resync: str) -> None:
        """Queue a frame; a queue that is full is emptied for one `resync`."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(resync)
            if text is not None:
                return
        self.queue.put_nowait(text)


class _Room:
    """One workspace: its last frames and its listeners. `floor`: every frame with a higher number is still kept."""

    def __init__(self, floor: int) -> None:
        self.floor = self.newest = floor
        self.frames: deque[Frame] = deque()
        self.listeners: set[Listener] = set()
        self.left_at = 0.0

    def keep(self, frame: Frame) -> None:
        self.frames.append(frame)
        if len(self.frames) > KEPT_FRAMES:
            self.floor = self.frames.popleft().id


class Feed:
    """Listens to the bus and fans out."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, _Room] = {}
        self._last_id = 0
        self._told_at: dict[tuple[str, str, str], float] = {}
        self._waiting: dict[tuple[str, str, str], Fact] = {}
        self._timers: set[asyncio.Task[None]] = set()
        self._stop_listening = bus.subscribe("*", self._hear)

    def join(self, caller: Caller, last_id: int | None) -> Listener:
        """A new listener; with `last_id` it first gets what it missed, or `resync` when that is not known any more."""
        room = self._rooms.setdefault(caller.workspace_id, _Room(self._next_id()))
        listener = Listener(caller)
        if last_id is not None:
            if room.floor <= last_id <= self._last_id:
                for frame in room.frames:
                    if frame.id > last_id and listener.may_hear(frame.event):
                        listener.put(frame.text, self._resync())
            else:
                listener.put(self._resync(), "")
        room.listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """The socket is closed."""
        room = self._rooms[listener.caller.workspace_id]
        room.listeners.discard(listener)
        room.left_at = self._clock.monotonic()

    def count(self, caller: Caller) -> int:
        """How many sockets the caller has open."""
        room = self._rooms.get(caller.workspace_id)
        mine = (caller.user_id, caller.key_id)
        return sum((each.caller.user_id, each.caller.key_id) == mine for each in room.listeners) if room else 0

    def close(self) -> None:
        """Listen no more and close every socket."""
        self._stop_listening()
        for timer in self._timers:
            timer.cancel()
        for room in self._rooms.values():
            for listener in room.listeners:
                listener.is_stopping = True
                listener.put(None, self._resync())

    # ------------------------------------------------------------ facts in
    def _hear(self, fact: Fact) -> None:
        if fact.name == accounts.SIGNED_OUT:
            self._end(set(fact.data["ids"]))
        elif fact.name in EVENTS and fact.workspace_id in self._rooms:
            if fact.name.endswith(".progress"):
                self._hear_progress(fact)
            else:
                self._tell(fact)

    def _end(self, ids: set[str]) -> None:
        for room in self._rooms.values():
            for listener in room.listeners:
                if listener.caller.sign_in_id in ids or listener.caller.key_id in ids:
                    listener.put(None, self._resync())

    def _hear_progress(self, fact: Fact) -> None:
        thing = next((str(value) for name, value in fact.data.items() if name.endswith("_id")), "")
        key = (str(fact.workspace_id), fact.name, thing)
        wait = self._told_at.get(key, -PROGRESS_SECONDS) + PROGRESS_SECONDS - self._clock.monotonic()
        if wait <= 0:
            self._told_at[key] = self._clock.monotonic()
            self._tell(fact)
            return
        is_timed = key in self._waiting
        self._waiting[key] = fact
        if not is_timed:
            timer = asyncio.get_running_loop().create_task(self._tell_later(key, wait))
            self._timers.add(timer)
            timer.add_done_callback(self._timers.discard)

    async def _tell_later(self, key: tuple[str, str, str], wait: float) -> None:
        await self._clock.sleep(wait)
        now = self._clock.monotonic()
        self._told_at = {each: at for each, at in self._told_at.items() if at > now - 2 * PROGRESS_SECONDS}
        self._told_at[key] = now
        self._tell(self._waiting.pop(key))

    # ------------------------------------------------------------ frames out
    def _tell(self, fact: Fact) -> None:
        room = self._rooms.get(str(fact.workspace_id))
        if room is None:
            return
        if not room.listeners and room.left_at < self._clock.monotonic() - FORGET_AFTER_SECONDS:
            del self._rooms[str(fact.workspace_id)]
            return
        kind = FOLLOWED_ONLY.get(fact.name)
        topic = f"{kind}:{fact.data.get(f'{kind}_id')}" if kind else None
        number = self._next_id()
        frame = Frame(number, fact.name, self.text(fact.name, fact.data, number))
        if topic is None:
            room.keep(frame)
        for listener in room.listeners:
            if listener.may_hear(fact.name) and (topic is None or topic in listener.topics):
                listener.put(frame.text, self._resync())

    def text(self, event: str, data: Mapping[str, Any], number: int | None = None) -> str:
        """A frame as JSON; without a number it is not one of those that can be asked for again."""
        frame = {"event": event, "at": _instant(self._clock.now()), "data": dict(data)}
        return json.dumps({"id": number} | frame if number else frame, default=_plain, ensure_ascii=False)

    def _resync(self) -> str:
        return self.text("resync", {}, self._last_id)

    def _next_id(self) -> int:
        """Milliseconds, so that numbers go on rising after a restart; more than one in a millisecond just count up."""
        self._last_id = max(self._last_id + 1, int(self._clock.now().timestamp() * 1000))
        return self._last_id


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
