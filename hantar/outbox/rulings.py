"""What the rules did to messages: ended, or made to wait; and the record of it for "why?"."""

from collections.abc import Sequence
from datetime import datetime

from hantar.kit import db, ids
from hantar.outbox import model, rules

TOGETHER = 500
"""Rows that one tick puts off beside the heads, in all lanes together (our own number)."""
ALIKE = {rules.Gate.DEVICE_LIMIT: 500, rules.Gate.QUIET_HOURS: 20}
"""Rows of one lane that are put off with its head, when they would be told the same; by what they wait for."""
MOVED = "m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"


async def end(tx: db.Tx, ended: Sequence[tuple[model.Head, rules.Reason]], now: datetime) -> list[db.Row]:
    """Rows that a rule forbids leave the head of their lane for good; what is too late expires (I-16)."""
    sql = f"""UPDATE messages m SET state = x.state, reason = x.reason, error = x.error, waiting_for = NULL, ended_at = $6
              FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
                AS x (workspace_id, id, state, reason, error)
              WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id) AND m.stage = 'queued' RETURNING {MOVED}"""
    S = model.MessageState
    states = [S.EXPIRED.value if reason is rules.Reason.EXPIRED else S.SUPPRESSED.value for _, reason in ended]
    errors = [None if reason is rules.Reason.EXPIRED else rules.WORDS[reason] for _, reason in ended]
    reasons = [reason.value for _, reason in ended]
    heads = [head for head, _ in ended]
    return await tx.fetch(sql, [head.workspace_id for head in heads], [head.id for head in heads], states, reasons, errors, now)


async def put_off(tx: db.Tx, waits: Sequence[model.Waiting], now: datetime) -> None:
    """Push waiting heads away from the front, and with each some due rows of its source that would be told the same.

    Alike are rows of the same campaign or sequence: for a limit of the device, those that begin a conversation as the head does,
    or go on with one; for the hour, those to people under the same clocks. Rows another holder has are passed over. A wait is
    noted when its cause is new, for the head also when its end is.
    """
    sql = """
      WITH put AS MATERIALIZED (
        SELECT m.workspace_id, m.id, x.gate, x.not_before, x.until, m.id = x.id AS is_head, m.waiting_for AS was
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                    $9::int[], $10::text[], $11::text[], $12::boolean[])
          AS x (workspace_id, device_id, source_id, id, gate, not_before, until, most, zones, lead_zone, is_new_chat)
        CROSS JOIN LATERAL (
          SELECT q.workspace_id, q.id, q.person_id, q.lead_id, q.duty FROM messages q
          WHERE (q.workspace_id, q.device_id, q.source_id) = (x.workspace_id, x.device_id, x.source_id) AND q.stage = 'queued'
            AND q.not_before <= $8 AND (q.id = x.id OR x.most > 1)
          ORDER BY q.not_before, q.id LIMIT x.most) front
        JOIN messages m ON (m.workspace_id, m.id) = (front.workspace_id, front.id)
        WHERE m.id = x.id OR (front.duty IS NULL AND CASE x.gate
          WHEN 'device_limit' THEN x.is_new_chat = NOT EXISTS (SELECT 1 FROM chats c
            WHERE (c.workspace_id, c.device_id, c.person_id) = (x.workspace_id, x.device_id, front.person_id))
          WHEN 'quiet_hours' THEN x.lead_zone IS NOT DISTINCT FROM (SELECT l.time_zone FROM leads l
              WHERE (l.workspace_id, l.id) = (x.workspace_id, front.lead_id))
            AND x.zones = (SELECT array_to_string(p.zones, ',') FROM persons p
              WHERE (p.workspace_id, p.id) = (x.workspace_id, front.person_id))
          ELSE false END)
        FOR UPDATE OF m SKIP LOCKED),
      moved AS (
        UPDATE messages m SET not_before = put.not_before, waiting_for = put.gate
        FROM put WHERE (m.workspace_id, m.id) = (put.workspace_id, put.id) AND m.stage = 'queued')
      INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, until)
      SELECT workspace_id, id, gen_random_uuid(), $8, 'wait', gate, until FROM put
      WHERE was IS DISTINCT FROM gate OR (is_head AND until IS NOT NULL)"""
    heads = [each.head for each in waits]
    names = ("workspace_id", "device_id", "source_id", "id")
    rest = [[each.gate for each in waits], [each.not_before for each in waits], [each.until for each in waits]]
    alike = [[",".join(each.zones) for each in waits], [each.lead_zone for each in waits], [each.is_new_chat for each in waits]]
    await tx.execute(sql, *([getattr(head, name) for head in heads] for name in names), *rest, now, _shares(waits), *alike)


def _shares(waits: Sequence[model.Waiting]) -> list[int]:
    """How many rows each wait may put off; single messages stand alone."""
    shared = [each.gate in ALIKE and each.head.kind in rules.MARKETING for each in waits]
    share = TOGETHER // max(1, sum(shared))
    return [
        max(1, min(share, ALIKE[rules.Gate(each.gate)])) if is_shared else 1
        for each, is_shared in zip(waits, shared, strict=True)
    ]


async def note(tx: db.Tx, events: Sequence[tuple[str, str, str, str, datetime | None, str | None]], now: datetime) -> None:
    """Keep why messages came back (workspace, message, kind, cause, until, detail), for "why?"."""
    sql = """INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, until, detail)
             SELECT w, m, i, $8, k, c, u, d
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
               AS x (w, m, i, k, c, u, d)"""
    workspaces, messages, kinds, causes, untils, details = ([each[n] for each in events] for n in range(6))
    await tx.execute(sql, workspaces, messages, [ids.new_id() for _ in events], kinds, causes, untils, details, now)
