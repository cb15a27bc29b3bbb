"""A device's life: wanted and observed state, the table of moves by event, who may send. No I/O.

The observed state comes from events alone, never from a flag of a library.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from hantar.devices import restrictions, words
from hantar.gateways import port
from hantar.gateways.port import DeviceState
from hantar.kit import errors, phone

DeviceId = NewType("DeviceId", str)
S = DeviceState

NAME_LENGTH = 100
UNKNOWN_LOCK = timedelta(hours=24)
"""A lock without a known end: 24 h, doubling, then a person decides (gateways.md 1.3)."""
UNKNOWN_LOCKS = 3
RESTRICTION_MARK = timedelta(days=30)
"""How long a restriction stays on the device's page (responsible-sending.md 10)."""
PROBE_EVERY = timedelta(minutes=15)
"""After a temporary ban the line is opened at most this often, until it holds again (responsible-sending.md 10)."""

ERRORS_IN_A_ROW = 3
"""So many messages in a row that the device or its gateway failed with set it aside (responsible-sending.md 9)."""


class Wanted(StrEnum):
    """What a person wants of a device."""

    CONNECTED = "connected"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages at most; the tightest binds."""

    per_minute: int = 20
    per_hour: int = 500
    per_day: int = 5000


DEFAULT_LIMITS = Limits()
"""What a new device gets (api.md 3): no tighter than the hard limits of linked devices; the rules may bind it tighter."""
CLOUD_LIMITS = Limits(6000, 200_000, 2_000_000)
"""A Cloud number has no limits of its own until somebody gives it some; the rules bind it."""


@dataclass(frozen=True, slots=True)
class SomeLimits:
    """Limits that somebody asked for; None is left as it is."""

    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None

    def over(self, base: Limits) -> Limits:
        """These limits where given, else the others."""
        return Limits(self.per_minute or base.per_minute, self.per_hour or base.per_hour, self.per_day or base.per_day)


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it is stored."""

    id: DeviceId
    workspace_id: str
    name: str
    phone: str | None
    jid: str | None
    driver: str
    wanted: Wanted
    is_linked: bool
    state: DeviceState
    state_reason: str | None
    state_since: datetime
    hold_until: datetime | None
    last_seen_at: datetime | None
    sending_paused: bool
    limits: Limits
    min_delay_seconds: float
    max_delay_seconds: float
    is_demo: bool
    created_at: datetime
    updated_at: datetime
    linked_at: datetime | None = None
    """When its present number was first linked here; linking the same number again does not make it younger."""
    probe_at: datetime | None = None
    """Since a temporary ban, until the line holds again: when it was last tried."""
    pause_reason: str | None = None
    """Why sending is paused: `person`, or the rule that did it (`words.pause`)."""
    resume_after: datetime | None = None
    """A person may resume it at the earliest."""

    @property
    def rules_kind(self) -> str:
        """Which set of rules holds for it."""
        return "demo" if self.is_demo else self.driver


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts that belong to a device."""

    lead_count: int = 0
    sent_today: int = 0
    failed_today: int = 0
    queue_size: int = 0


@dataclass(frozen=True, slots=True)
class Failing:
    """What a device's messages came to lately: whether one was accepted, and those that failed since then."""

    workspace_id: str
    device_id: str
    is_reset: bool
    failed: tuple[tuple[str, int], ...] = ()
    """Messages that the device or its gateway failed with, each with the token under which it was claimed."""
    said: str | None = None
    """What was said the last time."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which devices a list asks for."""

    state: DeviceState | None = None
    status: str | None = None
    q: str | None = None
    niche: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """What goes with a deleted device."""

    leads: int
    messages: int
    pending_messages: int
    campaigns: int


# ---------------------------------------------------------------------- who may send

HAS_LINE = frozenset({S.ONLINE, S.RESTRICTED})
LIVE = frozenset({S.PAIRING, S.CONNECTING, S.ONLINE, S.OFFLINE, S.SUSPECT, S.RESTRICTED})
"""States in which a client is running or trying to."""
HELD = frozenset({S.RESTRICTED, S.BANNED_UNTIL})
"""States with an end of their own, in `hold_until`."""


def may_send(state: DeviceState, *, is_warm: bool = False) -> bool:
    """Whether a device in this state may send; under a reach-out lock only to people who wrote to it."""
    return state is S.ONLINE or (state is S.RESTRICTED and is_warm)


def status(state: DeviceState) -> str:
    """The short word: whether the line to WhatsApp is open."""
    return "online" if state in HAS_LINE else "offline"


# ---------------------------------------------------------------------- moves

ANY = frozenset(DeviceState)
HAS_CLIENT = ANY - {S.NEW, S.STOPPED, S.LOGGED_OUT, S.PAIRING}

