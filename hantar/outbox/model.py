"""A message and its life: states, moves, public words. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, NewType

from hantar.kit import errors

MessageId = NewType("MessageId", str)
SourceId = NewType("SourceId", str)
ContentId = NewType("ContentId", str)

NO_STEP = "00000000-0000-0000-0000-000000000000"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TEXT = 4096
"""Characters WhatsApp takes in one text (api.md 1.1)."""
EXPIRES_AFTER = timedelta(hours=72)
"""How long after its planned time a message may still leave (responsible-sending.md 13, `expires_after`)."""


class MessageState(StrEnum):
    """The exact word for where a message stands."""

    PLANNED = "planned"
    HELD = "held"
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


S = MessageState

STARTS = frozenset({S.PLANNED, S.QUEUED, S.HELD, S.SUPPRESSED})

MOVES: dict[MessageState, frozenset[MessageState]] = {
    S.PLANNED: frozenset({S.QUEUED, S.HELD, S.CANCELLED, S.SUPPRESSED, S.EXPIRED}),
    S.HELD: frozenset({S.QUEUED, S.CANCELLED, S.SUPPRESSED, S.EXPIRED}),
    S.QUEUED: frozenset({S.CLAIMED, S.HELD, S.CANCELLED, S.SUPPRESSED, S.EXPIRED}),
    S.CLAIMED: frozenset({S.SENT, S.DELIVERED, S.READ, S.FAILED, S.UNKNOWN, S.QUEUED}),
    S.UNKNOWN: frozenset({S.SENT, S.DELIVERED, S.READ, S.FAILED, S.QUEUED}),
    S.SENT: frozenset({S.DELIVERED, S.READ, S.FAILED}),
    S.DELIVERED: frozenset({S.READ}),
    S.FAILED: frozenset({S.PLANNED, S.QUEUED, S.DELIVERED, S.READ}),
    S.READ: frozenset(),
    S.CANCELLED: frozenset(),
    S.SUPPRESSED: frozenset(),
    S.EXPIRED: frozenset(),
}
"""Every move there is; the database's guard holds the same table (`message_moves`)."""

LATEST = """(SELECT * FROM messages t WHERE (t.workspace_id, t.device_id) = ({device}) AND t.claimed_at IS NOT NULL
  ORDER BY t.claimed_at DESC LIMIT 3)"""
"""SQL: a device's newest attempts. One message at a time is on its way (I-02), so what is `claimed` is among them; no index holds
that state, or every answer would have to be written into all indexes (docs/decisions/0008)."""


class MessageStatus(StrEnum):
    """The six public words; their sum is the total."""

    PENDING = "pending"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCONFIRMED = "unconfirmed"


STATUS: dict[MessageState, MessageStatus] = {
    S.PLANNED: MessageStatus.PENDING,
    S.HELD: MessageStatus.PENDING,
    S.QUEUED: MessageStatus.QUEUED,
    S.CLAIMED: MessageStatus.QUEUED,
    S.SENT: MessageStatus.SENT,
    S.DELIVERED: MessageStatus.SENT,
    S.READ: MessageStatus.SENT,
    S.FAILED: MessageStatus.FAILED,
    S.CANCELLED: MessageStatus.SKIPPED,
    S.SUPPRESSED: MessageStatus.SKIPPED,
    S.EXPIRED: MessageStatus.SKIPPED,
    S.UNKNOWN: MessageStatus.UNCONFIRMED,
}

OPEN = frozenset({S.PLANNED, S.HELD, S.QUEUED, S.CLAIMED})
"""States in which a message may still leave, or is leaving."""


def states_of(word: str) -> list[str]:
    """The states a filter word stands for: a public word first, else an exact one; empty when it is neither."""
    public = [state.value for state, status in STATUS.items() if status.value == word]
    return public or [state.value for state in MessageState if state.value == word]


class MessageKind(StrEnum):
    """What a message belongs to."""

    DIRECT = "direct"
    CAMPAIGN = "campaign"
    SEQUENCE = "sequence"
    AUTO_REPLY = "auto_reply"
    TEST = "test"


PRIORITY = {
    MessageKind.DIRECT: 0,
    MessageKind.TEST: 0,
    MessageKind.AUTO_REPLY: 1,
    MessageKind.SEQUENCE: 4,
    MessageKind.CAMPAIGN: 5,
}
"""Smaller goes first: an answer to a person overtakes a broadcast, at the same pace and under the same limits."""


@dataclass(slots=True)
class Lane:
    """A device's turn as stored: when it may send next, its limits and what it has used of them."""

    workspace_id: str
    device_id: str
    driver: str
    token: int
    min_delay: float
    max_delay: float
    per_minute: int
    per_hour: int
    per_day: int
    used: bytes | None = None
    """What it sent lately (`kit.windows`)."""
    rules_kind: str = "linked"
    """Which set of numbers applies (`policy.model.Kind`)."""
    is_restricted: bool = False
    """It may only answer people who wrote to it."""
    hold_until: datetime | None = None
    linked_at: datetime | None = None
    is_simulated: bool = False
    workspace_zone: str = "UTC"
    ready_at: datetime = EPOCH
    """When its pause ends."""


