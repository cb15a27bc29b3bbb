"""Weeks of fifty devices by the seeded simulation: safety while anything may fail, liveness when it no longer does; and mutants.

A seed that fails is printed; `HANTAR_TEST_SEEDS=17` runs it alone, `HANTAR_TEST_SEEDS=0-199` so many.
"""

import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hantar.dispatch import lanes as memory
from tests import simulation
from tests.simulation import DAY, Broken, Node, Options, World

QUICK = Options(devices=8, seconds=0.4 * DAY, day=150, often=10)
WEEK = Options()
JUMPS = Options(devices=8, seconds=0.6 * DAY, day=150, nodes=1, jumps=12, often=10)

DENSE = Options(devices=8, seconds=1800, day=400, often=40, is_limited=False)
"""Every device sends all the time, and every few minutes something dies."""

DENSE_JUMPS = replace(DENSE, nodes=1, jumps=0.2, often=0.5)
TWO_JUMP = replace(DENSE_JUMPS, nodes=2)


def seeds(most: int) -> list[int]:
    """The seeds asked for by the environment, else the first few."""
    asked = os.environ.get("HANTAR_TEST_SEEDS")
    if not asked:
        return list(range(most))
    first, _, last = asked.partition("-")
    return list(range(int(first), int(last or first) + 1))


def run(seed: int, options: Options) -> World:
    """One run; a promise that breaks is told with its seed."""
    world = World(seed, options)
    try:
        world.run()
    except Broken as broken:
        raise Broken(f"HANTAR_TEST_SEEDS={seed} after {world.now:.3f} s, {options}: {broken}") from broken
    return world


@pytest.mark.parametrize("seed", seeds(3))
def test_part_of_a_day_with_two_nodes(seed: int) -> None:
    world = run(seed, QUICK)
    assert world.counts["effects"] > 500


@pytest.mark.parametrize("seed", seeds(2))
def test_a_clock_that_jumps(seed: int) -> None:
    assert run(seed, JUMPS).counts["effects"] > 500


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(1))
def test_a_week_of_fifty_devices(seed: int) -> None:
    """What a week must cost is said in processor time, which other work on the machine changes little."""
    began = time.process_time()
    world = run(seed, WEEK)
    assert world.counts["effects"] > 60_000
    assert time.process_time() - began < 40


@pytest.mark.parametrize("seed", seeds(2))
def test_a_clock_that_jumps_under_two_nodes(seed: int) -> None:
    assert run(seed, TWO_JUMP).counts["effects"] > 1500


@pytest.mark.parametrize("seed", seeds(1))
def test_half_an_hour_full_of_faults(seed: int) -> None:
    assert run(seed, DENSE).counts["effects"] > 1500


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(25))
def test_more_parts_of_a_day(seed: int) -> None:
    run(1000 + seed, QUICK)
    run(1000 + seed, JUMPS)
    run(1000 + seed, DENSE)
    run(1000 + seed, TWO_JUMP)


# ---------------------------------------------------------------- mutants


def breaks(options: Options, most: int = 10) -> str:
    """What the first of so many seeds that breaks says; empty when none does."""
    for seed in range(most):
        try:
            World(seed, options).run()
        except Broken as broken:
            return str(broken)
    return ""


def test_mutant_the_floor_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-05, F-07: only the wall clock holds the pause, and it jumps."""
    monkeypatch.setattr(memory.Lane, "floor", property(lambda lane: 0.0, lambda lane, value: None))
    monkeypatch.setattr(simulation, "FORGETS_JUMPS", True)
    assert "sent again after" in breaks(DENSE_JUMPS), "the mutant lives"


def test_mutant_who_takes_over_believes_slots_from_before_a_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-05, F-07: the other node did not send the last message, so it has no floor of its own."""
    monkeypatch.setattr(simulation, "FORGETS_JUMPS", True)
    assert "sent again after" in breaks(TWO_JUMP), "the mutant lives"


