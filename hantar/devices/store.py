"""SQL of devices and their history. It reads leads and messages to count them and writes only its own tables."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from hantar.devices import model, restrictions
from hantar.devices.model import DeviceId
from hantar.gateways.port import DeviceState
from hantar.kit import db, ids

_AS_STORED = tuple(name for name in model.Device.__dataclass_fields__ if name not in ("wanted", "state", "limits"))
_COLUMNS = ("workspace_id", "id", *(name for name in _AS_STORED if name not in ("workspace_id", "id")))
_COLUMNS = (*_COLUMNS, "wanted", "state", "per_minute", "per_hour", "per_day")


def _device(row: db.Row) -> model.Device:
    return model.Device(
        **{name: row[name] for name in _AS_STORED},
        wanted=model.Wanted(row["wanted"]),
        state=DeviceState(row["state"]),
        limits=model.Limits(row["per_minute"], row["per_hour"], row["per_day"]),
    )


async def find(tx: db.Tx, device_id: str, *, lock: bool = False) -> model.Device | None:
    """The device, locked for a change if asked."""
    if not ids.is_id(device_id):
        return None
    row = await tx.fetchrow(f"SELECT * FROM devices WHERE id = $1 {'FOR NO KEY UPDATE' if lock else ''}", device_id)
    return _device(row) if row else None


async def page(tx: db.Tx, asked: model.Filter, limit: int) -> list[model.Device]:
    """Devices, the newest first."""
    where = _where(asked)
    if asked.before:
        where.add("d.id < {}", asked.before)
    sql = f"SELECT d.* FROM devices d WHERE {where} ORDER BY d.id DESC LIMIT {where.value(limit)}"
    return [_device(row) for row in await tx.fetch(sql, *where.values)]


async def count(tx: db.Tx, asked: model.Filter) -> int:
    """How many devices the filter means."""
    where = _where(asked)
    return int(await tx.fetchval(f"SELECT count(*) FROM devices d WHERE {where}", *where.values))


def _where(asked: model.Filter) -> db.Where:
    where = db.Where()
    if asked.state:
        where.add("d.state = {}", asked.state.value)
    if asked.status:
        states = [state.value for state in DeviceState if model.status(state) == asked.status]
        where.add("d.state = ANY({}::text[])", states)
    if asked.q:
        where.add("(d.name ILIKE {} OR d.phone LIKE {})", db.like(asked.q), db.like(asked.q.lstrip("+")))
    if asked.niche:
        where.add(
            "EXISTS (SELECT 1 FROM leads l WHERE (l.workspace_id, l.device_id) = (d.workspace_id, d.id)"
            " AND l.niche_keys @> ARRAY[{}::text])",
            asked.niche.strip().casefold(),
        )
    return where


async def device_limit(tx: db.Tx, workspace_id: str) -> int:
    """How many devices the workspace may have; locked, so that two additions cannot both be the last."""
    sql = "SELECT device_limit FROM workspaces WHERE id = $1 FOR NO KEY UPDATE"
    return int(await tx.fetchval(sql, workspace_id))


async def default_country(tx: db.Tx, workspace_id: str) -> str | None:
    """The country of local numbers."""
    country: str | None = await tx.fetchval("SELECT default_country FROM workspaces WHERE id = $1", workspace_id)
    return country


def _values(device: model.Device) -> list[Any]:
    flat = {**asdict(device), **asdict(device.limits)}
    return [flat[name] for name in _COLUMNS]


async def add(tx: db.Tx, device: model.Device) -> None:
    """Store a new device."""
    numbers = ", ".join(f"${number}" for number in range(1, len(_COLUMNS) + 1))
    await tx.execute(f"INSERT INTO devices ({', '.join(_COLUMNS)}) VALUES ({numbers})", *_values(device))


async def save(tx: db.Tx, device: model.Device) -> None:
    """Store what changed of a device that the caller has locked."""
    sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(_COLUMNS, 1) if name not in ("workspace_id", "id"))
    await tx.execute(f"UPDATE devices SET {sets} WHERE (workspace_id, id) = ($1, $2)", *_values(device))


async def note(tx: db.Tx, device: model.Device, words: str, *, reason: str | None = None) -> None:
    """A line in the device's history."""
    sql = """INSERT INTO device_events (workspace_id, id, device_id, at, state, reason, words)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"""
    why = reason or device.state_reason
    await tx.execute(sql, device.workspace_id, ids.new_id(), device.id, await tx.now(), device.state, why, words)


async def history(tx: db.Tx, device_id: DeviceId, before: str | None, limit: int) -> list[db.Row]:
    """The device's history, the newest first."""
    where = db.Where().add("device_id = {}", device_id)
    if before:
        where.add("id < {}", before)
    sql = f"SELECT id, at, state, reason, words FROM device_events WHERE {where} ORDER BY id DESC LIMIT {where.value(limit)}"
    return await tx.fetch(sql, *where.values)


