"""What comes back about messages that left: receipts, late refusals, and to whom they belong. Every statement serves a batch."""

from collections.abc import Sequence
from datetime import datetime

from hantar.kit import db
from hantar.outbox.facts import SIMULATED


async def receipts(tx: db.Tx, arrived: Sequence[tuple[str, str, str, datetime]]) -> list[db.Row]:
    """Raise messages by receipts (device, wire id, state, at). Late or repeated ones change nothing.

    A receipt for a row that was put back after a crash keeps its time; the state follows when the row is recorded as sent.
    The rows are locked in a statement of its own: what a rescue has just moved must be seen before it is moved again.
    """
    ordered = sorted(arrived, key=lambda each: (each[0], each[1]))
    devices, wires = [each[0] for each in ordered], [each[1] for each in ordered]
    lock = """SELECT m.id FROM messages m
              WHERE (m.device_id, m.wire_id) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
              ORDER BY m.workspace_id, m.id FOR UPDATE"""
    if not await tx.fetch(lock, devices, wires):
        return []
    sql = """
      UPDATE messages m SET
        state = CASE WHEN v.to_state IS NULL THEN m.state ELSE x.state END,
        reason = CASE WHEN v.to_state IS NULL THEN m.reason END,
        error = CASE WHEN v.to_state IS NULL THEN m.error END,
        sent_at = coalesce(m.sent_at, x.at),
        delivered_at = CASE WHEN x.state <> 'sent' THEN coalesce(m.delivered_at, x.at) ELSE m.delivered_at END,
        read_at = CASE WHEN x.state = 'read' THEN coalesce(m.read_at, x.at) ELSE m.read_at END,
        ended_at = CASE WHEN v.to_state IS NULL THEN m.ended_at ELSE coalesce(m.ended_at, x.at) END
      FROM (SELECT DISTINCT ON (device_id, wire_id) y.* FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
              AS y (device_id, wire_id, state, at)
            ORDER BY device_id, wire_id, array_position(ARRAY['read', 'delivered', 'sent'], y.state)) AS x
      LEFT JOIN messages o ON o.wire_id = x.wire_id AND o.device_id = x.device_id
      LEFT JOIN message_moves v ON v.from_state = o.state AND v.to_state = x.state
      WHERE (m.workspace_id, m.id) = (o.workspace_id, o.id) AND (v.to_state IS NOT NULL OR o.state = 'queued')
      RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(
        sql,
        devices,
        wires,
        [each[2] for each in ordered],
        [each[3] for each in ordered],
    )


async def fail_later(tx: db.Tx, refused: Sequence[tuple[str, str, str, datetime]]) -> list[db.Row]:
    """Accepted first, refused later (device, wire id, reason, at)."""
    sql = """UPDATE messages m SET state = 'failed', reason = x.reason, ended_at = x.at
             FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS x (device_id, wire_id, reason, at)
             WHERE m.wire_id = x.wire_id AND m.device_id = x.device_id AND m.state IN ('claimed', 'sent', 'unknown')
             RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(sql, *(list(column) for column in zip(*refused, strict=True)))


async def contradicted(tx: db.Tx, wire_ids: Sequence[str]) -> list[db.Row]:
    """Rows that ended without leaving, and yet got a receipt."""
    sql = "SELECT id, device_id, state FROM messages WHERE wire_id = ANY($1) AND state IN ('cancelled', 'suppressed', 'expired')"
    return await tx.fetch(sql, list(wire_ids))


async def refused(tx: db.Tx, ids: Sequence[str]) -> list[db.Row]:
    """To whom these messages were, and whether another of theirs failed because the number is not on WhatsApp (same side)."""
    sql = f"""
      SELECT m.workspace_id, m.id, m.person_id, m.device_id, m.kind, m.source_id, EXISTS (
        SELECT 1 FROM messages o JOIN devices v ON (v.workspace_id, v.id) = (o.workspace_id, o.device_id)
        WHERE (o.workspace_id, o.person_id) = (m.workspace_id, m.person_id) AND o.claimed_at IS NOT NULL AND o.id <> m.id
          AND o.state = 'failed' AND o.reason = 'not_on_whatsapp' AND (v.{SIMULATED}) = (d.{SIMULATED})) AS bounced_before
      FROM messages m JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
      WHERE m.id = ANY($1::uuid[]) ORDER BY m.workspace_id, m.id"""
    return await tx.fetch(sql, list(ids))


async def at_wires(tx: db.Tx, wires: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The messages that went out under these ids (device, wire id)."""
    sql = """SELECT m.id, m.device_id, m.wire_id FROM messages m
             WHERE (m.device_id, m.wire_id) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))"""
    rows = await tx.fetch(sql, [device for device, _ in wires], [wire for _, wire in wires])
    return {(row["device_id"], row["wire_id"]): row["id"] for row in rows}
