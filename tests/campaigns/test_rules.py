"""A campaign's own rules, plans and releases by the API; late starts by the rules; nothing of it for Mallory."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.campaigns import http as campaigns_http, model, service
from hantar.kit import clock, cluster, db
from hantar.media import http as media_http
from tests import cast
from tests.campaigns import crowd
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(40)]


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[campaigns_http.router, media_http.router])


def body(**changes: Any) -> dict[str, Any]:
    made = {"title": "Spring", "niche": "FIT", "target_status": "all", "message": crowd.STOP, "hold": True}
    return {**made, **changes}


async def test_rules_are_kept_copied_and_reach_the_claim(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    client = http(bob)
    rules = {"quiet_start": "09:00", "quiet_days": [6, 7], "person_cap_day": 1, "consent_mode": "strict"}
    made = (await client.post("/api/campaigns", json=body(rules=rules, canary=20))).json()
    assert (made["rules"], made["canary"], made["waiting_for"]) == (rules, 20, None)
    async with fleet.db.transaction(fleet.workspace) as tx:
        kept = await tx.fetchval("SELECT rules FROM sources WHERE id = $1", made["id"])
    assert kept == {"quiet_start": 540, "quiet_days": [6, 7], "person_cap_day": 1, "consent_mode": "strict"}
    renamed = (await client.patch(f"/api/campaigns/{made['id']}", json={"title": "Summer"})).json()
    assert (renamed["rules"], renamed["canary"]) == (rules, 20)
    copy = (await client.post(f"/api/campaigns/{made['id']}/clone")).json()
    assert (copy["rules"], copy["canary"]) == (rules, 20)
    changed = (await client.patch(f"/api/campaigns/{made['id']}", json={"rules": {}, "canary": None})).json()
    assert (changed["rules"], changed["canary"]) == ({}, None)
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert await tx.fetchval("SELECT rules FROM sources WHERE id = $1", made["id"]) == {}


@pytest.mark.parametrize(
    ("rules", "field", "code"),
    [
        ({"no_such_rule": 1}, "rules.no_such_rule", "unknown_rule"),
        ({"quiet_start": "25:00"}, "rules.quiet_start", "wrong_type"),
        ({"quiet_start": 480}, "rules.quiet_start", "wrong_type"),
        ({"person_cap_day": 1.5}, "rules.person_cap_day", "not_whole"),
        ({"consent_mode": "never"}, "rules.consent_mode", "unknown_choice"),
        ({"quiet_days": [1, 2, 3, 4, 5, 6, 7]}, "rules.quiet_days", "no_day_left"),
    ],
)
async def test_a_wrong_rule_gets_a_word_on_its_field(
    http: cast.Http, bob: Caller, rules: dict[str, Any], field: str, code: str
) -> None:
    for path in ("/api/campaigns", "/api/campaigns/plan"):
        reply = await http(bob).post(path, json=body(rules=rules))
        assert reply.status_code == 422, reply.text
        assert (field, code) in [(each["field"], each["code"]) for each in reply.json()["errors"]]
    assert (await http(bob).post("/api/campaigns", json=body(rules=[1]))).status_code == 422
    assert (await http(bob).post("/api/campaigns", json=body(canary=0))).status_code == 422


async def test_the_plan_tells_the_whole_story(http: cast.Http, vera: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:5])
    await fleet.add_leads(device, PHONES[5:6], time_zone="America/New_York")
    await crowd.agree(fleet, *PHONES[1:6])
    await crowd.opt_out(fleet, PHONES[1])
    client = http(vera)
    rules = {"quiet_start": "08:00", "quiet_end": "21:00"}
    plan = (await client.post("/api/campaigns/plan", json=body(message="Hello", rules=rules))).json()
    assert (plan["will_send"], plan["without_consent"], plan["excluded_by_reason"]) == (5, 1, {"opted_out": 1})
    (excluded,) = plan["exclusions"]
    assert (excluded["reason"], excluded["count"], excluded["example"]["phone"]) == ("opted_out", 1, PHONES[1])
    assert excluded["words"]
    (moved,) = plan["moved"]
    assert (moved["cause"], moved["count"]) == ("quiet_hours", 1)
    line = plan["opt_out_line"]
    assert (line["is_present"], line["is_required"], bool(line["proposal"])) == (False, False, True)
    (part,) = plan["devices"]
    assert (part["kind"], part["count"], part["new_people"], part["would_expire"]) == ("simulator", 5, 5, 0)
    assert part["first_at"] <= part["last_at"] <= part["late_at"]
    shown = (await client.get(f"/api/plans/{plan['plan_id']}/recipients")).json()["items"]
    assert [each["reason"] for each in shown] == [None, "opted_out", None, None, None, None]
    assert shown[1]["reason_words"] == excluded["words"]
    assert (shown[5]["moved_by"], shown[5]["time_zone"]) == ("quiet_hours", "America/New_York")
    assert shown[5]["local_time"].startswith("2026-12-01T08:00:00")
    only = (await client.get(f"/api/plans/{plan['plan_id']}/recipients", params={"reason": "opted_out"})).json()["items"]
    assert [each["phone"] for each in only] == [PHONES[1]]
    csv = (await client.get(f"/api/plans/{plan['plan_id']}/recipients", params={"format": "csv"})).text
    assert len(csv.splitlines()) == 7


async def test_real_device_numbers_are_looked_at_and_never_started(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:4])
    await crowd.agree(fleet, PHONES[0])
    client = http(bob)
    campaign = (await client.post("/api/campaigns", json=body(message="Hello"))).json()
    real = (await client.post(f"/api/campaigns/{campaign['id']}/plan", json={"as_kind": "linked"})).json()
    assert (real["plan_hash"], real["as_kind"], real["will_send"]) == (None, "linked", 1)
    assert real["opt_out_line"]["is_required"]
    assert real["devices"][0]["kind"] == "linked"
    draft = (await client.post("/api/campaigns/plan", json=body(as_kind="linked"))).json()
    assert (draft["plan_hash"], draft["excluded_by_reason"]) == (None, {"no_consent": 3})
    assert (await client.post("/api/campaigns/plan", json=body(as_kind="cloud"))).status_code == 422
    refused = await client.post(f"/api/campaigns/{campaign['id']}/trigger", json={"plan_hash": ""})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_changed")
    plain = (await client.post(f"/api/campaigns/{campaign['id']}/plan")).json()
    assert (plain["as_kind"], plain["will_send"]) == (None, 4)
    started = await client.post(f"/api/campaigns/{campaign['id']}/trigger", json={"plan_hash": plain["plan_hash"]})
    assert started.status_code == 202


async def test_a_stale_plan_shows_the_difference(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    client = http(bob)
    plan = (await client.post("/api/campaigns/plan", json=body())).json()
    campaign = (await client.post("/api/campaigns", json=body())).json()
    await fleet.add_leads(device, PHONES[3:4])
    await crowd.opt_out(fleet, PHONES[0])
    refused = await client.post(f"/api/campaigns/{campaign['id']}/trigger", json={"plan_hash": plan["plan_hash"]})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "plan_changed")
    assert (problem["added"], problem["removed"]) == (1, 1)
    assert [each["phone"] for each in problem["added_people"]] == [PHONES[3]]
    assert [each["phone"] for each in problem["removed_people"]] == [PHONES[0]]


async def test_a_real_device_needs_the_line_by_the_api(http: cast.Http, bob: Caller, fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1, **crowd.REAL)
    await fleet.add_leads(device, PHONES[:1])
    await crowd.agree(fleet, PHONES[0])
    client = http(bob)
    refused = await client.post("/api/campaigns", json=body(message="Hello", hold=False))
    assert (refused.status_code, refused.json()["code"]) == (409, "opt_out_line_missing")
    assert refused.json()["proposal"]
    assert (await client.get("/api/campaigns")).json()["items"] == []
    waiting = (await client.post("/api/campaigns", json=body(message="Hello"))).json()
    refused = await client.post(f"/api/campaigns/{waiting['id']}/trigger")
    assert (refused.status_code, refused.json()["code"]) == (409, "opt_out_line_missing")


async def test_a_canary_is_released_by_somebody_who_may_send(
    http: cast.Http, bob: Caller, vera: Caller, mallory: Caller, fleet: Fleet
) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:5])
    campaign = await fleet.launch(canary=2)
    found = (await http(bob).get(f"/api/campaigns/{campaign}")).json()
    assert (found["waiting_for"], found["counts"]["pending"], found["counts"]["queued"]) == ("canary", 3, 2)
    assert (await http(vera).post(f"/api/campaigns/{campaign}/release-canary")).status_code == 403
    assert (await http(mallory).post(f"/api/campaigns/{campaign}/release-canary")).status_code == 404
    released = (await http(bob).post(f"/api/campaigns/{campaign}/release-canary")).json()
    assert released["waiting_for"] is None
    assert released["canary_passed_at"]
    await fleet.planner.look()
    assert (await http(bob).get(f"/api/campaigns/{campaign}")).json()["counts"]["queued"] == 5
    none = await http(bob).post(f"/api/campaigns/{await fleet.launch()}/release-canary")
    assert (none.status_code, none.json()["code"]) == (409, "no_canary")


async def test_mallory_plans_with_her_own_rules_and_people_only(
    http: cast.Http, alice: Caller, mallory: Caller, fleet: Fleet
) -> None:
    """Alice's hash starts nothing of hers, Alice's plan and its people are not there, Alice's numbers bind nobody else."""
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:3])
    await crowd.set_policy(fleet, simulator={"person_cap_day": 1})
    theirs = (await http(alice).post("/api/campaigns/plan", json=body())).json()
    stranger = http(mallory)
    own = (await stranger.post("/api/campaigns", json=body())).json()
    refused = await stranger.post(f"/api/campaigns/{own['id']}/trigger", json={"plan_hash": theirs["plan_hash"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_changed")
    assert (await stranger.get(f"/api/plans/{theirs['plan_id']}/recipients")).status_code == 404
    assert (await stranger.post("/api/campaigns/plan", json=body())).json()["matched"] == 0
    foreign = await stranger.post("/api/campaigns/plan", json=body(device_ids=[device]))
    assert foreign.status_code == 422


async def status(fleet: Fleet, campaign: str) -> tuple[str, str | None]:
    async with fleet.db.transaction(fleet.workspace) as tx:
        found = await service.find(tx, fleet.workspace, campaign)
    return found.status.value, found.status_reason


async def test_how_late_is_too_late_is_a_rule(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    later = {"campaign_date": date(2026, 12, 1), "time_schedule": time(11, 0)}
    await crowd.set_policy(fleet, simulator={"late_start_after": 4 * 3600})
    fine = await fleet.launch(**later)
    strict = await fleet.launch(**later, rules={"late_start_after": 1800})
    fleet.clock.jump(timedelta(hours=4))
    await fleet.planner.look()
    assert await status(fleet, fine) == ("processing", None)
    assert await status(fleet, strict) == ("paused", "waits_for_answer")


async def test_what_happens_then_comes_from_the_rules_unless_the_campaign_says_so(
    http: cast.Http, bob: Caller, fleet: Fleet
) -> None:
    await fleet.add_devices(1)
    client = http(bob)
    assert (await client.post("/api/campaigns", json=body())).json()["late_policy"] == "ask"
    await crowd.set_policy(fleet, simulator={"late_policy": "skip"})
    assert (await client.post("/api/campaigns", json=body())).json()["late_policy"] == "skip"
    assert (await client.post("/api/campaigns", json=body(late_policy="run"))).json()["late_policy"] == "run"


async def test_one_workspaces_rules_bind_no_other_ones_start(fleet: Fleet, mallory: Caller) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:2])
    campaign = await fleet.launch(campaign_date=date(2026, 12, 1), time_schedule=time(11, 0))
    async with fleet.db.transaction(mallory.workspace_id) as tx:
        await tx.execute(
            "INSERT INTO policies (workspace_id, version, values, reason, at) VALUES ($1, 1, $2, 'x', $3)",
            mallory.workspace_id,
            {"simulator": {"late_start_after": 60, "late_policy": "skip"}},
            await tx.now(),
        )
    fleet.clock.jump(timedelta(hours=2))
    await fleet.planner.look()
    assert (await status(fleet, campaign))[0] == model.C.PROCESSING.value
