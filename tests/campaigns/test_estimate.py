"""When a campaign ends: the range holds nine times out of ten, and limits are part of it."""

import random
from datetime import UTC, datetime, timedelta

from hantar.campaigns import estimate

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def test_the_late_end_holds_nine_times_of_ten() -> None:
    """Against two thousand simulated runs of a hundred messages with random pauses."""
    work = estimate.load(100, (10, 30), (0, 0), (1000, 100_000, 1_000_000))
    span = estimate.span(work, NOW)
    hand = random.Random(7)
    ends = [NOW + timedelta(seconds=sum(hand.uniform(10, 30) for _ in range(99))) for _ in range(2000)]
    in_time = sum(end <= span.late_at for end in ends) / len(ends)
    before_expected = sum(end <= span.last_at for end in ends) / len(ends)
    assert 0.87 <= in_time <= 0.93
    assert 0.45 <= before_expected <= 0.55


def test_limits_stretch_the_end() -> None:
    work = estimate.load(41, (1, 1), (0, 0), (20, 500, 5000))
    assert estimate.span(work, NOW).last_at == NOW + timedelta(minutes=2)
    assert estimate.earliest(20, NOW, work) == NOW + timedelta(minutes=1)


def test_a_devices_own_delay_is_a_floor() -> None:
    work = estimate.load(3, (1, 2), (5, 8), (20, 500, 5000))
    assert (work.min_delay, work.max_delay) == (5, 8)


def test_nothing_to_send_ends_never() -> None:
    assert estimate.ends([]) == (None, None)
