"""What a driver must keep about its devices between starts: a pairing, a token. Sealed; where, it does not know."""

from typing import Protocol


class Keeps(Protocol):
    """One small secret file for each device, for one kind of driver."""

    async def load(self, device_id: str) -> bytes | None:
        """What was kept last; None when there is nothing (or the device is unknown)."""
        ...

    async def save(self, device_id: str, data: bytes) -> None:
        """Keep this instead; returns when it is durable. A device that is gone keeps nothing."""
        ...

    async def drop(self, device_id: str) -> None:
        """Keep nothing any more."""
        ...
