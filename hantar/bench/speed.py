"""Runs that measure speed: a paced fleet and a drained queue. Each fills its world, runs the engine and returns figures."""

import asyncio
import math
from typing import Any

from hantar.bench import world
from hantar.bench.spec import Spec
from hantar.bench.stand import Stand

MARGIN = 4.0
"""Seconds of messages beyond the ramp and the measure, so that no lane runs dry in it."""
LATENCY = (0.04, 0.06)
FULL_TURN = 1.0
"""Seconds between the engine's start and the first lane's turn."""


def expected_rate(devices: int, least: float, most: float, latency: tuple[float, float] = LATENCY) -> float:
    """Messages a second of lanes whose gaps lie evenly between the bounds, with one message's answer between two gaps."""
    answer = sum(latency) / 2
    if most <= least:
        return devices / (least + answer)
    return devices * math.log((most + answer) / (least + answer)) / (most - least)


def paced(
    stand: Stand,
    *,
    devices: int,
    least: float,
    most: float,
    seconds: float,
    ramp: float | None = None,
    receipts: bool = False,
    name: str = "paced",
) -> dict[str, Any]:
    """A fleet at its pace for so many seconds after the ramp."""
    rise = min(most, 10.0) + FULL_TURN if ramp is None else ramp
    each = math.ceil((rise + seconds + MARGIN) / (least + LATENCY[0])) + 1
    queued = round(min(devices * each, 1.15 * (rise + seconds + MARGIN) * expected_rate(devices, least, most) + 2 * devices))
    dsn = stand.make(name, world.Size(devices, queued, least, most))
    asyncio.run(world.spread(dsn, FULL_TURN))
    spec = Spec(dsn, stand.postmaster, queued, ramp=rise, seconds=seconds, latency=LATENCY, receipts=receipts)
    found = stand.measure(spec)
    stand.drop(name)
    expected = expected_rate(devices, least, most)
    return {"devices": devices, "gap_s": [least, most], "expected_per_s": round(expected, 1)} | found


def drain(
    stand: Stand, *, devices: int, messages: int, seconds: float, latency: tuple[float, float] = LATENCY, name: str = "drain"
) -> dict[str, Any]:
    """A queue sent without any delay, until it is empty or the time is over."""
    dsn = stand.make(name, world.Size(devices, messages))
    spec = Spec(dsn, stand.postmaster, messages, ramp=0.0, seconds=seconds, latency=latency, drains=True)
    found = stand.measure(spec)
    stand.drop(name)
    return {"devices": devices, "queued": messages} | found
