"""When each message has its turn: windows, limits and allowances hold for every plan, and the known sums come out."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st

from hantar.campaigns import timetable
from hantar.consent import quiet
from hantar.policy import model as policy

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OFFICE = quiet.Window(480, 1260)
ALL_DAY = quiet.Window(0, 1440)


def pace(gap: float = 20.0, limits: tuple[int, int, int] = (20, 80, 5000), **more: object) -> timetable.Pace:
    return timetable.Pace(gap, *limits, **more)  # type: ignore[arg-type]


def times(table: timetable.Timetable) -> list[list[datetime]]:
    """Every turn of every group."""
    return [[each.time_of(each.first + n) for each in group for n in range(each.count)] for group in table.groups]


def test_ten_thousand_new_people_at_250_a_day_are_forty_days() -> None:
    table = timetable.make([timetable.Group((), True, 10_000)], pace(new_chats=lambda _at: 250), NOW)
    assert table.last_at is not None
    assert 39 * DAY < table.last_at - NOW < 40 * DAY
    assert table.never == (0,)


def test_a_young_device_takes_the_days_its_age_allows() -> None:
    """20 a day for three days, then 50: 200 people are done on the sixth day (3 x 20 + 2 x 50 = 160, then 40 of 50)."""
    table = timetable.make(
        [timetable.Group((), True, 200)], pace(new_chats=lambda at: policy.new_chats_by_age((at - NOW) / DAY)), NOW
    )
    assert table.last_at is not None
    assert 5 * DAY < table.last_at - NOW < 6 * DAY


def test_known_people_go_while_new_ones_wait() -> None:
    groups = [timetable.Group((), True, 30), timetable.Group((), False, 100)]
    new, known = timetable.make(groups, pace(60, new_chats=lambda _at: 10), NOW).groups
    assert known[-1].last_at - NOW < timedelta(hours=2)
    assert all(each.cause is None for each in known)
    assert [sum(each.count for each in new if day * DAY <= each.at - NOW < (day + 1) * DAY) for day in range(3)] == [10, 10, 10]
    assert {each.cause for each in new if each.at - NOW >= DAY} == {"device_limit"}


def test_whoever_sleeps_is_written_to_in_the_morning() -> None:
    """It is 10:00 in Kuala Lumpur and 21:00 of the day before in New York."""
    groups = [timetable.Group(("Asia/Kuala_Lumpur",), False, 5), timetable.Group(("America/New_York",), False, 5)]
    table = timetable.make(groups, pace(window=OFFICE), NOW)
    assert table.turn(0, 0) == (NOW, None)
    assert table.turn(1, 0) == (datetime(2026, 12, 1, 13, 0, tzinfo=UTC), "quiet_hours")


def test_the_night_divides_a_long_campaign() -> None:
    """80 an hour within 13 hours are 1,040 a day in one zone: 2,000 people take two days, from 10:00 on."""
    table = timetable.make([timetable.Group(("Asia/Kuala_Lumpur",), False, 2000)], pace(window=OFFICE), NOW)
    first = [at for at in times(table)[0] if at < datetime(2026, 12, 1, 13, 0, tzinfo=UTC)]
    assert len(first) == 11 * 80
    assert table.turn(0, 11 * 80) == (datetime(2026, 12, 2, 0, 0, tzinfo=UTC), "quiet_hours")


def test_two_zones_without_a_common_hour_get_no_turn() -> None:
    apart = ("Europe/London", "Asia/Kuala_Lumpur", "America/Los_Angeles")
    table = timetable.make([timetable.Group(apart, False, 7), timetable.Group((), False, 1)], pace(window=OFFICE), NOW)
    assert table.never == (7, 0)
    assert table.turn(0, 0) is None


def test_dropping_lets_nobody_wait_for_the_morning() -> None:
    groups = [timetable.Group(("Asia/Kuala_Lumpur",), False, 2000)]
    table = timetable.make(groups, pace(window=OFFICE, drops=True), NOW)
    assert table.never == (2000 - 11 * 80,)


def test_limits_already_used_count() -> None:
    used = timetable.Used(NOW - timedelta(minutes=30), 79)
    table = timetable.make([timetable.Group((), False, 3)], pace(hour=used), NOW)
    assert [at - NOW for at in times(table)[0]] == [timedelta(), timedelta(minutes=30), timedelta(minutes=30, seconds=20)]


def test_nobody_has_no_turn() -> None:
    empty = timetable.make([], pace(), NOW)
    assert (empty.first_at, empty.last_at) == (None, None)


def test_a_window_shuts_by_the_local_clock_over_a_change_of_clocks() -> None:
    """New York went back on 1 November 2026: 21:00 is 01:00 UTC before, 02:00 UTC after."""
    zone = "America/New_York"
    before = datetime(2026, 10, 31, 20, 0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert timetable.shuts(before, (zone,), OFFICE) == datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
    after = datetime(2026, 11, 1, 20, 0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert timetable.shuts(after, (zone,), OFFICE) == datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
    assert timetable.shuts(before, (zone,), ALL_DAY) is None


ZONES = st.sampled_from(
    [
        ("Asia/Kuala_Lumpur",),
        ("America/New_York",),
        ("Europe/Madrid", "Atlantic/Canary"),
        ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"),
        ("America/Sao_Paulo",),
        ("Australia/Lord_Howe", "Australia/Sydney"),
    ]
)
GROUPS = st.lists(st.builds(timetable.Group, ZONES, st.booleans(), st.integers(1, 300)), min_size=1, max_size=4)
WINDOWS = st.builds(
    quiet.Window, st.integers(0, 12).map(lambda h: h * 60), st.integers(14, 24).map(lambda h: h * 60), st.sampled_from([(), (7,)])
)
STARTS = st.integers(0, 2 * 365 * 86400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
GAPS = st.sampled_from([0.0, 0.5, 5.0, 20.0, 90.0])
LIMITS = st.tuples(st.integers(1, 60), st.integers(1, 200), st.integers(50, 2000))


@settings(max_examples=150, deadline=None)
@given(GROUPS, WINDOWS, STARTS, GAPS, LIMITS, st.integers(1, 80))
def test_every_turn_keeps_every_rule(
    groups: list[timetable.Group],
    window: quiet.Window,
    start: datetime,
    gap: float,
    limits: tuple[int, int, int],
    allowed: int,
) -> None:
    """All people have a turn, in their hours, after the start; no window of a limit, no day of new people holds too many."""
    table = timetable.make(groups, pace(gap, limits, window=window, new_chats=lambda _at: allowed), start)
    turns = times(table)
    assert [len(each) + never for each, never in zip(turns, table.never, strict=True)] == [each.count for each in groups]
    for group, each in zip(groups, turns, strict=True):
        assert each == sorted(each)
        assert all(at >= start and quiet.is_open(at, group.zones, window) for at in each)
    every = sorted(at for each in turns for at in each)
    for length, most in zip((timedelta(minutes=1), timedelta(hours=1), DAY), limits, strict=True):
        assert _most_in_fixed(every, length, most + len(groups) - 1)  # people of several groups are spread evenly, not dealt
    new = [at for group, each in zip(groups, turns, strict=True) if group.is_new for at in each]
    assert _most_in_fixed(sorted(new), DAY, allowed + len(groups) - 1)
    if len(groups) == 1:
        assert all(later - first >= timedelta(seconds=gap) for first, later in pairwise(every))


def _most_in_fixed(turns: list[datetime], length: timedelta, most: int) -> bool:
    """Windows as the dispatcher counts them: one begins with the first message after the last one ended."""
    begin, count = None, 0
    for at in turns:
        if begin is None or at >= begin + length:
            begin, count = at, 0
        count += 1
        if count > most:
            return False
    return True


@settings(max_examples=80, deadline=None)
@given(GROUPS, STARTS, st.integers(1, 300))
def test_more_people_never_end_earlier(groups: list[timetable.Group], start: datetime, more: int) -> None:
    first = timetable.make(groups, pace(window=OFFICE, new_chats=lambda _at: 50), start)
    grown = [timetable.Group(each.zones, each.is_new, each.count + more) for each in groups]
    second = timetable.make(grown, pace(window=OFFICE, new_chats=lambda _at: 50), start)
    assert first.last_at is not None
    assert second.last_at is not None
    assert second.last_at >= first.last_at


@settings(max_examples=100, deadline=None)
@given(ZONES, WINDOWS, STARTS)
def test_a_window_is_open_until_it_shuts(zones: tuple[str, ...], window: quiet.Window, start: datetime) -> None:
    opens = quiet.next_open(start, zones, window)
    if opens is None:
        return
    shut = timetable.shuts(opens, zones, window)
    if shut is None:
        assert window == ALL_DAY
        return
    assert not quiet.is_open(shut, zones, window)
    step = (shut - opens) / 40
    assert all(quiet.is_open(opens + n * step, zones, window) for n in range(40))


def test_an_unknown_place_in_the_plan_is_later_than_the_last() -> None:
    """Who joins after the plan goes on at the same pace."""
    table = timetable.make([timetable.Group((), False, 3)], pace(10), NOW)
    assert table.turn(0, 5) == (NOW + timedelta(seconds=50), None)


def test_sundays_can_be_quiet() -> None:
    window = quiet.Window(480, 1260, (7,))
    sunday = datetime(2026, 12, 6, 3, 0, tzinfo=UTC)
    assert sunday.date() == date(2026, 12, 6)
    table = timetable.make([timetable.Group(("Asia/Kuala_Lumpur",), False, 1)], pace(window=window), sunday)
    assert table.first_at == datetime(2026, 12, 7, 0, 0, tzinfo=UTC)
