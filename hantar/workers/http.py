"""Routes of workers: how each device gets on, stopping and starting one or all, and the workspace's sending in figures."""

import asyncio
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.devices import keeper
from hantar.kit import db
from hantar.workers import http_models as models, live, model, service, store

router = APIRouter(tags=["Workers"])
READ = access.need(Role.VIEWER, "devices:read")
CONTROL = access.need(Role.OPERATOR, "devices:control")
ALL = access.need(Role.OWNER, "devices:control")
KEEPER = access.part(keeper.Keeper)
LIVE = access.part(live.Live)
JSON = "application/json"
DryRun = Annotated[bool, Query(description="Only say what would happen.")]


@router.get("/workers/status", summary="Every worker", response_model=models.WorkersOut)
async def list_workers(
    type: Literal["all", "campaign", "sequence"] = "all",
    id: Annotated[uuid.UUID | None, Query(description="One campaign or sequence; with `type`.")] = None,
    at: access.At = READ,
) -> Response:
    """All devices by name; with `type` or `id` those that send for it, with its figures alone."""
    scope = store.Scope(None if type == "all" else type, str(id) if id else None)
    async with at.tx() as tx:
        found = await service.read(tx, at.workspace_id, at.caller.time_zone, scope)
    return Response(await asyncio.to_thread(lambda: models.workers_out(found.workers()).model_dump_json()), media_type=JSON)


@router.get("/workers/device/{device_id}", summary="One worker")
async def get_worker(device_id: uuid.UUID, at: access.At = READ) -> models.OneWorkerOut:
    """How one device gets on."""
    async with at.tx() as tx:
        return models.one_out(await service.one(tx, at.workspace_id, at.caller.time_zone, str(device_id)))


@router.post("/workers/resume-failed", summary="Bring back workers in error")
async def resume_failed(request: Request, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> models.ResumedOut:
    """Those set aside after errors send again, those without a line are connected; the others need a person, and say for what."""
    async with at.tx() as tx:
        done = await service.resume_failed(tx, at.workspace_id, audit.by(at, request), at.caller.time_zone)
    kept.wake()
    return models.ResumedOut(resumed_count=len(done.ids), not_resumed=models.left_out(done.left))


@router.post("/workers/stop-all", summary="Stop all workers")
async def stop_all(
    request: Request, body: models.AllIn | None = None, dry_run: DryRun = False, at: access.At = ALL
) -> models.StoppedOut:
    """Sending stops on every device of this workspace; what is queued waits. A message on its way may still arrive."""
    asked = body or models.AllIn()
    async with at.tx() as tx:
        by, is_dry_run = audit.by(at, request), dry_run or asked.dry_run
        done = await service.stop_all(tx, at.workspace_id, by, asked.reason, is_dry_run=is_dry_run)
    return models.StoppedOut(stopped_count=done.count, held_messages=done.held)


@router.post("/workers/resume-all", summary="Start all workers that a person stopped")
async def resume_all(
    request: Request, body: models.AllIn | None = None, dry_run: DryRun = False, at: access.At = ALL
) -> models.ResumedOut:
    """Devices that a rule paused or that WhatsApp restricted lately stay as they are: each needs a reason of its own."""
    asked = body or models.AllIn()
    async with at.tx() as tx:
        by, is_dry_run = audit.by(at, request), dry_run or asked.dry_run
        ids, left = await service.resume_all(tx, at.workspace_id, by, asked.reason, is_dry_run=is_dry_run)
    return models.ResumedOut(resumed_count=len(ids), not_resumed=models.left_out(left))


async def _one(at: access.At, tx: db.Tx, device_id: str) -> models.OneWorkerOut:
    return models.one_out(await service.one(tx, at.workspace_id, at.caller.time_zone, device_id))


@router.post("/workers/device/{device_id}/stop", summary="Stop one worker")
async def stop_worker(
    device_id: uuid.UUID, request: Request, body: models.ReasonIn | None = None, at: access.At = CONTROL
) -> models.OneWorkerOut:
    """What is queued waits; the line stays open. Stopping twice changes nothing."""
    async with at.tx() as tx:
        await service.stop(tx, str(device_id), audit.by(at, request), body.reason if body else None)
        return await _one(at, tx, str(device_id))


@router.post("/workers/device/{device_id}/start", summary="Start one worker", responses={409: {"description": "`cooling_down`"}})
async def start_worker(
    device_id: uuid.UUID,
    request: Request,
    body: models.ReasonIn | None = None,
    at: access.At = CONTROL,
    kept: keeper.Keeper = KEEPER,
) -> models.OneWorkerOut:
    """Sends again, and connects a linked device. After a rule paused it or WhatsApp restricted it, that takes a reason."""
    async with at.tx() as tx:
        reason = ((body.reason if body else None) or "").strip() or None
        await service.start(tx, at.workspace_id, str(device_id), audit.by(at, request), reason)
        shown = await _one(at, tx, str(device_id))
    kept.wake()
    return shown


@router.post(
    "/workers/device/{device_id}/restart",
    summary="Restart one worker",
    responses={409: {"description": "`device_not_linked`, `banned_until`"}},
)
async def restart_worker(device_id: uuid.UUID, at: access.At = CONTROL, kept: keeper.Keeper = KEEPER) -> models.OneWorkerOut:
    """Closes the device's line and opens it anew; a worker that is stopped stays so."""
    async with at.tx() as tx:
        device = await service.restart(tx, str(device_id))
        shown = await _one(at, tx, str(device_id))
    await kept.close_line(device)
    kept.wake()
    return shown


@router.get("/broadcast/stats", summary="Sending in figures")
async def broadcast_stats(at: access.At = READ, seen: live.Live = LIVE) -> models.StatsOut:
    """This workspace now, today and in the last minute, with the live counters of its campaigns."""
    async with at.tx() as tx:
        found = await service.read(tx, at.workspace_id, at.caller.time_zone)
        totals = await store.totals(tx, at.workspace_id, await store.begin_of_day(tx, at.caller.time_zone))
        now = await tx.now()
        count, mean = await store.pace(tx, at.workspace_id, now - service.RATE_OVER)
        oldest = await store.oldest_due(tx, at.workspace_id, now)
    workers = await asyncio.to_thread(found.workers)
    return models.StatsOut(
        pending=totals.pending,
        queued=sum(each.queue_size for each in workers),
        sent=sum(each.sent for each in workers),
        failed=sum(each.failed for each in workers),
        skipped=totals.skipped,
        unconfirmed=totals.unconfirmed,
        rate_per_minute=count,
        average_ms=None if mean is None else round(1000 * mean, 1),
        active_devices=sum(each.device_state in model.LINE for each in workers),
        total_devices=len(workers),
        oldest_pending_seconds=None if oldest is None else round((now - oldest).total_seconds(), 1),
        running_broadcasts=totals.running,
        workers=models.counts_out(workers),
        broadcasts=[models.broadcast_out(each, seen.rate(each)) for each in seen.of(at.workspace_id)],
    )
