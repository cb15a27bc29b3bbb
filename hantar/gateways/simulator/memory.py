"""What a world remembers over a restart: from the ledger's lines, or from a snapshot that stands for them.

Both must come to the same: links, tokens, troubles, who is known, the ids that were sent, and what has not been told yet.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from hantar.gateways.simulator import chance, ledger, phone

Act = Callable[..., None]
Planned = tuple[float, int, float, Act, tuple[Any, ...]]
"""When by the monotonic clock, a number that keeps the order, seconds since 1970, what to do and with what."""


class World(Protocol):
    """What a world lets us see and fill."""

    seed: int
    clock: Any
    options: chance.Options
    phones: dict[str, phone.Phone]
    due: list[Planned]
    effects: OrderedDict[str, tuple[str, float]]
    tries: OrderedDict[str, int]

    @property
    def lasting(self) -> tuple[Act, ...]: ...

    def arrive(self, device_id: str, more: dict[str, Any]) -> None: ...
    def link_identity(self, device_id: str, more: dict[str, Any]) -> None: ...
    def at(self, device_id: str) -> phone.Phone: ...
    def push(self, stamp: float, action: Act, *values: Any) -> None: ...
    def untaken(self) -> Iterable[Planned]: ...
    def next_try(self, ref: str) -> int: ...
    def spend_try(self, ref: str, attempt: int) -> None: ...
    def remember(self, ref: str, wire: str, stamp: float, attempt: int) -> None: ...
    def traits(self, who: str) -> chance.Traits: ...
    def plan_receipts(
        self,
        device_id: str,
        to: str,
        wire: str,
        sent: float,
        lot: bytes,
        person: chance.Traits,
        fault: str | None,
        ahead: float,
        marked: float,
    ) -> None: ...
    def wall(self) -> float: ...
    def turn(self) -> int: ...


LATEST = 8 * 3600.0
"""Seconds after which no receipt of a message comes any more, at the pace of `Options.receipts` = 1."""
_TROUBLES = ("offline_until", "banned_until", "is_refused", "is_outdated", "restricted_until", "slow_until")
"""Troubles that outlive a restart."""


def restore(world: World, book: ledger.Ledger) -> None:
    """Take up where the ledger ends; what was told and taken is not told again."""
    marked = book.marked()
    found = book.snapshot()
    if found is not None:
        _recall(world, found, marked)
    ahead = world.clock.monotonic() - world.wall()
    for line in book.since():
        device_id = line.get("device")
        if not device_id:
            continue
        if line["effect"] == "sent":
            _sent(world, device_id, line, ahead, marked)
        else:
            _read(world, device_id, line, marked)


def _sent(world: World, device_id: str, line: ledger.Line, ahead: float, marked: float) -> None:
    device, token = world.phones.get(device_id) or world.at(device_id), line.get("token") or 0
    device.token = max(device.token, token)
    stamp, ref, to, wire = datetime.fromisoformat(line["at"]).timestamp(), line["ref"], line["to"], line["wire"]
    attempt = world.next_try(ref)
    world.remember(ref, wire, stamp, attempt)
    if stamp + LATEST * max(1.0, world.options.receipts) < marked:
        return
    lot = chance.message_lot(world.seed, device_id, to, ref, attempt)
    world.plan_receipts(device_id, to, wire, stamp, lot, world.traits(to), line["fault"], ahead, marked)


def _read(world: World, device_id: str, line: ledger.Line, marked: float) -> None:
    effect = line["effect"]
    if effect == "forgotten":
        world.phones.pop(device_id, None)
        return
    phone.restore(world.at(device_id), line)
    if effect == "inbound":
        _inbound(world, line, marked)
    elif effect in ("refused", "none"):
        world.spend_try(line["ref"], world.next_try(line["ref"]))


def _inbound(world: World, line: ledger.Line, marked: float) -> None:
    more = line["more"]
    if more["due"] >= marked:
        world.push(more["due"], world.arrive, line["device"], more)
    if more.get("linked_due", 0.0) >= marked:
        world.push(more["linked_due"], world.link_identity, line["device"], more)


# ---------------------------------------------------------------------- snapshots


def state(world: World) -> ledger.State:
    """All of it as plain values, in long rows: a quarter of a million ids in a tenth of a second."""
    due: dict[str, list[Any]] = {action.__name__: [] for action in world.lasting}
    for _, _, stamp, action, values in [*world.untaken(), *world.due]:
        if (rows := due.get(action.__name__)) is not None:
            rows.append([stamp, *values])
    refs = list(world.effects)
    wires = [wire for wire, _ in world.effects.values()]
    return {
        "devices": [_plain(each) for each in world.phones.values()],
        "refs": refs,
        "wires": None if wires == refs else wires,
        "stamps": [round(stamp * 1e6) for _, stamp in world.effects.values()],
        "tries": list(world.tries.items()),
        "due": due,
    }


def without(found: ledger.State, names: set[str], device_ids: set[str]) -> ledger.State:
    """A snapshot in which these devices know nothing of these numbers and ids."""
    devices = [
        [device_id, *link, [each for each in warm if device_id not in device_ids or each not in names], trouble]
        for device_id, *link, warm, trouble in found["devices"]
    ]
    due = {kind: [row for row in rows if not concerns(row[1:], names, device_ids)] for kind, rows in found["due"].items()}
    return {**found, "devices": devices, "due": due}


def concerns(values: Sequence[Any], names: set[str], device_ids: set[str]) -> bool:
    """Whether what is planned with these values, a device before all others, holds one of these names."""
    if not values or values[0] not in device_ids:
        return False
    held = (each for value in values[1:] for each in (value.values() if isinstance(value, dict) else (value,)))
    return any(isinstance(each, str) and each in names for each in held)


def _plain(device: phone.Phone) -> list[Any]:
    trouble = {name: value for name in _TROUBLES if (value := getattr(device.trouble, name))}
    link = [device.phone, device.jid, device.token, device.links, device.received, device.has_history]
    return [device.device_id, *link, sorted(device.warm), trouble]


def _recall(world: World, found: ledger.State, marked: float) -> None:
    for device_id, *link, warm, trouble in found["devices"]:
        device = world.phones[device_id] = phone.Phone(device_id, warm=set(warm), trouble=phone.Trouble(**trouble))
        device.phone, device.jid, device.token, device.links, device.received, device.has_history = link
    stamps = [stamp / 1e6 for stamp in found["stamps"]]
    world.effects = OrderedDict(zip(found["refs"], zip(found["wires"] or found["refs"], stamps, strict=True), strict=True))
    world.tries = OrderedDict(found["tries"])
    ahead = world.clock.monotonic() - world.wall()
    for action in world.lasting:
        rows = [row for row in found["due"][action.__name__] if row[0] >= marked]
        world.due += [(ahead + row[0], world.turn(), row[0], action, tuple(row[1:])) for row in rows]
    heapq.heapify(world.due)
