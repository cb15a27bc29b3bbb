"""The Cloud driver beside the fake service."""

from collections.abc import AsyncIterator

import pytest

from tests.contract import rig_cloud


@pytest.fixture
async def rig() -> AsyncIterator[rig_cloud.CloudRig]:
    """The driver and the fake service."""
    made = await rig_cloud.start()
    yield made
    await made.close()
