"""Names of one person: linked, merged, and the stricter side wins."""

from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.consent import model as consents, service as consent
from hantar.inbox import model, receiver, service
from hantar.kit import clock, db
from hantar.kit.ids import new_id
from hantar.outbox import service as outbox
from hantar.persons import model as person_model, service as persons
from hantar.persons.model import Alias, AliasKind, PersonId
from tests.fleet import Fleet
from tests.inbox.stage import ANN, BEN, LID, add_device, ask, linked, said


async def at_phone(database: db.Database, caller: Caller, number: str) -> PersonId:
    async with database.transaction(caller.workspace_id) as tx:
        return await persons.at_phone(tx, caller.workspace_id, number)


async def is_out(database: db.Database, caller: Caller, who: PersonId) -> bool:
    async with database.transaction(caller.workspace_id) as tx:
        return await consent.is_opted_out(tx, caller.workspace_id, who)


async def merge(database: db.Database, caller: Caller, kept: PersonId, gone: PersonId) -> None:
    async with database.transaction(caller.workspace_id) as tx:
        await service.merge(tx, caller.workspace_id, kept, gone)


async def aliases(database: db.Database, caller: Caller) -> set[tuple[str, str]]:
    return {(row["kind"], row["value"]) for row in await ask(database, caller, "SELECT kind, value FROM person_aliases")}


# ---------------------------------------------------------------- without a number
async def test_a_stop_without_a_number_is_confirmed_and_binds_the_number_once_it_is_known(fleet: Fleet) -> None:
    """The sender is an opaque id alone; the confirmation goes there, and what the link brings out later stops too."""
    one, other = await fleet.add_devices(2)
    await fleet.add_leads(one, [ANN])
    await fleet.launch(min_delay_seconds=0, max_delay_seconds=0)
    await fleet.run(5)
    await fleet.add_leads(other, [ANN])
    await fleet.says(one, "STOP", ANN, lid=LID)
    (nobody,) = await fleet_ask(fleet, "SELECT phone FROM persons WHERE phone IS NULL")
    assert nobody["phone"] is None
    await fleet.run(2)
    sent = [line for line in fleet.book.lines() if line["effect"] == "sent"]
    assert [line["to"] for line in sent] == [ANN, LID]
    (confirmation,) = [row for row in await fleet.rows() if row["duty"]]
    assert confirmation["phone"] == "", "an opaque id is never kept as a number"
    await fleet.clock.advance(10)  # the service says whose id it was
    await fleet.heard()
    (ann,) = await fleet_ask(fleet, "SELECT id, phone FROM persons")
    assert ann["phone"] == ANN
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert await consent.is_opted_out(tx, fleet.workspace, ann["id"])
    await fleet.launch(title="Second", min_delay_seconds=0, max_delay_seconds=0)
    await fleet.run(60)
    assert len([line for line in fleet.book.lines() if line["effect"] == "sent"]) == 2, "nothing more"


async def fleet_ask(fleet: Fleet, sql: str) -> list[dict[str, Any]]:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return [dict(row) for row in await tx.fetch(sql)]


@pytest.mark.parametrize("order", ["stop first", "link first", "lead first"])
async def test_whichever_comes_first_the_number_is_bound(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller, order: str
) -> None:
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    stop, link = said(device, "STOP", fake_clock.now(), phone=None, lid=LID), linked(device, fake_clock.now())
    if order == "lead first":
        await at_phone(database, alice, ANN)
    for event in (link, stop) if order == "link first" else (stop, link):
        await taker.take(event)
    ann = await at_phone(database, alice, ANN)
    assert await is_out(database, alice, ann)
    assert await aliases(database, alice) == {("phone", ANN), ("lid", LID)}
    (kept,) = await ask(database, alice, "SELECT id, zones FROM persons")
    assert kept["zones"], "the number's zones are known for its quiet hours"


