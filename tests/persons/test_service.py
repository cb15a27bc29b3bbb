"""Who is behind a number: spellings of one line, two who make the same person at once, persons from before aliases."""

import asyncio

import pytest

from hantar.accounts.model import Caller
from hantar.consent import model as consent, service as consents
from hantar.kit import db, ids, phone
from hantar.persons import model, service
from hantar.persons.model import Alias, AliasKind, PersonId

NUMBER = "60123456789"


async def at(database: db.Database, caller: Caller, number: str) -> PersonId:
    """The person behind a number as somebody wrote it."""
    async with database.transaction(caller.workspace_id) as tx:
        return await service.at_phone(tx, caller.workspace_id, phone.parse(number).key)


# ---------------------------------------------------------------- one person
@pytest.mark.parametrize(
    "spellings",
    [
        ("+52 1 55 1234 5678", "+52 55 1234 5678", "5215512345678"),
        ("+55 11 91234-5678", "+55 11 91234 5678", "5511912345678"),
        ("+55 11 6123 4567", "+55 11 96123 4567"),
        ("+54 9 11 2345-6789", "+54 11 2345-6789", "5491123456789"),
    ],
    ids=["Mexico", "Brazil", "Brazil without the ninth digit", "Argentina"],
)
async def test_spellings_of_one_line_are_one_person(database: db.Database, alice: Caller, spellings: tuple[str, ...]) -> None:
    people = {await at(database, alice, each) for each in spellings}
    assert len(people) == 1
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM persons") == 1
        assert await tx.fetchval("SELECT count(*) FROM person_aliases") == 1


async def test_an_opt_out_by_one_spelling_counts_for_the_other(database: db.Database, alice: Caller) -> None:
    who = await at(database, alice, "+5215512345678")
    async with database.transaction(alice.workspace_id) as tx:
        stop = consent.OptOut(consent.OptOutReason.STOP, consent.OptOutSource.KEYWORD)
        await consents.opt_out(tx, alice.workspace_id, who, stop)
    other = await at(database, alice, "+525512345678")
    async with database.transaction(alice.workspace_id) as tx:
        assert await consents.is_opted_out(tx, alice.workspace_id, other)


async def test_a_person_comes_with_alias_hash_and_zones(database: db.Database, alice: Caller) -> None:
    who = await at(database, alice, NUMBER)
    async with database.transaction(alice.workspace_id) as tx:
        found = await service.find(tx, who)
        assert await service.keys(tx, who) == [tx.fingerprint("phone", NUMBER)]
    assert (found.phone, found.zones, found.erased_at) == (NUMBER, ("Asia/Kuching",), None)
    assert found.aliases == (Alias(AliasKind.PHONE, NUMBER),)


async def test_an_opaque_id_is_a_person_without_a_number(database: db.Database, alice: Caller) -> None:
    async with database.transaction(alice.workspace_id) as tx:
        who = await service.at_opaque(tx, alice.workspace_id, "123456789@lid")
        assert await service.at_opaque(tx, alice.workspace_id, "123456789@lid") == who
        found = await service.find(tx, who)
    assert (found.phone, found.zones) == (None, ())
    assert found.aliases == (Alias(AliasKind.LID, "123456789@lid"),)


async def test_an_opaque_id_that_looks_like_a_number_is_none(database: db.Database, alice: Caller) -> None:
    number = await at(database, alice, NUMBER)
    async with database.transaction(alice.workspace_id) as tx:
        assert await service.at_opaque(tx, alice.workspace_id, NUMBER) != number


async def test_a_name_belongs_to_one_person(database: db.Database, alice: Caller) -> None:
    one, other = await at(database, alice, NUMBER), await at(database, alice, "60123456780")
    lid = Alias(AliasKind.LID, "1@lid")
    async with database.transaction(alice.workspace_id) as tx:
        assert await service.add_alias(tx, alice.workspace_id, one, lid)
        assert not await service.add_alias(tx, alice.workspace_id, other, lid)
        assert not await service.add_alias(tx, alice.workspace_id, one, lid)
        assert await service.at_alias(tx, lid) == one
        assert not await service.add_phone(tx, alice.workspace_id, other, NUMBER)


async def test_a_number_learned_later(database: db.Database, alice: Caller) -> None:
    async with database.transaction(alice.workspace_id) as tx:
        who = await service.at_opaque(tx, alice.workspace_id, "1@lid")
        assert await service.add_phone(tx, alice.workspace_id, who, NUMBER)
        assert await service.at_phone(tx, alice.workspace_id, NUMBER) == who
        found = await service.find(tx, who)
    assert (found.phone, found.zones) == (NUMBER, ("Asia/Kuching",))


async def test_each_workspace_has_persons_of_its_own(database: db.Database, alice: Caller, mallory: Caller) -> None:
    hers, theirs = await at(database, alice, NUMBER), await at(database, mallory, NUMBER)
    assert hers != theirs
    async with database.transaction(mallory.workspace_id) as tx:
        with pytest.raises(model.PersonNotFound):
            await service.find(tx, hers)
        assert await service.keys(tx, hers) == []
        assert await service.keys(tx, theirs) == [tx.fingerprint("phone", NUMBER)], "opt-outs for everybody rest on this"


