"""The rig of linked devices: real session hosts in processes of their own, with a scripted library in them."""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hantar.gateways import keeping, port
from hantar.gateways.linked import driver, hosts, limits, watch
from hantar.kit import clock
from tests.contract import rigs

LIBRARY = "tests.gateways.linked.fake"


class LinkedRig(rigs.Rig):
    """A started driver over session hosts; what a test wants of the world goes to the host that has the device."""

    driver: driver.LinkedDriver

    def __init__(
        self,
        folder: Path,
        options: Mapping[str, Any],
        most: int,
        keeps: keeping.Keeps | None,
        beat: float,
        machine: Callable[[], limits.Machine] = limits.read,
    ) -> None:
        self.control = folder / "control"
        self.control.mkdir(exist_ok=True)
        world = dataclasses.asdict(rigs.FAST)
        del world["caller_ids"]
        given = {"control": str(self.control), "world": world | dict(options.get("world", {}))}
        self.setup = hosts.Setup(folder / "linked", LIBRARY, dict(options) | given, most, keeps, beat, machine)
        time = clock.SystemClock()
        super().__init__(driver.LinkedDriver(self.setup, time), time)  # type: ignore[arg-type] # narrowed above

    async def does(self, device: port.DeviceRef, action: str, **more: Any) -> dict[str, str]:
        """Ask the world of the device's host for something; raises `PairingRefused`."""
        reader, writer = await asyncio.open_unix_connection(str(self.control / str(self.driver.pid_of(device.device_id))))
        writer.write(json.dumps({"device": device.device_id, "action": action, "more": more}).encode() + b"\n")
        said = json.loads(await asyncio.wait_for(reader.readline(), 30) or '{"done": {}}')
        writer.close()
        if "refused" in said:
            raise port.PairingRefused(said["refused"])
        done: dict[str, str] = said["done"]
        return done

    def effects(self, ref: str | None = None) -> list[dict[str, Any]]:
        """What reached the world, in all hosts' lives."""
        lines = [json.loads(each) for each in (self.control / "effects").read_text().splitlines()]
        return [each for each in lines if each["effect"] == "sent" and ref in (None, each["ref"])]


async def start(
    folder: Path,
    options: Mapping[str, Any] | None = None,
    *,
    most: int = watch.MOST,
    keeps: keeping.Keeps | None = None,
    beat: float = watch.BEAT,
    machine: Callable[[], limits.Machine] = limits.read,
) -> LinkedRig:
    """Linked devices with the scripted library."""
    rig = LinkedRig(folder, options or {}, most, keeps, beat, machine)
    await rig.driver.start(rig.many)
    return rig
