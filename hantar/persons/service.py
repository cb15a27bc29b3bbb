"""Who is behind a number or an opaque id. Persons are made here alone, always with their alias and its keyed hash."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from hantar.kit import db, ids, phone
from hantar.persons import model
from hantar.persons.model import Alias, AliasKind, Person, PersonId

_FIRST = str(uuid.UUID(int=0))
"""Before every id."""


async def at_alias(tx: db.Tx, alias: Alias) -> PersonId | None:
    """The person with this alias, if we know one."""
    sql = "SELECT person_id FROM person_aliases WHERE kind = $1 AND value = $2"
    found: PersonId | None = await tx.fetchval(sql, alias.kind.value, alias.value)
    return found


async def at_phone(tx: db.Tx, workspace_id: str, key: str) -> PersonId:
    """The person behind an identity key (`kit.phone.canonical`); made when there is none yet."""
    alias = Alias(AliasKind.PHONE, key)
    known = await at_alias(tx, alias)
    if known is not None:
        return known
    sql = """INSERT INTO persons (workspace_id, id, phone, zones, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (workspace_id, phone) DO NOTHING RETURNING id"""
    made: PersonId | None = await tx.fetchval(sql, workspace_id, ids.new_id(), key, list(phone.zones_of(key)), await tx.now())
    if made is None:  # someone else made it meanwhile
        made = PersonId(await tx.fetchval("SELECT id FROM persons WHERE phone = $1", key))
    await add_alias(tx, workspace_id, made, alias)
    return made


async def at_opaque(tx: db.Tx, workspace_id: str, lid: str) -> PersonId:
    """The person behind an opaque id alone; made without a number when there is none yet."""
    alias = Alias(AliasKind.LID, lid)
    known = await at_alias(tx, alias)
    if known is not None:
        return known
    made = PersonId(ids.new_id())
    now = await tx.now()
    await tx.execute("INSERT INTO persons (workspace_id, id, created_at) VALUES ($1, $2, $3)", workspace_id, made, now)
    if await add_alias(tx, workspace_id, made, alias):
        return made
    await tx.execute("DELETE FROM persons WHERE id = $1", made)  # someone else was quicker
    return PersonId(await at_alias(tx, alias) or made)


async def add_alias(tx: db.Tx, workspace_id: str, person_id: PersonId, alias: Alias, since: datetime | None = None) -> bool:
    """One more name of a person (known `since` then, by default now); False when it is taken, by this person or another."""
    sql = """INSERT INTO person_aliases (workspace_id, kind, value, key, person_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"""
    key = tx.fingerprint(alias.kind.value, alias.value)
    return await tx.execute(sql, workspace_id, alias.kind.value, alias.value, key, person_id, since or await tx.now()) == 1


async def add_phone(tx: db.Tx, workspace_id: str, person_id: PersonId, key: str) -> bool:
    """A number (its identity key) of a person known without one, or one more of theirs; False when it is taken already."""
    if not await add_alias(tx, workspace_id, person_id, Alias(AliasKind.PHONE, key)):
        return False
    sql = """UPDATE persons SET phone = $2, zones = ARRAY(SELECT DISTINCT z FROM unnest(zones || $3::text[]) AS z ORDER BY z)
             WHERE id = $1 AND phone IS NULL"""
    await tx.execute(sql, person_id, key, list(phone.zones_of(key)))
    return True


async def absorb(tx: db.Tx, kept: PersonId, gone: PersonId) -> None:
    """Give every name of one person to another and drop the first; both are locked, and nothing else points at `gone`.

    The zones of both count (quiet hours ask all of them). A second number stays as an alias.
    """
    await tx.execute("UPDATE person_aliases SET person_id = $1 WHERE person_id = $2", kept, gone)
    was = await tx.fetchrow("DELETE FROM persons WHERE id = $1 RETURNING phone, zones, created_at", gone)
    if was is None:
        raise model.PersonNotFound
    sql = """UPDATE persons SET phone = coalesce(phone, $2), created_at = least(created_at, $4),
               zones = ARRAY(SELECT DISTINCT z FROM unnest(zones || $3::text[]) AS z ORDER BY z) WHERE id = $1"""
    await tx.execute(sql, kept, was["phone"], was["zones"], was["created_at"])


async def lock(tx: db.Tx, person_ids: Sequence[str]) -> None:
    """Hold these persons until the transaction ends: a claim and an opt-out of one person are strictly one after the other."""
    await tx.fetch("SELECT 1 FROM persons WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", list(person_ids))


async def keys(tx: db.Tx, person_id: PersonId) -> list[bytes]:
    """The keyed hashes of all aliases of a person."""
    rows = await tx.fetch("SELECT key FROM person_aliases WHERE person_id = $1 ORDER BY kind, value", person_id)
    return [row["key"] for row in rows]


async def find(tx: db.Tx, person_id: str) -> Person:
    """One person with all aliases; raises `PersonNotFound`."""
    row = await tx.fetchrow("SELECT * FROM persons WHERE id = $1", person_id)
    if row is None:
        raise model.PersonNotFound
    named = await tx.fetch("SELECT kind, value FROM person_aliases WHERE person_id = $1 ORDER BY kind, value", person_id)
    aliases = tuple(Alias(AliasKind(each["kind"]), each["value"]) for each in named)
    return Person(row["id"], row["phone"], tuple(row["zones"]), aliases, row["created_at"], row["erased_at"])


async def backfill(database: db.Database, page: int = 1000) -> int:
    """Give persons from before there were aliases their alias and zones; returns how many. Runs before anything is sent.

    A person without an alias is never written to, so a lost run shows as silence and never as a missed opt-out.
    """
    done, after = 0, (_FIRST, _FIRST)
    sql = """SELECT p.workspace_id, p.id, p.phone, p.created_at FROM persons p WHERE p.phone IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM person_aliases a WHERE (a.workspace_id, a.person_id) = (p.workspace_id, p.id))
               AND (p.workspace_id, p.id) > ($2, $3) ORDER BY p.workspace_id, p.id LIMIT $1"""
    while True:
        async with database.system() as tx:
            rows = await tx.fetch(sql, page, *after)
        by_workspace: dict[str, list[db.Row]] = {}
        for row in rows:
            by_workspace.setdefault(row["workspace_id"], []).append(row)
        for workspace_id, persons in by_workspace.items():
            async with database.transaction(workspace_id) as tx:
                for row in persons:
                    await add_alias(tx, workspace_id, row["id"], Alias(AliasKind.PHONE, row["phone"]), row["created_at"])
                zones = [(row["id"], list(phone.zones_of(row["phone"]))) for row in persons]
                await tx.executemany("UPDATE persons SET zones = $2 WHERE id = $1", zones)
        done += len(rows)
        if len(rows) < page:
            return done
        after = rows[-1]["workspace_id"], rows[-1]["id"]  # one whose number is another's alias keeps none, and is passed
