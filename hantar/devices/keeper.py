"""Brings devices to where people want them: opens lines, holds the codes to scan, applies what drivers report.

It never guesses a state: only events and the table of moves change one. It never fights for a line that was opened elsewhere.
"""

import asyncio
import random as chance
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from hantar.devices import model, service, store, words
from hantar.gateways import port
from hantar.gateways.port import DeviceState as S
from hantar.kit import db, quota
from hantar.kit.clock import Clock

log = structlog.get_logger(__name__)

RAMP = 200
"""Lines being opened at once at most: a fleet comes up in minutes, and a storm of connects is no way to begin."""
ANSWER = 60.0
"""Seconds until a client that says nothing after `open` is restarted (gateways.md 3.5)."""
BUSY, IDLE = 0.5, 5.0
"""Seconds between looks while lines are being opened, and otherwise; an event or a wish wakes it at once."""
FIRST_RETRY, LONGEST_RETRY = 2.0, 300.0
STEADY = 60.0
"""A line that held this long starts its back-off anew; a flapping one waits longer each time."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The back-off of a device: how often it failed, and when to try again (monotonic seconds)."""

    failures: int
    at: float


class Keeper:
    """One per process; the devices of all workspaces."""

    def __init__(
        self,
        database: db.Database,
        drivers: Mapping[str, port.Driver],
        clock: Clock,
        *,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self._db, self._drivers, self._clock, self._random = database, drivers, clock, random
        self.quota = quota.Quota(clock)
        self._woken = asyncio.Event()
        self._opening: dict[str, float] = {}
        self._retries: dict[str, Retry] = {}
        self._steady_since: dict[str, float] = {}
        self._stuck: set[str] = set()
        self._to_close: list[model.Device] = []
        self._codes: dict[str, port.QrCode] = {}
        self._seqs: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._changed: dict[str, asyncio.Event] = {}

    # ------------------------------------------------------------------ what drivers report

    async def take(self, event: port.Event) -> None:
        """Apply one event, once; returns when it is committed. Events of other kinds are nothing to us."""
        if not isinstance(event, model.EVENTS):
            return
        lock = self._locks.setdefault(event.device_id, asyncio.Lock())
        async with lock:  # in the order they came
            if 0 < event.seq < self._seqs.get(event.device_id, 0):
                return
            is_known = await self._apply_at_last(event)
            self._seqs[event.device_id] = max(event.seq, self._seqs.get(event.device_id, 0))
        if not is_known:
            self._forget_gone(event.device_id)

    async def _apply_at_last(self, event: port.Event) -> bool:
        """Wait for the database here rather than give the event back: a later one must not overtake it."""
        while True:
            try:
                return await self._apply(event)
            except db.DatabaseAway:
                log.warning("keeper.event_waits", device=event.device_id, kind=type(event).__name__)
                await self._clock.sleep(0.5)

    async def _apply(self, event: port.Event) -> bool:
        """Write down what an event changes; False when there is no such device."""
        async with self._db.system() as tx:
            before = await store.find(tx, event.device_id, lock=True)
            if before is None:
                log.info("device.event_of_unknown", device=event.device_id, kind=type(event).__name__)
                return False
            now = await tx.now()
            locks = 0
            if isinstance(event, port.ReachOutLocked) and event.until is None:
                locks = await store.unknown_locks(tx, before.id, now - model.RESTRICTION_MARK)
            change = model.after(before, event, now, unknown_locks=locks)
            if change is not None:
                await service.observe(tx, before, change, event)
                self._tell_code(tx, change.device, event)
        if change is not None:
            self._remember(before, change.device, event)
            self._bell(event.device_id)
        return True

    def _tell_code(self, tx: db.Tx, device: model.Device, event: port.Event) -> None:
        if isinstance(event, port.QrCode) and device.state is S.PAIRING:
            tx.tell(
                "device.qr",
                device.workspace_id,
                device_id=device.id,
                qr=event.code,
                expires_at=event.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                attempt=event.attempt,
            )

    def _remember(self, before: model.Device, device: model.Device, event: port.Event) -> None:
        """What the next looks need to know; none of it is worth a row."""
        self._opening.pop(device.id, None)
        if isinstance(event, port.QrCode) and device.state is S.PAIRING:
            self._codes[device.id] = event
        elif device.state is not S.PAIRING:
            self._codes.pop(device.id, None)
        if isinstance(event, port.Connected):
            self._stuck.discard(device.id)
            self._steady_since[device.id] = self._clock.monotonic()
        elif device.state is S.OFFLINE:
            self._plan_retry(device.id)
        elif device.state not in model.LIVE:
            self._retries.pop(device.id, None)
            self._stuck.discard(device.id)
        if device.state is S.SUSPECT and before.state is not S.SUSPECT:
            self._stuck.add(device.id)
            if self._clock.monotonic() - self._steady_since.get(device.id, 0.0) < STEADY:
                self._plan_retry(device.id)  # silent again soon after a restart: growing pauses, no hammering
        if device.state_reason == "link_lost":
            self._to_close.append(device)
        self._woken.set()

    def _plan_retry(self, device_id: str) -> None:
        now = self._clock.monotonic()
        known = self._retries.get(device_id)
        if now - self._steady_since.pop(device_id, now) >= STEADY:
            known = None
        failures = known.failures + 1 if known else 1
        pause = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10)) * (0.5 + self._random())
        self._retries[device_id] = Retry(failures, now + pause)

    def _bell(self, device_id: str) -> None:
        event = self._changed.pop(device_id, None)
        if event is not None:
            event.set()

    # ------------------------------------------------------------------ what services ask

    def wake(self) -> None:
        """A hint that somebody wants something."""
        self._woken.set()

    def driver_of(self, device: model.Device) -> port.Driver:
        """The device's driver; raises `GatewayAway` when this installation has none of that kind."""
        driver = self._drivers.get(device.driver)
        if driver is None:
            raise model.GatewayAway
        return driver

    def driver_named(self, name: str) -> port.Driver | None:
        """The driver of a kind of device; None when this installation has none."""
        return self._drivers.get(name)

    def kinds(self) -> dict[str, port.Capabilities]:
        """What each kind of device can do that this installation offers, by its driver's name."""
        return {name: driver.caps for name, driver in self._drivers.items()}

    def caps_of(self, driver: str) -> port.Capabilities | None:
        """What a kind of device can do; None when this installation has no such driver."""
        found = self._drivers.get(driver)
        return found.caps if found else None

    def code(self, device_id: str, now: datetime) -> port.QrCode | None:
        """The code to scan, while it is good."""
        code = self._codes.get(device_id)
        return code if code is not None and code.expires_at > now else None

    async def changed(self, device_id: str, seconds: float) -> bool:
        """Wait for the next change of a device, so many seconds at most."""
        event = self._changed.setdefault(device_id, asyncio.Event())
        return await self._clock.wait(event, seconds)

    async def open(self, device: model.Device) -> None:
        """Open the line, or begin pairing, now; the outcome comes as events."""
        self._opening[device.id] = self._clock.monotonic() + ANSWER
        self._retries.pop(device.id, None)
        await self.driver_of(device).open(ref(device))

    async def close_line(self, device: model.Device) -> None:
        """Close the line; the link stays."""
        self._forget(device.id)
        await self._close(device)

    async def drop(self, device: model.Device) -> None:
        """Forget a deleted device here and at the driver; unlinks it at the service."""
        self._forget(device.id)
        try:
            driver = self.driver_of(device)
            await driver.logout(ref(device))
            await driver.forget(ref(device))
        except (port.PairingRefused, port.NotPaired, model.GatewayAway) as error:
            log.warning("device.not_forgotten", device=device.id, why=str(error))
        self._forget_gone(device.id)

    def _forget_gone(self, device_id: str) -> None:
        """Keep nothing of a device that is no more; its lock stays while somebody holds it, who then ends up here too."""
        self._forget(device_id)
        lock = self._locks.get(device_id)
        if lock is not None and not lock.locked():
            del self._locks[device_id]

    def _forget(self, device_id: str) -> None:
        memory: tuple[dict[str, Any], ...] = (self._opening, self._retries, self._steady_since, self._codes, self._seqs)
        for kept in memory:
            kept.pop(device_id, None)
        self._stuck.discard(device_id)
        self._bell(device_id)

    # ------------------------------------------------------------------ the round

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile until told to stop."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._woken.set())
        try:
            is_recovered = False
            while not stop.is_set():
                self._woken.clear()
                try:
                    if not is_recovered:
                        await self._recover()
                        is_recovered = True
                    await self._round()
                except db.DatabaseAway:
                    log.warning("keeper.database_away")
                await self._clock.wait(self._woken, BUSY if self._opening or not is_recovered else IDLE)
                if not stop.is_set():
                    await self._clock.sleep(0.02)  # events come in crowds; look once for many
        finally:
            stopped.cancel()

    async def _recover(self) -> None:
        async with self._db.system() as tx:
            count = await store.start_anew(tx, await tx.now())
        log.info("keeper.started", devices=count)

    async def _round(self) -> None:
        while self._to_close:
            await self._close(self._to_close.pop())
        room = RAMP - len(self._opening)
        for device in await self._waiting(room) if room > 0 else ():
            try:
                await self._step(device)
            except (port.PairingRefused, port.NotPaired, model.GatewayAway) as error:
                log.warning("keeper.not_opened", device=device.id, why=str(error))
                self._plan_retry(device.id)
        await self._expire()

    async def _waiting(self, most: int) -> list[model.Device]:
        """Devices that need something now, without those under way and those whose back-off is not over."""
        now = self._clock.monotonic()
        busy = {*self._opening, *(each for each, retry in self._retries.items() if retry.at > now)}
        async with self._db.system() as tx:
            return await store.wanting(tx, await tx.now(), busy, most)

    async def _step(self, device: model.Device) -> None:
        """What one device needs: its line opened, or one careful look after the end of a ban or lock."""
        if device.state in model.HELD:
            await self._probe(device)
            return
        if device.probe_at is not None:  # after a ban: once in 15 minutes at most, through restarts too
            async with self._db.system() as tx:
                is_due = await store.note_probe(tx, device.id, await tx.now())
            if not is_due:  # somebody asked for it since we looked, and it was tried for them
                return
        await self._open_again(device)

    async def _open_again(self, device: model.Device) -> None:
        """Open the line; a client that stood still is closed first."""
        self._opening[device.id] = self._clock.monotonic() + ANSWER
        if device.id in self._stuck:
            self._stuck.discard(device.id)
            await self._close(device)
        await self.driver_of(device).open(ref(device))

    async def _probe(self, device: model.Device) -> None:
        """One try after a ban or lock has ended, never a burst."""
        if device.state is S.BANNED_UNTIL:
            async with self._db.system() as tx:
                before = await store.find(tx, device.id, lock=True)
                if before is None or before.state is not S.BANNED_UNTIL:
                    return
                now = await tx.now()
                moved = replace(before, state=S.CONNECTING, state_reason="probe", state_since=now, hold_until=None, probe_at=now)
                change = model.Change(moved, words.of(moved.state, moved.state_reason))
                await service.observe(tx, before, change, port.Event(device_id=device.id, event_id="probe", at=now))
        await self._open_again(device)

    async def _expire(self) -> None:
        """Clients that said nothing in time: offline, and restarted at the next try."""
        now = self._clock.monotonic()
        for device_id in [each for each, until in self._opening.items() if until <= now]:
            del self._opening[device_id]
            self._stuck.add(device_id)
            at = self._clock.now()
            why = "no_answer"
            await self.take(port.Disconnected(device_id=device_id, event_id=f"{why}:{now}", at=at, why=why, will_retry=True))
            self._stuck.add(device_id)

    async def _close(self, device: model.Device) -> None:
        await self.driver_of(device).disconnect(ref(device))


def ref(device: model.Device) -> port.DeviceRef:
    """The device as drivers know it."""
    return port.DeviceRef(device.id, 0, device.phone)
