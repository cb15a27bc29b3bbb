"""The application with the routes of rules, and an administrator."""

import pytest
from fastapi import FastAPI

from hantar.accounts import model
from hantar.kit import clock, cluster, db
from hantar.policy import http as policy_http
from tests import cast


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    """The application with the routes of rules."""
    return cast.make_app(database, fake_clock, bus, routers=[policy_http.router])


@pytest.fixture
async def admin(database: db.Database) -> model.Caller:
    """Administers the installation, from a workspace of her own."""
    workspace = await cast.add_workspace(database, "Admin's")
    return await cast.add_person(database, workspace, "Ada", model.Role.OWNER, is_admin=True)
