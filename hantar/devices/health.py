"""How a device is, in words and figures: what is left of its limits, what stands against it, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hantar.devices import model, numbers, service, store, words
from hantar.gateways.credentials import Quality
from hantar.gateways.port import Capabilities, DeviceState as S
from hantar.kit import db, windows
from hantar.policy import model as rules, service as policy

DAY = timedelta(days=1)
IDLE_LINK = timedelta(days=30)
"""WhatsApp drops a linked device that was idle so long (a WhatsApp rule, gateways.md 3)."""
PHONE_UNUSED = timedelta(days=14)
"""WhatsApp logs all linked devices out when the phone itself was unused for longer (a WhatsApp rule, gateways.md 3)."""
UNANSWERED = timedelta(days=30)
"""New conversations of so many days are looked at for an answer (our own number)."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left now: messages of the running minute, hour and day, and new conversations of the day."""

    minute: int
    hour: int
    day: int
    new_chats: int


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
    advice: str
    left: Allowance
    new_chats_allowance: int
    days_linked: int
    """Which day of the number's age this is: 1 on the first, 0 before it was ever linked."""
    unanswered: int
    restriction_until: datetime | None
    restriction_at: datetime | None
    restriction_mark: datetime | None
    """Until when the last restriction or ban is shown: 30 days after it."""
    restriction_words: str | None
    link_ends_at: datetime | None
    """When the service drops this link at the latest, if the line stays closed; None while it is open, or has no such clock."""
    device: model.Device
    checks: list[Check]


async def of(tx: db.Tx, device_id: str, kinds: Mapping[str, Capabilities]) -> Health:
    """How the device is; raises `DeviceNotFound`. `kinds`: what devices can do, by driver."""
    device = await service.find(tx, device_id)
    caps = kinds.get(device.driver, Capabilities())
    now = await tx.now()
    found = service.here(device, await policy.of(tx, device.workspace_id, device.rules_kind)).rules
    age = (now - device.linked_at) / DAY if device.linked_at is not None else None
    most = rules.new_chats(found, age or 0.0)
    left = _left(await store.used(tx, device.id), found, most, now)
    number = (await numbers.of(tx, [device.id])).get(device.id)
    mark = await store.last_restriction(tx, device.id, now - model.RESTRICTION_MARK)
    return Health(
        words=words.of(device.state, device.state_reason, device.hold_until, by_token=caps.credentials),
        advice=words.advice(device.state, device.state_reason, by_token=caps.credentials),
        left=left,
        new_chats_allowance=most,
        days_linked=int(age) + 1 if age is not None else 0,
        unanswered=await store.unanswered(tx, device.id, now - UNANSWERED),
        restriction_until=device.hold_until if device.state in model.HELD else None,
        restriction_at=mark["at"] if mark else None,
        restriction_mark=mark["at"] + model.RESTRICTION_MARK if mark else None,
        restriction_words=mark["words"] if mark else None,
        device=device,
        link_ends_at=link_ends_at(device, caps),
        checks=[*_checks(device, caps, mark["words"] if mark else None, left), *_quality(number)],
    )


def _left(used: bytes | None, found: rules.Rules, most: int, now: datetime) -> Allowance:
    """What is left of each limit now."""
    counts = windows.counts(used, now)
    limits = found.device_per_minute, found.device_per_hour, found.device_per_day, most
    return Allowance(*(max(0, limit - count) for limit, count in zip(limits, counts, strict=True)))


def link_ends_at(device: model.Device, caps: Capabilities) -> datetime | None:
    """When the service drops the link of an unofficial device at the latest, if its line stays closed."""
    if not caps.unofficial or not device.is_linked or device.state in model.HAS_LINE:
        return None
    seen = device.last_seen_at or device.linked_at
    return seen + IDLE_LINK if seen is not None else None


def _checks(device: model.Device, caps: Capabilities, restriction: str | None, left: Allowance) -> list[Check]:
    has_line = device.state in model.HAS_LINE
    by_token = caps.credentials
    link = None if device.is_linked else words.advice(S.LOGGED_OUT, by_token=by_token)
    line = None if has_line else words.advice(device.state, device.state_reason, by_token=by_token)
    return [
        Check("Has its credentials" if by_token else "Linked", device.is_linked, link),
        Check("Connected", has_line, line),
        Check("Sending", not device.sending_paused, _paused(device)),
        Check("Free of restrictions", restriction is None, restriction),
        _limits(left),
        Check("May begin conversations", left.new_chats > 0, None if left.new_chats > 0 else NO_NEW_CHATS),
    ]


def _quality(number: numbers.Number | None) -> list[Check]:
    """How people take what a number sends; only the Cloud API says so."""
    if number is None:
        return []
    is_poor = number.quality in (Quality.YELLOW, Quality.RED)
    return [Check("People take it well", not is_poor, words.QUALITIES[number.quality.value] if is_poor else None)]


NO_NEW_CHATS = "The new conversations of this day are used up; people who wrote first are answered. It goes on by itself."


def _paused(device: model.Device) -> str | None:
    if not device.sending_paused:
        return None
    why = words.pause(device.pause_reason or words.PERSON)
    return (
        f"{why} A person resumes it, with a reason." if device.pause_reason != words.PERSON else f"{why} Press Resume to go on."
    )


def _limits(left: Allowance) -> Check:
    empty = [name for name in ("minute", "hour", "day") if getattr(left, name) <= 0]
    if not empty:
        return Check("Below its limits", True, None)
    return Check("Below its limits", False, f"The limit of this {empty[-1]} is used up; sending goes on by itself.")
