"""Linking and connecting in the simulated world: rotating codes, the scan, the reconnect after it, history, logging out."""

from datetime import timedelta

from hantar.gateways import port
from hantar.gateways.simulator import chance, phone
from hantar.gateways.simulator.phone import instant
from hantar.gateways.simulator.world import World


def open_line(world: World, ref: port.DeviceRef) -> None:
    """Connect a linked device, or show codes for one without a link. Asking again changes nothing."""
    device = world.at(ref.device_id)
    device.wanted = ref.phone or device.wanted
    device.trouble.is_replaced = False
    if not device.is_linked:
        if device.pairing is None:
            _start_pairing(world, device)
        return
    device.is_open = True
    if device.is_connected:
        _tell_connected(world, device)
    else:
        _connect_soon(world, device)


def _connect_soon(world: World, device: phone.Phone) -> None:
    device.opened += 1
    draw = chance.draws(world.seed, "connect", device.device_id, device.opened)
    world.later(chance.between(world.options.connect, draw[0]), connect, world, device.device_id, device.opened)


def connect(world: World, device_id: str, opened: int) -> None:
    """The line opens, or the service says why not."""
    device = world.phones.get(device_id)
    if device is None or not device.is_open or not device.is_linked or device.opened != opened:
        return
    trouble, now, at = device.trouble, world.wall(), world.clock.now()
    event_id = f"{device_id}:{opened}:{now}"
    if trouble.is_refused:
        world.tell(port.Refused(device_id=device_id, event_id=event_id, at=at, why="banned"))
    elif trouble.banned_until > now:
        until = instant(trouble.banned_until)
        world.tell(port.TemporaryBan(device_id=device_id, event_id=event_id, at=at, until=until, code=trouble.ban_code))
    elif trouble.is_outdated:
        world.tell(port.ClientOutdated(device_id=device_id, event_id=event_id, at=at))
    elif trouble.is_replaced:
        world.tell(port.StreamReplaced(device_id=device_id, event_id=event_id, at=at))
    elif trouble.offline_until > now:
        world.tell(port.Disconnected(device_id=device_id, event_id=event_id, at=at, why="no_network", will_retry=True))
        if trouble.offline_until < phone.FOREVER:  # the client comes back by itself
            world.push(trouble.offline_until, connect, world, device_id, opened)
    else:
        _connected(world, device)


def _connected(world: World, device: phone.Phone) -> None:
    is_first = not device.has_history
    device.is_connected = device.has_history = True
    device.trouble.silent_until = 0.0  # a new client answers again
    _tell_connected(world, device)
    if is_first:
        world.later(0.3, _history, world, device.device_id, 1)
        world.later(0.6, _history, world, device.device_id, 2)


def _tell_connected(world: World, device: phone.Phone) -> None:
    at, until = world.clock.now(), device.trouble.restricted_until
    event_id = f"{device.device_id}:{device.opened}:{world.wall()}"
    world.tell(port.Connected(device_id=device.device_id, event_id=event_id, at=at))
    if until > world.wall():
        end = instant(until) if until < phone.FOREVER else None
        world.tell(port.ReachOutLocked(device_id=device.device_id, event_id=f"{event_id}:locked", at=at, until=end))


def _history(world: World, device_id: str, piece: int) -> None:
    """Two pieces that share a message, as real history sync does."""
    now = world.clock.now()
    messages = tuple(_old_message(world, device_id, number) for number in range(piece, piece + 3))
    world.tell(port.HistoryBatch(device_id=device_id, event_id=f"{device_id}:history:{piece}", at=now, messages=messages))


def _old_message(world: World, device_id: str, number: int) -> port.MessageReceived:
    draw = chance.draws(world.seed, "history", device_id, number)
    wire = f"OLD-{device_id}-{number}"
    at = world.clock.now() - timedelta(hours=1 + int(draw[1] * 200))
    sender = port.Address(f"6017{int(draw[0] * 10**7):07d}")
    text = "Is this still available?"
    return port.MessageReceived(device_id=device_id, event_id=wire, at=at, sender=sender, wire_id=wire, text=text)


# ---------------------------------------------------------------------- codes


def _start_pairing(world: World, device: phone.Phone) -> phone.Pairing:
    device.pairings += 1
    device.pairing = phone.Pairing(device.pairings)
    rotate(world, device.device_id, device.pairings)
    return device.pairing


