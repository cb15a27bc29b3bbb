"""The engine's hot statements: find, claim, record. Every statement serves all lanes of a tick; none names a single device."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hantar.gateways import port
from hantar.kit import db
from hantar.outbox import model

AWAY_AFTER = timedelta(minutes=2)
"""A restart or a short drop is not "away": only then does a campaign that skips such devices skip one (our own number)."""
# ------------------------------------------------------------------------------------------------ leases


async def take_leases(tx: db.Tx, node: str, now: datetime, ttl: timedelta) -> list[int]:
    """Shards whose lease has lapsed become ours, each under a higher token; returns them."""
    sql = """UPDATE leases SET node = $1, token = token + 1, expires_at = $2
             WHERE shard IN (SELECT shard FROM leases WHERE expires_at <= $3 FOR UPDATE SKIP LOCKED) RETURNING shard"""
    return [row["shard"] for row in await tx.fetch(sql, node, now + ttl, now)]


async def renew_leases(tx: db.Tx, node: str, now: datetime, ttl: timedelta) -> int:
    """Keep what is ours and has not lapsed; returns how many shards that is."""
    return await tx.execute("UPDATE leases SET expires_at = $2 WHERE node = $1 AND expires_at > $3", node, now + ttl, now)


async def give_back_leases(tx: db.Tx, node: str, now: datetime) -> None:
    """Let others take over at once."""
    await tx.execute("UPDATE leases SET expires_at = $2 WHERE node = $1", node, now)


async def rescue(tx: db.Tx, shards: Sequence[int], deduplicating: Sequence[str], now: datetime) -> list[db.Row]:
    """What a dead holder had claimed: `queued` again where the driver drops repeated ids, else `unknown`."""
    sql = f"""UPDATE messages m SET state = CASE WHEN d.driver = ANY($2) THEN 'queued' ELSE 'unknown' END,
               token = NULL, error = 'The server stopped while this was being sent.',
               attempts = m.attempts + CASE WHEN d.driver = ANY($2) THEN 0 ELSE 1 END
             FROM lanes l JOIN leases e ON e.shard = l.shard
                  JOIN devices d ON (d.workspace_id, d.id) = (l.workspace_id, l.device_id)
                  CROSS JOIN LATERAL {model.LATEST.format(device="l.workspace_id, l.device_id")} f
             WHERE l.shard = ANY($1) AND (m.workspace_id, m.id) = (f.workspace_id, f.id)
               AND m.state = 'claimed' AND m.token < e.token
             RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(sql, list(shards), list(deduplicating))


async def rest_anew(tx: db.Tx, shards: Sequence[int], at: datetime, timeout: timedelta) -> None:
    """Let these shards' lanes pause as if claimed at this instant: when they sent before is not known by this clock."""
    sql = """UPDATE lanes SET next_at = greatest(next_at, $2::timestamptz + $3::interval + make_interval(secs => gap_seconds))
             WHERE shard = ANY($1)"""
    await tx.execute(sql, list(shards), at, timeout)


# ------------------------------------------------------------------------------------------------ claim


def _columns(kinds: Sequence[str], first: int) -> str:
    """SQL: arrays behind values made by `db.joined`, from this number on."""
    return ", ".join(db.many(number, kind) for number, kind in enumerate(kinds, start=first))


