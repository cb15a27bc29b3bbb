"""Looks up whether numbers are on WhatsApp before their first message, gently: one call at a time and device, few numbers each.

It is asked by the claim about heads that nothing else holds back, so at most one number of a real device waits at a time; asking
in bulk is what spammers do (responsible-sending.md 1). Only in the simulated world does it look ahead. A question that has no
answer stops nobody: after `PATIENCE` seconds the message goes without.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from hantar.gateways import port
from hantar.kit import clock, db
from hantar.outbox import checks

log = structlog.get_logger(__name__)

TOGETHER = 20
"""Numbers in one call (our own number)."""
PATIENCE = 8.0
"""Seconds until a question counts as unanswered (our own number)."""
PAUSE = 2.0
"""Seconds between two calls of one real device (our own number)."""
AGAIN = 1.0
"""Seconds until the next try while the database is away."""
CALLS = 200
"""Calls at once, over all devices."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A head that waits for its number: which device would send it, under which token, by which driver."""

    driver: str
    device_id: str
    token: int
    subject: checks.Subject


@dataclass(slots=True)
class _Line:
    """One device's questions. `free_at` is monotonic."""

    driver: str
    token: int
    waiting: dict[tuple[str, str], checks.Subject] = field(default_factory=dict)
    free_at: float = 0.0
    is_busy: bool = False


class Checker:
    """One per engine: the devices whose lanes it holds have their lines here."""

    def __init__(self, database: db.Database, drivers: Mapping[str, port.Driver], clock_: clock.Clock) -> None:
        self._db, self._drivers, self._clock = database, drivers, clock_
        self._lines: dict[str, _Line] = {}
        self._due: deque[str] = deque()
        """Devices that may be asked now."""
        self._open: dict[tuple[str, str], set[str]] = {}
        """Persons from the question until the answer is stored, and the devices that wait for it."""
        self._found: list[checks.Found] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def ask(self, asked: Iterable[Ask]) -> None:
        """Look these up soon; asking again changes nothing."""
        for each in asked:
            person = _key(each.subject)
            if person in self._open:
                self._open[person].add(each.device_id)
                continue
            self._open[person] = {each.device_id}
            line = self._lines.get(each.device_id)
            if line is None:
                line = self._lines[each.device_id] = _Line(each.driver, each.token)
            line.driver, line.token = each.driver, each.token
            line.waiting[person] = each.subject
            self._due.append(each.device_id)
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look up and remember, until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    rest = await self.look()
                except db.DatabaseAway:
                    log.warning("checker.database_away")
                    await self._clock.wait(stop, AGAIN)
                    continue
                await self._clock.wait(self._woken, rest)
        finally:
            stopped.cancel()
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def look(self) -> float:
        """Remember what was found and start what is due; returns seconds until there is more to start."""
        await self._remember()
        return self._start_due()

    def _start_due(self) -> float:
        """Start the calls that may begin; returns seconds until the next one may."""
        now, rest, later = self._clock.monotonic(), AGAIN * 60, []
        while self._due and len(self._calls) < CALLS:
            device_id = self._due.popleft()
            line = self._lines.get(device_id)
            if line is None or line.is_busy or not line.waiting:
                continue
            if line.free_at > now:
                rest = min(rest, line.free_at - now)
                later.append(device_id)
                continue
            line.is_busy = True
            call = asyncio.create_task(self._call(device_id, line))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        self._due.extend(dict.fromkeys(later))
        return rest

    # -------------------------------------------------------------------------------------------- one call

    async def _call(self, device_id: str, line: _Line) -> None:
        driver = self._drivers[line.driver]
        is_simulated = driver.caps.simulated
        subjects = list(line.waiting.values())[:TOGETHER]
        try:
            if is_simulated and len(subjects) < TOGETHER:
                subjects += await self._ahead(device_id, subjects)
            answers, why = await self._answers(driver, port.DeviceRef(device_id, line.token), subjects)
        finally:
            line.is_busy = False
            line.free_at = self._clock.monotonic() + (0.0 if is_simulated else PAUSE)
            for each in subjects:
                line.waiting.pop(_key(each), None)
            if line.waiting:
                self._due.append(device_id)
            elif is_simulated:
                self._lines.pop(device_id, None)
        self._found += [checks.Found(each, answers.get(each.phone), is_simulated, why) for each in subjects]
        self._woken.set()

    async def _ahead(self, device_id: str, subjects: list[checks.Subject]) -> list[checks.Subject]:
        """Whom the lane writes to next, so that they need not wait when their turn comes."""
        try:
            async with self._db.system() as tx:
                found = await checks.ahead(tx, subjects[0].workspace_id, device_id, TOGETHER, await tx.now())
        except db.DatabaseAway:
            return []
        except Exception:
            log.exception("checker.not_ahead", device=device_id)
            return []
        more = [each for each in found if _key(each) not in self._open][: TOGETHER - len(subjects)]
        self._open |= {_key(each): {device_id} for each in more}
        return more

    async def _answers(
        self, driver: port.Driver, device: port.DeviceRef, subjects: list[checks.Subject]
    ) -> tuple[dict[str, bool], str]:
        """What the service says of each number it answered for, and why there is no answer for others. Never raises."""
        asking = asyncio.ensure_future(driver.check_numbers(device, [each.phone for each in subjects]))
        alarm = asyncio.ensure_future(self._clock.sleep(PATIENCE))
        try:
            await asyncio.wait([asking, alarm], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return {}, "No answer came in time."
            return {each.phone: each.exists for each in asking.result()}, ""
        except (port.NotPaired, port.PairingRefused):
            return {}, "The device could not ask just now."
        except Exception:
            log.exception("checker.failed", device=device.device_id)
            return {}, "The gateway failed while it was asked."
        finally:
            asking.cancel()
            alarm.cancel()

    async def _remember(self) -> None:
        """Write down what was found; what cannot be written waits."""
        while self._found:
            found, self._found = self._found[:1000], self._found[1000:]
            people = {_key(each.subject) for each in found}
            waiting = {person: self._open.get(person, set()) for person in people}
            try:
                async with self._db.system() as tx:
                    await checks.keep(tx, found, await tx.now())
                    self._open |= {person: set() for person in people}
                    _tell(tx, waiting)
            except db.DatabaseAway:
                self._found = found + self._found
                for person, devices in waiting.items():
                    self._open[person] = devices | self._open.get(person, set())
                raise
            await self._tell_late({person: self._open.pop(person, set()) for person in people})

    async def _tell_late(self, waiting: Mapping[tuple[str, str], set[str]]) -> None:
        """A claim that had not seen the answer asked while it was being stored: its lane hears of it too."""
        if any(waiting.values()):
            async with self._db.system() as tx:
                _tell(tx, waiting)


def _tell(tx: db.Tx, waiting: Mapping[tuple[str, str], set[str]]) -> None:
    """Let the lanes that wait for these people have their turn."""
    lanes: dict[str, set[str]] = {}
    for (workspace_id, _), devices in waiting.items():
        lanes.setdefault(workspace_id, set()).update(devices)
    for workspace_id, device_ids in lanes.items():
        if device_ids:
            tx.tell("outbox.queued", workspace_id, device_ids=sorted(device_ids))


def _key(subject: checks.Subject) -> tuple[str, str]:
    return subject.workspace_id, subject.person_id
