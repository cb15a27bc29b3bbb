"""Stop and start sending on all devices of a workspace at once: one transaction, and one entry in the audit for all of them."""

from dataclasses import dataclass

from hantar.audit import service as audit
from hantar.devices import model, restrictions, words
from hantar.kit import db, ids


@dataclass(frozen=True, slots=True)
class Left:
    """A paused device that stays as it is, and why."""

    device_id: str
    reason: str


async def pausable(tx: db.Tx, workspace_id: str) -> list[str]:
    """Devices that may send now or later: those whose sending is not paused. They are locked."""
    sql = "SELECT id FROM devices WHERE workspace_id = $1 AND NOT sending_paused ORDER BY id FOR NO KEY UPDATE"
    return [row["id"] for row in await tx.fetch(sql, workspace_id)]


async def pause_all(tx: db.Tx, workspace_id: str, by: audit.Actor, reason: str | None) -> list[str]:
    """Pause sending on every device that is not paused; what is queued waits. Returns their ids."""
    sql = """UPDATE devices SET sending_paused = true, pause_reason = $4, resume_after = NULL, updated_at = $3
             WHERE workspace_id = $1 AND id = ANY($2::uuid[]) RETURNING id, state, state_reason, hold_until"""
    going = await pausable(tx, workspace_id)
    rows = await tx.fetch(sql, workspace_id, going, await tx.now(), words.PERSON)
    await _note(tx, workspace_id, rows, "paused", _with_reason("Sending was paused on all devices.", reason))
    return await _moved(tx, workspace_id, by, "device.all_paused", rows, reason)


async def look(tx: db.Tx, workspace_id: str) -> tuple[list[str], list[Left]]:
    """Paused devices that may go on by a word for all, and those that need a word of their own.

    Those that a rule paused, that rest, or that bear the mark of a restriction (`service.resume`) are looked at one by one.
    """
    sql = f"""SELECT d.id, CASE WHEN d.resume_after > $2 THEN 'cooling_down'
                 WHEN d.pause_reason IS DISTINCT FROM $3 AND d.pause_reason IS NOT NULL THEN d.pause_reason
                 WHEN EXISTS (SELECT 1 FROM device_events e WHERE (e.workspace_id, e.device_id) = (d.workspace_id, d.id)
                   AND e.at >= $4 AND {restrictions.sql("e.state", "e.reason")}
                   AND coalesce(e.reason, '') NOT IN ('paused', 'resumed')) THEN 'restriction' END AS why
             FROM devices d WHERE d.workspace_id = $1 AND d.sending_paused ORDER BY d.id FOR NO KEY UPDATE OF d"""
    now = await tx.now()
    rows = await tx.fetch(sql, workspace_id, now, words.PERSON, now - model.RESTRICTION_MARK)
    return [row["id"] for row in rows if row["why"] is None], [Left(row["id"], row["why"]) for row in rows if row["why"]]


async def resume_all(tx: db.Tx, workspace_id: str, by: audit.Actor, reason: str | None) -> tuple[list[str], list[Left]]:
    """Let every device that a person paused send again; returns their ids, and who stays paused and why."""
    going, left = await look(tx, workspace_id)
    sql = """UPDATE devices SET sending_paused = false, pause_reason = NULL, resume_after = NULL, updated_at = $3
             WHERE workspace_id = $1 AND id = ANY($2::uuid[]) RETURNING id, state, state_reason, hold_until"""
    rows = await tx.fetch(sql, workspace_id, going, await tx.now())
    await _note(tx, workspace_id, rows, "resumed", _with_reason("Sending goes on, on all devices.", reason))
    return await _moved(tx, workspace_id, by, "device.all_resumed", rows, reason), left


async def _note(tx: db.Tx, workspace_id: str, rows: list[db.Row], reason: str, said: str) -> None:
    """A line in the history of each."""
    sql = """INSERT INTO device_events (workspace_id, id, device_id, at, state, reason, words)
             SELECT $1, x.id, x.device_id, $2, x.state, $3, $4 FROM unnest($5::uuid[], $6::uuid[], $7::text[])
               AS x (id, device_id, state)"""
    columns = [ids.new_id() for _ in rows], [row["id"] for row in rows], [row["state"] for row in rows]
    await tx.execute(sql, workspace_id, await tx.now(), reason, said, *columns)


async def _moved(tx: db.Tx, workspace_id: str, by: audit.Actor, action: str, rows: list[db.Row], reason: str | None) -> list[str]:
    """Tell of each, and keep one entry for all."""
    for row in rows:
        until = row["hold_until"].strftime("%Y-%m-%dT%H:%M:%SZ") if row["hold_until"] else None
        state = model.S(row["state"])
        about = {"status": model.status(state), "state": state.value, "state_reason": row["state_reason"], "hold_until": until}
        tx.tell("device.status", workspace_id, device_id=row["id"], **about)
    if rows:
        after = {"devices": len(rows)}
        await audit.record(tx, workspace_id, by, action, audit.Thing("device"), reason=reason, after=after)
    return [row["id"] for row in rows]


def _with_reason(said: str, reason: str | None) -> str:
    return f"{said} Reason: {reason}" if reason else said
