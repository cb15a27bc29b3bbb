"""Nobody overwrites what they never saw: the same rule for leads, devices and campaigns."""

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.campaigns import http as campaigns_http
from hantar.devices import http as devices_http, keeper
from hantar.kit import clock, cluster, db
from hantar.leads import http as leads_http
from tests import cast
from tests.fleet import Fleet


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    routers = [campaigns_http.router, devices_http.router, leads_http.router]
    kept = keeper.Keeper(database, {}, fake_clock)
    return cast.make_app(database, fake_clock, bus, routers=routers, parts={keeper.Keeper: kept})


@pytest.mark.parametrize("kind", ["leads", "devices", "campaigns"])
async def test_only_the_version_that_was_seen_is_changed(
    http: cast.Http, alice: Caller, database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, kind: str
) -> None:
    fleet = Fleet(database, fake_clock, bus, alice.workspace_id)
    await fleet.start()
    (device,) = await fleet.add_devices(1)
    (lead,) = await fleet.add_leads(device, ["60123450001"])
    client = http(alice)
    made = await client.post(
        "/api/campaigns", json={"title": "A", "niche": "all", "target_status": "all", "message": "Hi", "hold": True}
    )
    path = f"/api/{kind}/" + {"leads": lead, "devices": device, "campaigns": made.json()["id"]}[kind]
    field = "title" if kind == "campaigns" else "name"
    seen = (await client.get(path)).headers["etag"]
    await fake_clock.advance(1)
    first = await client.put(path, json={field: "First"}, headers={"If-Match": seen})
    assert first.status_code == 200, first.text
    assert first.headers["etag"] != seen
    late = await client.put(path, json={field: "Late"}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert (await client.get(path)).json()[field] == "First"
    for freely in ({}, {"If-Match": "*"}, {"If-Match": f'"x", W/{first.headers["etag"]}'}):
        assert (await client.put(path, json={field: "First"}, headers=freely)).status_code == 200
    await fleet.close()
