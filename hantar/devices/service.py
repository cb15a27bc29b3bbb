"""What one can do with devices: add, edit, delete, want them connected or stopped, and note what was observed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hantar.devices import model, store, words
from hantar.devices.model import DeviceId, Wanted
from hantar.gateways import port
from hantar.gateways.port import DeviceState as S
from hantar.kit import db, errors, ids, phone

SPANS = (
    ("per_minute", "minute", timedelta(minutes=1)),
    ("per_hour", "hour", timedelta(hours=1)),
    ("per_day", "day", timedelta(days=1)),
)
"""Limit, its column of the lane, length of its window."""


@dataclass(frozen=True, slots=True)
class New:
    """A device to add."""

    name: str
    driver: str
    phone: str | None = None
    limits: model.Limits = model.DEFAULT_LIMITS
    min_delay_seconds: float = 0.0
    max_delay_seconds: float = 0.0
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What to change; None keeps the value, an empty phone removes it."""

    name: str | None = None
    phone: str | None = None
    limits: model.Limits | None = None
    min_delay_seconds: float | None = None
    max_delay_seconds: float | None = None


async def page(tx: db.Tx, asked: model.Filter, limit: int) -> list[model.Device]:
    """Devices, the newest first."""
    return await store.page(tx, asked, limit)


async def count(tx: db.Tx, asked: model.Filter) -> int:
    """How many devices the filter means."""
    return await store.count(tx, asked)


async def find(tx: db.Tx, device_id: str, *, lock: bool = False) -> model.Device:
    """The device; raises `DeviceNotFound`."""
    found = await store.find(tx, device_id, lock=lock)
    if found is None:
        raise model.DeviceNotFound
    return found


async def figures(tx: db.Tx, devices: list[model.Device], time_zone: str) -> dict[str, model.Figures]:
    """Counts by device; today is today in this zone."""
    return await store.figures(tx, [each.id for each in devices], await tx.now(), time_zone)


async def create(tx: db.Tx, workspace_id: str, new: New) -> model.Device:
    """Add a device; raises `DeviceLimit` when the account has as many as it may have."""
    limit = await store.device_limit(tx, workspace_id)
    if await store.count(tx, model.Filter()) >= limit:
        raise model.DeviceLimit(limit=limit)
    _check_delays(new.min_delay_seconds, new.max_delay_seconds)
    now = await tx.now()
    made = model.Device(
        id=DeviceId(ids.new_id()),
        workspace_id=workspace_id,
        name=_name(new.name),
        phone=await _number(tx, workspace_id, new.phone) if new.phone else None,
        jid=None,
        driver=new.driver,
        wanted=Wanted.STOPPED,
        is_linked=False,
        state=S.NEW,
        state_reason=None,
        state_since=now,
        hold_until=None,
        last_seen_at=None,
        sending_paused=False,
        limits=new.limits,
        min_delay_seconds=new.min_delay_seconds,
        max_delay_seconds=new.max_delay_seconds,
        is_demo=new.is_demo,
        created_at=now,
        updated_at=now,
    )
    await store.add(tx, made)
    _tell_status(tx, made)
    return made


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise errors.invalid_field("name", "required", "Give the device a name.")
    if len(name) > model.NAME_LENGTH:
        raise errors.invalid_field("name", "too_long", f"A name has at most {model.NAME_LENGTH} characters.")
    return name


async def _number(tx: db.Tx, workspace_id: str, text: str) -> str:
    return phone.parse(text, await store.default_country(tx, workspace_id)).digits


async def number(tx: db.Tx, workspace_id: str, text: str) -> str:
    """A number as the workspace's people write it, as digits; raises `InvalidPhone`."""
    return await _number(tx, workspace_id, text)


def _check_delays(least: float, most: float) -> None:
    if most < least:
        raise errors.invalid_field("max_delay_seconds", "too_small", "The longest delay is below the shortest one.")


