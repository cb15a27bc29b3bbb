"""Failed messages go again by a person's word: which do, which never do, and the campaign goes on."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.audit import http as audit_http
from hantar.campaigns import http as campaigns_http, http_retry, planner
from hantar.consent import model as consents
from hantar.gateways import port
from hantar.kit import clock, cluster, db, ids
from hantar.outbox import http as outbox_http, model as outbox, retries, service as outbox_service
from tests import cast
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(20)]


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    routers = [campaigns_http.router, http_retry.router, outbox_http.router, audit_http.router]
    return cast.make_app(database, fake_clock, bus, routers=routers)


async def fail(fleet: Fleet, campaign: str, reasons: Mapping[str, str | None]) -> None:
    """Let messages to these numbers end: failed for a reason, or unconfirmed when there is none."""
    for phone, reason in reasons.items():
        where = "WHERE source_id = $1 AND phone = $2"
        await fleet.sql(f"UPDATE messages SET state = 'claimed', claimed_at = now(), attempts = 2 {where}", campaign, phone)
        state = "failed" if reason else "unknown"
        ended = "UPDATE messages SET state = $3, reason = $4, ended_at = now()"
        await fleet.sql(f"{ended} {where}", campaign, phone, state, reason)


async def ended_campaign(fleet: Fleet, reasons: Mapping[str, str | None]) -> str:
    """A campaign all of whose messages ended like that, on devices in turn."""
    for number, phone in enumerate(reasons):
        await fleet.add_leads(fleet.devices[number % len(fleet.devices)], [phone])
    campaign = await fleet.launch()
    await fail(fleet, campaign, reasons)
    await fleet.watcher.look()
    return campaign


def left(body: Mapping[str, Any]) -> dict[str, int]:
    return {each["reason"]: each["count"] for each in body["not_retried"]}


async def test_what_may_go_again_goes_and_the_campaign_goes_on(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    reasons = {PHONES[0]: "undeliverable", PHONES[1]: "missing_variable", PHONES[2]: "not_on_whatsapp", PHONES[3]: None}
    campaign = await ended_campaign(fleet, reasons)
    client = http(bob)
    assert (await client.get(f"/api/campaigns/{campaign}")).json()["status"] == "finished"

    seen = await client.post(f"/api/campaigns/{campaign}/retry-failed", json={"dry_run": True})
    assert (seen.status_code, seen.json()["retried"], seen.json()["dry_run"]) == (202, 2, True)
    assert left(seen.json()) == {"not_on_whatsapp": 1, "unconfirmed": 1}
    assert (await client.post(f"/api/campaigns/{campaign}/retry-failed?dry_run=true")).json() == seen.json()
    assert await fleet.states(campaign) == {"failed": 3, "unknown": 1}

    done = (await client.post(f"/api/campaigns/{campaign}/retry-failed")).json()
    assert (done["retried"], left(done), done["dry_run"]) == (2, left(seen.json()), False)
    assert await fleet.states(campaign) == {"planned": 2, "failed": 1, "unknown": 1}
    assert (await client.get(f"/api/campaigns/{campaign}")).json()["status"] == "triggered"
    await fleet.planner.look()
    assert await fleet.states(campaign) == {"queued": 2, "failed": 1, "unknown": 1}
    now = (await client.get(f"/api/campaigns/{campaign}")).json()
    assert (now["status"], now["status_reason"], now["finished_at"]) == ("processing", None, None)
    again = (await client.post(f"/api/campaigns/{campaign}/retry-failed")).json()
    assert again["retried"] == 0

    await fleet.run(40)
    counts = await fleet.states(campaign)
    assert sum(counts.pop(state, 0) for state in ("sent", "delivered", "read")) == 2, "some people open it later"
    assert counts == {"failed": 1, "unknown": 1}
    assert sorted(fleet.reached()) == PHONES[:2]
    assert (await client.get(f"/api/campaigns/{campaign}")).json()["status"] == "finished"


async def test_a_row_begins_anew_with_time_to_live(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.set_rules(expires_after=7200)
    campaign = await ended_campaign(fleet, {PHONES[0]: "undeliverable"})
    await fleet.clock.advance(43_200)
    (before,) = await fleet.rows(campaign)
    assert before["expires_at"] < fleet.clock.now()
    told: list[cluster.Fact] = []
    fleet.bus.subscribe("outbox.queued", told.append)
    assert (await http(bob).post(f"/api/campaigns/{campaign}/retry-failed")).json()["retried"] == 1
    await fleet.planner.look()
    (row,) = await fleet.rows(campaign)
    assert row["id"] == before["id"]
    assert (row["state"], row["reason"], row["ended_at"], row["claimed_at"], row["attempts"]) == ("queued", None, None, None, 0)
    assert row["expires_at"] == fleet.clock.now() + timedelta(hours=2)
    assert row["not_before"] == fleet.clock.now()
    assert [fact.data["device_ids"] for fact in told] == [[device]]


async def test_why_says_that_it_had_failed(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, {PHONES[0]: "undeliverable"})
    client = http(bob)
    await client.post(f"/api/campaigns/{campaign}/retry-failed")
    (row,) = await fleet.rows(campaign)
    steps = (await client.get(f"/api/messages/{row['id']}/explain")).json()["steps"]
    (resent,) = [step for step in steps if step["rule"] == "resend"]
    assert resent["words"] == "It had failed: it could not be delivered. A member sent it again."


async def test_one_device_alone(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    first, second = await fleet.add_devices(2)
    campaign = await ended_campaign(fleet, dict.fromkeys(PHONES[:5], "undeliverable"))
    done = await http(bob).post(f"/api/campaigns/{campaign}/device/{second}/retry-failed")
    assert done.status_code == 202
    assert (done.json()["retried"], done.json()["campaign_id"], done.json()["device_id"]) == (2, campaign, second)
    assert {row["device_id"]: row["state"] for row in await fleet.rows(campaign)} == {first: "failed", second: "planned"}
    assert (await http(bob).post(f"/api/campaigns/{campaign}/device/{ids.new_id()}/retry-failed")).status_code == 404


async def test_who_opted_out_since_is_left_out(http: cast.Http, bob: Caller, alice: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, dict.fromkeys(PHONES[:2], "undeliverable"))
    asked = consents.OptOut(consents.OptOutReason.MANUAL, consents.OptOutSource.API)
    person = await fleet.person(PHONES[0])
    async with fleet.db.transaction(alice.workspace_id) as tx:
        await outbox_service.opt_out(tx, alice.workspace_id, person, asked)
    done = (await http(bob).post(f"/api/campaigns/{campaign}/retry-failed")).json()
    assert (done["retried"], left(done)) == (1, {"opted_out": 1})
    assert {row["phone"]: row["state"] for row in await fleet.rows(campaign)} == {PHONES[0]: "failed", PHONES[1]: "planned"}


async def test_rules_are_asked_again_before_it_leaves(http: cast.Http, bob: Caller, alice: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, {PHONES[0]: "undeliverable"})
    await http(bob).post(f"/api/campaigns/{campaign}/retry-failed")
    await fleet.planner.look()
    asked = consents.OptOut(consents.OptOutReason.MANUAL, consents.OptOutSource.API)
    async with fleet.db.transaction(alice.workspace_id) as tx:
        await outbox_service.opt_out(tx, alice.workspace_id, await fleet.person(PHONES[0]), asked)
    await fleet.run(5)
    assert (await fleet.states(campaign), fleet.reached()) == ({"suppressed": 1}, [])


async def test_of_two_messages_to_one_person_one_goes(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    """A merge of two entries can leave two rows of one campaign to one person: both failed, or one that stands."""
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, dict.fromkeys(PHONES[:4], "undeliverable"))
    for gone, kept in ((PHONES[1], PHONES[0]), (PHONES[3], PHONES[2])):
        people = await fleet.person(gone), await fleet.person(kept)
        await fleet.sql("UPDATE messages SET person_id = $2, twin = 1 WHERE person_id = $1", *people)
    await fleet.sql("UPDATE messages SET state = 'delivered', reason = NULL WHERE phone = $1", PHONES[2])
    done = (await http(bob).post(f"/api/campaigns/{campaign}/retry-failed")).json()
    assert (done["retried"], left(done)) == (1, {"duplicate_of": 2})
    assert {row["phone"] for row in await fleet.rows(campaign) if row["state"] == "planned"} == {PHONES[0]}


async def test_an_erased_person_stays_erased(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, {PHONES[0]: "undeliverable"})
    await fleet.sql("UPDATE persons SET erased_at = now()")
    done = (await http(bob).post(f"/api/campaigns/{campaign}/retry-failed")).json()
    assert (done["retried"], left(done)) == (0, {"erased": 1})


async def test_a_cancelled_campaign_stays_cancelled(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    await fleet.add_leads(fleet.devices[0], PHONES[:2])
    campaign = await fleet.launch()
    await fail(fleet, campaign, {PHONES[0]: "undeliverable"})
    client = http(bob)
    assert (await client.post(f"/api/campaigns/{campaign}/cancel")).status_code == 200
    for body in ({}, {"dry_run": True}):
        reply = await client.post(f"/api/campaigns/{campaign}/retry-failed", json=body)
        assert (reply.status_code, reply.json()["code"]) == (409, "campaign_ended")
    assert await fleet.states(campaign) == {"failed": 1, "cancelled": 1}


async def test_a_paused_campaign_plans_and_stays_paused(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    await fleet.add_leads(fleet.devices[0], PHONES[:2])
    campaign = await fleet.launch()
    await fail(fleet, campaign, {PHONES[0]: "undeliverable"})
    client = http(bob)
    await client.post(f"/api/campaigns/{campaign}/pause")
    assert (await client.post(f"/api/campaigns/{campaign}/retry-failed")).json()["retried"] == 1
    await fleet.planner.look()
    await fleet.run(5)
    assert (await fleet.states(campaign), fleet.reached()) == ({"queued": 1, "planned": 1}, [])
    assert (await client.get(f"/api/campaigns/{campaign}")).json()["status"] == "paused"
    await client.post(f"/api/campaigns/{campaign}/resume")
    await fleet.planner.look()
    assert await fleet.states(campaign) == {"queued": 2}


async def test_what_goes_again_goes_by_its_window(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    """As many as the window of a device holds are queued, and the others follow."""
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, dict.fromkeys(PHONES[:12], "undeliverable"))
    fleet.planner = planner.Planner(fleet.db, fleet.bus, fleet.clock, page=50, window=5)
    assert (await http(bob).post(f"/api/campaigns/{campaign}/retry-failed")).json()["retried"] == 12
    await fleet.planner.look()
    assert await fleet.states(campaign) == {"queued": 5, "planned": 7}
    most = 0
    for _ in range(40):
        await fleet.run(10, step=1.0)
        await fleet.planner.look()
        most = max(most, (await fleet.states(campaign)).get("queued", 0))
        if len(fleet.reached()) == 12:
            break
    assert (sorted(fleet.reached()), most) == (PHONES[:12], 5)


async def test_a_campaign_sent_again_waits_for_its_turn(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    """Others of the account run: it goes on when one of them has ended, paused in between or not, and writes to nobody new."""
    fleet.planner = planner.Planner(fleet.db, fleet.bus, fleet.clock, page=50, pools=1)
    await fleet.add_devices(1)
    campaign, client = await ended_campaign(fleet, {PHONES[0]: "undeliverable"}), http(bob)
    await fleet.add_leads(fleet.devices[0], [PHONES[1]])
    other = await fleet.launch(min_delay_seconds=60.0, max_delay_seconds=60.0)
    assert (await client.post(f"/api/campaigns/{campaign}/retry-failed")).json()["retried"] == 1
    await fleet.planner.look()
    now = (await client.get(f"/api/campaigns/{campaign}")).json()
    assert (now["status"], now["status_reason"]) == ("triggered", "waits_for_turn")
    for word in ("pause", "resume"):
        assert (await client.post(f"/api/campaigns/{campaign}/{word}")).status_code == 200
        await fleet.planner.look()
        assert (await client.post(f"/api/campaigns/{campaign}/retry-failed")).json()["retried"] == 0
    await fleet.run(30, step=1.0)
    assert await fleet.states(campaign) == {"planned": 1}
    await client.post(f"/api/campaigns/{other}/cancel")
    await fleet.planner.look()
    assert (await client.get(f"/api/campaigns/{campaign}")).json()["status"] == "processing"
    assert await fleet.states(campaign) == {"queued": 1}


async def test_who_may_and_that_it_is_kept(http: cast.Http, alice: Caller, bob: Caller, vera: Caller, fleet: Fleet) -> None:
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, {PHONES[0]: "undeliverable"})
    assert (await http(vera).post(f"/api/campaigns/{campaign}/retry-failed")).status_code == 403
    await http(bob).post(f"/api/campaigns/{campaign}/retry-failed", json={"dry_run": True})
    assert (await http(bob).post(f"/api/campaigns/{campaign}/retry-failed")).status_code == 202
    entries = (await http(alice).get("/api/audit", params={"action": "campaign.retried"})).json()["items"]
    assert [(entry["actor"], entry["after"]) for entry in entries] == [("Bob", {"retried": 1, "device_id": None})]


def test_every_reason_of_the_gateway_was_decided_on() -> None:
    """A reason that comes new must be thought about: it is left as it is until somebody does."""
    final = {"opted_out", "capped", "not_on_whatsapp", "invalid_address", "country_blocked", "account_refused"}
    final |= {"invalid_content", "too_large", "unsupported", "needs_template"}
    known = {reason.value for reason in port.Reason}
    assert retries.RETRYABLE & final == set()
    assert (retries.RETRYABLE & known) | final == known
    assert outbox.S.PLANNED in outbox.MOVES[outbox.S.FAILED]


async def test_mutant_unconfirmed_counts_as_failed(
    http: cast.Http, bob: Caller, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-02 mutant: unconfirmed rows are offered for a retry like failed ones."""
    await fleet.add_devices(1)
    campaign = await ended_campaign(fleet, {PHONES[0]: None})
    blind = retries._VERDICT.replace("WHEN m.state = 'unknown' THEN 'unconfirmed'", "").replace("m.reason IS NULL OR", "")
    judged = retries._JUDGED.replace(retries._VERDICT, blind)
    assert judged != retries._JUDGED
    monkeypatch.setattr(retries, "_JUDGED", judged)
    await fleet.sql("UPDATE messages SET reason = 'undeliverable'")
    seen = (await http(bob).post(f"/api/campaigns/{campaign}/retry-failed", json={"dry_run": True})).json()
    assert seen["retried"] == 1, "the mutant lives"
