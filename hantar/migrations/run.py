"""Brings a database to the schema this program was built for: all steps or none, one server at a time, never backwards."""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hantar.kit import errors

LOCK = 0x48414E54  # "HANT": the advisory lock every server takes before it looks at the schema


class SchemaTooNew(errors.Unavailable):
    """The database was written by a newer Hantar. Start that version, or restore a backup of this one."""


class ServerTooOld(errors.Unavailable):
    """Hantar needs PostgreSQL 15 or newer."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest step this program knows."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None  # noqa: S101 the package always ships its steps
    return newest


def _upgrade(connection: Connection) -> None:
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    if int(connection.execute(text("SHOW server_version_num")).scalar_one()) < 150000:
        raise ServerTooOld
    exists = connection.execute(text("SELECT to_regclass('public.alembic_version')")).scalar()
    current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if exists else None
    known = {step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew
    if current != head():
        command.upgrade(_config(connection), "head")


async def upgrade(dsn: str) -> None:
    """Run every missing step in one transaction under one lock; a crash half-way leaves the old schema."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn, timeout=10)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
