"""SQL of the workers: read only, one statement for all devices of a workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hantar.gateways.port import DeviceState
from hantar.kit import db
from hantar.outbox import lanes, model
from hantar.workers.model import Queued, Seen, Tally, Work


@dataclass(frozen=True, slots=True)
class Scope:
    """Which messages count: all, those of a kind, or those of one campaign or sequence."""

    kind: str | None = None
    source_id: str | None = None


ALL = Scope()


def _only(where: db.Where, scope: Scope) -> None:
    if scope.kind:
        where.add("m.kind = {}", scope.kind)
    if scope.source_id:
        where.add("m.source_id = {}", scope.source_id)


async def devices(tx: db.Tx, workspace_id: str, device_id: str | None = None) -> list[Seen]:
    """Every device with its lane, by name."""
    sql = f"""SELECT d.id, d.name, d.state, d.sending_paused, d.pause_reason, d.hold_until,
                coalesce({lanes.restricted("$2")}, false) AS takes_no_chats, l.next_at,
                greatest(l.rest_until, l.full_until) AS rest_until
              FROM devices d LEFT JOIN lanes l ON (l.workspace_id, l.device_id) = (d.workspace_id, d.id)
              WHERE d.workspace_id = $1 AND ($3::uuid IS NULL OR d.id = $3) ORDER BY d.name, d.id"""
    return [
        Seen(
            device_id=row["id"],
            name=row["name"],
            state=DeviceState(row["state"]),
            is_paused=row["sending_paused"],
            pause_reason=row["pause_reason"],
            hold_until=row["hold_until"],
            takes_no_chats=row["takes_no_chats"],
            next_at=row["next_at"] or model.EPOCH,
            rest_until=row["rest_until"] or model.EPOCH,
        )
        for row in await tx.fetch(sql, workspace_id, await tx.now(), device_id)
    ]


async def queued(tx: db.Tx, workspace_id: str, scope: Scope, device_id: str | None = None) -> dict[str, tuple[Queued, ...]]:
    """What waits or is on its way, by device and source; single messages stand together. Reads the queue's own indexes alone."""
    where = db.Where().add("m.workspace_id = {}", workspace_id)
    if device_id:
        where.add("m.device_id = {}", device_id)
    _only(where, scope)
    sql = f"""
      SELECT q.*, coalesce(s.is_open, true) AS is_open, s.kind, c.title FROM (
        SELECT m.device_id, CASE WHEN m.kind IN ('campaign', 'sequence') THEN m.source_id END AS source_id,
          m.state = 'claimed' AS is_claimed, count(*) AS n, min(m.not_before) AS due_at,
          (array_agg(m.waiting_for ORDER BY m.not_before) FILTER (WHERE m.waiting_for IS NOT NULL))[1] AS gate
        FROM (SELECT * FROM messages m WHERE m.workspace_id = $1 AND m.stage = 'queued'
              UNION ALL SELECT m.* FROM lanes l CROSS JOIN LATERAL {model.LATEST.format(device="l.workspace_id, l.device_id")} m
                WHERE l.workspace_id = $1 AND m.state = 'claimed') m
        WHERE {where} GROUP BY 1, 2, 3) q
      LEFT JOIN sources s ON (s.workspace_id, s.id) = ($1::uuid, q.source_id)
      LEFT JOIN campaigns c ON (c.workspace_id, c.id) = ($1::uuid, q.source_id)"""
    found: dict[str, tuple[Queued, ...]] = {}
    for row in await tx.fetch(sql, *where.values):
        work = Work(row["kind"] or "campaign", row["source_id"], row["title"]) if row["source_id"] else None
        one = Queued(work, row["n"], row["due_at"], row["gate"], row["is_open"], row["is_claimed"])
        found[row["device_id"]] = (*found.get(row["device_id"], ()), one)
    return found


async def tallies(
    tx: db.Tx, workspace_id: str, scope: Scope, since: datetime, device_id: str | None = None
) -> Mapping[str, Tally]:
    """What each device sent and what failed since then, and when it last did either; of one source: since it began."""
    if scope.source_id:
        return await _of_source(tx, workspace_id, scope, device_id)
    where = db.Where(workspace_id, since, device_id)
    _only(where, scope)
    sql = f"""
      SELECT d.id, s.n AS sent, f.n AS failed, greatest(s.at, f.at) AS last_at FROM devices d
      CROSS JOIN LATERAL (SELECT count(*) AS n, max(m.sent_at) AS at FROM messages m
        WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id) AND m.claimed_at >= $2::timestamptz - interval '1 hour'
          AND m.sent_at >= $2 AND m.state <> 'failed' AND {where}) s
      CROSS JOIN LATERAL (SELECT count(*) AS n, max(m.ended_at) AS at FROM messages m
        WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id) AND m.stage = 'failed' AND m.closed_at >= $2 AND {where}) f
      WHERE d.workspace_id = $1 AND ($3::uuid IS NULL OR d.id = $3)"""
    return {row["id"]: Tally(row["sent"], row["failed"], row["last_at"]) for row in await tx.fetch(sql, *where.values)}


