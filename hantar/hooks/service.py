"""Keeps calls from the Cloud API the moment they come, and works them off by itself: at least once, whatever happens between.

The service waits for no work of ours and repeats for days what was not answered, so a call is stored raw and answered at once.
Whatever it holds counts once (wire id and status, key of the event), so that a call may be worked off twice.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import structlog

from hantar.gateways.cloud import webhooks
from hantar.hooks import model, store
from hantar.kit import clock, db, errors

log = structlog.get_logger(__name__)

TOGETHER = 256
"""Calls taken at once."""
AT_ONCE = 64
"""Calls worked off at a time: their statuses are written together, so one after the other would be slower by far."""
IDLE = 5.0
"""Seconds between looks; a call that comes in wakes it at once."""
AWAY = 1.0
"""Seconds until the next try while the database is away."""
SWEEP = 3600.0
"""Seconds between two looks for what was kept long enough."""


class Unreadable(ValueError):
    """No JSON object: no repeat will cure that."""


class Hooks:
    """One service per process; `driver` None: this installation has no Cloud API, so nothing is worked off."""

    def __init__(self, database: db.Database, driver: model.TakesHooks | None, keys: model.Keys, clock_: clock.Clock) -> None:
        self._db, self._driver, self._clock = database, driver, clock_
        self.keys = keys
        self._came = asyncio.Event()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def keep(self, body: bytes) -> None:
        """Store a call whose signature is good; returns when it is committed."""
        async with self._db.system() as tx:
            await store.keep(tx, body)
        self._came.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work off what came, until told to stop."""
        if self._driver is None:
            await stop.wait()
            return
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: self._came.set())
        sweep_at = self._clock.monotonic()
        try:
            while not stop.is_set():
                self._came.clear()
                pause = IDLE
                try:
                    if self._clock.monotonic() >= sweep_at:
                        await self.sweep()
                        sweep_at = self._clock.monotonic() + SWEEP
                    if await self.work():
                        continue
                except db.DatabaseAway:
                    log.warning("hooks.database_away")
                    pause = AWAY
                await self._clock.wait(self._came, pause)
        finally:
            stopped.cancel()

    async def work(self) -> int:
        """Work off what waits and is due, as much as is taken at once; returns how many calls that was."""
        async with self._db.system() as tx:
            hooks = await store.take(tx, await tx.now(), TOGETHER)
        if not hooks:
            return 0
        results = await asyncio.gather(*(self._one(hook) for hook in hooks), return_exceptions=True)
        failed = [(hook, result) for hook, result in zip(hooks, results, strict=True) if isinstance(result, BaseException)]
        for _, error in failed:
            if not isinstance(error, Exception):
                raise error
        bad = {hook.id for hook, _ in failed}
        async with self._db.system() as tx:
            await store.done(tx, [hook.id for hook in hooks if hook.id not in bad])
            for hook, error in failed:
                await self._put_back(tx, hook, error)
        return len(hooks)

    async def _one(self, hook: model.Hook) -> None:
        async with self._turns:
            payload = _read(hook.body)
            names = webhooks.names_in(payload)
            async with self._db.system() as tx:
                places = await store.places(tx, names)
            if not places:
                log.info("hooks.of_unknown", numbers=len(names))
                return
            assert self._driver is not None  # noqa: S101 `run` works for a driver alone
            await self._driver.take_hook(payload, places)

    async def _put_back(self, tx: db.Tx, hook: model.Hook, error: BaseException) -> None:
        """Try it again later, each time; one that fails again and again by itself is set aside. Its words stay out of the log."""
        now, why = await tx.now(), type(error).__name__
        if isinstance(error, errors.Unavailable):
            await store.put_back(tx, hook.id, hook.tries, now + model.FIRST_RETRY)
        elif isinstance(error, Unreadable) or hook.tries + 1 >= model.TRIES:
            await store.set_aside(tx, hook.id, f"{why}: {error}" if isinstance(error, Unreadable) else why, now)
            log.error("hooks.set_aside", hook=hook.id, why=why, tries=hook.tries + 1)
        else:
            await store.put_back(tx, hook.id, hook.tries + 1, now + model.again_after(hook.tries))
            log.warning("hooks.again", hook=hook.id, why=why, tries=hook.tries + 1)

    async def sweep(self) -> int:
        """Delete what was set aside long enough ago; returns how many calls that was."""
        async with self._db.system() as tx:
            return await store.drop_old(tx, await tx.now() - model.KEPT)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    if not isinstance(payload, dict):
        raise Unreadable("no JSON object")
    return payload


def of(database: db.Database, drivers: Mapping[str, object], keys: model.Keys, clock_: clock.Clock) -> Hooks:
    """The service for the driver among these that takes calls from outside, if there is one."""
    takes = next((each for each in drivers.values() if isinstance(each, model.TakesHooks)), None)
    return Hooks(database, takes, keys, clock_)
