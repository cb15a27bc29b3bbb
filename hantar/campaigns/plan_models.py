"""Bodies and replies of the routes of plans (api.md 4.5)."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from hantar.campaigns import audience, http_models, planned, words
from hantar.kit import inputs

AsKind = Annotated[
    Literal["linked"] | None,
    Field(description="`linked`: what a real device would do differently. Such a plan cannot be started."),
]


class PlanIn(inputs.In):
    """How to look at a stored campaign's plan."""

    as_kind: AsKind = None


class DraftPlanIn(http_models.CampaignIn):
    """A campaign to plan without making it."""

    as_kind: AsKind = None


class DevicePlanOut(BaseModel):
    """What one device would do; times are instants."""

    device_id: str
    name: str
    state: str
    kind: Annotated[str, Field(description="Which rules bind it: `linked`, `cloud`, `simulator`, `demo`.")]
    count: int
    new_people: Annotated[int, Field(description="Of these, people this device has never met.")]
    first_at: Annotated[datetime | None, Field(description="Null: by these rules nobody ever gets a turn.")]
    last_at: datetime | None
    late_at: Annotated[datetime | None, Field(description="It ends later than this one time in ten.")]
    would_expire: Annotated[int, Field(description="Messages whose turn would come after they expire.")]


class ExampleOut(BaseModel):
    """One person left out."""

    lead_id: str
    name: str
    phone: str


class ExclusionOut(BaseModel):
    """How many are left out for one reason."""

    reason: str
    count: int
    words: str
    example: ExampleOut | None


class MovedOut(BaseModel):
    """How many must wait for something beyond their turn."""

    cause: Annotated[str, Field(description="`quiet_hours` or `device_limit`.")]
    count: int
    words: str
    until: Annotated[datetime | None, Field(description="When the last of them may leave.")]


class OptOutLineOut(BaseModel):
    """Whether the text says how to stop hearing from us."""

    is_present: bool
    is_required: Annotated[bool, Field(description="It is missing, and a start answers 409 `opt_out_line_missing`.")]
    proposal: Annotated[str | None, Field(description="A line to add, in the message's language; nothing is added by itself.")]
    language: str


class CanaryOut(BaseModel):
    """The first so many people, then a wait of so many clean seconds, or for somebody."""

    size: int
    wait_seconds: int


class PlanOut(BaseModel):
    """Who gets it, from which device, when; and how many are left out, by reason."""

    plan_id: str
    plan_hash: Annotated[str | None, Field(description="Starts this plan; null when it is only for looking (`as_kind`).")]
    as_kind: AsKind
    matched: int
    will_send: int
    excluded: int
    excluded_by_reason: dict[str, int]
    exclusions: list[ExclusionOut]
    without_consent: Annotated[int, Field(description="Of `will_send`, people with no consent on record (mode `mark`).")]
    moved: list[MovedOut]
    devices: list[DevicePlanOut]
    starts_at: datetime
    eta_at: datetime | None
    eta_late_at: datetime | None
    would_expire: Annotated[int, Field(description="Messages whose turn would come after they expire.")]
    opt_out_line: OptOutLineOut
    canary_proposed: CanaryOut | None
    warnings: list[http_models.WarningOut]


class RecipientOut(BaseModel):
    """One person of a plan."""

    lead_id: str
    name: str
    phone: str
    device_id: str | None
    device_name: str | None
    earliest_at: datetime | None
    moved_by: Annotated[str | None, Field(description="What makes it later than its turn: `quiet_hours`, `device_limit`.")]
    time_zone: Annotated[str | None, Field(description="The recipient's zone; the first when there are several.")]
    zones: Annotated[list[str], Field(description="Every zone the recipient may be in; all must be inside the window.")]
    local_time: Annotated[str | None, Field(description="`earliest_at` by the recipient's clock, with its offset.")]
    text: str
    included: bool
    reason: str | None
    reason_words: str | None
    has_consent: Annotated[bool, Field(description="Whether a consent to marketing is on record.")]


def plan_out(made: planned.Plan) -> PlanOut:
    """A plan in the words of the API."""
    shares = made.shares
    return PlanOut(
        plan_id=made.id,
        plan_hash=made.hash,
        as_kind=made.as_kind,
        matched=shares.matched,
        will_send=shares.will_send,
        excluded=shares.matched - shares.will_send,
        excluded_by_reason=shares.excluded_by_reason,
        exclusions=[_exclusion_out(each) for each in shares.exclusions],
        without_consent=shares.without_consent,
        moved=[
            MovedOut(cause=each.cause, count=each.count, words=words.MOVED[each.cause], until=each.until) for each in made.moved
        ],
        devices=[_device_out(each) for each in made.devices],
        starts_at=made.starts_at,
        eta_at=made.eta_at,
        eta_late_at=made.eta_late_at,
        would_expire=sum(each.would_expire for each in made.devices),
        opt_out_line=OptOutLineOut(
            is_present=made.line.is_present,
            is_required=made.line.is_required,
            proposal=made.line.proposal,
            language=made.line.language,
        ),
        canary_proposed=CanaryOut(size=made.canary.size, wait_seconds=made.canary.wait_seconds) if made.canary else None,
        warnings=http_models.warnings_out(made.warnings),
    )


def _exclusion_out(each: audience.Exclusion) -> ExclusionOut:
    example = ExampleOut(lead_id=each.lead_id, name=each.name, phone=each.phone) if each.lead_id else None
    return ExclusionOut(reason=each.reason, count=each.count, words=words.REASONS[each.reason], example=example)


def _device_out(each: planned.DevicePlan) -> DevicePlanOut:
    course, device = each.course, each.course.device
    return DevicePlanOut(
        device_id=device.id,
        name=device.name,
        state=device.state,
        kind=device.kind,
        count=course.count,
        new_people=course.new_people,
        first_at=each.turns.first_at,
        last_at=each.turns.last_at,
        late_at=each.late_at,
        would_expire=each.would_expire,
    )


def recipient_out(each: planned.Recipient) -> RecipientOut:
    """A recipient in the words of the API."""
    fields = {name: getattr(each, name) for name in each.__dataclass_fields__}
    fields |= {"zones": list(each.zones), "reason_words": words.REASONS.get(each.reason) if each.reason else None}
    return RecipientOut(**fields)
