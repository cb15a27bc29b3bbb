"""Routes of the reports: campaign summary, device report with its lists, messages of a campaign, the dashboard."""

import uuid
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.campaigns import http_models as campaign_models
from hantar.campaigns import progress, schedule
from hantar.campaigns import service as campaign_service
from hantar.kit import db, paging, sheet
from hantar.outbox import http as outbox_http
from hantar.outbox import views
from hantar.reports import store

router = APIRouter(tags=["Reports"])

READ = access.need(Role.VIEWER, "campaigns:read")
LOOK = access.need(Role.VIEWER, "analytics:read")
GROUPS = {"pending": "pending,queued", "success": "sent"}
"""Words of the report beside the public words of a message (api.md 2)."""


class DeviceRowOut(BaseModel):
    """One device's part of a campaign."""

    device_id: str
    name: str
    status: Literal["online", "offline"]
    state: str
    total_leads: int
    pending_leads: int
    success_leads: int
    failed_leads: int
    skipped: int
    unconfirmed: int
    delivered: int
    read: int
    success_rate: float | None


class DeviceReportOut(BaseModel):
    """A campaign by device. pending + success + failed = should_send; skipped and unconfirmed stand beside."""

    campaign: campaign_models.CampaignOut
    total_devices: int
    active_devices: int
    disconnected_devices: int
    total_leads: int
    pending_leads: int
    success_leads: int
    failed_leads: int
    should_send: int
    done_send: int
    failed_send: int
    remaining_send: int
    skipped: int
    skipped_by_reason: dict[str, int]
    unconfirmed: int
    devices: list[DeviceRowOut]


def _device_row(row: db.Row) -> DeviceRowOut:
    counts = views.counts_of(row)
    return DeviceRowOut(
        device_id=row["device_id"],
        name=row["name"],
        status="online" if row["state"] == "online" else "offline",
        state=row["state"],
        total_leads=counts.total,
        pending_leads=counts.pending + counts.queued,
        success_leads=counts.sent,
        failed_leads=counts.failed,
        skipped=counts.skipped,
        unconfirmed=counts.unconfirmed,
        delivered=counts.delivered,
        read=counts.read,
        success_rate=counts.success_rate,
    )


CSV_COLUMNS = (
    "name",
    "status",
    "total_leads",
    "pending_leads",
    "success_leads",
    "failed_leads",
    "skipped",
    "unconfirmed",
    "delivered",
    "read",
    "success_rate",
)


@router.get("/campaigns/{campaign_id}/device-report", response_model=DeviceReportOut, summary="A campaign by device")
async def device_report(
    campaign_id: uuid.UUID, format: Literal["json", "csv"] = "json", at: access.At = READ
) -> DeviceReportOut | Response:
    """Totals and one row per device; `format=csv` for a spreadsheet."""
    async with at.tx() as tx:
        campaign = await campaign_service.find(tx, at.workspace_id, str(campaign_id))
        rows = await store.devices_of(tx, at.workspace_id, campaign.id)
        skipped = await store.skipped_by_reason(tx, at.workspace_id, campaign.id)
        numbers = await progress.of(tx, campaign)
    devices = [_device_row(row) for row in rows]
    if format == "csv":
        lines = sheet.lines(CSV_COLUMNS, ([getattr(each, name) for name in CSV_COLUMNS] for each in devices))
        return StreamingResponse(lines, media_type="text/csv", headers=sheet.headers("device-report.csv"))
    pending = sum(each.pending_leads for each in devices)
    success = sum(each.success_leads for each in devices)
    failed = sum(each.failed_leads for each in devices)
    online = sum(1 for each in devices if each.status == "online")
    return DeviceReportOut(
        campaign=campaign_models.campaign_out(campaign, numbers),
        total_devices=len(devices),
        active_devices=online,
        disconnected_devices=len(devices) - online,
        total_leads=sum(each.total_leads for each in devices),
        pending_leads=pending,
        success_leads=success,
        failed_leads=failed,
        should_send=pending + success + failed,
        done_send=success,
        failed_send=failed,
        remaining_send=pending,
        skipped=sum(each.skipped for each in devices),
        skipped_by_reason=skipped,
        unconfirmed=sum(each.unconfirmed for each in devices),
        devices=devices,
    )


