"""Migrations: all steps or none, one server at a time, never backwards."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from hantar.kit import db
from hantar.migrations import run
from hantar.persons import service as persons
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


async def _upgrade_to(dsn: str, revision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", lambda config, _head: whole(config, revision))
        await run.upgrade(dsn)


OLD = """
INSERT INTO workspaces (id, name, time_zone, created_at)
  VALUES ('00000000-0000-7000-8000-000000000001', 'Old', 'UTC', now());
INSERT INTO devices (workspace_id, id, name, driver, is_linked, state, state_since, per_minute, per_hour, per_day, is_demo,
    created_at, updated_at) VALUES
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'Real', 'linked', true, 'online', now(),
    6000, 200000, 2000000, false, now(), now()),
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000012', 'Shown', 'simulator', true, 'online', now(),
    6000, 200000, 2000000, true, now(), now());
INSERT INTO persons (workspace_id, id, phone, created_at)
  SELECT '00000000-0000-7000-8000-000000000001', gen_random_uuid(), '6012345' || n, now() FROM generate_series(1000, 1099) n;
"""


async def test_a_database_of_the_first_version_comes_along_with_its_data(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices with limits beyond today's are brought within them; people get their alias at the start, once."""
    await _upgrade_to(empty, "0001", monkeypatch)
    owner = await asyncpg.connect(empty)
    await owner.execute(OLD)
    await run.upgrade(empty)
    limits = await owner.fetch("SELECT rules_kind, per_minute, per_hour, per_day, linked_at FROM devices ORDER BY id")
    assert [tuple(row)[:4] for row in limits] == [("linked", 20, 500, 5000), ("demo", 6000, 200000, 2000000)]
    assert all(row["linked_at"] for row in limits)
    await owner.close()
    database = db.Database(empty, key=b"k" * 32)
    assert await persons.backfill(database, page=30) == 100
    assert await persons.backfill(database, page=30) == 0
    async with database.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM person_aliases") == 100
    await database.close()
