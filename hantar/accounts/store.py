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
        name=row["full_name"] if scopes is None else f"API key {row['name']} ({row['prefix']}…) of {row['full_name']}",
    )


async def caller_of_sign_in(tx: Tx, digest: bytes, now: datetime) -> tuple[model.Caller | None, datetime | None]:
    """Who signed in with this token and when they last used it; nobody when it ended."""
    sql = """SELECT s.workspace_id, s.id, s.user_id, s.last_used_at, m.role, u.is_admin, u.time_zone,
        u.full_name
      FROM sign_ins s JOIN members m USING (workspace_id, user_id) JOIN users u ON u.id = s.user_id
      WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.is_active"""
    row = await tx.fetchrow(sql, digest, now)
    return (_caller(row, None), row["last_used_at"]) if row else (None, None)


async def caller_of_key(tx: Tx, digest: bytes, now: datetime) -> tuple[model.Caller | None, datetime | None]:
    """Whose API key this is and when it was last used. It does no more than its maker may do today."""
    sql = """SELECT k.workspace_id, k.id, k.created_by AS user_id, k.scopes, k.last_used_at, m.role, false AS is_admin,
        w.time_zone, u.full_name, k.name, k.prefix
      FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id JOIN users u ON u.id = k.created_by
      JOIN members m ON m.workspace_id = k.workspace_id AND m.user_id = u.id
      WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND u.is_active"""
    row = await tx.fetchrow(sql, digest, now)
    return (_caller(row, frozenset(row["scopes"])), row["last_used_at"]) if row else (None, None)


async def is_admin(tx: Tx, user_id: model.UserId) -> bool:
    """Whether this person is an administrator and may sign in."""
    found: bool | None = await tx.fetchval("SELECT is_admin AND is_active FROM users WHERE id = $1", user_id)
    return bool(found)


async def touch_sign_in(tx: Tx, caller: model.Caller, now: datetime, expires_at: datetime) -> None:
    """Write down that a sign-in is in use, and prolong it."""
    sql = "UPDATE sign_ins SET last_used_at = $3, expires_at = $4 WHERE workspace_id = $1 AND id = $2"
    await tx.execute(sql, caller.workspace_id, caller.sign_in_id, now, expires_at)


async def touch_key(tx: Tx, caller: model.Caller, now: datetime) -> None:
    """Write down that a key is in use."""
    sql = "UPDATE api_keys SET last_used_at = $3 WHERE workspace_id = $1 AND id = $2"
    await tx.execute(sql, caller.workspace_id, caller.key_id, now)


# ---------------------------------------------------------------- people
_USER = "u.id, u.email, u.full_name, m.role, u.is_admin, u.time_zone, u.language, u.theme"


def _user(row: Row) -> model.User:
    return model.User(
        model.UserId(row["id"]),
        row["email"],
        row["full_name"],
        model.Role(row["role"]),
        row["is_admin"],
        row["time_zone"],
        row["language"],
        row["theme"],
    )


async def by_email(tx: Tx, email: str) -> tuple[model.User, model.WorkspaceId, str] | None:
    """An active person with the workspace they joined first, and the stored hash of their password."""
    sql = f"""SELECT {_USER}, u.password_hash, m.workspace_id FROM users u JOIN members m ON m.user_id = u.id
      WHERE lower(u.email) = lower($1) AND u.is_active ORDER BY m.created_at, m.workspace_id LIMIT 1"""
    row = await tx.fetchrow(sql, email)
    return (_user(row), model.WorkspaceId(row["workspace_id"]), row["password_hash"]) if row else None


async def user(tx: Tx, workspace: model.WorkspaceId, user_id: model.UserId) -> model.User | None:
    """A member of a workspace."""
    sql = f"SELECT {_USER} FROM users u JOIN members m ON m.user_id = u.id WHERE m.workspace_id = $1 AND u.id = $2"
    row = await tx.fetchrow(sql, workspace, user_id)
    return _user(row) if row else None


