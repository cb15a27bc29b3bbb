"""SQL of accounts. Everything here runs in a transaction of the door, before or beside the walls of workspaces."""

from datetime import datetime

from hantar.accounts import model
from hantar.kit.db import Row, Tx


def _caller(row: Row, scopes: frozenset[str] | None) -> model.Caller:
    return model.Caller(
        user_id=model.UserId(row["user_id"]),
        workspace_id=model.WorkspaceId(row["workspace_id"]),
        role=model.Role(row["role"]),
        is_admin=row["is_admin"],
        time_zone=row["time_zone"],
        scopes=scopes,
        key_id=row["id"] if scopes is not None else None,
        sign_in_id=row["id"] if scopes is None else None,
    )


async def caller_of_sign_in(tx: Tx, digest: bytes, now: datetime) -> tuple[model.Caller | None, datetime | None]:
    """Who signed in with this token and when they last used it; nobody when it ended."""
    sql = """SELECT s.workspace_id, s.id, s.user_id, s.last_used_at, m.role, u.is_admin, u.time_zone
      FROM sign_ins s JOIN members m USING (workspace_id, user_id) JOIN users u ON u.id = s.user_id
      WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.is_active"""
    row = await tx.fetchrow(sql, digest, now)
    return (_caller(row, None), row["last_used_at"]) if row else (None, None)


async def caller_of_key(tx: Tx, digest: bytes, now: datetime) -> tuple[model.Caller | None, datetime | None]:
    """Whose API key this is and when it was last used. It does no more than its maker may do today."""
    sql = """SELECT k.workspace_id, k.id, k.created_by AS user_id, k.scopes, k.last_used_at, m.role, false AS is_admin,
        w.time_zone
      FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id JOIN users u ON u.id = k.created_by
      JOIN members m ON m.workspace_id = k.workspace_id AND m.user_id = u.id
      WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND u.is_active"""
    row = await tx.fetchrow(sql, digest, now)
    return (_caller(row, frozenset(row["scopes"])), row["last_used_at"]) if row else (None, None)


async def touch_sign_in(tx: Tx, caller: model.Caller, now: datetime, expires_at: datetime) -> None:
    """Write down that a sign-in is in use, and prolong it."""
    sql = "UPDATE sign_ins SET last_used_at = $3, expires_at = $4 WHERE workspace_id = $1 AND id = $2"
    await tx.execute(sql, caller.workspace_id, caller.sign_in_id, now, expires_at)


async def touch_key(tx: Tx, caller: model.Caller, now: datetime) -> None:
    """Write down that a key is in use."""
    sql = "UPDATE api_keys SET last_used_at = $3 WHERE workspace_id = $1 AND id = $2"
    await tx.execute(sql, caller.workspace_id, caller.key_id, now)