async def edit(tx: db.Tx, device_id: str, change: Edit) -> model.Device:
    """Change a device; raises `PhoneDiffers` when it is linked to another number."""
    before = await find(tx, device_id, lock=True)
    least = before.min_delay_seconds if change.min_delay_seconds is None else change.min_delay_seconds
    most = before.max_delay_seconds if change.max_delay_seconds is None else change.max_delay_seconds
    _check_delays(least, most)
    changed = replace(
        before,
        name=before.name if change.name is None else _name(change.name),
        phone=before.phone if change.phone is None else await _new_phone(tx, before, change.phone),
        limits=change.limits or before.limits,
        min_delay_seconds=least,
        max_delay_seconds=most,
    )
    if changed != before:
        changed = replace(changed, updated_at=await tx.now())
        await store.save(tx, changed)
        _tell_status(tx, changed)
    return changed


async def _new_phone(tx: db.Tx, device: model.Device, text: str) -> str | None:
    digits = await _number(tx, device.workspace_id, text) if text.strip() else None
    if device.is_linked and (digits is None or phone.canonical(digits) != phone.canonical(device.phone or "")):
        raise model.PhoneDiffers
    return device.phone if device.is_linked else digits


async def losses(tx: db.Tx, device_id: str) -> model.Losses:
    """What deleting this device would take along."""
    return await store.losses(tx, (await find(tx, device_id)).id)


async def delete(tx: db.Tx, device_id: str) -> tuple[model.Device, model.Losses]:
    """Delete a device with its leads, messages and lane; opt-outs and persons stay."""
    device = await find(tx, device_id, lock=True)
    lost = await store.losses(tx, device.id)
    await store.delete(tx, device.id)
    # whoever looks at lists or lanes hears that they changed
    tx.tell("device.deleted", device.workspace_id, device_id=device.id)
    tx.tell("device.status", device.workspace_id, device_id=device.id, **_status(S.STOPPED, "deleted", None))
    return device, lost


# ---------------------------------------------------------------------- wishes


async def want_connected(tx: db.Tx, device_id: str) -> model.Device:
    """Wish the device connected; a linked one is connecting from now on. Asking again changes nothing."""
    device = await find(tx, device_id, lock=True)
    now = await tx.now()
    if device.state is S.BANNED_UNTIL and device.hold_until is not None and device.hold_until > now:
        raise model.BannedUntil(next_at=device.hold_until)
    moved = replace(device, wanted=Wanted.CONNECTED)
    if device.is_linked and device.state not in model.LIVE | {S.BANNED_UNTIL}:
        moved = replace(moved, state=S.CONNECTING, state_reason=None, state_since=now)
    return await _change(tx, device, moved)


async def want_stopped(tx: db.Tx, device_id: str) -> model.Device:
    """Wish the line closed; the link stays. From this moment nothing more is claimed for the device."""
    device = await find(tx, device_id, lock=True)
    moved = replace(device, wanted=Wanted.STOPPED)
    now = await tx.now()
    if device.is_linked and device.state in model.LIVE:
        moved = replace(moved, state=S.STOPPED, state_reason="asked", state_since=now)
    elif device.state is S.PAIRING:
        back = S.LOGGED_OUT if device.jid else S.NEW
        moved = replace(moved, state=back, state_reason="pairing_stopped", state_since=now)
    return await _change(tx, device, moved)


async def set_paused(tx: db.Tx, device_id: str, paused: bool, reason: str | None = None) -> model.Device:
    """Stop or restart sending; the line stays open."""
    device = await find(tx, device_id, lock=True)
    if device.sending_paused == paused:
        return device
    moved = await _change(tx, device, replace(device, sending_paused=paused))
    words = "Sending was paused." if paused else "Sending goes on."
    if reason:
        words = f"{words} Reason: {reason}"
    await store.note(tx, moved, words, reason="paused" if paused else "resumed")
    return moved


async def logged_out(tx: db.Tx, device_id: str) -> model.Device:
    """Note that we logged the device out; number and name stay, so that it can be linked again."""
    device = await find(tx, device_id, lock=True)
    if not device.is_linked:
        return await want_stopped(tx, device_id)
    now = await tx.now()
    event = port.LoggedOut(device_id=device.id, event_id="asked", at=now, why="user")
    change = model.after(device, event, now)
    if change is not None:
        await observe(tx, device, change, event)
    return change.device if change else device