async def members(tx: Tx, workspace: model.WorkspaceId) -> list[model.User]:
    """Everyone in a workspace, in the order they came."""
    sql = f"""SELECT {_USER} FROM users u JOIN members m ON m.user_id = u.id WHERE m.workspace_id = $1
      ORDER BY m.created_at, u.id"""
    return [_user(row) for row in await tx.fetch(sql, workspace)]


async def password_hash(tx: Tx, user_id: model.UserId) -> str | None:
    """The stored hash of someone's password."""
    stored: str | None = await tx.fetchval("SELECT password_hash FROM users WHERE id = $1", user_id)
    return stored


async def add_user(
    tx: Tx, user_id: model.UserId, email: str, full_name: str, hashed: str, is_admin: bool, time_zone: str, now: datetime
) -> bool:
    """Add a person; False when the e-mail address is taken."""
    sql = """INSERT INTO users (id, email, full_name, password_hash, is_admin, time_zone, password_changed_at, created_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING"""
    return await tx.execute(sql, user_id, email, full_name, hashed, is_admin, time_zone, now) == 1


async def add_workspace(
    tx: Tx, workspace: model.WorkspaceId, name: str, time_zone: str, owner: model.UserId, now: datetime
) -> None:
    """Add a workspace with its owner."""
    await tx.execute(
        "INSERT INTO workspaces (id, name, time_zone, created_at) VALUES ($1, $2, $3, $4)", workspace, name, time_zone, now
    )
    await tx.execute("INSERT INTO members VALUES ($1, $2, 'owner', $3)", workspace, owner, now)


async def update_user(tx: Tx, user_id: model.UserId, changes: dict[str, str]) -> None:
    """Set columns of a person; the names come from our own models."""
    allowed = {"email", "full_name", "time_zone", "language", "theme"}
    names = [name for name in changes if name in allowed]
    if names:
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, 2))
        await tx.execute(f"UPDATE users SET {sets} WHERE id = $1", user_id, *(changes[name] for name in names))


async def is_taken(tx: Tx, email: str, by_other_than: model.UserId) -> bool:
    """Whether someone else has this e-mail address."""
    sql = "SELECT EXISTS (SELECT 1 FROM users WHERE lower(email) = lower($1) AND id <> $2)"
    return bool(await tx.fetchval(sql, email, by_other_than))


async def set_password(tx: Tx, user_id: model.UserId, hashed: str, now: datetime) -> None:
    """Store a new password's hash."""
    await tx.execute("UPDATE users SET password_hash = $2, password_changed_at = $3 WHERE id = $1", user_id, hashed, now)


