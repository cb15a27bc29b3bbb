"""What WhatsApp's judgement of a Cloud number does: yellow is said, red pauses its campaigns (responsible-sending.md 2)."""

from datetime import timedelta

import pytest

from hantar.campaigns import guard, guard_store, model, store
from hantar.devices import health, numbers, words
from hantar.gateways import port
from hantar.gateways.credentials import Quality
from hantar.kit import ids
from tests.campaigns.watch import CALMLY, audits, campaign_of, prepare, restrict, resume
from tests.fleet import Fleet


async def judged(fleet: Fleet, device_id: str, quality: Quality) -> None:
    """The service says how people take what a number sends."""
    sql = """INSERT INTO cloud_numbers (workspace_id, device_id, number_id, business_id, quality, checked_at)
             VALUES ($1, $2::uuid, $2::text, '9001', 'green', $3) ON CONFLICT DO NOTHING"""
    await fleet.sql(sql, fleet.workspace, device_id, fleet.clock.now() - timedelta(hours=1))
    now = fleet.clock.now()
    await numbers.take(
        fleet.db, port.NumberQuality(device_id=device_id, event_id=ids.new_id(), at=now, quality=quality, tier=None)
    )


async def test_a_red_number_pauses_and_a_person_resumes(fleet: Fleet, watch: guard.Guard) -> None:
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await judged(fleet, hit, Quality.YELLOW)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING, "yellow only warns"
    await judged(fleet, hit, Quality.RED)
    await watch.look()
    paused = await campaign_of(fleet, campaign)
    assert (paused.status, paused.status_reason, paused.resume_after) == (model.C.PAUSED, "device_quality", None)
    assert paused.pause_cause is not None
    assert paused.pause_cause.device_id == hit
    assert "Device 1: WhatsApp judges this number red." in paused.pause_cause.words
    before = await fleet.states(campaign)
    await fleet.run(3)
    assert (await fleet.states(campaign))["queued"] == before["queued"], "not one more was claimed"
    with pytest.raises(model.ReasonRequired):
        await resume(fleet, campaign, reason=" ")
    await resume(fleet, campaign)
    (entry,) = await audits(fleet, "campaign.resumed")
    assert entry["before"]["cause"] == "device_quality"
    await judged(fleet, hit, Quality.RED)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING, "who resumed it had been told"
    await fleet.clock.advance(60)
    for each in (Quality.GREEN, Quality.RED):
        await judged(fleet, hit, each)
    await watch.look()
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED, "red anew is news"


async def test_a_restriction_hides_no_red_number(fleet: Fleet, watch: guard.Guard) -> None:
    """Both are told, the restriction's words stay, and neither is told again."""
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await judged(fleet, hit, Quality.RED)
    await restrict(fleet, watch, hit)
    paused = await campaign_of(fleet, campaign)
    assert paused.status_reason == "device_restricted"
    assert len(await audits(fleet, "campaign.paused")) == 2
    await fleet.clock.advance(61)
    await resume(fleet, campaign)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING


@pytest.mark.parametrize(("quality", "is_well"), [(Quality.GREEN, True), (Quality.YELLOW, False), (Quality.RED, False)])
async def test_its_page_says_how_people_take_it(fleet: Fleet, quality: Quality, is_well: bool) -> None:
    (device,) = await fleet.add_devices(1)
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert "People take it well" not in {each.name for each in (await health.of(tx, device, {})).checks}
    await judged(fleet, device, quality)
    async with fleet.db.transaction(fleet.workspace) as tx:
        (check,) = [each for each in (await health.of(tx, device, {})).checks if each.name == "People take it well"]
    assert (check.ok, check.advice) == (is_well, None if is_well else words.QUALITIES[quality.value])


async def test_mutant_a_judgement_without_its_beginning_is_told_once_for_ever(
    fleet: Fleet, watch: guard.Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red anew looks like the red of before."""
    dull = "SELECT n.device_id || ' quality' AS key, 'red' AS signal"
    for module in (store, guard_store):
        assert store.RED in module._SIGNALS
    for module in (guard_store, store):
        monkeypatch.setattr(module, "_SIGNALS", module._SIGNALS.replace(store.RED, dull))
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await judged(fleet, hit, Quality.RED)
    await watch.look()
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE campaigns SET status = 'processing', paused_from = NULL, paused_at = NULL, pause_cause = NULL")
    await fleet.clock.advance(60)
    for each in (Quality.GREEN, Quality.RED):
        await judged(fleet, hit, each)
    await watch.look()
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING, "the mutant lives"
