"""Wall-clock plans into instants: date, time and IANA zone, with spring's gaps and autumn's doubled hours. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hantar.kit import errors

LATEST = timedelta(days=2 * 366)
"""How far ahead a campaign may be planned (our own number: later is a slip of the keys)."""


@dataclass(frozen=True, slots=True)
class Warning_:
    """Something to know that stops nothing: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The instant a plan means, and what was odd about it."""

    at: datetime
    warnings: tuple[Warning_, ...] = ()


def zone(name: str, field: str = "time_zone") -> ZoneInfo:
    """The IANA zone of that name; raises `Invalid` on the field."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise errors.invalid_field(
            field, "unknown_time_zone", f"“{name[:60]}” is not a time zone, such as Asia/Kuala_Lumpur."
        ) from None


def resolve(day: date | None, clock_time: time | None, zone_name: str, now: datetime) -> Resolved:
    """When a campaign starts. No date and no time mean now; a past day is refused, a past time today starts now."""
    place = zone(zone_name)
    local = now.astimezone(place)
    if day is None and clock_time is None:
        return Resolved(now)
    warnings: list[Warning_] = []
    wanted_day = day or local.date()
    if wanted_day < local.date():
        raise errors.invalid_field("campaign_date", "past_date", "This day has passed. Choose today or a later day.")
    if wanted_day > local.date() + LATEST:
        raise errors.invalid_field("campaign_date", "too_far", "Choose a day within the next two years.")
    if clock_time is None:
        if wanted_day == local.date():
            return Resolved(now)
        clock_time = local.time().replace(second=0, microsecond=0)
        warnings.append(Warning_("time_assumed", f"No time was given, so it starts at {clock_time:%H:%M}, the time of day now."))
    at, odd = _instant(datetime.combine(wanted_day, clock_time), place)
    if odd is not None:
        warnings.append(odd)
    if at <= now:
        warnings.append(Warning_("past_time", "This time has passed, so it starts now."))
        at = now
    return Resolved(at, tuple(warnings))


def _instant(wall: datetime, place: ZoneInfo) -> tuple[datetime, Warning_ | None]:
    """The instant of a wall-clock time: a gap moves forward, a doubled hour uses its first pass."""
    first = wall.replace(tzinfo=place, fold=0)
    back = first.astimezone(UTC).astimezone(place).replace(tzinfo=None)
    if back != wall:
        words = f"{wall:%H:%M} does not exist on that day in {place.key}: clocks go forward. It starts at {back:%H:%M}."
        return first.astimezone(UTC), Warning_("clock_gap", words)
    second = wall.replace(tzinfo=place, fold=1)
    if second.utcoffset() != first.utcoffset():
        words = f"{wall:%H:%M} comes twice on that day in {place.key}: clocks go back. It starts the first time."
        return first.astimezone(UTC), Warning_("clock_fold", words)
    return first.astimezone(UTC), None


def check_order(first: date | None, last: date | None) -> None:
    """Refuse a span of days that ends before it starts, on `end_date`."""
    if first and last and last < first:
        raise errors.invalid_field("end_date", "before_start", "The last day must not be before the first.")


def day_bounds(first: date, last: date, zone_name: str) -> tuple[datetime, datetime]:
    """The instants between which these days (inclusive) lie in a zone."""
    place = zone(zone_name)
    begin = datetime.combine(first, time(), place).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), place).astimezone(UTC)
    return begin, end
