"""The drivers there are, by name. Who builds the program asks here; nobody else knows which driver is in use."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hantar.gateways import keeping, port
from hantar.gateways.cloud import driver as cloud, service
from hantar.gateways.simulator import driver, lines
from hantar.kit import upstream
from hantar.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a driver may need to be built: time, a folder of its own, the simulator's seed, where it keeps what (by its name).

    `cloud`: the Cloud API's base address and version; None: devices of that kind are not offered.
    """

    clock: Clock
    folder: Path
    seed: int = 1
    keeps: Callable[[str], keeping.Keeps] = keeping.nowhere
    cloud: tuple[str, str] | None = None


def _simulator(given: Surroundings) -> port.Driver:
    line = lines.Child(given.clock, given.folder / "simulator", seed=given.seed)
    return driver.SimulatorDriver(line, given.clock)


def _cloud(given: Surroundings) -> port.Driver | None:
    if given.cloud is None:
        return None
    base, version = given.cloud
    return cloud.CloudDriver(service.Service(upstream.Upstream(base), version), given.keeps("cloud"), given.clock)


DRIVERS: dict[str, Callable[[Surroundings], port.Driver | None]] = {"simulator": _simulator, "cloud": _cloud}
"""Name → how to build it; None: not here."""


def build(given: Surroundings) -> dict[str, port.Driver]:
    """One driver of each kind that is offered here, not yet started."""
    built = {name: make(given) for name, make in DRIVERS.items()}
    return {name: made for name, made in built.items() if made is not None}
