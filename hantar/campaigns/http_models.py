"""Bodies and replies of the routes of campaigns (api.md section 3)."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from hantar.campaigns import model, progress, schedule
from hantar.kit import errors, inputs
from hantar.leads import model as leads
from hantar.media import model as media
from hantar.outbox import model as outbox
from hantar.policy import terms
from hantar.templates import http_models as templates

ALL = "all"
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Delay = Annotated[float, Field(ge=0, le=model.LONGEST_DELAY, description="Seconds.")]


def _without_zone(given: time) -> time:
    if given.tzinfo is not None:
        raise PydanticCustomError("invalid_time", "Give the time as HH:MM, without a zone; time_zone says where.")
    return given


WallTime = Annotated[time, AfterValidator(_without_zone)]
RuleValue = bool | int | float | str | list[int] | None
RULES = "Numbers of the policy by name (`GET /api/policy`) that this campaign keeps stricter; a looser one changes nothing."
CANARY = "The first so many people go; the others wait until somebody lets them, or `canary_wait` seconds pass cleanly."
TEMPLATE = (
    "Of Cloud API numbers, in place of `message`; its parameters may use the fields of leads. A file is what it begins with."
)
Canary = Annotated[int, Field(ge=1, le=100_000, description=CANARY)]
Rules = Annotated[dict[str, RuleValue], Field(max_length=64, description=RULES)]


class CampaignIn(inputs.In):
    """A campaign as a person decides it. No date and no time: now."""

    title: Title
    niche: Annotated[str, Field(min_length=1, max_length=2000, description="One, a comma list (any of them), or `all`.")]
    target_status: model.TargetStatus
    message: Annotated[str, Field(max_length=outbox.MAX_TEXT)] | None = None
    image_url: Annotated[str | None, Field(description="An address or a data URL; fetched once, now.")] = None
    media_id: uuid.UUID | None = None
    template: templates.TemplateIn | None = Field(default=None, description=TEMPLATE)
    campaign_date: inputs.Day | None = None
    time_schedule: WallTime | None = None
    time_zone: Annotated[str | None, Field(max_length=64)] = None
    min_delay_seconds: Delay = model.DELAYS[0]
    max_delay_seconds: Delay = model.DELAYS[1]
    device_ids: list[uuid.UUID] | None = None
    when_offline: Literal["wait", "skip"] = "wait"
    late_policy: Annotated[Literal["ask", "run", "skip"] | None, Field(description="None: the policy's.")] = None
    rules: Rules = Field(default_factory=dict)
    canary: Canary | None = None
    hold: bool = False


class CampaignChangesIn(inputs.In):
    """Fields to change; what is left out stays, null takes away where that is possible."""

    title: Title | None = None
    niche: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    target_status: model.TargetStatus | None = None
    message: Annotated[str, Field(max_length=outbox.MAX_TEXT)] | None = None
    image_url: str | None = None
    media_id: uuid.UUID | None = None
    template: templates.TemplateIn | None = None
    campaign_date: inputs.Day | None = None
    time_schedule: WallTime | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    min_delay_seconds: Delay | None = None
    max_delay_seconds: Delay | None = None
    device_ids: list[uuid.UUID] | None = None
    when_offline: Literal["wait", "skip"] | None = None
    late_policy: Literal["ask", "run", "skip"] | None = None
    rules: Rules | None = None
    canary: Canary | None = None


def niche_keys(niche: str) -> tuple[str, ...] | None:
    """The entries a campaign asks for, as leads store them; None for all."""
    if niche.strip().casefold() == ALL:
        return None
    return tuple(leads.key(entry) for entry in leads.entries(niche))


def draft_of(body: CampaignIn, media_id: str | None, zone: str) -> model.Draft:
    """A checked draft; raises `Invalid` with every field at fault."""
    text = body.message or ""
    keys = niche_keys(body.niche)
    found = []
    if not body.title:
        found.append(errors.FieldError("title", "required", "Give the campaign a title."))
    if keys == ():
        found.append(errors.FieldError("niche", "required", "Name a niche, or choose all."))
    if body.template is not None and text.strip():
        found.append(errors.FieldError("message", "template_has_text", "A template has its own text. Leave the message empty."))
    elif body.template is None and not text.strip() and media_id is None:
        found.append(errors.FieldError("message", "required", "Write a message, add a file, or both."))
    if body.max_delay_seconds < body.min_delay_seconds:
        words = f"The longest pause must be at least the shortest, {body.min_delay_seconds:g} seconds."
        found.append(errors.FieldError("max_delay_seconds", "max_below_min", words))
    if body.device_ids == []:
        found.append(errors.FieldError("device_ids", "required", "Choose at least one device, or all of them."))
    if found:
        raise errors.Invalid(errors=found)
    schedule.zone(zone)
    devices = None if body.device_ids is None else tuple(str(each) for each in body.device_ids)
    return model.Draft(
        title=body.title,
        niche=ALL if keys is None else ",".join(leads.entries(body.niche)),
        audience=model.Audience(keys, body.target_status, devices),
        text=text,
        media_id=media_id,
        campaign_date=body.campaign_date,
        time_schedule=body.time_schedule,
        time_zone=zone,
        min_delay_seconds=body.min_delay_seconds,
        max_delay_seconds=body.max_delay_seconds,
        when_offline=body.when_offline,
        late_policy=body.late_policy,
        rules=_rules(body.rules),
        canary=body.canary,
        template=_approved(body.template),
    )


def _approved(given: templates.TemplateIn | None) -> outbox.Approved | None:
    return None if given is None else outbox.Approved(given.name, given.language, tuple(given.parameters))


def _rules(given: dict[str, RuleValue]) -> dict[str, Any]:
    """A campaign's own numbers as the engine keeps them; the widest bounds apply, since a looser number changes nothing."""
    read = terms.read_all(given, "simulator", "rules")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in read.items()}