async def delete(tx: db.Tx, device_id: DeviceId) -> bool:
    """Delete a device; the database takes its history, lane, leads and messages along."""
    return await tx.execute("DELETE FROM devices WHERE id = $1", device_id) == 1


# ---------------------------------------------------------------------- counts: reading what others write


async def figures(tx: db.Tx, device_ids: Sequence[str], now: datetime, time_zone: str) -> dict[str, model.Figures]:
    """Leads, messages sent and failed today (the day of this time zone), and messages waiting, by device."""
    sql = """
      SELECT d.id,
        (SELECT count(*) FROM leads l WHERE (l.workspace_id, l.device_id) = (d.workspace_id, d.id)) AS lead_count,
        (SELECT count(*) FROM messages m WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id)
           AND m.claimed_at >= date_trunc('day', $2::timestamptz, $3) - interval '1 hour'
           AND m.sent_at >= date_trunc('day', $2::timestamptz, $3)) AS sent_today,
        (SELECT count(*) FROM messages m WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id)
           AND m.stage = 'failed' AND m.closed_at >= date_trunc('day', $2::timestamptz, $3)) AS failed_today,
        (SELECT count(*) FROM messages m WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id)
           AND m.stage = 'queued') +
        (SELECT count(*) FILTER (WHERE x.state = 'claimed') FROM (SELECT m.state FROM messages m
           WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id) AND m.claimed_at IS NOT NULL
           ORDER BY m.claimed_at DESC LIMIT 3) x) AS queue_size
      FROM devices d WHERE d.id = ANY($1::uuid[])"""
    rows = await tx.fetch(sql, list(device_ids), now, time_zone)
    names = model.Figures.__dataclass_fields__
    return {row["id"]: model.Figures(**{name: row[name] for name in names}) for row in rows}


async def losses(tx: db.Tx, device_id: DeviceId) -> model.Losses:
    """What goes when the device is deleted."""
    sql = """
      SELECT (SELECT count(*) FROM leads WHERE device_id = $1) AS leads, count(*) AS messages,
        count(*) FILTER (WHERE state IN ('planned', 'held', 'queued', 'claimed')) AS pending_messages,
        count(DISTINCT source_id) FILTER (WHERE kind = 'campaign'
          AND state IN ('planned', 'held', 'queued', 'claimed')) AS campaigns
      FROM messages WHERE device_id = $1"""
    row = await tx.fetchrow(sql, device_id)
    assert row is not None  # noqa: S101 an aggregate always has a row
    return model.Losses(**dict(row))


async def used(tx: db.Tx, device_id: DeviceId) -> bytes | None:
    """What the device sent lately (`kit.windows`); None for one that never sent."""
    found: bytes | None = await tx.fetchval("SELECT used FROM lanes WHERE device_id = $1", device_id)
    return found


async def last_restriction(tx: db.Tx, device_id: DeviceId, since: datetime) -> db.Row | None:
    """The latest restriction or ban since then; a pause or a resume under one is none."""
    sql = f"""SELECT at, state, reason, words FROM device_events
              WHERE device_id = $1 AND at >= $2 AND {restrictions.sql("state", "reason")}
                AND coalesce(reason, '') NOT IN ('paused', 'resumed')
              ORDER BY id DESC LIMIT 1"""
    return await tx.fetchrow(sql, device_id, since)


async def unanswered(tx: db.Tx, device_id: DeviceId, since: datetime) -> int:
    """How many conversations this device began since then that were never answered."""
    sql = "SELECT count(*) FROM chats WHERE device_id = $1 AND first_out_at >= $2 AND first_in_at IS NULL"
    return int(await tx.fetchval(sql, device_id, since))


# ---------------------------------------------------------------------- for the keeper: all workspaces


async def unknown_locks(tx: db.Tx, device_id: str, since: datetime) -> int:
    """How many reach-out locks without an end the device had since then."""
    sql = """SELECT count(*) FROM device_events
             WHERE device_id = $1 AND at >= $2 AND state = 'restricted'
               AND reason IN ('reach_out_lock_open_end', 'reach_out_lock_person')"""
    return int(await tx.fetchval(sql, device_id, since))


async def start_anew(tx: db.Tx, now: datetime) -> int:
    """A new process holds no line yet: what was live is connecting, and pairings of the old one are over."""
    connecting = """UPDATE devices SET state = 'connecting', state_reason = NULL, state_since = $1, updated_at = $1
                    WHERE wanted = 'connected' AND is_linked
                      AND state IN ('online', 'offline', 'suspect', 'restricted', 'outdated')"""
    over = """UPDATE devices SET state = CASE WHEN jid IS NULL THEN 'new' ELSE 'logged_out' END,
                state_reason = 'pairing_stopped', state_since = $1, updated_at = $1, wanted = 'stopped'
              WHERE state = 'pairing' OR (wanted = 'connected' AND NOT is_linked)"""
    stopped = """UPDATE devices SET state = 'stopped', state_reason = NULL, state_since = $1, updated_at = $1
                 WHERE wanted = 'stopped' AND state IN ('online', 'offline', 'suspect', 'connecting', 'restricted')"""
    return await tx.execute(connecting, now) + await tx.execute(over, now) + await tx.execute(stopped, now)


