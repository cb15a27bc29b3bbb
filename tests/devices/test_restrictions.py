"""Which refusals are WhatsApp's word about a number, and which are faults of the set-up that leave no mark."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hantar.accounts.model import Caller
from hantar.audit.service import Actor
from hantar.campaigns import judge
from hantar.devices import health, model, restrictions, service, store, together, words
from hantar.gateways import port
from hantar.gateways.cloud import codes
from hantar.kit import db, ids
from tests.devices.stage import Stage
from tests.devices.test_keeper import online
from tests.devices.test_model import NOW, device, event

S = port.DeviceState
ABOUT_THE_NUMBER = {"banned", "policy", "locked"}
BOB = Actor(None, "Bob")


def test_every_reason_that_drivers_give_is_one_or_the_other() -> None:
    given = {each.why for each in codes.MEANINGS.values() if isinstance(each, codes.Lose)}
    assert given | {"banned", "no_credentials", "quarantined"} == ABOUT_THE_NUMBER | set(restrictions.SETUP_FAULTS)
    assert not ABOUT_THE_NUMBER & set(restrictions.SETUP_FAULTS)
    assert set(judge.RESTRICTIONS) == set(restrictions.STATES)


@pytest.mark.parametrize("why", restrictions.SETUP_FAULTS)
def test_a_fault_of_the_set_up_says_what_to_do(why: str) -> None:
    assert words.of(S.REFUSED, why) != words.of(S.REFUSED, None)
    assert words.advice(S.REFUSED, why) != words.advice(S.REFUSED)


async def test_the_database_judges_alike(database: db.Database) -> None:
    reasons = [None, "token_x", *ABOUT_THE_NUMBER, *restrictions.SETUP_FAULTS]
    pairs = [(state.value, reason) for state in S for reason in reasons]
    sql = f"SELECT {restrictions.sql('x.state', 'x.reason')} FROM unnest($1::text[], $2::text[]) AS x (state, reason)"
    async with database.system() as tx:
        rows = await tx.fetch(sql, [each for each, _ in pairs], [each for _, each in pairs])
    assert [row[0] for row in rows] == [restrictions.is_one(*each) for each in pairs]


def test_a_lock_outlives_a_fault_of_the_set_up() -> None:
    locked = model.after(device(S.ONLINE), event(port.ReachOutLocked), NOW)
    assert locked is not None
    ended = model.after(locked.device, event(port.Refused, why="token"), NOW)
    assert ended is not None
    assert (ended.device.state, ended.device.hold_until) == (S.REFUSED, locked.device.hold_until)
    back = model.after(replace(ended.device, wanted=model.Wanted.CONNECTED), event(port.Connected), NOW)
    assert back is not None
    assert back.device.state is S.RESTRICTED
    banned = model.after(device(S.ONLINE), event(port.TemporaryBan), NOW)
    assert banned is not None
    assert model.after(banned.device, event(port.Refused, why="quarantined"), NOW) is None, "the ban stands"
    assert model.after(banned.device, event(port.Refused, why="banned"), NOW) is not None


@pytest.mark.parametrize("why", ["token", "quarantined", "banned"])
async def test_only_a_restriction_leaves_a_mark(database: db.Database, stage: Stage, alice: Caller, why: str) -> None:
    """In health, in what a resume asks for, and among those that a word for all leaves out."""
    made = await online(stage, database, alice)
    await stage.keeper.take(port.Refused(device_id=made, event_id=ids.new_id(), at=stage.time.now(), why=why))
    is_one = why == "banned"
    async with database.transaction(alice.workspace_id) as tx:
        found = await service.find(tx, made)
        assert (found.state, found.state_reason) == (S.REFUSED, why)
        told = await health.of(tx, made, {})
        await service.pause_by_hand(tx, made, BOB, None)
        going, left = await together.look(tx, found.workspace_id)
    assert (told.restriction_at is not None) is is_one
    assert {each.name: each.ok for each in told.checks}["Free of restrictions"] is not is_one
    assert (going, [each.reason for each in left]) == (([], ["restriction"]) if is_one else ([made], []))


async def test_mutant_a_missing_token_marks_the_number(
    database: db.Database, stage: Stage, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restrictions, "SETUP_FAULTS", ("nothing of ours",))
    made = await online(stage, database, alice)
    await stage.keeper.take(port.Refused(device_id=made, event_id=ids.new_id(), at=stage.time.now(), why="no_credentials"))
    async with database.system() as tx:
        since = stage.time.now() - timedelta(hours=1)
        assert await store.last_restriction(tx, model.DeviceId(made), since) is not None, "the mutant lives"
