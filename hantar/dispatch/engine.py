"""The engine: each tick claims what is due over all lanes, sends it, and records what became of it.

One message at a time per device; nothing is claimed ahead; an outcome once known is never cancelled.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from hantar.dispatch import claims, facts, leases, platform, verdicts
from hantar.gateways import port
from hantar.kit import clock, cluster, db
from hantar.outbox import lanes, model, store
from hantar.outbox import service as outbox

log = structlog.get_logger(__name__)

TICK = 0.03
"""Seconds between claims while there is work (reliability.md 3: 20-50 ms)."""
SWEEP = 1.0
"""Longest sleep: a lost hint delays a message by at most this many seconds."""
LATE_EVERY = 30.0
"""Seconds between looks for rows that are too late; a late head is seen by the claim itself."""
AT_ONCE = 5000
MAX_WAITING = 2000
"""Outcomes that may wait to be recorded; past it no lane claims."""


class Engine:
    """Owns the lanes of the shards this node holds a lease on."""

    def __init__(
        self,
        database: db.Database,
        drivers: Mapping[str, port.Driver],
        bus: cluster.Bus,
        clock_: clock.Clock,
        *,
        node: str,
        random: Callable[[], float],
        grace: timedelta = timedelta(seconds=10),
    ) -> None:
        self._db, self._drivers, self._clock, self._random, self._grace = database, drivers, clock_, random, grace
        self._caps = {name: driver.caps for name, driver in drivers.items()}
        self._claimer = claims.Claimer(self._caps, random)
        self.leases = leases.Leases(database, clock_, node, self._caps)
        self._node = node
        self._woken = asyncio.Event()
        self._floors: dict[str, float] = {}
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._outcomes: list[model.Outcome] = []
        self._writing: list[model.MessageId] = []
        self._outcome_came = asyncio.Event()
        self._in_doubt = False
        self._late_look = 0.0
        for name in ("outbox.queued", "device.status", "campaign.status"):
            bus.subscribe(name, lambda _fact: self._woken.set())

    def wake(self) -> None:
        """A hint that there may be work."""
        self._woken.set()

    # -------------------------------------------------------------------------------------------- running

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then let what is in flight end, write every outcome, and give the leases back."""
        closing, ending = asyncio.Event(), asyncio.Event()
        ticks = asyncio.create_task(self._tick_loop(ending))
        others = [
            asyncio.create_task(self._record_loop(closing)),
            asyncio.create_task(self.leases.run(closing, self.wake)),
            asyncio.create_task(self._sweep_loop(ending)),
        ]
        told = asyncio.create_task(stop.wait())
        await asyncio.wait([told, ticks, *others], return_when=asyncio.FIRST_COMPLETED)  # one that dies ends all
        told.cancel()
        ending.set()
        try:
            await ticks
            await self._land()
        finally:
            closing.set()
            self._outcome_came.set()
            await asyncio.gather(*others)
        try:
            await self.leases.give_back()
        except db.DatabaseAway:
            log.warning("engine.leases_not_given_back")

    async def _tick_loop(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    rest = await self.tick()
                except db.DatabaseAway:
                    log.warning("engine.database_away")
                    self._in_doubt = True
                    rest = SWEEP
                if rest > TICK:
                    await self._clock.wait(self._woken, rest)
                else:
                    await self._clock.sleep(TICK)
        finally:
            stopped.cancel()

    async def tick(self) -> float:
        """Claim once and start the sends; returns seconds until the next look."""
        if len(self._outcomes) > MAX_WAITING:
            return TICK
        now = self._clock.monotonic()
        self._floors = {device: floor for device, floor in self._floors.items() if floor > now}
        if self._in_doubt:
            await self._look_again()
        async with self._db.system() as tx:
            taken = await self._claimer.take(tx, self._node, self._floors.keys())
            outbox.tell_moves(tx, taken.moved)
        for outcome in taken.outcomes:
            self._settle(outcome)
        for message in taken.to_send:
            self._start(message)
        return TICK if taken.lanes else await self._rest()

    async def _look_again(self) -> None:
        """A claim's commit may have gone through although its answer was lost (F-04): put back what never reached us."""
        known = [*self._in_flight, *(outcome.id for outcome in self._outcomes), *self._writing]
        async with self._db.system() as tx:
            rows = await store.put_back(tx, self._node, known)
            await facts.tell_and_end_stopped(tx, rows)
        self._in_doubt = False

    async def _rest(self) -> float:
        async with self._db.system() as tx:
            now = await tx.now()
            due = await lanes.next_due(tx, self._node, now, claims.numbers(await self._claimer.policies(tx)))
        return SWEEP if due is None else min(SWEEP, max(TICK, (due - now).total_seconds()))

    async def _land(self) -> None:
        """Give what is in flight a grace period; what does not answer in time is recorded as unknown by its own deadline."""
        if self._in_flight:
            await asyncio.wait(set(self._in_flight.values()), timeout=self._grace.total_seconds())

    # -------------------------------------------------------------------------------------------- sending

    def _start(self, message: model.Claimed) -> None:
        timeout = self._caps[message.driver].send_timeout.total_seconds()
        started = self._clock.monotonic()
        self._floors[message.device_id] = started + timeout + message.gap
        task = asyncio.create_task(self._send(message, started))
        self._in_flight[message.id] = task
        task.add_done_callback(lambda _task: self._in_flight.pop(message.id, None))

    async def _send(self, message: model.Claimed, started: float) -> None:
        if self._clock.monotonic() - started > leases.TTL.total_seconds():
            verdict: port.Verdict = port.Deferred(timedelta(), why="The server stood still; the lease may have lapsed.")
        else:
            verdict = await self._verdict(message)
        at = self._clock.now()
        self._floors[message.device_id] = self._clock.monotonic() + message.gap
        outcome = verdicts.outcome(message, verdict, at, self._random())
        self._settle(replace(outcome, mono=self._clock.monotonic()))

    async def _verdict(self, message: model.Claimed) -> port.Verdict:
        """Ask the driver, with a deadline; whatever goes wrong after this point may have left."""
        driver = self._drivers[message.driver]
        try:
            media = await self._media(message)
        except db.DatabaseAway as error:
            return port.Deferred(timedelta(seconds=1), why=error.message)
        content = port.Content(text=message.text or "", media=media)
        device = port.DeviceRef(message.device_id, message.token)
        sending = asyncio.ensure_future(driver.send(device, _address(message), content, ref=message.wire_id or message.id))
        alarm = asyncio.ensure_future(self._clock.sleep(driver.caps.send_timeout.total_seconds()))
        try:
            await asyncio.wait([sending, alarm], return_when=asyncio.FIRST_COMPLETED)
            return sending.result() if sending.done() else port.Unconfirmed("No answer came in time; it may have arrived.")
        except Exception:
            log.exception("engine.send_raised", message=message.id, device=message.device_id)
            return port.Unconfirmed("The gateway failed while sending; it may have arrived.")
        finally:
            sending.cancel()
            alarm.cancel()

    async def _media(self, message: model.Claimed) -> port.MediaBytes | None:
        if message.media_id is None:
            return None
        async with self._db.system() as tx:
            row = await store.media_bytes(tx, message.workspace_id, message.media_id)
        return port.MediaBytes(row["mime"], row["bytes"])

    # -------------------------------------------------------------------------------------------- recording

    def _settle(self, outcome: model.Outcome) -> None:
        self._outcomes.append(outcome)
        self._outcome_came.set()

    async def _record_loop(self, closing: asyncio.Event) -> None:
        """Write outcomes in batches; they wait at most one tick, and none is dropped while the database is away."""
        while not (closing.is_set() and not self._outcomes and not self._in_flight):
            if closing.is_set() and not self._outcomes:
                await self._clock.wait(self._outcome_came, SWEEP)
            else:
                await self._outcome_came.wait()
            self._outcome_came.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write every outcome that waits; none is dropped while the database is away."""
        while self._outcomes:
            batch, self._outcomes = self._outcomes, []
            self._writing = [outcome.id for outcome in batch]
            try:
                await self._write(batch)
            except db.DatabaseAway:
                self._outcomes = batch + self._outcomes
                log.warning("engine.outcomes_wait", waiting=len(self._outcomes))
                await self._clock.sleep(SWEEP / 4)
            except BaseException:
                self._outcomes = batch + self._outcomes
                raise
            finally:
                self._writing = []

    async def _write(self, batch: list[model.Outcome]) -> None:
        await platform.heed(self._db, {outcome.id: outcome.reason for outcome in batch if outcome.state is model.S.FAILED})
        async with self._db.system() as tx:
            told = [self._on_database_time(outcome, await tx.now()) for outcome in batch]
            rows = await store.record(tx, told)
            await store.rearm(tx, told)
            await facts.note_returns(tx, told, rows)
            await facts.tell_and_end_stopped(tx, rows)
        stale = [row["id"] for row in rows if not row["ours"]]
        if stale:
            log.warning("engine.stale_outcomes", messages=stale[:20], count=len(stale))
        self._woken.set()

    def _on_database_time(self, outcome: model.Outcome, now: datetime) -> model.Outcome:
        """The same outcome by the database's clock (F-07): its age is measured, its instant is not taken from ours."""
        if outcome.mono is None:
            return outcome
        shift = now - timedelta(seconds=self._clock.monotonic() - outcome.mono) - outcome.at
        moved = {name: at + shift for name in ("at", "retry_at", "rest_until") if (at := getattr(outcome, name)) is not None}
        return replace(outcome, **moved)

    async def sweep(self) -> None:
        """End what is too late, and what skips devices that are away, wherever it stands in its lane."""
        async with self._db.system() as tx:
            now = await tx.now()
            outbox.tell_moves(tx, await store.skip_away(tx, now, AT_ONCE))
            if self._clock.monotonic() >= self._late_look:
                outbox.tell_moves(tx, await store.end_late(tx, now, AT_ONCE))
                self._late_look = self._clock.monotonic() + LATE_EVERY

    async def _sweep_loop(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.sweep()
            except db.DatabaseAway:
                log.warning("engine.sweep_database_away")
            await self._clock.wait(stop, SWEEP * 2)


def _address(message: model.Claimed) -> port.Address:
    """By number; by opaque id where we know no number. Never a number made from an opaque id."""
    return port.Address(phone=message.phone) if message.phone else port.Address(opaque=message.opaque)
