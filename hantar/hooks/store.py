"""SQL of calls that wait, and of whose numbers they speak. They stand outside the wall: whose they are is not known yet."""

from collections.abc import Collection
from datetime import datetime

from hantar.hooks import model
from hantar.kit import db, ids


async def keep(tx: db.Tx, body: bytes) -> None:
    """Store a call as it came."""
    sql = "INSERT INTO cloud_hooks (id, body, received_at, next_at) VALUES ($1, $2, $3, $3)"
    await tx.execute(sql, ids.new_id(), body, await tx.now())


async def take(tx: db.Tx, now: datetime, limit: int) -> list[model.Hook]:
    """Calls to work off, the oldest first, no more than fit into memory together; they are nobody else's for a while."""
    sql = """UPDATE cloud_hooks h SET next_at = $2 FROM (
               SELECT id FROM (
                 SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM (
                   SELECT id, octet_length(body) AS size FROM cloud_hooks WHERE set_aside_at IS NULL AND next_at <= $1
                   ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) due) each WHERE before < $4) x
             WHERE h.id = x.id RETURNING h.id, h.body, h.tries"""
    rows = await tx.fetch(sql, now, now + model.HELD, limit, model.MOST_BYTES)
    return sorted((model.Hook(row["id"], row["body"], row["tries"]) for row in rows), key=lambda hook: hook.id)


async def places(tx: db.Tx, names: Collection[str]) -> dict[str, list[str]]:
    """Of these number ids and business account ids, those that are ours, each with the ids of its devices."""
    sql = """SELECT number_id AS name, device_id FROM cloud_numbers WHERE number_id = ANY($1::text[])
             UNION SELECT business_id, device_id FROM cloud_numbers WHERE business_id = ANY($1::text[]) ORDER BY 1, 2"""
    found: dict[str, list[str]] = {}
    for row in await tx.fetch(sql, list(names)):
        found.setdefault(row["name"], []).append(row["device_id"])
    return found


async def done(tx: db.Tx, hook_ids: Collection[str]) -> None:
    """These are worked off: nothing of them is kept."""
    await tx.execute("DELETE FROM cloud_hooks WHERE id = ANY($1::uuid[])", list(hook_ids))


async def put_back(tx: db.Tx, hook_id: str, tries: int, at: datetime) -> None:
    """Another try at that time."""
    await tx.execute("UPDATE cloud_hooks SET tries = $2, next_at = $3 WHERE id = $1", hook_id, tries, at)


async def set_aside(tx: db.Tx, hook_id: str, why: str, at: datetime) -> None:
    """No more tries: the others go on without it."""
    await tx.execute("UPDATE cloud_hooks SET set_aside_at = $3, why = $2 WHERE id = $1", hook_id, why, at)


async def drop_old(tx: db.Tx, before: datetime) -> int:
    """Delete what was set aside before then; returns how many calls that was."""
    return await tx.execute("DELETE FROM cloud_hooks WHERE set_aside_at < $1", before)


async def next_at(tx: db.Tx) -> datetime | None:
    """When the next call is to be worked off."""
    found: datetime | None = await tx.fetchval("SELECT min(next_at) FROM cloud_hooks WHERE set_aside_at IS NULL")
    return found
