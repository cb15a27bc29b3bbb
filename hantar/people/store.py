"""What is known of one person, read over all rooms. Row security keeps every statement within the caller's workspace."""

import json
from datetime import datetime, timedelta
from typing import Any

from hantar.campaigns import model as campaigns
from hantar.kit import db


async def leads(tx: db.Tx, person_id: str) -> list[db.Row]:
    """The person's leads with the names of their devices."""
    sql = """SELECT l.*, d.name AS device_name, d.rules_kind FROM leads l
             LEFT JOIN devices d ON d.id = l.device_id WHERE l.person_id = $1 ORDER BY l.id"""
    return await tx.fetch(sql, person_id)


async def opt_outs(tx: db.Tx, person_id: str) -> list[db.Row]:
    """Every opt-out that stands or stood for one of this person's aliases, the newest first; `is_live` when in force."""
    sql = """SELECT s.*, bool_or(k.is_live) AS is_live, i.text AS said FROM suppressions s
             JOIN suppression_keys k ON k.suppression_id = s.id
             LEFT JOIN inbound_messages i ON i.id = s.inbound_id
             WHERE s.person_id = $1 OR k.key IN (SELECT key FROM person_aliases WHERE person_id = $1)
             GROUP BY s.workspace_id, s.id, i.workspace_id, i.id ORDER BY s.at DESC"""
    return await tx.fetch(sql, person_id)


async def global_opt_outs(tx: db.Tx, person_id: str) -> list[db.Row]:
    """Opt-outs for the whole installation that are in force for this person."""
    sql = """SELECT DISTINCT g.id, g.reason, g.at FROM global_suppressions g JOIN person_aliases a ON a.key = g.key
             WHERE a.person_id = $1 AND g.released_at IS NULL"""
    return await tx.fetch(sql, person_id)


async def consents(tx: db.Tx, person_id: str) -> list[db.Row]:
    """The person's consent rows, the newest first."""
    return await tx.fetch("SELECT * FROM consents WHERE person_id = $1 ORDER BY given_at DESC, id DESC", person_id)


async def holds(tx: db.Tx, person_id: str) -> list[db.Row]:
    """The person's holds with the words that led to them, the newest first."""
    sql = """SELECT h.*, i.text AS said FROM holds h LEFT JOIN inbound_messages i ON i.id = h.inbound_id
             WHERE h.person_id = $1 ORDER BY h.at DESC"""
    return await tx.fetch(sql, person_id)


async def chats(tx: db.Tx, person_id: str) -> list[db.Row]:
    """With which devices this person has been in touch."""
    sql = """SELECT c.*, d.name AS device_name FROM chats c JOIN devices d ON d.id = c.device_id
             WHERE c.person_id = $1 ORDER BY greatest(c.last_in_at, c.last_out_at, c.first_out_at) DESC NULLS LAST"""
    return await tx.fetch(sql, person_id)


async def campaign_counts(tx: db.Tx, person_id: str, now: datetime, *, simulated: bool) -> tuple[int, int]:
    """Campaign messages to this person within 24 hours and 7 days, on simulated or on real devices."""
    sql = """SELECT count(*) FILTER (WHERE m.claimed_at > $2) AS day, count(*) AS week FROM messages m
             JOIN devices d ON d.id = m.device_id
             WHERE m.person_id = $1 AND m.kind = 'campaign' AND m.claimed_at > $3 AND (d.driver = 'simulator') = $4
               AND m.state IN ('claimed', 'sent', 'delivered', 'read', 'unknown')"""
    row = await tx.fetchrow(sql, person_id, now - timedelta(hours=24), now - timedelta(days=7), simulated)
    return (row["day"], row["week"]) if row else (0, 0)


async def inbound(tx: db.Tx, person_id: str, limit: int) -> list[db.Row]:
    """What this person wrote, the newest first."""
    sql = """SELECT i.*, d.name AS device_name FROM inbound_messages i JOIN devices d ON d.id = i.device_id
             WHERE i.person_id = $1 ORDER BY i.id DESC LIMIT $2"""
    return await tx.fetch(sql, person_id, limit)


