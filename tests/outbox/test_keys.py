"""What messages and chats point at is there, although no foreign key says so (docs/decisions/0009-keys-by-sets.md).

Each case is tried with two transactions that meet, in both orders; the mutants take one half of the promise away.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from hantar.accounts.model import Caller
from hantar.inbox import model, store as inbox
from hantar.kit import db, ids
from hantar.persons.model import PersonId
from tests.failpoints import running
from tests.fleet import Fleet

KINDS = ("persons", "leads", "devices", "contents")
KEYS = {"persons": "person_id", "leads": "lead_id", "devices": "device_id", "contents": "content_id"}
PHONE = "60123450001"
PATIENCE = 20.0
"""Seconds a test waits for a lock of the database before it fails."""


async def orphans(fleet: Fleet) -> int:
    """Messages and chats that point at nothing."""
    gone = " OR ".join(
        f"(m.{key} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} x WHERE (x.workspace_id, x.id) = (m.workspace_id, m.{key})))"
        for table, key in KEYS.items()
    )
    chats = """NOT EXISTS (SELECT 1 FROM devices x WHERE (x.workspace_id, x.id) = (c.workspace_id, c.device_id))
      OR NOT EXISTS (SELECT 1 FROM persons x WHERE (x.workspace_id, x.id) = (c.workspace_id, c.person_id))"""
    async with fleet.db.transaction(fleet.workspace) as tx:
        lost: int = await tx.fetchval(f"SELECT count(*) FROM messages m WHERE {gone}")
        return lost + int(await tx.fetchval(f"SELECT count(*) FROM chats c WHERE {chats}"))


async def world(fleet: Fleet) -> dict[str, Any]:
    """A message's columns; the device of its lead is another one, so that each row can go alone."""
    device, other = await fleet.add_devices(2)
    (lead,) = await fleet.add_leads(other, [PHONE])
    (sent,) = await fleet.enqueue(device, ["60123450002"])
    (row,) = await fleet.sql("SELECT content_id FROM messages WHERE id = $1", sent)
    await fleet.sql("DELETE FROM messages RETURNING id")
    person = PersonId(ids.new_id())
    await fleet.sql(
        "INSERT INTO persons (workspace_id, id, phone, created_at) VALUES ($1, $2, '60123450003', now()) RETURNING id",
        fleet.workspace,
        person,
    )
    return {"person_id": person, "lead_id": lead, "device_id": device, "content_id": row["content_id"]}


async def write(tx: db.Tx, fleet: Fleet, row: dict[str, Any]) -> None:
    """One message, queued."""
    fields = {"workspace_id": fleet.workspace, "id": ids.new_id(), "source_id": ids.new_id(), **row}
    marks = ", ".join(f"${n}" for n in range(1, len(fields) + 1))
    sql = f"""INSERT INTO messages ({", ".join(fields)}, kind, phone, state, priority, not_before, expires_at, created_at)
              VALUES ({marks}, 'campaign', '1', 'queued', 5, now(), now() + interval '1 day', now())"""
    await tx.execute(sql, *fields.values())


async def blocked(dsn: str, task: asyncio.Task[Any]) -> None:
    """Return when that task's statement waits for a lock; fails when it ended, or never waits."""
    watching = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(PATIENCE):
            sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            while not await watching.fetchval(sql):
                assert not task.done(), "nobody waited"
                await asyncio.sleep(0.01)
    finally:
        await watching.close()


async def meet(
    fleet: Fleet, dsn: str, first: Callable[[db.Tx], Awaitable[None]], second: Callable[[db.Tx], Awaitable[None]]
) -> None:
    """The second begins before the first commits, waits for it, and ends as it may."""

    async def later() -> None:
        with contextlib.suppress(asyncpg.ForeignKeyViolationError):
            async with fleet.db.transaction(fleet.workspace) as tx:
                await second(tx)

    async with fleet.db.transaction(fleet.workspace) as tx:
        await first(tx)
        task = asyncio.create_task(later())
        await blocked(dsn, task)
    await asyncio.wait_for(task, PATIENCE)


async def test_a_message_names_only_what_is_there(fleet: Fleet, mallory: Caller) -> None:
    """Neither what nobody knows nor (I-08) what another workspace has, for whoever sees all workspaces as well."""
    theirs = Fleet(fleet.db, fleet.clock, fleet.bus, mallory.workspace_id)
    await theirs.start()
    foreign, row = await world(theirs), await world(fleet)
    async with fleet.db.system() as tx:
        await write(tx, fleet, row)
    for key in KEYS.values():
        for wrong in (ids.new_id(), foreign[key]):
            with pytest.raises(asyncpg.ForeignKeyViolationError, match="not there"):
                await _write_alone(fleet, row | {key: wrong})
            with pytest.raises(asyncpg.ForeignKeyViolationError, match="not there"):
                await fleet.sql(f"UPDATE messages SET {key} = $1 RETURNING id", wrong)
    await theirs.close()


async def _write_alone(fleet: Fleet, row: dict[str, Any]) -> None:
    async with fleet.db.system() as tx:
        await write(tx, fleet, row)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("writer_first", [True, False])
