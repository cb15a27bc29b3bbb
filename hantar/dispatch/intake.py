"""What comes back: receipts and late refusals, applied in batches, at least once, in any order."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from hantar.dispatch import platform
from hantar.gateways import port
from hantar.kit import clock, db
from hantar.outbox import model, receipts
from hantar.outbox import service as outbox

log = structlog.get_logger(__name__)

GATHER = 0.02
"""Seconds to gather events into one transaction."""
RAISES = {
    port.ReceiptKind.SENT: "sent",
    port.ReceiptKind.DELIVERED: "delivered",
    port.ReceiptKind.READ: "read",
    port.ReceiptKind.PLAYED: "read",
}


@dataclass(slots=True)
class _Batch:
    receipts: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    refused: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    failed: BaseException | None = None


class Intake:
    """Takes message events; `take` returns when they are committed, so a driver can forget them."""

    def __init__(self, database: db.Database, clock_: clock.Clock) -> None:
        self._db, self._clock = database, clock_
        self._batch = _Batch()
        self._came = asyncio.Event()

    async def take(self, event: port.Event) -> None:
        """Apply one event; raises `DatabaseAway` when it could not be stored and must be repeated."""
        batch = self._batch
        match event:
            case port.Receipt(wire_ids=wire_ids, kind=kind):
                batch.receipts += [(event.device_id, wire_id, RAISES[kind], event.at) for wire_id in wire_ids]
            case port.MessageFailed(wire_id=wire_id, reason=reason):
                batch.refused.append((event.device_id, wire_id, reason.value, event.at))
            case _:
                return
        self._came.set()
        await batch.done.wait()
        if batch.failed is not None:
            raise batch.failed

    async def run(self, stop: asyncio.Event) -> None:
        """Write batches until told to stop and nothing waits."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._came.set())
        while not stop.is_set() or self._batch.receipts or self._batch.refused:
            await self._came.wait()
            if not stop.is_set():
                await self._clock.sleep(GATHER)
                self._came.clear()
            await self.flush()
        stopped.cancel()

    async def flush(self) -> None:
        """Write what has gathered, and let those who brought it know."""
        batch, self._batch = self._batch, _Batch()
        try:
            await self._write(batch)
        except db.DatabaseAway as error:
            batch.failed = error
        except Exception as error:
            batch.failed = error  # whoever brought it must not take it for stored
            raise
        finally:
            batch.done.set()

    async def _write(self, batch: _Batch) -> None:
        if not batch.receipts and not batch.refused:
            return
        if batch.refused:
            await self._heed(batch)
        async with self._db.system() as tx:
            moved = await receipts.receipts(tx, batch.receipts) if batch.receipts else []
            if batch.refused:
                moved += await receipts.fail_later(tx, batch.refused)
            if batch.receipts:
                await self._contradictions(tx, batch)
            outbox.tell_moves(tx, moved)

    async def _heed(self, batch: _Batch) -> None:
        """What a late refusal says about a person counts before it is recorded."""
        reasons = {(device, wire): reason for device, wire, reason, _ in batch.refused if reason in platform.HEEDED}
        if not reasons:
            return
        async with self._db.system() as tx:
            found = await receipts.at_wires(tx, list(reasons))
        await platform.heed(self._db, {model.MessageId(message): reasons[at] for at, message in found.items()})

    async def _contradictions(self, tx: db.Tx, batch: _Batch) -> None:
        """A receipt for a message that was never to leave is an alarm, not a move."""
        for row in await receipts.contradicted(tx, [each[1] for each in batch.receipts]):
            log.error("intake.contradiction", message=row["id"], device=row["device_id"], state=row["state"])
