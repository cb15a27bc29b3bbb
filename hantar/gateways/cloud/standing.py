"""How each number stands: open, lost until a person acts, resting, waiting with its account or with one chat. No I/O.

In memory alone: after a restart the service says it once more, and the dispatcher keeps its own rests in the database.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hantar.gateways import port
from hantar.gateways.cloud import codes, service
from hantar.gateways.credentials import Credentials

CHATS = 10_000
"""Chats whose growing wait is remembered; the one that waited longest ago is forgotten first."""


@dataclass(slots=True)
class Line:
    """A number whose line is open. `lost`: why it cannot send until a person acts; empty while it can."""

    device_id: str
    given: Credentials
    lost: str = ""
    rest_until: datetime | None = None
    rests: int = 0


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, and what else it means: lines that were lost by it, a number that begins to rest."""

    verdict: port.Verdict
    lost: tuple[Line, ...] = ()
    rests: bool = False


@dataclass(slots=True)
class Standing:
    """All numbers of one driver."""

    lines: dict[str, Line] = field(default_factory=dict)
    _fences: dict[str, int] = field(default_factory=dict)
    _held: dict[str, datetime] = field(default_factory=dict)
    _rested: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    _chats: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)

    # ------------------------------------------------------------------ lines

    def open(self, device_id: str, given: Credentials) -> None:
        """The service knows the number and takes the token."""
        self.lines[device_id] = Line(device_id, given)
        self._held.pop(given.token, None)

    def close(self, device_id: str) -> None:
        """Its line is closed."""
        self.lines.pop(device_id, None)

    def forget(self, device_id: str) -> None:
        """Keep nothing of a deleted device."""
        self.close(device_id)
        self._fences.pop(device_id, None)
        self._rested.pop(device_id, None)

    # ------------------------------------------------------------------ before a send

    def refusal(self, device: port.DeviceRef, now: datetime) -> port.Verdict | None:
        """Why this device sends nothing now; None when it may."""
        if device.token < self._fences.get(device.device_id, 0):
            return port.DeviceLost(None, "Another server sends for this device now.")
        self._fences[device.device_id] = device.token
        line = self.lines.get(device.device_id)
        if line is None:
            return port.DeviceLost(None, "The line is closed.")
        if line.lost:
            return port.DeviceLost(None, f"The service refuses this number ({line.lost}).")
        if line.rest_until is not None and line.rest_until > now:
            return port.DeviceLost(line.rest_until, "This number rests after the service's limit for unwanted messages.")
        held = self._held.get(line.given.token)
        if held is not None and held > now:
            return port.Deferred(held - now, port.Scope.ACCOUNT, "The account made too many calls.")
        return None

    # ------------------------------------------------------------------ after a send

    def ruling(self, line: Line, chat: str, reply: service.Reply, now: datetime) -> Ruling:
        """What an answer to a send means for its message and its number."""
        match reply:
            case service.Taken(data=data):
                return Ruling(self._taken(line, chat, data, now))
            case service.Odd(status=status):
                return Ruling(odd(status))
            case service.Refusal(code=code):
                return self.refused(line, chat, code, reply, now)

    def _taken(self, line: Line, chat: str, data: dict[str, object], now: datetime) -> port.Verdict:
        wire_id = wire_id_in(data)
        if not wire_id:
            return port.Unconfirmed("The service answered without the message's id.")
        if self._chats:
            self._chats.pop((line.device_id, chat), None)
        return port.Accepted(wire_id, now)

    def refused(self, line: Line, chat: str, code: int, reply: service.Refusal, now: datetime) -> Ruling:
        """What a code of the service means."""
        why = reply.words
        match codes.meaning(code):
            case codes.Refuse(reason=reason):
                return Ruling(port.Rejected(reason, why))
            case codes.Wait(after=after, scope=scope):
                return Ruling(self._wait(line, chat, after, scope, why, now))
            case codes.Lose() as lose:
                return Ruling(port.DeviceLost(None, why), self.lose(line, lose))
            case codes.Rest():
                begins = self.rest(line, now)
                return Ruling(port.DeviceLost(line.rest_until, why), rests=begins)
            case None:
                # an error of the service's own with a code nobody told us about: certain only below 500
                is_refused = 400 <= reply.status < 500
                verdict = port.Deferred(codes.BY_PROXY, port.Scope.MESSAGE, why) if is_refused else port.Unconfirmed(why)
                return Ruling(verdict)

    def _wait(self, line: Line, chat: str, after: timedelta, scope: port.Scope, why: str, now: datetime) -> port.Deferred:
        if scope is port.Scope.CHAT:
            key = line.device_id, chat
            times = self._chats.pop(key, 0)
            self._chats[key] = times + 1
            while len(self._chats) > CHATS:
                self._chats.popitem(last=False)
            after = codes.growing(after, times)
        elif scope is port.Scope.ACCOUNT:
            self._held[line.given.token] = now + after
        return port.Deferred(after, scope, why)

    def lose(self, line: Line, lose: codes.Lose) -> tuple[Line, ...]:
        """The lines that are lost by this now: this one, or all of its token."""
        concerned = [line]
        if lose.whose is codes.Whose.TOKEN:
            concerned = [each for each in self.lines.values() if each.given.token == line.given.token]
        lost = tuple(each for each in concerned if not each.lost)
        for each in lost:
            each.lost = lose.why
        return lost

    def rest(self, line: Line, now: datetime) -> bool:
        """The number rests, longer than the last time; False when it rests already."""
        if line.rest_until is not None and line.rest_until > now:
            return False
        times, last = self._rested.get(line.device_id, (0, now))
        times = times if now - last < codes.RESTED else 0
        line.rest_until = now + codes.RESTS[min(times, len(codes.RESTS) - 1)]
        self._rested[line.device_id] = times + 1, line.rest_until
        return True


def odd(status: int) -> port.Verdict:
    """An answer that is not the service's own: a proxy that refuses says so by 4xx, all else may hide a message that went out."""
    if 300 <= status < 500:
        return port.Deferred(codes.BY_PROXY, port.Scope.DEVICE, f"Something before the service answered {status}.")
    return port.Unconfirmed(f"The answer ({status}) could not be read; the message may have gone out.")


def wire_id_in(data: dict[str, object]) -> str:
    """The id of an accepted message; empty when the answer has none."""
    messages = data.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    found = first.get("id") if isinstance(first, dict) else None
    return found if isinstance(found, str) else ""
