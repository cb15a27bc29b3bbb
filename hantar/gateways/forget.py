"""What a driver may offer beside the port: to drop what it keeps of a person who is being erased."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Forgets(Protocol):
    """A driver that keeps records of its own about people."""

    async def forget_people(self, names: Sequence[str], device_ids: Sequence[str]) -> None:
        """Drop every trace of these numbers and opaque ids at these devices, and at devices that were forgotten.

        Other devices may keep them: they are other people's business. Returns when none is left on disk. Safe to repeat.
        """
        ...
