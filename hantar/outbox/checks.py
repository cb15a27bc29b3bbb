"""Whether numbers are on WhatsApp, as it is remembered: who is to be looked up, and what was found. Over all workspaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hantar.kit import db
from hantar.outbox.rules import CHECK_AGAIN, CHECK_KEPT


@dataclass(frozen=True, slots=True)
class Subject:
    """A person to look up by a number, and the message that waits for it; None: nobody waits yet."""

    workspace_id: str
    person_id: str
    phone: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found about a subject; None: there was no answer, and why."""

    subject: Subject
    is_on_whatsapp: bool | None
    is_simulated: bool
    why: str = ""


async def ahead(tx: db.Tx, workspace_id: str, device_id: str, most: int, now: datetime) -> list[Subject]:
    """Persons of the next messages of a lane whose number was not looked up lately through a simulated device."""
    sql = """
      SELECT DISTINCT ON (p.id) p.id, n.phone
      FROM (SELECT m.person_id, m.phone FROM messages m
            WHERE (m.workspace_id, m.device_id) = ($1, $2) AND m.stage = 'queued' AND m.phone <> ''
            ORDER BY m.source_id, m.not_before, m.id LIMIT $3) n
      JOIN persons p ON (p.workspace_id, p.id) = ($1, n.person_id)
      WHERE NOT coalesce(p.is_check_simulated AND p.checked_at > $4::timestamptz
        - CASE WHEN p.is_on_whatsapp IS NULL THEN $5::interval ELSE $6::interval END, false)"""
    rows = await tx.fetch(sql, workspace_id, device_id, most, now, CHECK_AGAIN, CHECK_KEPT)
    return [Subject(workspace_id, row["id"], row["phone"]) for row in rows]


async def keep(tx: db.Tx, found: Sequence[Found], now: datetime) -> None:
    """Remember what was found, and keep why a message goes without an answer.

    Persons are locked in the order of their ids.
    """
    sql = """
      WITH x AS (
        SELECT p.workspace_id, p.id, u.is_there, u.is_simulated
        FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::boolean[]) AS u (workspace_id, person_id, is_there, is_simulated)
        JOIN persons p ON (p.workspace_id, p.id) = (u.workspace_id, u.person_id)
        ORDER BY p.workspace_id, p.id FOR NO KEY UPDATE OF p)
      UPDATE persons p SET checked_at = $5, is_on_whatsapp = x.is_there, is_check_simulated = x.is_simulated
      FROM x WHERE (p.workspace_id, p.id) = (x.workspace_id, x.id)"""
    each = {(one.subject.workspace_id, one.subject.person_id): one for one in found}.values()
    await tx.execute(
        sql,
        [one.subject.workspace_id for one in each],
        [one.subject.person_id for one in each],
        [one.is_on_whatsapp for one in each],
        [one.is_simulated for one in each],
        now,
    )
    await _note(tx, [one for one in found if one.is_on_whatsapp is None and one.subject.message_id is not None], now)


async def _note(tx: db.Tx, unanswered: Sequence[Found], now: datetime) -> None:
    """For "why?": these messages go although nobody knows whether the number is there."""
    if not unanswered:
        return
    sql = """INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, detail)
             SELECT m.workspace_id, m.id, gen_random_uuid(), $4, 'wait', 'number_check', x.why
             FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS x (workspace_id, id, why)
             JOIN messages m ON (m.workspace_id, m.id) = (x.workspace_id, x.id)"""
    columns = ([one.subject.workspace_id for one in unanswered], [one.subject.message_id for one in unanswered])
    await tx.execute(sql, *columns, [one.why or None for one in unanswered], now)
