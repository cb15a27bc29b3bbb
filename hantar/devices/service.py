"""What one can do with devices: add, edit, delete, want them connected or stopped, and note what was observed."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from hantar.audit import service as audit
from hantar.devices import model, store, words
from hantar.devices.model import DeviceId, Wanted
from hantar.gateways import port
from hantar.gateways.port import DeviceState as S
from hantar.kit import db, errors, ids, phone
from hantar.policy import service as policy
from hantar.policy.model import Effective

LIMITS = ("per_minute", "per_hour", "per_day")
AS_USUAL = model.SomeLimits()


@dataclass(frozen=True, slots=True)
class New:
    """A device to add."""

    name: str
    driver: str
    phone: str | None = None
    limits: model.Limits | model.SomeLimits = AS_USUAL
    min_delay_seconds: float = 0.0
    max_delay_seconds: float = 0.0
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What to change; None keeps the value, an empty phone removes it."""

    name: str | None = None
    phone: str | None = None
    limits: model.SomeLimits | None = None
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
    """Add a device; raises `DeviceLimit` when the account has as many as it may have, `Invalid` for limits above the rules."""
    limit = await store.device_limit(tx, workspace_id)
    if await store.count(tx, model.Filter()) >= limit:
        raise model.DeviceLimit(limit=limit)
    _check_delays(new.min_delay_seconds, new.max_delay_seconds)
    base = model.CLOUD_LIMITS if new.driver == "cloud" else model.DEFAULT_LIMITS
    asked = model.SomeLimits(*(getattr(new.limits, name) for name in LIMITS))
    await _check_limits(tx, workspace_id, "demo" if new.is_demo else new.driver, asked)
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
        limits=asked.over(base),
        min_delay_seconds=new.min_delay_seconds,
        max_delay_seconds=new.max_delay_seconds,
        is_demo=new.is_demo,
        created_at=now,
        updated_at=now,
    )
    await store.add(tx, made)
    tell_status(tx, made)
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


async def _check_limits(tx: db.Tx, workspace_id: str, kind: str, asked: model.SomeLimits) -> None:
    """Raise `Invalid` naming each rule that allows less than was asked for, and who can change it."""
    rules = (await policy.of(tx, workspace_id, kind)).rules
    wrong = []
    for name in LIMITS:
        wanted, most = getattr(asked, name), getattr(rules, f"device_{name}")
        if wanted is not None and wanted > most:
            message = f"The rules allow {most} here. An owner can change that under Rules, as far as the hard limit goes."
            wrong.append(errors.FieldError(f"limits.{name}", "above_policy", message))
    if wrong:
        named = [f"device_{each.field.removeprefix('limits.')}" for each in wrong]
        raise errors.Invalid(errors=wrong, rules=named, who_may_loosen="owner")


def _raised(before: model.Limits, asked: model.SomeLimits) -> model.SomeLimits:
    """What was asked for beyond what the device has already."""
    pairs = ((getattr(asked, name), getattr(before, name)) for name in LIMITS)
    return model.SomeLimits(*(wanted if wanted is not None and wanted > had else None for wanted, had in pairs))


async def edit(tx: db.Tx, device_id: str, change: Edit) -> model.Device:
    """Change a device; raises `PhoneDiffers` when it is linked to another number, `Invalid` for limits above the rules."""
    before = await find(tx, device_id, lock=True)
    if change.limits is not None:
        await _check_limits(tx, before.workspace_id, before.rules_kind, _raised(before.limits, change.limits))
    least = before.min_delay_seconds if change.min_delay_seconds is None else change.min_delay_seconds
    most = before.max_delay_seconds if change.max_delay_seconds is None else change.max_delay_seconds
    _check_delays(least, most)
    changed = replace(
        before,
        name=before.name if change.name is None else _name(change.name),
        phone=before.phone if change.phone is None else await _new_phone(tx, before, change.phone),
        limits=change.limits.over(before.limits) if change.limits else before.limits,
        min_delay_seconds=least,
        max_delay_seconds=most,
    )
    if changed != before:
        changed = replace(changed, updated_at=await tx.now())
        await store.save(tx, changed)
        tell_status(tx, changed)
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
    """Wish the device connected; a linked one is connecting from now on. Asking again changes nothing.

    Raises `BannedUntil` before the end of a ban, and within 15 minutes of the last try after one.
    """
    device = await find(tx, device_id, lock=True)
    now = await tx.now()
    if device.state is S.BANNED_UNTIL and device.hold_until is not None and device.hold_until > now:
        raise model.BannedUntil(next_at=device.hold_until)
    moved = replace(device, wanted=Wanted.CONNECTED)
    if device.is_linked and device.probe_at is not None:
        if now < device.probe_at + model.PROBE_EVERY:
            raise model.TriedLately(next_at=device.probe_at + model.PROBE_EVERY)
        moved = replace(moved, probe_at=now)
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


