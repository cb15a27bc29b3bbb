"""Holds as a list of tasks: who asked to be left alone or waits for an answer, and how each ended."""

from datetime import datetime

from hantar.consent import model
from hantar.kit import db
from hantar.persons import service as persons
from hantar.persons.model import PersonId

LIST = """SELECT h.*, p.phone, coalesce(l.name, i.push_name, '') AS name, i.text, d.name AS device_name,
    m.source_id AS campaign_id, c.title AS campaign_title
  FROM holds h
  JOIN persons p ON (p.workspace_id, p.id) = (h.workspace_id, h.person_id)
  LEFT JOIN inbound_messages i ON (i.workspace_id, i.id) = (h.workspace_id, h.inbound_id)
  LEFT JOIN devices d ON (d.workspace_id, d.id) = (h.workspace_id, h.device_id)
  LEFT JOIN LATERAL (SELECT name FROM leads l WHERE (l.workspace_id, l.person_id) = (h.workspace_id, h.person_id)
                     ORDER BY l.id DESC LIMIT 1) l ON true
  LEFT JOIN LATERAL (SELECT m.source_id FROM messages m
                     WHERE (m.workspace_id, m.person_id) = (h.workspace_id, h.person_id) AND m.device_id = h.device_id
                       AND m.kind = 'campaign' AND m.claimed_at <= h.at
                     ORDER BY m.claimed_at DESC LIMIT 1) m ON true
  LEFT JOIN campaigns c ON (c.workspace_id, c.id) = (h.workspace_id, m.source_id)"""


def _where(is_open: bool | None, kind: str | None) -> db.Where:
    where = db.Where()
    if is_open is not None:
        where.add("h.ended_at IS NULL" if is_open else "h.ended_at IS NOT NULL")
    if kind:
        where.add("h.kind = {}", kind)
    return where


async def page(tx: db.Tx, is_open: bool | None, kind: str | None, before: str | None, limit: int) -> list[db.Row]:
    """Holds, the newest first; `before`: older than this id."""
    where = _where(is_open, kind)
    if before:
        where.add("h.id < {}::uuid", before)
    return await tx.fetch(f"{LIST} WHERE {where} ORDER BY h.id DESC LIMIT {int(limit)}", *where.values)


async def count(tx: db.Tx, is_open: bool | None, kind: str | None) -> int:
    """How many holds a list has."""
    where = _where(is_open, kind)
    return int(await tx.fetchval(f"SELECT count(*) FROM holds h WHERE {where}", *where.values))


async def find(tx: db.Tx, hold_id: str) -> db.Row:
    """One hold as `page` gives it; raises `HoldNotFound`."""
    row = await tx.fetchrow(f"{LIST} WHERE h.id = $1", hold_id)
    if row is None:
        raise model.HoldNotFound
    return row


async def end(tx: db.Tx, workspace_id: str, hold_id: str, outcome: str, *, by: str | None, reason: str | None = None) -> db.Row:
    """End one hold; returns it as it was. Raises `HoldNotFound`, `HoldEnded`."""
    row = await find(tx, hold_id)
    await persons.lock(tx, [row["person_id"]])
    sql = """UPDATE holds SET ended_at = $2, outcome = $3, reason = $4, actor_id = $5 WHERE id = $1 AND ended_at IS NULL"""
    if await tx.execute(sql, hold_id, await tx.now(), outcome, reason, by) != 1:
        raise model.HoldEnded
    tx.tell("hold.changed", workspace_id, hold_id=hold_id, person_id=row["person_id"], kind=row["kind"], open=False)
    return row


async def end_all(
    tx: db.Tx,
    workspace_id: str,
    person_id: PersonId,
    kind: str,
    outcome: str,
    *,
    by: str | None,
    reason: str | None = None,
    until: datetime | None = None,
) -> int:
    """End every open hold of this kind on a person, whom the caller has locked; returns how many there were.

    `until`: only those whose words are not younger than this.
    """
    sql = """UPDATE holds h SET ended_at = $3, outcome = $4, reason = $5, actor_id = $6
             WHERE person_id = $1 AND kind = $2 AND ended_at IS NULL
               AND ($7::timestamptz IS NULL
                    OR coalesce((SELECT i.at FROM inbound_messages i WHERE i.id = h.inbound_id), h.at) <= $7)
             RETURNING id"""
    rows = await tx.fetch(sql, person_id, kind, await tx.now(), outcome, reason, by, until)
    for row in rows:
        tx.tell("hold.changed", workspace_id, hold_id=row["id"], person_id=person_id, kind=kind, open=False)
    return len(rows)


async def is_held(tx: db.Tx, person_id: PersonId) -> bool:
    """Whether any hold on this person is open."""
    found: bool = await tx.fetchval("SELECT EXISTS (SELECT 1 FROM holds WHERE person_id = $1 AND ended_at IS NULL)", person_id)
    return found


async def answered(tx: db.Tx, workspace_id: str, person_id: PersonId, by: str | None, *, until: datetime | None = None) -> bool:
    """A person answered what waited for an answer (said before `until`): that hold ends. False when nothing waited."""
    await persons.lock(tx, [person_id])
    return await end_all(tx, workspace_id, person_id, "conversation", "answered", by=by, until=until) > 0
