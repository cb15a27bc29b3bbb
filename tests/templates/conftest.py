"""Numbers of the Cloud API in Alice's workspace, and the routes that have to do with templates."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.campaigns import http as campaigns_http
from hantar.devices import keeper
from hantar.kit import clock, cluster, db
from hantar.outbox import http as outbox_http
from hantar.templates import http as templates_http
from tests import cast
from tests.clouds import CloudFleet
from tests.fleet import Fleet
from tests.gateways.cloud.fake import FakeCloud


@pytest.fixture
async def stage(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller
) -> AsyncIterator[CloudFleet]:
    """A fleet with the service behind it; no number yet."""
    fleet = Fleet(database, fake_clock, bus, alice.workspace_id)
    made = CloudFleet(fleet, FakeCloud())
    await made.start()
    await made.rules()
    yield made
    await made.close()


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, stage: CloudFleet) -> FastAPI:
    """Routes of templates, messages and campaigns."""
    kept = keeper.Keeper(database, {"simulator": stage.fleet.driver, "cloud": stage.driver}, fake_clock)
    routers = [templates_http.router, outbox_http.router, campaigns_http.router]
    return cast.make_app(database, fake_clock, bus, routers=routers, parts={keeper.Keeper: kept})
