"""The world's front desk: every question that may be put to it, by name, for callers in the same process or another."""

import base64
from collections.abc import Callable
from typing import Any

from hantar.gateways import port
from hantar.gateways.simulator import faults, pairing, parcels
from hantar.gateways.simulator.world import World

Reply = Callable[[Any], None]


def serve(world: World, question: str, values: list[Any], reply: Reply) -> None:
    """Answer a question through `reply`; `PairingRefused` and `NotPaired` are raised. (Messages go to `World.send`.)"""
    reply(QUESTIONS[question](world, *values))


def _logout(world: World, device: port.DeviceRef) -> None:
    pairing.unlink(world, device.device_id, "user")


def _forget(world: World, device: port.DeviceRef) -> None:
    pairing.forget(world, device.device_id)


def _forget_people(world: World, names: list[str], device_ids: list[str]) -> None:
    world.forget_people(set(names), set(device_ids))


def _is_linked(world: World, device: port.DeviceRef) -> bool:
    known = world.phones.get(device.device_id)
    return known is not None and known.is_linked


def _check(world: World, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
    if not world.at(device.device_id).is_connected:
        raise port.NotPaired("The device is not connected.")
    return [world.check_number(each) for each in phones]


def _media(world: World, device: port.DeviceRef, ref: port.MediaRef) -> str | None:
    """The file in base64; None when the service has it no longer."""
    if not world.at(device.device_id).is_connected:
        raise port.NotPaired("The device is not connected.")
    parcel = parcels.read(ref.ref)
    is_there = parcel is not None and parcel.until > world.wall() and parcel.wire.startswith(f"IN-{device.device_id}-")
    return base64.b64encode(parcels.data(parcel)).decode() if parcel is not None and is_there else None


QUESTIONS: dict[str, Callable[..., Any]] = {
    "open": pairing.open_line,
    "pair_code": pairing.pair_code,
    "disconnect": pairing.close_line,
    "logout": _logout,
    "forget": _forget,
    "forget_people": _forget_people,
    "is_linked": _is_linked,
    "check": _check,
    "media": _media,
    "simulate": faults.simulate,
}
