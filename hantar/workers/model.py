"""A worker is a device at its work: states, what it waits for, figures. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hantar.devices import model as devices
from hantar.gateways.port import DeviceState

D = DeviceState


class WorkerStatus(StrEnum):
    """How a worker stands (api.md 2)."""

    ACTIVE = "active"
    IDLE = "idle"
    STOPPED = "stopped"
    ERROR = "error"


NEEDS_HELP = frozenset({D.LOGGED_OUT, D.REPLACED, D.OUTDATED, D.REFUSED, D.BANNED_UNTIL})
"""A person must act, or an end must come; nothing goes out until then."""
AWAY = frozenset({D.OFFLINE, D.SUSPECT})
"""Without a line for now; with something to send that is an error, without it nobody misses anything."""
LINE = devices.HAS_LINE
BY_US = frozenset({D.NEW, D.PAIRING, D.STOPPED})
SET_ASIDE = "errors"
"""The cause of a pause that the dispatcher made because several messages in a row had failed."""


@dataclass(frozen=True, slots=True)
class Work:
    """The campaign or sequence a worker is at."""

    kind: str
    id: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Queued:
    """What one source has waiting at a device: how many, when the first is due, what they wait for, whether it is open."""

    work: Work | None
    count: int
    due_at: datetime
    gate: str | None
    is_open: bool
    is_claimed: bool = False
    """One of it is on its way now."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a device did in the time asked about."""

    sent: int = 0
    failed: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one device and its lane."""

    device_id: str
    name: str
    state: DeviceState
    is_paused: bool
    pause_reason: str | None
    hold_until: datetime | None
    takes_no_chats: bool
    """It may only answer people who wrote to it."""
    next_at: datetime
    rest_until: datetime
    """Until when its limits, or the service's word, hold it back."""
    queued: tuple[Queued, ...] = ()
    tally: Tally = Tally()


@dataclass(frozen=True, slots=True)
class Worker:
    """A device at its work."""

    device_id: str
    device_name: str
    device_state: DeviceState
    status: WorkerStatus
    queue_size: int
    sent: int
    failed: int
    last_at: datetime | None
    work: Work | None
    next_send_at: datetime | None
    waiting_for: str | None

    @property
    def success_rate(self) -> float | None:
        """Sent of all that ended, in percent; None before anything ended."""
        ended = self.sent + self.failed
        return round(100 * self.sent / ended, 1) if ended else None


def worker(seen: Seen, now: datetime) -> Worker:
    """How the device gets on, as of now."""
    size = sum(each.count for each in seen.queued)
    front = _front(seen.queued)
    status = _status(seen, size)
    gate = _gate(seen, front, now) if front is not None else None
    goes = front is not None and gate in ("pacing", "device_limit", "quiet_hours", "person_hold", "number_check")
    next_at = max(now, seen.next_at, seen.rest_until, front.due_at) if goes and front is not None else None
    return Worker(
        device_id=seen.device_id,
        device_name=seen.name,
        device_state=seen.state,
        status=status,
        queue_size=size,
        sent=seen.tally.sent,
        failed=seen.tally.failed,
        last_at=seen.tally.last_at,
        work=front.work if front is not None else None,
        next_send_at=next_at,
        waiting_for=gate,
    )


def _front(queued: tuple[Queued, ...]) -> Queued | None:
    """What is on its way, else what is next among the open ones, else what stands first behind a closed gate."""
    return min(queued, key=lambda each: (not each.is_claimed, not each.is_open, each.due_at), default=None)


def _status(seen: Seen, size: int) -> WorkerStatus:
    if seen.state in NEEDS_HELP or (seen.is_paused and seen.pause_reason == SET_ASIDE):
        return WorkerStatus.ERROR
    if seen.is_paused or seen.state in BY_US:
        return WorkerStatus.STOPPED
    if seen.state in AWAY and size:
        return WorkerStatus.ERROR
    is_at_work = seen.state in devices.HAS_LINE and any(each.is_open or each.is_claimed for each in seen.queued)
    return WorkerStatus.ACTIVE if is_at_work else WorkerStatus.IDLE


def _gate(seen: Seen, front: Queued, now: datetime) -> str | None:
    """What stands in front of the next message, in the order in which `outbox.views` asks."""
    if front.is_claimed:
        return None
    if not front.is_open:
        return "campaign_paused"
    if front.gate is not None and front.due_at > now:
        return front.gate
    if seen.takes_no_chats or seen.state is D.BANNED_UNTIL:
        return "device_restricted"
    if seen.state not in devices.HAS_LINE or seen.is_paused:
        return "device_offline"
    return "device_limit" if seen.rest_until > now else "pacing"
