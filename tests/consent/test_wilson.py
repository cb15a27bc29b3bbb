"""When counts may pause a campaign: what the bound says, and how often the rule is wrong, by chance and by arithmetic."""

import random
from collections import deque
from collections.abc import Callable

import pytest

from hantar.consent import wilson

LIMIT = 2.0
SEEDS = 1_000
Lower = Callable[[int, int], float]


def constant(z: float) -> Lower:
    """The bound with the same proof asked for at every sample."""
    return lambda hits, n: wilson.lower(hits, n, z)


def needed(lower: Lower) -> dict[int, int]:
    """For each size of a sample that is judged: the fewest hits that pause."""
    return {n: next(h for h in range(n + 1) if lower(h, n) > LIMIT) for n in range(wilson.FIRST, wilson.WHOLE + 1)}


def pauses(rate: float, seed: int, need: dict[int, int], sends: int = wilson.WHOLE) -> bool:
    """Whether a campaign with this true rate of opt-outs is paused within so many messages, judged after each of the last 200."""
    hand, last = random.Random(f"{seed} {rate}"), deque[bool](maxlen=wilson.WHOLE)
    for _ in range(sends):
        last.append(hand.random() < rate)
        if len(last) >= wilson.FIRST and sum(last) >= need[len(last)]:
            return True
    return False


def simulated(rate: float, lower: Lower) -> float:
    """Percent of a thousand campaigns that are paused within 200 messages."""
    need = needed(lower)
    return 100 * sum(pauses(rate, seed, need) for seed in range(SEEDS)) / SEEDS


def exact(rate: float, lower: Lower) -> float:
    """The same, computed: the chance of each number of hits, message after message."""
    need, chances, paused = needed(lower), {0: 1.0}, 0.0
    for n in range(1, wilson.WHOLE + 1):
        following: dict[int, float] = {}
        for hits, chance in chances.items():
            following[hits] = following.get(hits, 0) + chance * (1 - rate)
            following[hits + 1] = following.get(hits + 1, 0) + chance * rate
        for hits in [each for each in following if n in need and each >= need[n]]:
            paused += following.pop(hits)
        chances = following
    return 100 * paused


def test_the_bars_hold_for_a_thousand_campaigns() -> None:
    false, found = simulated(0.01, wilson.lower), simulated(0.05, wilson.lower)
    assert false <= 5, f"{false:.1f} % paused for nothing, {found:.1f} % found"
    assert found >= 95, f"{false:.1f} % paused for nothing, {found:.1f} % found"


def test_the_bars_hold_by_arithmetic() -> None:
    false, found = exact(0.01, wilson.lower), exact(0.05, wilson.lower)
    assert false <= 5, f"{false:.2f} % paused for nothing, {found:.2f} % found"
    assert found >= 95, f"{false:.2f} % paused for nothing, {found:.2f} % found"


@pytest.mark.parametrize("z", [0.0, 0.5, 0.98, 1.2, 1.28, 1.3, 1.5, 1.96])
def test_mutant_no_constant_meets_both_bars(z: float) -> None:
    """Why the proof asked for falls with the sample."""
    false, found = exact(0.01, constant(z)), exact(0.05, constant(z))
    assert false > 5 or found < 95, f"z = {z}: {false:.2f} % paused for nothing, {found:.2f} % found"


def test_mutant_the_plain_share_shouts() -> None:
    """Without any bound two of the first fifty pause a campaign."""
    assert simulated(0.01, lambda hits, n: 100 * hits / n) > 15


@pytest.mark.parametrize(
    ("hits", "n", "z", "percent"),
    [(0, 100, 1.96, 0.0), (10, 100, 1.96, 5.5229), (5, 200, 1.96, 1.0720), (50, 100, 1.96, 40.3832), (100, 100, 1.96, 96.3005)],
)
def test_known_bounds(hits: int, n: int, z: float, percent: float) -> None:
    assert wilson.lower(hits, n, z) == pytest.approx(percent, abs=5e-4)


def test_the_bound_is_a_share() -> None:
    assert wilson.lower(0, 0) == 0
    for n in range(1, 250, 7):
        bounds = [wilson.lower(hits, n) for hits in range(n + 1)]
        assert bounds == sorted(bounds)
        assert all(0 <= bound <= 100 * hits / n for hits, bound in enumerate(bounds))


def test_the_proof_asked_for_falls_with_the_sample() -> None:
    assert wilson.z_of(1) == wilson.z_of(50) == 1.96
    assert wilson.z_of(200) == wilson.z_of(5_000) == pytest.approx(0.98)
    assert needed(wilson.lower)[50] == 3
    assert needed(wilson.lower)[200] == 6
