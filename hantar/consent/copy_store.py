"""The statements behind the list of opt-outs as a file (`copy`). Row security keeps each within its workspace."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from hantar.consent import service
from hantar.kit import db
from hantar.persons import service as persons
from hantar.persons.model import PersonId

Entry = dict[str, Any]

AGAIN = "In force again: a list of opt-outs that was merged said so."
"""Added to the note of an opt-out that had been released here."""


# ---------------------------------------------------------------- reading
async def workspaces(tx: db.Tx) -> list[str]:
    """All workspaces, the oldest first."""
    return [row["id"] for row in await tx.fetch("SELECT id FROM workspaces ORDER BY id")]


OPT_OUTS = """SELECT s.id, s.reason, s.source, s.keywords_version, s.at, s.released_at,
    (SELECT array_agg(k.key ORDER BY k.key) FROM suppression_keys k WHERE k.suppression_id = s.id) AS keys,
    (SELECT array_agg(k.key ORDER BY k.key) FROM suppression_keys k WHERE k.suppression_id = s.id AND k.is_live) AS live
  FROM suppressions s ORDER BY s.id"""
ERASURES = "SELECT id, keys, at FROM erasures ORDER BY id"
GLOBAL = "SELECT id, key, reason, at, released_at FROM global_suppressions ORDER BY id, key"


async def entries(tx: db.Tx, workspace_id: str | None) -> AsyncIterator[Entry]:
    """What a list says of one workspace, or (None) of the whole installation; hashes are bytes."""
    if workspace_id is None:
        async for row in tx.stream(GLOBAL):
            yield {"is": "global"} | dict(row)
        return
    of = {"workspace": workspace_id}
    async for row in tx.stream(OPT_OUTS):
        yield {"is": "opt_out"} | of | dict(row) | {"keys": list(row["keys"] or ()), "live": list(row["live"] or ())}
    async for row in tx.stream(ERASURES):
        yield {"is": "erasure"} | of | dict(row)


# ---------------------------------------------------------------- merging
def _hashes(entry: Entry, name: str = "keys") -> list[bytes]:
    return [bytes.fromhex(each) for each in entry[name]]


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


def _is_live(entry: Entry) -> bool:
    return entry["released_at"] is None or bool(entry["live"])


async def merge_opt_outs(tx: db.Tx, workspace_id: str, batch: Sequence[Entry]) -> tuple[int, int]:
    """Add missing opt-outs and keys, and put in force again what the list says is; returns how many of each.

    The persons they stand for are locked first, so that no claim lies between; consents to marketing are withdrawn.
    """
    if not batch:
        return 0, 0
    people = await _people(tx, batch)
    await persons.lock(tx, sorted({*people.values()}))
    added = await _add(tx, workspace_id, batch, people)
    raised = await _raise(tx, [each["id"] for each in batch if _is_live(each)])
    await _add_keys(tx, workspace_id, batch)
    now = await tx.now()
    for person_id in sorted({people[each["id"]] for each in batch if each["id"] in people and _is_live(each)}):
        await service.withdraw(tx, PersonId(person_id), now)
    return added, raised


async def _people(tx: db.Tx, batch: Sequence[Entry]) -> dict[str, str]:
    """For each opt-out the person here who has one of its hashes."""
    pairs = [(each["id"], key) for each in batch for key in _hashes(each)]
    sql = """SELECT DISTINCT ON (x.id) x.id, a.person_id FROM unnest($1::uuid[], $2::bytea[]) AS x (id, key)
             JOIN person_aliases a ON a.key = x.key ORDER BY x.id, a.person_id"""
    rows = await tx.fetch(sql, [opt_out for opt_out, _ in pairs], [key for _, key in pairs])
    return {row["id"]: row["person_id"] for row in rows}


async def _add(tx: db.Tx, workspace_id: str, batch: Sequence[Entry], people: dict[str, str]) -> int:
    sql = """INSERT INTO suppressions (workspace_id, id, person_id, reason, source, keywords_version, at, released_at)
             SELECT $1, x.* FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
               $8::timestamptz[]) AS x ON CONFLICT (workspace_id, id) DO NOTHING"""
    names = ("reason", "source", "keywords_version")
    told = [[each[name] for each in batch] for name in names]
    times = [[_at(each[name]) for each in batch] for name in ("at", "released_at")]
    who = [people.get(each["id"]) for each in batch]
    return await tx.execute(sql, workspace_id, [each["id"] for each in batch], who, *told, *times)


async def _raise(tx: db.Tx, live: Sequence[str]) -> int:
    sql = """UPDATE suppressions SET released_at = NULL, released_by = NULL, release_reason = NULL, release_media_id = NULL,
               note = concat_ws(' ', note, $2::text) WHERE id = ANY($1::uuid[]) AND released_at IS NOT NULL"""
    return await tx.execute(sql, list(live), AGAIN)


async def _add_keys(tx: db.Tx, workspace_id: str, batch: Sequence[Entry]) -> None:
    """Every hash of either side, in force when it is on either side or its opt-out is."""
    sql = """INSERT INTO suppression_keys (workspace_id, key, suppression_id, is_live)
             SELECT $1, x.key, x.id, x.is_live OR s.released_at IS NULL
             FROM unnest($2::uuid[], $3::bytea[], $4::bool[]) AS x (id, key, is_live) JOIN suppressions s ON s.id = x.id
             ON CONFLICT (workspace_id, key, suppression_id)
               DO UPDATE SET is_live = suppression_keys.is_live OR excluded.is_live"""
    rows = [(each["id"], key, key in _hashes(each, "live")) for each in batch for key in _hashes(each)]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    await tx.execute(sql, workspace_id, *columns)


async def merge_erasures(tx: db.Tx, workspace_id: str, batch: Sequence[Entry]) -> int:
    """Add erasures this database does not know; returns how many. They are carried out at the next start."""
    sql = """INSERT INTO erasures (workspace_id, id, keys, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (workspace_id, id) DO NOTHING"""
    added = 0
    for each in batch:
        added += await tx.execute(sql, workspace_id, each["id"], _hashes(each), _at(each["at"]))
    return added


async def merge_global(tx: db.Tx, batch: Sequence[Entry]) -> tuple[int, int]:
    """Add missing opt-outs for the whole installation, and put in force again what the list says is."""
    sql = """INSERT INTO global_suppressions (key, id, reason, at, released_at)
             SELECT x.* FROM unnest($1::bytea[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS x
             ON CONFLICT (key, id) DO NOTHING"""
    named = [[bytes.fromhex(each["key"]) for each in batch], [each["id"] for each in batch]]
    times = [[_at(each[name]) for each in batch] for name in ("at", "released_at")]
    added = await tx.execute(sql, *named, [each["reason"] for each in batch], *times)
    lifted = """UPDATE global_suppressions g SET released_at = NULL FROM unnest($1::bytea[], $2::uuid[]) AS x (key, id)
                WHERE (g.key, g.id) = (x.key, x.id) AND g.released_at IS NOT NULL"""
    live = [each for each in batch if each["released_at"] is None]
    raised = await tx.execute(lifted, [bytes.fromhex(each["key"]) for each in live], [each["id"] for each in live])
    return added, raised
