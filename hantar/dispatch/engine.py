"""The engine: claims what is due over all lanes, has it sent, and records what became of it.

One message at a time per device; nothing is claimed ahead; an outcome once known is never dropped. Lanes are kept in memory on
one heap with one timer (`dispatch.lanes`); facts say which of them to look at, and a slow walk over all heals what facts lost.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from hantar.dispatch import aside, checker, claims, facts, leases, looks, recording, sending, verdicts
from hantar.dispatch.figures import Figures
from hantar.dispatch.lanes import Lanes, Turn
from hantar.gateways import port
from hantar.kit import clock, cluster, db
from hantar.outbox import model, service as outbox, store

log = structlog.get_logger(__name__)

TICK = 0.02
"""Seconds between two claims while there is work (reliability.md 3: 20-50 ms)."""
LEAD = 0.1
"""Seconds before its turn at which a lane is claimed; its message is held until then (docs/decisions/0012). A claim takes 10 to
100 ms, so it costs no lateness, and ticks may be twice as long."""
FEW = 40
"""Lanes due in a tick below which ticks may be longer: up to `CALM` of the lead, since each costs as much as ten messages."""
CALM = 0.8
"""Share of the lead; the rest is what a small claim takes (measured: 7 to 15 ms)."""
SWEEP = 1.0
"""Longest sleep in seconds."""
MOST = 400
"""Lanes in one claim: above 100 little is gained, above 500 others wait too long (engine.md 1)."""
SHARE = 120
"""Lanes in one claim while few more are due: whoever is in a claim waits for all of it, so two small ones are better than a large
one (measured: at 3,300 a second half of the lateness)."""
BEHIND = (40, MOST)
"""Lanes still due after one claim has taken its own, from which a second and a third claim are made beside it; more gain nothing
on two cores (measured)."""
MISSED = 0.05
"""Seconds until a lane is asked again whose head, person or own row somebody else held (our own number)."""
LATE_EVERY = 30.0
"""Seconds between looks for rows that are too late; a late head is seen by the claim itself."""
AT_ONCE = 5000
GARBAGE = (20_000, 20, 50)
"""Objects made until the collector looks at the youngest, and how often at the older ones: a claim makes thousands that live for
a moment, and the usual 700 has it look all the time."""
MAX_WAITING = 2000
"""Outcomes that may wait to be recorded; past it no lane claims."""
LONGEST_REST = 5.0
"""Seconds between tries while the database is away, at most."""


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
        workers_per_pool: int | None = None,
        lead: float = 0.0,
    ) -> None:
        self._tick, self._calm_tick = max(TICK, lead / 2), max(TICK, lead * CALM)
        self._db, self._clock, self._random, self._grace, self._node = database, clock_, random, grace, node
        caps = {name: driver.caps for name, driver in drivers.items()}
        self.figures = Figures()
        self.lanes = Lanes(workers_per_pool, lead)
        self.leases = leases.Leases(database, clock_, node, caps)
        self.claimer = claims.Claimer(caps, random, clock_, lead)
        self.sender = sending.Sender(drivers, clock_, self._load, self._answered)
        self.aside = aside.Aside(database, bus, clock_)
        self.recorder = recording.Recorder(database, clock_, self.figures, self.aside, self._recorded)
        self._backoff = verdicts.Backoff()
        self.checker = checker.Checker(database, drivers, clock_)
        self._woken = asyncio.Event()
        self.looks = looks.Looks(database, bus, clock_, self.lanes, node, self._woken.set)
        self._in_doubt = False
        self._doubt = asyncio.Lock()
        self._claiming = 0
        """Claims on their way."""
        self._behind = [asyncio.Event() for _ in BEHIND]
        self._late_look = 0.0

    def wake(self) -> None:
        """There may be work anywhere."""
        self.looks.at_all()

    def lanes_by_state(self) -> dict[str, int]:
        """How many lanes are parked, waiting, ready and busy."""
        return self.lanes.by_state()

    # -------------------------------------------------------------------------------------------- running

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then let what is in flight end, write every outcome, and give the leases back."""
        closing, ending = asyncio.Event(), asyncio.Event()
        self.looks.at_all()
        ticks = asyncio.create_task(self._tick_loop(ending))
        helping = [asyncio.create_task(self._help_loop(ending, behind)) for behind in self._behind]
        others = [
            asyncio.create_task(self.recorder.run(closing, lambda: not self.sender.flights)),
            asyncio.create_task(self.leases.run(closing, self.wake)),
            asyncio.create_task(self.looks.run(ending)),
            asyncio.create_task(self._sweep_loop(ending)),
            asyncio.create_task(self.aside.run(ending)),
            asyncio.create_task(self.checker.run(ending)),
        ]
        told = asyncio.create_task(stop.wait())
        await asyncio.wait([told, ticks, *helping, *others], return_when=asyncio.FIRST_COMPLETED)  # one that dies ends all
        told.cancel()
        ending.set()
        self._woken.set()
        try:
            await asyncio.gather(ticks, *helping)
            await self.sender.land(self._grace.total_seconds())
        finally:
            closing.set()
            self.recorder.stop()
            await asyncio.gather(*others)
        try:
            await self.leases.give_back()
        except db.DatabaseAway:
            log.warning("engine.leases_not_given_back")

    async def _tick_loop(self, stop: asyncio.Event) -> None:
        """Claim when a lane is due, at most once in a tick; sleep until the next one is."""
        away = 0
        while not stop.is_set():
            self._woken.clear()
            began = self._clock.monotonic()
            try:
                tick = self._calm_tick if await self._claim_due() < FEW else self._tick
                away = 0
            except db.DatabaseAway:
                away += 1
                self.figures.away += 1
                rest = min(LONGEST_REST, SWEEP / 4 * 2 ** min(away, 10)) * (1 + self._random() / 4)
                log.warning("engine.database_away", again_in=round(rest, 2))
                await self._clock.wait(stop, rest)
                continue
            rest = min(SWEEP, self.lanes.next_due() - self._clock.monotonic())
            if rest > tick and not self._is_choked:
                await self._clock.wait(self._woken, rest)
            await self._clock.sleep(began + tick - self._clock.monotonic())

    async def _help_loop(self, stop: asyncio.Event, behind: asyncio.Event) -> None:
        """Claim beside the other loop while many lanes are due, so that PostgreSQL and we work at the same time."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _task: behind.set())
        try:
            while not stop.is_set():
                await behind.wait()
                try:
                    if not stop.is_set() and not self._in_doubt:
                        await self._claim_due()
                except db.DatabaseAway:
                    behind.clear()  # the other loop finds out when it is back
                await self._clock.sleep(TICK)
        finally:
            stopped.cancel()

    async def tick(self) -> None:
        """Look where facts point, then claim once and start the sends."""
        await self.looks.look()
        try:
            await self._claim_due()
            await self.checker.look()
        except db.DatabaseAway:
            log.warning("engine.database_away")

    @property
    def _is_choked(self) -> bool:
        return len(self.recorder.waiting) > MAX_WAITING

    # -------------------------------------------------------------------------------------------- claiming

    async def _claim_due(self) -> int:
        """Claim for lanes that are due; returns how many were asked for."""
        if self._is_choked:
            return 0
        if self._in_doubt:
            await self._settle_doubt()
        now = self._clock.monotonic()
        ready = self.lanes.count_ready(now)
        turns = self.lanes.due(now, min(MOST, max(SHARE, ready // (1 + len(BEHIND)))), beside=True)
        for least, behind in zip(BEHIND, self._behind, strict=True):
            if ready - len(turns) >= least:
                behind.set()
            else:
                behind.clear()
        if turns:
            self._claiming += 1
            try:
                await self._claim(turns)
            finally:
                self._claiming -= 1
                self.lanes.release(turns)
        return len(turns)

    async def _claim(self, turns: Sequence[Turn]) -> None:
        """Claim for these lanes; when one of them cannot be asked about, all others are."""
        try:
            await self._take(turns)
        except db.DatabaseAway:
            self._in_doubt = True
            self._give_back(turns, 0.0)
            raise
        except Exception:
            if len(turns) == 1:
                log.exception("engine.lane_refused", device=turns[0].lane.device_id)
                self._give_back(turns, LATE_EVERY)
                return
            half = len(turns) // 2
            try:
                await self._claim(turns[:half])
            except db.DatabaseAway:
                self._give_back(turns[half:], 0.0)
                raise
            await self._claim(turns[half:])

    def _give_back(self, turns: Sequence[Turn], pause: float) -> None:
        now = self._clock.monotonic()
        for turn in turns:
            self.lanes.free(turn.lane, now, now + pause)

    async def _take(self, turns: Sequence[Turn]) -> None:
        began = self._clock.monotonic()
        async with self._db.hot() as tx:
            taken = await self.claimer.take(
                tx, self._node, [(turn.lane.workspace_id, turn.lane.device_id, turn.queue.source_id) for turn in turns]
            )
            outbox.tell_moves(tx, taken.moved)
        now = self._clock.monotonic()
        self.figures.claim_seconds.add(now - began)
        by_device = {turn.lane.device_id: turn for turn in turns}
        for message in taken.to_send:
            self._start(message, by_device.pop(message.device_id), began, taken.asked_at)
        for outcome in taken.outcomes:
            del by_device[outcome.device_id]
            self.recorder.add(outcome)
        for device_id in taken.again:
            self.lanes.free(by_device.pop(device_id).lane, now, now)
        for device_id in taken.later:
            self.lanes.free(by_device.pop(device_id).lane, now, now + MISSED)
        for device_id, seconds in taken.full.items():
            self.lanes.free(by_device.pop(device_id).lane, now, now + seconds)
        for turn in by_device.values():
            self.lanes.rest(turn.lane, now + MISSED)
        self.looks.at_devices(by_device)
        self.checker.ask(taken.unchecked)

    async def _settle_doubt(self) -> None:
        """Once no other claim is on its way, whose rows would look as if they had never reached us."""
        async with self._doubt:
            while self._claiming:
                await self._clock.sleep(TICK)
            if self._in_doubt:
                await self._look_again()

    async def _look_again(self) -> None:
        """A claim's commit may have gone through although its answer was lost (F-04): put back what never reached us."""
        known = [*self.sender.flights, *self.recorder.known()]
        async with self._db.system() as tx:
            rows = await store.put_back(tx, self._node, known)
            await facts.tell_and_end_stopped(tx, rows)
        self._in_doubt = False
        self.looks.at_devices([row["device_id"] for row in rows])

    # -------------------------------------------------------------------------------------------- sending, recording

    def _start(self, message: model.Claimed, turn: Turn, claimed_at: float, asked_at: float) -> None:
        leaves_at = max(self._clock.monotonic(), turn.due, asked_at + message.wait)
        self.figures.claimed += 1
        self.figures.lateness.add(leaves_at - turn.due)
        turn.lane.floor = leaves_at + self.sender.timeout(message) + message.gap
        self.lanes.sent(message.source_id)
        self.sender.start(message, claimed_at, leaves_at)

    def _answered(self, message: model.Claimed, verdict: port.Verdict, claimed_at: float) -> None:
        now = self._clock.monotonic()
        self.figures.answer_seconds.add(now - claimed_at)
        lane = self.lanes.find(message.device_id)
        if lane is not None:
            lane.floor = now + message.gap
        self.lanes.landed(message.source_id)
        outcome = self._backoff.outcome(message, verdict, self._clock.now(), self._random())
        outcome.mono, outcome.gap = now, message.gap
        self.recorder.add(outcome)

    def _recorded(self, outcomes: Sequence[model.Outcome], rows: Sequence[db.Row]) -> None:
        """Let the lanes of what is recorded have their next turns."""
        now = self._clock.monotonic()
        stale = {row["id"] for row in rows if not row["ours"]}
        look = []
        for outcome in outcomes:
            lane = self.lanes.find(outcome.device_id)
            if lane is None:
                continue
            if outcome.id in stale or outcome.state is model.S.QUEUED:
                self.lanes.rest(lane, now)
                look.append(lane.device_id)
            else:
                self.lanes.free(lane, now, (now if outcome.mono is None else outcome.mono) + outcome.gap)
        self.looks.at_devices(look)
        self._woken.set()

    async def flush(self) -> None:
        """Write every outcome that waits."""
        await self.recorder.flush()

    async def _load(self, workspace_id: str, media_id: str) -> port.MediaBytes:
        async with self._db.system() as tx:
            return await store.media_bytes(tx, workspace_id, media_id)

    # -------------------------------------------------------------------------------------------- sweeping

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
