"""What requests about devices hold and what replies say, exactly as the API promises."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from hantar.devices import health, kinds_models, model, numbers, service, words
from hantar.gateways import port
from hantar.kit import inputs

Name = Annotated[str, Field(max_length=model.NAME_LENGTH)]
Number = Annotated[str, Field(max_length=64)]
Delay = Annotated[float, Field(ge=0, le=86_400)]


class LimitsIn(inputs.In):
    """How many messages at most."""

    per_minute: int | None = Field(default=None, ge=1, le=6000)
    per_hour: int | None = Field(default=None, ge=1, le=200_000)
    per_day: int | None = Field(default=None, ge=1, le=2_000_000)

    def asked(self) -> model.SomeLimits:
        """As the service takes them."""
        return model.SomeLimits(self.per_minute, self.per_hour, self.per_day)


class DeviceIn(kinds_models.CredentialsIn):
    """A device to add. Kinds that are set up by credentials need `number_id` and `token`; the service is asked at once."""

    name: Name
    phone: Number | None = None
    driver: str | None = None
    limits: LimitsIn | None = None
    min_delay_seconds: Delay = 0.0
    max_delay_seconds: Delay | None = None

    def new(self, driver: str) -> service.New:
        """As the service takes it."""
        limits = self.limits.asked() if self.limits else model.SomeLimits()
        most = self.min_delay_seconds if self.max_delay_seconds is None else self.max_delay_seconds
        return service.New(self.name, driver, self.phone, limits, self.min_delay_seconds, most)


class DeviceChangesIn(inputs.In):
    """Fields to change; those left out keep their value."""

    name: Name | None = None
    phone: Number | None = None
    limits: LimitsIn | None = None
    min_delay_seconds: Delay | None = None
    max_delay_seconds: Delay | None = None

    def edit(self) -> service.Edit:
        """As the service takes it; a phone given as null or empty is removed."""
        phone = (self.phone or "") if "phone" in self.model_fields_set else None
        limits = self.limits.asked() if self.limits else None
        return service.Edit(self.name, phone, limits, self.min_delay_seconds, self.max_delay_seconds)


class PhoneIn(inputs.In):
    """A number."""

    phone: Number


class ReasonIn(inputs.In):
    """Why."""

    reason: Annotated[str | None, Field(max_length=500)] = None


class SimulateIn(inputs.In):
    """What should happen in the simulated world."""

    action: Literal[
        "scan",
        "inbound",
        "block",
        "complain",
        "offline",
        "online",
        "log_out",
        "restrict",
        "ban",
        "replace",
        "rate_limit",
        "reject",
        "lose_ack",
        "silent",
    ]
    phone: Number | None = None
    text: Annotated[str | None, Field(max_length=4096)] = None
    code: Annotated[str | None, Field(max_length=400)] = Field(default=None, description="A pairing code typed on the phone.")
    opaque: Annotated[str | None, Field(max_length=100)] = Field(
        default=None, description="The sender's number is hidden; this id is all there is."
    )
    identity: Literal["later", "never"] = Field(
        default="later", description="Whether the service tells whose `opaque` id that is, after `for_seconds` (5)."
    )
    name: Annotated[str | None, Field(max_length=100)] = Field(default=None, description="The sender's own name.")
    in_group: bool = Field(default=False, description="Written in a group, so not to us alone.")
    media: Literal["image", "video", "audio", "document"] | None = Field(default=None, description="A file comes with it.")
    for_seconds: Annotated[float | None, Field(gt=0, le=30 * 86_400)] = None

    def extra(self) -> dict[str, str]:
        """What only some actions read."""
        group = "yes" if self.in_group else None
        given = {"identity": self.identity, "name": self.name, "group": group, "media": self.media}
        return {name: value for name, value in given.items() if value}


class LimitsOut(BaseModel):
    """How many messages at most; the tightest binds."""

    per_minute: int
    per_hour: int
    per_day: int


Origin = Literal["default", "environment", "administrator", "workspace", "device"]


class LimitOriginsOut(BaseModel):
    """Where each limit comes from: the device's own number, or the rules."""

    per_minute: Origin
    per_hour: Origin
    per_day: Origin


