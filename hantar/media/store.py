"""The SQL of pictures; their bytes are in the database, behind the same wall as everything else of a workspace."""

import hashlib

import asyncpg

from hantar.kit import db, ids
from hantar.media import model
from hantar.media.model import Media, MediaId, Picture

COLUMNS = "id, mime, name, size, original_size, width, height, sha256, created_at"


async def add(tx: db.Tx, workspace_id: str, new: Picture, by: str | None) -> Media:
    """Store a picture; one with the very same bytes is not stored twice."""
    digest = hashlib.sha256(new.bytes).digest()
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM media WHERE workspace_id = $1 AND sha256 = $2", workspace_id, digest)
    if row is None:
        sql = (
            "INSERT INTO media (workspace_id, id, mime, name, size, original_size, width, height, sha256, bytes, created_by, "
            f"created_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) RETURNING {COLUMNS}"
        )
        size = (len(new.bytes), new.original_size, new.width, new.height)
        values = (workspace_id, ids.new_id(), new.mime, new.name, *size, digest, new.bytes, by, await tx.now())
        row = await tx.fetchrow(sql, *values)
    assert row is not None  # noqa: S101 INSERT … RETURNING gives its row
    return Media(*row)


async def get(tx: db.Tx, media_id: MediaId) -> Media | None:
    """A picture without its bytes."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM media WHERE id = $1", media_id)
    return Media(*row) if row else None


async def content(tx: db.Tx, media_id: MediaId) -> bytes:
    """A picture's bytes."""
    return bytes(await tx.fetchval("SELECT bytes FROM media WHERE id = $1", media_id))


async def delete(tx: db.Tx, media_id: MediaId) -> bool:
    """Take a picture away; raises `InUse` when a message's content points at it."""
    try:
        return await tx.execute("DELETE FROM media WHERE id = $1", media_id) == 1
    except asyncpg.ForeignKeyViolationError as error:
        raise model.InUse from error