MOVES: dict[type[port.Event], tuple[frozenset[DeviceState], DeviceState]] = {
    port.QrCode: (ANY - HAS_LINE, S.PAIRING),
    port.PairCode: (ANY - HAS_LINE, S.PAIRING),
    port.PairSucceeded: (ANY - {S.ONLINE}, S.CONNECTING),
    port.PairFailed: (frozenset({S.PAIRING}), S.NEW),
    port.Connected: (HAS_CLIENT, S.ONLINE),
    port.Disconnected: (HAS_CLIENT - {S.BANNED_UNTIL, S.REPLACED, S.OUTDATED, S.REFUSED}, S.OFFLINE),
    port.LoggedOut: (ANY - {S.NEW}, S.LOGGED_OUT),
    port.StreamReplaced: (HAS_CLIENT, S.REPLACED),
    port.ClientOutdated: (HAS_CLIENT, S.OUTDATED),
    port.TemporaryBan: (HAS_CLIENT, S.BANNED_UNTIL),
    port.Refused: (HAS_CLIENT, S.REFUSED),
    port.ReachOutLocked: (HAS_CLIENT - {S.BANNED_UNTIL, S.REFUSED}, S.RESTRICTED),
    port.Silent: (HAS_LINE, S.SUSPECT),
}
"""Event → from which states it moves, and whereto. Any other event leaves the state as it is."""

EVENTS = tuple(MOVES)


@dataclass(frozen=True, slots=True)
class Change:
    """What an event makes of a device, and the sentence for its history (empty: nothing worth a line)."""

    device: Device
    words: str


def after(device: Device, event: port.Event, now: datetime, *, unknown_locks: int = 0) -> Change | None:
    """The device after an event; None when the event changes nothing.

    `unknown_locks`: how many locks without an end the device had within the last 30 days.
    """
    move = MOVES.get(type(event))
    if move is None or device.state not in move[0]:
        return None
    if isinstance(event, port.Connected | port.QrCode | port.PairCode) and device.wanted is Wanted.STOPPED:
        return None
    if isinstance(event, port.Disconnected) and event.why == "asked" and device.wanted is Wanted.CONNECTED:
        return None  # our own restart of the client
    if isinstance(event, port.QrCode | port.PairCode) and device.is_linked:
        # the driver has no link where we believed in one
        lost = _moved(device, S.LOGGED_OUT, "link_lost", now)
        return _change(device, replace(lost, is_linked=False, wanted=Wanted.STOPPED))
    moved = _by_event(device, move[1], event, now, unknown_locks)
    return None if moved == device else _change(device, moved)


def _change(before: Device, moved: Device) -> Change:
    is_news = (before.state, before.state_reason) != (moved.state, moved.state_reason)
    return Change(moved, words.of(moved.state, moved.state_reason, moved.hold_until) if is_news else "")


def _moved(device: Device, state: DeviceState, reason: str | None, now: datetime) -> Device:
    since = device.state_since if device.state is state else now
    return replace(device, state=state, state_reason=reason, state_since=since, updated_at=now)


def _by_event(device: Device, state: DeviceState, event: port.Event, now: datetime, unknown_locks: int) -> Device:
    match event:
        case port.PairSucceeded():
            return _paired(device, event, now)
        case port.PairFailed():
            # a device that was linked before is still the one that must be linked again
            back = S.LOGGED_OUT if device.jid else S.NEW
            return replace(_moved(device, back, f"pairing_{event.why}", now), wanted=Wanted.STOPPED)
        case port.Connected():
            return _connected(device, now)
        case port.Disconnected():
            return _disconnected(device, event, now)
        case port.LoggedOut():
            out = _moved(device, S.LOGGED_OUT, event.why, now)
            return replace(out, is_linked=False, wanted=Wanted.STOPPED, hold_until=None)
        case port.TemporaryBan():
            return replace(_moved(device, state, f"ban_{event.code}", now), hold_until=event.until, probe_at=now)
        case port.ReachOutLocked():
            return _locked(device, event, now, unknown_locks)
        case port.StreamReplaced():
            return replace(_moved(device, state, None, now), wanted=Wanted.STOPPED, hold_until=None)
        case port.Refused():
            return _refused(device, event.why, now)
        case _:
            return _moved(device, state, None, now)


def _refused(device: Device, why: str, now: datetime) -> Device:
    """A fault of the set-up lifts nothing that WhatsApp holds against the number."""
    is_restriction = restrictions.is_one(S.REFUSED, why)
    if device.state is S.BANNED_UNTIL and not is_restriction:
        return device
    until = None if is_restriction else device.hold_until
    return replace(_moved(device, S.REFUSED, why, now), wanted=Wanted.STOPPED, hold_until=until)