class DeviceOut(BaseModel):
    """A device."""

    id: str
    name: str
    phone: str | None
    jid: str | None
    driver: str
    status: Literal["online", "offline"]
    state: port.DeviceState
    state_reason: str | None
    state_since: datetime
    words: str = Field(description="The state as a sentence.")
    advice: str = Field(description="What to do next.")
    hold_until: datetime | None
    last_seen: datetime | None
    is_linked: bool
    sending_paused: bool
    pause_reason: str | None = Field(description="`person`, or the rule that paused it.")
    pause_words: str | None = Field(description="Why sending is paused, as a sentence.")
    resume_after: datetime | None = Field(description="Nobody resumes it before.")
    unofficial: bool
    simulated: bool
    uses_credentials: bool = Field(description="Set up by a number id and a token; there is no code to scan.")
    number: kinds_models.NumberOut | None
    is_demo: bool
    rules_kind: str = Field(description="Which set of rules holds for it.")
    linked_at: datetime | None = Field(description="When its present number was first linked here.")
    limits: LimitsOut = Field(description="What binds: the device's own limits or the rules, whatever is tighter.")
    limit_origins: LimitOriginsOut
    own_limits: LimitsOut = Field(description="The device's own limits, as somebody set them.")
    min_delay_seconds: float
    max_delay_seconds: float
    lead_count: int
    sent_today: int
    failed_today: int
    queue_size: int
    created_at: datetime
    updated_at: datetime


def _limits(limits: model.Limits) -> LimitsOut:
    return LimitsOut(per_minute=limits.per_minute, per_hour=limits.per_hour, per_day=limits.per_day)


@dataclass(frozen=True, slots=True)
class Around:
    """What is shown with one: figures, the limits that bind it, what its kind can do, the service's word, and the instant."""

    figures: model.Figures
    bound: service.Bound
    caps: port.Capabilities
    number: numbers.Number | None
    now: datetime


def device_out(device: model.Device, around: Around) -> DeviceOut:
    """A device as the API shows it."""
    caps, bound, figures, now = around.caps, around.bound, around.figures, around.now
    return DeviceOut(
        id=device.id,
        name=device.name,
        phone=device.phone,
        jid=device.jid,
        driver=device.driver,
        status="online" if device.state in model.HAS_LINE else "offline",
        state=device.state,
        state_reason=device.state_reason,
        state_since=device.state_since,
        words=words.of(device.state, device.state_reason, device.hold_until, by_token=caps.credentials),
        advice=words.advice(device.state, device.state_reason, by_token=caps.credentials),
        hold_until=device.hold_until,
        last_seen=now if device.state in model.HAS_LINE else device.last_seen_at,
        is_linked=device.is_linked,
        sending_paused=device.sending_paused,
        pause_reason=(device.pause_reason or words.PERSON) if device.sending_paused else None,
        pause_words=words.pause(device.pause_reason or words.PERSON) if device.sending_paused else None,
        resume_after=device.resume_after if device.sending_paused else None,
        unofficial=caps.unofficial,
        simulated=caps.simulated,
        uses_credentials=caps.credentials,
        number=kinds_models.number_out(around.number) if around.number else None,
        is_demo=device.is_demo,
        rules_kind=device.rules_kind,
        linked_at=device.linked_at,
        limits=_limits(bound.limits),
        limit_origins=LimitOriginsOut.model_validate(bound.origins),
        own_limits=_limits(device.limits),
        min_delay_seconds=device.min_delay_seconds,
        max_delay_seconds=device.max_delay_seconds,
        lead_count=figures.lead_count,
        sent_today=figures.sent_today,
        failed_today=figures.failed_today,
        queue_size=figures.queue_size,
        created_at=device.created_at,
        updated_at=device.updated_at,
    )


