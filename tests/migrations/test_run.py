"""Migrations: all steps or none, one server at a time, never backwards."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from hantar.migrations import run
from tests.conftest import _named


@pytest.fixture
async def empty(server: str) -> AsyncIterator[str]:
    """The address of a database without any schema."""
    owner = await asyncpg.connect(server)
    await owner.execute("CREATE DATABASE empty_one")
    yield _named(server, "empty_one")
    await owner.execute("DROP DATABASE empty_one WITH (FORCE)")
    await owner.close()


async def _tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return {row["tablename"] for row in rows}


async def test_eight_servers_that_start_at_once_make_one_schema(empty: str) -> None:
    await asyncio.gather(*(run.upgrade(empty) for _ in range(8)))
    assert {"messages", "leads", "alembic_version"} <= await _tables(empty)


async def test_running_again_changes_nothing(empty: str) -> None:
    await run.upgrade(empty)
    before = await _tables(empty)
    await run.upgrade(empty)
    assert await _tables(empty) == before


async def test_a_step_that_breaks_half_way_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-38: the schema and its version number are one transaction."""
    whole = command.upgrade

    def half(config, revision: str) -> None:
        whole(config, revision)
        raise RuntimeError("the power went")

    monkeypatch.setattr(command, "upgrade", half)
    with pytest.raises(RuntimeError):
        await run.upgrade(empty)
    assert await _tables(empty) == set()
    monkeypatch.undo()
    await run.upgrade(empty)
    assert "messages" in await _tables(empty)


async def test_a_database_of_a_newer_program_is_refused(empty: str) -> None:
    await run.upgrade(empty)
    owner = await asyncpg.connect(empty)
    await owner.execute("UPDATE alembic_version SET version_num = '9999'")
    await owner.close()
    with pytest.raises(run.SchemaTooNew, match="newer Hantar"):
        await run.upgrade(empty)