LEAD_COLUMNS = ("name", "phone", "device_name", "status", "state", "reason", "error", "sent_at", "delivered_at", "read_at")


async def _messages(
    at: access.At, wanted: views.Wanted, page: paging.Page, format: str
) -> paging.PageOut[outbox_http.MessageOut] | Response:
    if format == "csv":
        lines = _csv(at, wanted)
        return StreamingResponse(lines, media_type="text/csv", headers=sheet.headers("messages.csv"))
    async with at.tx() as tx:
        rows = await views.messages(tx, at.workspace_id, wanted, page.limit + 1)
        total = await views.total(tx, at.workspace_id, wanted) if page.with_total else None
    kept, cursor = page.cut(rows, lambda row: (row["id"],))
    items = [outbox_http.message_out(row) for row in kept]
    return paging.PageOut[outbox_http.MessageOut](items=items, next_cursor=cursor, total=total)


async def _csv(at: access.At, wanted: views.Wanted) -> Any:
    """All matching messages as CSV, read in pages so that memory stays flat."""
    after = "00000000-0000-0000-0000-000000000000"
    header: tuple[str, ...] = LEAD_COLUMNS
    while True:
        async with at.tx() as tx:
            rows = await views.messages(tx, at.workspace_id, _from(wanted, after), 1000)
        outs = [outbox_http.message_out(row) for row in rows]
        for line in sheet.lines(header, ([_cell(each, name) for name in LEAD_COLUMNS] for each in outs)):
            yield line
        if len(rows) < 1000:
            return
        header, after = (), rows[-1]["id"]


def _cell(message: outbox_http.MessageOut, name: str) -> Any:
    value = getattr(message, name)
    return getattr(value, "value", value)


def _from(wanted: views.Wanted, after: str) -> views.Wanted:
    fields = {name: getattr(wanted, name) for name in views.Wanted.__dataclass_fields__}
    return views.Wanted(**{**fields, "after": after, "before": None})


@router.get("/campaigns/{campaign_id}/messages", response_model=None, summary="Messages of a campaign")
async def campaign_messages(
    campaign_id: uuid.UUID,
    page: paging.Paging,
    status: Annotated[str, Query(max_length=20)] = "all",
    device_id: uuid.UUID | None = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    format: Literal["json", "csv"] = "json",
    at: access.At = READ,
) -> paging.PageOut[outbox_http.MessageOut] | Response:
    """Filter by status (public or exact word, or the report's `success`), device, and part of a name or number."""
    before = page.after(1)
    async with at.tx() as tx:
        await campaign_service.find(tx, at.workspace_id, str(campaign_id))
    wanted = views.Wanted(
        source_id=str(campaign_id),
        device_id=str(device_id) if device_id else None,
        status=status,
        text=q,
        before=before[0] if before else None,
    )
    return await _messages(at, wanted, page, format)


class DeviceLeadOut(BaseModel):
    """One lead of a device's part of a campaign."""

    lead_id: str | None
    message_id: str
    name: str
    phone: str
    status: str
    state: str
    sent_at: datetime | None
    error: str | None
    reason: str | None


@router.get("/campaigns/{campaign_id}/device/{device_id}/leads", response_model=None, summary="Leads of one device's part")
async def device_leads(
    campaign_id: uuid.UUID,
    device_id: uuid.UUID,
    page: paging.Paging,
    status: Annotated[str, Query(max_length=20)] = "all",
    q: Annotated[str | None, Query(max_length=100)] = None,
    format: Literal["json", "csv"] = "json",
    at: access.At = READ,
) -> paging.PageOut[DeviceLeadOut] | Response:
    """Status: all, pending, success, failed, skipped, unconfirmed, or an exact word."""
    before = page.after(1)
    async with at.tx() as tx:
        await campaign_service.find(tx, at.workspace_id, str(campaign_id))
        await campaign_service.check_device(tx, at.workspace_id, str(device_id))
    wanted = views.Wanted(
        source_id=str(campaign_id),
        device_id=str(device_id),
        status=GROUPS.get(status, status),
        text=q,
        before=before[0] if before else None,
    )
    found = await _messages(at, wanted, page, format)
    if isinstance(found, Response):
        return found
    items = [
        DeviceLeadOut(
            lead_id=each.lead_id,
            message_id=each.id,
            name=each.name,
            phone=each.phone,
            status=each.status,
            state=each.state.value,
            sent_at=each.sent_at,
            error=each.error,
            reason=each.reason,
        )
        for each in found.items
    ]
    return paging.PageOut[DeviceLeadOut](items=items, next_cursor=found.next_cursor, total=found.total)


