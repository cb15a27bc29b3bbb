"""SQL of rules: a workspace's versions, the installation's own numbers, and what a device or a campaign narrows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hantar.kit import db


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a workspace's own numbers, to be stored."""

    number: int
    values: Mapping[str, Mapping[str, Any]]
    changed: Mapping[str, Mapping[str, Mapping[str, Any]]]
    reason: str
    declaration: str | None
    actor_id: str | None
    actor: str


async def numbers(tx: db.Tx, workspaces: Collection[str]) -> list[db.Row]:
    """The installation's numbers (workspace NULL, the administrator's last) and the newest version of each workspace."""
    sql = """SELECT * FROM (
               SELECT NULL::uuid AS workspace_id, kind, name, value, origin, is_locked, 0 AS version FROM installation_policy
               ORDER BY origin DESC) installed
             UNION ALL
             SELECT * FROM (SELECT DISTINCT ON (workspace_id) workspace_id, NULL, NULL, values, 'workspace', false, version
                            FROM policies WHERE workspace_id = ANY($1::uuid[]) ORDER BY workspace_id, version DESC) newest"""
    return await tx.fetch(sql, sorted(workspaces))


async def stamps(tx: db.Tx, workspaces: Collection[str]) -> dict[str | None, str | None]:
    """What changes when the numbers do: the newest version of each workspace, and a digest of the installation's (None).

    It brings the database's instant along: it is what a claim asks first.
    """
    sql = """SELECT NULL::uuid AS workspace_id, md5(coalesce(string_agg(i::text, ',' ORDER BY kind, name, origin), '')) AS stamp,
               clock_timestamp() AS now
             FROM installation_policy i
             UNION ALL
             SELECT w.id, (SELECT max(version) FROM policies p WHERE p.workspace_id = w.id)::text, NULL
             FROM unnest($1::uuid[]) AS w (id)"""
    rows = await tx.fetch(sql, sorted(workspaces))
    tx.brought(next(row["now"] for row in rows if row["workspace_id"] is None))
    return {row["workspace_id"]: row["stamp"] for row in rows}


async def own_as_of(tx: db.Tx, when: datetime, number: int | None) -> db.Row | None:
    """The workspace's version of this number; without a number the newest one there was at an instant. None: it had none."""
    sql = """SELECT version, values FROM policies WHERE CASE WHEN $2::int IS NULL THEN at <= $1 ELSE version = $2 END
             ORDER BY version DESC LIMIT 1"""
    return await tx.fetchrow(sql, when, number)


async def lock(tx: db.Tx, workspace_id: str) -> None:
    """Let one writer at a time change this workspace's numbers."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('policy ' || $1, 0))", workspace_id)


async def add(tx: db.Tx, workspace_id: str, new: Version) -> None:
    """Store a new version."""
    sql = """INSERT INTO policies (workspace_id, version, values, changed, reason, declaration, actor_id, actor, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
    head = (workspace_id, new.number, new.values, new.changed, new.reason, new.declaration)
    await tx.execute(sql, *head, new.actor_id, new.actor, await tx.now())


async def history(tx: db.Tx, before: int | None, limit: int) -> list[db.Row]:
    """Versions of the workspace, newest first."""
    sql = """SELECT version, at, actor_id, actor, reason, declaration, changed FROM policies
             WHERE $1::int IS NULL OR version < $1 ORDER BY version DESC LIMIT $2"""
    return await tx.fetch(sql, before, limit)


async def count(tx: db.Tx) -> int:
    """How many versions the workspace has."""
    return int(await tx.fetchval("SELECT count(*) FROM policies"))


async def last_changes(tx: db.Tx) -> list[db.Row]:
    """The last change of each number of the workspace that ever changed."""
    sql = """SELECT DISTINCT ON (k.key, n.key) k.key AS kind, n.key AS name, p.version, p.at, p.actor, p.reason, p.declaration
             FROM policies p, jsonb_each(p.changed) k, jsonb_each(k.value) n
             ORDER BY k.key, n.key, p.version DESC"""
    return await tx.fetch(sql)


async def installed(tx: db.Tx) -> list[db.Row]:
    """The installation's own numbers, the administrator's last."""
    return await tx.fetch("SELECT * FROM installation_policy ORDER BY origin DESC")


async def narrowing(tx: db.Tx, device_id: str) -> db.Row | None:
    """A device's kind and its own numbers."""
    sql = """SELECT rules_kind, per_minute, per_hour, per_day, min_delay_seconds FROM devices WHERE id = $1"""
    return await tx.fetchrow(sql, device_id)


async def campaign_rules(tx: db.Tx, campaign_id: str) -> Mapping[str, Any] | None:
    """What a campaign narrows; None when there is no such campaign."""
    row = await tx.fetchrow("SELECT rules FROM campaigns WHERE id = $1", campaign_id)
    return row["rules"] if row else None


# ---------------------------------------------------------------------- the installation's numbers, through the door


async def put_administrators(
    tx: db.Tx, kind: str, name: str, value: Any, is_locked: bool, reason: str, actor_id: str | None, actor: str
) -> None:
    """Set what the administrator says of one number."""
    sql = """INSERT INTO installation_policy (kind, name, value, origin, is_locked, reason, actor_id, actor, at)
             VALUES ($1, $2, $3::jsonb -> 0, 'administrator', $4, $5, $6, $7, $8)
             ON CONFLICT (kind, name, origin) DO UPDATE SET value = excluded.value, is_locked = excluded.is_locked,
               reason = excluded.reason, actor_id = excluded.actor_id, actor = excluded.actor, at = excluded.at"""
    # inside of a list, because a bare None would be SQL's NULL and not the word null
    await tx.execute(sql, kind, name, [value], is_locked, reason, actor_id, actor, await tx.now())


async def drop_administrators(tx: db.Tx, kind: str, name: str) -> None:
    """The administrator says nothing of this number any more."""
    await tx.execute("DELETE FROM installation_policy WHERE (kind, name, origin) = ($1, $2, 'administrator')", kind, name)


async def put_environments(tx: db.Tx, wanted: Collection[tuple[str, str, Any]]) -> None:
    """Exactly these numbers come from the environment (kind, name, value); those of removed variables go."""
    rows = [{"kind": kind, "name": name, "value": value} for kind, name, value in wanted]
    gone = """DELETE FROM installation_policy i WHERE i.origin = 'environment' AND NOT EXISTS (
                SELECT 1 FROM jsonb_to_recordset($1) AS x (kind text, name text) WHERE (x.kind, x.name) = (i.kind, i.name))"""
    await tx.execute(gone, rows)
    put = """INSERT INTO installation_policy (kind, name, value, origin, at)
             SELECT x.value ->> 'kind', x.value ->> 'name', x.value -> 'value', 'environment', $2 FROM jsonb_array_elements($1) x
             ON CONFLICT (kind, name, origin) DO UPDATE SET value = excluded.value, at = excluded.at
             WHERE installation_policy.value <> excluded.value"""
    await tx.execute(put, rows, await tx.now())
