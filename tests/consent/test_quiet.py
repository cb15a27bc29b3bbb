"""I-11, the pure half: nothing leaves while a clock where the person may be is outside the window, and nothing waits longer.

The model that judges knows nothing of windows that open: it writes down every minute of 400 days as open or closed, by
offsets from UTC that it probes itself, and looks the answer up.
"""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from hantar.consent import quiet
from hantar.consent.quiet import Window
from hantar.kit import phone

DAYS = 400
MINUTE = timedelta(minutes=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

PLACES = (
    *("Asia/Kuching", "Asia/Jakarta", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Asia/Manila", "Asia/Dhaka"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Asia/Yangon", "Asia/Kabul", "Asia/Tehran", "Asia/Colombo", "Asia/Karachi"),
    *("Asia/Dubai", "Asia/Riyadh", "Asia/Baghdad", "Asia/Beirut", "Asia/Jerusalem", "Asia/Gaza", "Asia/Amman"),
    *("Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Lagos", "Africa/Nairobi", "Africa/Johannesburg"),
    *("Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Madrid", "Europe/Paris", "Europe/Berlin", "Europe/Athens"),
    *("Europe/Istanbul", "Europe/Moscow", "Europe/Chisinau", "Atlantic/Azores", "Atlantic/Canary", "America/Scoresbysund"),
    *("America/St_Johns", "America/Halifax", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("America/Anchorage", "America/Havana", "America/Mexico_City", "America/Bogota", "America/Caracas", "America/Santiago"),
    *("America/Asuncion", "America/Sao_Paulo", "Australia/Lord_Howe", "Australia/Adelaide", "Australia/Eucla"),
    *("Antarctica/Casey", "Antarctica/Troll", "Pacific/Chatham", "Pacific/Marquesas", "Pacific/Kiritimati", "Pacific/Easter"),
)
HISTORY = (
    ("America/Sao_Paulo", 2017),  # a midnight that did not exist, and one that came twice
    ("Asia/Beirut", 2023),
    ("Africa/Cairo", 2023),
    ("America/Havana", 2024),
    ("America/Asuncion", 2023),
    ("Asia/Gaza", 2023),
    ("Antarctica/Casey", 2020),  # moved by three hours and back
    ("Antarctica/Casey", 2023),
    ("Pacific/Apia", 2011),  # a day left out
    ("Asia/Pyongyang", 2015),  # by thirty minutes
    ("America/Caracas", 2016),
    ("Europe/Istanbul", 2016),
)
WINDOWS = (
    Window(480, 1260),
    Window(480, 1260, (6, 7)),
    Window(0, 1440),
    Window(0, 1440, (5,)),
    Window(0, 60),
    Window(30, 90, (7,)),
    Window(120, 180),
    Window(1380, 1440, (1, 2, 3, 4, 5)),
    Window(600, 601),
)
RUSSIA, AUSTRALIA = phone.zones_of("79161234567"), phone.zones_of("61412345678")
SETS = (
    RUSSIA,
    AUSTRALIA,
    phone.zones_of("628121234567"),
    phone.zones_of("34612345678"),
    ("Asia/Kuching", "America/New_York"),
    ("Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu"),
    ("America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo"),
)


# ---------------------------------------------------------------- the slow model
@cache
def offsets(zone: str, begin: datetime) -> tuple[tuple[int, int], ...]:
    """The place's offsets in minutes as (first minute since `begin`, offset), probed each hour, then each minute."""
    place, since = ZoneInfo(zone), begin.timestamp()

    def at(minute: int) -> int:
        return round((datetime.fromtimestamp(since + minute * 60, place).utcoffset() or timedelta()) / MINUTE)

    found = [(0, at(0))]
    for hour in range(60, (DAYS + 16) * 1440, 60):
        if at(hour) != found[-1][1]:
            first = next(m for m in range(hour - 59, hour + 1) if at(m) != found[-1][1])
            found.append((first, at(first)))
    return tuple(found)


def minutes_open(zone: str, window: Window, begin: datetime) -> bytes:
    """One byte for each minute of 400 days and a horizon more: 1 when this place's clock is inside the window."""
    week = bytearray()
    for day in range(1, 8):
        inside = day not in window.days
        week += bytes(inside and window.start <= minute < window.end for minute in range(1440))
    moves = offsets(zone, begin)
    whole = bytearray()
    for (first, offset), (last, _) in zip(moves, [*moves[1:], ((DAYS + 16) * 1440, 0)], strict=True):
        wall = ((begin.isoweekday() - 1) * 1440 + first + offset) % len(week)
        whole += (bytes(week[wall:]) + bytes(week) * ((last - first) // len(week) + 1))[: last - first]
    return bytes(whole)


def all_open(zones: Sequence[str], window: Window, begin: datetime) -> bytes:
    """The minutes in which every place is inside the window."""
    together = -1
    for zone in zones:
        together &= int.from_bytes(minutes_open(zone, window, begin), "big")
    return together.to_bytes((DAYS + 16) * 1440, "big")


def faults(zones: Sequence[str], window: Window, begin: datetime = BEGIN, step: int = 97, waits: int = 40) -> Iterator[str]:
    """Where the answer differs from the model's: each `step` minutes, beside each change, and the waits from random instants."""
    truth = all_open(zones, window, begin)
    looked_at = {*range(0, DAYS * 1440, step)}
    for change in (b"\0\1", b"\1\0"):
        at = truth.find(change)
        while 0 <= at < DAYS * 1440:
            looked_at.update((at, at + 1))
            at = truth.find(change, at + 1)
    for minute in sorted(looked_at):
        now = begin + minute * MINUTE + timedelta(seconds=minute % 60)
        if quiet.is_open(now, zones, window) != bool(truth[minute]):
            yield f"{now} {zones[:3]} {window}: is_open says {not truth[minute]}"
    hand = random.Random(f"{zones}{window}")
    moved = [first for zone in zones for first, _ in offsets(zone, begin)[1:] if first < DAYS * 1440]
    near = [max(0, first + hand.randint(-1500, 120)) for first in moved for _ in range(4)]
    for minute in [hand.randrange(DAYS * 1440) for _ in range(waits)] + near:
        now = begin + minute * MINUTE + timedelta(seconds=hand.randrange(60), microseconds=hand.randrange(10**6))
        opens = truth.find(1, minute)
        expected = now if opens == minute else begin + opens * MINUTE if opens >= 0 else None
        if expected is not None and expected >= now + quiet.HORIZON:
            expected = None
        found = quiet.next_open(now, zones, window)
        if found != expected:
            yield f"{now} {zones[:3]} {window}: next_open says {found}, should be {expected}"


# ---------------------------------------------------------------- tests
@pytest.mark.slow
def test_each_place_for_400_days() -> None:
    assert len(PLACES) >= 60
    wrong = [each for zone in PLACES for window in WINDOWS[:2] for each in faults((zone,), window, step=997, waits=15)]
    assert wrong == []


@pytest.mark.slow
def test_each_place_each_window_closely() -> None:
    wrong = [each for zone in PLACES for window in WINDOWS for each in faults((zone,), window, step=397)]
    assert wrong == []


@pytest.mark.parametrize(("zone", "year"), HISTORY)
def test_clocks_that_were_moved_strangely(zone: str, year: int) -> None:
    begin = datetime(year, 1, 1, tzinfo=UTC)
    assert len(offsets(zone, begin)) > 1, "no clock was moved, so this shows nothing"
    assert [each for window in WINDOWS for each in faults((zone,), window, begin, step=61)] == []


@pytest.mark.slow
@pytest.mark.parametrize("zones", SETS, ids=lambda zones: f"{zones[0]}+{len(zones) - 1}")
def test_all_candidates_must_be_inside(zones: tuple[str, ...]) -> None:
    assert [each for window in WINDOWS for each in faults(zones, window, step=197)] == []


def test_the_candidate_sets_are_the_measured_ones() -> None:
    assert (len(RUSSIA), len(AUSTRALIA)) == (16, 8)
    now = datetime(2026, 6, 3, 8, tzinfo=UTC)
    assert quiet.next_open(now, RUSSIA, Window(480, 1260)) == now, "11:00 in Moscow and 20:00 in Kamchatka"
    assert quiet.next_open(now + timedelta(hours=1), RUSSIA, Window(480, 1260)) == datetime(2026, 6, 4, 5, tzinfo=UTC)


def test_mutant_the_servers_own_clock_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-11 mutant: the window is held by where the server stands."""
    monkeypatch.setattr(quiet, "_zone", lambda name: ZoneInfo("Asia/Kuala_Lumpur"))
    assert any(faults(("America/New_York",), WINDOWS[0]))
    assert any(faults(AUSTRALIA, WINDOWS[0]))


def test_mutant_offsets_instead_of_zones_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-11 mutant: a place's offset of today is kept for ever."""

    def fixed(name: str) -> timezone:
        return timezone(BEGIN.astimezone(ZoneInfo(name)).utcoffset() or timedelta(0))

    monkeypatch.setattr(quiet, "_zone", fixed)
    assert any(faults(("Europe/London",), WINDOWS[0]))


def test_mutant_any_candidate_is_enough_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-11 mutant: one place inside the window lets the message go."""
    honest = quiet.is_open
    monkeypatch.setattr(quiet, "is_open", lambda now, zones, window: any(honest(now, (zone,), window) for zone in zones))
    assert any(faults(AUSTRALIA, WINDOWS[0]))


def test_mutant_a_day_without_its_change_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-11 mutant: the wait is reckoned as if no clock were moved in between."""
    monkeypatch.setattr(quiet, "_stretches", lambda since, until, zone: [(since, until, quiet._offset(since, zone))])
    assert any(each for window in WINDOWS for each in faults(("America/Sao_Paulo",), window, datetime(2017, 1, 1, tzinfo=UTC)))


def test_a_midnight_that_does_not_exist_opens_nothing() -> None:
    saturday = datetime(2018, 11, 4, 2, 59, tzinfo=UTC)  # 23:59 in Sao Paulo, and the next minute is 01:00
    assert quiet.next_open(saturday, ("America/Sao_Paulo",), Window(0, 60)) == datetime(2018, 11, 5, 2, tzinfo=UTC)
    assert quiet.next_open(saturday, ("America/Sao_Paulo",), Window(0, 90)) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_an_hour_that_comes_twice_opens_twice() -> None:
    window, place = Window(90, 105), ("America/New_York",)
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert quiet.next_open(datetime(2026, 11, 1, 5, tzinfo=UTC), place, window) == first
    assert not quiet.is_open(first + 20 * MINUTE, place, window)
    assert quiet.next_open(first + 20 * MINUTE, place, window) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


@given(
    st.sampled_from([*PLACES, *SETS]),
    st.integers(-(70 * 365), 20 * 365),
    st.floats(0, 86_400),
    st.sampled_from([*WINDOWS, Window(1260, 480)]),
)
def test_by_the_minute_it_is_open_when_it_is_open(place: str | tuple[str, ...], day: int, second: float, window: Window) -> None:
    """Also at instants when some clocks stood apart by seconds."""
    zones = (place,) if isinstance(place, str) else place
    local = (BEGIN + timedelta(days=day)).astimezone(ZoneInfo(zones[0])).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = (local + timedelta(minutes=at) for at in (window.start, window.end, 0))
    for now in (BEGIN + timedelta(days=day, seconds=second), *(edge.astimezone(UTC) + near for edge in edges for near in NEAR)):
        assert quiet.is_open_by_minute(now, zones, window.start, window.end, window.days) == quiet.is_open(now, zones, window)


NEAR = [timedelta(microseconds=each) for each in (-60_000_000, -30_000_000, -1, 0, 1, 30_000_000, 59_999_999, 60_000_000)]


@pytest.mark.parametrize(("zone", "year"), HISTORY)
def test_by_the_minute_where_clocks_were_moved_strangely(zone: str, year: int) -> None:
    begin = datetime(year, 1, 1, tzinfo=UTC)
    for first, _ in offsets(zone, begin)[1:]:
        for now in (begin + first * MINUTE + near for near in NEAR):
            for window in WINDOWS:
                found = quiet.is_open_by_minute(now, (zone,), window.start, window.end, window.days)
                assert found == quiet.is_open(now, (zone,), window)


def test_a_clock_apart_by_seconds_is_looked_at_each_time() -> None:
    """Monrovia was 44 minutes and 30 seconds behind Greenwich until 1972: its minutes began within ours."""
    window, noon = Window(720, 721), datetime(1950, 1, 15, 12, 44, 30, tzinfo=UTC)
    for at, expected in ((noon - quiet._TICK, False), (noon, True), (noon + MINUTE - quiet._TICK, True), (noon + MINUTE, False)):
        for _ in range(2):
            assert quiet.is_open_by_minute(at, ("Africa/Monrovia",), 720, 721, ()) is expected
            assert quiet.is_open(at, ("Africa/Monrovia",), window) is expected


@pytest.mark.parametrize(
    "window", [Window(480, 480), Window(1260, 480), Window(0, 1440, (1, 2, 3, 4, 5, 6, 7)), Window(0, 0), Window(1440, 1440)]
)
def test_no_window_at_all(window: Window) -> None:
    for hour in range(0, 24 * 8):
        assert not quiet.is_open(BEGIN + timedelta(hours=hour), ("Asia/Kuching",), window)
    assert quiet.next_open(BEGIN, ("Asia/Kuching",), window) is None


def test_no_window_in_common() -> None:
    apart = ("Asia/Kuching", "America/New_York")
    assert quiet.next_open(BEGIN, apart, Window(480, 720)) is None
    assert quiet.next_open(BEGIN, (), Window(0, 1440)) is None
    assert not quiet.is_open(BEGIN, (), Window(0, 1440))


def test_any_aware_instant_is_taken() -> None:
    here = datetime(2026, 12, 1, 7, 30, tzinfo=ZoneInfo("Asia/Kuala_Lumpur"))
    found = quiet.next_open(here, ("Asia/Kuching",), Window(480, 1260))
    assert found == datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("lead", "person", "unknown", "expected"),
    [
        ("Asia/Tokyo", ("Asia/Kuching",), "hold", ("Asia/Tokyo",)),
        (None, ("Asia/Kuching",), "hold", ("Asia/Kuching",)),
        (None, RUSSIA, "send", RUSSIA),
        ("Moon/Tycho", ("Asia/Kuching",), "hold", ("Asia/Kuching",)),
        ("localtime", (), "hold", None),
        ("../../etc/passwd", (), "hold", None),
        ("America", (), "hold", None),
        ("", (), "hold", None),
        (None, (), "hold", None),
        (None, ("Etc/Unknown",), "hold", None),
        (None, ("Etc/Unknown",), "send", ("Europe/Paris",)),
        (None, (), "send", ("Europe/Paris",)),
        (None, ("Asia/Kuching", "Moon/Tycho"), "hold", ("Asia/Kuching",)),
    ],
)
def test_whose_clock_counts(lead: str | None, person: tuple[str, ...], unknown: str, expected: tuple[str, ...] | None) -> None:
    assert quiet.zones_for(lead, person, "Europe/Paris", unknown) == expected  # type: ignore[arg-type]


def test_every_zone_a_number_can_have_is_known() -> None:
    named = {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}
    assert [zone for zone in named if not quiet.is_zone(zone)] == []


@pytest.mark.slow
def test_no_place_moves_its_clocks_twice_a_day() -> None:
    """What the search for the next opening relies on, for every place a number can be in."""
    twice = []
    for zone in {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}:
        moves = [first for first, _ in offsets(zone, BEGIN)[1:]]
        twice += [zone for one, other in pairwise(moves) if other - one <= 1440]
    assert twice == []


def test_it_is_fast() -> None:
    """A tick asks for a hundred messages: below 5 microseconds a zone, best of five."""
    now, spent = datetime(2026, 6, 3, 8, tzinfo=UTC), []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(500):
            assert quiet.is_open(now, RUSSIA, WINDOWS[0])
        spent.append((time.perf_counter() - began) / 500 / len(RUSSIA) * 1e6)
    assert min(spent) < 5, f"{min(spent):.1f} microseconds a zone"
