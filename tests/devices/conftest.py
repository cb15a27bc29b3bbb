"""The stage on which devices come alive, and the application with their routes."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from hantar.devices import http as devices_http
from hantar.devices.keeper import Keeper
from hantar.kit import clock, cluster, db
from tests import cast
from tests.devices.stage import Stage


@pytest.fixture
async def stage(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> AsyncIterator[Stage]:
    """A running keeper and driver."""
    made = Stage(database, fake_clock, bus)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, stage: Stage) -> FastAPI:
    """The application with the routes of devices."""
    return cast.make_app(database, fake_clock, bus, routers=[devices_http.router], parts={Keeper: stage.keeper})
