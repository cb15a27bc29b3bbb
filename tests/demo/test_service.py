"""The demo: what it builds, what removing it leaves."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from hantar.accounts.model import Caller
from hantar.consent import service as consent
from hantar.consent.model import OptOut, OptOutReason, OptOutSource
from hantar.demo import fill, people, service
from hantar.demo.people import Part
from hantar.jobs import service as jobs
from hantar.kit import phone
from tests.demo.theatre import Theatre
from tests.fleet import Fleet

GONE = (
    *("persons", "person_aliases", "leads", "consents", "suppressions", "suppression_keys", "holds", "chats"),
    *("inbound_messages", "messages", "message_events", "devices", "device_events", "lanes", "campaigns", "sources"),
    *("contents", "plans"),
)
"""Tables that hold nothing after the demo was removed from an otherwise empty workspace."""


def test_the_people_are_two_hundred_in_twelve_zones() -> None:
    everyone = [*people.welcomed(), *people.ruled("Asia/Dubai"), people.absent("60129999999", "Asia/Dubai")]
    assert len({person.phone for person in everyone}) == people.COUNT == len(everyone)
    assert len({person.time_zone for person in everyone}) == 12
    assert sum(people.WELCOME in person.niches for person in everyone) == people.WELCOMED
    assert {Part.NO_CONSENT, Part.OPTED_OUT, Part.ON_HOLD, Part.CAPPED, Part.NO_CITY, Part.TWIN} <= {
        each.part for each in everyone
    }


def test_at_any_hour_some_zones_are_closed_and_enough_people_awake() -> None:
    """Both seasons, every quarter of an hour: nobody who starts it sees an empty stage, or one without a closed door."""
    ordinary = [each for each in people.ruled("Asia/Dubai") if each.part in (Part.ORDINARY, Part.NEW)]
    for day in (datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)):
        for quarter in range(96):
            at = day + timedelta(minutes=15 * quarter)
            minutes = [
                (local.hour * 60 + local.minute) for each in ordinary if (local := at.astimezone(ZoneInfo(each.time_zone)))
            ]
            awake = sum(fill.RULES["quiet_start"] <= minute < fill.RULES["quiet_end"] for minute in minutes)
            assert 15 <= awake < len(ordinary), at


def test_the_twin_is_the_same_person_in_an_older_spelling() -> None:
    ruled = people.ruled("Asia/Dubai")
    twin = next(each for each in ruled if each.part is Part.TWIN)
    same = [each for each in ruled if phone.canonical(each.phone) == phone.canonical(twin.phone)]
    assert len(same) == 2
    assert len({each.phone for each in same}) == 2
    assert len({each.device for each in same}) == 2


async def test_it_builds_people_a_past_and_two_campaigns_that_wait(theatre: Theatre, alice: Caller) -> None:
    await theatre.build(alice.user_id)
    assert (await theatre.sql("SELECT count(*) AS n FROM leads WHERE is_demo"))[0]["n"] == people.COUNT
    assert (await theatre.sql("SELECT count(*) AS n FROM leads WHERE NOT is_demo"))[0]["n"] == 0
    campaigns = {row["title"]: row for row in await theatre.sql("SELECT * FROM campaigns")}
    assert {title: row["status"] for title, row in campaigns.items()} == {
        fill.WELCOME_TITLE: "paused",
        fill.RULES_TITLE: "paused",
        fill.AUTUMN_TITLE: "finished",
        fill.THANKS_TITLE: "finished",
    }
    assert all(row["is_demo"] for row in campaigns.values())
    assert campaigns[fill.RULES_TITLE]["rules"] == fill.RULES
    assert campaigns[fill.WELCOME_TITLE]["rules"] == {}
    states = {row["state"] for row in await theatre.sql("SELECT state FROM messages")}
    assert states == {"delivered", "read"}
    asked = await theatre.sql(
        """SELECT count(*) AS n FROM leads l WHERE NOT EXISTS (SELECT 1 FROM consents c WHERE c.person_id = l.person_id)"""
    )
    assert asked[0]["n"] == 1, "everybody agreed but one"
    (absent,) = await theatre.sql("SELECT phone FROM leads WHERE name = 'Nobody Here'")
    assert not theatre.line.world.check_number(absent["phone"]).exists


async def test_removing_it_leaves_nothing(theatre: Theatre, alice: Caller) -> None:
    """After everything was played: nothing of the demo stays but its jobs and what the audit says."""
    await theatre.build(alice.user_id)
    await theatre.begin(theatre.rules)
    await theatre.play_all()
    assert await theatre.sql("SELECT 1 FROM inbound_messages WHERE meaning = 'stop'")
    await theatre.wait(theatre.demo.remove(theatre.workspace))
    left = {table: (await theatre.sql(f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in GONE}
    assert left == dict.fromkeys(GONE, 0)
    await theatre.build(alice.user_id)  # and it can be built again


async def test_real_people_stay_with_all_they_said(theatre: Theatre, alice: Caller) -> None:
    """Whoever was here before, came by another device, or was entered by hand is no made-up person."""
    (own,) = await theatre.add_devices(1)
    numbers = [each.phone for each in people.welcomed()[:2]]
    await theatre.add_leads(own, [phone.canonical(numbers[0])])
    (before,) = await theatre.sql("SELECT person_id FROM leads")
    stop = OptOut(OptOutReason.STOP, OptOutSource.KEYWORD, device_id=own)
    async with theatre.db.transaction(theatre.workspace) as tx:
        await consent.opt_out(tx, theatre.workspace, before["person_id"], stop)
    await theatre.build(alice.user_id)
    person = "SELECT person_id FROM leads WHERE phone = $1"
    (by_hand,) = await theatre.sql(person, numbers[1])
    listed = OptOut(OptOutReason.MANUAL, OptOutSource.IMPORT)
    (later,) = await theatre.sql(person, people.welcomed()[5].phone)
    async with theatre.db.transaction(theatre.workspace) as tx:
        await consent.opt_out(tx, theatre.workspace, by_hand["person_id"], listed)
        await tx.execute(
            """INSERT INTO leads (workspace_id, id, person_id, device_id, name, phone, created_at, updated_at)
               SELECT workspace_id, gen_random_uuid(), person_id, $2, 'Real', phone, created_at, updated_at FROM leads
               WHERE person_id = $1 LIMIT 1""",
            later["person_id"],
            own,
        )
    await theatre.wait(theatre.demo.remove(theatre.workspace))
    left = {row["id"] for row in await theatre.sql("SELECT id FROM persons WHERE phone IS NOT NULL AND NOT is_demo")}
    assert left == {before["person_id"], by_hand["person_id"], later["person_id"]}
    assert len(await theatre.sql("SELECT 1 FROM suppression_keys WHERE is_live")) == 2
    assert len(await theatre.sql("SELECT 1 FROM consents WHERE person_id = $1", later["person_id"])) == 1


async def test_the_database_lets_no_other_opt_out_or_hold_go(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001", "60123450002"])
    async with fleet.db.transaction(fleet.workspace) as tx:
        for row in await tx.fetch("SELECT person_id FROM leads"):
            await consent.opt_out(tx, fleet.workspace, row["person_id"], OptOut(OptOutReason.STOP, OptOutSource.KEYWORD))
            await consent.hold(tx, fleet.workspace, row["person_id"], "intent")
        await tx.execute("UPDATE persons SET is_demo = true WHERE phone = '60123450001'")
        for table in ("suppressions", "holds"):
            assert await tx.execute(f"DELETE FROM {table}") == 1
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 1


@pytest.mark.parametrize("table", ["suppressions", "holds"])
async def test_mutant_without_that_policy_every_opt_out_could_go(fleet: Fleet, table: str) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, ["60123450001"])
    owner = await asyncpg.connect(fleet.db.dsn)
    await owner.execute(f"DROP POLICY demo_alone ON {table}")
    await owner.close()
    async with fleet.db.transaction(fleet.workspace) as tx:
        (row,) = await tx.fetch("SELECT person_id FROM leads")
        await consent.opt_out(tx, fleet.workspace, row["person_id"], OptOut(OptOutReason.STOP, OptOutSource.KEYWORD))
        await consent.hold(tx, fleet.workspace, row["person_id"], "intent")
        assert await tx.execute(f"DELETE FROM {table}") == 1, "the mutant lives"


async def test_removing_the_demo_keeps_what_a_person_made(theatre: Theatre) -> None:
    demo_device, own_device = *await theatre.add_devices(1, is_demo=True), *await theatre.add_devices(1)
    await theatre.add_leads(demo_device, ["60123450001", "60123450002"], is_demo=True)
    await theatre.add_leads(demo_device, ["60123450003"])  # imported by a person onto a demo device
    await theatre.add_leads(own_device, ["60123450004"], is_demo=True)  # moved away from the demo
    await theatre.launch()
    gone = await theatre.wait(theatre.demo.remove(theatre.workspace))
    assert gone["devices"] == 1
    assert gone["kept_leads"] == 1
    left = await theatre.sql("SELECT phone, device_id FROM leads")
    assert [(row["phone"], row["device_id"]) for row in left] == [("60123450003", None)]
    async with theatre.db.transaction(theatre.workspace) as tx:
        assert not await service.is_present(tx)


async def test_a_demo_that_was_cut_short_says_so(theatre: Theatre, alice: Caller) -> None:
    async with theatre.db.transaction(theatre.workspace) as tx:
        job = await jobs.create(tx, theatre.workspace, "demo", by=alice.user_id)
        await jobs.start(tx, theatre.workspace, job.id)
        other = await jobs.create(tx, theatre.workspace, "leads.import", by=alice.user_id)
    await theatre.demo.fail_lost()
    async with theatre.db.transaction(theatre.workspace) as tx:
        assert (await jobs.get(tx, theatre.workspace, job.id)).status == "failed"
        assert (await jobs.get(tx, theatre.workspace, other.id)).status == "queued"
