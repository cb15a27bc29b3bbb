"""When a campaign will end: from the delays, the limits and how much each device has left. Pure; a range, never a promise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from hantar.outbox import pace

LATE_QUANTILE = 1.2816
"""90 % of a normal distribution lies below mean + 1.2816 deviations; the sum of many random pauses is close to normal."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one device has to send, with the pauses and limits that apply to it."""

    count: int
    min_delay: float
    max_delay: float
    per_minute: int
    per_hour: int
    per_day: int


@dataclass(frozen=True, slots=True)
class Span:
    """First and last message of a device: as expected, and later than nine times out of ten."""

    first_at: datetime
    last_at: datetime
    late_at: datetime


def load(count: int, delays: tuple[float, float], device: tuple[float, float], limits: tuple[int, int, int]) -> Load:
    """A device's load; its own delay is a floor under the campaign's."""
    return Load(count, max(delays[0], device[0]), max(delays[1], device[1], delays[0], device[0]), *limits)


def span(work: Load, start: datetime) -> Span:
    """When a device begins and ends, alone with this work and online throughout."""
    last = max(0, work.count - 1)
    mean = (work.min_delay + work.max_delay) / 2
    deviation = (work.max_delay - work.min_delay) / sqrt(12) * sqrt(last)
    limits = (work.per_minute, work.per_hour, work.per_day)
    expected = pace.allowed_at(last, start, mean, *limits)
    return Span(start, expected, expected + timedelta(seconds=LATE_QUANTILE * deviation))


def earliest(position: int, start: datetime, work: Load) -> datetime:
    """The earliest instant at which the message at this position (from 0) may leave: every pause as short as allowed."""
    return pace.allowed_at(position, start, work.min_delay, work.per_minute, work.per_hour, work.per_day)


def ends(spans: Iterable[Span]) -> tuple[datetime | None, datetime | None]:
    """When the last of several devices ends: as expected, and late."""
    all_spans = list(spans)
    if not all_spans:
        return None, None
    return max(each.last_at for each in all_spans), max(each.late_at for each in all_spans)
