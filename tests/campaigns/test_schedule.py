"""Wall-clock times into instants, across zones, gaps and doubled hours."""

from datetime import UTC, date, datetime, time

import pytest

from hantar.campaigns import schedule
from hantar.kit import errors

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
KL = "Asia/Kuala_Lumpur"


def test_nothing_given_means_now() -> None:
    assert schedule.resolve(None, None, KL, NOW) == schedule.Resolved(NOW)


def test_a_time_in_a_zone_becomes_its_instant() -> None:
    assert schedule.resolve(date(2026, 12, 2), time(9, 30), KL, NOW).at == datetime(2026, 12, 2, 1, 30, tzinfo=UTC)


def test_a_past_day_is_refused_on_its_field() -> None:
    with pytest.raises(errors.Invalid) as caught:
        schedule.resolve(date(2026, 11, 30), time(9, 0), KL, NOW)
    assert [(e.field, e.code) for e in caught.value.errors] == [("campaign_date", "past_date")]


def test_a_past_time_today_starts_now_and_says_so() -> None:
    resolved = schedule.resolve(date(2026, 12, 1), time(9, 59), KL, NOW)
    assert resolved.at == NOW
    assert [w.code for w in resolved.warnings] == ["past_time"]


def test_a_gap_in_spring_moves_forward() -> None:
    resolved = schedule.resolve(date(2027, 3, 28), time(2, 30), "Europe/Berlin", NOW)
    assert resolved.at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert [w.code for w in resolved.warnings] == ["clock_gap"]


def test_a_doubled_hour_uses_the_first() -> None:
    resolved = schedule.resolve(date(2027, 10, 31), time(2, 30), "Europe/Berlin", NOW)
    assert resolved.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert [w.code for w in resolved.warnings] == ["clock_fold"]


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "\x00", "Asia/Kuala_Lumpur\n"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(errors.Invalid):
        schedule.zone(name)


def test_days_have_the_bounds_of_their_zone() -> None:
    begin, end = schedule.day_bounds(date(2026, 12, 1), date(2026, 12, 2), KL)
    assert (begin, end) == (datetime(2026, 11, 30, 16, tzinfo=UTC), datetime(2026, 12, 2, 16, tzinfo=UTC))
