"""What waits in a plan behind the lanes: of each device and campaign so many messages are queued, the others follow in order.

A planned message takes part in everything but the claim: it can be cancelled, opted out, merged, and is counted as pending. A row
of `backlogs` says that a device has some of a source, and when to see whether half of its window is empty; that instant is no
earlier than the device can have sent so many, so a long backlog costs nothing while it waits. Whatever else empties a window
(opt-outs, a limit that was raised) is seen within `LOOK_AGAIN`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hantar.kit import db

WINDOW = 1000
"""Messages of a device and campaign that are queued at a time (`BROADCAST_WORKER_QUEUE_SIZE`)."""
LOOK_AGAIN = timedelta(minutes=5)
"""The longest rest between two looks at one window (our own number)."""
REST_PAUSED = timedelta(minutes=1)
"""How long the windows of a paused source rest; resuming it ends that."""
TOGETHER = 20
"""Windows looked at in one transaction, so that it moves 20,000 messages at most (our own number)."""

_RELEASE = """
  WITH due AS MATERIALIZED (
    SELECT b.workspace_id, b.source_id, b.device_id, s.is_open, s.is_ended,
      greatest(s.min_delay_seconds, d.min_delay_seconds, 60.0 / d.per_minute) AS seconds_each
    FROM backlogs b
    JOIN sources s ON (s.workspace_id, s.id) = (b.workspace_id, b.source_id)
    JOIN devices d ON (d.workspace_id, d.id) = (b.workspace_id, b.device_id)
    WHERE b.look_at <= $1 ORDER BY b.look_at LIMIT $3 FOR UPDATE OF b SKIP LOCKED),
  counted AS MATERIALIZED (
    SELECT due.*, q.ready, least(CASE WHEN q.ready <= $2 / 2 THEN $2 - q.ready ELSE 0 END, 2 * $2 - q.waiting) AS room,
      $2 - q.waiting AS spare
    FROM due CROSS JOIN LATERAL (
      SELECT count(*) AS waiting, count(*) FILTER (WHERE not_before <= $1) AS ready FROM (
        SELECT m.not_before FROM messages m
        WHERE (m.workspace_id, m.device_id, m.source_id) = (due.workspace_id, due.device_id, due.source_id) AND m.stage = 'queued'
        LIMIT 2 * $2) queued) q
    WHERE due.is_open),
  taken AS MATERIALIZED (
    SELECT m.* FROM counted c CROSS JOIN LATERAL (
      SELECT m.workspace_id, m.id, m.source_id, m.device_id, m.not_before FROM messages m
      WHERE (m.workspace_id, m.source_id, m.device_id) = (c.workspace_id, c.source_id, c.device_id)
        AND m.stage = 'planned' AND m.waiting_for IS DISTINCT FROM 'canary' AND (m.not_before <= $1 OR c.spare > 0)
      ORDER BY m.not_before, m.id LIMIT greatest(c.room, 0) FOR UPDATE OF m SKIP LOCKED) m),
  moved AS (
    UPDATE messages m SET state = CASE WHEN m.expires_at <= $1 THEN 'expired' ELSE 'queued' END,
      reason = CASE WHEN m.expires_at <= $1 THEN 'expired' END,
      ended_at = CASE WHEN m.expires_at <= $1 THEN $1 END,
      waiting_for = CASE WHEN m.not_before > $1 THEN m.waiting_for END
    FROM taken t WHERE (m.workspace_id, m.id) = (t.workspace_id, t.id)
    RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason),
  looked AS (
    SELECT due.workspace_id, due.source_id, due.device_id, due.is_ended, due.is_open,
      count(m.id) FILTER (WHERE m.state = 'queued') AS released, count(m.id) FILTER (WHERE m.state = 'expired') AS expired,
      max(c.ready) AS ready, max(due.seconds_each) AS seconds_each
    FROM due LEFT JOIN counted c USING (workspace_id, source_id, device_id)
    LEFT JOIN moved m USING (workspace_id, source_id, device_id) GROUP BY 1, 2, 3, 4, 5),
  rest AS (
    SELECT l.*, CASE WHEN NOT l.is_open THEN $5::interval WHEN l.expired > 0 THEN interval '0'
      ELSE least($4::interval,
        make_interval(secs => l.seconds_each * greatest(1, l.ready + l.released - $2 / 2))) END AS for_long,
      l.is_ended OR (l.is_open AND NOT EXISTS (SELECT 1 FROM messages m
        WHERE (m.workspace_id, m.source_id, m.device_id) = (l.workspace_id, l.source_id, l.device_id)
          AND m.stage = 'planned' AND m.waiting_for IS DISTINCT FROM 'canary'
          AND NOT EXISTS (SELECT 1 FROM taken t WHERE (t.workspace_id, t.id) = (m.workspace_id, m.id)))) AS is_over
    FROM looked l),
  over AS (
    DELETE FROM backlogs b USING rest r
    WHERE r.is_over AND (b.workspace_id, b.source_id, b.device_id) = (r.workspace_id, r.source_id, r.device_id)),
  next AS (
    UPDATE backlogs b SET look_at = $1 + r.for_long FROM rest r
    WHERE NOT r.is_over AND (b.workspace_id, b.source_id, b.device_id) = (r.workspace_id, r.source_id, r.device_id))
  SELECT workspace_id, source_id, device_id, released, NULL AS id, NULL AS kind, NULL AS state, NULL AS reason FROM rest
  UNION ALL SELECT workspace_id, source_id, device_id, 0, id, kind, state, reason FROM moved WHERE state = 'expired'"""


async def open_for(tx: db.Tx, workspace_id: str, source_id: str, device_ids: Sequence[str]) -> None:
    """These devices have planned messages of a source. Waits for whoever looks at one of them just now."""
    sql = """INSERT INTO backlogs (workspace_id, source_id, device_id, look_at)
             SELECT $1, $2, d, $4 FROM unnest($3::uuid[]) AS d ORDER BY d
             ON CONFLICT (workspace_id, source_id, device_id) DO UPDATE SET look_at = backlogs.look_at"""
    await tx.execute(sql, workspace_id, source_id, list(device_ids), await tx.now())


async def look_soon(tx: db.Tx, workspace_id: str, source_id: str) -> None:
    """A source was resumed: its windows are looked at now."""
    sql = "UPDATE backlogs SET look_at = $3 WHERE (workspace_id, source_id) = ($1, $2)"
    await tx.execute(sql, workspace_id, source_id, await tx.now())


async def open_source(tx: db.Tx, workspace_id: str, source_id: str) -> None:
    """What a source held back may follow now: its first people went well."""
    sql = """INSERT INTO backlogs (workspace_id, source_id, device_id, look_at)
             SELECT DISTINCT workspace_id, source_id, device_id, $3::timestamptz FROM messages
             WHERE (workspace_id, source_id) = ($1, $2) AND stage = 'planned' AND waiting_for IS DISTINCT FROM 'canary'
             ORDER BY device_id
             ON CONFLICT (workspace_id, source_id, device_id) DO UPDATE SET look_at = excluded.look_at"""
    await tx.execute(sql, workspace_id, source_id, await tx.now())


async def close_source(tx: db.Tx, workspace_id: str, source_id: str) -> None:
    """Nothing of a source is released any more."""
    await tx.execute("DELETE FROM backlogs WHERE (workspace_id, source_id) = ($1, $2)", workspace_id, source_id)


@dataclass(frozen=True, slots=True)
class Released:
    """What a look did: how many windows it saw, which lanes got messages (workspace → devices), and what was too late."""

    looked: int
    lanes: dict[str, list[str]]
    expired: list[db.Row]


async def release(tx: db.Tx, window: int, limit: int = TOGETHER) -> Released:
    """Queue what follows in windows that are half empty, in all workspaces.

    What is too late by its turn expires instead. Messages put off to a later hour are not in the way of others, but never are
    more than twice a window queued.
    """
    rows = await tx.fetch(_RELEASE, await tx.now(), window, limit, LOOK_AGAIN, REST_PAUSED)
    lanes: dict[str, list[str]] = {}
    for row in rows:
        if row["released"]:
            lanes.setdefault(row["workspace_id"], []).append(row["device_id"])
    expired = [row for row in rows if row["id"] is not None]
    return Released(len(rows) - len(expired), lanes, expired)