# ---------------------------------------------------------------- sign-ins
async def add_sign_in(
    tx: Tx,
    workspace: model.WorkspaceId,
    user_id: model.UserId,
    sign_in_id: str,
    digest: bytes,
    address: str | None,
    agent: str | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Add a sign-in and drop the person's ended ones."""
    await tx.execute("DELETE FROM sign_ins WHERE user_id = $1 AND expires_at <= $2", user_id, now)
    sql = """INSERT INTO sign_ins (workspace_id, id, user_id, token_hash, address, agent, created_at, last_used_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)"""
    await tx.execute(sql, workspace, sign_in_id, user_id, digest, address, agent, now, expires_at)


async def sign_ins(tx: Tx, user_id: model.UserId, now: datetime) -> list[model.SignIn]:
    """Where someone is signed in, last used first."""
    sql = """SELECT id, agent, address, created_at, last_used_at FROM sign_ins WHERE user_id = $1 AND expires_at > $2
      ORDER BY last_used_at DESC, id DESC"""
    return [model.SignIn(**dict(row)) for row in await tx.fetch(sql, user_id, now)]


async def end_sign_ins(tx: Tx, user_id: model.UserId, only: str | None = None, but: str | None = None) -> list[str]:
    """End one sign-in (`only`) of a person or all (`but` one); returns the ids of the ended ones."""
    sql = """DELETE FROM sign_ins WHERE user_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id <> $3)
      RETURNING id"""
    return [row["id"] for row in await tx.fetch(sql, user_id, only, but)]


# ---------------------------------------------------------------- API keys
_KEY = "id, name, prefix, scopes, created_at, last_used_at, expires_at"


def _key(row: Row) -> model.ApiKey:
    return model.ApiKey(**{**dict(row), "scopes": tuple(row["scopes"])})


async def keys(tx: Tx, workspace: model.WorkspaceId) -> list[model.ApiKey]:
    """A workspace's keys that were not revoked, newest first."""
    sql = f"SELECT {_KEY} FROM api_keys WHERE workspace_id = $1 AND revoked_at IS NULL ORDER BY id DESC"
    return [_key(row) for row in await tx.fetch(sql, workspace)]


async def add_key(
    tx: Tx,
    workspace: model.WorkspaceId,
    key_id: str,
    name: str,
    prefix: str,
    digest: bytes,
    scopes: list[str],
    created_by: model.UserId,
    now: datetime,
    expires_at: datetime | None,
) -> model.ApiKey:
    """Add a key."""
    sql = f"""INSERT INTO api_keys (workspace_id, id, name, prefix, key_hash, scopes, created_by, created_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {_KEY}"""
    row = await tx.fetchrow(sql, workspace, key_id, name, prefix, digest, scopes, created_by, now, expires_at)
    assert row is not None  # noqa: S101 INSERT … RETURNING gives its row
    return _key(row)


async def revoke_key(tx: Tx, workspace: model.WorkspaceId, key_id: str, now: datetime) -> bool:
    """End a key; False when there is none."""
    sql = "UPDATE api_keys SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL"
    return await tx.execute(sql, workspace, key_id, now) == 1


# ---------------------------------------------------------------- workspace and installation
async def workspace(tx: Tx, workspace_id: model.WorkspaceId) -> model.Workspace | None:
    """A workspace; works in its own transaction and in the door's."""
    row = await tx.fetchrow(
        "SELECT id, name, time_zone, default_country, device_limit FROM workspaces WHERE id = $1", workspace_id
    )
    return model.Workspace(**dict(row)) if row else None


async def update_workspace(
    tx: Tx, workspace_id: model.WorkspaceId, name: str, time_zone: str, default_country: str | None
) -> None:
    """Store a workspace's settings."""
    sql = "UPDATE workspaces SET name = $2, time_zone = $3, default_country = $4 WHERE id = $1"
    await tx.execute(sql, workspace_id, name, time_zone, default_country)


async def installation(tx: Tx) -> model.Installation:
    """What holds for the whole installation."""
    sql = """SELECT setup_done_at, terms_accepted_at, registration, EXISTS (SELECT 1 FROM users WHERE is_admin) AS has_admin
      FROM installation"""
    row = await tx.fetchrow(sql)
    assert row is not None  # noqa: S101 the first migration writes this row
    registration = model.Registration(row["registration"]) if row["registration"] else None
    return model.Installation(row["setup_done_at"], row["terms_accepted_at"], registration, row["has_admin"])


async def finish_setup(tx: Tx, registration: model.Registration, now: datetime) -> None:
    """Write down that the first start is done and the terms were accepted."""
    sql = """UPDATE installation SET setup_done_at = coalesce(setup_done_at, $2),
      terms_accepted_at = coalesce(terms_accepted_at, $2), registration = $1"""
    await tx.execute(sql, registration, now)


async def server_facts(tx: Tx) -> tuple[int, bool]:
    """The database's version number (180001) and whether it keeps what it confirms."""
    row = await tx.fetchrow("SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync")
    assert row is not None  # noqa: S101 a SELECT without FROM has one row
    return row["version"], row["fsync"] == "on"


async def alone(tx: Tx) -> None:
    """Wait for others who make the first administrator at this moment."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtext('hantar.first_admin'))")
