"""The arithmetic of pacing that plans and the dispatcher share. Pure."""

from datetime import timedelta

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def between(low: float, high: float, random: float) -> float:
    """A point between low and high seconds; random is in [0, 1)."""
    return low + ((high - low) * random if high > low else 0.0)
