"""What a driver must keep about its devices between starts: a pairing, a token. Sealed; where, it does not know."""

from typing import Protocol


class Unreadable(Exception):
    """Something is kept and cannot be opened: another key, or somebody changed it. Never a reason to drop it by oneself."""


class Keeps(Protocol):
    """One small secret file for each device, for one kind of driver."""

    async def load(self, device_id: str) -> bytes | None:
        """What was kept last; None when there is nothing (or the device is unknown). Raises `Unreadable`."""
        ...

    async def save(self, device_id: str, data: bytes) -> None:
        """Keep this instead; returns when it is durable. A device that is gone keeps nothing."""
        ...

    async def drop(self, device_id: str) -> None:
        """Keep nothing any more."""
        ...


class Nowhere:
    """Keeps for this process alone: where there is no database, as in trials of a single driver."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def load(self, device_id: str) -> bytes | None:
        return self._kept.get(device_id)

    async def save(self, device_id: str, data: bytes) -> None:
        self._kept[device_id] = data

    async def drop(self, device_id: str) -> None:
        self._kept.pop(device_id, None)


def nowhere(driver: str) -> Keeps:
    """A place for one driver that ends with the process."""
    return Nowhere()
