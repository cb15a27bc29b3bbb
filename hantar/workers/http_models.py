"""Bodies and replies of workers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from hantar.devices import model as devices, together
from hantar.kit import inputs
from hantar.workers import live, model

Status = Literal["active", "idle", "stopped", "error"]


class WorkOut(BaseModel):
    """The campaign or sequence a worker is at."""

    id: str
    title: str | None


class WorkerOut(BaseModel):
    """A device at its work. `processed_count` and `failed_count`: messages sent, and failed, today; of one campaign or
    sequence: since it began. `queue_size`: queued and on their way. `waiting_for`: what stands in front of the next one."""

    device_id: str
    device_name: str
    device_status: Literal["online", "offline"]
    device_state: str
    worker_status: Status
    queue_size: int
    processed_count: int
    failed_count: int
    success_rate: float | None
    last_activity: datetime | None
    current_campaign: WorkOut | None
    current_sequence: WorkOut | None
    next_send_at: datetime | None
    waiting_for: str | None


class OneWorkerOut(WorkerOut):
    """The same for one device; `status` is `worker_status`."""

    worker_exists: bool = True
    status: Status


class SummaryOut(BaseModel):
    """All of them together."""

    total: int
    active: int
    idle: int
    error: int
    stopped: int
    queued: int
    processed: int
    failed: int


class WorkersOut(BaseModel):
    """Every worker, by name, and their sums."""

    summary: SummaryOut
    workers: list[WorkerOut]


Reason = Annotated[str | None, Field(max_length=500, description="Kept in the audit.")]


class ReasonIn(inputs.In):
    """Why, where it matters."""

    reason: Reason = None


class AllIn(ReasonIn):
    """With `dry_run` nothing changes; the answer says what would."""

    dry_run: bool = False


class LeftOut(BaseModel):
    """A device that stays as it is, and why: `needs_scan`, `opened_elsewhere`, `update_hantar`, `refused`, `banned_until`,
    `cooling_down`, or the rule that paused it."""

    device_id: str
    reason: str


class ResumedOut(BaseModel):
    """How many are being brought back, and which are not."""

    resumed_count: int
    not_resumed: list[LeftOut]


class StoppedOut(BaseModel):
    """How many stop, and how many of their messages wait then."""

    stopped_count: int
    held_messages: int


class WorkerCountsOut(BaseModel):
    """Workers by state."""

    active: int
    idle: int
    error: int
    stopped: int


class BroadcastOut(BaseModel):
    """Live counters of a campaign, since this server saw it begin; kept for a few minutes after its end."""

    campaign_id: str
    sent: int
    failed: int
    unconfirmed: int
    rate_per_minute: float
    fastest_per_minute: float
    began_at: datetime
    ended_at: datetime | None


class StatsOut(BaseModel):
    """Sending in this workspace: pending, queued and unconfirmed as of now; sent, failed and skipped today.

    `rate_per_minute` and `average_ms` (from claim to answer) are of the last minute.
    """

    pending: int
    queued: int
    sent: int
    failed: int
    skipped: int
    unconfirmed: int
    rate_per_minute: int
    average_ms: float | None
    active_devices: int
    total_devices: int
    oldest_pending_seconds: float | None
    running_broadcasts: int
    workers: WorkerCountsOut
    broadcasts: list[BroadcastOut]


def worker_out(worker: model.Worker) -> WorkerOut:
    """A worker in the words of the API."""
    work = WorkOut(id=worker.work.id, title=worker.work.title) if worker.work else None
    kind = worker.work.kind if worker.work else None
    return WorkerOut(
        device_id=worker.device_id,
        device_name=worker.device_name,
        device_status="online" if devices.status(worker.device_state) == "online" else "offline",
        device_state=worker.device_state.value,
        worker_status=worker.status.value,
        queue_size=worker.queue_size,
        processed_count=worker.sent,
        failed_count=worker.failed,
        success_rate=worker.success_rate,
        last_activity=worker.last_at,
        current_campaign=work if kind == "campaign" else None,
        current_sequence=work if kind == "sequence" else None,
        next_send_at=worker.next_send_at,
        waiting_for=worker.waiting_for,
    )


def one_out(worker: model.Worker) -> OneWorkerOut:
    """One worker."""
    return OneWorkerOut(**worker_out(worker).model_dump(), status=worker.status.value)


def counts_out(workers: Sequence[model.Worker]) -> WorkerCountsOut:
    """How many stand in each state."""
    each = {status: sum(worker.status is status for worker in workers) for status in model.WorkerStatus}
    S = model.WorkerStatus
    return WorkerCountsOut(active=each[S.ACTIVE], idle=each[S.IDLE], error=each[S.ERROR], stopped=each[S.STOPPED])


def workers_out(workers: Sequence[model.Worker]) -> WorkersOut:
    """All of them with their sums."""
    summary = SummaryOut(
        total=len(workers),
        **counts_out(workers).model_dump(),
        queued=sum(each.queue_size for each in workers),
        processed=sum(each.sent for each in workers),
        failed=sum(each.failed for each in workers),
    )
    return WorkersOut(summary=summary, workers=[worker_out(each) for each in workers])


def left_out(left: Sequence[together.Left]) -> list[LeftOut]:
    """Who stays, and why."""
    return [LeftOut(device_id=each.device_id, reason=each.reason) for each in left]


def broadcast_out(each: live.Broadcast, rate: float) -> BroadcastOut:
    """A broadcast's live counters."""
    return BroadcastOut(
        campaign_id=each.campaign_id,
        sent=each.counts["sent"],
        failed=each.counts["failed"],
        unconfirmed=each.counts["unknown"],
        rate_per_minute=rate,
        fastest_per_minute=each.fastest,
        began_at=each.began_at,
        ended_at=each.ended_at,
    )