def test_mutant_the_slot_is_not_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-05: a claim writes no slot, so the next owner does not know of the last send."""
    reserve = simulation.pacing.reserve

    def forgetful(*words: Any) -> Any:
        return replace(reserve(*words), rest=0.0)

    monkeypatch.setattr(simulation.pacing, "reserve", forgetful)
    assert "sent again after" in breaks(DENSE), "the mutant lives"


def test_mutant_what_was_in_flight_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-02: a rescue puts it back although the gateway drops no repeats."""
    monkeypatch.setattr(simulation, "may_go_again", lambda device: True)
    assert "went twice" in breaks(DENSE), "the mutant lives"


def test_mutant_a_lapsed_owner_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-06: nobody asks how long ago the claim was."""
    monkeypatch.setattr(simulation.sending, "STOOD_STILL", float("inf"))
    assert breaks(DENSE), "the mutant lives"


def test_mutant_a_lane_is_not_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-22: one lane in two hundred is taken for ever."""
    free, count = memory.Lanes.free, itertools.count(1)

    def careless(lanes: memory.Lanes, lane: memory.Lane, now: float, at: float) -> None:
        if next(count) % 200:
            free(lanes, lane, now, at)

    monkeypatch.setattr(memory.Lanes, "free", careless)
    assert breaks(replace(QUICK, faults=False), 1), "the mutant lives"


@pytest.mark.parametrize("is_mutant", [False, True])
def test_without_any_hint_the_walk_over_all_finds_everything(monkeypatch: pytest.MonkeyPatch, is_mutant: bool) -> None:
    """A lost fact costs time alone. Mutant: nobody walks."""
    monkeypatch.setattr(World, "tell", lambda world, device_ids: None)
    if is_mutant:
        monkeypatch.setattr(Node, "_heal", Node.look_at_all)
    assert ("never left" in breaks(replace(QUICK, faults=False), 1)) is is_mutant


def test_mutant_limits_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of a minute, an hour and a day are not asked."""
    monkeypatch.setattr(simulation.pacing, "full_until", lambda *words: None)
    assert "more than" in breaks(replace(QUICK, faults=False), 1), "the mutant lives"


# ---------------------------------------------------------------- fairness of the lanes


def filled(lanes: memory.Lanes, workspace: str, count: int, sources: Sequence[str | None] = ("c",)) -> None:
    """So many lanes of a workspace, due since 0, in which these sources wait."""
    queues = [[memory.Queue(source, 5, 0.0) for source in sources] for _ in range(count)]
    found = [memory.Waiting(workspace, f"{workspace}-{n}", 0, 0.0, each) for n, each in enumerate(queues)]
    lanes.learn(found, [], 0.0)


def test_two_sources_of_a_lane_alternate_and_a_late_one_is_not_given_all() -> None:
    lanes = memory.Lanes()
    filled(lanes, "w", 1, ("a", "b"))
    served = []
    for now in range(1, 41):
        (turn,) = lanes.due(float(now), 10)
        served.append(turn.queue.source_id)
        queues = [memory.Queue(source, 5, 0.0) for source in (("a", "b") if now < 20 else ("a", "b", "new"))]
        lanes.learn([memory.Waiting("w", "w-0", 0, 0.0, queues)], [], float(now))
        lanes.free(turn.lane, float(now), float(now))
    assert served[:20] in (["a", "b"] * 10, ["b", "a"] * 10)
    assert all(served[20:].count(source) in (6, 7) for source in ("a", "b", "new"))


def test_a_workspace_with_two_thousand_lanes_leaves_room_for_one_with_a_single_lane() -> None:
    lanes = memory.Lanes()
    filled(lanes, "huge", 2000)
    filled(lanes, "small", 1)
    turns = lanes.due(1.0, 100)
    assert len(turns) == 100
    assert "small-0" in {turn.lane.device_id for turn in turns[:2]}


def test_answers_go_before_campaigns_in_their_lane() -> None:
    lanes = memory.Lanes()
    queues = [memory.Queue("c", 5, 0.0), memory.Queue(None, 0, 0.5)]
    lanes.learn([memory.Waiting("w", "d", 0, 0.0, queues)], [], 0.0)
    (turn,) = lanes.due(1.0, 1)
    assert turn.queue.source_id is None


def test_no_more_devices_of_one_source_send_at_once_than_may() -> None:
    lanes = memory.Lanes(per_source=3)
    filled(lanes, "w", 10)
    assert len(lanes.due(1.0, 100)) == 3
