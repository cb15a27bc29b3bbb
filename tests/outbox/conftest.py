"""A fleet in Alice's workspace, and the routes of messages."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.audit import http as audit_http
from hantar.kit import clock, cluster, db
from hantar.media import http as media_http
from hantar.outbox import http as outbox_http
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
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    """The routes of messages, pictures and the audit trail."""
    routers = [outbox_http.router, media_http.router, audit_http.router]
    return cast.make_app(database, fake_clock, bus, routers=routers)
