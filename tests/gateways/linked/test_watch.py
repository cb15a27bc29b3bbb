"""What the watchdog decides about hosts and lines: pure functions under a clock of numbers."""

import pytest

from hantar.gateways.linked import watch
from hantar.gateways.linked.watch import Act, Line, Phase


def opened(now: float = 0.0, line: Line | None = None) -> Line:
    queued = watch.wanted(line or Line())
    assert queued.phase is Phase.QUEUED
    return watch.opening(queued, now)


def test_a_host_takes_200_devices_and_the_next_opens_another() -> None:
    loads: dict[int, int] = {}
    for _ in range(3000):
        slot = watch.place(loads)
        loads[slot] = loads.get(slot, 0) + 1
    assert loads == dict.fromkeys(range(15), 200)
    loads[4] -= 1
    assert watch.place(loads) == 4


def test_lines_are_opened_a_few_at_once_and_a_suspect_alone() -> None:
    assert watch.room(0, 0, has_suspect=False) == watch.AT_ONCE
    assert watch.room(watch.AT_ONCE - 3, 0, has_suspect=False) == 3
    assert watch.room(0, watch.AT_ONCE_IN_ALL - 2, has_suspect=False) == 2
    assert watch.room(0, watch.AT_ONCE_IN_ALL, has_suspect=False) == 0
    assert watch.room(1, 1, has_suspect=True) == 0


def test_a_client_that_never_connects_is_restarted_at_once_and_then_with_growing_rests() -> None:
    line = opened()
    assert watch.due(line, watch.ANSWER - 0.1) == (line, None)
    line, act = watch.due(line, watch.ANSWER)
    assert (line.phase, act) == (Phase.QUEUED, Act.RESTART)
    rests, now = [], 1000.0
    for _ in range(8):
        line, act = watch.due(watch.opening(line, now), now + watch.ANSWER)
        assert (line.phase, act) == (Phase.HELD, Act.REST)
        rests.append(line.until - now - watch.ANSWER)
        assert watch.wanted(line) == line, "who rests rests on"
        line, act = watch.due(line, line.until)
        assert (line.phase, act) == (Phase.QUEUED, Act.OPEN)
        now += 10_000.0
    assert rests == sorted(rests)
    assert rests[0] < rests[1]
    assert rests[-1] == watch.LONGEST_HOLD


def test_a_line_that_flaps_rests_longer_each_time_and_one_that_held_starts_anew() -> None:
    now, rests, line = 0.0, [], Line()
    for _ in range(3):
        for count in range(1, watch.FLAPS + 1):
            line = watch.connected(line, now)
            line, act = watch.dropped(line, now + 1, will_retry=True)
            assert (act is Act.REST) == (count == watch.FLAPS)
            now += 5.0
        rests.append(line.until - now + 4.0)
    assert rests == [watch.FIRST_HOLD, 2 * watch.FIRST_HOLD, 4 * watch.FIRST_HOLD]
    line = watch.connected(line, now)
    line, act = watch.dropped(line, now + watch.STEADY, will_retry=True)
    assert (line.phase, line.holds, act) == (Phase.DOWN, 0, None)


def test_losses_far_apart_are_no_flapping() -> None:
    line, now = Line(), 0.0
    for _ in range(4 * watch.FLAPS):
        line = watch.connected(line, now)
        line, act = watch.dropped(line, now + 1, will_retry=True)
        assert act is None
        now += watch.SPAN / 2


def test_two_sends_in_a_row_without_an_answer_put_a_device_in_doubt() -> None:
    line = watch.connected(opened(), 1.0)
    line, act = watch.timed_out(line)
    assert act is None
    line, act = watch.timed_out(watch.answered(line))
    assert act is None, "an answer came between"
    line, act = watch.timed_out(line)
    assert act is Act.DOUBT
    assert watch.timed_out(line)[1] is None, "the count begins anew"


def test_a_device_that_was_being_opened_in_three_crashes_is_put_aside_until_a_person_opens_it() -> None:
    line = Line()
    for count in range(1, watch.CRASHES):
        line = watch.crashed(opened(line=line))
        assert (line.phase, line.crashes, line.is_suspect) == (Phase.QUEUED, count, True)
        line = watch.closed(line)
    line = watch.crashed(opened(line=line))
    assert line.phase is Phase.ASIDE
    assert watch.crashed(line).phase is Phase.ASIDE
    again = watch.wanted(line)
    assert again.phase is Phase.QUEUED
    assert watch.crashed(watch.opening(again, 0.0)).phase is Phase.ASIDE, "one more try"
    assert not watch.connected(watch.opening(again, 0.0), 1.0).is_suspect


@pytest.mark.parametrize("phase", [Phase.UP, Phase.DOWN, Phase.PAIRING, Phase.QUEUED])
def test_who_was_not_being_opened_is_no_suspect_of_a_crash_and_comes_back(phase: Phase) -> None:
    assert watch.crashed(Line(phase=phase)) == Line(phase=Phase.QUEUED)


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.HELD])
def test_who_is_closed_or_rests_goes_on_doing_so_through_a_crash(phase: Phase) -> None:
    assert watch.crashed(Line(phase=phase, until=9.0)).phase is phase


def test_a_pairing_without_another_code_is_over() -> None:
    line = watch.coded(opened(), 0.0, good_for=60.0)
    line = watch.coded(line, 60.0, good_for=20.0)
    assert watch.due(line, 60.0 + watch.CODE - 0.1)[1] is None
    line, act = watch.due(line, 60.0 + watch.CODE)
    assert (line.phase, act) == (Phase.CLOSED, Act.EXPIRE)
    typed = watch.coded(opened(), 0.0, good_for=160.0)
    assert watch.due(typed, 165.0)[1] is None, "a code to type lives longer"


def test_heartbeats_are_missed_before_they_mean_death() -> None:
    assert watch.beat(12.4) is watch.Beat.FINE
    assert watch.beat(12.5) is watch.Beat.MISSED
    assert watch.beat(30.0) is watch.Beat.DEAD
    assert watch.beat(0.3, every=0.1) is watch.Beat.MISSED


def test_a_host_is_started_again_with_growing_pauses() -> None:
    pauses = [watch.restart_pause(deaths) for deaths in range(1, 20)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[1], pauses[-1]) == (watch.FIRST_RESTART, 2 * watch.FIRST_RESTART, watch.LONGEST_RESTART)
