"""SQL of the reports: queries over the messages, and over their tallies where the messages may be millions."""

from datetime import datetime

from hantar.kit import db
from hantar.outbox import views


async def devices_of(tx: db.Tx, workspace_id: str, source_id: str) -> list[db.Row]:
    """One row per device of a campaign, with its counts."""
    sql = f"""SELECT m.device_id, d.name, d.state, {views.TALLY.replace("state", "m.state")}
              FROM messages m JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
              WHERE (m.workspace_id, m.source_id) = ($1, $2) GROUP BY m.device_id, d.name, d.state ORDER BY d.name, m.device_id"""
    return await tx.fetch(sql, workspace_id, source_id)


async def skipped_by_reason(tx: db.Tx, workspace_id: str, source_id: str) -> dict[str, int]:
    """Why messages of a campaign were skipped."""
    sql = """SELECT coalesce(reason, state) AS why, count(*) AS n FROM messages
             WHERE (workspace_id, source_id) = ($1, $2) AND state IN ('cancelled', 'suppressed', 'expired') GROUP BY 1"""
    return {row["why"]: row["n"] for row in await tx.fetch(sql, workspace_id, source_id)}


async def campaigns_by_status(tx: db.Tx, workspace_id: str, begin: datetime, end: datetime) -> dict[str, int]:
    """How many campaigns due in a span stand where."""
    sql = """SELECT status, count(*) AS n FROM campaigns
             WHERE workspace_id = $1 AND due_at >= $2 AND due_at < $3 GROUP BY status"""
    return {row["status"]: row["n"] for row in await tx.fetch(sql, workspace_id, begin, end)}


async def messages_of_span(tx: db.Tx, workspace_id: str, begin: datetime, end: datetime) -> views.Counts:
    """Counts of all messages of the campaigns due in a span."""
    sql = """SELECT x.state, sum(x.n)::bigint AS n FROM campaigns c CROSS JOIN LATERAL (
               SELECT state, n FROM tallies t WHERE (t.workspace_id, t.source_id) = (c.workspace_id, c.id)
               UNION ALL SELECT state, n FROM tally_moves t WHERE (t.workspace_id, t.source_id) = (c.workspace_id, c.id)) x
             WHERE c.workspace_id = $1 AND c.due_at >= $2 AND c.due_at < $3 GROUP BY x.state"""
    return views.counts_from({row["state"]: row["n"] for row in await tx.fetch(sql, workspace_id, begin, end)})


async def device_figures(tx: db.Tx, workspace_id: str) -> db.Row:
    """Devices in all, online, away, and those that need a person."""
    sql = """SELECT count(*) AS total, count(*) FILTER (WHERE state = 'online') AS active,
               count(*) FILTER (WHERE state IN ('offline', 'connecting', 'suspect', 'stopped')) AS offline,
               count(*) FILTER (WHERE state IN ('new', 'logged_out', 'replaced', 'restricted', 'banned_until', 'outdated',
                                                'refused')) AS needs_attention
             FROM devices WHERE workspace_id = $1"""
    row = await tx.fetchrow(sql, workspace_id)
    assert row is not None  # noqa: S101 an aggregate always has its row
    return row


async def lead_figures(tx: db.Tx, workspace_id: str, begin: datetime, end: datetime) -> db.Row:
    """Leads in all, new in a span, and without a device."""
    sql = """SELECT count(*) AS total, count(*) FILTER (WHERE created_at >= $2 AND created_at < $3) AS new,
               count(*) FILTER (WHERE device_id IS NULL) AS pooled FROM leads WHERE workspace_id = $1"""
    row = await tx.fetchrow(sql, workspace_id, begin, end)
    assert row is not None  # noqa: S101 an aggregate always has its row
    return row


async def sent_by_day(tx: db.Tx, workspace_id: str, begin: datetime, end: datetime, zone: str) -> list[db.Row]:
    """Messages sent per day of a zone: sent, delivered, read; and failed by the day they ended."""
    sql = """SELECT (coalesce(sent_at, ended_at) AT TIME ZONE $4)::date AS day,
               count(*) FILTER (WHERE state IN ('sent', 'delivered', 'read')) AS sent,
               count(*) FILTER (WHERE state IN ('delivered', 'read')) AS delivered,
               count(*) FILTER (WHERE state = 'read') AS read,
               count(*) FILTER (WHERE state = 'failed') AS failed
             FROM messages WHERE workspace_id = $1 AND coalesce(sent_at, ended_at) >= $2 AND coalesce(sent_at, ended_at) < $3
             GROUP BY 1 ORDER BY 1"""
    return await tx.fetch(sql, workspace_id, begin, end, zone)


async def devices_needing_help(tx: db.Tx, workspace_id: str) -> list[db.Row]:
    """Devices that wait for a person, the longest waiting first."""
    sql = """SELECT id, name, state, state_reason, state_since, hold_until FROM devices
             WHERE workspace_id = $1
               AND state IN ('new', 'logged_out', 'replaced', 'restricted', 'banned_until', 'outdated', 'refused')
             ORDER BY state_since LIMIT 20"""
    return await tx.fetch(sql, workspace_id)


async def unconfirmed_by_campaign(tx: db.Tx, workspace_id: str) -> list[db.Row]:
    """Campaigns with messages that may have arrived, newest first."""
    sql = """SELECT c.id, c.title, count(*) AS n FROM messages m
             JOIN campaigns c ON (c.workspace_id, c.id) = (m.workspace_id, m.source_id)
             WHERE m.workspace_id = $1 AND m.stage = 'unknown' GROUP BY c.id, c.title ORDER BY c.id DESC LIMIT 20"""
    return await tx.fetch(sql, workspace_id)
