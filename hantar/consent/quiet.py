"""Quiet hours: may a message leave now, by the recipient's clock, and if not, when next. Pure: instants in UTC in and out.

A message leaves only when the wall clocks of *all* places where the person may be are inside the window
(responsible-sending.md 7). Zones are IANA names read by `zoneinfo`, never offsets, so that a clock that goes forward or
back is right by itself: an hour that does not exist opens nothing, an hour that comes twice is open or closed twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HORIZON = timedelta(days=14)
"""How far ahead a window is looked for: every weekday comes twice in it."""
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_PLACE = frozenset({"localtime", "posixrules", "Factory", "Etc/Unknown"})
"""Names that say where the server stands, or nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """When messages may leave: minutes of the recipient's day from `start` until before `end`, never on `days`.

    1440 is midnight; `days` are ISO 8601 weekdays, Monday is 1. A start at or after the end is no window at all.
    """

    start: int
    end: int
    days: tuple[int, ...] = ()


def zones_for(
    lead_zone: str | None, person_zones: Sequence[str], workspace_zone: str, unknown: Literal["hold", "send"]
) -> tuple[str, ...] | None:
    """The zones by which a message to this person is timed; None: where they are is unknown, and then nothing is sent.

    What somebody entered for the lead wins over every zone the number may be in. Names the zone data does not know are
    passed over. `unknown` is the policy `quiet_unknown_zone`: "send" goes by the workspace's own clock.
    """
    if lead_zone and is_zone(lead_zone):
        return (lead_zone,)
    known = _known(tuple(person_zones))
    if known:
        return known
    return (workspace_zone,) if unknown == "send" and is_zone(workspace_zone) else None


def is_open(now: datetime, zones: Sequence[str], window: Window) -> bool:
    """Whether a message may leave at this instant; never when no zone is given. Raises `KeyError` for a name that is no zone."""
    start, end, days = window.start, window.end, window.days
    for name in zones:
        local = now.astimezone(_zone(name))
        if not start <= local.hour * 60 + local.minute < end or (days and local.isoweekday() in days):
            return False
    return bool(zones)


def is_open_by_minute(now: datetime, zones: tuple[str, ...], start: int, end: int, days: tuple[int, ...]) -> bool:
    """As `is_open` for a window of these numbers, for whoever asks for many people of few places within one minute."""
    known = _all_through(int(now.timestamp() // 60), zones, start, end, days)
    return is_open(now, zones, Window(start, end, days)) if known is None else known


@lru_cache(maxsize=4096)
def _all_through(minute: int, zones: tuple[str, ...], start: int, end: int, days: tuple[int, ...]) -> bool | None:
    """Whether it is open in this minute since 1970; None where some wall clock does not show one and the same minute in it."""
    first = _EPOCH + minute * _MINUTE
    for name in zones:
        offset = _offset(first, _zone(name))
        if offset % _MINUTE or offset != _offset(first + _MINUTE - _TICK, _zone(name)):
            return None
    return is_open(first, zones, Window(start, end, days))


def next_open(now: datetime, zones: Sequence[str], window: Window) -> datetime | None:
    """The first instant (UTC) from `now` on at which a message may leave: `now` itself when it may leave now.

    None when all the zones have no window in common within 14 days. Raises `KeyError` for a name that is no zone.
    """
    now = now.astimezone(UTC)
    if is_open(now, zones, window):
        return now
    if window.start >= window.end or not zones or len({*window.days}) >= 7:
        return None
    for day in range(HORIZON.days):
        since = now + day * _DAY
        for at in sorted({at for name in zones for at in _openings(since, _zone(name), window.start)}):
            if is_open(at, zones, window):
                return at
    return None


def _openings(since: datetime, zone: ZoneInfo, start: int) -> Iterator[datetime]:
    """The instants within a day at which this zone's window may open: its clock reaches `start`, or is moved."""
    for begin, end, offset in _stretches(since, since + _DAY, zone):
        yield begin
        local = (begin + offset).replace(tzinfo=None)
        opens = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=start)
        if opens < local:
            opens += _DAY
        at = opens.replace(tzinfo=UTC) - offset
        if at < end:
            yield at


def _stretches(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The span in pieces during which the zone's offset from UTC stays the same; no place moves its clocks twice a day."""
    before, after = _offset(since, zone), _offset(until, zone)
    if before == after:
        yield since, until, before
        return
    low, high = since.replace(microsecond=0), until
    while high - low > _SECOND:
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    moved = max(high.replace(microsecond=0), since)
    yield since, moved, before
    yield moved, until, after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    """Kept here: `ZoneInfo` itself keeps only the last eight."""
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if is_zone(name))


@lru_cache(maxsize=4096)
def is_zone(name: str) -> bool:
    """Whether this is the name of a place's time zone that the zone data knows."""
    try:
        return name not in _NO_PLACE and bool(_zone(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
