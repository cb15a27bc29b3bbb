"""Takes what people write, one transaction for each event; returns when it is committed, so that a driver can forget it.

Events of one device are taken in the order they came. One that cannot be stored is given back while the database is away,
and given up with an alarm when it is the event itself that cannot be: it must not hold back all others.
"""

import asyncio
import traceback

import asyncpg
import structlog

from hantar.gateways import port
from hantar.inbox import model, service, store
from hantar.kit import db

log = structlog.get_logger(__name__)

EVENTS = (port.MessageReceived, port.MessageSentElsewhere, port.IdentityLinked, port.OptOut, port.HistoryBatch)
"""What is ours to take."""
AT_ONCE = 4
"""Transactions at a time: a flood of messages leaves connections to the people who work here."""
TRIES = 5
"""How often an event that fails for a reason of its own is tried before it is given up."""
HOPELESS = (asyncpg.DataError, ValueError)
"""Failures that lie in the event's own values, so that no repeat will cure them."""


def _alarm(event: port.Event, error: Exception, tries: int) -> None:
    """Where and how it failed; the error's own words may hold what somebody wrote, so they stay out of the log."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where, cause = f"{last.filename}:{last.lineno}", type(error).__name__
    kind = type(event).__name__
    log.error("inbox.event_given_up", device=event.device_id, kind=kind, tries=tries, cause=cause, where=where)


class Receiver:
    """One per process; the devices of all workspaces."""

    def __init__(self, database: db.Database) -> None:
        self._db = database
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._locks: dict[str, asyncio.Lock] = {}
        self._failures: dict[str, int] = {}

    async def take(self, event: port.Event) -> None:
        """Store one event and act on it, once; raises `DatabaseAway` when it must be brought again."""
        if not isinstance(event, EVENTS):
            return
        lock = self._locks.setdefault(event.device_id, asyncio.Lock())
        async with lock, self._turns:
            is_known = await self._tried(event)
        if not is_known and not lock.locked():
            self._locks.pop(event.device_id, None)

    async def _tried(self, event: port.Event) -> bool:
        """Apply the event or give it up; False when there is no such device."""
        try:
            is_known = await self._apply(event)
        except db.DatabaseAway:
            raise
        except Exception as error:
            tries = self._failures.pop(event.event_id, 0) + 1
            if tries < TRIES and not isinstance(error, HOPELESS):
                self._failures[event.event_id] = tries
                raise
            _alarm(event, error, tries)
            return True
        self._failures.pop(event.event_id, None)
        return is_known

    async def _apply(self, event: port.Event) -> bool:
        async with self._db.system() as tx:
            place = await store.place(tx, event.device_id)
        if place is None:
            log.info("inbox.event_of_unknown", device=event.device_id, kind=type(event).__name__)
            return False
        if isinstance(event, port.HistoryBatch):
            for each in sorted(event.messages, key=lambda message: message.at):
                await self._one(place, each, acts=place.linked_at is not None and each.at >= place.linked_at)
        else:
            await self._one(place, event)
        return True

    async def _one(self, place: model.Place, event: port.Event, *, acts: bool = True) -> None:
        async with self._db.transaction(place.workspace_id) as tx:
            match event:
                case port.MessageReceived():
                    await service.receive(tx, place, event, acts=acts)
                case port.MessageSentElsewhere():
                    await service.written_elsewhere(tx, place, event)
                case port.IdentityLinked():
                    await service.link(tx, place, event)
                case port.OptOut():
                    await service.blocked(tx, place, event)
