"""Routes that send failed messages again: of a whole campaign, or of one device."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.campaigns import retrying
from hantar.kit import inputs

router = APIRouter(tags=["Campaigns"])
SEND = access.need(Role.OPERATOR, "campaigns:send")
DryRun = Annotated[bool, Query(description="Only say what would happen.")]


class RetryIn(inputs.In):
    """With `dry_run` nothing is queued; the answer says what would be."""

    dry_run: bool = False


class LeftOut(BaseModel):
    """Messages left as they are: the reason they failed, `unconfirmed` (they may have arrived), `opted_out`, `erased` or
    `duplicate_of` (another message of this campaign to the person stands)."""

    reason: str
    count: int


class RetriedOut(BaseModel):
    """How many went back to the queue, or would with `dry_run`. The rules are asked again before each leaves."""

    retried: int
    campaign_id: str
    device_id: str | None
    not_retried: list[LeftOut]
    dry_run: bool = Field(description="Whether this was only a look.")


async def _retry(at: access.At, request: Request, campaign_id: str, device_id: str | None, *, is_dry_run: bool) -> RetriedOut:
    async with at.tx() as tx:
        if is_dry_run:
            done = await retrying.look(tx, at.workspace_id, campaign_id, device_id)
        else:
            done = await retrying.retry(tx, at.workspace_id, campaign_id, device_id, by=audit.by(at, request))
    left = [LeftOut(reason=reason, count=count) for reason, count in done.left.items()]
    return RetriedOut(retried=done.count, campaign_id=campaign_id, device_id=device_id, not_retried=left, dry_run=is_dry_run)


@router.post("/campaigns/{campaign_id}/retry-failed", status_code=202, summary="Send failed messages again")
async def retry_failed(
    campaign_id: uuid.UUID, request: Request, body: RetryIn | None = None, dry_run: DryRun = False, at: access.At = SEND
) -> RetriedOut:
    """Those that failed for a reason that may be gone; never unconfirmed ones. A finished campaign goes on.

    409 `campaign_ended` when it was cancelled.
    """
    is_dry_run = dry_run or (body is not None and body.dry_run)
    return await _retry(at, request, str(campaign_id), None, is_dry_run=is_dry_run)


@router.post(
    "/campaigns/{campaign_id}/device/{device_id}/retry-failed", status_code=202, summary="Send failed messages of a device again"
)
async def retry_failed_of_device(
    campaign_id: uuid.UUID,
    device_id: uuid.UUID,
    request: Request,
    body: RetryIn | None = None,
    dry_run: DryRun = False,
    at: access.At = SEND,
) -> RetriedOut:
    """The same for one device."""
    is_dry_run = dry_run or (body is not None and body.dry_run)
    return await _retry(at, request, str(campaign_id), str(device_id), is_dry_run=is_dry_run)