def rotate(world: World, device_id: str, number: int) -> None:
    """Show the next code; after the last one the pairing has failed."""
    device = world.phones.get(device_id)
    pairing = device.pairing if device else None
    if device is None or pairing is None or pairing.number != number:
        return
    event_id, at = f"{device_id}:pair:{number}:{pairing.attempt + 1}:{world.wall()}", world.clock.now()
    if pairing.attempt == phone.CODES:
        device.pairing = None
        world.tell(port.PairFailed(device_id=device_id, event_id=event_id, at=at, why="expired"))
        return
    pairing.attempt += 1
    seconds = phone.FIRST_CODE_SECONDS if pairing.attempt == 1 else phone.NEXT_CODE_SECONDS
    pairing.code, pairing.code_ends = phone.qr_text(world.seed, device, pairing), world.wall() + seconds
    world.tell(
        port.QrCode(
            device_id=device_id,
            event_id=event_id,
            at=at,
            code=pairing.code,
            expires_at=instant(pairing.code_ends),
            attempt=pairing.attempt,
        )
    )
    world.later(seconds, rotate, world, device_id, number)


def pair_code(world: World, ref: port.DeviceRef, digits: str) -> port.PairCode:
    """Eight characters to type on the phone with this number."""
    device = world.at(ref.device_id)
    if device.is_linked:
        raise port.PairingRefused("This device is already linked.")
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15) or digits.startswith("0"):
        raise port.PairingRefused("Give the number with its country code.")
    pairing = _start_pairing(world, device)  # so that the code lives as long as the pairing
    pairing.typed, pairing.typed_for = phone.pair_text(world.seed, device, pairing, digits), digits
    pairing.typed_ends = world.wall() + phone.PAIR_CODE_SECONDS
    event = port.PairCode(
        device_id=device.device_id,
        event_id=f"{device.device_id}:typed:{pairing.number}:{world.wall()}",
        at=world.clock.now(),
        code=pairing.typed,
        expires_at=instant(pairing.typed_ends),
    )
    world.tell(event)
    return event


def scan(world: World, ref: port.DeviceRef, digits: str | None, code: str | None) -> str:
    """A phone scans the picture, or types a code; returns the number of that phone. Wrong and late codes are refused."""
    device = world.at(ref.device_id)
    pairing = device.pairing
    if pairing is None:
        raise port.PairingRefused("No code is shown just now.")
    number = digits or device.wanted or phone.own_number(world.seed, device.device_id)
    if code is not None:
        number = _typed(world, pairing, code, number)
    device.pairing = None
    draw = chance.draws(world.seed, "link", device.device_id, pairing.number)
    world.later(chance.between(world.options.linking, draw[0]), link, world, device.device_id, number)
    return number


def _typed(world: World, pairing: phone.Pairing, code: str, number: str) -> str:
    if code == pairing.code:
        return number
    plain = code.replace("-", "").replace(" ", "").upper()
    if pairing.typed is None or plain != pairing.typed or pairing.typed_for is None:
        raise port.PairingRefused("The code is wrong.")
    if world.wall() >= pairing.typed_ends:
        raise port.PairingRefused("The code is too old.")
    return pairing.typed_for


def link(world: World, device_id: str, number: str) -> None:
    """The service has taken the device in; the client connects again at once."""
    device = world.phones.get(device_id)
    if device is None or device.is_linked:
        return
    device.links += 1
    device.phone, device.jid = number, f"{number}:{device.links}@s.whatsapp.net"
    device.trouble = phone.Trouble()
    world.write(device_id, "linked", phone=number, jid=device.jid)
    event_id = f"{device_id}:linked:{device.links}:{world.wall()}"
    at = world.clock.now()
    world.tell(port.PairSucceeded(device_id=device_id, event_id=event_id, at=at, phone=number, jid=device.jid))
    device.is_open = True
    _connect_soon(world, device)


# ---------------------------------------------------------------------- endings


def close_line(world: World, ref: port.DeviceRef) -> None:
    """Close the line; the link stays. A pairing under way ends."""
    device = world.at(ref.device_id)
    was_busy = device.is_open or device.pairing is not None
    device.is_open = device.is_connected = False
    device.pairing = None
    if was_busy:
        event_id = f"{ref.device_id}:closed:{world.wall()}"
        world.tell(
            port.Disconnected(device_id=ref.device_id, event_id=event_id, at=world.clock.now(), why="asked", will_retry=False)
        )


def unlink(world: World, device_id: str, why: str) -> None:
    """Destroy the link: by the phone (`phone`) or by us (`user`)."""
    device = world.at(device_id)
    device.is_open = device.is_connected = device.has_history = False
    device.pairing = None
    if device.is_linked:
        device.phone = device.jid = None
        world.write(device_id, "unlinked", by=why)
        event_id = f"{device_id}:unlinked:{device.links}:{world.wall()}"
        world.tell(port.LoggedOut(device_id=device_id, event_id=event_id, at=world.clock.now(), why=why))


def forget(world: World, device_id: str) -> None:
    """Drop everything known about a deleted device."""
    if device_id in world.phones:
        del world.phones[device_id]
        world.write(device_id, "forgotten")
