"""Erasing people whose names move meanwhile: merged before the erasure is done, or back with a name that was erased."""

import asyncpg
import pytest

from hantar.inbox import service as inbox
from hantar.kit import ids
from hantar.people import erasure, store
from hantar.persons import service as persons
from tests import fleet

ANN, BEN, LID = "60123450001", "60123450002", "77001122334455@lid"


@pytest.fixture
async def world(database, fake_clock, bus, alice):
    made = fleet.Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()


def new_eraser(world) -> erasure.Eraser:
    return erasure.Eraser(world.db, {"simulator": world.driver}, world.bus)


async def names(world) -> list[str | None]:
    rows = await world.sql("SELECT phone FROM persons WHERE erased_at IS NULL ORDER BY phone")
    return [row["phone"] for row in rows]


@pytest.mark.parametrize("when", ["before it begins", "while the gateway forgets"])
async def test_who_is_merged_before_the_erasure_is_done_is_erased_all_the_same(world, monkeypatch, when):
    ann, ben = await world.person(ANN), await world.person(BEN)
    async with world.db.transaction(world.workspace) as tx:
        await erasure.ask(tx, world.workspace, ben, None)
    asked = []

    async def merge(names=(), device_ids=()):
        asked.append(set(names))
        if len(asked) == 1:
            async with world.db.transaction(world.workspace) as tx:
                await inbox.merge(tx, world.workspace, ann, ben)

    if when == "before it begins":
        await merge()
    monkeypatch.setattr(world.driver, "forget_people", merge)
    assert await new_eraser(world).work() == 1
    assert asked[-1] == {ANN, BEN}, "the gateway forgets every name"
    assert await names(world) == []
    assert await world.sql("SELECT 1 FROM person_aliases") == []
    (job,) = await world.sql("SELECT status, result FROM jobs")
    assert (job["status"], job["result"]["person_id"]) == ("done", ann)


async def test_an_order_whose_person_is_gone_altogether_ends(world):
    ann = await world.person(ANN)
    async with world.db.transaction(world.workspace) as tx:
        await erasure.ask(tx, world.workspace, ann, None)
        await tx.execute("DELETE FROM person_aliases")
    owner = await asyncpg.connect(world.db.dsn)
    await owner.execute("DELETE FROM persons")  # as when the demo goes, with everybody it made up
    await owner.close()
    assert await new_eraser(world).work() == 1
    assert [row["status"] for row in await world.sql("SELECT status FROM jobs")] == ["done"]


async def test_who_comes_back_after_an_erasure_stays_although_they_are_linked_to_an_older_entry(world):
    """Erased, back by their own wish with the same number, then known to be somebody who had written by an opaque id before."""
    async with world.db.transaction(world.workspace) as tx:
        older = await persons.at_opaque(tx, world.workspace, LID)
    erased = await world.person(ANN)
    await world.clock.advance(60)
    async with world.db.transaction(world.workspace) as tx:
        await erasure.ask(tx, world.workspace, erased, None)
    assert await new_eraser(world).work() == 1
    await world.clock.advance(60)
    back = await world.person(ANN)
    assert back not in (erased, older)
    async with world.db.transaction(world.workspace) as tx:
        await inbox.merge(tx, world.workspace, back, older)
    again = new_eraser(world)
    await again.replay()
    assert await again.work() == 0
    assert await names(world) == [ANN]


async def test_a_backup_from_before_aliases_is_erased_again_too(world):
    """The alias of a restored person is made at the start; it counts from when the person was known."""
    ann = await world.person(ANN)
    async with world.db.transaction(world.workspace) as tx:
        keys = await persons.keys(tx, ann)
        await tx.execute("DELETE FROM person_aliases")
    await world.clock.advance(60)
    async with world.db.transaction(world.workspace) as tx:
        await store.note_erasure(tx, world.workspace, ids.new_id(), keys, None, await tx.now())
    await world.clock.advance(60)
    assert await persons.backfill(world.db) == 1
    again = new_eraser(world)
    await again.replay()
    assert await again.work() == 1
    assert await names(world) == []
