"""SQL of the demo: a past that never happened, and taking away what the demo alone brought.

History cannot come from the features' own services, which only know the present; so it is written here, through the
database's own table of moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hantar.kit import db, ids, windows

DELIVERED, READ = timedelta(seconds=2), timedelta(minutes=3)
"""How long after it was sent a message of the past was on the phone, and opened."""


@dataclass(frozen=True, slots=True)
class Past:
    """A message of the past: to whom, from where, when."""

    lead_id: str
    sent_at: datetime
    is_read: bool


async def write_past(tx: db.Tx, workspace_id: str, campaign_id: str, text: str, past: Sequence[Past]) -> None:
    """Delivered messages of a campaign of the past, by every move a message makes; they make these chats known ones."""
    times = [each.sent_at for each in past]
    rows = (campaign_id, [ids.new_id() for _ in past], [each.lead_id for each in past], times)
    queued = """
      INSERT INTO messages (workspace_id, id, kind, source_id, person_id, lead_id, device_id, content_id, name, phone, state,
                            priority, not_before, expires_at, created_at, text)
      SELECT l.workspace_id, x.id, 'campaign', c.id, l.person_id, l.id, l.device_id, c.content_id, l.name, l.phone, 'queued', 5,
             x.at, x.at + interval '3 days', x.at, $5
      FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS x (id, lead_id, at)
      JOIN leads l ON (l.workspace_id, l.id) = ($6::uuid, x.lead_id)
      JOIN campaigns c ON (c.workspace_id, c.id) = ($6::uuid, $1::uuid)"""
    await tx.execute(queued, *rows, text, workspace_id)
    claimed = """UPDATE messages SET state = 'claimed', claimed_at = not_before, attempts = 1
                 WHERE (workspace_id, source_id) = ($1, $2) AND state = 'queued'"""
    await tx.execute(claimed, workspace_id, campaign_id)
    ended = """
      UPDATE messages m SET state = CASE WHEN x.is_read THEN 'read' ELSE 'delivered' END, sent_at = x.at, ended_at = x.at,
             delivered_at = x.at + $5::interval, read_at = CASE WHEN x.is_read THEN x.at + $6::interval END
      FROM unnest($2::uuid[], $3::timestamptz[], $4::boolean[]) AS x (id, at, is_read)
      WHERE (m.workspace_id, m.id) = ($1, x.id)"""
    await tx.execute(ended, workspace_id, rows[1], times, [each.is_read for each in past], DELIVERED, READ)
    chats = """
      INSERT INTO chats AS c (workspace_id, device_id, person_id, first_out_at, last_out_at)
      SELECT workspace_id, device_id, person_id, min(sent_at), max(sent_at) FROM messages
      WHERE (workspace_id, source_id) = ($1, $2) GROUP BY 1, 2, 3
      ON CONFLICT (workspace_id, device_id, person_id) DO UPDATE
        SET first_out_at = least(c.first_out_at, excluded.first_out_at),
            last_out_at = greatest(c.last_out_at, excluded.last_out_at)"""
    await tx.execute(chats, workspace_id, campaign_id)


async def end_past(tx: db.Tx, workspace_id: str, campaign_id: str) -> None:
    """A campaign of the past began with its first message and has ended with its last."""
    sql = """UPDATE campaigns c SET status = 'finished', paused_from = NULL, paused_at = NULL, due_at = x.first,
               created_at = x.first, started_at = x.first, finished_at = x.last, updated_at = x.last
             FROM (SELECT min(sent_at) AS first, max(sent_at) AS last FROM messages WHERE (workspace_id, source_id) = ($1, $2)) x
             WHERE (c.workspace_id, c.id) = ($1, $2)"""
    await tx.execute(sql, workspace_id, campaign_id)


async def age_devices(tx: db.Tx, linked_at: Sequence[tuple[str, datetime]]) -> None:
    """Let devices have been linked at these times."""
    await tx.executemany("UPDATE devices SET linked_at = $2 WHERE id = $1 AND is_demo", list(linked_at))


async def use_allowance(tx: db.Tx, device_id: str, chats: int, now: datetime) -> None:
    """So many new conversations this device has begun today; its lane must be there."""
    used = None
    for _ in range(chats):
        used = windows.added(used, now, is_new_chat=True)
    await tx.execute("UPDATE lanes SET used = $2 WHERE device_id = $1", device_id, used)


# ---------------------------------------------------------------- taking it away

ONLY_HERE = """
  NOT EXISTS (SELECT 1 FROM leads l WHERE (l.workspace_id, l.person_id) = (p.workspace_id, p.id) AND NOT l.is_demo)
  AND NOT EXISTS (SELECT 1 FROM messages m JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
                  WHERE (m.workspace_id, m.person_id) = (p.workspace_id, p.id) AND NOT d.is_demo)
  AND NOT EXISTS (SELECT 1 FROM chats c JOIN devices d ON (d.workspace_id, d.id) = (c.workspace_id, c.device_id)
                  WHERE (c.workspace_id, c.person_id) = (p.workspace_id, p.id) AND NOT d.is_demo)
  AND NOT EXISTS (SELECT 1 FROM inbound_messages i JOIN devices d ON (d.workspace_id, d.id) = (i.workspace_id, i.device_id)
                  WHERE (i.workspace_id, i.person_id) = (p.workspace_id, p.id) AND NOT d.is_demo)
  AND NOT EXISTS (SELECT 1 FROM suppressions s LEFT JOIN devices d ON (d.workspace_id, d.id) = (s.workspace_id, s.device_id)
                  WHERE (s.workspace_id, s.person_id) = (p.workspace_id, p.id) AND NOT coalesce(d.is_demo, false))"""
"""SQL: whether nothing but the demo knows a person `p`. An opt-out that somebody entered by hand or by a file keeps its person:
no opt-out is lost with a demo."""


async def known_keys(tx: db.Tx, keys: Sequence[str]) -> set[str]:
    """Which of these numbers (identity keys) belong to a person already."""
    rows = await tx.fetch("SELECT value FROM person_aliases WHERE kind = 'phone' AND value = ANY($1)", list(keys))
    return {row["value"] for row in rows}


async def mark_people(tx: db.Tx, keys: Sequence[str]) -> None:
    """These numbers (identity keys) belong to people the demo has made up."""
    sql = """UPDATE persons SET is_demo = true
             WHERE id IN (SELECT person_id FROM person_aliases WHERE kind = 'phone' AND value = ANY($1))"""
    await tx.execute(sql, list(keys))


async def contents_of(tx: db.Tx) -> list[str]:
    """Texts of the demo's campaigns, and of whatever else went out by its devices."""
    sql = """SELECT content_id FROM campaigns WHERE is_demo UNION
             SELECT m.content_id FROM messages m JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
             WHERE d.is_demo"""
    return [row["content_id"] for row in await tx.fetch(sql)]


