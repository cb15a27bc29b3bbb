"""SQL of jobs."""

from datetime import datetime
from typing import Any

from hantar.jobs.model import Job, JobStatus
from hantar.kit.db import Row, Tx, Where

_COLUMNS = "id, kind, status, done, total, result, error, cancel_asked, created_at, started_at, finished_at"


def _job(row: Row) -> Job:
    return Job(**{**dict(row), "status": JobStatus(row["status"])})


async def add(
    tx: Tx, workspace_id: str, job_id: str, kind: str, spec: dict[str, Any], total: int | None, by: str | None, now: datetime
) -> Job:
    """Add a queued job."""
    sql = f"""INSERT INTO jobs (workspace_id, id, kind, spec, total, created_by, created_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}"""
    row = await tx.fetchrow(sql, workspace_id, job_id, kind, spec, total, by, now)
    assert row is not None  # noqa: S101 INSERT … RETURNING gives its row
    return _job(row)


async def get(tx: Tx, workspace_id: str, job_id: str) -> Job | None:
    """A job."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM jobs WHERE workspace_id = $1 AND id = $2", workspace_id, job_id)
    return _job(row) if row else None


async def spec(tx: Tx, workspace_id: str, job_id: str) -> dict[str, Any]:
    """What a job was told to do; empty for one that is not there."""
    found: dict[str, Any] | None = await tx.fetchval(
        "SELECT spec FROM jobs WHERE (workspace_id, id) = ($1, $2)", workspace_id, job_id
    )
    return found or {}


async def move_person(tx: Tx, workspace_id: str, gone: str, kept: str) -> None:
    """Open jobs about one person are about another."""
    sql = """UPDATE jobs SET spec = jsonb_set(spec, '{person_id}', to_jsonb($3::text))
             WHERE workspace_id = $1 AND status IN ('queued', 'running') AND spec ->> 'person_id' = $2"""
    await tx.execute(sql, workspace_id, gone, kept)


async def newest(tx: Tx, workspace_id: str, before: str | None, limit: int) -> list[Job]:
    """Jobs made before one, newest first."""
    where = Where(workspace_id).add("workspace_id = $1")
    if before is not None:
        where.add("id < {}::uuid", before)
    sql = f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY id DESC LIMIT {where.value(limit)}"
    return [_job(row) for row in await tx.fetch(sql, *where.values)]


async def count(tx: Tx, workspace_id: str) -> int:
    """How many jobs there are."""
    return int(await tx.fetchval("SELECT count(*) FROM jobs WHERE workspace_id = $1", workspace_id))


async def start(tx: Tx, workspace_id: str, job_id: str, now: datetime) -> Job | None:
    """Take a queued job; None when someone else was quicker or it was cancelled."""
    sql = f"""UPDATE jobs SET status = 'running', started_at = $3, beat_at = $3
      WHERE workspace_id = $1 AND id = $2 AND status = 'queued' RETURNING {_COLUMNS}"""
    row = await tx.fetchrow(sql, workspace_id, job_id, now)
    return _job(row) if row else None


async def advance(
    tx: Tx, workspace_id: str, job_id: str, done: int, total: int | None, cursor: dict[str, Any] | None, now: datetime
) -> Job | None:
    """Write down how far a running job is; None when it runs no more."""
    sql = f"""UPDATE jobs SET done = $3, total = coalesce($4, total), cursor = coalesce($5, cursor), beat_at = $6
      WHERE workspace_id = $1 AND id = $2 AND status = 'running' RETURNING {_COLUMNS}"""
    row = await tx.fetchrow(sql, workspace_id, job_id, done, total, cursor, now)
    return _job(row) if row else None


async def end(
    tx: Tx, workspace_id: str, job_id: str, status: JobStatus, result: dict[str, Any] | None, error: str | None, now: datetime
) -> Job | None:
    """End a job that has not ended; None when it had."""
    sql = f"""UPDATE jobs SET status = $3, result = $4, error = $5, finished_at = $6
      WHERE workspace_id = $1 AND id = $2 AND status IN ('queued', 'running') RETURNING {_COLUMNS}"""
    row = await tx.fetchrow(sql, workspace_id, job_id, status, result, error, now)
    return _job(row) if row else None


async def ask_cancel(tx: Tx, workspace_id: str, job_id: str, now: datetime) -> Job | None:
    """Ask a running job to stop, end a queued one; None when it has ended or never was."""
    sql = f"""UPDATE jobs SET cancel_asked = true,
        finished_at = CASE status WHEN 'queued' THEN $3::timestamptz END,
        status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END
      WHERE workspace_id = $1 AND id = $2 AND status IN ('queued', 'running') RETURNING {_COLUMNS}"""
    row = await tx.fetchrow(sql, workspace_id, job_id, now)
    return _job(row) if row else None