async def _of_source(tx: db.Tx, workspace_id: str, scope: Scope, device_id: str | None) -> Mapping[str, Tally]:
    sql = """SELECT device_id, count(*) FILTER (WHERE state IN ('sent', 'delivered', 'read')) AS sent,
               count(*) FILTER (WHERE state = 'failed') AS failed,
               greatest(max(sent_at), max(ended_at) FILTER (WHERE state = 'failed')) AS last_at
             FROM messages WHERE (workspace_id, source_id) = ($1, $2) AND ($3::uuid IS NULL OR device_id = $3)
               AND ($4::text IS NULL OR kind = $4) GROUP BY device_id"""
    rows = await tx.fetch(sql, workspace_id, scope.source_id, device_id, scope.kind)
    return {row["device_id"]: Tally(row["sent"], row["failed"], row["last_at"]) for row in rows}


# ---------------------------------------------------------------------- the workspace as a whole


@dataclass(frozen=True, slots=True)
class Totals:
    """Messages of a workspace: what is open now, and what ended since an instant."""

    pending: int
    unconfirmed: int
    skipped: int
    running: int
    """Campaigns that are being written or sent."""


async def totals(tx: db.Tx, workspace_id: str, since: datetime) -> Totals:
    """By tallies, and indexes of unconfirmed and skipped rows; what was sent long ago costs nothing.

    Pending are messages of campaigns and sequences: a single message is queued from the start.
    """
    sql = """SELECT
        (SELECT coalesce(sum(n), 0)::bigint FROM (
           SELECT n FROM tallies WHERE workspace_id = $1 AND state IN ('planned', 'held')
           UNION ALL SELECT n FROM tally_moves WHERE workspace_id = $1 AND state IN ('planned', 'held')) x) AS pending,
        (SELECT count(*) FROM messages WHERE workspace_id = $1 AND stage = 'unknown') AS unconfirmed,
        (SELECT count(*) FROM messages WHERE workspace_id = $1 AND stage IN ('cancelled', 'suppressed', 'expired')
           AND closed_at >= $2) AS skipped,
        (SELECT count(*) FROM campaigns WHERE workspace_id = $1 AND status IN ('triggered', 'processing')) AS running"""
    row = await tx.fetchrow(sql, workspace_id, since)
    assert row is not None  # noqa: S101 a row of counts
    return Totals(row["pending"], row["unconfirmed"], row["skipped"], row["running"])


async def pace(tx: db.Tx, workspace_id: str, since: datetime) -> tuple[int, float | None]:
    """How many messages were sent since then, and the mean seconds from claim to answer."""
    sql = """SELECT coalesce(sum(s.n), 0)::bigint AS n, sum(s.seconds) / nullif(sum(s.n), 0) AS mean FROM devices d
             CROSS JOIN LATERAL (SELECT count(*) AS n, extract(epoch FROM sum(greatest(m.sent_at - m.claimed_at, interval '0')))
               AS seconds FROM messages m
               WHERE (m.workspace_id, m.device_id) = (d.workspace_id, d.id)
                 AND m.claimed_at >= $2::timestamptz - interval '1 hour' AND m.sent_at >= $2) s
             WHERE d.workspace_id = $1"""
    row = await tx.fetchrow(sql, workspace_id, since)
    assert row is not None  # noqa: S101 an aggregate always has its row
    return row["n"], None if row["mean"] is None else float(row["mean"])


async def begin_of_day(tx: db.Tx, time_zone: str) -> datetime:
    """When today began in this zone."""
    began: datetime = await tx.fetchval("SELECT date_trunc('day', $1::timestamptz, $2)", await tx.now(), time_zone)
    return began


async def oldest_due(tx: db.Tx, workspace_id: str, now: datetime) -> datetime | None:
    """When the oldest queued message was due; None when none is."""
    sql = "SELECT min(not_before) FROM messages WHERE workspace_id = $1 AND stage = 'queued' AND not_before <= $2"
    found: datetime | None = await tx.fetchval(sql, workspace_id, now)
    return found