async def _change(tx: db.Tx, before: model.Device, moved: model.Device) -> model.Device:
    if moved == before:
        return before
    moved = replace(moved, updated_at=await tx.now())
    await store.save(tx, moved)
    if (before.state, before.state_reason) != (moved.state, moved.state_reason):
        await store.note(tx, moved, words.of(moved.state, moved.state_reason))
    _tell_status(tx, moved)
    return moved


# ---------------------------------------------------------------------- observations


async def observe(tx: db.Tx, before: model.Device, change: model.Change, event: port.Event) -> None:
    """Store what an event made of a device, and tell it."""
    after = change.device
    await store.save(tx, after)
    if change.words:
        await store.note(tx, after, change.words)
    if _status_of(before) != _status_of(after):
        _tell_status(tx, after)
    where = after.workspace_id
    if isinstance(event, port.PairSucceeded):
        tx.tell("device.paired", where, device_id=after.id, phone=after.phone, jid=after.jid)
    if after.state is S.LOGGED_OUT and before.is_linked:
        by = "user" if after.state_reason == "user" else "phone"
        tx.tell("device.logged_out", where, device_id=after.id, reason=after.state_reason, by=by)


def _status(state: S, reason: str | None, hold_until: datetime | None) -> dict[str, str | None]:
    until = hold_until.strftime("%Y-%m-%dT%H:%M:%SZ") if hold_until else None
    return {"status": model.status(state), "state": state.value, "state_reason": reason, "hold_until": until}


def _status_of(device: model.Device) -> dict[str, str | None]:
    return _status(device.state, device.state_reason, device.hold_until)


def _tell_status(tx: db.Tx, device: model.Device) -> None:
    tx.tell("device.status", device.workspace_id, device_id=device.id, **_status_of(device))


# ---------------------------------------------------------------------- health


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is well, and what to do if not."""

    name: str
    ok: bool
    advice: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """How a device is, in words and figures."""

    words: str
    allowance_left: dict[str, int]
    restriction_until: datetime | None
    restriction_mark: datetime | None
    checks: list[Check]


async def health(tx: db.Tx, device_id: str) -> Health:
    """How the device is and what is left of its limits."""
    device = await find(tx, device_id)
    now = await tx.now()
    left = await _allowance(tx, device, now)
    mark = await store.last_restriction(tx, device.id, now - model.RESTRICTION_MARK)
    until = device.hold_until if device.state in model.HELD else None
    checks = [
        Check("Linked", device.is_linked, None if device.is_linked else words.advice(S.LOGGED_OUT)),
        Check("Connected", device.state in model.HAS_LINE, None if device.state in model.HAS_LINE else _how(device)),
        Check("Sending", not device.sending_paused, "Press Resume to go on." if device.sending_paused else None),
        Check("Free of restrictions", mark is None, mark["words"] if mark else None),
        _limits_check(left),
    ]
    return Health(words.of(device.state, device.state_reason), left, until, mark["at"] if mark else None, checks)


def _how(device: model.Device) -> str:
    return words.advice(device.state)


def _limits_check(left: dict[str, int]) -> Check:
    empty = [span.removeprefix("per_") for span, count in left.items() if count <= 0]
    if not empty:
        return Check("Below its limits", True, None)
    return Check("Below its limits", False, f"The limit of this {empty[-1]} is used up; sending goes on by itself.")


async def _allowance(tx: db.Tx, device: model.Device, now: datetime) -> dict[str, int]:
    """What is left of each limit in its running window."""
    lane = await store.used(tx, device.id)
    left = {}
    for name, column, length in SPANS:
        limit = getattr(device.limits, name)
        is_running = lane is not None and now - lane[f"{column}_at"] < length
        left[name] = max(0, limit - lane[f"{column}_count"]) if is_running and lane is not None else limit
    return left


async def history(tx: db.Tx, device_id: str, before: str | None, limit: int) -> list[db.Row]:
    """The device's history, the newest first."""
    return await store.history(tx, (await find(tx, device_id)).id, before, limit)
