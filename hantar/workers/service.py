"""What one can ask of workers and do with them. The caller opens the transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hantar.audit import service as audit
from hantar.devices import model as devices_model, service as devices, together
from hantar.gateways.port import DeviceState as D
from hantar.kit import db
from hantar.workers import model, store

RATE_OVER = timedelta(minutes=1)
RESUMED = "Resumed from the list of workers."
"""The reason kept for a device that was set aside after errors and is resumed with others."""
NEEDS = {
    D.LOGGED_OUT: "needs_scan",
    D.REPLACED: "opened_elsewhere",
    D.OUTDATED: "update_hantar",
    D.REFUSED: "refused",
    D.BANNED_UNTIL: "banned_until",
}
"""Why a worker in this state cannot be resumed from here."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the database says of workers. Of thousands, what follows from it is worked out beside the event loop, in a thread."""

    seen: Sequence[model.Seen]
    queued: Mapping[str, tuple[model.Queued, ...]]
    done: Mapping[str, model.Tally]
    now: datetime
    scope: store.Scope

    def workers(self) -> list[model.Worker]:
        """Workers by name; with a scope only those that have, or today had, something of it to send. Pure."""
        nothing, found = model.Tally(), []
        for each in self.seen:
            whole = replace(each, queued=self.queued.get(each.device_id, ()), tally=self.done.get(each.device_id, nothing))
            if self.scope == store.ALL or whole.queued or whole.tally.sent or whole.tally.failed:
                found.append(model.worker(whole, self.now))
        return found


async def read(
    tx: db.Tx, workspace_id: str, time_zone: str, scope: store.Scope = store.ALL, device_id: str | None = None
) -> Reading:
    """Ask for the devices, what waits at each, and what each did today (of one source: since it began)."""
    since = await store.begin_of_day(tx, time_zone)
    seen = await store.devices(tx, workspace_id, device_id)
    queued = await store.queued(tx, workspace_id, scope, device_id)
    done = await store.tallies(tx, workspace_id, scope, since, device_id)
    return Reading(seen, queued, done, await tx.now(), scope)


async def look(tx: db.Tx, workspace_id: str, time_zone: str, device_id: str | None = None) -> list[model.Worker]:
    """Workers by name, all or one."""
    return (await read(tx, workspace_id, time_zone, device_id=device_id)).workers()


async def one(tx: db.Tx, workspace_id: str, time_zone: str, device_id: str) -> model.Worker:
    """One worker; raises `DeviceNotFound`."""
    found = await look(tx, workspace_id, time_zone, device_id=device_id)
    if not found:
        raise devices_model.DeviceNotFound
    return found[0]


@dataclass(frozen=True, slots=True)
class Stopped:
    """How many workers a stop concerns, and how many messages then wait."""

    count: int
    held: int


async def stop_all(tx: db.Tx, workspace_id: str, by: audit.Actor, reason: str | None, *, is_dry_run: bool = False) -> Stopped:
    """Pause sending on every device of the workspace; nothing is lost, it waits."""
    ids = await together.pausable(tx, workspace_id)
    queued = await store.queued(tx, workspace_id, store.ALL)
    held = sum(each.count for device_id in ids for each in queued.get(device_id, ()) if not each.is_claimed)
    if not is_dry_run:
        ids = await together.pause_all(tx, workspace_id, by, reason)
    return Stopped(len(ids), held)


async def resume_all(
    tx: db.Tx, workspace_id: str, by: audit.Actor, reason: str | None, *, is_dry_run: bool = False
) -> tuple[list[str], list[together.Left]]:
    """Let every device that a person stopped send again; returns them, and who stays stopped and why."""
    if is_dry_run:
        return await together.look(tx, workspace_id)
    going, left = await together.resume_all(tx, workspace_id, by, reason)
    if going:
        tx.tell("outbox.queued", workspace_id, device_ids=going)
    return going, left


async def stop(tx: db.Tx, device_id: str, by: audit.Actor, reason: str | None) -> None:
    """Pause sending on one device; a message on its way may still arrive. Raises `DeviceNotFound`."""
    await devices.pause_by_hand(tx, device_id, by, reason)


async def start(tx: db.Tx, workspace_id: str, device_id: str, by: audit.Actor, reason: str | None) -> None:
    """Let one device send again, and connect it when it is linked and has no line. Raises as `devices.service.resume` does."""
    device = await devices.resume(tx, device_id, by, reason)
    if device.is_linked and device.state not in devices_model.LIVE:
        await devices.want_connected(tx, device_id)
    tx.tell("outbox.queued", workspace_id, device_ids=[device_id])


async def restart(tx: db.Tx, device_id: str) -> devices_model.Device:
    """Wish the line closed and opened anew; raises `NotLinked`, `BannedUntil`. Pause and limits stay as they are."""
    device = await devices.find(tx, device_id, lock=True)
    if not device.is_linked:
        raise devices_model.NotLinked
    await devices.want_stopped(tx, device_id)
    return await devices.want_connected(tx, device_id)


@dataclass(frozen=True, slots=True)
class Resumed:
    """Workers that are being brought back, and those that need a person elsewhere."""

    ids: list[str]
    left: list[together.Left]


async def resume_failed(tx: db.Tx, workspace_id: str, by: audit.Actor, time_zone: str) -> Resumed:
    """Bring back every worker in error that can be: set aside after errors, or without a line although it is linked."""
    ids: list[str] = []
    left: list[together.Left] = []
    for worker in await look(tx, workspace_id, time_zone):
        if worker.status is not model.WorkerStatus.ERROR:
            continue
        why = await _resume(tx, worker, by)
        if why is None:
            ids.append(worker.device_id)
        else:
            left.append(together.Left(worker.device_id, why))
    if ids:
        tx.tell("outbox.queued", workspace_id, device_ids=ids)
    return Resumed(ids, left)


async def _resume(tx: db.Tx, worker: model.Worker, by: audit.Actor) -> str | None:
    """Bring one back; returns why not, or None."""
    if worker.device_state in NEEDS:
        return NEEDS[worker.device_state]
    device = await devices.find(tx, worker.device_id, lock=True)
    try:
        if device.sending_paused:
            await devices.resume(tx, device.id, by, RESUMED)
        if device.state not in devices_model.HAS_LINE:
            if not device.is_linked:
                return "needs_scan"
            await devices.want_connected(tx, device.id)
    except (devices_model.CoolingDown, devices_model.BannedUntil) as refusal:
        return refusal.code
    return None
