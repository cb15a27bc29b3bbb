"""Who is left out of a plan and why; that the planner leaves out the same people, and that the claim would judge alike."""

import random
from datetime import timedelta
from typing import Any

import pytest

from hantar.campaigns import audience, plan, rulebook, words
from hantar.consent import quiet
from hantar.outbox import facts, rules
from hantar.outbox.model import MessageKind
from hantar.persons import model as persons, service as person_service
from tests.campaigns import crowd
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(300)]


async def make(fleet: Fleet, **more: Any) -> Any:
    """A plan of a campaign for now."""
    as_kind = more.pop("as_kind", None)
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await plan.make(tx, fleet.workspace, fleet.draft(**{"text": crowd.STOP, **more}), None, as_kind=as_kind)


async def people(fleet: Fleet, made: Any, **asked: Any) -> list[Any]:
    """The recipients of a plan."""
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await plan.recipients(tx, fleet.workspace, made.id, audience.Asked(**asked), None)


async def test_each_reason_is_counted_with_words_and_an_example(fleet: Fleet) -> None:
    """One person for each reason, on a device that reaches people; the last one gets the message."""
    (device,) = await fleet.add_devices(1, **crowd.REAL)
    names = ("missing_variable", "opted_out", "no_consent", "on_hold", "cap", "gets it")
    phones = dict(zip(names, PHONES, strict=False))
    leads = {}
    for name, phone in phones.items():
        (leads[name],) = await fleet.add_leads(device, [phone], attributes={} if name == "missing_variable" else {"city": "Ipoh"})
    await fleet.add_leads(None, [PHONES[20]])
    (second,) = await fleet.add_devices(1, **crowd.REAL)
    await fleet.add_leads(second, [phones["gets it"]], attributes={"city": "Ipoh"})
    await crowd.agree(fleet, *(phone for name, phone in phones.items() if name != "no_consent"))
    await crowd.opt_out(fleet, phones["opted_out"])
    await crowd.agree(fleet, phones["opted_out"])
    await crowd.hold(fleet, phones["on_hold"])
    for hours in (3, 20):
        await crowd.wrote_to(fleet, device, phones["cap"], fleet.clock.now() - timedelta(hours=hours))
    made = await make(fleet, text="{{ city }} STOP")
    expected = ["no_device", "missing_variable", "duplicate_of", "opted_out", "no_consent", "on_hold", "cap"]
    assert made.shares.excluded_by_reason == dict.fromkeys(expected, 1)
    assert list(made.shares.excluded_by_reason) == expected
    assert {each.reason: each.lead_id for each in made.shares.exclusions if each.reason in leads} == {
        name: lead for name, lead in leads.items() if name != "gets it"
    }
    assert all(words.REASONS[reason] for reason in expected)
    assert [each.phone for each in await people(fleet, made, included=True)] == [phones["gets it"]]
    assert [each.phone for each in await people(fleet, made, reason="cap")] == [phones["cap"]]
    campaign = await fleet.launch(text="{{ city }} STOP")
    assert [row["phone"] for row in await fleet.rows(campaign)] == [phones["gets it"]]


async def test_in_the_simulator_missing_consent_is_only_marked(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:5])
    await crowd.agree(fleet, PHONES[0])
    made = await make(fleet)
    assert (made.shares.will_send, made.shares.without_consent) == (5, 4)
    assert "no_consent_on_record" in [each.code for each in made.warnings]
    assert [each.has_consent for each in await people(fleet, made)] == [True, False, False, False, False]


async def test_a_consent_that_ends_before_the_start_counts_no_more(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, **crowd.REAL)
    await fleet.add_leads(device, PHONES[:2])
    await crowd.agree(fleet, PHONES[0], expires_at=fleet.clock.now() + timedelta(hours=1))
    await crowd.agree(fleet, PHONES[1])
    later = fleet.draft(text=crowd.STOP)
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = await plan.make(tx, fleet.workspace, later, None, fleet.clock.now() + timedelta(hours=2))
    assert made.shares.excluded_by_reason == {"no_consent": 1}