class StatusCountsOut(BaseModel):
    """Campaigns by status."""

    total: int
    pending: int = 0
    triggered: int = 0
    processing: int = 0
    finished: int = 0
    failed: int = 0
    paused: int = 0
    cancelled: int = 0


class MessageCountsOut(BaseModel):
    """Messages by public status; the six add up to the total."""

    total: int
    pending: int
    queued: int
    sent: int
    failed: int
    skipped: int
    unconfirmed: int
    success_rate: float | None


class SummaryOut(BaseModel):
    """Campaigns of some days, and their messages."""

    start_date: date
    end_date: date
    time_zone: str
    campaigns: StatusCountsOut
    messages: MessageCountsOut
    recent_campaigns: list[campaign_models.CampaignOut]


def _days(
    at: access.At, day: date | None, first: date | None, last: date | None, zone: str, default: int
) -> tuple[date, date, datetime, datetime]:
    """The days asked for, or today and so many after it; with their bounds."""
    schedule.zone(zone)
    today = at.clock.now().astimezone(ZoneInfo(zone)).date()
    begin = day or first or (last if last else today)
    end = day or last or (begin if first else today + timedelta(days=default))
    return begin, end, *schedule.day_bounds(begin, end, zone)


def _message_counts(counts: views.Counts) -> MessageCountsOut:
    names = ("total", "pending", "queued", "sent", "failed", "skipped", "unconfirmed")
    return MessageCountsOut(**{name: getattr(counts, name) for name in names}, success_rate=counts.success_rate)


@router.get("/campaigns/summary", summary="Campaigns of some days (default: today and tomorrow)")
async def summary(
    date: date | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
    time_zone: str | None = None,
    at: access.At = READ,
) -> SummaryOut:
    """Days are days of the caller's zone."""
    zone = time_zone or at.caller.time_zone
    first, last, begin, end = _days(at, date, start_date, end_date, zone, 1)
    where = db.Where().add("c.workspace_id = {}", at.workspace_id).add("c.due_at >= {}", begin).add("c.due_at < {}", end)
    async with at.tx() as tx:
        by_status = await store.campaigns_by_status(tx, at.workspace_id, begin, end)
        counts = await store.messages_of_span(tx, at.workspace_id, begin, end)
        recent = [
            campaign_models.campaign_out(each, await progress.of(tx, each))
            for each in await campaign_service.listed(tx, where, 10)
        ]
    return SummaryOut(
        start_date=first,
        end_date=last,
        time_zone=zone,
        campaigns=StatusCountsOut(total=sum(by_status.values()), **by_status),
        messages=_message_counts(counts),
        recent_campaigns=recent,
    )


class DevicesBoxOut(BaseModel):
    """Devices by how they are."""

    total: int
    active: int
    offline: int
    needs_attention: int


class CampaignsBoxOut(BaseModel):
    """Campaigns of the span and their messages."""

    total: int
    should_send: int
    done_send: int
    failed_send: int
    remaining_send: int
    skipped: int
    unconfirmed: int


class LeadsBoxOut(BaseModel):
    """Leads in all, new in the span, without a device."""

    total: int
    new: int
    pooled: int


class DayOut(BaseModel):
    """One day's messages."""

    date: date
    sent: int
    delivered: int
    read: int
    failed: int


class AlertOut(BaseModel):
    """Something that needs a person."""

    id: str
    level: Literal["warning", "error"]
    kind: Literal["device", "campaign", "unconfirmed"]
    name: str
    code: str
    count: int = 0
    since: datetime | None = None
    until: datetime | None = None


