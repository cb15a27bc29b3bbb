"""Routes of campaigns: create, look, change, plan, start, pause, resume, cancel, clone, delete."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.campaigns import audience, http_models, model, plan, plan_models, progress, schedule, service, store, templated
from hantar.kit import db, inputs, paging, sheet, version
from hantar.media import service as media
from hantar.outbox import http as outbox_http, model as outbox, service as outbox_service, views

router = APIRouter(tags=["Campaigns"])

READ = access.need(Role.VIEWER, "campaigns:read")
MANAGE = access.need(Role.OPERATOR, "campaigns:manage")
SEND = access.need(Role.OPERATOR, "campaigns:send")


async def _media_id(at: access.At, body: http_models.CampaignIn) -> str | None:
    """The picture's id; one given by address or data URL is fetched, checked and stored first."""
    if body.image_url:
        return await media.store_link(at, body.image_url, "image_url")
    return str(body.media_id) if body.media_id else None


async def _out(tx: db.Tx, campaign: model.Campaign, warnings: tuple[schedule.Warning_, ...] = ()) -> http_models.CampaignOut:
    return http_models.campaign_out(campaign, await progress.of(tx, campaign), warnings)


RUNNING = "(c.status IN ('triggered', 'processing'))"
"""The list's order: running ones first, then the newest."""


@router.get("/campaigns", summary="Campaigns, running ones first")
async def list_campaigns(
    page: paging.Paging,
    status: Annotated[list[model.CampaignStatus] | None, Query()] = None,
    niche: str | None = None,
    target_status: model.TargetStatus | None = None,
    device_id: uuid.UUID | None = None,
    date: inputs.Day | None = None,
    start_date: inputs.Day | None = None,
    end_date: inputs.Day | None = None,
    time_zone: str | None = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    at: access.At = READ,
) -> paging.PageOut[http_models.CampaignOut]:
    """Filter by status, niche, target status, device, day of the start in the caller's zone, and title."""
    where = db.Where().add("c.workspace_id = {}", at.workspace_id)
    if status:
        where.add("c.status = ANY({}::text[])", [each.value for each in status])
    if niche:
        where.add("c.niche_keys && {}::text[]", list(http_models.niche_keys(niche) or ()))
    if target_status:
        where.add("c.target_status = {}", target_status.value)
    if device_id:
        where.add(
            "({0}::uuid = ANY(c.device_ids) OR EXISTS (SELECT 1 FROM messages m WHERE "
            "(m.workspace_id, m.source_id, m.device_id) = (c.workspace_id, c.id, {0}::uuid)))",
            str(device_id),
        )
    if q:
        where.add("c.title ILIKE {}", db.like(q))
    first, last = date or start_date, date or end_date
    schedule.check_order(first, last)
    zone = time_zone or at.caller.time_zone
    if first:
        where.add("c.due_at >= {}", schedule.day_bounds(first, first, zone)[0])
    if last:
        where.add("c.due_at < {}", schedule.day_bounds(last, last, zone)[1])
    async with at.tx() as tx:
        total = await store.count(tx, where) if page.with_total else None
        after = page.after(2)
        if after is not None:
            where.add(f"({RUNNING}, c.id) < ({{}}::boolean, {{}}::uuid)", after[0], after[1])
        found = await store.listed(tx, where, f"{RUNNING} DESC, c.id DESC", page.limit + 1)
        kept, cursor = page.cut(found, lambda c: (c.status in (model.C.TRIGGERED, model.C.PROCESSING), c.id))
        counts = await views.counts(tx, at.workspace_id, [each.id for each in kept])
        items = []
        for each in kept:
            numbers = await progress.of(tx, each, counts.get(each.id, views.Counts()))
            items.append(http_models.campaign_out(each, numbers))
    return paging.PageOut(items=items, next_cursor=cursor, total=total)


@router.post("/campaigns", status_code=201, summary="Create a campaign", max_body_size=media.LINK_BODY_LIMIT)
async def create_campaign(body: http_models.CampaignIn, at: access.At = MANAGE) -> http_models.CampaignOut:
    """It starts at its time, or now when no time is given; with `hold` it waits until somebody starts it."""
    zone = body.time_zone or at.caller.time_zone
    media_id = await _media_id(at, body)
    draft = http_models.draft_of(body, media_id, zone)
    async with at.tx() as tx:
        made = await service.create(tx, at.workspace_id, draft, hold=body.hold, by=at.caller.user_id)
        return await _out(tx, made.campaign, made.warnings)


@router.post("/campaigns/plan", summary="Plan a campaign without making it", max_body_size=media.LINK_BODY_LIMIT)
async def plan_draft(body: plan_models.DraftPlanIn, at: access.At = READ) -> plan_models.PlanOut:
    """Who gets what, when, from which device, and who is left out and why. Nothing is sent, and no picture is fetched."""
    is_elsewhere = bool(body.image_url) and not media.is_own(body.image_url or "")
    media_id = plan.UNFETCHED if is_elsewhere else await _media_id(at, body)
    draft = http_models.draft_of(body, media_id, body.time_zone or at.caller.time_zone)
    async with at.tx() as tx:
        if not is_elsewhere:
            draft = await templated.filled(tx, at.workspace_id, draft)
        await service.check(tx, at.workspace_id, replace(draft, media_id=None) if is_elsewhere else draft)
        return plan_models.plan_out(await plan.make(tx, at.workspace_id, draft, None, as_kind=body.as_kind))


