"""Routes of holds: people whom nothing automatic reaches until somebody has read their words and decided."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.consent import holds, model
from hantar.kit import db, inputs, paging
from hantar.outbox import service as outbox

router = APIRouter(tags=["Consent"])
READ = access.need(Role.VIEWER, "consent:read")
WRITE = access.need(Role.OPERATOR, "consent:write")

Kind = Literal["intent", "conversation"]


class HoldOut(BaseModel):
    """A person on hold, with the words that led to it. `phone` is null for a person without a number."""

    id: str
    kind: Kind
    person_id: str
    phone: str | None
    name: str
    text: str | None
    device_id: str | None
    device_name: str | None
    campaign_id: str | None = Field(description="The campaign they had last got from that device.")
    campaign_title: str | None
    is_open: bool
    created_at: datetime
    ended_at: datetime | None
    outcome: Literal["confirmed", "released", "answered", "merged"] | None
    reason: str | None


def hold_out(row: db.Row) -> HoldOut:
    """A hold in the words of the API."""
    fields = {name: row[name] for name in HoldOut.model_fields if name not in ("is_open", "created_at")}
    return HoldOut(**fields, is_open=row["ended_at"] is None, created_at=row["at"])


@router.get("/holds", summary="People on hold, the newest first")
async def list_holds(
    page: paging.Paging,
    is_open: Annotated[bool | None, Query(alias="open", description="Only open ones, or only ended ones.")] = None,
    kind: Kind | None = None,
    at: access.At = READ,
) -> paging.PageOut[HoldOut]:
    """`?open=true&with_total=true&limit=1` is the number of tasks."""
    before = page.before()
    async with at.tx() as tx:
        rows = await holds.page(tx, is_open, kind, before, page.limit + 1)
        total = await holds.count(tx, is_open, kind) if page.with_total else None
    kept, cursor = page.cut(rows, lambda row: (row["id"],))
    return paging.PageOut(items=[hold_out(row) for row in kept], next_cursor=cursor, total=total)


class ConfirmIn(inputs.In):
    """The person wants no more messages."""

    reason: str | None = Field(default=None, max_length=500)


class ReleaseHoldIn(inputs.In):
    """Why the person may be written to again."""

    reason: str = Field(min_length=3, max_length=500)


@router.post("/holds/{hold_id}/confirm", summary="The person opts out")
async def confirm_hold(hold_id: uuid.UUID, request: Request, body: ConfirmIn | None = None, at: access.At = WRITE) -> HoldOut:
    """As if they had written STOP: in force at once, and START brings them back."""
    reason = body.reason if body else None
    actor = audit.by(at, request)
    async with at.tx() as tx:
        row = await holds.end(tx, at.workspace_id, str(hold_id), "confirmed", by=at.caller.user_id, reason=reason)
        asked = model.OptOut(
            model.OptOutReason.STOP,
            model.OptOutSource.CHAT,
            text=row["text"],
            note=reason,
            inbound_id=row["inbound_id"],
            device_id=row["device_id"],
            campaign_id=row["campaign_id"] if row["campaign_title"] is not None else None,
            actor_id=at.caller.user_id,
        )
        await outbox.opt_out(tx, at.workspace_id, row["person_id"], asked)
        for kind in ("intent", "conversation"):
            await holds.end_all(tx, at.workspace_id, row["person_id"], kind, "confirmed", by=at.caller.user_id, reason=reason)
        found = await holds.find(tx, str(hold_id))
        thing = audit.Thing("hold", str(hold_id))
        await audit.record(tx, at.workspace_id, actor, "hold.confirmed", thing, reason=reason, before={"kind": row["kind"]})
    return hold_out(found)


@router.post("/holds/{hold_id}/release", summary="Free the person again")
async def release_hold(hold_id: uuid.UUID, body: ReleaseHoldIn, request: Request, at: access.At = WRITE) -> HoldOut:
    """What waited for this hold goes on, unless another one is open."""
    actor = audit.by(at, request)
    async with at.tx() as tx:
        row = await holds.end(tx, at.workspace_id, str(hold_id), "released", by=at.caller.user_id, reason=body.reason)
        await outbox.free(tx, at.workspace_id, row["person_id"])
        found = await holds.find(tx, str(hold_id))
        thing = audit.Thing("hold", str(hold_id))
        await audit.record(tx, at.workspace_id, actor, "hold.released", thing, reason=body.reason, before={"kind": row["kind"]})
    return hold_out(found)
