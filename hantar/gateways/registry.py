"""The drivers there are, by name. Who builds the program asks here; nobody else knows which driver is in use."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hantar.gateways import keeping, port
from hantar.gateways.simulator import driver, lines
from hantar.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a driver may need to be built: time, a folder of its own, the simulator's seed, where it keeps what (by its name)."""

    clock: Clock
    folder: Path
    seed: int = 1
    keeps: Callable[[str], keeping.Keeps] = keeping.nowhere


def _simulator(given: Surroundings) -> port.Driver:
    line = lines.Child(given.clock, given.folder / "simulator", seed=given.seed)
    return driver.SimulatorDriver(line, given.clock)


DRIVERS: dict[str, Callable[[Surroundings], port.Driver]] = {"simulator": _simulator}
"""Name → how to build it."""


def build(given: Surroundings) -> dict[str, port.Driver]:
    """One driver of each kind, not yet started."""
    return {name: make(given) for name, make in DRIVERS.items()}