_CLAIM_KINDS = ("uuid", "uuid", "bigint", "int", "uuid", "boolean", "float8", "float8", "text")
_CLAIM = f"""
      WITH x AS MATERIALIZED (
        SELECT * FROM unnest({_columns(_CLAIM_KINDS, 4)}, $2::text[], $3::text[])
          AS x (workspace_id, id, token, version, consent_id, may_answer, rest, gap, used, text, wire_id)),
      claimed AS (
        UPDATE messages m SET state = 'claimed', reason = NULL, error = NULL, waiting_for = NULL, claimed_at = $1,
          token = x.token, wire_id = coalesce(m.wire_id, x.wire_id), policy_version = x.version, consent_id = x.consent_id,
          text = coalesce(m.text, x.text)
        FROM x
        WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id) AND m.stage = 'queued' AND m.expires_at > $1
          AND EXISTS (SELECT 1 FROM devices d WHERE (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
                      AND (d.state = 'online' OR (d.state = 'restricted' AND x.may_answer)) AND NOT d.sending_paused)
          AND NOT EXISTS (SELECT 1 FROM sources s WHERE (s.workspace_id, s.id) = (m.workspace_id, m.source_id) AND NOT s.is_open)
        RETURNING m.workspace_id, m.id, m.device_id, m.person_id, x.rest, x.gap, x.used),
      reserved AS (
        UPDATE lanes l SET next_at = $1 + make_interval(secs => c.rest), gap_seconds = c.gap, used = decode(c.used, 'hex'),
          full_until = 'epoch'
        FROM claimed c WHERE (l.workspace_id, l.device_id) = (c.workspace_id, c.device_id)),
      met AS (
        INSERT INTO chats AS k (workspace_id, device_id, person_id, first_out_at, last_out_at)
        SELECT workspace_id, device_id, person_id, $1, $1 FROM claimed
        ON CONFLICT (workspace_id, device_id, person_id)
        DO UPDATE SET first_out_at = coalesce(k.first_out_at, $1), last_out_at = greatest(k.last_out_at, $1))
      SELECT id FROM claimed"""


async def claim(tx: db.Tx, claims: Sequence[model.Claim], now: datetime) -> set[str]:
    """A statement of its own, so with a new snapshot: test every gate again, then claim. Returns the ids claimed.

    With each row its rendered text is kept, its lane's slot and used limits are written, and device and person know each other
    from now on (who else writes chats locks the person first, so this waits for nobody).
    """
    heads, said, slots = [each.head for each in claims], [each.said for each in claims], [each.slot for each in claims]
    values: list[list[object]] = [
        [head.workspace_id for head in heads],
        [head.id for head in heads],
        [each.token for each in said],
        [each.policy_version for each in claims],
        [each.consent_id for each in claims],
        [each.may_answer for each in claims],
        [slot.rest for slot in slots],
        [slot.gap for slot in slots],
        [slot.used.hex() for slot in slots],
    ]
    words = [each.text for each in said], [each.wire_id for each in said]
    return {row["id"] for row in await tx.fetch(_CLAIM, now, *words, *map(db.joined, values))}


# ------------------------------------------------------------------------------------------------ record


