"""Linked drivers over real session hosts with the scripted library."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hantar.gateways.linked import whatsmeow_line
from tests.contract import rig_linked
from tests.gateways.linked.starting import Start


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts drivers in one folder; all are closed at the end."""
    made: list[rig_linked.LinkedRig] = []

    async def begin(**more: Any) -> rig_linked.LinkedRig:
        made.append(await rig_linked.start(tmp_path, **more))
        return made[-1]

    yield begin
    for rig in made:
        await rig.close()


@pytest.fixture
def quick_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of the library that does not end is given up soon."""
    monkeypatch.setattr(whatsmeow_line, "STOP", 0.05)