def rules_out(rules: Mapping[str, Any]) -> dict[str, RuleValue]:
    """A campaign's own numbers in the words of the API."""
    return {name: terms.shown(name, value) for name, value in rules.items()}


def as_body(draft: model.Draft, changes: CampaignChangesIn | None = None) -> CampaignIn:
    """A stored draft as a body, with changes laid over it; raises `RequestValidationError` when they do not fit."""
    fields: dict[str, Any] = {
        "title": draft.title,
        "niche": draft.niche,
        "target_status": draft.audience.target_status,
        "message": draft.text or None if draft.template is None else None,
        "media_id": draft.media_id,
        "template": None if draft.template is None else draft.template._asdict(),
        "campaign_date": draft.campaign_date,
        "time_schedule": draft.time_schedule,
        "time_zone": draft.time_zone,
        "min_delay_seconds": draft.min_delay_seconds,
        "max_delay_seconds": draft.max_delay_seconds,
        "device_ids": None if draft.audience.device_ids is None else list(draft.audience.device_ids),
        "when_offline": draft.when_offline,
        "late_policy": draft.late_policy,
        "rules": rules_out(draft.rules),
        "canary": draft.canary,
    }
    sent = {} if changes is None else changes.model_dump(exclude_unset=True)
    if sent.get("image_url"):
        fields.pop("media_id")
    if sent.get("message"):
        fields["template"] = None
    if sent.get("template"):
        fields["message"] = None
    emptiable = {"message", "template", "media_id", "image_url", "campaign_date", "time_schedule", "device_ids", "canary"}
    fields |= {name: value for name, value in sent.items() if value is not None or name in emptiable}
    try:
        return CampaignIn.model_validate(fields)
    except ValidationError as error:  # answered like a body that was sent so
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error


class CountsOut(BaseModel):
    """The six public words add up to the total; the others are part of them."""

    total: int
    pending: int
    queued: int
    sent: int
    failed: int
    skipped: int
    unconfirmed: int
    delivered: int
    read: int
    held: int
    cancelled: int
    suppressed: int
    expired: int


class WarningOut(BaseModel):
    """Something to know that stops nothing."""

    code: str
    message: str


class FiguresOut(BaseModel):
    """What was counted: hits of so many; the least share they prove and the limit it is above, in percent."""

    hits: int
    of: int
    lower_bound: float
    limit: float


class PauseCauseOut(BaseModel):
    """Why the rules paused a campaign."""

    code: model.PauseCode
    words: str
    device_id: str | None
    import_ids: list[str]
    figures: FiguresOut | None


class AttachedOut(BaseModel):
    """The file that goes with the message; size in bytes."""

    id: str
    url: str
    kind: media.MediaKind
    mime: str
    name: str | None
    size: int


