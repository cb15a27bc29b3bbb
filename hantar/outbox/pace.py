"""The arithmetic of pacing that plans and the dispatcher share. Pure."""

from datetime import datetime, timedelta

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def between(low: float, high: float, random: float) -> float:
    """A point between low and high seconds; random is in [0, 1)."""
    return low + (max(high, low) - low) * random


def allowed_at(position: int, start: datetime, delay: float, per_minute: int, per_hour: int, per_day: int) -> datetime:
    """When the message at this position (from 0) of a device leaves at the earliest, by its delay and its limits."""
    by_delay = start + timedelta(seconds=position * delay)
    limits = ((MINUTE, per_minute), (HOUR, per_hour), (DAY, per_day))
    return max(by_delay, *(start + length * (position // most) for length, most in limits))
