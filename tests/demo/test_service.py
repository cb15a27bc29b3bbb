"""The demo: what it builds, what removing it leaves."""

from hantar.accounts.model import Caller
from hantar.demo import people, service
from hantar.devices import keeper
from hantar.jobs import service as jobs
from tests.fleet import Fleet


def _demo(fleet: Fleet) -> service.Demo:
    kept = keeper.Keeper(fleet.db, {"simulator": fleet.driver}, fleet.clock)
    return service.Demo(fleet.db, fleet.clock, kept)


def test_the_people_are_two_hundred_in_twelve_zones() -> None:
    everyone = people.everyone()
    assert len({person.phone for person in everyone}) == people.COUNT == len(everyone)
    assert len({person.time_zone for person in everyone}) == 12
    assert sum("WELCOME" in person.niches for person in everyone) == people.WELCOMED


async def test_removing_the_demo_keeps_what_a_person_made(fleet: Fleet) -> None:
    demo_device, own_device = *await fleet.add_devices(1, is_demo=True), *await fleet.add_devices(1)
    await fleet.add_leads(demo_device, ["60123450001", "60123450002"], is_demo=True)
    await fleet.add_leads(demo_device, ["60123450003"])  # imported by a person onto a demo device
    await fleet.add_leads(own_device, ["60123450004"], is_demo=True)  # moved away from the demo
    await fleet.launch()
    gone = await _demo(fleet).remove(fleet.workspace)
    assert gone["devices"] == 1
    assert gone["kept_leads"] == 1
    async with fleet.db.transaction(fleet.workspace) as tx:
        left = await tx.fetch("SELECT phone, device_id FROM leads")
        assert [(row["phone"], row["device_id"]) for row in left] == [("60123450003", None)]
        assert not await service.is_present(tx)


async def test_a_demo_that_was_cut_short_says_so(fleet: Fleet, alice: Caller) -> None:
    async with fleet.db.transaction(fleet.workspace) as tx:
        job = await jobs.create(tx, fleet.workspace, "demo", by=alice.user_id)
        await jobs.start(tx, fleet.workspace, job.id)
        other = await jobs.create(tx, fleet.workspace, "leads.import", by=alice.user_id)
    await _demo(fleet).fail_lost()
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert (await jobs.get(tx, fleet.workspace, job.id)).status == "failed"
        assert (await jobs.get(tx, fleet.workspace, other.id)).status == "queued"