async def forget_contents(tx: db.Tx, content_ids: Sequence[str]) -> None:
    """Of these texts, those that nothing needs any more."""
    sql = """DELETE FROM contents c WHERE c.id = ANY($1::uuid[])
               AND NOT EXISTS (SELECT 1 FROM campaigns o WHERE (o.workspace_id, o.content_id) = (c.workspace_id, c.id))
               AND NOT EXISTS (SELECT 1 FROM messages o WHERE (o.workspace_id, o.content_id) = (c.workspace_id, c.id))"""
    await tx.execute(sql, list(content_ids))


async def people_to_forget(tx: db.Tx) -> list[str]:
    """Made-up people whom nothing but the demo knows, and strangers who only ever wrote to its devices; marked as the demo's.

    Ask before the demo's devices go.
    """
    met = """UPDATE persons p SET is_demo = true
             WHERE NOT p.is_demo AND p.id IN (
               SELECT i.person_id FROM inbound_messages i JOIN devices d ON (d.workspace_id, d.id) = (i.workspace_id, i.device_id)
               WHERE d.is_demo AND p.created_at >= d.created_at)
               AND NOT EXISTS (SELECT 1 FROM consents c WHERE (c.workspace_id, c.person_id) = (p.workspace_id, p.id)
                               AND c.inbound_id IS NULL)"""
    await tx.execute(f"{met} AND {ONLY_HERE}")
    return [row["id"] for row in await tx.fetch(f"SELECT p.id FROM persons p WHERE p.is_demo AND {ONLY_HERE}")]


async def forget_people(tx: db.Tx, person_ids: Sequence[str]) -> int:
    """Take these people away with their opt-outs, holds, consents and names; returns how many went.

    Their leads, messages and chats must be gone. The database itself lets no opt-out or hold go of anyone else.
    """
    for table in ("suppressions", "holds", "consents", "inbound_messages"):
        await tx.execute(f"DELETE FROM {table} WHERE person_id = ANY($1::uuid[])", list(person_ids))
    return await tx.execute("DELETE FROM persons WHERE id = ANY($1::uuid[]) AND is_demo", list(person_ids))


async def keep_people(tx: db.Tx) -> None:
    """Whoever is still here is no made-up person any more: something beyond the demo knows them."""
    await tx.execute("UPDATE persons SET is_demo = false WHERE is_demo")
