"""The simulator panel plays people: they write, with or without a number, in groups, block and complain."""

from typing import Any

import pytest
from fastapi import FastAPI

from hantar.devices import http as devices_http, keeper
from hantar.kit import clock, cluster, db
from tests import cast
from tests.fleet import Fleet
from tests.inbox.stage import ANN, LID, ask

INBOUND = {"action": "inbound", "text": "STOP"}


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, fleet: Fleet) -> FastAPI:
    kept = keeper.Keeper(database, {"simulator": fleet.driver}, fake_clock)
    return cast.make_app(database, fake_clock, bus, routers=[devices_http.router], parts={keeper.Keeper: kept})


@pytest.mark.parametrize(
    ("body", "phone", "reason"),
    [
        ({**INBOUND, "phone": ANN}, ANN, "stop"),
        ({**INBOUND, "phone": ANN, "opaque": LID, "identity": "never"}, None, "stop"),
        ({"action": "block", "phone": ANN}, ANN, "block"),
        ({"action": "complain", "phone": ANN}, ANN, "complaint"),
        ({"action": "complain", "phone": ANN, "opaque": LID}, None, "complaint"),
    ],
)
async def test_the_panel_s_people_are_heard(http, alice, fleet, database, body: dict[str, Any], phone: str | None, reason: str):
    (device,) = await fleet.add_devices(1)
    reply = await http(alice).post(f"/api/devices/{device}/simulate", json=body)
    assert reply.status_code == 200, reply.text
    await fleet.heard()
    await fleet.clock.advance(30)
    await fleet.heard()
    (row,) = await ask(database, alice, "SELECT s.reason, p.phone FROM suppressions s JOIN persons p ON p.id = s.person_id")
    assert (row["reason"], row["phone"]) == (reason, phone)


async def test_whose_opaque_id_it_is_can_come_later(http, alice, fleet, database):
    (device,) = await fleet.add_devices(1)
    body = {**INBOUND, "phone": ANN, "opaque": LID, "for_seconds": 20, "name": "Annie"}
    await http(alice).post(f"/api/devices/{device}/simulate", json=body)
    await fleet.heard()
    (row,) = await ask(
        database, alice, "SELECT p.phone, i.push_name FROM persons p JOIN inbound_messages i ON i.person_id = p.id"
    )
    assert (row["phone"], row["push_name"]) == (None, "Annie")
    await fleet.clock.advance(21)
    await fleet.heard()
    (row,) = await ask(database, alice, "SELECT phone FROM persons")
    assert row["phone"] == ANN


async def test_a_group_is_not_us(http, alice, fleet, database):
    (device,) = await fleet.add_devices(1)
    await http(alice).post(f"/api/devices/{device}/simulate", json={**INBOUND, "phone": ANN, "in_group": True})
    await fleet.heard()
    assert await ask(database, alice, "SELECT 1 FROM inbound_messages") == []