async def test_nobody_is_not_found(database: db.Database, alice: Caller) -> None:
    async with database.transaction(alice.workspace_id) as tx:
        with pytest.raises(model.PersonNotFound):
            await service.find(tx, ids.new_id())


# ---------------------------------------------------------------- two at once
@pytest.mark.parametrize("gives_up", [False, True], ids=["the first commits", "the first gives up"])
@pytest.mark.parametrize("kind", ["phone", "opaque"])
async def test_two_transactions_make_one_person(database: db.Database, alice: Caller, kind: str, gives_up: bool) -> None:
    """The second waits inside its statement until the first has ended either way."""
    made, may_end = asyncio.Event(), asyncio.Event()

    async def make(tx: db.Tx) -> PersonId:
        if kind == "phone":
            return await service.at_phone(tx, alice.workspace_id, NUMBER)
        return await service.at_opaque(tx, alice.workspace_id, "1@lid")

    async def first() -> PersonId | None:
        try:
            async with database.transaction(alice.workspace_id) as tx:
                found = await make(tx)
                made.set()
                await asyncio.wait_for(may_end.wait(), 20)
                if gives_up:
                    raise LookupError
        except LookupError:
            return None
        return found

    async def second() -> PersonId:
        await asyncio.wait_for(made.wait(), 20)
        async with database.transaction(alice.workspace_id) as tx:
            return await make(tx)

    async def let_go() -> None:
        await asyncio.wait_for(made.wait(), 20)
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
        for _ in range(2_000):  # until the second stands and waits
            async with database.system() as tx:
                if await tx.fetchval(waits):
                    break
        else:
            pytest.fail("nobody waited")
        may_end.set()

    one, other, _ = await asyncio.wait_for(asyncio.gather(first(), second(), let_go()), 60)
    async with database.transaction(alice.workspace_id) as tx:
        rows = await tx.fetch("SELECT id FROM persons")
        names = await tx.fetch("SELECT person_id FROM person_aliases")
    assert [row["id"] for row in rows] == [other]
    assert [row["person_id"] for row in names] == [other]
    assert one == (None if gives_up else other)


async def test_many_make_many_people_once(database: db.Database, alice: Caller) -> None:
    numbers = [f"6012345{n:04d}" for n in range(12)]

    async def make(start: int) -> list[PersonId]:
        found = []
        for each in range(len(numbers)):
            async with database.transaction(alice.workspace_id) as tx:
                found.append(await service.at_phone(tx, alice.workspace_id, numbers[(start + each) % len(numbers)]))
        return found

    made = await asyncio.wait_for(asyncio.gather(*(make(start) for start in range(5))), 60)
    assert len({each for found in made for each in found}) == len(numbers)


# ---------------------------------------------------------------- persons from before
async def old_person(database: db.Database, caller: Caller, number: str) -> str:
    """A person as the first version stored it: no alias, no zones."""
    made = ids.new_id()
    async with database.transaction(caller.workspace_id) as tx:
        sql = "INSERT INTO persons (workspace_id, id, phone, created_at) VALUES ($1, $2, $3, now())"
        await tx.execute(sql, caller.workspace_id, made, number)
    return made


async def test_backfill_names_persons_of_all_workspaces(database: db.Database, alice: Caller, mallory: Caller) -> None:
    old = [(caller, await old_person(database, caller, f"6281234567{n:02d}")) for caller in (alice, mallory) for n in range(7)]
    new = await at(database, alice, NUMBER)
    assert await service.backfill(database, page=3) == 14
    for caller, who in old:
        async with database.transaction(caller.workspace_id) as tx:
            found = await service.find(tx, who)
            assert found.phone is not None
            assert found.aliases == (Alias(AliasKind.PHONE, found.phone),)
            assert found.zones == ("Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar")
            assert await service.keys(tx, PersonId(who)) == [tx.fingerprint("phone", found.phone)]
    async with database.transaction(alice.workspace_id) as tx:
        assert (await service.find(tx, new)).zones == ("Asia/Kuching",)
    assert await service.backfill(database) == 0


async def test_backfill_leaves_people_without_a_number_alone(database: db.Database, alice: Caller) -> None:
    async with database.transaction(alice.workspace_id) as tx:
        await service.at_opaque(tx, alice.workspace_id, "1@lid")
        await tx.execute(
            "INSERT INTO persons (workspace_id, id, created_at, erased_at) VALUES ($1, $2, now(), now())",
            alice.workspace_id,
            ids.new_id(),
        )
    assert await service.backfill(database) == 0


async def test_a_number_whose_person_has_no_alias_yet_is_the_same_person(database: db.Database, alice: Caller) -> None:
    old = await old_person(database, alice, NUMBER)
    assert await at(database, alice, NUMBER) == old
    assert await service.backfill(database) == 0


async def test_backfill_ends_when_a_name_is_taken(database: db.Database, alice: Caller) -> None:
    """The number is an alias of somebody else already (merged by hand): it goes round no more than once."""
    kept = await at(database, alice, "60123456780")
    async with database.transaction(alice.workspace_id) as tx:
        await service.add_alias(tx, alice.workspace_id, kept, Alias(AliasKind.PHONE, NUMBER))
    await old_person(database, alice, NUMBER)
    await asyncio.wait_for(service.backfill(database, page=1), 20)
