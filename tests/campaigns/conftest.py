"""A fleet in Alice's workspace."""

from collections.abc import AsyncIterator

import pytest

from hantar.accounts.model import Caller
from hantar.campaigns import guard
from hantar.kit import clock, cluster, db
from tests.fleet import Fleet


@pytest.fixture
async def fleet(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> AsyncIterator[Fleet]:
    """An engine with a simulated world under a fake clock."""
    made = Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def watch(fleet: Fleet) -> guard.Guard:
    """A guard that hears the fleet's facts; a test lets it look."""
    return guard.Guard(fleet.db, fleet.bus, fleet.clock)