class NamedTemplateOut(BaseModel):
    """A template by name and language, with the words for its places."""

    name: str
    language: str
    parameters: list[str]


class CampaignOut(BaseModel):
    """A campaign with its numbers. `image_url` is there when its file is a picture."""

    id: str
    title: str
    niche: str
    target_status: model.TargetStatus
    message: str | None
    image_url: str | None
    media_id: str | None
    message_type: Literal["text", "image", "video", "document", "audio", "template"]
    media: AttachedOut | None
    template: NamedTemplateOut | None
    campaign_date: date | None
    time_schedule: str | None
    time_zone: str
    scheduled_at: datetime
    min_delay_seconds: float
    max_delay_seconds: float
    device_ids: list[str] | None
    when_offline: Literal["wait", "skip"]
    late_policy: Literal["ask", "run", "skip"]
    rules: dict[str, RuleValue]
    canary: int | None
    canary_passed_at: datetime | None
    waiting_for: Annotated[Literal["canary"] | None, Field(description="What holds people of this campaign back.")]
    status: model.CampaignStatus
    status_reason: str | None
    pause_cause: PauseCauseOut | None = None
    resume_after: datetime | None = None
    words: str | None = Field(default=None, description="Why it stands still, in plain words.")
    is_editable: bool
    is_demo: bool
    counts: CountsOut
    success_rate: float | None
    rate_per_minute: float | None
    eta_at: datetime | None
    eta_late_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime
    warnings: list[WarningOut] = Field(default_factory=list)


def warnings_out(warnings: tuple[schedule.Warning_, ...]) -> list[WarningOut]:
    """Warnings in the words of the API."""
    return [WarningOut(code=each.code, message=each.message) for each in warnings]


def campaign_out(
    campaign: model.Campaign, numbers: progress.Progress, warnings: tuple[schedule.Warning_, ...] = ()
) -> CampaignOut:
    """A campaign in the words of the API."""
    draft, file = campaign.draft, campaign.attached
    counts = {name: getattr(numbers.counts, name) for name in numbers.counts.__dataclass_fields__}
    return CampaignOut(
        id=campaign.id,
        title=draft.title,
        niche=draft.niche,
        target_status=draft.audience.target_status,
        message=draft.text or None,
        image_url=f"/api/media/{draft.media_id}" if file and file.kind is media.MediaKind.IMAGE else None,
        media_id=draft.media_id,
        message_type="template" if draft.template else file.kind.value if file else "text",
        template=NamedTemplateOut.model_validate(draft.template, from_attributes=True) if draft.template else None,
        media=AttachedOut(id=draft.media_id or "", url=f"/api/media/{draft.media_id}", **asdict(file)) if file else None,
        campaign_date=draft.campaign_date,
        time_schedule=f"{draft.time_schedule:%H:%M}" if draft.time_schedule else None,
        time_zone=draft.time_zone,
        scheduled_at=campaign.due_at,
        min_delay_seconds=draft.min_delay_seconds,
        max_delay_seconds=draft.max_delay_seconds,
        device_ids=None if draft.audience.device_ids is None else list(draft.audience.device_ids),
        when_offline=draft.when_offline,
        late_policy=draft.late_policy or "ask",
        rules=rules_out(draft.rules),
        canary=draft.canary,
        canary_passed_at=campaign.canary_passed_at,
        waiting_for="canary" if campaign.is_waiting_for_canary else None,
        status=campaign.status,
        status_reason=campaign.status_reason,
        pause_cause=_cause_out(campaign.pause_cause),
        resume_after=campaign.resume_after,
        words=campaign.pause_cause.words if campaign.pause_cause else None,
        is_editable=campaign.is_editable,
        is_demo=campaign.is_demo,
        counts=CountsOut(**counts),
        success_rate=numbers.counts.success_rate,
        rate_per_minute=numbers.rate_per_minute,
        eta_at=numbers.eta_at,
        eta_late_at=numbers.eta_late_at,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
        warnings=warnings_out(warnings),
    )


def _cause_out(cause: model.PauseCause | None) -> PauseCauseOut | None:
    if cause is None:
        return None
    figures = None if cause.figures is None else FiguresOut(**asdict(cause.figures))
    return PauseCauseOut(
        code=cause.code, words=cause.words, device_id=cause.device_id, import_ids=list(cause.import_ids), figures=figures
    )
