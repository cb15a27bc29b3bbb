"""A job: its states and moves. No I/O."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from hantar.kit import errors

JobId = NewType("JobId", str)


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


MOVES = {
    JobStatus.QUEUED: {JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.FAILED},
    JobStatus.RUNNING: {JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED},
}
OPEN = frozenset(MOVES)
"""States in which something may still happen."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of long work. `done` and `total` count whatever the kind of job counts (rows, devices)."""

    id: JobId
    kind: str
    status: JobStatus
    done: int
    total: int | None
    result: dict[str, Any] | None
    error: str | None
    cancel_asked: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def eta_at(self, now: datetime) -> datetime | None:
        """When it will be done at its speed so far; None when that cannot be told."""
        if self.status is not JobStatus.RUNNING or not (self.done and self.total and self.started_at):
            return None
        spent = (now - self.started_at).total_seconds()
        return now + timedelta(seconds=max(0.0, spent / self.done * (self.total - self.done)))


class NoSuchJob(errors.NotFound):
    """There is no such job."""


class JobFinished(errors.Conflict):
    """This job has already ended."""

    code = "job_finished"