async def messages(tx: db.Tx, person_id: str, limit: int) -> list[db.Row]:
    """What was sent or planned to this person, the newest first."""
    sql = """SELECT m.*, d.name AS device_name, c.title AS campaign_title FROM messages m JOIN devices d ON d.id = m.device_id
             LEFT JOIN campaigns c ON c.id = m.source_id
             WHERE m.person_id = $1 ORDER BY m.id DESC LIMIT $2"""
    return await tx.fetch(sql, person_id, limit)


async def spellings(tx: db.Tx, person_id: str) -> set[str]:
    """Every number and opaque id under which this person stands anywhere."""
    sql = """SELECT value FROM person_aliases WHERE person_id = $1 UNION SELECT phone FROM leads WHERE person_id = $1
             UNION SELECT phone FROM messages WHERE person_id = $1 UNION SELECT phone FROM persons WHERE id = $1"""
    return {row["value"] for row in await tx.fetch(sql, person_id) if row["value"]}


async def device_ids(tx: db.Tx) -> set[str]:
    """Every device of the workspace."""
    return {row["id"] for row in await tx.fetch("SELECT id FROM devices")}


async def names(tx: db.Tx, person_id: str) -> set[str]:
    """Every name under which this person stands anywhere."""
    sql = """SELECT name FROM leads WHERE person_id = $1 UNION SELECT name FROM messages WHERE person_id = $1
             UNION SELECT push_name FROM inbound_messages WHERE person_id = $1"""
    return {row["name"] for row in await tx.fetch(sql, person_id) if row["name"]}


# ---------------------------------------------------------------- erasing
async def cancel_open(tx: db.Tx, person_id: str, now: datetime) -> list[db.Row]:
    """Cancel everything to this person that has not left."""
    sql = """UPDATE messages SET state = 'cancelled', reason = 'stopped_by_user', waiting_for = NULL, ended_at = $2
             WHERE person_id = $1 AND stage IN ('planned', 'held', 'queued')
             RETURNING workspace_id, id, device_id, kind, source_id, state, reason"""
    return await tx.fetch(sql, person_id, now)


async def blank(tx: db.Tx, workspace_id: str, person_id: str, now: datetime) -> None:
    """Take identity and words out of everything that stays, and remove what is nothing without them."""
    proofs = await tx.fetch("SELECT DISTINCT proof_media_id AS id FROM consents WHERE person_id = $1", person_id)
    statements: list[tuple[str, tuple[Any, ...]]] = [
        ("UPDATE messages SET consent_id = NULL WHERE person_id = $1 AND consent_id IS NOT NULL", (person_id,)),
        ("DELETE FROM consents WHERE person_id = $1", (person_id,)),
        (
            "UPDATE inbound_messages SET text = '', push_name = '', quoted_wire_id = NULL, media = NULL WHERE person_id = $1",
            (person_id,),
        ),
        ("UPDATE suppressions SET text = NULL, note = NULL, release_reason = NULL WHERE person_id = $1", (person_id,)),
        (
            "UPDATE holds SET ended_at = coalesce(ended_at, $2), outcome = coalesce(outcome, 'released'), reason = NULL "
            "WHERE person_id = $1",
            (person_id, now),
        ),
        ("DELETE FROM chats WHERE person_id = $1", (person_id,)),
        ("DELETE FROM person_aliases WHERE person_id = $1", (person_id,)),
        ("UPDATE persons SET phone = NULL, zones = '{}', erased_at = $2 WHERE id = $1", (person_id, now)),
    ]
    for sql, values in statements:
        await tx.execute(sql, *values)
    await drop_media(tx, [row["id"] for row in proofs if row["id"]])


async def drop_media(tx: db.Tx, media_ids: list[str]) -> int:
    """Delete these files where nothing else uses them."""
    sql = """DELETE FROM media m WHERE m.id = ANY($1::uuid[])
             AND NOT EXISTS (SELECT 1 FROM contents c WHERE c.media_id = m.id)
             AND NOT EXISTS (SELECT 1 FROM consents c WHERE c.proof_media_id = m.id)
             AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.release_media_id = m.id)"""
    return await tx.execute(sql, media_ids)


