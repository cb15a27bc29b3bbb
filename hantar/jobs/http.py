"""Routes of jobs: how far long work is, and asking it to stop."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.jobs import model, service, store
from hantar.kit import paging

router = APIRouter(tags=["Jobs"])


class JobOut(BaseModel):
    id: str
    kind: str
    status: model.JobStatus
    done: int
    total: int | None
    eta_at: datetime | None
    result: dict[str, Any] | None
    error: str | None


def out(job: model.Job, now: datetime) -> JobOut:
    """A job as the API shows it; `now` is the transaction's."""
    return JobOut(**service.shape(job, job.eta_at(now)))


@router.get("/jobs", summary="List jobs")
async def get_jobs(page: paging.Paging, at: access.At = access.need(Role.VIEWER, None)) -> paging.PageOut[JobOut]:
    """The workspace's long work, newest first."""
    after = page.after(1)
    async with at.tx() as tx:
        found = await store.newest(tx, at.workspace_id, after[0] if after else None, page.limit + 1)
        total = await store.count(tx, at.workspace_id) if page.with_total else None
        now = await tx.now()
    kept, cursor = page.cut(found, lambda job: (job.id,))
    return paging.PageOut(items=[out(job, now) for job in kept], next_cursor=cursor, total=total)


@router.get("/jobs/{id}", summary="Read a job")
async def get_job(id: str, at: access.At = access.need(Role.VIEWER, None)) -> JobOut:
    """How far it is, and its result once it is done."""
    async with at.tx() as tx:
        return out(await service.get(tx, at.workspace_id, id), await tx.now())


@router.post("/jobs/{id}/cancel", summary="Ask a job to stop")
async def cancel_job(id: str, at: access.At = access.need(Role.OPERATOR, "leads:write")) -> JobOut:
    """It stops at the next pause in its work; what was done stays done."""
    async with at.tx() as tx:
        return out(await service.cancel(tx, at.workspace_id, id), await tx.now())
