"""The SQL of changes to many leads: one statement each, whatever their number."""

from collections.abc import Sequence
from datetime import datetime

from hantar.kit import db
from hantar.leads import model, store
from hantar.leads.model import DeviceId, Filter, LeadId


async def delete(tx: db.Tx, asked: Filter) -> int:
    """Take leads away; their messages stay."""
    found = store.where(asked, await tx.now())
    return await tx.execute(f"DELETE FROM leads WHERE {found}", *found.values)


async def add(tx: db.Tx, asked: Filter, column: str, entries: Sequence[str], now: datetime) -> int:
    """Add niches or triggers (`column` is niche or trigger) to leads that lack one of them."""
    found = store.where(asked, await tx.now())
    names, keys = found.value(list(entries)), found.value(list(model.keys(entries)))
    lacking = (
        f"FROM unnest({names}::text[], {keys}::text[]) WITH ORDINALITY AS new(entry, key, place) "
        f"WHERE NOT key = ANY({column}_keys) ORDER BY place"
    )
    sql = (
        f"UPDATE leads SET {column}s = {column}s || ARRAY(SELECT entry {lacking}), "
        f"{column}_keys = {column}_keys || ARRAY(SELECT key {lacking}), updated_at = {found.value(now)} "
        f"WHERE {found} AND NOT {column}_keys @> {keys}::text[]"
    )
    return await tx.execute(sql, *found.values)


async def remove(tx: db.Tx, asked: Filter, column: str, entries: Sequence[str], now: datetime) -> int:
    """Take niches or triggers away from leads that have one of them."""
    found = store.where(asked, await tx.now())
    keys = found.value(list(model.keys(entries)))
    kept = (
        f"FROM unnest({column}s, {column}_keys) WITH ORDINALITY AS old(entry, key, place) "
        f"WHERE NOT key = ANY({keys}::text[]) ORDER BY place"
    )
    sql = (
        f"UPDATE leads SET {column}s = ARRAY(SELECT entry {kept}), {column}_keys = ARRAY(SELECT key {kept}), "
        f"updated_at = {found.value(now)} WHERE {found} AND {column}_keys && {keys}::text[]"
    )
    return await tx.execute(sql, *found.values)


async def longest_after_adding(tx: db.Tx, asked: Filter, column: str, entries: Sequence[str]) -> int:
    """The length of the longest list that adding these entries would make."""
    found = store.where(asked, await tx.now())
    keys = found.value(list(model.keys(entries)))
    new = f"(SELECT count(*) FROM unnest({keys}::text[]) AS new(key) WHERE NOT key = ANY({column}_keys))"
    sql = f"SELECT max(cardinality({column}s) + {new}) FROM leads WHERE {found}"
    return int(await tx.fetchval(sql, *found.values) or 0)


async def update(tx: db.Tx, asked: Filter, given: model.Changes, now: datetime) -> int:
    """Write the given fields into leads that differ; empty values keep what is there."""
    found = store.where(asked, await tx.now())
    sets: dict[str, str] = {}
    for column in ("target_status", "additional_note", "time_zone"):
        if (value := getattr(given, column)) is not model.UNSET and value:
            sets[column] = f"{found.value(value)}::text"
    for column, entries in (("niche", given.niches), ("trigger", given.triggers)):
        if entries is not model.UNSET and entries:
            sets[f"{column}s"] = f"{found.value(list(entries))}::text[]"
            sets[f"{column}_keys"] = f"{found.value(list(model.keys(entries)))}::text[]"
    if given.attributes is not model.UNSET and (extra := {n: str(v) for n, v in given.attributes.items() if v}):
        sets["attributes"] = f"attributes || {found.value(extra)}::jsonb"
    if not sets:
        return 0
    differs = " OR ".join(f"{column} IS DISTINCT FROM {value}" for column, value in sets.items())
    assignments = ", ".join(f"{column} = {value}" for column, value in sets.items())
    sql = f"UPDATE leads SET {assignments}, updated_at = {found.value(now)} WHERE {found} AND ({differs})"
    return await tx.execute(sql, *found.values)


async def move(tx: db.Tx, asked: Filter, device_id: DeviceId, now: datetime) -> int:
    """Give leads to a device that has none of the same person yet; of several leads of one person the oldest goes."""
    found = store.where(asked, await tx.now())
    to = found.value(device_id)
    sql = (
        f"UPDATE leads SET device_id = {to}::uuid, updated_at = {found.value(now)} WHERE id IN ("
        f"SELECT DISTINCT ON (person_id) id FROM leads WHERE {found} AND device_id IS DISTINCT FROM {to}::uuid "
        f"AND NOT EXISTS (SELECT 1 FROM leads AS there WHERE there.person_id = leads.person_id "
        f"AND there.device_id = {to}::uuid) ORDER BY person_id, id)"
    )
    return await tx.execute(sql, *found.values)


async def not_at(tx: db.Tx, asked: Filter, device_id: DeviceId, limit: int) -> list[LeadId]:
    """Leads of the filter that do not belong to the device."""
    found = store.where(asked, await tx.now())
    found.add("device_id IS DISTINCT FROM {}::uuid", device_id)
    sql = f"SELECT id FROM leads WHERE {found} ORDER BY id LIMIT {found.value(limit)}"
    return [row["id"] for row in await tx.fetch(sql, *found.values)]
