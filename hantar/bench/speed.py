"""Runs that measure speed: a paced fleet and a drained queue. Each fills its world, then runs the engine and returns figures."""

import asyncio
import math
from dataclasses import dataclass
from typing import Any

from hantar.bench import world
from hantar.bench.spec import Spec
from hantar.bench.stand import Stand

MARGIN = 4.0
"""Seconds of messages beyond the ramp and the measure, so that no lane runs dry in it."""
LATENCY = (0.04, 0.06)
FIRST_TURN = 1.5
"""Seconds between the engine's start and the first lane's turn."""


def expected_rate(devices: int, least: float, most: float, latency: tuple[float, float] = LATENCY) -> float:
    """Messages a second of lanes whose gaps lie evenly between the bounds, with one message's answer between two gaps."""
    answer = sum(latency) / 2
    if most <= least:
        return devices / (least + answer)
    return devices * math.log((most + answer) / (least + answer)) / (most - least)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Devices at their pace, measured for so many seconds after the ramp."""

    devices: int
    least: float
    most: float
    seconds: float
    ramp: float | None = None
    """None: until most lanes had a turn."""
    receipts: bool = False
    name: str = "paced"

    @property
    def rise(self) -> float:
        """Seconds given to the start."""
        return min(self.most, 10.0) + FIRST_TURN if self.ramp is None else self.ramp

    @property
    def expected(self) -> float:
        """Messages a second that the gaps allow."""
        return expected_rate(self.devices, self.least, self.most)

    @property
    def queued(self) -> int:
        """As many as the run can send; each lane has the same number, so the fastest ones decide."""
        whole = self.rise + self.seconds + MARGIN
        return self.devices * (math.ceil(whole / (self.least + LATENCY[0])) + 1)

    def fill(self, stand: Stand) -> None:
        """Make the world."""
        stand.make(self.name, world.Size(self.devices, self.queued, self.least, self.most))

    def run(self, stand: Stand) -> dict[str, Any]:
        """Run the engine on it."""
        dsn = stand.named(self.name)
        asyncio.run(world.spread(dsn, FIRST_TURN))
        spec = Spec(
            dsn, stand.postmaster, self.queued, ramp=self.rise, seconds=self.seconds, latency=LATENCY, receipts=self.receipts
        )
        given = {"devices": self.devices, "gap_s": [self.least, self.most], "expected_per_s": round(self.expected, 1)}
        return given | _shown(stand.measure(spec))


@dataclass(frozen=True, slots=True)
class Drain:
    """A queue sent without any delay, until it is empty or the time is over."""

    devices: int
    messages: int
    seconds: float
    latency: tuple[float, float] = LATENCY
    name: str = "drain"

    def fill(self, stand: Stand) -> None:
        """Make the world."""
        stand.make(self.name, world.Size(self.devices, self.messages))

    def run(self, stand: Stand) -> dict[str, Any]:
        """Run the engine on it."""
        spec = Spec(
            stand.named(self.name),
            stand.postmaster,
            self.messages,
            ramp=0.0,
            seconds=self.seconds,
            latency=self.latency,
            drains=True,
        )
        return {"devices": self.devices, "queued": self.messages} | _shown(stand.measure(spec))


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """Without what is of use to the runs alone."""
    return {name: value for name, value in found.items() if name != "first_sent_at"}
