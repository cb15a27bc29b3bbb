"""When each message of one device has its turn: pauses, limits, the hours of the recipients, new conversations a day. Pure.

The device serves people as the dispatcher does: whoever was due first goes first; people whose window is shut, and new people
beyond the day's allowance, step back until they may be written to, and others go meanwhile. People who are due together take
turns. Counted in stretches of evenly spaced messages, so that a hundred thousand people cost no more than a few.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from hantar.consent import quiet
from hantar.outbox.pace import DAY, HOUR, MINUTE

ALWAYS = quiet.Window(0, 1440)
LONGEST = timedelta(days=3 * 366)
"""How far ahead turns are worked out; whoever has none by then never gets one by these rules (our own number)."""
SHUTS_WITHIN = timedelta(days=8)
"""A window that has not shut by then does not shut: every weekday comes within it."""


@dataclass(frozen=True, slots=True)
class Group:
    """So many people of a device with the same zones (empty: at any hour), all new to it or all known."""

    zones: tuple[str, ...]
    is_new: bool
    count: int


@dataclass(frozen=True, slots=True)
class Used:
    """How much of an allowance is used: since when it counts, and how many; windows are as long as the allowance's name says."""

    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Pace:
    """What a device keeps to: seconds between two messages, its limits, the recipients' window, new conversations a day."""

    gap: float
    per_minute: int
    per_hour: int
    per_day: int
    window: quiet.Window = ALWAYS
    drops: bool = False
    """Whether somebody whose window is shut at their turn is left out instead of waiting for the next one."""
    new_chats: Callable[[datetime], int | None] = lambda _at: None
    """How many new conversations the day that begins then allows; None: as many as it likes."""
    minute: Used | None = None
    hour: Used | None = None
    day: Used | None = None
    chats: Used | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some people of a group in a row: the first one's place within the group, how many, when, seconds from one to the next."""

    first: int
    count: int
    at: datetime
    step: float
    cause: str | None
    """Why they are later than their turn: `quiet_hours`, `device_limit`; None: they are not."""

    def time_of(self, place: int) -> datetime:
        """When the person at this place of the group has their turn."""
        return self.at + timedelta(seconds=(place - self.first) * self.step)

    @property
    def last_at(self) -> datetime:
        """When the last one has their turn."""
        return self.time_of(self.first + self.count - 1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The stretches of each group, in the order of the groups; `never` is how many of each get no turn at all."""

    groups: tuple[tuple[Stretch, ...], ...]
    never: tuple[int, ...]

    def turn(self, group: int, place: int) -> tuple[datetime, str | None] | None:
        """When somebody has their turn, and what makes it late; beyond the last one's place it goes on at the same pace."""
        stretches = self.groups[group]
        if not stretches:
            return None
        found = stretches[max(0, bisect_right(stretches, place, key=lambda each: each.first) - 1)]
        return found.time_of(place), found.cause

    @property
    def first_at(self) -> datetime | None:
        """The first turn of all."""
        return min((group[0].at for group in self.groups if group), default=None)

    @property
    def last_at(self) -> datetime | None:
        """The last turn of all; None when nobody gets one."""
        return max((each.last_at for group in self.groups for each in group[-2:]), default=None)


def make(groups: Sequence[Group], pace: Pace, start: datetime) -> Timetable:
    """Work out every turn from `start` on, the device being online throughout and doing nothing else."""
    run = _Run(groups, pace, start)
    while run.step():
        pass
    return Timetable(tuple(tuple(each.stretches) for each in run.queues), tuple(each.left for each in run.queues))


def shuts(now: datetime, zones: Sequence[str], window: quiet.Window) -> datetime | None:
    """When the window, open now, shuts for somebody who may be in any of these zones; None: not within a week."""
    found: datetime | None = None
    for zone in zones:
        place = ZoneInfo(zone)
        day = now.astimezone(place).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        for _ in range(SHUTS_WITHIN.days):
            at = (day + timedelta(minutes=window.end)).replace(tzinfo=place).astimezone(UTC)
            if found is not None and at >= found:
                break
            if at > now and not quiet.is_open(at, zones, window):
                found = at
                break
            day += timedelta(days=1)
    return found


@dataclass(slots=True)
class _Meter:
    """One limit of the device: windows of a fixed length that begin with the first message after the last one ended."""

    length: timedelta
    most: int
    at: datetime
    count: int

    def room(self, now: datetime, gap: float) -> int:
        """How many messages from now on are sure to be within the limit."""
        if now >= self.at + self.length:
            self.at, self.count = now, 0
        until_next = ceil((self.at + self.length - now).total_seconds() / gap) if gap > 0 else self.most
        return min(self.most - self.count, max(1, until_next))


@dataclass(slots=True)
class _Queue:
    """A group while it is served: how many are left, since when they are due, and what made them late."""

    group: Group
    left: int
    since: datetime
    cause: str | None = None
    shuts_at: datetime | None = None
    stretches: list[Stretch] = field(default_factory=list)


class _Run:
    def __init__(self, groups: Sequence[Group], pace: Pace, start: datetime) -> None:
        self.pace, self.now, self.end = pace, start, start + LONGEST
        self.queues = [_Queue(each, each.count, start) for each in groups]
        self.chats = pace.chats if pace.chats is not None else Used(start - DAY, 0)  # a day that has ended
        self.allowed: int | None = pace.new_chats(self.chats.at)
        windows = ((MINUTE, pace.per_minute, pace.minute), (HOUR, pace.per_hour, pace.hour), (DAY, pace.per_day, pace.day))
        self.meters = [
            _Meter(length, most, used.at if used else start - length, used.count if used else 0)
            for length, most, used in windows
            if most * pace.gap < length.total_seconds() or (used and used.at + length > start)
        ]

    def step(self) -> bool:
        """Serve whoever is due first for as long as nothing changes; False when nobody is left, or nobody ever comes."""
        waiting = [each for each in self.queues if each.left and each.since < self.end]
        if not waiting or self.now >= self.end:
            return False
        due = min(each.since for each in waiting)
        self.now = max(self.now, due)
        together = [each for each in waiting if each.since == due]
        if self._send_back(together):
            return True
        rest = max((each.at + each.length for each in self.meters if each.room(self.now, self.pace.gap) <= 0), default=self.now)
        if rest > self.now:
            self.now = rest
            return True
        self._serve(together)
        return True

    def _send_back(self, together: list[_Queue]) -> bool:
        """Those who may not be written to now step back; whether there were any."""
        moved = False
        for queue in together:
            until = self._shut_until(queue)
            cause = "quiet_hours"
            if until is None and queue.group.is_new and self._chats_left() == 0:
                until, cause = (self.chats.at if self._is_counting() else self.now) + DAY, "device_limit"
            if until is not None:
                queue.since, queue.cause, moved = until, cause, True
        return moved

    def _shut_until(self, queue: _Queue) -> datetime | None:
        """When this group's window opens again; None: it is open."""
        if not queue.group.zones or (queue.shuts_at is not None and self.now < queue.shuts_at):
            return None
        opens_at = quiet.next_open(self.now, queue.group.zones, self.pace.window)
        if opens_at is None or (self.pace.drops and opens_at > self.now):
            return self.end
        queue.shuts_at = shuts(opens_at, queue.group.zones, self.pace.window) or self.end
        return None if opens_at == self.now else opens_at

    def _is_counting(self) -> bool:
        """Whether a day of new conversations has begun and not ended: it begins with the first of them."""
        return self.now < self.chats.at + DAY

    def _chats_left(self) -> int | None:
        if self._is_counting():
            return None if self.allowed is None else max(0, self.allowed - self.chats.count)
        self.allowed = self.pace.new_chats(self.now)
        return self.allowed

    def _serve(self, together: list[_Queue]) -> None:
        total = sum(each.left for each in together)
        count = min([total, *(each.room(self.now, self.pace.gap) for each in self.meters)])
        for queue in together:
            if queue.group.zones and queue.shuts_at is not None and self.pace.gap > 0:
                count = min(count, ceil((queue.shuts_at - self.now).total_seconds() / self.pace.gap))
        new = sum(each.left for each in together if each.group.is_new)
        left = self._chats_left() if new else None
        if left is not None:
            count = min(count, max(1, left * total // new))
        shares = _shared(max(1, count), [each.left for each in together], [each.group.is_new for each in together], left)
        dealt = sorted(zip(together, shares, strict=True), key=lambda pair: -pair[1])
        for place, (queue, share) in enumerate(pair for pair in dealt if pair[1]):
            self._write(queue, share, sum(shares), place)
        begun = sum(share for queue, share in dealt if queue.group.is_new)
        if begun:
            at, count = (self.chats.at, self.chats.count) if self._is_counting() else (self.now, 0)
            self.chats = Used(at, count + begun)
        for meter in self.meters:
            meter.count += sum(shares)
        self.now += timedelta(seconds=self.pace.gap * sum(shares))

    def _write(self, queue: _Queue, share: int, count: int, turn: int) -> None:
        """Spread a share evenly over a run of so many; whoever has the larger share begins earlier, so that all fit."""
        at = self.now + timedelta(seconds=turn * self.pace.gap)
        queue.stretches.append(Stretch(queue.group.count - queue.left, share, at, self.pace.gap * count / share, queue.cause))
        queue.left -= share


def _shared(count: int, left: list[int], is_new: list[bool], chats: int | None) -> list[int]:
    """So many turns dealt out in proportion to who is left, never more new people than may be begun with; at least one."""
    total = sum(left)
    shares = [count * each // total for each in left]
    room = count - sum(shares)
    for n in sorted(range(len(left)), key=lambda n: -(count * left[n] % total)):
        extra = min(room, left[n] - shares[n], 1)
        shares[n] += extra
        room -= extra
    if chats is not None:
        for n, each in enumerate(is_new):
            shares[n] = min(shares[n], chats) if each else shares[n]
            chats -= shares[n] if each else 0
    return shares
