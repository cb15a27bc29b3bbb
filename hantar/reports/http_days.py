"""Routes of the summary and the dashboard: what the days brought, and what needs a person."""

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.campaigns import http_models as campaign_models, progress, schedule, service as campaign_service
from hantar.kit import db, errors, inputs
from hantar.outbox import views
from hantar.reports import store

router = APIRouter(tags=["Reports"])

READ = access.need(Role.VIEWER, "campaigns:read")
LOOK = access.need(Role.VIEWER, "analytics:read")
LONGEST_SPAN = 366
"""Days the dashboard shows at once (api.md 4.7)."""


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
    schedule.check_order(begin, end)
    return begin, end, *schedule.day_bounds(begin, end, zone)


def _message_counts(counts: views.Counts) -> MessageCountsOut:
    names = ("total", "pending", "queued", "sent", "failed", "skipped", "unconfirmed")
    return MessageCountsOut(**{name: getattr(counts, name) for name in names}, success_rate=counts.success_rate)


@router.get("/campaigns/summary", summary="Campaigns of some days (default: today and tomorrow)")
async def summary(
    date: inputs.Day | None = None,
    start_date: inputs.Day | None = None,
    end_date: inputs.Day | None = None,
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
    start_date: inputs.Day | None = None,
    end_date: inputs.Day | None = None,
    time_zone: str | None = None,
    at: access.At = LOOK,
) -> DashboardOut:
    """Devices and leads as they are now; campaigns and days of the span (default: the last seven days)."""
    zone = time_zone or at.caller.time_zone
    schedule.zone(zone)
    today = at.clock.now().astimezone(ZoneInfo(zone)).date()
    last = end_date or max(today, start_date or today)
    first = start_date or last - timedelta(days=6)
    schedule.check_order(first, last)
    if (last - first).days >= LONGEST_SPAN:
        raise errors.invalid_field("end_date", "range_too_long", f"Choose at most {LONGEST_SPAN} days.")
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
    """One entry for each day of the span, zero where nothing was sent."""
    by_day = {row["day"]: row for row in rows}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
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
