"""Questions about the audit trail: a page of it, all of it for a file. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hantar.kit import db, ids


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries a list asks for."""

    actor: str | None = None
    """A user's id, or part of how the actor is named."""
    action: str | None = None
    """`policy.changed`, or all of `policy`."""
    object: str | None = None
    """A kind of thing, the id of one, or both as `kind:id`."""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    """Only entries with a smaller number."""


def _where(workspace_id: str, wanted: Wanted) -> db.Where:
    where = db.Where().add("workspace_id = {}", workspace_id)
    if wanted.actor and ids.is_id(wanted.actor):
        where.add("actor_id = {}", wanted.actor)
    elif wanted.actor:
        where.add("actor ILIKE {}", db.like(wanted.actor))
    if wanted.action:
        word = where.value(wanted.action)
        where.add(f"(action = {word} OR starts_with(action, {word} || '.'))")
    if wanted.object:
        _object(where, wanted.object)
    if wanted.since:
        where.add("at >= {}", wanted.since)
    if wanted.until:
        where.add("at < {}", wanted.until)
    if wanted.before is not None:
        where.add("seq < {}", wanted.before)
    return where


def _object(where: db.Where, asked: str) -> None:
    kind, _, thing_id = asked.partition(":")
    if thing_id:
        where.add("object_kind = {} AND object_id = {}", kind, thing_id)
    else:
        where.add(f"{'object_id' if ids.is_id(asked) else 'object_kind'} = {{}}", asked)


async def entries(tx: db.Tx, workspace_id: str, wanted: Wanted, limit: int) -> Sequence[db.Row]:
    """Entries, newest first."""
    where = _where(workspace_id, wanted)
    return await tx.fetch(f"SELECT * FROM audit WHERE {where} ORDER BY seq DESC LIMIT {int(limit)}", *where.values)


async def total(tx: db.Tx, workspace_id: str, wanted: Wanted) -> int:
    """How many entries a list has in all."""
    where = _where(workspace_id, wanted)
    found: int = await tx.fetchval(f"SELECT count(*) FROM audit WHERE {where}", *where.values)
    return found


async def head(tx: db.Tx, workspace_id: str) -> str | None:
    """The hash of the newest entry, in hexadecimal; it stands for all before it."""
    sql = "SELECT encode(hash, 'hex') FROM audit WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1"
    found: str | None = await tx.fetchval(sql, workspace_id)
    return found
