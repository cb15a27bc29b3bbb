"""The stage on which devices come alive, and the application with their routes."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from hantar.devices import http as devices_http
from hantar.devices.keeper import Keeper
from hantar.kit import clock, cluster
from tests import cast
from tests.devices.stage import Stage, WatchedDatabase


@pytest.fixture
async def database(dsn: str, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> AsyncIterator[WatchedDatabase]:
    """A database under the fake clock that knows when it is in use."""
    opened = WatchedDatabase(dsn, key=bytes(32), clock=fake_clock, bus=bus, size=5)
    yield opened
    await opened.close()


@pytest.fixture
async def stage(database: WatchedDatabase, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> AsyncIterator[Stage]:
    """A running keeper and driver."""
    made = Stage(database, fake_clock, bus)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def app(database: WatchedDatabase, fake_clock: clock.FakeClock, bus: cluster.LocalBus, stage: Stage) -> FastAPI:
    """The application with the routes of devices."""
    return cast.make_app(database, fake_clock, bus, routers=[devices_http.router], parts={Keeper: stage.keeper})