_RECORD_KINDS = ("uuid", "uuid", "uuid", "bigint", "text", "float8", "timestamptz", "timestamptz", "timestamptz", "int", "int")
_RECORD = f"""
      WITH x AS MATERIALIZED (
        SELECT u.*, t.now - make_interval(secs => u.age) AS at
        FROM (SELECT coalesce($15::timestamptz, clock_timestamp()) AS now) t,
          unnest({_columns(_RECORD_KINDS, 1)}, $12::text[], $13::text[], $14::text[])
          AS u (workspace_id, id, device_id, token, state, age, retry_at, rest_until, no_chats_until, attempt, deferral,
                wire_id, reason, error)),
      armed AS (
        UPDATE lanes l SET next_at = x.at + make_interval(secs => l.gap_seconds),
          rest_until = greatest(l.rest_until, coalesce(x.rest_until, l.rest_until)),
          chats_refused_at = CASE WHEN x.no_chats_until IS NULL THEN l.chats_refused_at ELSE x.at END,
          chats_refused_until = coalesce(x.no_chats_until, l.chats_refused_until)
        FROM x, leases e
        WHERE (l.workspace_id, l.device_id) = (x.workspace_id, x.device_id) AND e.shard = l.shard AND e.token = x.token)
      UPDATE messages m SET
        state = CASE WHEN m.state = 'unknown' AND x.state IN ('sent', 'failed') THEN x.state
                     WHEN m.state <> 'claimed' OR m.token <> x.token THEN m.state
                     WHEN x.state = 'sent' AND m.read_at IS NOT NULL THEN 'read'
                     WHEN x.state = 'sent' AND m.delivered_at IS NOT NULL THEN 'delivered' ELSE x.state END,
        reason = CASE WHEN m.state = 'claimed' AND m.token = x.token THEN x.reason ELSE m.reason END,
        error = CASE WHEN m.state = 'claimed' AND m.token = x.token THEN x.error ELSE m.error END,
        not_before = CASE WHEN m.state = 'claimed' AND m.token = x.token AND x.state = 'queued'
                          THEN coalesce(x.retry_at, m.not_before) ELSE m.not_before END,
        claimed_at = CASE WHEN m.state = 'claimed' AND m.token = x.token AND x.state = 'queued' THEN NULL ELSE m.claimed_at END,
        attempts = m.attempts + CASE WHEN m.token = x.token AND (m.state = 'claimed' OR m.attempts = 0)
                                     THEN coalesce(x.attempt, 1) ELSE 0 END,
        deferrals = m.deferrals + CASE WHEN m.state = 'claimed' AND m.token = x.token THEN coalesce(x.deferral, 0) ELSE 0 END,
        wire_id = coalesce(m.wire_id, x.wire_id),
        sent_at = CASE WHEN x.state = 'sent' THEN coalesce(m.sent_at, x.at) ELSE m.sent_at END,
        ended_at = CASE WHEN m.state = 'claimed' AND m.token = x.token AND x.state IN ('sent', 'failed', 'unknown')
                        THEN x.at ELSE m.ended_at END
      FROM x WHERE (m.workspace_id, m.id) = (x.workspace_id, x.id)
      RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason, (m.token = x.token) AS ours"""


async def record(tx: db.Tx, outcomes: Sequence[model.Outcome], ages: Sequence[float]) -> list[db.Row]:
    """Write what became of claimed rows, and re-arm their lanes. One statement. `ages`: seconds since each outcome came.

    State and token are guarded in CASE (a stale holder changes nothing). A receipt may have come first: then the state stays
    where the receipt put it and only the missing facts are added. A late answer from a holder whose lease had lapsed is evidence:
    it settles an `unknown` row and moves no other. What certainly did not leave loses its `claimed_at`: caps count every row that
    has one.

    The slot is re-armed from the acknowledgement: `ack + gap`; a lost or deferred device rests for longer. A refused conversation
    closes the lane to new ones alone; answers go while they succeed (responsible-sending.md 10).
    """
    values: list[list[object]] = [
        [each.workspace_id for each in outcomes],
        [each.id for each in outcomes],
        [each.device_id for each in outcomes],
        [each.token for each in outcomes],
        [each.state.value for each in outcomes],
        list(ages),
    ]
    rare: list[list[object]] = [
        [each.retry_at for each in outcomes],
        [each.rest_until for each in outcomes],
        [each.no_chats_until for each in outcomes],
        [None if each.spends_attempt else 0 for each in outcomes],
        [1 if each.counts_deferral else None for each in outcomes],
    ]
    words = [each.wire_id for each in outcomes], [each.reason for each in outcomes], [each.error for each in outcomes]
    often, seldom = map(db.joined, values), (db.joined(each) if _has_any(each) else None for each in rare)
    return await tx.fetch(_RECORD, *often, *seldom, *(each if _has_any(each) else None for each in words), tx.given_now)


def _has_any(values: Sequence[object]) -> bool:
    """Not where all are NULL: an array costs by the element, and of one that is not there `unnest` makes NULLs."""
    return any(value is not None for value in values)


# ------------------------------------------------------------------------------------------------ sweeps, waking