@router.get("/campaigns/{campaign_id}", summary="One campaign with its numbers")
async def get_campaign(campaign_id: uuid.UUID, versions: version.Marked, at: access.At = READ) -> http_models.CampaignOut:
    """Counts are always a query over its messages; its `ETag` names the version of the campaign itself."""
    async with at.tx() as tx:
        found = await store.find(tx, at.workspace_id, str(campaign_id))
        versions.mark(found)
        return await _out(tx, found)


@router.put("/campaigns/{campaign_id}", summary="Change a campaign that has not started", max_body_size=media.LINK_BODY_LIMIT)
@router.patch("/campaigns/{campaign_id}", summary="Change a campaign that has not started", max_body_size=media.LINK_BODY_LIMIT)
async def edit_campaign(
    campaign_id: uuid.UUID, body: http_models.CampaignChangesIn, versions: version.Checked, at: access.At = MANAGE
) -> http_models.CampaignOut:
    """Fields left out keep their value; 409 `campaign_not_editable` once it has started.

    With `If-Match`, only the version it names (else 412).
    """
    async with at.tx() as tx:
        before = await store.find(tx, at.workspace_id, str(campaign_id))
    versions.check(before)
    if not before.is_editable:
        raise model.CampaignNotEditable
    merged = http_models.as_body(before.draft, body)
    draft = http_models.draft_of(merged, await _media_id(at, merged), merged.time_zone or before.draft.time_zone)
    async with at.tx() as tx:
        versions.check(await store.find(tx, at.workspace_id, str(campaign_id), lock=True))
        made = await service.edit(tx, at.workspace_id, str(campaign_id), draft)
        versions.mark(made.campaign)
        return await _out(tx, made.campaign, made.warnings)


class DeletedOut(BaseModel):
    """What went with the campaign."""

    deleted_messages: int


@router.delete("/campaigns/{campaign_id}", summary="Delete a campaign that is not running")
async def delete_campaign(campaign_id: uuid.UUID, at: access.At = MANAGE) -> DeletedOut:
    """409 `cancel_first` while it runs."""
    async with at.tx() as tx:
        return DeletedOut(deleted_messages=await service.delete(tx, at.workspace_id, str(campaign_id)))


@router.post("/campaigns/{campaign_id}/clone", status_code=201, summary="Copy a campaign", max_body_size=media.LINK_BODY_LIMIT)
async def clone_campaign(
    campaign_id: uuid.UUID, body: http_models.CampaignChangesIn | None = None, at: access.At = MANAGE
) -> http_models.CampaignOut:
    """Every field and “(Copy)”; it waits unless a date is given."""
    async with at.tx() as tx:
        original = await store.find(tx, at.workspace_id, str(campaign_id))
    changes = body or http_models.CampaignChangesIn()
    merged = http_models.as_body(service.copy_of(original.draft), changes)
    draft = http_models.draft_of(merged, await _media_id(at, merged), merged.time_zone or original.draft.time_zone)
    async with at.tx() as tx:
        hold = draft.campaign_date is None
        made = await service.create(tx, at.workspace_id, draft, hold=hold, by=at.caller.user_id)
        return await _out(tx, made.campaign, made.warnings)


@router.post("/campaigns/{campaign_id}/pause", summary="Pause")
async def pause_campaign(campaign_id: uuid.UUID, at: access.At = SEND) -> http_models.CampaignOut:
    """In force after at most one message per device."""
    async with at.tx() as tx:
        return await _out(tx, await service.pause(tx, at.workspace_id, str(campaign_id)))


class AnswerIn(inputs.In):
    """What to do with a campaign whose start was missed, and why one that the rules paused may go on."""

    answer: Literal["run", "skip"] | None = None
    reason: Annotated[str | None, Field(max_length=500, description="Kept in the audit.")] = None


@router.post("/campaigns/{campaign_id}/resume", summary="Resume")
async def resume_campaign(
    campaign_id: uuid.UUID, request: Request, body: AnswerIn | None = None, at: access.At = SEND
) -> http_models.CampaignOut:
    """Back where it was; a campaign whose start was missed starts now (`run`) or ends (`skip`).

    One that the rules paused needs a `reason` (409 `reason_required`), and after a restriction some time
    (409 `cooling_down` with `resume_after`).
    """
    actor, asked = audit.by(at, request), body or AnswerIn()
    async with at.tx() as tx:
        campaign = await service.resume(tx, at.workspace_id, str(campaign_id), asked.answer, reason=asked.reason, by=actor)
        return await _out(tx, campaign)


@router.post("/campaigns/{campaign_id}/cancel", summary="Cancel for good")
async def cancel_campaign(campaign_id: uuid.UUID, at: access.At = SEND) -> http_models.CampaignOut:
    """What has not left never will."""
    async with at.tx() as tx:
        return await _out(tx, await service.cancel(tx, at.workspace_id, str(campaign_id)))


