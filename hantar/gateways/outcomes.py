"""What became of messages: the events that come by the thousand, and how a sink takes many of them at once."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from hantar.gateways import port

KINDS = (port.Receipt, port.MessageFailed)


@runtime_checkable
class TakesMany(Protocol):
    """What a sink (`port.EventSink`) may offer beside: outcomes by the batch. A driver need not use it; other events never do."""

    async def take_many(self, events: Sequence[port.Event]) -> None:
        """Take outcomes in their order; returns when all are committed. Raises when they must be brought again, all of them."""
        ...