def _paired(device: Device, event: port.PairSucceeded, now: datetime) -> Device:
    """The linked number counts, also when another one was written down."""
    reason = "phone_differs" if device.phone not in (None, event.phone) else None
    linked = _moved(device, S.CONNECTING, reason, now)
    since = device.linked_at if _is_same_number(device, event.phone) else None
    linked = replace(linked, phone=event.phone, jid=event.jid, is_linked=True, wanted=Wanted.CONNECTED, hold_until=None)
    return replace(linked, linked_at=since or now, probe_at=None)


def _is_same_number(device: Device, linked: str) -> bool:
    """Whether the number linked now is the one that was linked last; its jid begins with it (`60123456789:12@…`)."""
    before = (device.jid or "").partition("@")[0].partition(":")[0]
    return bool(before) and phone.canonical(before) == phone.canonical(linked)


def _connected(device: Device, now: datetime) -> Device:
    device = replace(device, probe_at=None)
    if _is_locked(device, now):
        return replace(_moved(device, S.RESTRICTED, "reach_out_lock", now), last_seen_at=now)
    return replace(_moved(device, S.ONLINE, None, now), hold_until=None, last_seen_at=now)


def _is_locked(device: Device, now: datetime) -> bool:
    """A reach-out lock outlives the line and a restart; only its end, or the service's word, lifts it."""
    return device.state is not S.BANNED_UNTIL and device.hold_until is not None and device.hold_until > now


def _disconnected(device: Device, event: port.Disconnected, now: datetime) -> Device:
    if not event.will_retry and device.wanted is Wanted.STOPPED:
        return replace(_moved(device, S.STOPPED, event.why, now), last_seen_at=now)
    seen = now if device.state in HAS_LINE else device.last_seen_at
    return replace(_moved(device, S.OFFLINE, event.why, now), last_seen_at=seen)


def _locked(device: Device, event: port.ReachOutLocked, now: datetime, unknown_locks: int) -> Device:
    if event.until is not None and event.until <= now:
        return _unlocked(device, now)
    if event.until is not None:
        return replace(_moved(device, S.RESTRICTED, "reach_out_lock", now), hold_until=event.until)
    if device.state is S.RESTRICTED and device.hold_until is not None and device.hold_until > now:
        return device  # told again within a lock that we already guess the end of
    if unknown_locks >= UNKNOWN_LOCKS:
        return replace(_moved(device, S.RESTRICTED, "reach_out_lock_person", now), hold_until=None)
    guess = now + UNKNOWN_LOCK * 2**unknown_locks
    return replace(_moved(device, S.RESTRICTED, "reach_out_lock_open_end", now), hold_until=guess)


def _unlocked(device: Device, now: datetime) -> Device:
    free = replace(device, hold_until=None)
    return replace(_moved(free, S.ONLINE, None, now), last_seen_at=now) if device.state is S.RESTRICTED else free


# ---------------------------------------------------------------------- errors


class DeviceNotFound(errors.NotFound):
    """There is no such device here."""


class DeviceLimit(errors.Conflict):
    """Your account has as many devices as it may have. An administrator can raise the limit."""

    code = "device_limit"


class PhoneDiffers(errors.Conflict):
    """This device is linked to another number. Log it out and link it with the right phone."""

    code = "phone_differs"


class AlreadyLinked(errors.Conflict):
    """This device is already linked."""

    code = "already_linked"


class NotLinked(errors.Conflict):
    """This device is not linked. Link it first."""

    code = "device_not_linked"


class NotConnected(errors.Conflict):
    """This device is not connected just now. Connect it first."""

    code = "device_not_connected"


class QrNotReady(errors.Unavailable):
    """No code came yet. Try again in a moment."""

    code = "qr_not_ready"


class PairingRefused(errors.Conflict):
    """WhatsApp gave no code just now."""

    code = "pairing_refused"


class BannedUntil(errors.Conflict):
    """WhatsApp has banned this number for a while. Trying again before the end makes it worse."""

    code = "banned_until"


class TriedLately(BannedUntil):
    """After a ban Hantar tries this number once in 15 minutes at most. It does so by itself; trying more makes it worse."""


class CoolingDown(errors.Conflict):
    """This device rests after a sign of trouble. It can be resumed later."""

    code = "cooling_down"


class NotASimulator(errors.Conflict):
    """This is not a simulated device."""

    code = "not_a_simulator"


class NotSupported(errors.Conflict):
    """Devices of this kind cannot do that."""

    code = "not_supported"


class GatewayAway(errors.Unavailable):
    """The gateway of this device does not answer just now. Try again in a moment."""

    code = "gateway_away"