@dataclass(slots=True)
class Head:
    """The first row of a lane that is due."""

    workspace_id: str
    id: MessageId
    person_id: str
    device_id: str
    expires_at: datetime
    min_delay: float
    max_delay: float
    kind: MessageKind = MessageKind.CAMPAIGN
    source_id: str = ""
    is_manual: bool = False
    confirms_opted_out: bool = False
    duty: str | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Numbers of its source that are stricter than the policy."""
    says: Any = None
    """What it says and to whom, as stored, by name: template, picture, number, the lead's values."""


class Approved(NamedTuple):
    """A template that the service has approved, and the words for its body's places in their order."""

    name: str
    language: str
    parameters: tuple[str, ...] = ()


class Person(NamedTuple):
    """What is stored of a person that bears on their message."""

    zones: Sequence[str] = ()
    checked_at: datetime | None = None
    is_on_whatsapp: bool | None = None
    is_check_simulated: bool = False


@dataclass(slots=True)
class Slot:
    """What a claim writes into its lane: the reserved turn, and how much of each limit is used with it."""

    gap: float
    rest: float
    """Seconds from now on in which the lane does not send, unless the answer re-arms it."""
    used: bytes
    """What it sent lately, with this one (`kit.windows`)."""


@dataclass(slots=True)
class Waiting:
    """A head that a rule makes wait: until when it is not looked at again, and for what."""

    head: Head
    gate: str
    not_before: datetime
    until: datetime | None
    """When the wait ends, where that is known."""
    zones: tuple[str, ...] = ()
    lead_zone: str | None = None
    is_new_chat: bool = False
    """By these, rows that would be told the same are known."""


@dataclass(slots=True)
class Claimed:
    """A message that is ours to send: everything the driver and the text need."""

    workspace_id: str
    id: MessageId
    kind: MessageKind
    source_id: SourceId
    device_id: str
    driver: str
    token: int
    wire_id: str | None
    phone: str
    media_id: str | None
    text: str | None
    attempts: int
    gap: float
    deferrals: int = 0
    """How often the service put it off before."""
    opaque: str | None = None
    """The person's opaque id (LID), where we know no number."""
    template: Approved | None = None
    wait: float = 0.0
    """Seconds from the claim's instant until its lane's turn: so long it is held."""


@dataclass(slots=True)
class Claim:
    """A row to claim, the slot its lane reserves for it, and by which consent and which version of the rules it goes."""

    head: Head
    slot: Slot
    said: Claimed
    policy_version: int
    consent_id: str | None
    may_answer: bool
    """It may leave by a restricted device too."""
    unrenderable: str | None = None
    """Why it cannot be rendered, in words."""


@dataclass(slots=True)
class Outcome:
    """What became of one claimed message, to be recorded with others of the same tick."""

    workspace_id: str
    id: MessageId
    device_id: str
    token: int
    state: MessageState
    at: datetime
    wire_id: str | None = None
    reason: str | None = None
    error: str | None = None
    retry_at: datetime | None = None
    rest_until: datetime | None = None
    no_chats_until: datetime | None = None
    """The service refused a new conversation: this device begins none until then."""
    counts_deferral: bool = False
    """The service put off this very message, which it may do so often and no more (`dispatch.verdicts`)."""
    event: str | None = None
    """`deferred` or `lost`: why it came back to the queue, for "why?"."""
    cause: str | None = None
    spends_attempt: bool = True
    mono: float | None = None
    """Monotonic seconds of `at` on this machine; None when `at` is the database's already."""
    by_database: bool = False
    """Whether its instants are by the database's clock by now."""
    gap: float = 0.0
    """Seconds the lane pauses after `at`."""


class MessageNotFound(errors.NotFound):
    """There is no such message."""


class NotUnconfirmed(errors.Conflict):
    """Only an unconfirmed message can be settled by hand."""

    code = "not_unconfirmed"


class SourceEnded(errors.Conflict):
    """This message's campaign was cancelled, so it cannot be sent again."""

    code = "campaign_ended"


class TooLate(errors.Conflict):
    """The confirmation of an opt-out or opt-in leaves within minutes or never, so this one is not sent again."""

    code = "too_late"


class AlreadyLeft(errors.Conflict):
    """This message has left or has ended, so it cannot be cancelled."""

    code = "already_left"


class DeviceNotLinked(errors.Conflict):
    """Link this device first: it has no connection to WhatsApp to send through."""

    code = "device_not_linked"


class DuplicateClientRef(errors.Conflict):
    """A message with this client_ref exists already; it was not made again."""

    code = "duplicate_client_ref"


class QuietHours(errors.Conflict):
    """It is outside the hours in which this person may be written to."""

    code = "quiet_hours"


class WindowClosed(errors.Conflict):
    """More than 24 hours have passed since this person last wrote to this number; send an approved template."""

    code = "window_closed"


class NotOnWhatsApp(errors.Conflict):
    """This number is not on WhatsApp."""

    code = "not_on_whatsapp"


class PersonErased(errors.Conflict):
    """This person was erased, so nothing can be sent to them."""

    code = "person_erased"


class TwinStands(errors.Conflict):
    """Another message of the same campaign to this person stands, so this one is not sent again."""

    code = "duplicate_of"