async def is_there(tx: db.Tx, person_id: str) -> bool:
    """Whether there is such an entry, erased or not."""
    return bool(await tx.fetchval("SELECT EXISTS (SELECT 1 FROM persons WHERE id = $1)", person_id))


async def forget_replies(tx: db.Tx, words: set[str]) -> int:
    """Empty kept answers to repeated requests in which one of these words stands; the request still counts as done."""
    sql = """UPDATE idempotency_keys k SET body = '{}' FROM unnest($1::bytea[]) AS word
             WHERE k.body IS NOT NULL AND position(word IN k.body) > 0"""
    return await tx.execute(sql, [json.dumps(word, ensure_ascii=False).encode() for word in words])


async def note_erasure(tx: db.Tx, workspace_id: str, erasure_id: str, keys: list[bytes], by: str | None, now: datetime) -> None:
    """Remember by keyed hashes alone that this person was erased, for after a restore."""
    sql = "INSERT INTO erasures (workspace_id, id, keys, actor_id, at) VALUES ($1, $2, $3, $4, $5)"
    await tx.execute(sql, workspace_id, erasure_id, keys, by, now)


async def to_erase_again(tx: db.Tx) -> list[db.Row]:
    """Persons who were erased, and are back with a restored backup: named so before their erasure, and not erased in it.

    The name's own age counts: whoever came back after an erasure may be merged with an older entry.
    """
    sql = """SELECT DISTINCT p.id FROM erasures e JOIN person_aliases a ON a.key = ANY(e.keys) AND a.created_at < e.at
             JOIN persons p ON p.id = a.person_id AND p.erased_at IS NULL"""
    return await tx.fetch(sql)


async def search(tx: db.Tx, q: str) -> list[db.Row]:
    """At most twenty persons by number or lead's name; a search may be dear, never endless (F-26)."""
    await tx.execute("SET LOCAL statement_timeout = '3s'")
    digits = "".join(each for each in q if each.isdecimal())
    number = db.like(digits) if len(digits) >= 3 else None
    sql = """SELECT DISTINCT ON (p.id) p.id, coalesce(l.name, '') AS name, coalesce(l.phone, p.phone) AS phone, p.erased_at
             FROM persons p LEFT JOIN leads l ON l.person_id = p.id
             WHERE l.search LIKE lower($1) OR ($2::text IS NOT NULL AND (p.phone LIKE $2 OR l.search LIKE $2))
             ORDER BY p.id DESC, l.id LIMIT 20"""
    return await tx.fetch(sql, db.like(q.strip()), number)


# ---------------------------------------------------------------- why not
async def message_of(tx: db.Tx, campaign_id: str, person_id: str) -> bool:
    """Whether a campaign has a message to this person."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE source_id = $1 AND person_id = $2)", campaign_id, person_id
    )
    return found


async def is_matched(tx: db.Tx, lead_id: str, audience: campaigns.Audience) -> bool:
    """Whether a campaign's audience means this lead."""
    sql = """SELECT EXISTS (SELECT 1 FROM leads WHERE id = $1 AND ($2::text[] IS NULL OR niche_keys && $2)
               AND ($3 = 'all' OR target_status = $3) AND ($4::uuid[] IS NULL OR device_id = ANY($4)))"""
    keys = None if audience.niche_keys is None else list(audience.niche_keys)
    devices = None if audience.device_ids is None else list(audience.device_ids)
    found: bool = await tx.fetchval(sql, lead_id, keys, audience.target_status.value, devices)
    return found


async def source_rules(tx: db.Tx, campaign_id: str) -> dict[str, Any]:
    """The numbers of a campaign that are stricter than the policy."""
    return await tx.fetchval("SELECT rules FROM campaigns WHERE id = $1", campaign_id) or {}
