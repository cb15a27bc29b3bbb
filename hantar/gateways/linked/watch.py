"""Decisions about session hosts and the devices in them: placement, watchdog, back-off, quarantine. No I/O.

Instants are monotonic seconds. A client is judged by its events and replies, never by a flag of the library. All waits are our
own choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

MOST = 200
"""Devices in one host: a crash of the library aborts the process and costs this many lines (gateways.md 3.4)."""
AT_ONCE, AT_ONCE_IN_ALL = 50, 200
"""Lines being opened at once in one host, and in all: thousands come back in minutes, without a storm."""
ANSWER = 60.0
"""Seconds until a client that was opened and never connected is restarted (gateways.md 3.5)."""
CODE = 70.0
"""Seconds after a code within which the next must come, or the pairing is over: the first is good for 60 (gateways.md 3.2)."""
BEAT = 5.0
"""Seconds between heartbeats (gateways.md 3.4)."""
MISSED, DEAD = 2.5, 6.0
"""Heartbeats' time of silence after which a host's devices are in doubt, and after which it is killed."""
TIMEOUTS = 2
"""Sends in a row without an answer that put a device in doubt."""
FLAPS, SPAN = 5, 120.0
"""So many losses of the line within so many seconds are flapping."""
FIRST_HOLD, LONGEST_HOLD = 15.0, 600.0
"""Seconds for which a client that flaps, or does not come up, is left alone; doubling."""
STEADY = 600.0
"""A line that held so long starts anew."""
CRASHES = 3
"""A device that was being opened in so many crashes is put aside."""
FIRST_RESTART, LONGEST_RESTART, LIVED = 0.2, 30.0, 60.0
"""Seconds before a dead host is started again, doubling; one that lived long enough starts anew."""


class Phase(StrEnum):
    """Where a device's client stands, as far as its events say."""

    CLOSED = "closed"
    QUEUED = "queued"  # to be opened as soon as there is room
    OPENING = "opening"
    PAIRING = "pairing"
    UP = "up"
    DOWN = "down"  # lost its line and tries by itself
    HELD = "held"  # left alone for a while, then opened
    ASIDE = "aside"  # its openings crashed the host; a person opens it


SHUT = frozenset({Phase.CLOSED, Phase.ASIDE})
"""Phases in which a client takes no room, nor waits for its turn to."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of one device's client. `until`: when its phase ends by itself, where it does."""

    phase: Phase = Phase.CLOSED
    until: float = 0.0
    up_since: float = 0.0
    timeouts: int = 0
    drops: tuple[float, ...] = ()
    holds: int = 0
    crashes: int = 0

    @property
    def is_suspect(self) -> bool:
        """It was being opened when a host crashed: it is opened alone, so that the next crash says who it was."""
        return self.crashes > 0


class Act(StrEnum):
    """What the watchdog wants done."""

    RESTART = "restart"  # close the client and open it again
    REST = "rest"  # close the client, open it later
    EXPIRE = "expire"  # the pairing is over
    DOUBT = "doubt"  # the device is silent
    OPEN = "open"  # its rest is over


# ---------------------------------------------------------------------- one device


def wanted(line: Line) -> Line:
    """Somebody wants it open. One that rests rests on; one that was put aside gets one more try."""
    if line.phase is Phase.ASIDE:
        return replace(line, phase=Phase.QUEUED, crashes=CRASHES - 1)
    if line.phase in (Phase.CLOSED, Phase.DOWN):
        return replace(line, phase=Phase.QUEUED)
    return line


def closed(line: Line) -> Line:
    """Somebody closed it, or its link is gone; what it did to hosts is remembered."""
    return Line(crashes=line.crashes)


def opening(line: Line, now: float) -> Line:
    """Its host was told to open it."""
    return replace(line, phase=Phase.OPENING, until=now + ANSWER)


def coded(line: Line, now: float, good_for: float) -> Line:
    """A code is shown that is good for so many seconds."""
    return replace(line, phase=Phase.PAIRING, until=now + max(CODE, good_for + 10.0), crashes=0)