@router.post("/campaigns/{campaign_id}/release-canary", summary="Let the others follow the first people")
async def release_canary(campaign_id: uuid.UUID, request: Request, at: access.At = SEND) -> http_models.CampaignOut:
    """A second call changes nothing; 409 `no_canary` when this campaign holds nobody back."""
    actor = audit.by(at, request)
    async with at.tx() as tx:
        return await _out(tx, await service.release_canary(tx, at.workspace_id, str(campaign_id), by=actor))


class TriggerIn(inputs.In):
    """With the hash of a plan, it starts only if that plan still holds."""

    plan_hash: str | None = Field(default=None, max_length=64)


@router.post("/campaigns/{campaign_id}/trigger", status_code=202, summary="Start now")
async def trigger_campaign(
    campaign_id: uuid.UUID, body: TriggerIn | None = None, at: access.At = SEND
) -> http_models.CampaignOut:
    """A second call changes nothing; 409 `plan_changed` when the plan no longer holds."""
    async with at.tx() as tx:
        campaign = await service.start(tx, at.workspace_id, str(campaign_id), body.plan_hash if body else None)
        return await _out(tx, campaign)


@router.post("/campaigns/{campaign_id}/plan", summary="Plan of a stored campaign")
async def plan_campaign(
    campaign_id: uuid.UUID, body: plan_models.PlanIn | None = None, at: access.At = READ
) -> plan_models.PlanOut:
    """As it would go if it started at its time."""
    async with at.tx() as tx:
        campaign = await store.find(tx, at.workspace_id, str(campaign_id))
        as_kind = body.as_kind if body else None
        made = await plan.make(tx, at.workspace_id, campaign.draft, str(campaign_id), campaign.due_at, as_kind)
        return plan_models.plan_out(made)


@router.get("/plans/{plan_id}/recipients", response_model=None, summary="The people of a plan")
async def plan_recipients(
    plan_id: uuid.UUID,
    request: Request,
    page: paging.Paging,
    included: bool | None = None,
    reason: Annotated[str | None, Query(max_length=40)] = None,
    device_id: uuid.UUID | None = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    format: Literal["json", "csv"] = "json",
    at: access.At = READ,
) -> paging.PageOut[plan_models.RecipientOut] | Response:
    """In the order of sending; `format=csv` gives all of them."""
    after = page.after(1)
    device = str(device_id) if device_id else None
    asked = audience.Asked(included, reason, device, q, after[0] if after and format == "json" else None)
    if format == "csv":
        async with at.tx() as tx:
            await store.find_plan(tx, at.workspace_id, str(plan_id))
        filters = {"included": included, "reason": reason, "device_id": device, "q": q}
        await audit.exported(at, request, "plan", str(plan_id), **filters)
        return StreamingResponse(_csv(at, str(plan_id), asked), media_type="text/csv", headers=sheet.headers("plan.csv"))
    async with at.tx() as tx:
        people = await plan.recipients(tx, at.workspace_id, str(plan_id), asked, page.limit + 1)
    kept, cursor = page.cut(people, lambda each: (each.lead_id,))
    return paging.PageOut[plan_models.RecipientOut](items=[plan_models.recipient_out(each) for each in kept], next_cursor=cursor)


CSV_COLUMNS = ("name", "phone", "device_name", "earliest_at", "text", "included", "reason")
CSV_PAGE = 5000
"""Recipients read and rendered at once: each page asks about everybody anew, a longer one would hold up other requests."""


async def _csv(at: access.At, plan_id: str, asked: audience.Asked) -> AsyncIterator[str]:
    """All recipients as CSV, read in pages so that memory stays flat."""
    header: tuple[str, ...] = CSV_COLUMNS
    while True:
        async with at.tx() as tx:
            people = await plan.recipients(tx, at.workspace_id, plan_id, asked, CSV_PAGE)
        rows = ([getattr(each, name) for name in CSV_COLUMNS] for each in people)
        yield "".join(sheet.lines(header, rows))
        if len(people) < CSV_PAGE:
            return
        header, asked = (), replace(asked, after=people[-1].lead_id)


class TestSendIn(inputs.In):
    """Where to send a test of this campaign."""

    device_id: uuid.UUID
    phone: str = Field(max_length=40)


@router.post("/campaigns/{campaign_id}/test-send", status_code=202, summary="Send a test to one number")
async def send_test(campaign_id: uuid.UUID, body: TestSendIn, at: access.At = SEND) -> outbox_http.MessageOut:
    """As the person with that number would get it; it belongs to no campaign's counts."""
    async with at.tx() as tx:
        draft = (await store.find(tx, at.workspace_id, str(campaign_id))).draft
        kind, is_manual = outbox.MessageKind.TEST, at.caller.key_id is None
        to = (str(body.device_id), body.phone)
        asked = outbox_service.Direct(*to, draft.text, draft.media_id, kind, is_manual=is_manual, template=draft.template)
        return outbox_http.message_out(await outbox_service.send(tx, at.workspace_id, asked, at.caller.user_id))
