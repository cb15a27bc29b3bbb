"""Whether the process lives and whether it can do its work; for people, supervisors and load balancers, without login."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from hantar.kit.db import Database
from hantar.migrations import run as migrations

log = structlog.get_logger(__name__)

router = APIRouter(tags=["Health"])

PATIENCE_SECONDS = 3.0
"""How long the database may take to answer a probe; load balancers usually give up after five."""

Word = Literal["ok", "failed", "not_used"]


@dataclass(frozen=True, slots=True)
class Sender:
    """A part from app.py: tells whether the dispatcher of this process is at work (None in a process without one)."""

    is_working: Callable[[], bool] | None = None


class LiveOut(BaseModel):
    status: Literal["ok"]


class ChecksOut(BaseModel):
    database: Word
    migrations: Word
    redis: Word
    sender: Word


class ReadyOut(BaseModel):
    status: Literal["ok", "failed"]
    checks: ChecksOut


@router.get("/health/live", summary="Is the process alive")
async def live() -> LiveOut:
    """Answers as long as the process can answer at all."""
    return LiveOut(status="ok")


@router.get("/health", summary="Can it do its work", responses={503: {"model": ReadyOut}})
@router.get("/health/ready", summary="Can it do its work", responses={503: {"model": ReadyOut}})
async def ready(request: Request, response: Response) -> ReadyOut:
    """The same as a status: 200 when every check is fine, else 503."""
    database, step = await _database(request.app.state.db)
    sender = request.app.state.parts.get(Sender, Sender()).is_working
    checks = ChecksOut(
        database=database,
        migrations="ok" if step == migrations.head() else "failed",
        redis="not_used",
        sender="not_used" if sender is None else "ok" if sender() else "failed",
    )
    is_fine = "failed" not in checks.model_dump().values()
    response.status_code = 200 if is_fine else 503
    return ReadyOut(status="ok" if is_fine else "failed", checks=checks)


async def _database(db: Database) -> tuple[Word, str | None]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), db.system() as tx:
            return "ok", await tx.fetchval("SELECT version_num FROM alembic_version")
    except Exception as error:  # whatever is wrong with the database, the probe's answer is the same
        log.warning("health.database", kind=type(error).__name__)
        return "failed", None
