"""Writes what became of messages, many in one transaction. What waits to be written is kept while the database is away."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from hantar.dispatch import facts, platform
from hantar.dispatch.aside import Aside
from hantar.dispatch.figures import Figures
from hantar.kit import clock, db
from hantar.outbox import model, service as outbox, store

log = structlog.get_logger(__name__)

GATHER = 0.02
"""Seconds in which outcomes gather into one transaction (reliability.md 3: at most 20 ms, as each may be in doubt)."""
AGAIN = 0.25
"""Seconds until the next try while the database is away."""
MOST = 1000
"""Outcomes in one transaction."""
Recorded = Callable[[Sequence[model.Outcome], Sequence[db.Row]], None]


class Recorder:
    """Outcomes that wait to be written. `done` hears of each batch that is."""

    def __init__(self, database: db.Database, clock_: clock.Clock, figures: Figures, aside: Aside, done: Recorded) -> None:
        self._db, self._clock, self._figures, self._aside, self._done = database, clock_, figures, aside, done
        self.waiting: list[model.Outcome] = []
        self.writing: list[model.MessageId] = []
        self._came = asyncio.Event()

    def add(self, outcome: model.Outcome) -> None:
        """An outcome to write soon."""
        self.waiting.append(outcome)
        self._came.set()

    def known(self) -> list[model.MessageId]:
        """Messages whose outcome waits or is being written."""
        return [*(outcome.id for outcome in self.waiting), *self.writing]

    def stop(self) -> None:
        """Let `run` see that it is to end."""
        self._came.set()

    async def run(self, closing: asyncio.Event, is_idle: Callable[[], bool]) -> None:
        """Write until told to close, nothing waits and nothing is in flight any more."""
        while not (closing.is_set() and not self.waiting and is_idle()):
            if closing.is_set() and not self.waiting:
                await self._clock.wait(self._came, 1.0)
            else:
                await self._came.wait()
            if not closing.is_set():
                await self._clock.sleep(GATHER)
            self._came.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write every outcome that waits; none is dropped while the database is away."""
        while self.waiting:
            batch, self.waiting = self.waiting[:MOST], self.waiting[MOST:]
            self.writing = [outcome.id for outcome in batch]
            try:
                await self._try(batch)
            except db.DatabaseAway:
                self.waiting = batch + self.waiting
                self._figures.away += 1
                log.warning("engine.outcomes_wait", waiting=len(self.waiting))
                await self._clock.sleep(AGAIN)
            except BaseException:
                self.waiting = batch + self.waiting
                raise
            finally:
                self.writing = []

    async def _try(self, batch: list[model.Outcome]) -> None:
        """Write them; when one of them cannot be written, all others are."""
        try:
            await self.write(batch)
        except db.DatabaseAway:
            raise
        except Exception:
            if len(batch) == 1:
                log.exception("engine.outcome_refused", message=batch[0].id, device=batch[0].device_id)
                await self._doubt(batch[0])
                return
            half = len(batch) // 2
            await self._try(batch[:half])
            await self._try(batch[half:])

    async def _doubt(self, outcome: model.Outcome) -> None:
        """What cannot be written as it is may have arrived: a person decides."""
        plain = model.Outcome(
            outcome.workspace_id, outcome.id, outcome.device_id, outcome.token, model.S.UNKNOWN, outcome.at, mono=outcome.mono
        )
        try:
            await self.write([plain])
        except db.DatabaseAway:
            raise
        except Exception:
            log.exception("engine.outcome_lost", message=outcome.id, device=outcome.device_id)
            self._done([outcome], [])

    async def write(self, batch: Sequence[model.Outcome]) -> None:
        """One transaction for all of them: one statement where all were taken, as nearly always."""
        began = self._clock.monotonic()
        await platform.heed(self._db, {each.id: each.reason for each in batch if each.state is model.S.FAILED})
        rows = await (self._accepted(batch) if self._is_plain(batch) else self._any(batch))
        stale = [row["id"] for row in rows if not row["ours"]]
        if stale:
            log.warning("engine.stale_outcomes", messages=stale[:20], count=len(stale))
        self._figures.record_seconds.add(self._clock.monotonic() - began)
        self._figures.recorded += len(batch)
        self._figures.outcomes.update(outcome.state.value for outcome in batch)
        self._done(batch, rows)

    def _is_plain(self, batch: Sequence[model.Outcome]) -> bool:
        """Whether nothing is to be written but that these were taken, each at an instant that we measured."""
        sent = model.S.SENT
        return self._aside.has_nothing_to_count and all(
            each.state is sent and each.mono is not None and not each.by_database for each in batch
        )

    async def _accepted(self, batch: Sequence[model.Outcome]) -> list[db.Row]:
        async with self._db.hot_single() as tx:
            now = self._clock.monotonic()
            rows = await store.record(tx, batch, [now - (each.mono or now) for each in batch])
            outbox.tell_moves(tx, rows)
        return rows

    async def _any(self, batch: Sequence[model.Outcome]) -> list[db.Row]:
        async with self._db.hot() as tx:
            now = await tx.now()
            told = [self._on_database_time(outcome, now) for outcome in batch]
            await self._aside.count(tx, told)
            rows = await store.record(tx, told, [(now - each.at).total_seconds() for each in told])
            await facts.note_returns(tx, told, rows)
            await facts.tell_and_end_stopped(tx, rows)
        return rows

    def _on_database_time(self, outcome: model.Outcome, now: datetime) -> model.Outcome:
        """The same outcome by the database's clock (F-07): its age is measured, its instant is not taken from ours."""
        if outcome.mono is None or outcome.by_database:
            return outcome
        at = now - timedelta(seconds=self._clock.monotonic() - outcome.mono)
        shift = at - outcome.at
        outcome.at = at
        if outcome.retry_at is not None:
            outcome.retry_at += shift
        if outcome.rest_until is not None:
            outcome.rest_until += shift
        if outcome.no_chats_until is not None:
            outcome.no_chats_until += shift
        outcome.by_database = True
        return outcome
