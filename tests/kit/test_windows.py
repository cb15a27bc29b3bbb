"""Sliding limits: in no minute, hour or day, wherever it begins, does more leave than the limit; and nothing waits for ever."""

import itertools
import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from hantar.kit import windows

BEGIN = 1_800_000_000.0
WINDOWS = (windows.MINUTE, windows.HOUR, windows.DAY)
SLICES = (windows.MINUTE_SLICE, windows.HOUR_SLICE, windows.DAY_SLICE)
STEPS = st.one_of(
    st.floats(0, 4),
    st.floats(0, 70),
    st.floats(0, 4000),
    st.floats(0, 90_000),
    st.sampled_from([0.0, 4.999999, 5.0, 59.999999, 60.0, 65.0, 180.0, 3599.999999, 3600.0, 86_400.0, 90_000.0]),
)


def seconds(at: datetime | None, now: float) -> float:
    return now if at is None else at.timestamp()


def most_in(times: list[float], window: float) -> int:
    """The most instants any window of this length holds, both of its ends included."""
    return max((sum(first <= at <= first + window for at in times[n:]) for n, first in enumerate(times)), default=0)


def sent(steps: list[float], limits: tuple[int, int, int]) -> list[float]:
    """The instants at which a device leaves a message: as soon after each step as its limits allow."""
    blob, now, times = None, BEGIN, []
    for step in steps:
        now = max(now + step, seconds(windows.free_at(blob, now + step, *limits), now + step))
        blob = windows.added(blob, now, False)
        times.append(now)
    return times


@given(st.lists(STEPS, min_size=1, max_size=60), st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 15)))
def test_no_window_of_time_ever_holds_more_than_the_limit(steps: list[float], limits: tuple[int, int, int]) -> None:
    times = sent(steps, limits)
    for window, limit in zip(WINDOWS, limits, strict=True):
        assert most_in(times, window) <= limit


