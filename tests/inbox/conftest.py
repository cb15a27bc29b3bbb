"""A fleet in Alice's workspace, whose simulated people can write."""

from collections.abc import AsyncIterator

import pytest

from hantar.accounts.model import Caller
from hantar.kit import clock, cluster, db
from tests.fleet import Fleet


@pytest.fixture
async def fleet(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller) -> AsyncIterator[Fleet]:
    """An engine with a simulated world under a fake clock."""
    made = Fleet(database, fake_clock, bus, alice.workspace_id)
    await made.start()
    yield made
    await made.close()
