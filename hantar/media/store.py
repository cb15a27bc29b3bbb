"""The SQL of files; their bytes are in the database, behind the same wall as everything else of a workspace."""

import hashlib

import asyncpg

from hantar.kit import db, ids
from hantar.media import model
from hantar.media.model import Media, MediaId, Picture

COLUMNS = "id, kind, mime, name, size, original_size, width, height, sha256, created_at"


def _media(row: db.Row) -> Media:
    return Media(row["id"], model.MediaKind(row["kind"]), *list(row.values())[2:])


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
    return _media(row)


async def same(tx: db.Tx, workspace_id: str, digest: bytes, name: str) -> Media | None:
    """A stored file with the very same bytes and name."""
    sql = f"SELECT {COLUMNS} FROM media WHERE workspace_id = $1 AND sha256 = $2 AND name = $3 ORDER BY id LIMIT 1"
    row = await tx.fetchrow(sql, workspace_id, digest, name)
    return _media(row) if row else None


async def begin(tx: db.Tx, workspace_id: str, file: model.Incoming, first: bytes, by: str | None) -> Media:
    """Store a file with its first piece; `add_piece` brings the others within the same transaction."""
    sql = f"""INSERT INTO media (workspace_id, id, kind, mime, name, size, original_size, sha256, bytes, created_by, created_at)
              VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10) RETURNING {COLUMNS}"""
    what = (file.found.kind.value, file.found.mime, file.name, file.size, file.sha256)
    row = await tx.fetchrow(sql, workspace_id, ids.new_id(), *what, first, by, await tx.now())
    assert row is not None  # noqa: S101 INSERT … RETURNING gives its row
    return _media(row)


async def add_piece(tx: db.Tx, workspace_id: str, media_id: MediaId, number: int, piece: bytes) -> None:
    """Store the next piece of a file."""
    sql = "INSERT INTO media_pieces (workspace_id, media_id, number, bytes) VALUES ($1, $2, $3, $4)"
    await tx.execute(sql, workspace_id, media_id, number, piece)


async def get(tx: db.Tx, media_id: MediaId) -> Media | None:
    """A file without its bytes."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM media WHERE id = $1", media_id)
    return _media(row) if row else None


async def piece(tx: db.Tx, media_id: MediaId, number: int) -> bytes | None:
    """The piece of this number, from 0; None when the file is gone."""
    if number == 0:
        found = await tx.fetchval("SELECT bytes FROM media WHERE id = $1", media_id)
    else:
        found = await tx.fetchval("SELECT bytes FROM media_pieces WHERE media_id = $1 AND number = $2", media_id, number)
    return None if found is None else bytes(found)


async def delete(tx: db.Tx, media_id: MediaId) -> bool:
    """Take a file away; raises `InUse` when a message's content points at it."""
    try:
        return await tx.execute("DELETE FROM media WHERE id = $1", media_id) == 1
    except asyncpg.ForeignKeyViolationError as error:
        raise model.InUse from error
