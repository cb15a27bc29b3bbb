"""What the rules did to messages: ended, made to wait, claimed with a first conversation; and the record of it for "why?"."""

from collections.abc import Sequence
from datetime import datetime

from hantar.kit import db, ids
from hantar.outbox import model, rules

ALIKE = 500
"""Rows of one lane that are put off together with its head, when they would be told the same (our own number)."""
_SHARED = frozenset({rules.Gate.DEVICE_LIMIT, rules.Gate.QUIET_HOURS})
"""Waits that many rows of a lane have in common."""
MOVED = "m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"


async def end(tx: db.Tx, ended: Sequence[tuple[model.Head, rules.Reason]], now: datetime) -> list[db.Row]:
    """Rows that a rule forbids leave the head of their lane for good; what is too late expires (I-16)."""
    sql = f"""UPDATE messages m SET state = x.state, reason = x.reason, error = x.error, waiting_for = NULL, ended_at = $6
              FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
                AS x (workspace_id, id, state, reason, error)
              WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id) AND m.state = 'queued' RETURNING {MOVED}"""
    S = model.MessageState
    states = [S.EXPIRED.value if reason is rules.Reason.EXPIRED else S.SUPPRESSED.value for _, reason in ended]
    errors = [None if reason is rules.Reason.EXPIRED else rules.WORDS[reason] for _, reason in ended]
    reasons = [reason.value for _, reason in ended]
    heads = [head for head, _ in ended]
    return await tx.fetch(sql, [head.workspace_id for head in heads], [head.id for head in heads], states, reasons, errors, now)


async def put_off(tx: db.Tx, waits: Sequence[model.Waiting], now: datetime) -> None:
    """Push waiting heads away from the front, and with each at most `ALIKE` due rows of its source that wait for the same.

    Alike are rows of the same campaign or sequence: for a limit of the device, those that begin a conversation as the head does,
    or go on with one; for the hour, those to people under the same clocks. Rows another holder has are passed over. A wait is
    noted when its cause is new, for the head also when its end is.
    """
    sql = """
      WITH put AS MATERIALIZED (
        SELECT m.workspace_id, m.id, x.gate, x.not_before, x.until, m.id = x.id AS is_head, m.waiting_for AS was
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                    $9::int[]) AS x (workspace_id, device_id, source_id, id, gate, not_before, until, most)
        JOIN messages h ON (h.workspace_id, h.id) = (x.workspace_id, x.id)
        JOIN persons hp ON (hp.workspace_id, hp.id) = (h.workspace_id, h.person_id)
        LEFT JOIN leads hl ON (hl.workspace_id, hl.id) = (h.workspace_id, h.lead_id)
        LEFT JOIN chats hc ON (hc.workspace_id, hc.device_id, hc.person_id) = (h.workspace_id, h.device_id, h.person_id)
        CROSS JOIN LATERAL (
          SELECT q.id FROM messages q
          WHERE (q.workspace_id, q.device_id) = (x.workspace_id, x.device_id) AND q.state = 'queued'
            AND q.not_before <= $8 AND (q.id = x.id OR (x.most > 1 AND q.source_id = x.source_id))
          ORDER BY q.priority, q.not_before, q.id LIMIT x.most) front
        JOIN messages m ON (m.workspace_id, m.id) = (x.workspace_id, front.id)
        JOIN persons p ON (p.workspace_id, p.id) = (m.workspace_id, m.person_id)
        LEFT JOIN leads l ON (l.workspace_id, l.id) = (m.workspace_id, m.lead_id)
        LEFT JOIN chats c ON (c.workspace_id, c.device_id, c.person_id) = (m.workspace_id, m.device_id, m.person_id)
        WHERE m.id = x.id OR (m.duty IS NULL AND CASE x.gate
          WHEN 'device_limit' THEN (c.person_id IS NULL) = (hc.person_id IS NULL)
          WHEN 'quiet_hours' THEN p.zones = hp.zones AND l.time_zone IS NOT DISTINCT FROM hl.time_zone
          ELSE false END)
        FOR UPDATE OF m SKIP LOCKED),
      moved AS (
        UPDATE messages m SET not_before = put.not_before, waiting_for = put.gate
        FROM put WHERE (m.workspace_id, m.id) = (put.workspace_id, put.id) AND m.state = 'queued')
      INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, until)
      SELECT workspace_id, id, gen_random_uuid(), $8, 'wait', gate, until FROM put
      WHERE was IS DISTINCT FROM gate OR (is_head AND until IS NOT NULL)"""
    heads = [each.head for each in waits]
    names = ("workspace_id", "device_id", "source_id", "id")
    rest = [[each.gate for each in waits], [each.not_before for each in waits], [each.until for each in waits]]
    most = [ALIKE if each.gate in _SHARED and each.head.kind in rules.MARKETING else 1 for each in waits]
    await tx.execute(sql, *([getattr(head, name) for head in heads] for name in names), *rest, now, most)


async def meet(tx: db.Tx, heads: Sequence[model.Head], now: datetime) -> None:
    """Each device now knows each person: the conversation begins with the claim. Writers of chats lock the person first."""
    sql = """INSERT INTO chats AS c (workspace_id, device_id, person_id, first_out_at, last_out_at)
             SELECT w, d, p, $4, $4 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS x (w, d, p)
             ON CONFLICT (workspace_id, device_id, person_id)
             DO UPDATE SET first_out_at = coalesce(c.first_out_at, $4), last_out_at = greatest(c.last_out_at, $4)"""
    names = ("workspace_id", "device_id", "person_id")
    await tx.execute(sql, *([getattr(head, name) for head in heads] for name in names), now)


async def note(tx: db.Tx, events: Sequence[tuple[str, str, str, str, datetime | None, str | None]], now: datetime) -> None:
    """Keep why messages came back (workspace, message, kind, cause, until, detail), for "why?"."""
    sql = """INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, until, detail)
             SELECT w, m, i, $8, k, c, u, d
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
               AS x (w, m, i, k, c, u, d)"""
    workspaces, messages, kinds, causes, untils, details = ([each[n] for each in events] for n in range(6))
    await tx.execute(sql, workspaces, messages, [ids.new_id() for _ in events], kinds, causes, untils, details, now)
