"""What a restriction by WhatsApp does to campaigns (responsible-sending.md 10, F-09, F-10): they stand still, nobody is moved."""

from datetime import timedelta

import pytest

from hantar.campaigns import guard, guard_store, model, service
from hantar.devices import keeper, restrictions, words
from hantar.gateways import port
from hantar.gateways.port import DeviceState
from hantar.kit import ids
from tests.campaigns.watch import CALMLY, audits, campaign_of, prepare, restrict, resume, signal
from tests.fleet import Fleet

CODES = {"restricted": "device_restricted", "banned": "device_banned", "refused": "device_refused"}


@pytest.mark.parametrize("kind", CODES)
async def test_a_restriction_pauses_at_once_and_moves_nobody(fleet: Fleet, watch: guard.Guard, kind: str) -> None:
    """F-09, F-10: within one tick nothing more of the campaign is claimed anywhere, and each row keeps its device."""
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    async with fleet.db.transaction(fleet.workspace) as tx:
        not_using = await service.create(tx, fleet.workspace, fleet.draft(audience=audience_of("none")), hold=True)
    await fleet.run(2)
    devices = {row["id"]: row["device_id"] for row in await fleet.rows(campaign)}
    kept = keeper.Keeper(fleet.db, {"simulator": fleet.driver}, fleet.clock)
    now = fleet.clock.now()
    await kept.take(signal(hit, now, kind))
    await watch.look()
    paused = await campaign_of(fleet, campaign)
    assert (paused.status, paused.status_reason) == (model.C.PAUSED, CODES[kind])
    assert paused.resume_after == now + timedelta(minutes=1), "the simulator's cool-down"
    assert paused.pause_cause is not None
    assert paused.pause_cause.device_id == hit
    assert "Device 1: WhatsApp" in paused.pause_cause.words
    assert "nobody is moved" in paused.pause_cause.words
    assert (await campaign_of(fleet, not_using.campaign.id)).pause_cause is None
    before = await fleet.states(campaign)
    await fleet.run(5)
    assert (await fleet.states(campaign))["queued"] == before["queued"], "not one more was claimed"
    assert {row["id"]: row["device_id"] for row in await fleet.rows(campaign)} == devices


def audience_of(niche: str) -> model.Audience:
    return model.Audience((niche,), model.TargetStatus.ALL, None)


async def test_after_a_restriction_it_cools_down_and_a_person_says_why(fleet: Fleet, watch: guard.Guard) -> None:
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await restrict(fleet, watch, hit)
    with pytest.raises(model.CoolingDown) as cooling:
        await resume(fleet, campaign)
    assert cooling.value.details["resume_after"] == fleet.clock.now() + timedelta(minutes=1)
    await fleet.clock.advance(61)
    with pytest.raises(model.ReasonRequired):
        await resume(fleet, campaign, reason="  ")
    with pytest.raises(model.ReasonRequired):
        async with fleet.db.transaction(fleet.workspace) as tx:
            await service.start(tx, fleet.workspace, campaign)
    went_on = await resume(fleet, campaign)
    assert (went_on.status, went_on.pause_cause, went_on.resume_after) == (model.C.PROCESSING, None, None)
    (entry,) = await audits(fleet, "campaign.resumed")
    assert (entry["actor"], entry["reason"], entry["before"]["cause"]) == ("Bob", "They asked for it.", "device_restricted")
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING, "the same restriction, told before, is not news"
    await restrict(fleet, watch, hit, hours=9)
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED, "a new one is"


async def test_the_linked_cool_down_is_a_day(fleet: Fleet, watch: guard.Guard) -> None:
    """A campaign's own numbers may only be stricter: here those of a linked device."""
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE campaigns SET rules = $1", {"pause_cooldown": 86400})
    await restrict(fleet, watch, hit)
    assert (await campaign_of(fleet, campaign)).resume_after == fleet.clock.now() + timedelta(days=1)


async def test_a_campaign_paused_by_a_person_learns_of_the_restriction_too(fleet: Fleet, watch: guard.Guard) -> None:
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.pause(tx, fleet.workspace, campaign)
    await restrict(fleet, watch, hit)
    with pytest.raises(model.CoolingDown):
        await resume(fleet, campaign)


async def test_a_campaign_without_messages_on_the_device_goes_on(fleet: Fleet, watch: guard.Guard) -> None:
    idle, *_ = await fleet.add_devices(1)
    await prepare(fleet, 10, devices=2)
    campaign = await fleet.launch(**CALMLY)
    await restrict(fleet, watch, idle)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING


async def test_whoever_starts_beside_a_restricted_device_was_told(fleet: Fleet, watch: guard.Guard) -> None:
    hit, *_ = await prepare(fleet, 40)
    await restrict(fleet, watch, hit)
    by_hand = await fleet.launch(**CALMLY)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, by_hand)).status is model.C.PROCESSING