async def end_late(tx: db.Tx, now: datetime, limit: int) -> list[db.Row]:
    """End queued rows that are too late, wherever they stand in their lane."""
    sql = """
      WITH late AS (
        SELECT m.workspace_id, m.id FROM messages m
        LEFT JOIN sources s ON (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
        WHERE m.stage = 'queued' AND m.expires_at <= $1 AND coalesce(s.is_open, true) LIMIT $2 FOR UPDATE OF m SKIP LOCKED)
      UPDATE messages m SET state = 'expired', reason = 'expired', ended_at = $1
      FROM late WHERE (m.workspace_id, m.id) = (late.workspace_id, late.id)
      RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(sql, now, limit)


async def skip_away(tx: db.Tx, now: datetime, limit: int) -> list[db.Row]:
    """End due rows of sources that skip devices which are away, and have been for longer than a short drop lasts."""
    sql = """
      WITH away AS (
        SELECT m.workspace_id, m.id FROM sources s
        JOIN messages m ON (m.workspace_id, m.source_id) = (s.workspace_id, s.id) AND m.stage = 'queued' AND m.not_before <= $1
        JOIN devices d ON (d.workspace_id, d.id) = (m.workspace_id, m.device_id)
          AND d.state NOT IN ('online', 'connecting', 'suspect') AND d.state_since <= $1 - $3::interval
        WHERE s.skip_offline AND s.is_open LIMIT $2 FOR UPDATE OF m SKIP LOCKED)
      UPDATE messages m SET state = 'expired', reason = 'expired', ended_at = $1,
             error = 'The device was not online, and this campaign skips such devices.'
      FROM away WHERE (m.workspace_id, m.id) = (away.workspace_id, away.id)
      RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(sql, now, limit, AWAY_AFTER)


async def media_bytes(tx: db.Tx, workspace_id: str, media_id: str) -> port.MediaBytes:
    """A file to send with a message: what its row holds, then its other pieces."""
    key = workspace_id, media_id
    row = await tx.fetchrow("SELECT mime, name, sha256, bytes FROM media WHERE (workspace_id, id) = ($1, $2)", *key)
    assert row is not None  # noqa: S101 a foreign key holds it
    more = await tx.fetch("SELECT bytes FROM media_pieces WHERE (workspace_id, media_id) = ($1, $2) ORDER BY number", *key)
    data = b"".join([row["bytes"], *(each["bytes"] for each in more)])
    return port.MediaBytes(row["mime"], data, row["name"] or "", row["sha256"])


async def end_stopped(tx: db.Tx, ids: Sequence[str], now: datetime) -> list[db.Row]:
    """Cancel those of these queued rows whose source was ended while they were away from the queue."""
    sql = """UPDATE messages m SET state = 'cancelled', reason = 'stopped_by_user', ended_at = $2 FROM sources s
             WHERE m.id = ANY($1::uuid[]) AND m.stage = 'queued' AND s.is_ended
               AND (s.workspace_id, s.id) = (m.workspace_id, m.source_id)
             RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(sql, list(ids), now)


async def put_back(tx: db.Tx, node: str, known: Sequence[str]) -> list[db.Row]:
    """Rows claimed under our present leases that never reached us (the commit's answer was lost): nothing left, so queue them.

    Our lanes are locked first: a commit that is still on its way holds them, and is waited for.
    """
    lock = """SELECT 1 FROM lanes l JOIN leases e ON e.shard = l.shard AND e.node = $1
              ORDER BY l.workspace_id, l.device_id FOR UPDATE OF l"""
    await tx.fetch(lock, node)
    sql = f"""UPDATE messages m SET state = 'queued', token = NULL, claimed_at = NULL
             FROM lanes l JOIN leases e ON e.shard = l.shard AND e.node = $1
                  CROSS JOIN LATERAL {model.LATEST.format(device="l.workspace_id, l.device_id")} f
             WHERE (m.workspace_id, m.id) = (f.workspace_id, f.id) AND m.state = 'claimed' AND m.token = e.token
               AND NOT m.id = ANY($2::uuid[])
             RETURNING m.workspace_id, m.id, m.device_id, m.kind, m.source_id, m.state, m.reason"""
    return await tx.fetch(sql, node, list(known))