async def test_an_opt_out_by_any_alias_and_everywhere_counts(fleet: Fleet) -> None:
    """By an opaque id that belongs to the same person, and by the installation's own list."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    async with fleet.db.transaction(fleet.workspace) as tx:
        known = await person_service.at_phone(tx, fleet.workspace, PHONES[0])
        lid = persons.Alias(persons.AliasKind.LID, "99887766@lid")
        await person_service.add_alias(tx, fleet.workspace, known, lid)
        made = await tx.fetchval(
            """INSERT INTO suppressions (workspace_id, id, reason, source, at)
               VALUES ($1, gen_random_uuid(), 'stop', 'keyword', $2) RETURNING id""",
            fleet.workspace,
            await tx.now(),
        )
        await tx.execute(
            "INSERT INTO suppression_keys VALUES ($1, $2, $3, true)", fleet.workspace, tx.fingerprint("lid", lid.value), made
        )
        await tx.execute(
            "INSERT INTO global_suppressions VALUES ($1, gen_random_uuid(), 'legal', $2)",
            tx.fingerprint("phone", PHONES[1]),
            await tx.now(),
        )
    assert (await make(fleet)).shares.excluded_by_reason == {"opted_out": 2}


async def test_nobody_without_an_alias_is_written_to(fleet: Fleet) -> None:
    """No opt-out could be looked up for them."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    person = await crowd.person_of(fleet, PHONES[0])
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("DELETE FROM person_aliases WHERE person_id = $1", person)
    assert (await make(fleet)).shares.excluded_by_reason == {"on_hold": 1}


async def test_simulated_traffic_never_fills_a_real_cap(fleet: Fleet) -> None:
    (toy,) = await fleet.add_devices(1)
    (device,) = await fleet.add_devices(1, **crowd.REAL)
    await fleet.add_leads(device, PHONES[:1])
    await crowd.agree(fleet, PHONES[0])
    for hours in range(1, 9):
        await crowd.wrote_to(fleet, toy, PHONES[0], fleet.clock.now() - timedelta(hours=hours))
    assert (await make(fleet)).shares.will_send == 1
    for hours in (1, 2):
        await crowd.wrote_to(fleet, device, PHONES[0], fleet.clock.now() - timedelta(hours=hours))
    assert (await make(fleet)).shares.excluded_by_reason == {"cap": 1}


async def test_a_cap_is_judged_at_the_time_of_the_campaign(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, **crowd.REAL)
    await fleet.add_leads(device, PHONES[:1])
    await crowd.agree(fleet, PHONES[0])
    for hours in (1, 2):
        await crowd.wrote_to(fleet, device, PHONES[0], fleet.clock.now() - timedelta(hours=hours))
    async with fleet.db.transaction(fleet.workspace) as tx:
        draft = fleet.draft(text=crowd.STOP)
        soon = await plan.make(tx, fleet.workspace, draft, None, fleet.clock.now() + timedelta(hours=20))
        later = await plan.make(tx, fleet.workspace, draft, None, fleet.clock.now() + timedelta(hours=24))
    assert (soon.shares.will_send, later.shares.will_send) == (0, 1)