async def test_a_scheduled_start_beside_a_restricted_device_waits_for_a_person(fleet: Fleet, watch: guard.Guard) -> None:
    hit, *_ = await prepare(fleet, 40)
    due = fleet.clock.now() + timedelta(minutes=10)
    async with fleet.db.transaction(fleet.workspace) as tx:
        draft = fleet.draft(campaign_date=due.date(), time_schedule=due.time(), time_zone="Etc/UTC")
        campaign = (await service.create(tx, fleet.workspace, draft)).campaign.id
    await restrict(fleet, watch, hit)
    assert (await campaign_of(fleet, campaign)).status is model.C.PENDING
    await fleet.clock.advance(601)
    await fleet.planner.look()
    await watch.look()
    paused = await campaign_of(fleet, campaign)
    assert paused.status_reason == "device_restricted"
    assert (await resume(fleet, campaign)).status is model.C.PROCESSING, "its cool-down counts from the restriction"


async def test_a_refusal_counts_although_the_service_says_nothing(fleet: Fleet, watch: guard.Guard) -> None:
    """463 on a send while the device's state stays online: the refusal is to be believed (responsible-sending.md 10)."""
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    fleet.line.world.at(hit).trouble.restricted_until = fleet.line.world.wall() + 3600  # it refuses, and tells nobody
    await fleet.run(3)
    await watch.look()
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert await tx.fetchval("SELECT state FROM devices WHERE id = $1", hit) == "online"
    paused = await campaign_of(fleet, campaign)
    assert paused.status_reason == "device_restricted"
    assert paused.pause_cause is not None
    assert paused.pause_cause.device_id == hit
    assert "start no new chats until" in paused.pause_cause.words
    await fleet.clock.advance(61)
    assert (await resume(fleet, campaign)).status is model.C.PROCESSING
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING, "it was told of that refusal"


@pytest.mark.parametrize("why", ["no_credentials", "quarantined", "token"])
async def test_a_fault_of_the_set_up_is_no_restriction(fleet: Fleet, watch: guard.Guard, why: str) -> None:
    """No word of WhatsApp about the number: the others send on, its own messages wait as for any device without a line."""
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await refuse(fleet, watch, hit, why)
    await fleet.run(3)
    await watch.look(everything=True)
    running = await campaign_of(fleet, campaign)
    assert (running.status, running.pause_cause, running.resume_after) == (model.C.PROCESSING, None, None)
    states = {row["state"] for row in await fleet.rows(campaign) if row["device_id"] == hit}
    assert states == {"queued"}, "they wait, and nobody is moved"
    assert any(row["state"] != "queued" for row in await fleet.rows(campaign)), "the others send on"
    assert words.advice(DeviceState.REFUSED, why) != words.advice(DeviceState.REFUSED, "banned"), "it says what to do"


@pytest.mark.parametrize("why", ["policy", "a reason nobody knows"])
async def test_a_word_about_the_number_is_one(fleet: Fleet, watch: guard.Guard, why: str) -> None:
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await refuse(fleet, watch, hit, why)
    assert (await campaign_of(fleet, campaign)).status_reason == "device_refused"


async def refuse(fleet: Fleet, watch: guard.Guard, device_id: str, why: str) -> None:
    kept = keeper.Keeper(fleet.db, {"simulator": fleet.driver}, fleet.clock)
    await kept.take(port.Refused(device_id=device_id, event_id=ids.new_id(), at=fleet.clock.now(), why=why))
    await watch.look()


async def test_mutant_a_missing_token_pauses_campaigns(fleet: Fleet, watch: guard.Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every refusal is taken for WhatsApp's own."""
    every = "d.state IN ('restricted', 'banned_until', 'refused')"
    right = restrictions.sql("d.state", "d.state_reason")
    assert right in guard_store._SIGNALS
    monkeypatch.setattr(guard_store, "_SIGNALS", guard_store._SIGNALS.replace(right, every))
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await refuse(fleet, watch, hit, "no_credentials")
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED, "the mutant lives"


async def _nothing(_self: guard.Guard, _devices: set[str] | None) -> None:
    """The mutant: a restriction is nothing to campaigns."""


async def test_mutant_without_restrictions_the_others_send_on(
    fleet: Fleet, watch: guard.Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard.Guard, "_restrictions", _nothing)
    hit, *_ = await prepare(fleet, 40)
    campaign = await fleet.launch(**CALMLY)
    await restrict(fleet, watch, hit)
    before = await fleet.states(campaign)
    await fleet.run(3)
    assert (await fleet.states(campaign))["queued"] < before["queued"], "the mutant lives"
