"""A fleet and a theatre in Alice's workspace."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from hantar.accounts.model import Caller
from hantar.kit import clock, cluster, db
from tests.conftest import KEY
from tests.demo.theatre import Theatre
from tests.devices.stage import WatchedDatabase
from tests.fleet import CALM, Fleet


@pytest.fixture
async def fleet(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> AsyncIterator[Fleet]:
    """An engine with a simulated world under a fake clock."""
    made = Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def theatre(dsn: str, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> AsyncIterator[Theatre]:
    """Everything that plays in the demo, under a fake clock."""
    watched = WatchedDatabase(dsn, key=KEY, clock=fake_clock, bus=bus, size=8)
    made = Theatre(watched, fake_clock, bus, alice.workspace_id, replace(CALM, not_on_whatsapp=0.015))
    await made.start()
    yield made
    await made.close()
    await watched.close()
