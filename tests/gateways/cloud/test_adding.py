"""A Cloud number from the form to its first message: checked, kept sealed, opened, lost with its token, given another one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.devices import http, http_kinds, kinds, secrets
from hantar.devices.keeper import Keeper
from hantar.gateways import port
from hantar.gateways.cloud import driver, service
from hantar.kit import clock, cluster, db, upstream
from tests import cast
from tests.gateways.cloud import fake

KEY = bytes(32)
GIVEN = {
    "driver": "cloud",
    "name": "Shop",
    "number_id": "106540352242922",
    "token": "EAAG-a-token-of-ours",
    "business_id": "9001",
}


@pytest.fixture
async def cloud() -> AsyncIterator[fake.FakeCloud]:
    """The service, with one number."""
    made = fake.FakeCloud()
    await made.start()
    made.add(GIVEN["number_id"], GIVEN["token"], "60111222333")
    yield made
    await made.stop()


@pytest.fixture
async def opened(cloud: fake.FakeCloud, database: db.Database, fake_clock: clock.FakeClock) -> AsyncIterator[driver.CloudDriver]:
    """The driver, over what the database keeps."""
    calls = service.Service(upstream.Upstream(cloud.base), "v25.0")
    made = driver.CloudDriver(calls, secrets.of(database, KEY)("cloud"), fake_clock)
    yield made
    await made.close(timedelta())


@pytest.fixture
async def keeper(opened: driver.CloudDriver, database: db.Database, fake_clock: clock.FakeClock) -> Keeper:
    made = Keeper(database, {"cloud": opened}, fake_clock, random=lambda: 0.5)
    await opened.start(made.take)
    return made


@pytest.fixture
def app(keeper: Keeper, database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    parts = {Keeper: keeper, kinds.Kinds: kinds.Kinds(database, keeper, secrets.of(database, KEY))}
    return cast.make_app(database, fake_clock, bus, routers=[http.router, http_kinds.router], parts=parts)


async def shown(api: Any, device_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The device, once it is so."""
    for _ in range(2_000):
        found: dict[str, Any] = (await api.get(f"/api/devices/{device_id}")).json()
        if holds(found):
            return found
        await asyncio.sleep(0.002)
    raise TimeoutError(found["state"], found["state_reason"])


async def test_from_the_form_to_the_first_message_and_to_another_token(
    http: cast.Http, alice: Caller, cloud: fake.FakeCloud, opened: driver.CloudDriver, database: db.Database
) -> None:
    api = http(alice)
    wrong = await api.post("/api/devices", json=GIVEN | {"token": "EAAG-another-token"})
    assert wrong.status_code == 422
    assert [each["field"] for each in wrong.json()["errors"]] == ["token"], wrong.text
    made = await api.post("/api/devices", json=GIVEN)
    assert made.status_code == 201, made.text
    device = await shown(api, made.json()["id"], lambda each: each["state"] == "online")
    assert (device["phone"], device["number"]["name"], device["number"]["tier"]) == ("60111222333", "Kedai Aminah", 2_000)
    assert GIVEN["token"] not in made.text + str(device)
    async with database.system() as tx:
        sealed = await tx.fetchval("SELECT sealed FROM device_secrets WHERE device_id = $1", device["id"])
    assert GIVEN["token"].encode() not in bytes(sealed)
    ref, to = port.DeviceRef(device["id"], 1), port.Address("60123456789")
    assert isinstance(await opened.send(ref, to, port.Content("Hello"), ref="m1"), port.Accepted)
    cloud.numbers[GIVEN["number_id"]].token = "EAAG-a-newer-token"
    assert isinstance(await opened.send(ref, to, port.Content("Hello"), ref="m2"), port.DeviceLost)
    lost = await shown(api, device["id"], lambda each: each["state"] == "refused")
    assert lost["state_reason"] == "token"
    changed = await api.put(f"/api/devices/{device['id']}/credentials", json={"token": "EAAG-a-newer-token"})
    assert changed.status_code == 200, changed.text
    await shown(api, device["id"], lambda each: each["state"] == "online")
    assert isinstance(await opened.send(ref, to, port.Content("Hello"), ref="m2"), port.Accepted)
    assert [each.ref for each in cloud.ledger] == ["m1", "m2"]
