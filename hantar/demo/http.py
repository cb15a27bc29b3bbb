"""Routes of the demo: look, build, remove."""

from fastapi import APIRouter
from pydantic import BaseModel

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.demo import service
from hantar.jobs import http as jobs_http, service as jobs

router = APIRouter(tags=["Demo"])


class DemoOut(BaseModel):
    """Whether demo data is there, and its two campaigns to start."""

    is_present: bool
    campaign_id: str | None
    rules_campaign_id: str | None


class RemovedOut(BaseModel):
    """What went, by kind."""

    removed: dict[str, int]


@router.get("/demo", summary="Whether the demo is there")
async def look(at: access.At = access.need(Role.VIEWER, "settings:write")) -> DemoOut:
    """With the campaigns to start, *Welcome* and *Rules at work*, while they are there."""
    async with at.tx() as tx:
        welcome, rules = await service.campaigns_to_start(tx)
        return DemoOut(is_present=await service.is_present(tx), campaign_id=welcome, rules_campaign_id=rules)


@router.post("/demo", status_code=202, summary="Build the demo")
async def build(
    at: access.At = access.need(Role.OWNER, "settings:write"), demo: service.Demo = access.part(service.Demo)
) -> jobs_http.JobOut:
    """Three simulated devices, 200 leads in twelve zones, two campaigns to start; all marked, never outside of the simulator."""
    job_id = await demo.start(at.workspace_id, at.caller.user_id, at.caller.time_zone)
    async with at.tx() as tx:
        return jobs_http.out(await jobs.get(tx, at.workspace_id, job_id), await tx.now())


@router.delete("/demo", summary="Remove the demo")
async def remove(
    at: access.At = access.need(Role.OWNER, "settings:write"), demo: service.Demo = access.part(service.Demo)
) -> RemovedOut:
    """Everything marked as demo, with its messages."""
    return RemovedOut(removed=await demo.remove(at.workspace_id))
