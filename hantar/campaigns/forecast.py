"""When a campaign's messages will go: a timetable for each device, from its pauses, limits, allowances and people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from hantar.campaigns import model, timetable
from hantar.campaigns.audience import Part
from hantar.campaigns.rulebook import Rulebook
from hantar.kit import db, windows
from hantar.outbox import facts
from hantar.outbox.pace import DAY, HOUR, MINUTE
from hantar.policy import model as policy

LATE_QUANTILE = 1.2816
"""90 % of a normal distribution lies below mean + 1.2816 deviations; the sum of many random pauses is close to normal."""
Slot = tuple[str, tuple[str, ...], bool]
"""Part of a device's people: the device, their zones, whether they are new and stand apart for it."""


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a device that bears on when it sends."""

    id: str
    name: str
    state: str
    kind: str
    delays: tuple[float, float]
    limits: tuple[int, int, int]
    linked_at: datetime | None
    used: Mapping[str, timetable.Used]
    """By the name of the lane's window: `minute`, `hour`, `day`, `chats`."""
    next_at: datetime | None = None
    """When its lane may send next; None: at once."""
    tier: int | None = None
    """Conversations a day that its account lets it begin; None: not known, or no such thing."""


async def devices(tx: db.Tx, book: Rulebook, ids: Iterable[str]) -> dict[str, Device]:
    """The devices of a plan by id. As another kind they have used nothing: simulated traffic never counts for a real device."""
    sql = """SELECT d.*, l.used AS sent_lately,
               greatest(l.next_at, l.rest_until) AS next_at
             FROM devices d LEFT JOIN lanes l ON (l.workspace_id, l.device_id) = (d.workspace_id, d.id)
             WHERE d.workspace_id = $1 AND d.id = ANY($2::uuid[]) ORDER BY d.name, d.id"""
    found = {}
    now = await tx.now()
    rows = await tx.fetch(sql, book.workspace_id, list(ids))
    tiers = await facts.tiers_of(tx, [row["id"] for row in rows if book.as_kind is None and row["rules_kind"] in policy.WINDOWED])
    for row in rows:
        is_fresh = book.as_kind is not None
        used = {} if is_fresh else _used(row["sent_lately"], now)
        found[row["id"]] = Device(
            id=row["id"],
            name=row["name"],
            state=row["state"],
            kind=book.as_kind or row["rules_kind"],
            delays=(row["min_delay_seconds"], row["max_delay_seconds"]),
            limits=(row["per_minute"], row["per_hour"], row["per_day"]),
            linked_at=row["linked_at"],
            used=used,
            next_at=None if is_fresh else row["next_at"],
            tier=tiers.get(row["id"]),
        )
    return found


def _used(blob: bytes | None, now: datetime) -> dict[str, timetable.Used]:
    """What counts against each limit now, as of the instant from which the first of it no longer will."""
    counts = windows.counts(blob, now)
    full = 2**31
    free = {
        "minute": (MINUTE, windows.free_at(blob, now, counts.minute or full, full, full)),
        "hour": (HOUR, windows.free_at(blob, now, full, counts.hour or full, full)),
        "day": (DAY, windows.free_at(blob, now, full, full, counts.day or full)),
        "chats": (DAY, windows.chats_free_at(blob, now, counts.chats or full)),
    }
    found = {name: (until - length, getattr(counts, name)) for name, (length, until) in free.items() if until is not None}
    return {name: timetable.Used(at, count) for name, (at, count) in found.items()}


