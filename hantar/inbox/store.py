"""SQL of what comes in: incoming messages and chats; and what is asked of other tables to act on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hantar.inbox import model
from hantar.inbox.model import Place
from hantar.kit import db, ids
from hantar.persons.model import PersonId


async def place(tx: db.Tx, device_id: str) -> Place | None:
    """The device an event names, over all workspaces; None when there is none (any more)."""
    sql = "SELECT workspace_id, id AS device_id, rules_kind, phone AS number, linked_at FROM devices WHERE id = $1"
    row = await tx.fetchrow(sql, device_id)
    return Place(**dict(row)) if row else None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it is stored."""

    person_id: PersonId
    wire_id: str
    at: datetime
    text: str
    push_name: str
    meaning: str
    keywords_version: str | None
    quoted_wire_id: str | None
    media: dict[str, str | int] | None = None
    """What the service said of a file in it, and the driver's word by which it can be fetched."""


async def is_known(tx: db.Tx, place: Place, wire_id: str) -> bool:
    """Whether this message is stored already."""
    sql = "SELECT EXISTS (SELECT 1 FROM inbound_messages WHERE (workspace_id, device_id, wire_id) = ($1, $2, $3))"
    found: bool = await tx.fetchval(sql, place.workspace_id, place.device_id, wire_id)
    return found


async def add(tx: db.Tx, place: Place, came: Incoming) -> str | None:
    """Store a message; None when it is there already (I-17): a repeat changes nothing."""
    sql = """INSERT INTO inbound_messages (workspace_id, id, device_id, person_id, wire_id, at, received_at, text, push_name,
               meaning, keywords_version, quoted_wire_id, media) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (workspace_id, device_id, wire_id) DO NOTHING RETURNING id"""
    head = (place.workspace_id, ids.new_id(), place.device_id, came.person_id, came.wire_id, came.at, await tx.now())
    words = (came.text, came.push_name, came.meaning, came.keywords_version, came.quoted_wire_id, came.media)
    made: str | None = await tx.fetchval(sql, *head, *words)
    return made


_PAIR = """SELECT d.workspace_id, d.id, p.id, $4, $4 FROM devices d JOIN persons p ON p.workspace_id = d.workspace_id
  WHERE (d.workspace_id, d.id, p.id) = ($1, $2, $3) FOR KEY SHARE"""
"""SQL: a device and a person, held: a chat has no foreign keys (docs/decisions/0009-keys-by-sets.md)."""


async def wrote(tx: db.Tx, place: Place, person_id: PersonId, at: datetime) -> None:
    """The person wrote to this device at that instant."""
    sql = f"""INSERT INTO chats AS c (workspace_id, device_id, person_id, first_in_at, last_in_at) {_PAIR}
             ON CONFLICT (workspace_id, device_id, person_id) DO UPDATE
             SET first_in_at = least(c.first_in_at, $4), last_in_at = greatest(c.last_in_at, $4)"""
    await tx.execute(sql, place.workspace_id, place.device_id, person_id, at)


async def was_written(tx: db.Tx, place: Place, person_id: PersonId, at: datetime) -> None:
    """Somebody wrote to the person on the phone itself."""
    sql = f"""INSERT INTO chats AS c (workspace_id, device_id, person_id, first_out_at, last_out_at) {_PAIR}
             ON CONFLICT (workspace_id, device_id, person_id) DO UPDATE
             SET first_out_at = least(c.first_out_at, $4), last_out_at = greatest(c.last_out_at, $4)"""
    await tx.execute(sql, place.workspace_id, place.device_id, person_id, at)


async def own_words(tx: db.Tx) -> dict[str, str]:
    """The words this workspace added: folded word → stop or start."""
    return {row["folded"]: row["kind"] for row in await tx.fetch("SELECT folded, kind FROM keywords")}


async def language_of(tx: db.Tx, word: str) -> str | None:
    """The language a workspace gave its own word."""
    found: str | None = await tx.fetchval("SELECT language FROM keywords WHERE folded = $1", word)
    return found


async def last_campaign(tx: db.Tx, place: Place, person_id: PersonId, quoted: str | None, now: datetime) -> str | None:
    """The campaign this person quotes, else the last they got from this device within `model.CAMPAIGN_WITHIN`."""
    sql = """SELECT m.source_id FROM messages m JOIN campaigns c ON (c.workspace_id, c.id) = (m.workspace_id, m.source_id)
             WHERE (m.workspace_id, m.person_id, m.device_id) = ($1, $2, $3) AND m.kind = 'campaign' AND m.claimed_at >= $4
               AND m.state IN ('claimed', 'sent', 'delivered', 'read', 'unknown')
             ORDER BY m.wire_id IS NOT DISTINCT FROM $5 DESC, coalesce(m.sent_at, m.claimed_at) DESC LIMIT 1"""
    since = now - model.CAMPAIGN_WITHIN
    found: str | None = await tx.fetchval(sql, place.workspace_id, person_id, place.device_id, since, quoted)
    return found


async def number_of(tx: db.Tx, person_id: PersonId) -> str:
    """The number this person was last written to by, else their own; empty when we know none."""
    last = "SELECT m.phone FROM messages m WHERE m.person_id = p.id AND m.phone <> '' ORDER BY m.id DESC LIMIT 1"
    sql = f"SELECT coalesce(({last}), p.phone, '') FROM persons p WHERE p.id = $1"
    return str(await tx.fetchval(sql, person_id))


async def has_consented(tx: db.Tx, person_id: PersonId) -> bool:
    """Whether this person ever agreed to anything."""
    found: bool = await tx.fetchval("SELECT EXISTS (SELECT 1 FROM consents WHERE person_id = $1)", person_id)
    return found


# ---------------------------------------------------------------- merging
async def move(tx: db.Tx, kept: PersonId, gone: PersonId, now: datetime) -> Sequence[db.Row]:
    """Opt-outs, holds, consents, incoming messages and chats of one person become another's; returns holds that ended.

    Of two open holds of one kind the older stays open.
    """
    doubled = """UPDATE holds h SET ended_at = $3, outcome = 'merged' WHERE person_id IN ($1, $2) AND ended_at IS NULL
                 AND EXISTS (SELECT 1 FROM holds o WHERE o.person_id IN ($1, $2) AND o.kind = h.kind AND o.ended_at IS NULL
                             AND (o.at, o.id) < (h.at, h.id)) RETURNING id, kind"""
    ended = await tx.fetch(doubled, kept, gone, now)
    for table in ("suppressions", "holds", "consents", "inbound_messages"):
        await tx.execute(f"UPDATE {table} SET person_id = $1 WHERE person_id = $2", kept, gone)
    at = "first_out_at, last_out_at, first_in_at, last_in_at"
    chats = f"""INSERT INTO chats AS c (workspace_id, device_id, person_id, {at})
                SELECT o.workspace_id, o.device_id, $1, {at} FROM chats o
                JOIN devices d ON (d.workspace_id, d.id) = (o.workspace_id, o.device_id) WHERE o.person_id = $2
                FOR KEY SHARE OF d
                ON CONFLICT (workspace_id, device_id, person_id) DO UPDATE SET
                  first_out_at = least(c.first_out_at, excluded.first_out_at),
                  last_out_at = greatest(c.last_out_at, excluded.last_out_at),
                  first_in_at = least(c.first_in_at, excluded.first_in_at),
                  last_in_at = greatest(c.last_in_at, excluded.last_in_at)"""
    await tx.execute(chats, kept, gone)
    await tx.execute("DELETE FROM chats WHERE person_id = $1", gone)
    return ended