async def pause(
    tx: db.Tx, device_id: str, cause: str, resume_after: datetime | None = None, said: str | None = None
) -> model.Device:
    """Stop sending by a rule; what is queued waits. `said`: the figures in words, for the history.

    The longest rest counts. Whoever was paused by a person is paused by the rule from now on; a second rule changes no cause.
    """
    device = await find(tx, device_id, lock=True)
    rests = [each for each in (device.resume_after, resume_after) if each is not None]
    is_by_rule = device.sending_paused and device.pause_reason not in (None, words.PERSON)
    reason = device.pause_reason if is_by_rule else cause
    moved = replace(device, sending_paused=True, pause_reason=reason, resume_after=max(rests, default=None))
    if moved == device:
        return device
    moved = await _change(tx, device, moved)
    await store.note(tx, moved, said or words.pause(cause) or "", reason="paused")
    await _record(tx, audit.RULES, "device.paused", device, moved, cause)
    return moved


async def pause_by_hand(tx: db.Tx, device_id: str, by: audit.Actor, reason: str | None) -> model.Device:
    """Stop sending because a person says so; the line stays open."""
    device = await find(tx, device_id, lock=True)
    if device.sending_paused:
        return device
    moved = await _change(tx, device, replace(device, sending_paused=True, pause_reason=words.PERSON))
    await store.note(tx, moved, _with_reason("Sending was paused.", reason), reason="paused")
    await _record(tx, by, "device.paused", device, moved, reason)
    return moved


async def resume(tx: db.Tx, device_id: str, by: audit.Actor, reason: str | None) -> model.Device:
    """Send again; a lock whose end nobody knows is looked at once more.

    Raises `CoolingDown` before the rest is over, and `Invalid` without a reason when a rule paused it or while it bears the
    mark of a restriction.
    """
    device = await find(tx, device_id, lock=True)
    now = await tx.now()
    is_waiting = device.state is S.RESTRICTED and device.hold_until is None
    if not device.sending_paused and not is_waiting:
        return device
    if device.resume_after is not None and now < device.resume_after:
        raise model.CoolingDown(resume_after=device.resume_after)
    is_marked = await store.last_restriction(tx, device.id, now - model.RESTRICTION_MARK) is not None
    if not reason and (is_marked or device.pause_reason not in (None, words.PERSON)):
        raise errors.invalid_field("reason", "required", "Say what has changed since this device was paused or restricted.")
    moved = replace(device, sending_paused=False, pause_reason=None, resume_after=None)
    moved = await _change(tx, device, replace(moved, hold_until=now) if is_waiting else moved)
    await store.note(tx, moved, _with_reason("Sending goes on.", reason), reason="resumed")
    await _record(tx, by, "device.resumed", device, moved, reason)
    return moved


def _with_reason(said: str, reason: str | None) -> str:
    return f"{said} Reason: {reason}" if reason else said


async def _record(tx: db.Tx, by: audit.Actor, action: str, before: model.Device, after: model.Device, reason: str | None) -> None:
    sides = [{"paused": each.sending_paused, "cause": each.pause_reason, "state": each.state.value} for each in (before, after)]
    thing = audit.Thing("device", after.id)
    await audit.record(tx, after.workspace_id, by, action, thing, reason=reason, before=sides[0], after=sides[1])


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
        await store.note(tx, moved, words.of(moved.state, moved.state_reason, moved.hold_until))
    tell_status(tx, moved)
    return moved


# ---------------------------------------------------------------------- observations


async def observe(tx: db.Tx, before: model.Device, change: model.Change, event: port.Event) -> None:
    """Store what an event made of a device, and tell it."""
    after = change.device
    await store.save(tx, after)
    if change.words:
        await store.note(tx, after, change.words)
    if _status_of(before) != _status_of(after):
        tell_status(tx, after)
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


def tell_status(tx: db.Tx, device: model.Device) -> None:
    """Tell whoever looks at this device how it is now."""
    tx.tell("device.status", device.workspace_id, device_id=device.id, **_status_of(device))


# ---------------------------------------------------------------------- looking


@dataclass(frozen=True, slots=True)
class Bound:
    """The limits that bind a device, and where each comes from (`device` or an origin of the rules)."""

    limits: model.Limits
    origins: dict[str, str]


async def bound(tx: db.Tx, devices: Collection[model.Device]) -> dict[str, Bound]:
    """The tightest limits by device: its own, or those of the rules."""
    found = await policy.effective(tx, {(each.workspace_id, each.rules_kind) for each in devices})
    return {each.id: _bound(here(each, found[each.workspace_id, each.rules_kind])) for each in devices}


def here(device: model.Device, found: Effective) -> policy.Here:
    """The rules as this device narrows them."""
    limits = device.limits
    own = policy.of_device(limits.per_minute, limits.per_hour, limits.per_day, device.min_delay_seconds)
    return policy.narrowed(policy.here(device.rules_kind, found), own, "device")


def _bound(at: policy.Here) -> Bound:
    limits = model.Limits(at.rules.device_per_minute, at.rules.device_per_hour, at.rules.device_per_day)
    return Bound(limits, {name: at.origins[f"device_{name}"] for name in LIMITS})


async def history(tx: db.Tx, device_id: str, before: str | None, limit: int) -> list[db.Row]:
    """The device's history, the newest first."""
    return await store.history(tx, (await find(tx, device_id)).id, before, limit)
