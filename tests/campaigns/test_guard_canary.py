"""The first people of a campaign (canary): the others follow after a clean while, and never after a pause by the rules."""

from datetime import timedelta

from hantar.campaigns import guard, model, service
from hantar.kit import ids
from tests.campaigns.watch import CALMLY, audits, campaign_of, opt_out, prepare, resume, run_until, sent
from tests.fleet import Fleet


async def with_canary(fleet: Fleet, first: int, others: int, wait: int = 1800) -> str:
    """A campaign whose first people go, and so many others who wait for them."""
    device, *_ = await prepare(fleet, first, devices=1)
    campaign = await fleet.launch(canary=first, rules={"canary_wait": wait}, **CALMLY)
    async with fleet.db.transaction(fleet.workspace) as tx:
        for n in range(others):
            person = ids.new_id()
            sql = "INSERT INTO persons (workspace_id, id, phone, created_at) VALUES ($1, $2, $3, now())"
            await tx.execute(sql, fleet.workspace, person, f"60129{n:06d}")
            await tx.execute(
                """INSERT INTO messages (workspace_id, id, kind, source_id, person_id, device_id, content_id, phone, state,
                     waiting_for, priority, not_before, expires_at, created_at)
                   SELECT workspace_id, $2, kind, source_id, $3, device_id, content_id, $4, 'planned', 'canary', priority,
                     not_before, expires_at, created_at FROM messages WHERE source_id = $1 LIMIT 1""",
                campaign,
                ids.new_id(),
                person,
                f"60129{n:06d}",
            )
    assert device
    return campaign


async def test_the_others_follow_after_a_clean_while(fleet: Fleet, watch: guard.Guard) -> None:
    campaign = await with_canary(fleet, 5, 3)
    await run_until(fleet, campaign, 4)
    await fleet.clock.advance(3600)
    await watch.look(everything=True)
    assert (await fleet.states(campaign))["planned"] == 3, "the fifth has not had its message yet"
    await run_until(fleet, campaign, 5)
    await fleet.clock.advance(1700)
    await watch.look(everything=True)
    assert (await fleet.states(campaign))["planned"] == 3
    await fleet.clock.advance(110)
    await watch.look(everything=True)
    await fleet.planner.release()
    assert "planned" not in await fleet.states(campaign)
    assert (await campaign_of(fleet, campaign)).canary_passed_at is not None
    (entry,) = await audits(fleet, "campaign.canary_passed")
    assert entry["actor"] == "rules"
    await watch.look(everything=True)
    assert len(await audits(fleet, "campaign.canary_passed")) == 1


async def test_a_campaign_the_rules_paused_lets_nobody_follow(fleet: Fleet, watch: guard.Guard) -> None:
    campaign = await with_canary(fleet, 50, 3)
    await run_until(fleet, campaign, 50)
    for row in (await sent(fleet, campaign))[:6]:
        await opt_out(fleet, row)
    await watch.look()
    await fleet.clock.advance(3600)
    await watch.look(everything=True)
    assert (await fleet.states(campaign))["planned"] == 3
    assert (await campaign_of(fleet, campaign)).status is model.C.PAUSED


async def test_a_person_need_not_wait(fleet: Fleet, watch: guard.Guard) -> None:
    campaign = await with_canary(fleet, 5, 3)
    await run_until(fleet, campaign, 5)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await service.release_canary(tx, fleet.workspace, campaign)
    await fleet.clock.advance(timedelta(hours=1).total_seconds())
    await watch.look(everything=True)
    assert await audits(fleet, "campaign.canary_passed") == []
    assert (await resume(fleet, campaign)).status is model.C.PROCESSING
