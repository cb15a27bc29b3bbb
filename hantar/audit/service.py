"""Write an entry, prove the chain. The database numbers and chains entries; nobody can change or remove one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request

from hantar.accounts import access
from hantar.kit import db, ids


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user's id and how to name them (never a recipient), and where the request came from."""

    id: str | None
    name: str
    address: str | None = None
    request_id: str | None = None


RULES = Actor(None, "rules")
"""The program itself, acting on a rule (an automatic pause)."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What it was done to: its kind (`policy`, `device`, `campaign`, `message`, `opt_out`, `person`, `hold`) and id."""

    kind: str
    id: str | None = None


_CODE = re.compile(r"[a-z_]+(\.[a-z_]+)*(,[a-z_]+)*")
"""What a filter may say word for word: codes of ours. Anything else may be somebody's name or number."""
WORDS_OF_PEOPLE = frozenset({"q", "phone", "name", "text", "actor"})
"""Filters that are words whatever they look like: a name in small letters looks like a code."""


def by(at: access.At, request: Request) -> Actor:
    """Who calls, for an entry: the person, or the API key and whose it is; with the address and the request's id."""
    address = request.client.host if request.client else None
    return Actor(at.caller.user_id, at.caller.name, address, request.scope.get("hantar.request_id"))


async def exported(at: access.At, request: Request, what: str, thing_id: str | None = None, **narrowed: Any) -> None:
    """An entry `what.exported`, in a transaction of its own, before a file of people or messages leaves the house.

    `narrowed` are the filters that were asked for; those left out (None) are dropped, of words only that they were given
    is kept, for they may be somebody's name.
    """
    kept = unnamed(narrowed)
    async with at.tx() as tx:
        await record(tx, at.workspace_id, by(at, request), f"{what}.exported", Thing(what, thing_id), after=kept)


def unnamed(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as an entry may keep them: numbers, days, ids and codes; of other words only that they were given."""
    return {n: "given" if n in WORDS_OF_PEOPLE else _unnamed(v) for n, v in filters.items() if v is not None}


def _unnamed(value: Any) -> Any:
    if isinstance(value, bool | int):
        return value
    text = str(value)
    is_ours = isinstance(value, date) or ids.is_id(text) or (len(text) <= 60 and _CODE.fullmatch(text) is not None)
    return text if is_ours else "given"


async def record(
    tx: db.Tx,
    workspace_id: str,
    actor: Actor,
    action: str,
    thing: Thing,
    *,
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """One entry, in the caller's transaction. Never a number, a name or a text of a person: ids only (I-24).

    `action` is `thing.verb`, for example `policy.changed`, `opt_out.released`, `campaign.resumed`, `message.resent`.
    Call it last in a transaction: writers of one workspace wait for each other here.
    """
    sql = """INSERT INTO audit (workspace_id, seq, at, actor_id, actor, action, object_kind, object_id, reason, before, after,
               address, request_id, prev, hash) VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', '')"""
    head = (workspace_id, await tx.now(), actor.id, actor.name, action, thing.kind, thing.id, reason)
    facts = (dict(before) if before is not None else None, dict(after) if after is not None else None)
    await tx.execute(sql, *head, *facts, actor.address, actor.request_id)


async def first_broken(tx: db.Tx, workspace_id: str) -> int | None:
    """The number of the first entry whose chain does not hold; None when all of it does (I-23)."""
    sql = """SELECT min(seq) FROM (
               SELECT a.seq, a.hash = audit_hash(a) AND a.prev = coalesce(lag(a.hash) OVER (ORDER BY a.seq), ''::bytea)
                 AND a.seq = row_number() OVER (ORDER BY a.seq) AS holds
               FROM audit a WHERE a.workspace_id = $1) each WHERE NOT holds"""
    broken: int | None = await tx.fetchval(sql, workspace_id)
    head = await tx.fetchrow("SELECT seq, hash FROM audit_heads WHERE workspace_id = $1", workspace_id)
    last = await tx.fetchrow("SELECT seq, hash FROM audit WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1", workspace_id)
    if broken is None and (head and tuple(head)) != (last and tuple(last)):
        return (last["seq"] if last else 0) + 1  # entries at the end are missing
    return broken
