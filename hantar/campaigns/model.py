"""A campaign and its life. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Literal, NewType

from hantar.kit import errors
from hantar.media import model as media
from hantar.outbox import model as outbox

CampaignId = NewType("CampaignId", str)

DELAYS = (10.0, 30.0)
"""Default minimum and maximum pause between two messages of a device, in seconds (mission CP1)."""
LONGEST_DELAY = 86_400.0
PAGE = 10_000
"""Leads written to the outbox in one transaction, with the cursor: a second or so of work, so others have their turn soon."""
POOLS = 10
"""Broadcasts of one account that run at once (`BROADCAST_MAX_POOLS_PER_USER`); the next ones wait for their turn."""
WAITS_FOR_TURN = "waits_for_turn"
"""`status_reason` of a campaign that is due and waits because `POOLS` others of its account run."""
PLANNING_FAILED = "planning_failed"
"""`status_reason` of a campaign whose recipients could not be written, again and again; what waited of it was cancelled."""


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    PENDING = "pending"
    TRIGGERED = "triggered"
    PROCESSING = "processing"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


C = CampaignStatus

MOVES: dict[CampaignStatus, frozenset[CampaignStatus]] = {
    C.PENDING: frozenset({C.TRIGGERED, C.PAUSED, C.CANCELLED, C.FAILED}),
    C.TRIGGERED: frozenset({C.PROCESSING, C.PAUSED, C.CANCELLED, C.FAILED}),
    C.PROCESSING: frozenset({C.FINISHED, C.FAILED, C.PAUSED, C.CANCELLED}),
    C.PAUSED: frozenset({C.PENDING, C.TRIGGERED, C.PROCESSING, C.CANCELLED}),
    C.FINISHED: frozenset(),
    C.FAILED: frozenset(),
    C.CANCELLED: frozenset(),
}

UNFINISHED = frozenset({C.PENDING, C.TRIGGERED, C.PROCESSING, C.PAUSED})


class TargetStatus(StrEnum):
    """Which leads a campaign is for."""

    ALL = "all"
    PROSPECT = "prospect"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant: niches (None: all), target status, devices (None: every device that owns matching leads)."""

    niche_keys: tuple[str, ...] | None
    target_status: TargetStatus
    device_ids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything a person decides about a campaign; text and picture as stored."""

    title: str
    niche: str
    audience: Audience
    text: str
    media_id: str | None
    campaign_date: date | None
    time_schedule: time | None
    time_zone: str
    min_delay_seconds: float
    max_delay_seconds: float
    when_offline: Literal["wait", "skip"]
    late_policy: Literal["ask", "run", "skip"] | None
    """What happens when the start is missed; None: what the policy says when it is stored."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Numbers of this campaign that count where they are stricter than the policy's: {name: value}."""
    template: outbox.Approved | None = None
    """An approved template of the Cloud API; `text` is then its body with the parameters in its places."""
    canary: int | None = None
    """The first so many people go, the others wait until somebody, or a clean while, lets them."""


class PauseCode(StrEnum):
    """Why the rules paused a campaign; also its `status_reason`."""

    OPT_OUTS = "opt_outs"
    LIST_QUALITY = "list_quality"
    DEVICE_RESTRICTED = "device_restricted"
    DEVICE_BANNED = "device_banned"
    DEVICE_REFUSED = "device_refused"
    DEVICE_QUALITY = "device_quality"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted: hits of so many; the least share they prove and the limit it is above, both in percent."""

    hits: int
    of: int
    lower_bound: float
    limit: float


@dataclass(frozen=True, slots=True)
class PauseCause:
    """Why the rules paused a campaign, in plain words and in figures."""

    code: PauseCode
    words: str
    device_id: str | None = None
    import_ids: tuple[str, ...] = ()
    figures: Figures | None = None

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "PauseCause":
        """As it was stored (JSON)."""
        figures = stored.get("figures")
        return cls(
            PauseCode(stored["code"]),
            stored["words"],
            stored.get("device_id"),
            tuple(stored.get("import_ids") or ()),
            Figures(**figures) if figures else None,
        )


@dataclass(frozen=True, slots=True)
class Attached:
    """The file that goes with a campaign's message; size in bytes."""

    kind: media.MediaKind
    mime: str
    name: str | None
    size: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored."""

    id: CampaignId
    workspace_id: str
    draft: Draft
    content_id: str
    due_at: datetime
    status: CampaignStatus
    paused_from: CampaignStatus | None
    paused_at: datetime | None
    status_reason: str | None
    is_demo: bool
    started_at: datetime | None
    finished_at: datetime | None
    canary_passed_at: datetime | None
    plan_hash: str | None
    """The plan it was started by: only its people are written to."""
    created_at: datetime
    updated_at: datetime
    pause_cause: PauseCause | None = None
    """Set while it stands paused by the rules; `resume_after` is when a person may resume it at the earliest."""
    resume_after: datetime | None = None
    counted_from: datetime | None = None
    attached: Attached | None = None

    @property
    def is_editable(self) -> bool:
        """Whether it has not started: pending, or paused before its start."""
        return self.status is C.PENDING or (self.status is C.PAUSED and self.paused_from is C.PENDING)

    @property
    def is_waiting_for_canary(self) -> bool:
        """Whether it has started with its first people and holds the others back."""
        has_started = self.status in (C.TRIGGERED, C.PROCESSING, C.PAUSED) and not self.is_editable
        return self.draft.canary is not None and self.canary_passed_at is None and has_started


class CampaignNotFound(errors.NotFound):
    """There is no such campaign."""


class CampaignNotEditable(errors.Conflict):
    """A campaign that has started cannot be edited. Clone it to change it."""

    code = "campaign_not_editable"


class CampaignEnded(errors.Conflict):
    """This campaign has ended."""

    code = "campaign_ended"


class CancelFirst(errors.Conflict):
    """This campaign is running. Cancel it first, then delete it."""

    code = "cancel_first"


class PlanChanged(errors.Conflict):
    """The people this campaign reaches have changed since you looked at the plan. Look at it again."""

    code = "plan_changed"


class OptOutLineMissing(errors.Conflict):
    """The first message to a person must say how to stop, and this one does not. Add the line, then start."""

    code = "opt_out_line_missing"


class NoCanary(errors.Conflict):
    """This campaign holds nobody back."""

    code = "no_canary"


class CoolingDown(errors.Conflict):
    """WhatsApp restricted a device of this campaign not long ago. It can be resumed later."""

    code = "cooling_down"


class ReasonRequired(errors.Conflict):
    """The rules paused this campaign. Say why it may go on; the reason is kept on record."""

    code = "reason_required"


class PlanNotFound(errors.NotFound):
    """There is no such plan."""