def paired(line: Line, now: float) -> Line:
    """It was linked; the library connects again by itself."""
    return replace(line, phase=Phase.OPENING, until=now + ANSWER)


def connected(line: Line, now: float) -> Line:
    """The line is open. The rests it took are forgotten when it has held (`dropped`)."""
    return replace(line, phase=Phase.UP, up_since=now, timeouts=0, crashes=0)


def dropped(line: Line, now: float, will_retry: bool) -> tuple[Line, Act | None]:
    """The line was lost."""
    steady = line.phase is Phase.UP and now - line.up_since >= STEADY
    drops = () if steady else tuple(each for each in line.drops if each > now - SPAN)
    holds = 0 if steady else line.holds
    if line.phase is Phase.UP:
        drops = (*drops, now)
    if len(drops) >= FLAPS:
        return _held(replace(line, drops=(), holds=holds), now), Act.REST
    phase = Phase.DOWN if will_retry else Phase.CLOSED
    return replace(line, phase=phase, drops=drops, holds=holds, timeouts=0), None


def _held(line: Line, now: float) -> Line:
    pause = min(LONGEST_HOLD, FIRST_HOLD * 2 ** min(line.holds, 10))
    return replace(line, phase=Phase.HELD, until=now + pause, holds=line.holds + 1, timeouts=0)


def failed(line: Line, now: float) -> Line:
    """The host could not open it: it rests."""
    return _held(line, now)


def answered(line: Line) -> Line:
    """A send had an answer."""
    return replace(line, timeouts=0) if line.timeouts else line


def timed_out(line: Line) -> tuple[Line, Act | None]:
    """A send had none."""
    count = line.timeouts + 1
    return replace(line, timeouts=count % TIMEOUTS), Act.DOUBT if count >= TIMEOUTS else None


def crashed(line: Line) -> Line:
    """Its host died. Who was being opened may be the reason; next time it is opened alone, so that crash is its own."""
    if line.phase is Phase.OPENING:
        crashes = line.crashes + 1
        return Line(phase=Phase.ASIDE if crashes >= CRASHES else Phase.QUEUED, crashes=crashes, holds=line.holds)
    if line.phase in (Phase.CLOSED, Phase.ASIDE, Phase.HELD):
        return line
    return Line(phase=Phase.QUEUED, crashes=line.crashes, holds=line.holds)


def due(line: Line, now: float) -> tuple[Line, Act | None]:
    """What is to be done by now, if anything."""
    if now < line.until:
        return line, None
    if line.phase is Phase.OPENING:
        if line.holds == 0:  # once at once, then with growing rests
            return replace(line, phase=Phase.QUEUED, holds=1), Act.RESTART
        return _held(line, now), Act.REST
    if line.phase is Phase.PAIRING:
        return replace(line, phase=Phase.CLOSED), Act.EXPIRE
    if line.phase is Phase.HELD:
        return replace(line, phase=Phase.QUEUED), Act.OPEN
    return line, None


# ---------------------------------------------------------------------- hosts


def place(loads: Mapping[int, int], most: int = MOST) -> int:
    """The host for one more device: the first with room, else a new one."""
    slot = 0
    while loads.get(slot, 0) >= most:
        slot += 1
    return slot


def room(opening_here: int, opening_in_all: int, has_suspect: bool) -> int:
    """How many more lines a host may open now; a suspect is opened alone."""
    if has_suspect:
        return 0
    return max(0, min(AT_ONCE - opening_here, AT_ONCE_IN_ALL - opening_in_all))


class Beat(StrEnum):
    """What a host's silence means."""

    FINE = "fine"
    MISSED = "missed"
    DEAD = "dead"


def beat(silent_for: float, every: float = BEAT) -> Beat:
    """After so many seconds without a word from a host whose heart beats so often."""
    if silent_for >= DEAD * every:
        return Beat.DEAD
    return Beat.MISSED if silent_for >= MISSED * every else Beat.FINE


def restart_pause(deaths: int) -> float:
    """Seconds before a host is started again after so many deaths in a row (from 1)."""
    return min(LONGEST_RESTART, FIRST_RESTART * 2.0 ** min(deaths - 1, 10))
