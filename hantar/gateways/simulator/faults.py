"""Trouble on request: what the simulator panel and `POST /api/devices/{id}/simulate` can make happen."""

from collections.abc import Callable
from typing import Any

from hantar.gateways import port
from hantar.gateways.simulator import pairing, parcels, phone
from hantar.gateways.simulator.phone import instant
from hantar.gateways.simulator.world import World

Done = dict[str, str]


def simulate(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    """Make it happen; returns plain facts about what was done. `PairingRefused` says why it cannot."""
    act = ACTIONS.get(wish.action)
    if act is None:
        raise port.PairingRefused(f"The simulator knows no {wish.action}.")
    return act(world, ref, wish)


def _scan(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    return {"phone": pairing.scan(world, ref, wish.phone, wish.code)}


def _linked(world: World, ref: port.DeviceRef) -> phone.Phone:
    device = world.at(ref.device_id)
    if not device.is_linked:
        raise port.PairingRefused("The device is not linked.")
    return device


def _inbound(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    if not device.is_connected:
        raise port.PairingRefused("The device is not connected, so nothing arrives.")
    sender = wish.phone or phone.own_number(world.seed, f"stranger of {ref.device_id}")
    device.warm |= {each for each in (sender, wish.opaque) if each}
    device.received += 1
    now = world.wall()
    kind = wish.extra.get("media")
    if kind is not None and kind not in parcels.SIZES:
        raise port.PairingRefused(f"The simulator sends no {kind}.")
    text = wish.text or ("" if kind else "Hello!")
    more: dict[str, Any] = {"from": sender, "text": text, "due": now}
    more |= {"wire": f"IN-{ref.device_id}-{device.received}-{int(now * 1000)}", "opaque": wish.opaque}
    if kind is not None:
        more |= {"media": kind, "until": now + float(wish.extra.get("media_seconds", parcels.KEPT))}
    more |= {"quoted": wish.extra.get("quoted"), "name": wish.extra.get("name", ""), "group": wish.extra.get("group")}
    if wish.opaque and wish.extra.get("identity") != "never":
        more["linked_due"] = now + float(wish.for_seconds or 5.0)
        world.push(more["linked_due"], world.link_identity, ref.device_id, more)
    world.write(ref.device_id, "inbound", **more)
    world.do(world.arrive, ref.device_id, more)
    return {"wire_id": str(more["wire"]), "from": sender}


def _opt_out(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    """A person blocks us or reports us, and the service says so."""
    device = _linked(world, ref)
    sender = wish.phone or phone.own_number(world.seed, f"stranger of {ref.device_id}")
    who = port.Address(None if wish.opaque else sender, wish.opaque)
    words = _told(world, device, f"{wish.action}:{sender}")
    world.tell(port.OptOut(**words, who=who, way="block" if wish.action == "block" else "complaint"))
    return {"from": sender}


def _until(world: World, wish: port.SimulatorAction, otherwise: float) -> float:
    return min(phone.FOREVER, world.wall() + wish.for_seconds) if wish.for_seconds is not None else otherwise


def _note(world: World, device: phone.Phone, fault: str, until: float) -> None:
    world.write(device.device_id, "fault", fault=fault, until=until)


def _told(world: World, device: phone.Phone, fault: str) -> dict[str, Any]:
    """The words every event has."""
    event_id = f"{device.device_id}:{fault}:{world.wall()}"
    return {"device_id": device.device_id, "event_id": event_id, "at": world.clock.now()}


def _offline(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    device.trouble.offline_until = _until(world, wish, phone.FOREVER)
    device.is_connected = False
    device.opened += 1
    _note(world, device, "offline", device.trouble.offline_until)
    world.tell(port.Disconnected(**_told(world, device, "offline"), why="no_network", will_retry=True))
    if device.trouble.offline_until < phone.FOREVER:
        world.push(device.trouble.offline_until, pairing.connect, world, device.device_id, device.opened)
    return {}


def _online(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    was_locked = device.trouble.restricted_until > world.wall()
    device.trouble = phone.Trouble()
    _note(world, device, "online", 0.0)
    if was_locked:
        world.tell(port.ReachOutLocked(**_told(world, device, "unlocked"), until=world.clock.now()))
    pairing.open_line(world, ref)
    return {}


def _log_out(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    _linked(world, ref)
    pairing.unlink(world, ref.device_id, "phone")
    return {}


def _restrict(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    device.trouble.restricted_until = _until(world, wish, phone.FOREVER)
    _note(world, device, "restrict", device.trouble.restricted_until)
    end = instant(device.trouble.restricted_until) if wish.for_seconds is not None else None
    world.tell(port.ReachOutLocked(**_told(world, device, "restrict"), until=end))
    return {}


def _ban(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    trouble = device.trouble
    trouble.banned_until, trouble.is_refused = _until(world, wish, phone.FOREVER), wish.for_seconds is None
    trouble.ban_code = int(wish.extra.get("code", "101"))
    device.is_connected = False
    _note(world, device, "ban", trouble.banned_until)
    if trouble.is_refused:
        world.tell(port.Refused(**_told(world, device, "ban"), why="banned"))
    else:
        until = instant(trouble.banned_until)
        world.tell(port.TemporaryBan(**_told(world, device, "ban"), until=until, code=trouble.ban_code))
    return {}


def _replace(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    device.trouble.is_replaced = True
    device.is_connected = device.is_open = False
    _note(world, device, "replace", 0.0)
    world.tell(port.StreamReplaced(**_told(world, device, "replace")))
    return {}


def _outdate(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    device.trouble.is_outdated = True
    device.is_connected = False
    _note(world, device, "outdate", 0.0)
    world.tell(port.ClientOutdated(**_told(world, device, "outdate")))
    return {}


def _elsewhere(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    """The owner writes to somebody on the phone itself."""
    device = _linked(world, ref)
    device.received += 1
    wire = f"OUT-{ref.device_id}-{device.received}"
    to = port.Address(wish.phone or phone.own_number(world.seed, f"stranger of {ref.device_id}"))
    words = {**_told(world, device, "elsewhere"), "to": to, "wire_id": wire, "text": wish.text or "Hello!"}
    world.tell(port.MessageSentElsewhere(**words))
    return {"wire_id": wire}


def _rate_limit(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    trouble = _linked(world, ref).trouble
    trouble.slow_until, trouble.last_try = _until(world, wish, world.wall() + 60.0), world.wall()
    _note(world, world.at(ref.device_id), "rate_limit", trouble.slow_until)
    return {"slow_down_to_seconds": str(trouble.slow_gap)}


def _silent(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    device = _linked(world, ref)
    device.trouble.silent_until = _until(world, wish, phone.FOREVER)
    _note(world, device, "silent", device.trouble.silent_until)
    return {}


def _messages(world: World, ref: port.DeviceRef, wish: port.SimulatorAction) -> Done:
    """Refuse messages, or lose the answers to them: all for a while, or the next one (to that number)."""
    device = _linked(world, ref)
    if wish.for_seconds is not None:
        device.trouble.during[wish.action] = _until(world, wish, 0.0)
    else:
        device.trouble.once.append((wish.action, wish.phone))
    _note(world, device, wish.action, device.trouble.during.get(wish.action, 0.0))
    return {}


ACTIONS: dict[str, Callable[[World, port.DeviceRef, port.SimulatorAction], Done]] = {
    "scan": _scan,
    "inbound": _inbound,
    "block": _opt_out,
    "complain": _opt_out,
    "offline": _offline,
    "online": _online,
    "log_out": _log_out,
    "restrict": _restrict,
    "ban": _ban,
    "replace": _replace,
    "rate_limit": _rate_limit,
    "reject": _messages,
    "lose_ack": _messages,
    "lose_trace": _messages,  # the answer and every receipt
    "reject_late": _messages,
    "silent": _silent,
    "outdate": _outdate,
    "sent_elsewhere": _elsewhere,
}