async def test_a_campaigns_own_rules_only_tighten(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await crowd.agree(fleet, PHONES[0])
    await crowd.wrote_to(fleet, device, PHONES[0], fleet.clock.now() - timedelta(hours=1))
    assert (await make(fleet)).shares.will_send == 3
    strict = await make(fleet, rules={"consent_mode": "strict", "person_cap_day": 1})
    assert strict.shares.excluded_by_reason == {"no_consent": 2, "cap": 1}
    (real,) = await fleet.add_devices(1, **crowd.REAL)
    await fleet.add_leads(real, PHONES[5:6])
    loose = await make(fleet, rules={"consent_mode": "mark", "person_cap_day": 99})
    assert loose.shares.excluded_by_reason == {"no_consent": 1}


async def test_a_person_on_two_kinds_of_devices_is_written_to_by_neither_or_the_first(fleet: Fleet) -> None:
    """The double counts before the device's rules, in the plan and on every page of the planner."""
    (real,) = await fleet.add_devices(1, **crowd.REAL)
    (toy,) = await fleet.add_devices(1)
    await fleet.add_leads(real, PHONES[:60])
    await fleet.add_leads(toy, PHONES[:60])
    made = await make(fleet)
    assert made.shares.excluded_by_reason == {"duplicate_of": 60, "no_consent": 60}
    assert await fleet.rows(await fleet.launch(text=crowd.STOP)) == []


@pytest.mark.parametrize("seed", range(6))
async def test_the_plan_and_the_claim_judge_alike(fleet: Fleet, seed: int) -> None:
    """A crowd with random pasts over simulated and real devices: each is left out exactly for what the claim would say then."""
    hand = random.Random(seed)
    devices = await fleet.add_devices(1) + await fleet.add_devices(2, **crowd.REAL)
    now = fleet.clock.now()
    for n, phone in enumerate(PHONES[:70]):
        zone = hand.choice([None, None, "America/Lima", "Asia/Kolkata", "Europe/Paris", "Mars/Olympus"])
        await fleet.add_leads(devices[n % 3], [phone], time_zone=zone)
        await _past(fleet, hand, devices, phone)
    own: dict[str, Any] = {"quiet_overflow": "drop"} if seed == 1 else {"unanswered_max": 2} if seed == 2 else {}
    draft = fleet.draft(text=crowd.STOP, rules=own)
    async with fleet.db.transaction(fleet.workspace) as tx:
        book = await rulebook.resolve(tx, fleet.workspace, draft, now)
        rows = await audience.recipients(tx, book, draft.audience, draft.text, audience.Asked(), None)
        for row, _ in rows:
            assert row["reason"] == await _claim(tx, fleet, book, row), row
    seen = {row["reason"] for row, _ in rows}
    assert {"opted_out", "no_consent", "on_hold", "cap", None} <= seen


async def _past(fleet: Fleet, hand: random.Random, devices: list[str], phone: str) -> None:
    now = fleet.clock.now()
    if hand.random() < 0.7:
        await crowd.agree(fleet, phone)
    if hand.random() < 0.1:
        await crowd.opt_out(fleet, phone)
    if hand.random() < 0.1:
        await crowd.hold(fleet, phone)
    for _ in range(hand.choice([0, 0, 1, 3, 5])):
        outcome = hand.choice([{}, {}, {"state": "failed", "reason": "capped"}, {"state": "failed", "reason": "undeliverable"}])
        at = now - timedelta(minutes=hand.randrange(60, 6_000))
        await crowd.wrote_to(fleet, hand.choice(devices), phone, at, **outcome)
    if hand.random() < 0.3:
        await crowd.met(fleet, hand.choice(devices), phone, wrote_at=now - timedelta(hours=hand.randrange(1, 200)))


async def _claim(tx: Any, fleet: Fleet, book: rulebook.Rulebook, row: Any) -> str | None:
    """What the claim would say of this person, asked when their window opens; at once where nobody waits for it."""
    subject = facts.Subject(fleet.workspace, row["person_id"], row["device_id"], row["id"])
    own, at = book.rules(row["kind"]), book.starts_at
    (known,) = await facts.read(tx, [subject], at, unanswered=True)
    zones = known.zones(own)
    if zones and own.quiet_overflow == "next_window":
        at = quiet.next_open(at, zones, quiet.Window(own.quiet_start, own.quiet_end, own.quiet_days)) or at
    (known,) = await facts.read(tx, [subject], at, unanswered=True)
    ruling = rules.judge(MessageKind.CAMPAIGN, known, own, at, expires_at=at + timedelta(days=30))
    if isinstance(ruling, rules.End):
        return ruling.reason.value
    if isinstance(ruling, rules.Wait):
        return {rules.Gate.PERSON_HOLD: "on_hold", rules.Gate.QUIET_HOURS: "quiet_hours"}.get(ruling.waiting_for)
    return None
