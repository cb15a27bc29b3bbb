"""The drivers there are, by name. Who builds the program asks here; nobody else knows which driver is in use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from typing import Any

from hantar.gateways import keeping, port
from hantar.gateways.cloud import driver as cloud, service
from hantar.gateways.linked import driver as linked, hosts
from hantar.gateways.simulator import driver, lines
from hantar.kit import upstream
from hantar.kit.clock import Clock


def linked_library() -> str | None:
    """The module that speaks to WhatsApp as a linked device; None where the library is not installed."""
    return "hantar.gateways.linked.whatsmeow" if util.find_spec("neonize") is not None else None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a driver may need to be built: time, a folder of its own, the simulator's seed, where it keeps what (by its name).

    `cloud`: the Cloud API's base address and version; `linked`: the module behind linked devices (`linked/client.py`) and its
    options. None: devices of that kind are not offered.
    """

    clock: Clock
    folder: Path
    seed: int = 1
    keeps: Callable[[str], keeping.Keeps] = keeping.nowhere
    cloud: tuple[str, str] | None = None
    linked: str | None = field(default_factory=linked_library)
    linked_options: Mapping[str, Any] = field(default_factory=dict)


def _simulator(given: Surroundings) -> port.Driver:
    line = lines.Child(given.clock, given.folder / "simulator", seed=given.seed)
    return driver.SimulatorDriver(line, given.clock)


def _cloud(given: Surroundings) -> port.Driver | None:
    if given.cloud is None:
        return None
    base, version = given.cloud
    door = upstream.Upstream(base, houses=service.HOUSES)
    return cloud.CloudDriver(service.Service(door, version), given.keeps("cloud"), given.clock)


def _linked(given: Surroundings) -> port.Driver | None:
    if given.linked is None:
        return None
    setup = hosts.Setup(given.folder / "linked", given.linked, given.linked_options, keeps=given.keeps("linked"))
    return linked.LinkedDriver(setup, given.clock)


DRIVERS: dict[str, Callable[[Surroundings], port.Driver | None]] = {"simulator": _simulator, "linked": _linked, "cloud": _cloud}
"""Name → how to build it; None: not here."""


def build(given: Surroundings) -> dict[str, port.Driver]:
    """One driver of each kind that is offered here, not yet started."""
    built = {name: make(given) for name, make in DRIVERS.items()}
    return {name: made for name, made in built.items() if made is not None}
