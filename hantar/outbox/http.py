"""Routes of single messages: send, list, look, cancel, settle."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from hantar.accounts import access
from hantar.accounts.model import PeopleOnly, Role
from hantar.audit import service as audit
from hantar.kit import db, errors, inputs, paging
from hantar.media import model as media_model, service as media
from hantar.outbox import explain, history, model, service, views
from hantar.templates import http_models as templates

router = APIRouter(tags=["Messages"])

Status = Literal["pending", "queued", "sent", "failed", "skipped", "unconfirmed"]
Text = Annotated[str, Field(max_length=model.MAX_TEXT)]
LATEST = timedelta(days=366)
"""How far ahead a single message may be planned, and how long after that it may wait (our own number)."""


class MessageOut(BaseModel):
    """A message: `status` is the public word, `state` the exact one, `waiting_for` what stands in front of it.

    `waiting_until` is there when the end of the wait is known. `policy_version` and `consent_id` are what it left by.
    """

    id: str
    kind: model.MessageKind
    campaign_id: str | None
    sequence_id: str | None
    step_id: str | None
    person_id: str
    device_id: str
    device_name: str
    lead_id: str | None
    name: str
    phone: str
    message_type: Literal["text", "image", "video", "document", "audio", "template"]
    text: str | None
    status: Status
    state: model.MessageState
    reason: str | None
    waiting_for: str | None
    waiting_until: datetime | None
    hold_reason: str | None
    error: str | None
    attempts: int
    policy_version: int | None
    consent_id: str | None
    is_manual: bool
    confirms_opted_out: bool
    scheduled_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    wa_message_id: str | None
    client_ref: str | None
    created_at: datetime


def message_out(row: db.Row) -> MessageOut:
    """A message in the words of the API."""
    state = model.MessageState(row["state"])
    return MessageOut(
        id=row["id"],
        kind=row["kind"],
        campaign_id=row["source_id"] if row["kind"] == "campaign" else None,
        sequence_id=row["source_id"] if row["kind"] == "sequence" else None,
        step_id=row["step_id"] if row["step_id"] != model.NO_STEP else None,
        person_id=row["person_id"],
        device_id=row["device_id"],
        device_name=row["device_name"],
        lead_id=row["lead_id"],
        name=row["name"],
        phone=row["phone"],
        message_type=row["content_kind"],
        text=row["text"],
        status=model.STATUS[state].value,
        state=state,
        reason=row["reason"],
        waiting_for=row["waits_for"],
        waiting_until=row["waits_until"],
        hold_reason=row["hold_reason"],
        error=row["error"],
        attempts=row["attempts"],
        policy_version=row["policy_version"],
        consent_id=row["consent_id"],
        is_manual=row["is_manual"],
        confirms_opted_out=row["confirms_opted_out"],
        scheduled_at=row["not_before"],
        expires_at=row["expires_at"],
        sent_at=row["sent_at"],
        delivered_at=row["delivered_at"],
        read_at=row["read_at"],
        wa_message_id=row["wire_id"],
        client_ref=row["client_ref"],
        created_at=row["created_at"],
    )


class AcceptedOut(BaseModel):
    """Accepted, not yet sent; `GET /api/messages/{message_id}` tells how it goes on."""

    message_id: str
    status: Status
    message: MessageOut


KNOWINGLY = Field(default=False, description="Answer although they opted out; for a signed-in person only, and audited.")


class SendMessageIn(inputs.In):
    """A text or an approved template to one person. Phone with country code, or a local number if the workspace has a country."""

    device_id: uuid.UUID
    phone: str = Field(max_length=40)
    message: Annotated[Text, Field(min_length=1)] | None = None
    template: templates.TemplateIn | None = Field(default=None, description="Of a Cloud API number, in place of `message`.")
    media_id: uuid.UUID | None = Field(default=None, description="The file with which the template begins.")
    send_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    client_ref: str | None = Field(default=None, max_length=255)
    confirm_opted_out: bool = KNOWINGLY

    @model_validator(mode="after")
    def _one_of_two(self) -> "SendMessageIn":
        if (self.message is None) == (self.template is None):
            raise ValueError("Give message or template, one of the two.")
        if self.media_id is not None and self.template is None:
            raise ValueError("A file goes with a template here; send it alone as an image or a file.")
        if self.template is not None and any("{{" in each for each in self.template.parameters):
            raise ValueError("A single message takes its parameters as they stand, without fields in braces.")
        return self


class SendImageIn(inputs.In):
    """A picture with an optional caption, by address, data URL or an uploaded media id."""

    device_id: uuid.UUID
    phone: str = Field(max_length=40)
    image_url: str | None = None
    media_id: uuid.UUID | None = None
    caption: Text = ""
    send_at: AwareDatetime | None = None
    client_ref: str | None = Field(default=None, max_length=255)
    confirm_opted_out: bool = KNOWINGLY

    @model_validator(mode="after")
    def _one_picture(self) -> "SendImageIn":
        if (self.image_url is None) == (self.media_id is None):
            raise ValueError("Give image_url or media_id, one of the two.")
        return self


class SendFileIn(inputs.In):
    """An uploaded file; a document shows its name."""

    device_id: uuid.UUID
    phone: str = Field(max_length=40)
    media_id: uuid.UUID
    caption: Annotated[str, Field(max_length=media_model.LONGEST_CAPTION, description="Not for audio.")] = ""
    send_at: AwareDatetime | None = None
    client_ref: str | None = Field(default=None, max_length=255)
    confirm_opted_out: bool = KNOWINGLY


def approved(given: templates.TemplateIn | None) -> model.Approved | None:
    """A template as the outbox keeps it."""
    return None if given is None else model.Approved(given.name, given.language, tuple(given.parameters))


async def _send(at: access.At, asked: service.Direct, request: Request, response: Response) -> AcceptedOut:
    if asked.confirms_opted_out and not asked.is_manual:
        raise PeopleOnly
    _check_times(asked, at.clock.now())
    async with at.tx() as tx:
        if asked.media_id:
            await _check_media(tx, asked.media_id, asked.text)
        row = await service.send(tx, at.workspace_id, asked, at.caller.user_id)
        if row["confirms_opted_out"]:
            thing = audit.Thing("message", row["id"])
            after = {"person_id": row["person_id"]}
            await audit.record(tx, at.workspace_id, audit.by(at, request), "message.sent_to_opted_out", thing, after=after)
    message = message_out(row)
    response.headers["Location"] = f"/api/messages/{message.id}"
    # a message for later waits for its time; the rest is in its device's queue
    status: Status = "pending" if asked.send_at and asked.send_at > at.clock.now() else message.status
    return AcceptedOut(message_id=message.id, status=status, message=message)


def _check_times(asked: service.Direct, now: datetime) -> None:
    if asked.send_at and asked.send_at > now + LATEST:
        raise errors.invalid_field("send_at", "too_far", "Choose a time within the next year.")
    if asked.expires_at is None:
        return
    start = max(now, asked.send_at or now)
    if asked.expires_at <= start:
        words = "The message would expire before it may leave. Choose a later time."
        raise errors.invalid_field("expires_at", "before_start", words)
    if asked.expires_at > start + LATEST:
        raise errors.invalid_field("expires_at", "too_far", "A message may wait for a year at most.")


async def _check_media(tx: db.Tx, media_id: str, caption: str) -> None:
    try:
        file = await media.find(tx, media_model.MediaId(media_id))
    except media_model.MediaNotFound:
        raise errors.invalid_field("media_id", "unknown_media", "This file is not in your workspace.") from None
    if problem := media_model.caption_problem(file.kind, caption, "caption"):
        raise errors.Invalid(errors=[problem])


@router.post("/send/message", status_code=202, summary="Send a text to one person")
async def send_message(
    body: SendMessageIn, request: Request, response: Response, at: access.At = access.need(Role.OPERATOR, "messages:send")
) -> AcceptedOut:
    """Queued with priority over campaigns, at the device's own pace. 409 `opted_out`, `no_consent`, `window_closed` or
    `quiet_hours` (with `next_at`) when the rules forbid it; what may wait is accepted and says in `waiting_for` what for.
    409 `template_missing` or `template_paused` when the template may not be sent."""
    asked = service.Direct(
        str(body.device_id),
        body.phone,
        body.message or "",
        str(body.media_id) if body.media_id else None,
        template=approved(body.template),
        send_at=body.send_at,
        expires_at=body.expires_at,
        client_ref=body.client_ref,
        is_manual=at.caller.key_id is None,
        confirms_opted_out=body.confirm_opted_out,
    )
    return await _send(at, asked, request, response)


@router.post("/send/image", status_code=202, summary="Send a picture to one person", max_body_size=media.LINK_BODY_LIMIT)
async def send_image(
    body: SendImageIn, request: Request, response: Response, at: access.At = access.need(Role.OPERATOR, "messages:send")
) -> AcceptedOut:
    """One message with its caption; the picture is stored at 350 KB or less. Refused or made to wait as a text is."""
    media_id = str(body.media_id) if body.media_id else await media.store_link(at, body.image_url or "", "image_url")
    asked = service.Direct(
        str(body.device_id),
        body.phone,
        body.caption,
        media_id,
        send_at=body.send_at,
        client_ref=body.client_ref,
        is_manual=at.caller.key_id is None,
        confirms_opted_out=body.confirm_opted_out,
    )
    return await _send(at, asked, request, response)


@router.post("/send/file", status_code=202, summary="Send a video, document, sound or picture to one person")
async def send_file(
    body: SendFileIn, request: Request, response: Response, at: access.At = access.need(Role.OPERATOR, "messages:send")
) -> AcceptedOut:
    """One message with the uploaded file (`POST /api/media`) and its caption; 422 `no_caption` for a text with audio.

    Refused or made to wait as a text is.
    """
    asked = service.Direct(
        str(body.device_id),
        body.phone,
        body.caption,
        str(body.media_id),
        send_at=body.send_at,
        client_ref=body.client_ref,
        is_manual=at.caller.key_id is None,
        confirms_opted_out=body.confirm_opted_out,
    )
    return await _send(at, asked, request, response)


@router.get("/messages", summary="Messages, newest first")
async def list_messages(
    page: paging.Paging,
    status: str | None = None,
    device_id: uuid.UUID | None = None,
    lead_id: uuid.UUID | None = None,
    kind: model.MessageKind | None = None,
    phone: Annotated[str | None, Query(max_length=100)] = None,
    at: access.At = access.need(Role.VIEWER, "messages:send"),
) -> paging.PageOut[MessageOut]:
    """Filter by status (public or exact word), device, lead, kind, and part of a name or number."""
    before = page.after(1)
    wanted = views.Wanted(
        device_id=str(device_id) if device_id else None,
        lead_id=str(lead_id) if lead_id else None,
        status=status,
        kind=kind.value if kind else None,
        text=phone,
        before=before[0] if before else None,
    )
    async with at.tx() as tx:
        rows = await views.messages(tx, at.workspace_id, wanted, page.limit + 1)
        total = await views.total(tx, at.workspace_id, wanted) if page.with_total else None
    kept, cursor = page.cut(rows, lambda row: (row["id"],))
    return paging.PageOut(items=[message_out(row) for row in kept], next_cursor=cursor, total=total)


@router.get("/messages/{message_id}", summary="One message")
async def get_message(message_id: uuid.UUID, at: access.At = access.need(Role.VIEWER, "messages:send")) -> MessageOut:
    """Where it stands, and why."""
    async with at.tx() as tx:
        return message_out(await views.message(tx, at.workspace_id, str(message_id)))


class StepOut(BaseModel):
    """One thing that was asked or happened; `until` is there when a wait has a known end."""

    at: datetime
    rule: str
    outcome: str
    words: str
    until: datetime | None


class WhyOut(BaseModel):
    """The story of a message in order, and where it stands in a sentence or two."""

    steps: list[StepOut]
    summary: str


@router.get("/messages/{message_id}/explain", summary="Why is this message where it is?")
async def explain_message(message_id: uuid.UUID, at: access.At = access.need(Role.VIEWER, "messages:send")) -> WhyOut:
    """Device, rules and their version, consent, opt-out, holds, caps, hours, each wait and attempt, receipts, the end."""
    async with at.tx() as tx:
        known = await history.read(tx, at.workspace_id, str(message_id))
    return WhyOut.model_validate(explain.why(known), from_attributes=True)


@router.post("/messages/{message_id}/cancel", summary="Cancel a message that has not left")
async def cancel_message(message_id: uuid.UUID, at: access.At = access.need(Role.OPERATOR, "messages:send")) -> MessageOut:
    """409 `already_left` when it has."""
    async with at.tx() as tx:
        return message_out(await service.cancel(tx, at.workspace_id, str(message_id)))


class ResolveIn(inputs.In):
    """What became of an unconfirmed message, by a person's word."""

    outcome: Literal["arrived", "not_arrived", "send_again"]
    reason: str = Field(min_length=1, max_length=500)


@router.post("/messages/{message_id}/resolve", summary="Settle an unconfirmed message")
async def resolve_message(
    message_id: uuid.UUID, body: ResolveIn, request: Request, at: access.At = access.need(Role.OPERATOR, "messages:send")
) -> MessageOut:
    """It may already have arrived: `send_again` can be a double. Who settled it, and why, is kept in the audit trail."""
    async with at.tx() as tx:
        by = audit.by(at, request)
        row = await service.resolve(tx, at.workspace_id, str(message_id), body.outcome, by=by, reason=body.reason)
        return message_out(row)
