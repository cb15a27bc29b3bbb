"""What one can do with jobs. Whoever does the work calls `start`, `progress` now and then, and `finish`.

    job = await jobs.create(tx, workspace_id, "leads.import", by=user_id, total=100_000)   # answer 202 with it
    …
    async with db.transaction(workspace_id) as tx:
        if not await jobs.start(tx, workspace_id, job.id): return           # cancelled or taken
    async with db.transaction(workspace_id) as tx:                           # per page of work, in the same transaction
        if await jobs.cancel_asked(tx, workspace_id, job.id): …
        await jobs.progress(tx, workspace_id, job.id, done=2_000)
    async with db.transaction(workspace_id) as tx:
        await jobs.finish(tx, workspace_id, job.id, result={…})

Each change is told as `job.progress`.
"""

from typing import Any

from hantar.jobs import model, store
from hantar.jobs.model import Job, JobStatus
from hantar.kit.db import Tx
from hantar.kit.ids import new_id


async def create(
    tx: Tx,
    workspace_id: str,
    kind: str,
    *,
    job_id: str | None = None,
    by: str | None = None,
    total: int | None = None,
    **spec: Any,
) -> Job:
    """Add a queued job, under a new id unless one is given; `spec` is kept for whoever takes it up."""
    job = await store.add(tx, workspace_id, job_id or new_id(), kind, spec, total, by, await tx.now())
    return await _told(tx, workspace_id, job)


async def start(tx: Tx, workspace_id: str, job_id: str) -> bool:
    """Take a queued job; False when it was cancelled or someone else has it."""
    job = await store.start(tx, workspace_id, job_id, await tx.now())
    if job is not None:
        await _told(tx, workspace_id, job)
    return job is not None


async def spec(tx: Tx, workspace_id: str, job_id: str) -> dict[str, Any]:
    """What the job was told to do, as it stands now."""
    return await store.spec(tx, workspace_id, job_id)


async def move_person(tx: Tx, workspace_id: str, gone: str, kept: str) -> None:
    """Two persons are one: open jobs about `gone` (`person_id` in their spec) are about `kept` from now on."""
    await store.move_person(tx, workspace_id, gone, kept)


async def progress(
    tx: Tx, workspace_id: str, job_id: str, *, done: int, total: int | None = None, cursor: dict[str, Any] | None = None
) -> None:
    """Write down how far it is (and where to go on); a job that has ended stays as it is."""
    job = await store.advance(tx, workspace_id, job_id, done, total, cursor, await tx.now())
    if job is not None:
        await _told(tx, workspace_id, job)


async def cancel_asked(tx: Tx, workspace_id: str, job_id: str) -> bool:
    """Whether someone asked it to stop; then stop, and `finish` with `cancelled=True`."""
    job = await store.get(tx, workspace_id, job_id)
    return job is None or job.cancel_asked or job.status not in model.OPEN


async def finish(
    tx: Tx,
    workspace_id: str,
    job_id: str,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
    cancelled: bool = False,
) -> None:
    """End it: done with a result, failed with a sentence for the user, or cancelled."""
    status = JobStatus.CANCELLED if cancelled else JobStatus.FAILED if error is not None else JobStatus.DONE
    job = await store.end(tx, workspace_id, job_id, status, result, error, await tx.now())
    if job is not None:
        await _told(tx, workspace_id, job)


async def cancel(tx: Tx, workspace_id: str, job_id: str) -> Job:
    """Ask it to stop; raises `NoSuchJob` or `JobFinished`."""
    job = await store.ask_cancel(tx, workspace_id, job_id, await tx.now())
    if job is None:
        await get(tx, workspace_id, job_id)
        raise model.JobFinished
    return await _told(tx, workspace_id, job)


async def get(tx: Tx, workspace_id: str, job_id: str) -> Job:
    """A job; raises `NoSuchJob`."""
    job = await store.get(tx, workspace_id, job_id)
    if job is None:
        raise model.NoSuchJob
    return job


def shape(job: Job, eta_at: Any) -> dict[str, Any]:
    """A job as the API and its events show it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status.value,
        "done": job.done,
        "total": job.total,
        "eta_at": eta_at,
        "result": job.result,
        "error": job.error,
    }


async def _told(tx: Tx, workspace_id: str, job: Job) -> Job:
    eta_at = job.eta_at(await tx.now())
    tx.tell("job.progress", workspace_id, job_id=job.id, **shape(job, eta_at.isoformat() if eta_at else None))
    return job
