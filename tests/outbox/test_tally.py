"""Counters: pending + queued + sent + failed + skipped + unconfirmed = total, always, and the same as counting the rows."""

import asyncio
import random
from typing import Any

import asyncpg
import pytest

from hantar.kit import db
from hantar.outbox import queue, tally, views
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(60)]
MOVES = {
    "planned": ("queued", "cancelled"),
    "queued": ("claimed", "suppressed", "expired"),
    "claimed": ("sent", "failed", "unknown", "queued"),
    "unknown": ("sent", "queued"),
    "sent": ("delivered", "read"),
    "failed": ("queued",),
}
MUTANTS = {
    "updates not counted": "DROP TRIGGER tally_update ON messages",
    "deletes not counted": "DROP TRIGGER tally_delete ON messages",
    "moves counted one way": """CREATE OR REPLACE FUNCTION tally_messages() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' THEN
          INSERT INTO tally_moves (workspace_id, source_id, state, n)
          SELECT workspace_id, source_id, state, count(*) FROM fresh GROUP BY 1, 2, 3;
        END IF;
        RETURN NULL;
      END $$""",
}


async def counted(fleet: Fleet, source: str) -> dict[str, int]:
    """By the rows themselves."""
    states = await fleet.states(source)
    return {state: n for state, n in states.items() if n}


async def told(fleet: Fleet, source: str) -> dict[str, int]:
    """By the counters."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        return (await tally.states(tx, fleet.workspace, [source])).get(source, {})


async def fill(fleet: Fleet, **columns: Any) -> str:
    (device,) = await fleet.add_devices(1)
    source = await fleet.add_source()
    await fleet.enqueue(device, PHONES, source=source, **columns)
    return source


async def walk(fleet: Fleet, source: str, rounds: int, seed: int) -> list[str]:
    """Batches of rows move at random, some are deleted, and somebody folds now and then; returns where counters were wrong."""
    luck, wrong = random.Random(seed), []
    for number in range(rounds):
        rows = await fleet.rows(source)
        batch = luck.sample(rows, min(len(rows), luck.randint(1, 20)))
        by_state: dict[str, list[str]] = {}
        for row in batch:
            if row["state"] in MOVES:
                by_state.setdefault(luck.choice(MOVES[row["state"]]), []).append(row["id"])
        async with fleet.db.transaction(fleet.workspace) as tx:
            for state, ids in by_state.items():
                sql = """UPDATE messages SET state = $2 WHERE id = ANY($1::uuid[])
                         AND (state, $2) IN (SELECT from_state, to_state FROM message_moves)"""
                await tx.execute(sql, ids, state)
            if number % 7 == 6:
                await tx.execute("DELETE FROM messages WHERE id = $1", batch[0]["id"])
        if luck.random() < 0.3:
            async with fleet.db.system() as tx:
                await tally.fold(tx, luck.choice((3, 10_000)))
        rows_say, counters_say = await counted(fleet, source), await told(fleet, source)
        if rows_say != counters_say:
            wrong.append(f"round {number} of seed {seed}: rows {rows_say}, counters {counters_say}")
        async with fleet.db.transaction(fleet.workspace) as tx:
            c = (await views.counts(tx, fleet.workspace, [source]))[source]
        if c.pending + c.queued + c.sent + c.failed + c.skipped + c.unconfirmed != c.total:
            wrong.append(f"round {number} of seed {seed}: {c} does not add up")
    return wrong


async def test_counters_say_what_the_rows_say_after_every_statement(fleet: Fleet) -> None:
    source = await fill(fleet)
    assert await told(fleet, source) == {"queued": 60}
    assert await walk(fleet, source, 40, seed=1) == []
    async with fleet.db.system() as tx:
        while await tally.fold(tx):
            pass
        assert await tx.fetchval("SELECT count(*) FROM tally_moves") == 0
    assert await told(fleet, source) == await counted(fleet, source)


@pytest.mark.parametrize("bug", sorted(MUTANTS))
async def test_a_counter_that_misses_something_is_seen(fleet: Fleet, dsn: str, bug: str) -> None:
    source = await fill(fleet)
    owner = await asyncpg.connect(dsn)
    await owner.execute(MUTANTS[bug])
    await owner.close()
    assert await walk(fleet, source, 10, seed=1)


async def _dies(fleet: Fleet, source: str) -> None:
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE messages SET state = 'claimed' WHERE source_id = $1", source)
        raise ZeroDivisionError


async def test_a_move_that_is_rolled_back_is_not_counted(fleet: Fleet) -> None:
    source = await fill(fleet)
    with pytest.raises(ZeroDivisionError):
        await _dies(fleet, source)
    assert await told(fleet, source) == {"queued": 60}


async def test_two_who_fold_at_once_lose_nothing_and_nobody_waits(fleet: Fleet) -> None:
    source = await fill(fleet)
    await fleet.sql("UPDATE messages SET state = 'claimed' WHERE source_id = $1 RETURNING 1", source)

    async def folds() -> int:
        async with fleet.db.system() as tx:
            count = await tally.fold(tx)
            async with fleet.db.transaction(fleet.workspace) as other:  # a move while somebody folds
                await other.execute("UPDATE messages SET state = 'sent' WHERE source_id = $1 AND state = 'claimed'", source)
            return count

    found = await asyncio.gather(folds(), folds())
    assert sorted(found)[0] == 0 or sum(found) >= 2
    assert await told(fleet, source) == {"sent": 60}


async def test_single_messages_are_counted_nowhere_and_a_deleted_campaign_leaves_nothing(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.enqueue(device, PHONES[:1], kind="direct")
    source = await fleet.add_source()
    await fleet.enqueue(device, PHONES[:5], source=source)
    async with fleet.db.system() as tx:
        await tally.fold(tx)
    await fleet.sql("UPDATE messages SET state = 'cancelled' WHERE source_id = $1 RETURNING 1", source)
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert await queue.delete_source(tx, fleet.workspace, source) == 5
        assert await tx.fetchval("SELECT (SELECT count(*) FROM tallies) + (SELECT count(*) FROM tally_moves)") == 0


async def test_counters_stay_behind_the_wall(fleet: Fleet, mallory: Any) -> None:
    source = await fill(fleet)
    async with fleet.db.system() as tx:
        await tally.fold(tx)
    async with fleet.db.transaction(mallory.workspace_id) as tx:
        assert await tally.states(tx, fleet.workspace, [source]) == {}
        assert await tx.fetchval("SELECT count(*) FROM tallies") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with fleet.db.transaction(mallory.workspace_id) as tx:
            await _forge(tx, fleet.workspace, source)


async def _forge(tx: db.Tx, workspace: str, source: str) -> None:
    sql = "INSERT INTO tally_moves (workspace_id, source_id, state, n) VALUES ($1, $2, 'sent', 1000)"
    await tx.execute(sql, workspace, source)