def test_mutant_slices_that_stop_counting_when_they_begin_to_leave_let_too_much_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a bug must turn the test above red."""
    whole = windows._ages

    def early(newest: int, was: int) -> tuple[int, int, int]:
        ages = whole(newest, was)
        return ages[0] + 1, ages[1] + 1, ages[2] + 1

    monkeypatch.setattr(windows, "_ages", early)
    with pytest.raises(AssertionError):
        test_no_window_of_time_ever_holds_more_than_the_limit.hypothesis.inner_test([4.0, 56.5], (1, 9, 15))  # type: ignore[attr-defined]


@given(st.lists(st.tuples(STEPS, st.booleans()), max_size=60), STEPS)
def test_what_counts_lies_between_the_window_and_the_window_with_one_slice(steps: list[tuple[float, bool]], later: float) -> None:
    blob, now, times, chats = None, BEGIN, [], []
    for step, is_new_chat in steps:
        now += step
        blob = windows.added(blob, now, is_new_chat)
        times.append(now)
        chats += [now] * is_new_chat
    now += later
    found = windows.counts(blob, now)
    for count, window, width in zip(found[:3], WINDOWS, SLICES, strict=True):
        assert sum(now - at <= window for at in times) <= count <= sum(now - at <= window + width for at in times)
    assert sum(now - at <= windows.DAY for at in chats) <= found.chats <= sum(now - at <= windows.DAY + 3600 for at in chats)


@given(st.lists(STEPS, min_size=1, max_size=60), st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 15)))
def test_the_instant_named_is_the_first_that_is_free(steps: list[float], limits: tuple[int, int, int]) -> None:
    blob, now = None, BEGIN
    for step in steps:
        now += step
        blob = windows.added(blob, now, True)
    at = windows.free_at(blob, now, *limits)
    counts = windows.counts(blob, now)
    if at is None:
        assert all(count < limit for count, limit in zip(counts, limits, strict=False))
        return
    assert at.timestamp() > now
    assert windows.free_at(blob, at, *limits) is None
    assert windows.free_at(blob, at - timedelta(microseconds=1), *limits) == at
    assert all(count < limit for count, limit in zip(windows.counts(blob, at), limits, strict=False))


@given(st.lists(st.tuples(STEPS, st.sampled_from([0, 0, 0, -3600, -60, -200_000, -2e7])), min_size=1, max_size=60))
def test_a_clock_that_goes_back_never_frees_anything(steps: list[tuple[float, float]]) -> None:
    """Counted by the order in which they left and the time that truly passed, while the clock jumps."""
    limits = (3, 6, 12)
    blob, now, true, times = None, BEGIN, 0.0, []
    for step, jump in steps:
        now, true = now + step + jump, true + step
        if windows.free_at(blob, now, *limits) is None:
            blob = windows.added(blob, now, True)
            times.append(true)
        assert windows.counts(blob, now).day >= 0
    for window, limit in zip(WINDOWS, limits, strict=True):
        assert most_in(times, window) <= limit


def test_an_hour_back_and_forth_lets_nothing_more_through() -> None:
    limits = (20, 30, 1000)
    blob, left = None, 0
    for now in (BEGIN, BEGIN - 3600, BEGIN + 1, BEGIN - 3599, BEGIN + 2):
        for _ in range(30):
            if windows.free_at(blob, now, *limits) is None:
                blob, left = windows.added(blob, now, False), left + 1
    assert left == 20


def test_a_clock_that_was_years_ahead_silences_nobody_for_longer_than_a_day() -> None:
    blob = windows.added(None, BEGIN + 4e8, True)
    at = windows.free_at(blob, BEGIN, 1, 1, 1)
    assert at is not None
    assert 0 < at.timestamp() - BEGIN <= windows.DAY + windows.DAY_SLICE
    assert windows.counts(windows.added(blob, BEGIN, True), BEGIN) == (2, 2, 2, 2)
    assert windows.counts(windows.added(blob, BEGIN, True), BEGIN + 2 * windows.DAY) == (0, 0, 0, 0)


def test_new_conversations_count_apart() -> None:
    blob = None
    for n in range(10):
        blob = windows.added(blob, BEGIN + n, n % 2 == 0)
    assert windows.counts(blob, BEGIN + 10) == (10, 10, 10, 5)
    assert windows.chats_free_at(blob, BEGIN + 10, 6) is None
    at = windows.chats_free_at(blob, BEGIN + 10, 5)
    assert at is not None
    assert windows.chats_free_at(blob, at, 5) is None
    assert windows.chats_free_at(blob, at - timedelta(microseconds=1), 5) == at


def test_a_limit_of_no_conversations_is_never_free() -> None:
    assert windows.chats_free_at(None, BEGIN, 0) == datetime.fromtimestamp(BEGIN + windows.DAY + 5, UTC)


@pytest.mark.parametrize("is_new_chat", [False, True])
def test_counts_that_outgrow_the_small_form_go_on_in_the_wide_one_and_come_back(is_new_chat: bool) -> None:
    blob = None
    for _ in range(300):
        blob = windows.added(blob, BEGIN, is_new_chat)
    assert windows.counts(blob, BEGIN) == (300, 300, 300, 300 * is_new_chat)
    assert blob is not None
    assert len(blob) > 160
    at = BEGIN
    for n in range(66_000):
        at = BEGIN + n * 0.05
        blob = windows.added(blob, at, is_new_chat)
    assert windows.counts(blob, at).day == 66_300
    blob = windows.added(blob, at + 3 * windows.DAY, is_new_chat)
    assert len(blob) == 160


def test_an_ordinary_device_keeps_160_bytes() -> None:
    blob = None
    for n in range(3000):
        blob = windows.added(blob, BEGIN + 20 * n, n % 3 == 0)
    assert blob is not None
    assert len(blob) == 160


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\x01" * 7, b"\x07" + bytes(159), b"\x02" + bytes(159), bytes(160), bytes(400)])
def test_bytes_that_are_not_ours_are_refused_and_not_taken_for_nothing(junk: bytes) -> None:
    for ask in (
        lambda: windows.counts(junk, BEGIN),
        lambda: windows.chats(junk, BEGIN),
        lambda: windows.free_at(junk, BEGIN, 1, 1, 1),
        lambda: windows.chats_free_at(junk, BEGIN, 1),
        lambda: windows.added(junk, BEGIN, True),
    ):
        with pytest.raises(ValueError, match="not a count"):
            ask()


def test_instants_may_be_datetimes_or_seconds() -> None:
    now = datetime.fromtimestamp(BEGIN, UTC)
    assert windows.added(None, now, True) == windows.added(None, BEGIN, True)
    assert windows.counts(windows.added(None, now, True), now) == (1, 1, 1, 1)


# ---------------------------------------------------------------- the quick ways against the plain ones


def any_bytes(minute: st.SearchStrategy[bytes], shorts: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    """Counts of version 1 as no device could make them, the newest of them some time around `BEGIN`."""
    newest = st.integers(-40_000, 40_000).map(lambda gone: int(BEGIN) // windows.MINUTE_SLICE + gone)
    pieces = st.tuples(newest, minute, st.lists(shorts, min_size=71, max_size=71))
    return pieces.map(lambda found: struct.pack("<BI13s71H", 1, found[0], found[1], *found[2]))


BLOBS = st.one_of(
    any_bytes(st.binary(min_size=13, max_size=13), st.integers(0, 65_535)),
    any_bytes(st.binary(min_size=13, max_size=13), st.sampled_from([0, 1, 40, 2047, 2048, 2621, 65_534, 65_535])),
    any_bytes(st.just(bytes(13)), st.sampled_from([0, 0, 0, 1])),
    any_bytes(st.just(bytes([3, 0, 255, *[0] * 10])), st.integers(0, 40)),
)
INSTANTS = st.integers(-100_000, 100_000).map(lambda gone: BEGIN + gone) | STEPS.map(lambda step: BEGIN + step)
LIMITS = st.tuples(st.integers(0, 300), st.integers(0, 3000), st.integers(0, 70_000))


@given(BLOBS, INSTANTS, LIMITS, st.booleans())
def test_what_is_summed_without_unpacking_is_what_unpacking_finds(
    blob: bytes, now: float, limits: tuple[int, int, int], is_new_chat: bool
) -> None:
    plain = windows._counts_any(blob, now)
    assert windows.counts(blob, now) == plain
    assert windows.chats(blob, now) == plain.chats
    assert windows.added(blob, now, is_new_chat) == windows._added_any(blob, windows._slice(now), is_new_chat)
    for each in (limits, *itertools.product(*((count, count + 1) for count in plain[:3]))):  # each that binds, and none
        assert windows.free_at(blob, now, *each) == windows._free_at_any(blob, now, *each)


@given(st.lists(st.tuples(STEPS, st.booleans(), st.sampled_from([0, 0, 0, 0, -60, -4000, -200_000])), min_size=1, max_size=60))
def test_a_device_is_counted_the_same_way_by_both(steps: list[tuple[float, bool, float]]) -> None:
    quick, plain, now = windows.added(None, BEGIN, True), windows.added(None, BEGIN, True), BEGIN
    for step, is_new_chat, jump in steps:
        now += step + jump
        quick = windows.added(quick, now, is_new_chat)
        plain = windows._added_any(plain, windows._slice(now), is_new_chat)
        assert quick == plain
        assert windows.counts(quick, now) == windows._counts_any(plain, now)
        assert windows.free_at(quick, now, 3, 6, 12) == windows._free_at_any(plain, now, 3, 6, 12)


def test_what_never_began_a_conversation_counts_none() -> None:
    assert windows.chats(None, BEGIN) == 0
    wide = None
    for _ in range(300):
        wide = windows.added(wide, BEGIN, True)
    assert windows.chats(wide, BEGIN) == 300
    assert windows.chats(wide, BEGIN + 2 * windows.DAY) == 0
