"""Which scene comes when: decided by the campaign's progress alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hantar.demo.scenes import LOCK_SECONDS, Line, Scene, is_over, next_act

NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
OLD, OTHER, YOUNG = "old", "other", "young"


def line(number: int, state: str = "queued", device: str = OLD, waiting_for: str | None = None) -> Line:
    return Line(f"00000000-0000-7000-8000-{number:012d}", device, f"6012{number:07d}", state, waiting_for, NOW, f"W{number}")


def played(*scenes: Scene) -> list[str]:
    return [each.value for each in scenes]


FIRST = played(Scene.LOST_ANSWER)


def test_the_lost_answer_is_arranged_before_its_message_goes() -> None:
    act = next_act([line(1), line(2), line(3), line(4, device=OTHER)], [], YOUNG, NOW)
    assert act is not None
    assert (act.scene, act.device_id, act.action.action, act.action.phone) == (
        Scene.LOST_ANSWER,
        OLD,
        "lose_trace",
        "60120000002",
    )


def test_nothing_is_arranged_for_what_may_not_go_now() -> None:
    closed = replace(line(1), not_before=NOW + timedelta(hours=3))
    waits = line(2, waiting_for="quiet_hours")
    assert next_act([closed, waits, line(3, device=YOUNG)], [], YOUNG, NOW) is None


def test_a_stop_comes_from_somebody_who_got_it_and_shows_no_number() -> None:
    lines = [line(1, "delivered"), line(2, "sent", OTHER), line(3)]
    act = next_act(lines, FIRST, YOUNG, NOW)
    assert act is not None
    assert (act.scene, act.action.text, act.action.phone) == (Scene.STOP, "STOP", "60120000001")
    assert act.action.opaque
    assert act.action.opaque != act.action.phone
    assert act.action.extra == {"identity": "never", "quoted": "W1"}
    assert next_act([line(1, "delivered"), line(3)], FIRST, YOUNG, NOW) is None, "one is out: too early"


def test_please_stop_comes_from_somebody_who_still_waits() -> None:
    lines = [line(n, "read") for n in range(4)] + [line(5), line(6)]
    act = next_act(lines, [*FIRST, Scene.STOP.value], YOUNG, NOW)
    assert act is not None
    assert (act.scene, act.action.phone, act.action.opaque) == (Scene.PLEASE_STOP, "60120000006", None)


def test_the_lock_comes_last_to_the_device_with_the_most_waiting() -> None:
    before = played(Scene.LOST_ANSWER, Scene.STOP, Scene.PLEASE_STOP)
    out = [line(n, "read") for n in range(7)]
    waiting = [line(20), line(21, device=OTHER), line(22, device=OTHER), *[line(30 + n, device=YOUNG) for n in range(5)]]
    lost, full = line(8, "unknown"), line(40, device=YOUNG, waiting_for="device_limit")
    assert next_act([*out, full, *waiting], before, YOUNG, NOW) is None, "the lost answer has not shown yet"
    assert next_act([*out, lost, *waiting], before, YOUNG, NOW) is None, "the young device still has its turns"
    act = next_act([*out, lost, full, *waiting], before, YOUNG, NOW)
    assert act is not None
    assert (act.scene, act.device_id, act.action.action, act.action.for_seconds) == (Scene.LOCK, OTHER, "restrict", LOCK_SECONDS)
    assert next_act([*out, *waiting], [*before, Scene.LOCK.value], YOUNG, NOW) is None
    assert is_over([*before, Scene.LOCK.value])


def test_with_nobody_left_to_ask_the_play_goes_on_to_its_end() -> None:
    """At an hour when few are awake: what may go has gone, and the others wait for their morning."""
    lines = [line(1, "read"), line(2, "read"), line(3, "read"), replace(line(4), not_before=NOW + timedelta(hours=5))]
    act = next_act(lines, played(Scene.LOST_ANSWER, Scene.STOP), YOUNG, NOW)
    assert act is not None
    assert act.scene is Scene.LOCK
