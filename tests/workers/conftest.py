"""A fleet in Alice's workspace, and the routes of workers."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.audit import http as audit_http
from hantar.campaigns import http as campaigns_http
from hantar.devices import http as devices_http, keeper
from hantar.kit import clock, cluster, db
from hantar.workers import http as workers_http, live
from tests import cast
from tests.fleet import Fleet


@pytest.fixture
async def fleet(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> AsyncIterator[Fleet]:
    """An engine with a simulated world under a fake clock."""
    made = Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def app(fleet: Fleet) -> FastAPI:
    """The routes of workers, devices, campaigns and the audit trail."""
    routers = [workers_http.router, devices_http.router, campaigns_http.router, audit_http.router]
    kept = keeper.Keeper(fleet.db, {"simulator": fleet.driver}, fleet.clock)
    parts = {keeper.Keeper: kept, live.Live: live.Live(fleet.bus, fleet.clock, 5)}
    return cast.make_app(fleet.db, fleet.clock, fleet.bus, routers=routers, parts=parts)