async def wanting(tx: db.Tx, now: datetime, busy: Collection[str], limit: int) -> list[model.Device]:
    """Linked devices that a person wants connected and that need something now, the longest waiting first.

    One that was banned for a while is passed over for 15 minutes after each try.
    """
    sql = """SELECT * FROM devices WHERE wanted = 'connected' AND is_linked AND NOT id = ANY($2::uuid[])
               AND (probe_at IS NULL OR probe_at <= $1::timestamptz - $4::interval)
               AND (state IN ('connecting', 'offline', 'suspect')
                    OR (state IN ('banned_until', 'restricted') AND hold_until <= $1))
             ORDER BY state_since LIMIT $3"""
    return [_device(row) for row in await tx.fetch(sql, now, list(busy), limit, model.PROBE_EVERY)]


async def note_probe(tx: db.Tx, device_id: str, now: datetime) -> bool:
    """A line that was lost to a temporary ban is tried now; False when it was tried a moment ago."""
    sql = "UPDATE devices SET probe_at = $2 WHERE id = $1 AND probe_at <= $2::timestamptz - $3::interval"
    return await tx.execute(sql, device_id, now, model.PROBE_EVERY) == 1


# ---------------------------------------------------------------------- for the dispatcher: all workspaces


async def failing(tx: db.Tx) -> list[str]:
    """Devices whose last message failed by their own fault."""
    return [row["id"] for row in await tx.fetch("SELECT id FROM devices WHERE errors_in_a_row > 0")]


async def count_errors(tx: db.Tx, counted: Sequence[model.Failing], now: datetime) -> list[str]:
    """Count errors in a row and pause, in the same statement, devices that have too many; returns those.

    A message counts while it is claimed under its token, so once. A device that a rule has paused already is left alone, and
    so is one whose last setting aside is not written down yet (`recorded`). Devices are locked in the order of their ids.
    """
    sql = """
      WITH failed AS (
        SELECT y.device_id, count(*)::int AS n FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::bigint[])
          AS y (workspace_id, device_id, id, token)
        JOIN messages m ON (m.workspace_id, m.id) = (y.workspace_id, y.id) AND m.state = 'claimed' AND m.token = y.token
        GROUP BY y.device_id),
      x AS (
        SELECT d.id, CASE WHEN u.is_reset THEN 0 ELSE d.errors_in_a_row END + coalesce(f.n, 0) AS n
        FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) AS u (workspace_id, device_id, is_reset)
        LEFT JOIN failed f ON f.device_id = u.device_id
        JOIN devices d ON (d.workspace_id, d.id) = (u.workspace_id, u.device_id)
        WHERE d.errors_in_a_row < $4 AND NOT (d.sending_paused AND coalesce(d.pause_reason, 'person') <> 'person')
        ORDER BY d.id FOR NO KEY UPDATE OF d)
      UPDATE devices d SET errors_in_a_row = least(x.n, $4), sending_paused = d.sending_paused OR x.n >= $4,
        pause_reason = CASE WHEN x.n >= $4 THEN 'errors' ELSE d.pause_reason END,
        updated_at = CASE WHEN x.n >= $4 THEN $9 ELSE d.updated_at END
      FROM x WHERE d.id = x.id AND (d.errors_in_a_row <> x.n) RETURNING d.id, x.n >= $4 AS is_aside"""
    each = [(one.workspace_id, one.device_id, *failed) for one in counted for failed in one.failed]
    rows = await tx.fetch(
        sql,
        [one.workspace_id for one in counted],
        [one.device_id for one in counted],
        [one.is_reset for one in counted],
        model.ERRORS_IN_A_ROW,
        *([row[n] for row in each] for n in range(4)),
        now,
    )
    return [row["id"] for row in rows if row["is_aside"]]


async def unrecorded(tx: db.Tx) -> list[db.Row]:
    """Devices (workspace, id) that were set aside and of which the audit does not know yet."""
    sql = "SELECT workspace_id, id FROM devices WHERE errors_in_a_row > 0 AND errors_in_a_row >= $1 ORDER BY id"
    return await tx.fetch(sql, model.ERRORS_IN_A_ROW)


async def recorded(tx: db.Tx, device_id: str) -> bool:
    """The count begins anew; False when somebody else has written it down."""
    sql = "UPDATE devices SET errors_in_a_row = 0 WHERE id = $1 AND errors_in_a_row >= $2"
    return await tx.execute(sql, device_id, model.ERRORS_IN_A_ROW) == 1
