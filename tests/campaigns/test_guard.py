"""Automatic pause by counts (responsible-sending.md 9): what the rules pause, what they leave alone, who may go on."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from hantar.accounts.model import Caller
from hantar.campaigns import guard, guard_store, model, service, store
from hantar.consent.model import OptOutReason
from hantar.kit import clock, cluster, db, ids
from tests.campaigns.watch import QUICK, audits, campaign_of, opt_out, prepare, restrict, resume, run_until, sent
from tests.fleet import CALM, Fleet


async def run_population(fleet: Fleet, watch: guard.Guard, seed: int, rate: float) -> int | None:
    """200 people get a campaign, and a share of them opts out; returns after how many sends it paused."""
    hand = random.Random(seed)
    await prepare(fleet, 200)
    campaign = await fleet.launch(**QUICK)
    asked: set[str] = set()
    while True:
        await fleet.run(0.8)
        for row in await sent(fleet, campaign):
            if row["id"] not in asked:
                asked.add(row["id"])
                if hand.random() < rate:
                    await opt_out(fleet, row)
        await watch.look()
        status = (await campaign_of(fleet, campaign)).status
        if status is model.C.PAUSED:
            return len(asked)
        if status is model.C.FINISHED:
            return None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_one_percent_is_left_alone(fleet: Fleet, watch: guard.Guard, seed: int) -> None:
    assert await run_population(fleet, watch, seed, 0.01) is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_five_percent_is_found_within_two_hundred(fleet: Fleet, watch: guard.Guard, seed: int) -> None:
    after = await run_population(fleet, watch, seed, 0.05)
    assert after is not None
    assert 50 <= after <= 200


async def test_small_samples_never_shout(fleet: Fleet, watch: guard.Guard) -> None:
    """Forty-nine messages and thirty opt-outs say nothing yet; the fiftieth message does."""
    await prepare(fleet, 60, devices=1)
    campaign = await fleet.launch(**QUICK)
    await run_until(fleet, campaign, 48)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.pause(tx, fleet.workspace, campaign)
    await fleet.run(0.5)
    of = len(await sent(fleet, campaign))
    assert of in (48, 49)
    for row in (await sent(fleet, campaign))[:30]:
        await opt_out(fleet, row)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.resume(tx, fleet.workspace, campaign)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING
    await fleet.run(1.5)
    await watch.look(everything=True)
    paused = await campaign_of(fleet, campaign)
    assert paused.status is model.C.PAUSED
    assert paused.status_reason == "opt_outs"


async def test_a_pause_says_why_in_words_and_figures(fleet: Fleet, watch: guard.Guard) -> None:
    await prepare(fleet, 80, devices=2)
    campaign = await fleet.launch(**QUICK)
    rows = await run_until(fleet, campaign, 55)
    for row in rows[:6]:
        await opt_out(fleet, row)
    await watch.look()
    paused = await campaign_of(fleet, campaign)
    cause = paused.pause_cause
    assert cause is not None
    assert cause.figures is not None
    assert (cause.code, cause.figures.hits, cause.figures.limit) == (model.PauseCode.OPT_OUTS, 6, 2.0)
    assert 2.0 < cause.figures.lower_bound < 100 * 6 / len(rows)
    assert f"6 of the last {len(rows)} people" in cause.words
    assert "at least" in cause.words
    assert paused.resume_after is None
    (entry,) = await audits(fleet, "campaign.paused")
    assert (entry["actor"], entry["actor_id"], entry["reason"], entry["object_id"]) == ("rules", None, "opt_outs", campaign)
    assert entry["after"]["hits"] == 6
    left = len(await sent(fleet, campaign))
    await fleet.run(3)
    assert len(await sent(fleet, campaign)) <= left + 2, "a closed gate lets at most one more leave each device"


async def test_a_released_opt_out_and_a_bounce_do_not_count(fleet: Fleet, watch: guard.Guard) -> None:
    await prepare(fleet, 80, devices=2)
    campaign = await fleet.launch(**QUICK)
    rows = await run_until(fleet, campaign, 55)
    for row in rows[:6]:
        await opt_out(fleet, row)
    for row in rows[6:12]:
        await opt_out(fleet, row, OptOutReason.BOUNCE)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE suppressions SET released_at = now() WHERE reason = 'stop'")
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING


async def test_opt_outs_of_another_campaign_do_not_count(fleet: Fleet, watch: guard.Guard) -> None:
    await prepare(fleet, 80, devices=4)
    campaign = await fleet.launch(**QUICK)
    other = await fleet.launch(audience=model.Audience(("none",), model.TargetStatus.ALL, None))
    rows = await run_until(fleet, campaign, 55)
    for row in rows[:6]:
        await opt_out(fleet, row, campaign_id=other)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING


@pytest.fixture
async def strangers(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller
) -> AsyncIterator[Fleet]:
    """A fleet in a world where a quarter of the numbers are not on WhatsApp."""
    made = Fleet(database, fake_clock, bus, alice.workspace_id, replace(CALM, not_on_whatsapp=0.25))
    await made.start()
    yield made
    await made.close()


async def add_import(fleet: Fleet, name: str) -> str:
    async with fleet.db.transaction(fleet.workspace) as tx:
        made = ids.new_id()
        sql = "INSERT INTO imports (workspace_id, id, file_name, is_dry_run, created_at) VALUES ($1, $2, $3, false, $4)"
        await tx.execute(sql, fleet.workspace, made, name, await tx.now())
    return made


async def test_a_poor_list_pauses_and_names_its_import(strangers: Fleet) -> None:
    watch = guard.Guard(strangers.db, strangers.bus, strangers.clock)
    bought = await add_import(strangers, "fair-2024.csv")
    await prepare(strangers, 100, devices=2, import_id=bought)
    campaign = await strangers.launch(**QUICK)
    await run_until(strangers, campaign, 50)
    await watch.look()
    paused = await campaign_of(strangers, campaign)
    assert paused.status_reason == "list_quality"
    assert paused.pause_cause is not None
    assert paused.pause_cause.import_ids == (bought,)
    assert "List quality" in paused.pause_cause.words
    assert "“fair-2024.csv”" in paused.pause_cause.words
    (entry,) = await audits(strangers, "campaign.paused")
    assert "fair" not in str(entry["after"]), "the audit holds ids, not names"


async def test_numbers_that_were_looked_up_and_are_not_there_count_too(fleet: Fleet, watch: guard.Guard) -> None:
    """Nothing was sent to them, and yet the list is poor."""
    bought = await add_import(fleet, "fair-2024.csv")
    await prepare(fleet, 90, devices=2, import_id=bought)
    campaign = await fleet.launch(**QUICK)
    await run_until(fleet, campaign, 48)
    await watch.look()
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING
    absent = """UPDATE messages SET state = 'suppressed', reason = 'not_on_whatsapp', ended_at = $2
                WHERE id IN (SELECT id FROM messages WHERE source_id = $1 AND state = 'queued' LIMIT 15)"""
    await fleet.sql(absent, campaign, fleet.clock.now())
    await watch.look(everything=True)
    paused = await campaign_of(fleet, campaign)
    assert paused.status_reason == "list_quality"
    assert paused.pause_cause is not None
    assert paused.pause_cause.import_ids == (bought,)


# ---------------------------------------------------------------- devices


async def test_a_device_whose_people_opt_out_is_paused_alone(fleet: Fleet, watch: guard.Guard) -> None:
    bad, good = await prepare(fleet, 160, devices=2)
    campaign = await fleet.launch(**QUICK)
    rows = [row for row in await run_until(fleet, campaign, 125) if row["device_id"] == bad]
    assert len(rows) >= 55
    for row in rows[:7]:
        await opt_out(fleet, row, campaign_id=None)
    await watch.look()
    async with fleet.db.transaction(fleet.workspace) as tx:
        paused = {row["id"] for row in await tx.fetch("SELECT id FROM devices WHERE sending_paused")}
    assert paused == {bad}
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING
    assert good not in paused


@pytest.mark.parametrize(("blocks", "is_paused"), [(1, False), (2, True)])
async def test_two_blocks_in_a_hundred_pause_a_device(fleet: Fleet, watch: guard.Guard, blocks: int, is_paused: bool) -> None:
    await prepare(fleet, 110, devices=1)
    campaign = await fleet.launch(**QUICK)
    rows = await run_until(fleet, campaign, 60)
    reasons = [OptOutReason.BLOCK, OptOutReason.COMPLAINT]
    for row, reason in list(zip(rows[-10:], reasons, strict=False))[:blocks]:
        await opt_out(fleet, row, reason, campaign_id=None)
    await watch.look()
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert await tx.fetchval("SELECT sending_paused FROM devices") is is_paused


# ---------------------------------------------------------------- lost facts, races, resumes


async def test_a_sweep_finds_what_no_fact_told(fleet: Fleet) -> None:
    deaf = guard.Guard(fleet.db, cluster.LocalBus(), fleet.clock, sweep_every=30)
    hit, *_ = await prepare(fleet, 80, devices=2)
    campaign = await fleet.launch(**QUICK)
    for row in (await run_until(fleet, campaign, 55))[:6]:
        await opt_out(fleet, row)
    stop = asyncio.Event()
    running = asyncio.create_task(deaf.run(stop))
    assert await _reason(fleet, campaign) == "opt_outs"
    await resume(fleet, campaign)
    await restrict(fleet, deaf_to(fleet), hit)
    assert await _reason(fleet, campaign) == "device_restricted"
    stop.set()
    while not running.done():
        await fleet.clock.advance(1)
        await asyncio.sleep(0.01)


async def _reason(fleet: Fleet, campaign: str) -> str | None:
    """Why it is paused, as soon as it is: the clock goes on, and the database works in real time."""
    for _ in range(500):
        await fleet.clock.advance(2)
        await asyncio.sleep(0.02)
        found = await campaign_of(fleet, campaign)
        if found.status is model.C.PAUSED:
            return found.status_reason
    return None


def deaf_to(fleet: Fleet) -> guard.Guard:
    """A guard that has heard nothing and so does nothing when it looks."""
    return guard.Guard(fleet.db, cluster.LocalBus(), fleet.clock)


async def both(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> int:
    """Two guards judge before either acts; returns how often the campaign was paused, by the audit."""
    samples, have_judged = guard_store.campaign_samples, asyncio.Barrier(2)

    async def together(tx: db.Tx, asked: Any) -> Any:
        found = await samples(tx, asked)
        await asyncio.wait_for(have_judged.wait(), 10)
        return found

    monkeypatch.setattr(guard_store, "campaign_samples", together)
    first, second = (guard.Guard(fleet.db, fleet.bus, fleet.clock) for _ in range(2))
    await asyncio.gather(first.look(everything=True), second.look(everything=True))
    return len(await audits(fleet, "campaign.paused"))


async def ripe(fleet: Fleet) -> str:
    """A campaign that too many people opted out of."""
    await prepare(fleet, 80, devices=2)
    campaign = await fleet.launch(**QUICK)
    for row in (await run_until(fleet, campaign, 55))[:6]:
        await opt_out(fleet, row)
    return campaign


async def test_two_guards_pause_once(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await ripe(fleet)
    assert await both(fleet, monkeypatch) == 1


async def test_a_guard_that_judged_before_a_resume_does_not_pause_after_it(
    fleet: Fleet, watch: guard.Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await ripe(fleet)
    samples = guard_store.campaign_samples

    async def slow(tx: db.Tx, asked: Any) -> Any:
        found = await samples(tx, asked)
        monkeypatch.setattr(guard_store, "campaign_samples", samples)
        other = guard.Guard(fleet.db, cluster.LocalBus(), fleet.clock)
        await other.look(everything=True)
        await resume(fleet, campaign)
        return found

    monkeypatch.setattr(guard_store, "campaign_samples", slow)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING


async def test_old_hits_are_settled_by_a_resume_and_new_ones_count(fleet: Fleet, watch: guard.Guard) -> None:
    await prepare(fleet, 200, devices=4)
    campaign = await fleet.launch(**QUICK)
    old = await run_until(fleet, campaign, 55)
    for row in old[:6]:
        await opt_out(fleet, row)
    await watch.look()
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED
    await resume(fleet, campaign)
    for row in old[6:10]:  # late words about what was sent before
        await opt_out(fleet, row)
    await run_until(fleet, campaign, len(old) + 60)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING
    new = [row for row in await sent(fleet, campaign) if row["id"] not in {each["id"] for each in old}]
    assert len(new) >= 50
    for row in new[:6]:
        await opt_out(fleet, row)
    await watch.look()
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED


# ---------------------------------------------------------------- mutants


async def test_mutant_a_guard_that_looks_only_once_pauses_twice(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two guards, and the status is not looked at again under the lock."""
    find = store.find

    async def blind(tx: db.Tx, workspace_id: str, campaign_id: str, *, lock: bool = False) -> model.Campaign:
        found = await find(tx, workspace_id, campaign_id)
        return replace(found, status=model.C.PROCESSING) if lock else found

    await ripe(fleet)
    monkeypatch.setattr(store, "find", blind)
    assert await both(fleet, monkeypatch) == 2, "the mutant lives"


async def test_mutant_raw_shares_shout_early(fleet: Fleet, watch: guard.Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lower bound, two opt-outs of sixty (3 %, and chance) pause a campaign."""
    await prepare(fleet, 80, devices=2)
    campaign = await fleet.launch(**QUICK)
    for row in (await run_until(fleet, campaign, 55))[:2]:
        await opt_out(fleet, row)
    await watch.look()
    assert (await campaign_of(fleet, campaign)).status is model.C.PROCESSING
    monkeypatch.setattr(guard.wilson, "lower", lambda hits, of: 100 * hits / of)
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED, "the mutant lives"


async def test_mutant_a_resume_that_forgets_nothing_is_undone(
    fleet: Fleet, watch: guard.Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await ripe(fleet)
    await watch.look()
    await resume(fleet, campaign)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("UPDATE campaigns SET counted_from = NULL")
    await watch.look(everything=True)
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED, "the mutant lives"
