"""What drivers report: each event has a device, an id by which it counts once, and the moment it happened."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from hantar.gateways.credentials import Quality


@dataclass(frozen=True, slots=True)
class Address:
    """Whom to write to: a phone (digits, no plus), an opaque id (LID), or both. Never invent a phone."""

    phone: str | None = None
    opaque: str | None = None


FileKind = Literal["image", "video", "audio", "document"]
"""How WhatsApp shows a file."""


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file that somebody sent us, not yet fetched: what the service says of it (size in bytes, 0: not said), and the
    driver's word for it.

    `ref` means something to the driver that made it alone, and only for as long as the service keeps the file.
    """

    kind: FileKind
    mime: str
    name: str
    size: int
    ref: str


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
    media: MediaRef | None = None


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
    """These messages got this far. `ref`: our own, where the service gives it back; then there is one wire id."""

    wire_ids: tuple[str, ...]
    kind: ReceiptKind
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(Event):
    """Accepted first, refused later. `ref`: ours, where the service gives it back."""

    wire_id: str
    reason: Reason
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """This phone and this opaque id are one person."""

    phone: str
    opaque: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStatus(Event):
    """A template was approved, refused, paused or moved to another category at the service.

    `status` and `category` in the service's words (`APPROVED`, `PAUSED`, `MARKETING`); empty: not said this time.
    """

    name: str
    language: str
    status: str
    category: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberQuality(Event):
    """What the service says about a number of the Cloud API; None: not said this time.

    `tier`: unique people it may begin to write to within moving 24 hours, shared by all numbers of a business portfolio
    (`credentials.NO_LIMIT`: any).
    """

    quality: Quality | None = None
    tier: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryBatch(Event):
    """A piece of the chat history; pieces may overlap with live messages."""

    messages: tuple[MessageReceived | MessageSentElsewhere, ...] = ()
