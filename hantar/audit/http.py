"""Routes of the audit trail: read it, take it along as a file, prove that nothing was changed or removed."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from hantar.accounts import access, service as accounts
from hantar.accounts.model import Role
from hantar.audit import service, views
from hantar.kit import db, errors, inputs, paging, sheet

router = APIRouter(tags=["Audit"])
READ = access.need(Role.OWNER, "settings:write")

Word = Annotated[str | None, Query(max_length=100)]


class EntryOut(BaseModel):
    """One entry: who did what to which thing, when and why. `actor_id` is null when a rule acted by itself."""

    seq: int
    at: datetime
    actor_id: str | None
    actor: str
    action: str
    object_kind: str
    object_id: str | None
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    request_id: str | None


class ProofOut(BaseModel):
    """Whether the chain of entries holds; `first_broken` is the number of the first entry that was changed or is missing.

    `head` is the newest entry's hash. Kept elsewhere, it also shows whether the whole end was replaced by who owns the server.
    """

    ok: bool
    first_broken: int | None
    entries: int
    head: str | None


COLUMNS = tuple(EntryOut.model_fields)


def _entry(row: db.Row) -> EntryOut:
    return EntryOut(**{name: row[name] for name in COLUMNS})


def _start(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


@router.get("/audit", response_model=None, responses={200: {"model": paging.PageOut[EntryOut]}}, summary="The audit trail")
async def list_audit(
    request: Request,
    page: paging.Paging,
    actor: Word = None,
    action: Word = None,
    object: Word = None,
    start_date: inputs.Day | None = None,
    end_date: inputs.Day | None = None,
    time_zone: str | None = None,
    format: Literal["json", "csv"] = "json",
    at: access.At = READ,
) -> paging.PageOut[EntryOut] | Response:
    """Newest first. `actor`: an id or part of a name; `action`: `policy.changed`, or `policy` for all of them; `object`:
    a kind, an id, or `kind:id`. Days are days of the caller's zone. `format=csv` gives all of them; that is an entry too."""
    zone = accounts.check_time_zone(time_zone or at.caller.time_zone)
    if start_date and end_date and end_date < start_date:
        raise errors.invalid_field("end_date", "before_start", "The last day lies before the first.")
    after = page.after(1)
    wanted = views.Wanted(
        actor=actor,
        action=action,
        object=object,
        since=_start(start_date, zone) if start_date else None,
        until=_start(end_date + timedelta(days=1), zone) if end_date else None,
        before=_number(after[0]) if after else None,
    )
    if format == "csv":
        days = {"start_date": start_date, "end_date": end_date}
        await service.exported(at, request, "audit", None, actor=actor, action=action, object=object, **days)
        return StreamingResponse(_csv(at, wanted), media_type="text/csv", headers=sheet.headers("audit.csv"))
    async with at.tx() as tx:
        rows = await views.entries(tx, at.workspace_id, wanted, page.limit + 1)
        total = await views.total(tx, at.workspace_id, wanted) if page.with_total else None
    kept, cursor = page.cut(rows, lambda row: (row["seq"],))
    return paging.PageOut[EntryOut](items=[_entry(row) for row in kept], next_cursor=cursor, total=total)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise paging.BadCursor
    return value


CSV_PAGE = 1000
"""Entries read at once for a file; a longer page would hold up other requests."""


async def _csv(at: access.At, wanted: views.Wanted) -> AsyncIterator[str]:
    """All matching entries as CSV, read in pages so that memory stays flat."""
    header: tuple[str, ...] = COLUMNS
    while True:
        async with at.tx() as tx:
            rows = await views.entries(tx, at.workspace_id, wanted, CSV_PAGE)
        yield "".join(sheet.lines(header, ([_cell(row[name]) for name in COLUMNS] for row in rows)))
        if len(rows) < CSV_PAGE:
            return
        header, wanted = (), replace(wanted, before=rows[-1]["seq"])


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


@router.get("/audit/verify", summary="Prove the audit trail")
async def verify_audit(at: access.At = READ) -> ProofOut:
    """Works out the chain of hashes anew. An entry that was changed, or is missing in between or at the end, breaks it."""
    async with at.tx() as tx:
        broken = await service.first_broken(tx, at.workspace_id)
        count, head = await views.total(tx, at.workspace_id, views.Wanted()), await views.head(tx, at.workspace_id)
    return ProofOut(ok=broken is None, first_broken=broken, entries=count, head=head)
