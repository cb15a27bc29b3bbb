"""The port every driver implements: what it can do, what it is told, the five verdicts it gives and the events it reports.

Doubt is always `Unconfirmed`. A driver never raises out of `send`; whatever it did not foresee may have left.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do, as data; the engine and the pages read it and never ask which driver it is."""

    pairing_qr: bool = False
    pairing_code: bool = False
    caller_message_id: bool = False  # we choose the wire id before sending
    deduplicates: bool = False  # the same wire id twice has one effect, so a message whose fate is unknown may go again
    echoes_ref: bool = False
    inbound: bool = False
    history: bool = False
    media: bool = False
    templates: bool = False
    typing: bool = False
    mark_read: bool = False
    number_check: bool = False
    remote_logout: bool = False
    simulated: bool = False  # nothing reaches a real person; the simulator panel may be shown
    unofficial: bool = False  # against the service's terms for bulk use; pages carry the badge that says so
    send_timeout: timedelta = timedelta(seconds=30)


class DeviceState(StrEnum):
    """Observed state of a device; the table of who may send is in `devices.model`."""

    NEW = "new"
    PAIRING = "pairing"
    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    SUSPECT = "suspect"
    RESTRICTED = "restricted"
    BANNED_UNTIL = "banned_until"
    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    OUTDATED = "outdated"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class DeviceRef:
    """A device as a driver knows it: our id, the lease's fencing token, and the number it is meant to have, if any."""

    device_id: str
    token: int = 0
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Whom to write to: a phone (digits, no plus), an opaque id (LID), or both. Never invent a phone."""

    phone: str | None = None
    opaque: str | None = None


@dataclass(frozen=True, slots=True)
class MediaBytes:
    """A picture to send, whole (we store 350 KB at most)."""

    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What to send: text, a picture, or a picture with its caption."""

    text: str = ""
    media: MediaBytes | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service took it; not yet delivered."""

    wire_id: str
    at: datetime


class Scope(StrEnum):
    """What a deferral holds."""

    MESSAGE = "message"
    CHAT = "chat"
    NEW_CHATS = "new_chats"
    DEVICE = "device"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Deferred:
    """Certainly not taken; try again after this time. Spends no attempt."""

    after: timedelta
    scope: Scope = Scope.MESSAGE
    why: str = ""


class Reason(StrEnum):
    """Why a message was refused for ever: a closed list."""

    NOT_ON_WHATSAPP = "not_on_whatsapp"
    UNDELIVERABLE = "undeliverable"
    INVALID_ADDRESS = "invalid_address"
    INVALID_CONTENT = "invalid_content"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    NEEDS_TEMPLATE = "needs_template"
    TEMPLATE_MISSING = "template_missing"
    TEMPLATE_PAUSED = "template_paused"
    OPTED_OUT = "opted_out"
    CAPPED = "capped"
    COUNTRY_BLOCKED = "country_blocked"
    ACCOUNT_REFUSED = "account_refused"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Certainly not taken, and never will be as it is."""

    reason: Reason
    why: str = ""


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """Certainly not taken; this device cannot send until then (None: until an event or a person)."""

    until: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """It may have gone out. Settled by evidence only."""

    why: str = ""


Verdict = Accepted | Deferred | Rejected | DeviceLost | Unconfirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something the service told us about a device. `seq` rises per driver; `event_id` is what makes it count once."""

    device_id: str
    event_id: str
    at: datetime
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode(Event):
    """A code to show until `expires_at`; `attempt` counts from 1 within one pairing."""

    code: str
    expires_at: datetime
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCode(Event):
    """Eight characters to type on the phone."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSucceeded(Event):
    """The device is linked to this number."""

    phone: str
    jid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFailed(Event):
    """The pairing ended without a link (`expired`, `refused`, …)."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected(Event):
    """The line is open; the device may send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected(Event):
    """The line is closed; the link stays."""

    why: str
    will_retry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut(Event):
    """The link is gone: by the phone, or by us."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReplaced(Event):
    """Opened elsewhere. Never fight for the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOutdated(Event):
    """The service wants a newer client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryBan(Event):
    """Banned until then; codes 101–106 as whatsmeow names them."""

    until: datetime
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """Refused for good: a permanent ban, a token without rights, a policy."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachOutLocked(Event):
    """No new chats until then (None: unknown; an instant that is over: the lock was lifted)."""

    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent(Event):
    """The device stopped answering; the watchdog restarts it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """A message from a person."""

    sender: Address
    wire_id: str
    text: str = ""
    push_name: str = ""
    quoted_wire_id: str | None = None
    in_group: bool = False  # in a group or a status list: not to us alone, so words in it mean nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSentElsewhere(Event):
    """Sent from the phone itself, not by us."""

    to: Address
    wire_id: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut(Event):
    """A person opted out at the service itself: by its own button, by reporting us, by blocking us."""

    who: Address
    way: Literal["stop", "complaint", "block"]


class ReceiptKind(StrEnum):
    """Receipts only raise a message."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Event):
    """These messages got this far."""

    wire_ids: tuple[str, ...]
    kind: ReceiptKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(Event):
    """Accepted first, refused later."""

    wire_id: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """This phone and this opaque id are one person."""

    phone: str
    opaque: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryBatch(Event):
    """A piece of the chat history; pieces may overlap with live messages."""

    messages: tuple[MessageReceived | MessageSentElsewhere, ...] = ()


EventSink = Callable[[Event], Awaitable[None]]  # returns when the event is committed; a driver repeats what was not taken


@dataclass(frozen=True, slots=True)
class NumberStatus:
    """Whether a number is on WhatsApp, and under which id."""

    phone: str
    exists: bool
    jid: str | None = None


class NotPaired(Exception):
    """The device has no link; pair it first."""


class PairingRefused(Exception):
    """The service gave no code just now; the message says why."""


class Driver(Protocol):
    """A kind of device. `start` is called once; `open` returns at once and its outcome arrives as events."""

    name: str
    caps: Capabilities

    async def start(self, sink: EventSink) -> None: ...
    async def close(self, grace: timedelta) -> None: ...

    async def open(self, device: DeviceRef) -> None:
        """Reconnect a linked device, or begin pairing one without a link."""
        ...

    async def pair_code(self, device: DeviceRef, phone: str) -> PairCode: ...

    async def disconnect(self, device: DeviceRef) -> None:
        """Close the line; the link stays."""
        ...

    async def logout(self, device: DeviceRef) -> None:
        """Destroy the link, at the service too."""
        ...

    async def forget(self, device: DeviceRef) -> None:
        """Drop everything kept about a deleted device."""
        ...

    async def is_linked(self, device: DeviceRef) -> bool: ...
    def send(self, device: DeviceRef, to: Address, content: Content, *, ref: str) -> Awaitable[Verdict]:
        """Send one message. `ref`: the wire id where we may choose it, else our row key. A future costs no task."""
        ...

    async def check_numbers(self, device: DeviceRef, phones: list[str]) -> list[NumberStatus]: ...


@dataclass(frozen=True, slots=True)
class SimulatorAction:
    """What the simulator panel asks for; see `POST /api/devices/{id}/simulate`."""

    action: str
    phone: str | None = None
    text: str | None = None
    code: str | None = None
    opaque: str | None = None
    for_seconds: float | None = None
    extra: dict[str, str] = field(default_factory=dict)


@runtime_checkable
class Simulated(Protocol):
    """A driver whose world can be told to misbehave."""

    async def simulate(self, device: DeviceRef, action: SimulatorAction) -> dict[str, str]:
        """Make it happen; returns plain facts about what was done."""
        ...