class StateOut(BaseModel):
    """Where a device stands."""

    state: port.DeviceState


class QrOut(BaseModel):
    """A code to show until it expires; `attempt` counts from 1 within one pairing."""

    qr: str
    expires_at: datetime
    attempt: int


class PairCodeOut(BaseModel):
    """Eight characters to type on the phone."""

    pair_code: str
    expires_at: datetime


class RefreshedOut(BaseModel):
    """What a refresh found."""

    result: Literal["reconnected", "already_online", "qr_required", "unreachable"]
    device: DeviceOut


class DeletionPreviewOut(BaseModel):
    """What would go with the device."""

    leads: int
    messages: int
    pending_messages: int
    campaigns: int = Field(description="Campaigns that still have messages waiting on this device.")


class DeletedOut(BaseModel):
    """What went."""

    leads: int
    messages: int


class DeviceDeletedOut(BaseModel):
    """A device that is gone."""

    device_id: str
    device_name: str
    deleted: DeletedOut


class DeviceEventOut(BaseModel):
    """One line of a device's history."""

    at: datetime
    state: str
    reason: str | None
    words: str


class CheckOut(BaseModel):
    """One thing looked at."""

    name: str
    ok: bool
    advice: str | None


class AllowanceOut(BaseModel):
    """What is left now."""

    minute: int
    hour: int
    day: int
    new_chats: int = Field(description="New conversations; answers do not count.")


class DeviceHealthOut(BaseModel):
    """How a device is."""

    words: str
    advice: str
    allowance_left: AllowanceOut
    new_chats_allowance: int = Field(description="New conversations a day that the rules allow at this age.")
    days_linked: int = Field(description="Which day of the number's age this is: 1 on the first, 0 when never linked.")
    unanswered: int = Field(description="Conversations it began within 30 days that nobody answered.")
    restriction_until: datetime | None
    restriction_at: datetime | None = Field(description="The last restriction or ban within 30 days.")
    restriction_mark: datetime | None = Field(description="Until when it stays on the page: 30 days after.")
    restriction_words: str | None
    sending_paused: bool
    pause_reason: str | None
    pause_words: str | None
    resume_after: datetime | None
    link_ends_at: datetime | None = Field(
        description="When WhatsApp drops this link if the line stays closed; null: no such clock."
    )
    needs_reason: bool = Field(description="Whether resuming needs a reason.")
    checks: list[CheckOut]


def health_out(found: health.Health) -> DeviceHealthOut:
    """A device's health as the API shows it."""
    device, left = found.device, found.left
    cause = (device.pause_reason or words.PERSON) if device.sending_paused else None
    return DeviceHealthOut(
        words=found.words,
        advice=found.advice,
        allowance_left=AllowanceOut(minute=left.minute, hour=left.hour, day=left.day, new_chats=left.new_chats),
        new_chats_allowance=found.new_chats_allowance,
        days_linked=found.days_linked,
        unanswered=found.unanswered,
        restriction_until=found.restriction_until,
        restriction_at=found.restriction_at,
        restriction_mark=found.restriction_mark,
        restriction_words=found.restriction_words,
        sending_paused=device.sending_paused,
        pause_reason=cause,
        pause_words=words.pause(cause),
        resume_after=device.resume_after if device.sending_paused else None,
        link_ends_at=found.link_ends_at,
        needs_reason=found.restriction_at is not None or cause not in (None, words.PERSON),
        checks=[CheckOut(name=each.name, ok=each.ok, advice=each.advice) for each in found.checks],
    )


class NumberCheckOut(BaseModel):
    """Whether a number is on WhatsApp."""

    on_whatsapp: bool
    jid: str | None


class SimulatedOut(BaseModel):
    """What was done in the simulated world."""

    done: str
    phone: str | None = None
    wire_id: str | None = None