async def test_two_that_meet_leave_no_orphan(fleet: Fleet, dsn: str, kind: str, writer_first: bool) -> None:
    row = await world(fleet)

    async def writes(tx: db.Tx) -> None:
        await write(tx, fleet, row)

    async def deletes(tx: db.Tx) -> None:
        await tx.execute(f"DELETE FROM {kind} WHERE id = $1", row[KEYS[kind]])

    await meet(fleet, dsn, *((writes, deletes) if writer_first else (deletes, writes)))
    left = await fleet.sql(f"SELECT {KEYS[kind]} AS key FROM messages")
    stays = await fleet.sql(f"SELECT 1 FROM {kind} WHERE id = $1", row[KEYS[kind]])
    assert await orphans(fleet) == 0
    if not writer_first:
        assert (left, stays) == ([], [])
    elif kind in ("persons", "contents"):
        assert len(left) == len(stays) == 1
    else:
        assert (left, stays) == ([{"key": None}] if kind == "leads" else [], [])


async def unlock(owner: asyncpg.Connection) -> None:
    """The same question without holding what is found."""
    body: str = await owner.fetchval("SELECT pg_get_functiondef('refer_messages'::regproc)")
    for words in (" FOR KEY SHARE OF p", " FOR KEY SHARE OF l", " FOR KEY SHARE"):
        body = body.replace(words, "")
    await owner.execute(body)


@pytest.mark.parametrize("mutant", ["nobody asks who writes", "nothing is held", "nobody asks who deletes"])
async def test_without_a_part_of_it_there_are_orphans(fleet: Fleet, dsn: str, mutant: str) -> None:
    row = await world(fleet)
    gone = "DELETE FROM persons WHERE id = $1"
    owner = await asyncpg.connect(dsn)
    if mutant == "nothing is held":
        await unlock(owner)
        async with fleet.db.transaction(fleet.workspace) as tx, asyncio.timeout(PATIENCE):
            await write(tx, fleet, row)
            async with fleet.db.transaction(fleet.workspace) as other:
                await other.execute(gone, row["person_id"])
    else:
        asked = "refer_insert ON messages" if mutant == "nobody asks who writes" else "leave_messages ON persons"
        await owner.execute(f"DROP TRIGGER {asked}")
        async with fleet.db.transaction(fleet.workspace) as tx:
            if "refer" in asked:
                row["person_id"] = ids.new_id()
            await write(tx, fleet, row)
            await tx.execute(gone, row["person_id"])
    await owner.close()
    assert await orphans(fleet) == 1


async def test_what_is_pointed_at_keeps_its_id(fleet: Fleet) -> None:
    row = await world(fleet)
    for kind, key in KEYS.items():
        with pytest.raises((asyncpg.ForeignKeyViolationError, asyncpg.InsufficientPrivilegeError)):
            async with fleet.db.transaction(fleet.workspace) as tx:
                await tx.execute(f"UPDATE {kind} SET id = $2 WHERE id = $1", row[key], ids.new_id())


async def test_nothing_is_deleted_by_an_old_view_of_what_is_there(fleet: Fleet, dsn: str) -> None:
    """A transaction that sees no later commit would not see a message written meanwhile."""
    row = await world(fleet)
    owner = await asyncpg.connect(dsn)
    async with owner.transaction(isolation="repeatable_read"):
        with pytest.raises(asyncpg.PostgresError, match="READ COMMITTED"):
            await owner.execute("DELETE FROM persons WHERE id = $1", row["person_id"])
    await owner.close()


# ---------------------------------------------------------------- chats
def place_of(fleet: Fleet, row: dict[str, Any]) -> model.Place:
    """The device that hears something."""
    return model.Place(fleet.workspace, row["device_id"], "simulator", None, None)


async def test_a_device_deleted_while_it_claims_leaves_no_chat(fleet: Fleet, dsn: str) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.enqueue(device, [PHONE])

    async def delete() -> None:
        async with fleet.db.transaction(fleet.workspace) as tx:
            await tx.execute("DELETE FROM devices WHERE id = $1", device)

    async with running(fleet) as at_work:
        at_work.db.slow["claim"] = 5.0
        await at_work.until(lambda: at_work.db.is_held, 30)
        task = asyncio.create_task(delete())
        await blocked(dsn, task)
        await at_work.run(6)
        await asyncio.wait_for(task, PATIENCE)
        assert at_work.db.done["claim"] == 1
    assert await fleet.sql("SELECT 1 FROM messages") == await fleet.sql("SELECT 1 FROM chats") == []


@pytest.mark.parametrize("writer", ["wrote", "was written", "merged"])
@pytest.mark.parametrize("writer_first", [True, False])
async def test_a_device_deleted_while_people_write_leaves_no_chat(
    fleet: Fleet, dsn: str, writer: str, writer_first: bool
) -> None:
    row = await world(fleet)
    place, person = place_of(fleet, row), row["person_id"]
    async with fleet.db.transaction(fleet.workspace) as tx:
        kept, now = PersonId(await fleet.person("60123450009")), await tx.now()
        if writer == "merged":
            await inbox.wrote(tx, place, person, now)

    async def writes(tx: db.Tx) -> None:
        if writer == "merged":
            await inbox.move(tx, kept, person, now)
        elif writer == "wrote":
            await inbox.wrote(tx, place, person, now)
        else:
            await inbox.was_written(tx, place, person, now)

    async def deletes(tx: db.Tx) -> None:
        await tx.execute("DELETE FROM devices WHERE id = $1", place.device_id)

    await meet(fleet, dsn, *((writes, deletes) if writer_first else (deletes, writes)))
    assert await fleet.sql("SELECT 1 FROM chats") == []


async def test_a_person_goes_with_their_chats(fleet: Fleet) -> None:
    row = await world(fleet)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await inbox.wrote(tx, place_of(fleet, row), row["person_id"], await tx.now())
        await tx.execute("DELETE FROM persons WHERE id = $1", row["person_id"])
    assert await fleet.sql("SELECT 1 FROM chats") == []
