"""SQL of the results kept for requests that may come twice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hantar.kit.db import Tx


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key: no status while the first request is still running; no body when it held a secret."""

    request_hash: bytes
    status: int | None
    headers: dict[str, Any] | None
    body: bytes | None


async def reserve(tx: Tx, workspace_id: str, caller: str, key: str, now: datetime, expired: datetime) -> bool:
    """Take a key for a request about to run; False when it is taken and not expired."""
    sql = """INSERT INTO idempotency_keys (workspace_id, caller, key, request_hash, created_at) VALUES ($1, $2, $3, '', $4)
      ON CONFLICT (workspace_id, caller, key) DO UPDATE SET request_hash = '', status = NULL, headers = NULL, body = NULL,
        created_at = $4 WHERE idempotency_keys.created_at <= $5"""
    return await tx.execute(sql, workspace_id, caller, key, now, expired) == 1


async def kept(tx: Tx, workspace_id: str, caller: str, key: str) -> Kept | None:
    """What is known of a key."""
    sql = """SELECT request_hash, status, headers, body FROM idempotency_keys
      WHERE workspace_id = $1 AND caller = $2 AND key = $3"""
    row = await tx.fetchrow(sql, workspace_id, caller, key)
    return Kept(**dict(row)) if row else None


async def keep(tx: Tx, workspace_id: str, caller: str, key: str, result: Kept) -> None:
    """Keep a result."""
    sql = """UPDATE idempotency_keys SET request_hash = $4, status = $5, headers = $6, body = $7
      WHERE workspace_id = $1 AND caller = $2 AND key = $3"""
    values = (result.request_hash, result.status, result.headers, result.body)
    await tx.execute(sql, workspace_id, caller, key, *values)


async def forget(tx: Tx, workspace_id: str, caller: str, key: str) -> None:
    """Let the key be used again: nothing has happened under it."""
    sql = "DELETE FROM idempotency_keys WHERE workspace_id = $1 AND caller = $2 AND key = $3 AND status IS NULL"
    await tx.execute(sql, workspace_id, caller, key)


async def forget_old(tx: Tx, workspace_id: str, expired: datetime) -> None:
    """Drop a workspace's expired keys."""
    await tx.execute("DELETE FROM idempotency_keys WHERE workspace_id = $1 AND created_at <= $2", workspace_id, expired)
