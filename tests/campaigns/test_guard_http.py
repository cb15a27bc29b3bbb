"""A campaign that the rules paused, as the API shows it and lets it go on."""

from typing import Any

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.campaigns import guard, http as campaigns_http
from hantar.kit import clock, cluster, db
from tests import cast
from tests.campaigns.watch import CALMLY, prepare, restrict
from tests.cast import Http
from tests.fleet import Fleet


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[campaigns_http.router])


async def test_the_pages_learn_why_and_from_when_it_may_go_on(fleet: Fleet, watch: guard.Guard, http: Http, bob: Caller) -> None:
    hit, *_ = await prepare(fleet, 20, devices=2)
    campaign = await fleet.launch(**CALMLY)
    await restrict(fleet, watch, hit)
    shown: dict[str, Any] = (await http(bob).get(f"/api/campaigns/{campaign}")).json()
    assert (shown["status"], shown["status_reason"]) == ("paused", "device_restricted")
    assert shown["pause_cause"]["code"] == "device_restricted"
    assert shown["pause_cause"]["device_id"] == hit
    assert shown["pause_cause"]["figures"] is None
    assert shown["words"] == shown["pause_cause"]["words"]
    assert shown["resume_after"] is not None
    early = await http(bob).post(f"/api/campaigns/{campaign}/resume", json={"reason": "We are sure."})
    assert (early.status_code, early.json()["code"]) == (409, "cooling_down")
    assert early.json()["resume_after"] == shown["resume_after"]
    await fleet.clock.advance(61)
    without = await http(bob).post(f"/api/campaigns/{campaign}/resume")
    assert (without.status_code, without.json()["code"]) == (409, "reason_required")
    triggered = await http(bob).post(f"/api/campaigns/{campaign}/trigger")
    assert (triggered.status_code, triggered.json()["code"]) == (409, "reason_required")
    went_on = await http(bob).post(f"/api/campaigns/{campaign}/resume", json={"reason": "We are sure."})
    assert went_on.status_code == 200, went_on.text
    assert [went_on.json()[name] for name in ("status", "pause_cause", "resume_after", "words")] == [
        "processing",
        None,
        None,
        None,
    ]
    async with fleet.db.transaction(fleet.workspace) as tx:
        entry = await tx.fetchrow("SELECT * FROM audit WHERE action = 'campaign.resumed'")
    assert entry is not None
    assert (entry["actor_id"], entry["reason"]) == (bob.user_id, "We are sure.")
