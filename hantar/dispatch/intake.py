"""What comes back: receipts and late refusals, applied in batches, at least once, in any order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import structlog

from hantar.dispatch import platform
from hantar.gateways import port
from hantar.kit import clock, db
from hantar.outbox import model, receipts, service as outbox

log = structlog.get_logger(__name__)

GATHER = 0.02
"""Seconds to gather events into one transaction."""
TRIES = 5
"""How often an event that fails for a reason of its own is tried before it is dropped."""
HOPELESS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
"""Failures that lie in the event's own values, so that no repeat will cure them."""
RAISES = {
    port.ReceiptKind.SENT: "sent",
    port.ReceiptKind.DELIVERED: "delivered",
    port.ReceiptKind.READ: "read",
    port.ReceiptKind.PLAYED: "read",
}

Outcomes = list[port.Receipt | port.MessageFailed]


@dataclass(slots=True)
class _Batch:
    events: Outcomes = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    failed: Exception | None = None


class Intake:
    """Takes message events; `take` and `take_many` return when they are committed, so a driver can forget them."""

    def __init__(self, database: db.Database, clock_: clock.Clock) -> None:
        self._db, self._clock = database, clock_
        self._batch = _Batch()
        self._came = asyncio.Event()
        self._places: receipts.Places = {}
        self._failures: dict[str, int] = {}
        self.doubles = 0
        """Messages for which the service told a second wire id of: each is one that went out twice."""

    async def __call__(self, event: port.Event) -> None:
        """The same as `take`: where only outcomes matter, this is a whole sink (`gateways/outcomes.py`)."""
        await self.take(event)

    async def take(self, event: port.Event) -> None:
        """Apply one event; raises what kept it from being stored (`DatabaseAway` above all): it must be brought again."""
        await self.take_many((event,))

    async def take_many(self, events: Sequence[port.Event]) -> None:
        """Apply events in their order; raises what kept one of them from being stored: all must be brought again.

        Events of other kinds are nothing to us. One that cannot be stored whatever happens is dropped, with an alarm.
        """
        batch = self._batch
        batch.events += [each for each in events if isinstance(each, port.Receipt | port.MessageFailed)]
        if not batch.events:
            return
        self._came.set()
        await batch.done.wait()
        if batch.failed is not None:
            raise batch.failed

    async def run(self, stop: asyncio.Event) -> None:
        """Write batches until told to stop and nothing waits."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._came.set())
        while not stop.is_set() or self._batch.events:
            await self._came.wait()
            if not stop.is_set():
                await self._clock.sleep(GATHER)
                self._came.clear()
            await self.flush()
        stopped.cancel()

    async def flush(self) -> None:
        """Write what has gathered, and let those who brought it know."""
        batch, self._batch = self._batch, _Batch()
        batch.failed = db.DatabaseAway()  # whoever brought it must not take it for stored when we are cancelled
        try:
            batch.failed = await self._store(batch.events)
        except db.DatabaseAway as error:
            batch.failed = error
        finally:
            batch.done.set()

    async def _store(self, events: Outcomes) -> Exception | None:
        """Write events; when they cannot be written together, halve them until the one that is to blame stands alone.

        Returns what kept one of them from being stored, if it may still go in another time.
        """
        if not events:
            return None
        try:
            await self._write(events)
        except db.DatabaseAway:
            raise
        except Exception as error:
            if len(events) == 1:
                return self._give_up(events[0], error)
            log.warning("intake.halved", count=len(events), why=type(error).__name__)
            half = len(events) // 2
            first, second = await self._store(events[:half]), await self._store(events[half:])
            return first or second
        if self._failures:
            for event in events:
                self._failures.pop(event.event_id, None)
        return None

    def _give_up(self, event: port.Receipt | port.MessageFailed, error: Exception) -> Exception | None:
        """The error, while there is hope; else the event is dropped. Its words stay out of the log: they may quote a person."""
        tries = self._failures.pop(event.event_id, 0) + 1
        if tries < TRIES and not isinstance(error, HOPELESS):
            self._failures[event.event_id] = tries
            return error
        kind = type(event).__name__
        log.error("intake.dropped", kind=kind, device=event.device_id, why=type(error).__name__, tries=tries)
        return None

    async def _write(self, events: Outcomes) -> None:
        arrived, refused = _sorted(events)
        refs = _refs(events)
        if reasons := {(device, wire): reason for device, wire, reason, _ in refused if reason in platform.HEEDED}:
            await self._heed(reasons, refs)
        async with self._db.system() as tx:
            named = dict.fromkeys((device, wire) for device, wire, _, _ in (*arrived, *refused))
            found = await receipts.locked(tx, named, self._places)
            if unfound := {key: ref for key, ref in refs.items() if key not in found}:
                settled = await receipts.settle(tx, unfound, self._places)
                found |= settled.found
                await self._alarm(tx, settled.doubles)
            moved = await receipts.raise_states(tx, found, arrived)
            if refused:
                moved += await receipts.fail_later(tx, found, refused)
            outbox.tell_moves(tx, moved)
        if any(row.state in receipts.NEVER_LEFT for row in found.values()):
            _contradict(found, arrived)

    async def _alarm(self, tx: db.Tx, doubles: Mapping[receipts.Key, str]) -> None:
        """Two wire ids for one message: it went out twice, and nobody asked for it."""
        if not doubles:
            return
        asked_for = await receipts.sent_again(tx, set(doubles.values()))
        for (device, wire), message in doubles.items():
            if message in asked_for:
                log.info("intake.of_earlier_attempt", message=message, device=device, wire_id=wire)
            else:
                self.doubles += 1
                log.error("intake.two_wire_ids", message=message, device=device, wire_id=wire)

    async def _heed(self, reasons: dict[receipts.Key, str], refs: Mapping[receipts.Key, str]) -> None:
        """What a late refusal says about a person counts before it is recorded."""
        async with self._db.system() as tx:
            found = await receipts.locked(tx, reasons)
            if unfound := {key: refs[key] for key in reasons if key not in found and key in refs}:
                found |= (await receipts.by_ref(tx, unfound)).found
        await platform.heed(self._db, {model.MessageId(found[at].id): reason for at, reason in reasons.items() if at in found})


def _sorted(events: Outcomes) -> tuple[list[receipts.Arrived], list[receipts.Arrived]]:
    """Receipts and refusals, one for each message they name."""
    arrived: list[receipts.Arrived] = []
    refused: list[receipts.Arrived] = []
    for event in events:
        if isinstance(event, port.Receipt):
            state = RAISES[event.kind]
            arrived += [(event.device_id, wire_id, state, event.at) for wire_id in event.wire_ids]
        else:
            refused.append((event.device_id, event.wire_id, event.reason.value, event.at))
    return arrived, refused


def _refs(events: Outcomes) -> dict[receipts.Key, str]:
    """Our own refs, where the service gave them back with a wire id."""
    refs: dict[receipts.Key, str] = {}
    for event in events:
        if event.ref is not None:
            wires = event.wire_ids if isinstance(event, port.Receipt) else (event.wire_id,)
            if len(wires) == 1 and wires[0]:
                refs[event.device_id, wires[0]] = event.ref
    return refs


def _contradict(found: Mapping[receipts.Key, receipts.Found], arrived: Sequence[receipts.Arrived]) -> None:
    """A receipt for a message that was never to leave is an alarm, not a move."""
    for key in dict.fromkeys((device, wire) for device, wire, _, _ in arrived):
        row = found.get(key)
        if row is not None and row.state in receipts.NEVER_LEFT:
            log.error("intake.contradiction", message=row.id, device=key[0], state=row.state)
