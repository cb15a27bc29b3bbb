"""Into the outbox and through its gates: content versions, sources, lanes, single messages. SQL of the outbox's own tables."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hantar.kit import db, ids
from hantar.outbox import backlog, model, tally

SHARDS = 64
"""Leases are taken per shard of devices, not per device (engine.md 6)."""


_OPEN = "('planned', 'held', 'queued')"
"""SQL: states in which a message has not left."""


def shard_of(device_id: str) -> int:
    """The shard of a device: the last bits of its id, which are random in a UUIDv7."""
    return int(device_id[-4:], 16) % SHARDS


async def add_content(
    tx: db.Tx, workspace_id: str, text: str, media_id: str | None, template: model.Approved | None = None
) -> model.ContentId:
    """A new immutable content version; a message points at it until its text is rendered.

    With a `template` the text is its body with the parameters in their places, and a file is what it begins with.
    """
    content_id = model.ContentId(ids.new_id())
    sql = """INSERT INTO contents (workspace_id, id, text, media_id, created_at, template, kind)
             VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6::jsonb IS NOT NULL THEN 'template'
               ELSE coalesce((SELECT f.kind FROM media f WHERE (f.workspace_id, f.id) = ($1::uuid, $4::uuid)), 'text') END)"""
    approved = template._asdict() if template is not None else None
    await tx.execute(sql, workspace_id, content_id, text, media_id, await tx.now(), approved)
    return content_id


async def open_lanes(tx: db.Tx, workspace_id: str, device_ids: Sequence[str]) -> None:
    """Give each device its lane; one that has it keeps its slot."""
    sql = """INSERT INTO lanes (workspace_id, device_id, shard)
             SELECT $1, d, s FROM unnest($2::uuid[], $3::smallint[]) AS x (d, s)
             ON CONFLICT DO NOTHING"""
    await tx.execute(sql, workspace_id, list(device_ids), [shard_of(each) for each in device_ids])


async def put_source(
    tx: db.Tx,
    workspace_id: str,
    source_id: str,
    kind: str,
    delays: tuple[float, float],
    *,
    skip_offline: bool,
    is_open: bool,
    rules: Mapping[str, object] = types.MappingProxyType({}),
) -> None:
    """Make or change the gate of a campaign or sequence: delays in seconds (least, most), `rules` its own, stricter numbers."""
    sql = """INSERT INTO sources (workspace_id, id, kind, min_delay_seconds, max_delay_seconds, skip_offline, is_open, rules)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (workspace_id, id) DO UPDATE
             SET min_delay_seconds = $4, max_delay_seconds = $5, skip_offline = $6, is_open = $7, rules = $8"""
    await tx.execute(sql, workspace_id, source_id, kind, *delays, skip_offline, is_open, dict(rules))


async def set_gate(tx: db.Tx, workspace_id: str, source_id: str, *, is_open: bool) -> None:
    """Open or close a source: one row, in force at the next claim however many messages wait behind it."""
    await tx.execute("UPDATE sources SET is_open = $3 WHERE (workspace_id, id) = ($1, $2)", workspace_id, source_id, is_open)
    if is_open:
        await backlog.look_soon(tx, workspace_id, source_id)


async def cancel_source(tx: db.Tx, workspace_id: str, source_id: str, now: datetime) -> int:
    """End a source for good and cancel everything of it that has not left; returns how many messages that was.

    What is on its way now and comes back is cancelled then (`store.end_stopped`).
    """
    ended = "UPDATE sources SET is_open = false, is_ended = true WHERE (workspace_id, id) = ($1, $2)"
    await tx.execute(ended, workspace_id, source_id)
    await backlog.close_source(tx, workspace_id, source_id)
    sql = """UPDATE messages SET state = 'cancelled', reason = 'stopped_by_user', ended_at = $3
             WHERE (workspace_id, source_id) = ($1, $2) AND stage IN ('planned', 'held', 'queued')"""
    return await tx.execute(sql, workspace_id, source_id, now)


async def is_ended(tx: db.Tx, workspace_id: str, source_id: str) -> bool:
    """Whether the source was ended for good."""
    sql = "SELECT EXISTS (SELECT 1 FROM sources WHERE (workspace_id, id) = ($1, $2) AND is_ended)"
    found: bool = await tx.fetchval(sql, workspace_id, source_id)
    return found


async def put_off(tx: db.Tx, workspace_id: str, source_id: str, by: timedelta) -> None:
    """Let what waits live longer by this: the time a campaign stood paused does not count against its messages."""
    sql = """UPDATE messages SET expires_at = expires_at + $3 WHERE (workspace_id, source_id) = ($1, $2)
             AND stage IN ('planned', 'held', 'queued')"""
    await tx.execute(sql, workspace_id, source_id, by)


async def release_source(tx: db.Tx, workspace_id: str, source_id: str, by: timedelta) -> int:
    """What a source held back for its first people may follow them, living longer by this; returns how many messages that is.

    They stay planned until their windows have room (`backlog.release`).
    """
    sql = """UPDATE messages SET expires_at = expires_at + $3, waiting_for = CASE WHEN not_before > $4 THEN 'quiet_hours' END
             WHERE (workspace_id, source_id) = ($1, $2) AND stage = 'planned' AND waiting_for = 'canary'"""
    count = await tx.execute(sql, workspace_id, source_id, by, await tx.now())
    await backlog.open_source(tx, workspace_id, source_id)
    return count


async def cancel_one(tx: db.Tx, workspace_id: str, message_id: str, now: datetime) -> int:
    """Cancel one message that has not left."""
    sql = """UPDATE messages SET state = 'cancelled', reason = 'stopped_by_user', ended_at = $3
             WHERE (workspace_id, id) = ($1, $2) AND stage IN ('planned', 'held', 'queued')"""
    return await tx.execute(sql, workspace_id, message_id, now)


async def suppress_person(tx: db.Tx, workspace_id: str, person_id: str, now: datetime) -> list[db.Row]:
    """End everything to this person that has not left, but what they were promised (confirmations) or a person confirmed."""
    return await suppress_people(tx, workspace_id, [person_id], now)


async def suppress_people(tx: db.Tx, workspace_id: str, person_ids: Sequence[str], now: datetime) -> list[db.Row]:
    """The same for many persons."""
    sql = """UPDATE messages SET state = 'suppressed', reason = 'opted_out', waiting_for = NULL, ended_at = $3
             WHERE workspace_id = $1 AND person_id = ANY($2::uuid[]) AND stage IN ('planned', 'held', 'queued')
               AND duty IS NULL AND NOT confirms_opted_out
             RETURNING workspace_id, id, device_id, kind, source_id, state, reason"""
    return await tx.fetch(sql, workspace_id, list(person_ids), now)


async def end_confirmed(tx: db.Tx, workspace_id: str, person_ids: Sequence[str], now: datetime) -> list[db.Row]:
    """End what a person confirmed for an older opt-out of these people: of the one made just now nobody knew."""
    sql = """UPDATE messages SET state = 'suppressed', reason = 'opted_out', waiting_for = NULL, ended_at = $3
             WHERE workspace_id = $1 AND person_id = ANY($2::uuid[]) AND stage IN ('planned', 'held', 'queued')
               AND duty IS NULL AND confirms_opted_out
             RETURNING workspace_id, id, device_id, kind, source_id, state, reason"""
    return await tx.fetch(sql, workspace_id, list(person_ids), now)


async def pull_person(tx: db.Tx, workspace_id: str, person_id: str, now: datetime) -> int:
    """What waited for a hold on this person may go again; returns how many messages that is."""
    sql = """UPDATE messages SET not_before = $3, waiting_for = NULL
             WHERE (workspace_id, person_id) = ($1, $2) AND stage = 'queued' AND waiting_for = 'person_hold'"""
    return await tx.execute(sql, workspace_id, person_id, now)


async def look_again(tx: db.Tx, workspace_id: str | None, after: str, now: datetime, limit: int) -> list[str]:
    """Let what waits for its hour or its device be judged again now (None: of every workspace): the next ids after this one.

    What still may not go is put off anew by the claim. In the order of ids, so that each is looked at once.
    """
    sql = """WITH waiting AS MATERIALIZED (
               SELECT workspace_id, id FROM messages
               WHERE ($1::uuid IS NULL OR workspace_id = $1) AND id > $2 AND stage IN ('queued', 'planned') AND not_before > $3
                 AND waiting_for IN ('quiet_hours', 'device_limit') ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED)
             UPDATE messages m SET not_before = $3 FROM waiting w WHERE (m.workspace_id, m.id) = (w.workspace_id, w.id)
             RETURNING m.id"""
    return sorted(row["id"] for row in await tx.fetch(sql, workspace_id, after, now, limit))


async def move_person(tx: db.Tx, workspace_id: str, gone: str, kept: str) -> list[db.Row]:
    """Two entries are one person: every message of `gone` belongs to `kept` from now on. Returns what was cancelled for it.

    Both persons must be locked. Where both have a message of the same campaign and step, the one that has gone further stands
    (on its way or ended, then held, queued, planned; else the one of `kept`), and what of the others has not left is
    cancelled as `duplicate_of`. All of them stay as rows: caps count each message that left, erasure reaches each text.
    """
    sql = f"""
      WITH ranked AS (
        SELECT m.id, m.source_id, m.step_id, m.twin, m.person_id = $2 AS moves, m.state IN {_OPEN} AS is_open,
          first_value(m.id) OVER (PARTITION BY m.source_id, m.step_id ORDER BY m.reason IS NOT DISTINCT FROM 'duplicate_of',
            array_position(ARRAY['planned', 'queued', 'held'], m.state) DESC NULLS FIRST, m.person_id = $3 DESC, m.id) AS stands
        FROM messages m WHERE m.workspace_id = $1 AND m.person_id IN ($2, $3)),
      last AS (SELECT source_id, step_id, max(twin) AS twin FROM ranked WHERE NOT moves GROUP BY 1, 2),
      placed AS (
        SELECT r.id, r.is_open AND r.id <> r.stands AS loses, coalesce(l.twin + 1, 0) + r.twin AS twin
        FROM ranked r LEFT JOIN last l ON r.moves AND (l.source_id, l.step_id) = (r.source_id, r.step_id)
        WHERE r.moves OR (r.is_open AND r.id <> r.stands))
      UPDATE messages m SET person_id = $3, twin = p.twin,
        state = CASE WHEN p.loses THEN 'cancelled' ELSE m.state END,
        reason = CASE WHEN p.loses THEN 'duplicate_of' ELSE m.reason END,
        error = CASE WHEN p.loses THEN 'Two entries of one person were merged; the other message stands.' ELSE m.error END,
        waiting_for = CASE WHEN p.loses THEN NULL ELSE m.waiting_for END,
        ended_at = CASE WHEN p.loses THEN $4 ELSE m.ended_at END
      FROM placed p WHERE (m.workspace_id, m.id) = ($1, p.id)
      RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason, p.loses"""
    rows = await tx.fetch(sql, workspace_id, gone, kept, await tx.now())
    return [row for row in rows if row["loses"]]


async def twin_stands(tx: db.Tx, workspace_id: str, message_id: str) -> bool:
    """Whether another message of the same campaign and step to this person left, may have left, or still may leave."""
    sql = """SELECT EXISTS (SELECT 1 FROM messages m JOIN messages o
               ON (o.workspace_id, o.source_id, o.step_id, o.person_id) = (m.workspace_id, m.source_id, m.step_id, m.person_id)
             WHERE (m.workspace_id, m.id) = ($1, $2) AND o.id <> m.id
               AND o.state NOT IN ('cancelled', 'suppressed', 'expired', 'failed'))"""
    found: bool = await tx.fetchval(sql, workspace_id, message_id)
    return found


async def move_lead(tx: db.Tx, workspace_id: str, gone: str, kept: str) -> None:
    """Two leads are one: messages of `gone` belong to `kept`."""
    await tx.execute("UPDATE messages SET lead_id = $3 WHERE (workspace_id, lead_id) = ($1, $2)", workspace_id, gone, kept)


@dataclass(frozen=True, slots=True)
class Erased:
    """What erasing a person did: messages cancelled, and pictures that were in messages to this person alone."""

    cancelled: list[db.Row]
    media_ids: list[str]


async def erase_person(tx: db.Tx, workspace_id: str, person_id: str) -> Erased:
    """Cancel what has not left, and take name, number and words out of every message to this person; the counts stay.

    The person must be locked and lose every alias in the same transaction: a message that is on its way now may come back
    to the queue, and is then never claimed, because nobody without an alias is written to.
    """
    person = (workspace_id, person_id)
    sql = f"""UPDATE messages SET state = 'cancelled', reason = 'stopped_by_user', waiting_for = NULL, ended_at = $3
              WHERE (workspace_id, person_id) = ($1, $2) AND stage IN {_OPEN}
              RETURNING workspace_id, id, device_id, kind, source_id, state, reason"""
    cancelled = await tx.fetch(sql, *person, await tx.now())
    own = """SELECT c.id, c.media_id FROM messages m JOIN contents c ON (c.workspace_id, c.id) = (m.workspace_id, m.content_id)
             WHERE (m.workspace_id, m.person_id) = ($1, $2) AND m.kind NOT IN ('campaign', 'sequence')"""
    contents = await tx.fetch(own, *person)
    blank = "UPDATE contents SET text = '', media_id = NULL, template = NULL WHERE workspace_id = $1 AND id = ANY($2::uuid[])"
    await tx.execute(blank, workspace_id, [row["id"] for row in contents])
    words = """UPDATE messages SET name = '', phone = '', text = NULL, error = NULL, client_ref = NULL, lead_id = NULL
               WHERE (workspace_id, person_id) = ($1, $2)"""
    await tx.execute(words, *person)
    events = """UPDATE message_events e SET detail = NULL FROM messages m
                WHERE (m.workspace_id, m.person_id) = ($1, $2) AND (e.workspace_id, e.message_id) = (m.workspace_id, m.id)"""
    await tx.execute(events, *person)
    return Erased(cancelled, sorted({row["media_id"] for row in contents} - {None}))


async def settle(tx: db.Tx, workspace_id: str, message_id: str, state: model.MessageState, now: datetime) -> int:
    """A person settles an unconfirmed message: it arrived, it did not, or it shall go again."""
    sql = """UPDATE messages SET state = $3, error = NULL, token = NULL,
               reason = CASE WHEN $3 = 'failed' THEN 'undeliverable' END,
               sent_at = CASE WHEN $3 = 'sent' THEN coalesce(sent_at, claimed_at) ELSE sent_at END,
               ended_at = CASE WHEN $3 = 'queued' THEN NULL ELSE $4::timestamptz END,
               not_before = CASE WHEN $3 = 'queued' THEN $4 ELSE not_before END,
               expires_at = CASE WHEN $3 = 'queued' AND duty IS NULL THEN greatest(expires_at, $4 + interval '1 hour')
                 ELSE expires_at END
             WHERE (workspace_id, id) = ($1, $2) AND stage = 'unknown'"""
    return await tx.execute(sql, workspace_id, message_id, state.value, now)


async def insert_one(tx: db.Tx, row: Mapping[str, object]) -> None:
    """Write one message; its columns are the keys."""
    columns = list(row)
    marks = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    await tx.execute(f"INSERT INTO messages ({', '.join(columns)}) VALUES ({marks})", *row.values())


async def delete_source(tx: db.Tx, workspace_id: str, source_id: str) -> int:
    """Delete a source's messages and its gate; returns how many messages went."""
    count = await tx.execute("DELETE FROM messages WHERE (workspace_id, source_id) = ($1, $2)", workspace_id, source_id)
    await tx.execute("DELETE FROM sources WHERE (workspace_id, id) = ($1, $2)", workspace_id, source_id)
    await tally.forget(tx, workspace_id, source_id)
    return count