class DashboardOut(BaseModel):
    """Everything the first page shows."""

    start_date: date
    end_date: date
    time_zone: str
    devices: DevicesBoxOut
    leads: LeadsBoxOut
    campaigns: CampaignsBoxOut
    daily: list[DayOut]
    now_sending: list[campaign_models.CampaignOut]
    next_up: list[campaign_models.CampaignOut]
    alerts: list[AlertOut]
    updated_at: datetime = Field(description="When these numbers were read.")


@router.get("/dashboard", summary="The first page's numbers")
async def dashboard(
    start_date: date | None = None, end_date: date | None = None, time_zone: str | None = None, at: access.At = LOOK
) -> DashboardOut:
    """Devices and leads as they are now; campaigns and days of the span (default: the last seven days)."""
    zone = time_zone or at.caller.time_zone
    schedule.zone(zone)
    today = at.clock.now().astimezone(ZoneInfo(zone)).date()
    first, last = start_date or today - timedelta(days=6), end_date or today
    begin, end = schedule.day_bounds(first, last, zone)
    async with at.tx() as tx:
        counts = await store.messages_of_span(tx, at.workspace_id, begin, end)
        by_status = await store.campaigns_by_status(tx, at.workspace_id, begin, end)
        devices = await store.device_figures(tx, at.workspace_id)
        leads = await store.lead_figures(tx, at.workspace_id, begin, end)
        days = await store.sent_by_day(tx, at.workspace_id, begin, end, zone)
        sending = await _campaigns(tx, at, "c.status IN ('triggered', 'processing')")
        planned = await _campaigns(tx, at, "c.status = 'pending'")
        alerts = await _alerts(tx, at)
    pending = counts.pending + counts.queued
    return DashboardOut(
        start_date=first,
        end_date=last,
        time_zone=zone,
        devices=DevicesBoxOut(**dict(devices)),
        leads=LeadsBoxOut(**dict(leads)),
        campaigns=CampaignsBoxOut(
            total=sum(by_status.values()),
            should_send=pending + counts.sent + counts.failed,
            done_send=counts.sent,
            failed_send=counts.failed,
            remaining_send=pending,
            skipped=counts.skipped,
            unconfirmed=counts.unconfirmed,
        ),
        daily=_filled(days, first, last),
        now_sending=sending,
        next_up=planned,
        alerts=alerts,
        updated_at=at.clock.now(),
    )


def _filled(rows: list[db.Row], first: date, last: date) -> list[DayOut]:
    """One entry for each day of the span (at most a year), zero where nothing was sent."""
    by_day = {row["day"]: row for row in rows}
    span = min((last - first).days, 366)
    days = [first + timedelta(days=n) for n in range(span + 1)]
    names = ("sent", "delivered", "read", "failed")
    return [DayOut(date=day, **{n: by_day[day][n] if day in by_day else 0 for n in names}) for day in days]


async def _campaigns(tx: db.Tx, at: access.At, condition: str) -> list[campaign_models.CampaignOut]:
    where = db.Where().add("c.workspace_id = {}", at.workspace_id).add(condition)
    found = await campaign_service.listed(tx, where, 5)
    return [campaign_models.campaign_out(each, await progress.of(tx, each)) for each in found]


async def _alerts(tx: db.Tx, at: access.At) -> list[AlertOut]:
    alerts = [
        AlertOut(
            id=row["id"],
            level="error" if row["state"] in ("refused", "banned_until", "outdated") else "warning",
            kind="device",
            name=row["name"],
            code=row["state"],
            since=row["state_since"],
            until=row["hold_until"],
        )
        for row in await store.devices_needing_help(tx, at.workspace_id)
    ]
    where = db.Where().add("c.workspace_id = {}", at.workspace_id).add("c.status = 'paused' AND c.status_reason IS NOT NULL")
    for campaign in await campaign_service.listed(tx, where, 20):
        reason = campaign.status_reason or ""
        alerts.append(AlertOut(id=campaign.id, level="warning", kind="campaign", name=campaign.draft.title, code=reason))
    for row in await store.unconfirmed_by_campaign(tx, at.workspace_id):
        alerts.append(
            AlertOut(id=row["id"], level="warning", kind="unconfirmed", name=row["title"], code="unconfirmed", count=row["n"])
        )
    return alerts
