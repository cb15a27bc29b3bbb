"""The table of moves: here, in the database's guard, and what the guard refuses."""

import asyncpg
import pytest

from hantar.accounts.model import Caller
from hantar.kit import db
from hantar.outbox import model
from tests.fleet import Fleet

S = model.MessageState


async def test_the_database_holds_the_same_moves(database: db.Database) -> None:
    async with database.system() as tx:
        rows = await tx.fetch("SELECT from_state, to_state FROM message_moves")
    stored = {(row["from_state"], row["to_state"]) for row in rows}
    ours = {(a.value, b.value) for a, targets in model.MOVES.items() for b in targets} | {("", s.value) for s in model.STARTS}
    assert stored == ours


def test_every_state_has_its_public_word_and_its_moves() -> None:
    assert set(model.STATUS) == set(S) == set(model.MOVES)
    assert {word.value for word in model.STATUS.values()} == {word.value for word in model.MessageStatus}


@pytest.mark.parametrize("word", [s.value for s in S] + [s.value for s in model.MessageStatus])
def test_a_filter_takes_either_kind_of_word(word: str) -> None:
    assert model.states_of(word)


def test_an_unknown_word_finds_nothing() -> None:
    assert model.states_of("flown") == []


async def _one_message(fleet: Fleet) -> str:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001"])
    await fleet.launch()
    return str((await fleet.rows())[0]["id"])


async def test_the_guard_refuses_every_move_that_is_not_listed(fleet: Fleet) -> None:
    message = await _one_message(fleet)
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE messages SET state = 'claimed' WHERE id = $1", message)
        await tx.execute("UPDATE messages SET state = 'read' WHERE id = $1", message)
    for state in S:
        if state is S.READ:
            continue
        with pytest.raises(asyncpg.CheckViolationError, match="may not move from read"):
            async with fleet.db.system() as tx:
                await tx.execute("UPDATE messages SET state = $2 WHERE id = $1", message, state.value)


async def test_without_the_guard_a_wrong_move_would_pass(fleet: Fleet, server: str, dsn: str) -> None:
    """The mutant of I-01: with the trigger dropped the same update goes through, so the guard is what stops it."""
    message = await _one_message(fleet)
    owner = await asyncpg.connect(dsn)
    await owner.execute("DROP TRIGGER guard_update ON messages")
    await owner.close()
    async with fleet.db.system() as tx:
        assert await tx.execute("UPDATE messages SET state = 'read' WHERE id = $1", message) == 1


async def test_a_message_leaves_only_by_a_device_of_its_workspace(fleet: Fleet, mallory: Caller) -> None:
    """I-08: the composite foreign key refuses a foreign device."""
    message = await _one_message(fleet)
    theirs = Fleet(fleet.db, fleet.clock, fleet.bus, mallory.workspace_id)
    await theirs.start()
    (device,) = await theirs.add_devices(1)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with fleet.db.system() as tx:
            await tx.execute("UPDATE messages SET device_id = $2 WHERE id = $1", message, device)
    await theirs.close()


async def test_nobody_is_written_twice_by_one_campaign_whatever_the_device(fleet: Fleet) -> None:
    """The key is workspace, source, step and person; the device is no part of it (reliability: contract 6)."""
    first, second = await fleet.add_devices(2)
    await fleet.add_leads(first, ["60123450001"])
    await fleet.add_leads(second, ["60123450001"])
    campaign = await fleet.launch()
    assert len(await fleet.rows(campaign)) == 1