async def test_both_names_in_one_message_are_one_person(
    database: db.Database, fake_clock: clock.FakeClock, alice: Caller
) -> None:
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    await taker.take(said(device, "Hi", fake_clock.now(), phone=None, lid=LID))
    await taker.take(said(device, "Hello", fake_clock.now(), phone=ANN))
    await taker.take(said(device, "STOP", fake_clock.now(), phone=ANN, lid=LID))
    assert len(await ask(database, alice, "SELECT 1 FROM persons")) == 1
    assert len(await ask(database, alice, "SELECT 1 FROM inbound_messages")) == 3


async def test_spellings_of_a_number_are_one_person(database: db.Database, fake_clock: clock.FakeClock, alice: Caller) -> None:
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    await taker.take(said(device, "STOP", fake_clock.now(), phone="551187654321"))
    assert await is_out(database, alice, await at_phone(database, alice, "5511987654321"))
    (row,) = await ask(database, alice, "SELECT phone FROM messages WHERE duty IS NOT NULL")
    assert row["phone"] == "551187654321", "the answer goes to the account that wrote"


# ---------------------------------------------------------------- merging
async def test_everything_of_both_is_kept(database: db.Database, fake_clock: clock.FakeClock, alice: Caller) -> None:
    one, other = await add_device(database, alice), await add_device(database, alice)
    taker = receiver.Receiver(database)
    early, late = fake_clock.now(), fake_clock.now().replace(hour=3)
    await taker.take(said(one, "please stop", early, phone=ANN))
    await fake_clock.advance(3600)
    await taker.take(said(one, "please stop it", late, phone=BEN))
    await taker.take(said(other, "How much?", late, phone=BEN))
    ann, ben = await at_phone(database, alice, ANN), await at_phone(database, alice, BEN)
    async with database.transaction(alice.workspace_id) as tx:
        await consent.give(tx, alice.workspace_id, [ann], consents.Given("marketing", "News", "paper", await tx.now()))
        asked = consents.OptOut(consents.OptOutReason.COMPLAINT, consents.OptOutSource.API)
        await outbox.opt_out(tx, alice.workspace_id, ben, asked)
    await merge(database, alice, ann, ben)
    assert await is_out(database, alice, ann), "the stricter side wins"
    assert await aliases(database, alice) == {("phone", ANN), ("phone", BEN)}
    assert len(await ask(database, alice, "SELECT 1 FROM inbound_messages WHERE person_id = $1", ann)) == 3
    open_holds = await ask(database, alice, "SELECT kind FROM holds WHERE ended_at IS NULL ORDER BY kind")
    assert [row["kind"] for row in open_holds] == ["conversation", "intent"], "of two of one kind the older stays"
    merged = await ask(database, alice, "SELECT 1 FROM holds WHERE outcome = 'merged'")
    assert len(merged) == 1
    chats = await ask(database, alice, "SELECT device_id, first_in_at, last_in_at FROM chats")
    assert {(row["device_id"], row["first_in_at"], row["last_in_at"]) for row in chats} == {
        (one, early, late),
        (other, late, late),
    }
    rows = await ask(database, alice, "SELECT withdrawn_at FROM consents WHERE purpose = 'marketing'")
    assert [row["withdrawn_at"] is not None for row in rows] == [True]
    with pytest.raises(person_model.PersonNotFound):
        await merge(database, alice, ann, ben)


async def test_after_a_merge_every_name_stays_bound_even_alone(database: db.Database, alice: Caller) -> None:
    """The person is erased afterwards: the keyed hashes of both numbers still count."""
    ann, ben = await at_phone(database, alice, ANN), await at_phone(database, alice, BEN)
    async with database.transaction(alice.workspace_id) as tx:
        asked = consents.OptOut(consents.OptOutReason.STOP, consents.OptOutSource.KEYWORD)
        await outbox.opt_out(tx, alice.workspace_id, ben, asked)
    await merge(database, alice, ann, ben)
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("UPDATE suppressions SET person_id = NULL")
        await tx.execute("DELETE FROM person_aliases")
        await tx.execute("DELETE FROM persons")
    for number in (ANN, BEN):
        assert await is_out(database, alice, await at_phone(database, alice, number)), number