@dataclass(frozen=True, slots=True)
class Course:
    """One device's way through its people: the pauses and limits it keeps, and its people in groups."""

    device: Device
    book: Rulebook
    parts: tuple[Part, ...]
    low: float
    high: float
    is_split: bool
    """Whether its new people stand apart, because not all of them may be begun with on the first day."""

    @property
    def count(self) -> int:
        """How many it writes to."""
        return sum(each.count for each in self.parts)

    @property
    def new_people(self) -> int:
        """How many of them it never met."""
        return sum(each.count for each in self.parts if each.is_new)

    @property
    def groups(self) -> dict[Slot, int]:
        """How many people stand in each group."""
        found: dict[Slot, int] = {}
        for each in self.parts:
            slot = (self.device.id, each.zones, each.is_new and self.is_split)
            found[slot] = found.get(slot, 0) + each.count
        return found

    def timetable(self, gap: float, start: datetime | None = None) -> timetable.Timetable:
        """Every turn when pauses are so many seconds long, from an instant on (None: the campaign's start)."""
        groups = [timetable.Group(zones, is_new, count) for (_, zones, is_new), count in self.groups.items()]
        rules = self.book.rules(self.device.kind)
        minute, hour, day = self.limits
        used = {name: each for name, each in self.device.used.items() if name != "chats" or self.is_split}
        pace = timetable.Pace(
            gap,
            minute,
            hour,
            day,
            window=self.book.window(self.device.kind),
            drops=rules.quiet_overflow == "drop",
            new_chats=self.new_chats if self.is_split else lambda _at: None,
            **used,
        )
        return timetable.make(groups, pace, start or self.book.starts_at)

    @property
    def limits(self) -> tuple[int, int, int]:
        """Most messages in a minute, an hour, a day: the device's own numbers or the rules', whichever is tighter."""
        rules = self.book.rules(self.device.kind)
        own = (rules.device_per_minute, rules.device_per_hour, rules.device_per_day)
        minute, hour, day = (min(pair) for pair in zip(self.device.limits, own, strict=True))
        return minute, hour, day

    def new_chats(self, at: datetime) -> int:
        """New conversations this device may begin on the day that starts then."""
        linked_at = self.device.linked_at or (self.book.starts_at if self.book.as_kind else at)
        days = max(0.0, (at - linked_at) / DAY)
        most = policy.new_chats(self.book.device_rules(self.device.kind, days), days)
        return most if self.device.tier is None else min(most, self.device.tier)

    @property
    def mean(self) -> float:
        """The expected pause in seconds."""
        return (self.low + self.high) / 2

    @property
    def late(self) -> float:
        """The pause in seconds by which nine runs of ten have ended."""
        last = max(1, self.count - 1)
        return self.mean + LATE_QUANTILE * (self.high - self.low) / sqrt(12) / sqrt(last)


def course(draft: model.Draft, book: Rulebook, device: Device, parts: Sequence[Part]) -> Course:
    """How a device goes through its part of a campaign."""
    floor = book.rules(device.kind).device_gap
    low = max(draft.min_delay_seconds, device.delays[0], floor)
    high = max(draft.max_delay_seconds, device.delays[1], low)
    whole = Course(device, book, tuple(parts), low, high, is_split=False)
    used = device.used.get("chats")
    room = whole.new_chats(book.starts_at)
    if used is not None and used.at + DAY > book.starts_at:
        room -= used.count
    return Course(device, book, tuple(parts), low, high, is_split=whole.new_people > max(0, room))


def would_expire(course: Course, turns: timetable.Timetable) -> int:
    """How many messages would have their turn after they expire: planned by pauses, limits and hours, plus `expires_after`."""
    after = timedelta(seconds=course.book.rules(course.device.kind).expires_after)
    opens = {each.zones: (each.opens_at, each.stretch) for each in course.parts}
    late = 0
    for (slot, count), stretches in zip(course.groups.items(), turns.groups, strict=True):
        opens_at, slower = opens[slot[1]]
        planned = _planned(course, opens_at, slower, course.count / count)
        for stretch in stretches:
            late += _too_late(stretch, lambda place, planned=planned: planned(place) + after)  # type: ignore[misc]
    return late


def _planned(course: Course, opens_at: datetime, slower: float, spread: float) -> Callable[[int], datetime]:
    """When the message at a place of its group is planned for; others of the device stand between, so that places spread."""
    windows = zip((MINUTE, HOUR, DAY), course.limits, strict=True)
    each = max(course.mean, *(length.total_seconds() / most for length, most in windows)) * slower * spread
    return lambda place: opens_at + timedelta(seconds=place * each)


def _too_late(stretch: timetable.Stretch, expires: Callable[[int], datetime]) -> int:
    """How many of a stretch come after their end; turns and ends both move evenly, so one side of it is late."""
    first, last = stretch.first, stretch.first + stretch.count - 1
    is_late = [stretch.time_of(place) > expires(place) for place in (first, last)]
    if is_late[0] == is_late[1]:
        return stretch.count if is_late[0] else 0
    low, high = first, last
    while high - low > 1:
        middle = (low + high) // 2
        same = (stretch.time_of(middle) > expires(middle)) == is_late[0]
        low, high = (middle, high) if same else (low, middle)
    return low - first + 1 if is_late[0] else last - low


def spec(courses: Iterable[Course]) -> list[dict[str, Any]]:
    """The people of a plan in groups, to be kept with it."""
    return [
        {"device_id": part.device_id, "kind": part.kind, "zones": list(part.zones), "is_new": part.is_new, "count": part.count}
        for each in courses
        for part in each.parts
    ]


def parts(kept: Iterable[Mapping[str, Any]], book: Rulebook) -> dict[str, list[Part]]:
    """What `spec` kept, by device."""
    found: dict[str, list[Part]] = {}
    for each in kept:
        zones = tuple(each["zones"])
        part = Part(each["device_id"], each["kind"], zones, each["is_new"], each["count"], book.starts_at, 1.0)
        found.setdefault(part.device_id, []).append(part)
    return found
