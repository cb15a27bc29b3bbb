"""Routes of a campaign's report: by device, with the lists behind every count, as JSON or CSV."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.campaigns import http_models as campaign_models, progress, service as campaign_service
from hantar.kit import db, paging, sheet
from hantar.outbox import http as outbox_http, views
from hantar.reports import store

router = APIRouter(tags=["Reports"])

READ = access.need(Role.VIEWER, "campaigns:read")
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
    at: access.At, request: Request, wanted: views.Wanted, page: paging.Page, format: str
) -> paging.PageOut[outbox_http.MessageOut] | Response:
    if format == "csv":
        filters = {"device_id": wanted.device_id, "status": wanted.status, "q": wanted.text}
        await audit.exported(at, request, "messages", campaign_id=wanted.source_id, **filters)
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
    request: Request,
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
        status=GROUPS[status] if status == "success" else status,  # “pending” is a public word of its own here
        text=q,
        before=before[0] if before else None,
    )
    return await _messages(at, request, wanted, page, format)


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
    request: Request,
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
    found = await _messages(at, request, wanted, page, format)
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