async def test_a_global_opt_out_spreads_over_the_names_of_a_person(database: db.Database, alice: Caller, mallory: Caller) -> None:
    ann, ben = await at_phone(database, alice, ANN), await at_phone(database, alice, BEN)
    async with database.transaction(alice.workspace_id) as tx:
        sql = "INSERT INTO global_suppressions (key, id, reason, at) VALUES ($1, $2, 'legal', $3)"
        await tx.execute(sql, tx.fingerprint("phone", BEN), new_id(), await tx.now())
    await merge(database, alice, ann, ben)
    assert await is_out(database, mallory, await at_phone(database, mallory, ANN))


async def test_two_leads_of_one_device_become_the_older(database: db.Database, alice: Caller) -> None:
    one, other = await add_device(database, alice), await add_device(database, alice)
    ann, ben = await at_phone(database, alice, ANN), await at_phone(database, alice, BEN)
    leads = {}
    async with database.transaction(alice.workspace_id) as tx:
        sql = """INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, niches, niche_keys, target_status,
                   additional_note, attributes, time_zone, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12, $12)"""
        now = await tx.now()
        for name, who, device, number, *more in (
            ("older", ben, one, BEN, ["a"], "prospect", None, {"city": "Ipoh"}, None),
            ("newer", ann, one, ANN, ["a", "b"], "customer", "met", {"city": "Kuching", "age": "40"}, "Asia/Kuching"),
            ("single", ben, other, BEN, [], "prospect", None, {}, None),
        ):
            leads[name] = new_id()
            await tx.execute(sql, alice.workspace_id, leads[name], who, device, name, number, *more, now)
        sent = await outbox.send(tx, alice.workspace_id, outbox.Direct(one, ANN, "Hello"), alice.user_id)
    assert sent["lead_id"] == leads["newer"]
    await merge(database, alice, ann, ben)
    rows = {row["id"]: row for row in await ask(database, alice, "SELECT * FROM leads")}
    assert set(rows) == {leads["older"], leads["single"]}
    assert {row["person_id"] for row in rows.values()} == {ann}
    kept = rows[leads["older"]]
    assert (kept["name"], kept["phone"], kept["niches"], kept["target_status"]) == ("older", BEN, ["a", "b"], "customer")
    assert (kept["additional_note"], kept["time_zone"]) == ("met", "Asia/Kuching")
    assert kept["attributes"] == {"city": "Ipoh", "age": "40"}
    (message,) = await ask(database, alice, "SELECT lead_id FROM messages")
    assert message["lead_id"] == leads["older"]


async def test_what_waits_for_one_ends_when_the_other_had_stopped(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, [ANN])
    await fleet.says(device, "STOP", None, lid=LID, identity="never")
    await fleet.run(5)
    await fleet.set_device(device, sending_paused=True)
    campaign = await fleet.launch(min_delay_seconds=0, max_delay_seconds=0)
    assert await fleet.states(campaign) == {"queued": 1}
    await fleet.receiver.take(linked(device, fleet.clock.now()))
    assert await fleet.states(campaign) == {"suppressed": 1}


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("60123450001", "60123450001"),
        ("+60123450001", "60123450001"),
        ("5215512345678", "525512345678"),
        ("١٢٣٤٥٦٧٨", None),
        ("", None),
    ],
)
def test_no_number_is_invented(address: str, key: str | None) -> None:
    from hantar.gateways import port

    assert model.key_of(port.Address(address)) == key


async def test_a_lid_is_no_number_anywhere(database: db.Database, fake_clock: clock.FakeClock, alice: Caller) -> None:
    """Even one made of digits alone, as short as a number."""
    device, taker = await add_device(database, alice), receiver.Receiver(database)
    await taker.take(said(device, "STOP", fake_clock.now(), phone=None, lid="60123450009"))
    (row,) = await ask(database, alice, "SELECT id, phone FROM persons")
    assert row["phone"] is None
    async with database.transaction(alice.workspace_id) as tx:
        assert await persons.at_alias(tx, Alias(AliasKind.PHONE, "60123450009")) is None
