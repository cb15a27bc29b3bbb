"""The port every driver implements: what it can do, what it is told, the five verdicts it gives and the events it reports.

Doubt is always `Unconfirmed`. A driver never raises out of `send`; whatever it did not foresee may have left.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from hantar.gateways.events import (
    Address as Address,
    ClientOutdated as ClientOutdated,
    Connected as Connected,
    Disconnected as Disconnected,
    Event as Event,
    FileKind as FileKind,
    HistoryBatch as HistoryBatch,
    IdentityLinked as IdentityLinked,
    LoggedOut as LoggedOut,
    MediaRef as MediaRef,
    MessageFailed as MessageFailed,
    MessageReceived as MessageReceived,
    MessageSentElsewhere as MessageSentElsewhere,
    NumberQuality as NumberQuality,
    OptOut as OptOut,
    PairCode as PairCode,
    PairFailed as PairFailed,
    PairSucceeded as PairSucceeded,
    QrCode as QrCode,
    ReachOutLocked as ReachOutLocked,
    Reason as Reason,
    Receipt as Receipt,
    ReceiptKind as ReceiptKind,
    Refused as Refused,
    Silent as Silent,
    StreamReplaced as StreamReplaced,
    TemplateStatus as TemplateStatus,
    TemporaryBan as TemporaryBan,
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do, as data; the engine and the pages read it and never ask which driver it is."""

    pairing_qr: bool = False
    pairing_code: bool = False
    credentials: bool = False  # set up by a number id and a token (`credentials.HasCredentials`) instead of a pairing
    caller_message_id: bool = False  # we choose the wire id before sending
    deduplicates: bool = False  # the same wire id twice has one effect, so a message whose fate is unknown may go again
    echoes_ref: bool = False
    inbound: bool = False
    history: bool = False
    media: bool = False
    files: frozenset[FileKind] = frozenset()  # kinds of files it sends; what is not here is refused as unsupported
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
class MediaBytes:
    """A file to send, whole; `name` is what a document is called at the other end."""

    mime: str
    data: bytes
    name: str = ""
    sha256: bytes = b""  # of the data, where it is known; whoever must recognise a file again need not read it

    @property
    def kind(self) -> FileKind:
        """How WhatsApp shows it: by its MIME type's first half, all else is a document."""
        first = self.mime.partition("/")[0]
        return first if first in ("image", "video", "audio") else "document"  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template of the Cloud API, by name and language, with the values of its body's places in their order."""

    name: str
    language: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What to send: text, a file, a picture with its caption, or a template (its media then fills the template's header)."""

    text: str = ""
    media: MediaBytes | None = None
    reply_to: str | None = None
    template: Template | None = None


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
