"""A seeded simulation of the engine's decisions: nodes, a store, a gateway and clocks as plain objects, weeks in seconds.

Lanes, pacing, windows and verdicts are the product's own pure parts; the store is simple Python that claims (reserve, state
guard, token) and records (re-arm) as the SQL does, and can abort, lose its answer or be away. It finds faults of order and of
memory; that the SQL does the same only a real PostgreSQL shows (`test_failpoints.py`, `test_crashes.py`).
"""

import heapq
import itertools
import math
import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hantar.dispatch import engine, leases, pacing, sending, verdicts
from hantar.dispatch.lanes import BUSY, NEVER, Lane, Lanes, Queue, Turn, Waiting
from hantar.gateways import port
from hantar.outbox import model
from hantar.policy.model import Rules

START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
S = model.MessageState
TIMEOUT = 10.0
TTL = leases.TTL.total_seconds()
HEAL = 900.0
"""Seconds between looks at everything: the product's half a minute would cost more than all the rest here."""
FREE = Rules(device_per_minute=10**6, device_per_hour=10**6, device_per_day=10**6)
FORGETS_JUMPS = False
"""A mutant's hand: who takes a lease after a jump believes the slots written before."""
HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0


class Broken(AssertionError):
    """A promise was broken."""


@dataclass(slots=True)
class Row:
    """A message."""

    id: str
    device: str
    source: str
    priority: int
    not_before: float
    state: model.MessageState = S.QUEUED
    token: int = 0
    attempts: int = 0
    deferrals: int = 0
    effects: int = 0


@dataclass(slots=True)
class Device:
    """A device with its lane as stored. Instants are seconds by the database's clock."""

    id: str
    workspace: str
    gap: float
    limits: tuple[int, int, int]
    dedupes: bool
    next_at: float = 0.0
    rest_until: float = 0.0
    gap_stored: float = 0.0
    used: bytes | None = None
    owner: int = -1
    """The life of a node that holds it."""
    token: int = 0
    expires: float = math.inf
    """When the lease lapses; for ever while its holder lives and renews it."""
    is_online: bool = True
    is_locked: bool = False
    queues: dict[str, list[tuple[float, str, Row]]] = field(default_factory=dict)
    flying: Row | None = None
    # the gateway's side, by true time
    seen_token: int = 0
    last_effect: float = -math.inf
    claims: deque[float] = field(default_factory=deque)
    is_hung_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Options:
    """How bad this world is."""

    devices: int = 50
    seconds: float = WEEK
    nodes: int = 2
    day: int = 300
    """Messages that each device gets a day, and its limit of a day."""
    faults: bool = True
    is_limited: bool = True
    """Whether devices have limits of a minute and an hour."""
    often: float = 1.0
    """By how much more often something fails than in a week that is bad but likely."""
    jumps: float = 0.0
    """Hours between jumps of the database's clock by an hour, 0 for none. No node dies then: one that starts cannot know."""


class World:
    """All of it. `run` raises `Broken` when a promise is broken."""

    def __init__(self, seed: int, options: Options) -> None:
        self.options, self.hand = options, random.Random(seed)
        self.now = 0.0
        self.offset = 0.0
        """How far the database's clock is from true time."""
        self.away_until = 0.0
        self.order = itertools.count()
        self.events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.rows: dict[str, Row] = {}
        self.closed: set[str] = set()
        self.is_calm = not options.faults
        self.devices = {each.id: each for each in map(self._device, range(options.devices))}
        self.nodes = [Node(self) for _ in range(options.nodes)]
        self.counts: defaultdict[str, int] = defaultdict(int)

    def _device(self, number: int) -> Device:
        gap = self.hand.choice((2.0, 5.0, 10.0, 30.0))
        limits = self.hand.choice((4, 10, 20)), self.hand.choice((60, 120)), self.options.day
        if not self.options.is_limited:
            limits = 10**4, 10**5, 10**6
        return Device(f"d{number}", f"w{number % 7}", gap, limits, dedupes=number % 2 == 0)

    # -------------------------------------------------------------------------------------------- time

    def at(self, when: float, what: Callable[..., None], *values: Any) -> None:
        """Let this happen then (true seconds)."""
        heapq.heappush(self.events, (when, next(self.order), what, values))

    def after(self, seconds: float, what: Callable[..., None], *values: Any) -> None:
        """Let this happen so many seconds from now."""
        self.at(self.now + seconds, what, *values)

    @property
    def wall(self) -> float:
        """Seconds by the database's clock."""
        return self.now + self.offset

    def chance(self, share: float) -> bool:
        """Whether a fault of this share happens now; never in calm times."""
        return not self.is_calm and self.hand.random() < share * self.options.often

    # -------------------------------------------------------------------------------------------- the whole run

    def run(self) -> None:
        """Faults and work for the time asked for; then calm, in which everything must drain."""
        for node in self.nodes:
            node.start()
        for day in range(max(1, round(self.options.seconds / DAY))):
            self.at(day * DAY + 1, self._new_day)
        if self.options.faults:
            self._plan_faults()
        self._until(self.options.seconds)
        self.is_calm, self.away_until = True, 0.0
        self.closed.clear()
        for device in self.devices.values():
            device.is_online, device.is_hung_until = True, 0.0
        for node in self.nodes:
            node.look_at_all()
        self._until(self.options.seconds + 2.2 * DAY)
        self._judge_the_end()

    def _until(self, end: float) -> None:
        events = self.events
        while events and events[0][0] <= end:
            self.now, _, what, values = heapq.heappop(events)
            what(*values)
        self.now = end

    def _judge_the_end(self) -> None:
        """Liveness: nothing waits, nothing is under way, no lane is taken for ever."""
        left = [row.id for row in self.rows.values() if row.state in (S.QUEUED, S.CLAIMED)]
        if left:
            raise Broken(f"{len(left)} of {len(self.rows)} messages never left, such as {left[:3]}")
        for node in self.nodes:
            if node.lanes.by_state()[BUSY] or node.flights or node.waiting:
                raise Broken(f"something is under way for ever: {node.lanes.by_state()}")

    # -------------------------------------------------------------------------------------------- work

    def _new_day(self) -> None:
        """Two campaigns over all devices, and some answers through the day."""
        each = max(1, self.options.day * 45 // 100)
        for _ in range(2):
            source = f"c{next(self.order)}"
            for device in self.devices.values():
                for _n in range(self.hand.randrange(each // 2, each)):
                    self.add(device, source, 5)
        for device in self.devices.values():
            for _ in range(self.options.day // 30):
                self.after(self.hand.random() * DAY * 0.9, self._answer_a_person, device)
        self.tell(list(self.devices))

    def _answer_a_person(self, device: Device) -> None:
        self.add(device, f"a{next(self.order)}", 1)
        self.tell([device.id])

    def add(self, device: Device, source: str, priority: int) -> Row:
        """Queue a message."""
        row = Row(f"m{len(self.rows)}", device.id, source, priority, self.wall)
        self.rows[row.id] = row
        self.queue(device, row)
        return row

    def queue(self, device: Device, row: Row) -> None:
        """Into its queue; single messages share one."""
        row.state, row.token = S.QUEUED, 0
        name = row.source if row.priority > 1 else ""
        heapq.heappush(device.queues.setdefault(name, []), (row.not_before, row.id, row))

    def tell(self, device_ids: Sequence[str]) -> None:
        """A fact; one in ten is lost while there are faults."""
        for node in self.nodes:
            if not self.chance(0.1 / self.options.often):
                self.after(0.002, node.look_at, list(device_ids))

    # -------------------------------------------------------------------------------------------- faults

    def _plan_faults(self) -> None:
        end, hand = self.options.seconds, self.hand
        clear_of: list[tuple[float, float]] = []
        if self.options.jumps:
            when = 0.0
            while (when := when + hand.uniform(0.4, 1.6) * self.options.jumps * HOUR) < end:
                self.at(when, self._jump, hand.choice((HOUR, -HOUR)))
                clear_of.append((when - 60, when + 2 * HOUR))
        plans: list[tuple[float, Callable[[], None]]] = [
            (6 * HOUR, lambda: hand.choice(self.nodes).crash()),
            (5 * HOUR, lambda: hand.choice(self.nodes).freeze(hand.uniform(0.5, 25))),
            (8 * HOUR, self._go_away),
            (1 * HOUR, self._lose_device),
            (3 * HOUR, self._hang_device),
            (9 * HOUR, self._close_source),
        ]
        for every, act in plans:
            when = 0.0
            while (when := when + hand.expovariate(self.options.often / every)) < end:
                if not any(first <= when <= last for first, last in clear_of):
                    self.at(when, act)

    def _jump(self, by: float) -> None:
        self.offset += by
        for device in self.devices.values():
            device.expires = min(device.expires, self.wall - by + TTL)  # written before; forward, and all have lapsed
        for node in self.nodes:
            node.beat()

    def _go_away(self) -> None:
        self.away_until = max(self.away_until, self.now + self.hand.choice((1.0, 10.0, 60.0)))

    def _lose_device(self) -> None:
        self._set_online(self.hand.choice(list(self.devices.values())), False)

    def _set_online(self, device: Device, is_online: bool) -> None:
        device.is_online = is_online
        self.tell([device.id])
        if not is_online:
            self.after(self.hand.uniform(5, 1800), self._set_online, device, True)

    def _hang_device(self) -> None:
        device = self.hand.choice(list(self.devices.values()))
        device.is_hung_until = self.now + self.hand.uniform(10, 300)

    def _close_source(self) -> None:
        row = self.hand.choice(list(self.rows.values())) if self.rows else None
        if row is not None:
            self.closed.add(row.source)
            self.after(self.hand.uniform(10, 4 * HOUR), self._open_source, row.source)

    def _open_source(self, source: str) -> None:
        self.closed.discard(source)
        self.tell(list(self.devices))

    # -------------------------------------------------------------------------------------------- the gateway

    def arrive(self, node: "Node", row: Row, token: int) -> None:
        """The bytes are there, whatever became of their sender."""
        device = self.devices[row.device]
        if token < device.seen_token:
            raise Broken(f"a stale token at the door: {row.id}")
        device.seen_token = token
        draw = 1.0 if self.is_calm else self.hand.random()
        delay = self.hand.uniform(0.05, 0.5)
        if device.is_hung_until > self.now:
            return
        if device.dedupes and row.effects:
            self.after(delay, node.answered, row, token, port.Accepted(row.id, START))
        elif draw < 0.01:
            self.after(delay, node.answered, row, token, port.Rejected(port.Reason.NOT_ON_WHATSAPP))
        elif draw < 0.02:
            self.after(delay, node.answered, row, token, port.Deferred(timedelta(seconds=30)))
        elif draw < 0.025:
            self.after(delay, node.answered, row, token, port.Deferred(timedelta(seconds=60), port.Scope.DEVICE))
        elif draw < 0.028:
            self._set_online(device, False)
            self.after(delay, node.answered, row, token, port.DeviceLost())
        else:
            self._effect(device, row)
            if draw > 0.033:
                self.after(delay, node.answered, row, token, port.Accepted(row.id, START))

    def _effect(self, device: Device, row: Row) -> None:
        """Somebody has the message: safety, by the gateway's own time."""
        row.effects += 1
        if row.effects > 1:
            raise Broken(f"{row.id} went twice")
        if self.now - device.last_effect < device.gap - 0.001:
            raise Broken(f"{device.id} sent again after {self.now - device.last_effect:.3f} s of {device.gap}")
        device.last_effect = self.now
        self.counts["effects"] += 1


class Away(Exception):
    """The store did not answer."""


@dataclass(slots=True)
class Going:
    """A row in a claim that is not committed yet."""

    turn: Turn
    row: Row
    slot: model.Slot


class Node:
    """One engine: the product's lanes, back-off and rules about time, around a store that is the world's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.frozen_until = 0.0
        self._fresh()

    def _fresh(self) -> None:
        """What a process knows when it starts."""
        self.generation = next(self.world.order)
        self.is_alive = True
        self.lanes, self.backoff = Lanes(), verdicts.Backoff()
        self.flights: dict[str, tuple[Row, model.Claimed, float]] = {}
        self.waiting: list[model.Outcome] = []
        self.writing: list[model.Outcome] = []
        self.in_doubt = self.is_claiming = self.is_recording = False
        self.is_beating = False
        self.seen_offset, self.jumped_at = self.world.offset, -math.inf
        self.tick_at = NEVER

    def start(self) -> None:
        """Take what is free and look at everything."""
        self.beat()
        self.world.after(0.1, self._mine(self._heal))

    def _mine(self, what: Callable[..., None]) -> Callable[..., None]:
        """Not for another life of this node; later while it is frozen."""
        generation = self.generation

        def guarded(*values: Any) -> None:
            if generation != self.generation or not self.is_alive:
                return
            if self.world.now < self.frozen_until:
                self.world.at(self.frozen_until, guarded, *values)
            else:
                what(*values)

        return guarded

    def _db(self) -> None:
        if self.world.now < self.world.away_until:
            raise Away

    # -------------------------------------------------------------------------------------------- faults

    def crash(self) -> None:
        """Its memory is gone; another life begins some seconds later."""
        if not self.is_alive:
            return
        self._let_lapse()
        self.is_alive = False
        self.world.counts["crashes"] += 1
        self.world.after(self.world.hand.uniform(0.5, 20), self._again)

    def _again(self) -> None:
        self._fresh()
        self.start()

    def freeze(self, seconds: float) -> None:
        """It stands still and does not know it."""
        if not self.is_alive or self.world.now < self.frozen_until:
            return
        self.frozen_until = self.world.now + seconds
        self.world.counts["freezes"] += 1
        self._let_lapse()

    def _let_lapse(self) -> None:
        """Nobody renews its leases from now on; the others ask for them until they have them."""
        world = self.world
        for device in world.devices.values():
            if device.owner == self.generation:
                device.expires = min(device.expires, world.wall + TTL)
        for node in world.nodes:
            node.beat()

    # -------------------------------------------------------------------------------------------- leases

    def beat(self) -> None:
        """Renew and take leases, until all are held by somebody who lives: then nothing changes until the next fault."""
        if not self.is_beating:
            self.is_beating = True
            self.world.after(self.world.hand.uniform(0.0, leases.RENEW_EVERY), self._mine(self._take_leases))

    def _take_leases(self) -> None:
        """Renew what is ours and has not lapsed, take what has, and rescue what a dead holder had claimed."""
        world, taken = self.world, []
        self.is_beating = False
        try:
            self._db()
        except Away:
            self.beat()
            return
        if world.offset > self.seen_offset:
            self.jumped_at = world.wall
        self.seen_offset = world.offset
        has_jumped = 0 <= world.wall - self.jumped_at < leases.HEED_JUMP.total_seconds()
        for device in world.devices.values():
            if device.owner == self.generation and device.expires > world.wall:
                device.expires = math.inf
            elif (device.owner < 0 or device.expires <= world.wall) and not device.is_locked:
                device.owner, device.token, device.expires = self.generation, device.token + 1, math.inf
                taken.append(device.id)
                if has_jumped and not FORGETS_JUMPS:
                    device.next_at = max(device.next_at, self.jumped_at + TIMEOUT + device.gap_stored)
                if (row := device.flying) is not None:
                    self._rescue(device, row)
        if any(device.expires != math.inf for device in world.devices.values()):
            self.beat()
        if taken:
            self.look_at(taken)

    def _rescue(self, device: Device, row: Row) -> None:
        device.flying = None
        if may_go_again(device):
            self.world.queue(device, row)
        else:
            row.state = S.UNKNOWN

    # -------------------------------------------------------------------------------------------- looks

    def _heal(self) -> None:
        self.look_at_all()
        self.world.after(HEAL, self._mine(self._heal))

    def look_at_all(self) -> None:
        """Look at every lane."""
        self.look_at(list(self.world.devices))

    def look_at(self, device_ids: Sequence[str]) -> None:
        """What the store says now is learnt a moment later."""
        if not self.is_alive or self.world.now < self.frozen_until:
            return
        world, began = self.world, self.world.now
        try:
            self._db()
        except Away:
            world.after(1.0, self._mine(self.look_at), device_ids)
            return
        asked = [lane for lane in map(self.lanes.find, device_ids) if lane is not None]
        found = [each for each in (self._waiting(world.devices[name]) for name in device_ids) if each is not None]
        world.after(world.hand.uniform(0.001, 0.05), self._mine(self._learn), found, asked, began)

    def _waiting(self, device: Device) -> Waiting | None:
        world = self.world
        if device.owner != self.generation or device.expires <= world.wall or not device.is_online:
            return None
        queues = []
        for name, heap in device.queues.items():
            if heap and name not in world.closed:
                not_before, _, row = heap[0]
                queues.append(Queue(name or None, row.priority, world.now + max(0.0, not_before - world.wall)))
        if not queues:
            return None
        rests = world.now + max(0.0, max(device.next_at, device.rest_until) - world.wall)
        return Waiting(device.workspace, device.id, 0, rests, queues)

    def _learn(self, found: list[Waiting], asked: list[Lane], began: float) -> None:
        self.lanes.learn(found, asked, began)
        self._wake()

    def _wake(self) -> None:
        due = max(self.world.now, self.lanes.next_due())
        if due < self.tick_at and due != NEVER:
            self.tick_at = due
            self.world.at(due, self._mine(self._tick), due)

    # -------------------------------------------------------------------------------------------- claiming

    def _tick(self, meant: float) -> None:
        if meant != self.tick_at:
            return
        self.tick_at = NEVER
        if self.is_claiming:
            return
        if self.in_doubt and not self._look_again():
            self.tick_at = self.world.now + 1.0
            self.world.at(self.tick_at, self._mine(self._tick), self.tick_at)
            return
        turns = self.lanes.due(self.world.now, engine.MOST)
        if turns:
            self._claim(turns)
        else:
            self._wake()

    def _claim(self, turns: list[Turn]) -> None:
        """Heads are locked and judged now; all of it is committed, or none, a little later."""
        world, now = self.world, self.world.now
        wall = START + timedelta(seconds=world.wall)
        going, full = [], []
        try:
            self._db()
        except Away:
            self._gone(turns)
            return
        for turn in turns:
            device = world.devices[turn.lane.device_id]
            row = self._head(device, turn.queue.source_id)
            if row is None:
                continue
            stored = self._stored(device)
            until = pacing.full_until(stored, FREE, wall)
            if until is not None:
                full.append((turn, (until - wall).total_seconds()))
                continue
            head = model.Head(device.workspace, model.MessageId(row.id), row.id, device.id, wall, 0.0, 0.0)
            going.append(Going(turn, row, pacing.reserve(stored, head, wall, timedelta(seconds=TIMEOUT), world.hand.random())))
            device.is_locked = True
        self.is_claiming = True
        seconds = world.hand.uniform(0.001, 0.02) if not world.chance(0.001) else world.hand.uniform(0.1, 5)
        world.after(seconds, self._commit, self.generation, turns, going, full, now, world.wall)

    def _head(self, device: Device, source: str | None) -> Row | None:
        world, name = self.world, source or ""
        is_ours = device.owner == self.generation and device.expires > world.wall and device.is_online and not device.is_locked
        if not is_ours or max(device.next_at, device.rest_until) > world.wall or name in world.closed:
            return None
        heap = device.queues.get(name)
        return heap[0][2] if heap and heap[0][0] <= world.wall else None

    @staticmethod
    def _stored(device: Device) -> model.Lane:
        limits = device.limits
        return model.Lane(
            device.workspace, device.id, "simulator", device.token, device.gap, device.gap * 1.3, *limits, device.used
        )

    def _commit(
        self,
        generation: int,
        turns: list[Turn],
        going: list[Going],
        full: list[tuple[Turn, float]],
        began: float,
        wall: float,
    ) -> None:
        """The store commits or not, whether or not its node is there to hear of it."""
        world = self.world
        for each in going:
            world.devices[each.row.device].is_locked = False
        is_aborted = world.now < world.away_until or world.chance(0.001) or not self.is_alive or generation != self.generation
        if not is_aborted:
            for each in going:
                self._write_claim(each, wall)
        is_lost = is_aborted or world.chance(0.001)
        generation_ = self._mine(self._claimed if not is_lost else self._lost)
        generation_(turns, going, full, began)

    def _write_claim(self, each: Going, wall: float) -> None:
        world, row = self.world, each.row
        device = world.devices[row.device]
        if row.state is not S.QUEUED or device.flying is not None:
            raise Broken(f"{row.id} is claimed while {device.flying} is under way")
        heap = device.queues[row.source if row.priority > 1 else ""]
        if heapq.heappop(heap)[2] is not row:
            raise Broken(f"{row.id} was not the first any more")
        if not heap:
            del device.queues[row.source if row.priority > 1 else ""]
        row.state, row.token, device.flying = S.CLAIMED, device.token, row
        device.next_at, device.gap_stored, device.used = wall + each.slot.rest, each.slot.gap, each.slot.used
        if not world.options.jumps:
            self._check_limits(device, wall)

    @staticmethod
    def _check_limits(device: Device, wall: float) -> None:
        """In every minute, hour and day that ends now, wherever it begins."""
        claims = device.claims
        claims.append(wall)
        while claims[0] <= wall - DAY:
            claims.popleft()
        for seconds, most in zip((60, HOUR, DAY), device.limits, strict=True):
            if len(claims) > most and claims[-most - 1] > wall - seconds:
                raise Broken(f"{device.id} has more than {most} in {seconds} s")

    def _lost(self, turns: list[Turn], *_: Any) -> None:
        self.is_claiming = False
        self._gone(turns)

    def _gone(self, turns: list[Turn]) -> None:
        """As `Engine._claim` does when the database is away: lanes are given back, and what may be claimed is looked for."""
        self.in_doubt = True
        for turn in turns:
            self.lanes.free(turn.lane, self.world.now, self.world.now)
        self.tick_at = self.world.now + 0.5
        self.world.at(self.tick_at, self._mine(self._tick), self.tick_at)

    def _look_again(self) -> bool:
        """As `Engine._look_again`: claimed rows of ours that never reached us go back."""
        try:
            self._db()
        except Away:
            return False
        known = {*self.flights, *(each.id for each in (*self.waiting, *self.writing))}
        back = []
        for device in self.world.devices.values():
            row = device.flying
            if device.owner == self.generation and row is not None and row.token == device.token and row.id not in known:
                device.flying = None
                self.world.queue(device, row)
                back.append(device.id)
        self.in_doubt = False
        if back:
            self.look_at(back)
        return True

    def _claimed(self, turns: list[Turn], going: list[Going], full: list[tuple[Turn, float]], began: float) -> None:
        """As `Engine._take` goes on after its commit."""
        now, left = self.world.now, {turn.lane.device_id: turn for turn in turns}
        self.is_claiming = False
        for each in going:
            del left[each.turn.lane.device_id]
            self._start(each, began)
        for turn, seconds in full:
            del left[turn.lane.device_id]
            self.lanes.free(turn.lane, now, now + seconds)
        for turn in left.values():
            self.lanes.rest(turn.lane, now + engine.MISSED)
        if left:
            self.look_at(list(left))
        self._wake()

    # -------------------------------------------------------------------------------------------- sending

    def _start(self, each: Going, began: float) -> None:
        world, row = self.world, each.row
        said = claimed(world.devices[row.device], row, each.slot.gap)
        each.turn.lane.floor = world.now + TIMEOUT + said.gap
        self.flights[row.id] = row, said, world.now
        world.after(TIMEOUT, self._mine(self._give_up), row.id, row.token)
        world.after(0.0 if world.is_calm else world.hand.uniform(0, 0.01), self._mine(self._send), row, row.token, began)

    def _send(self, row: Row, token: int, began: float) -> None:
        if self.world.now - began > sending.STOOD_STILL:
            self.answered(row, token, port.Deferred(leases.TTL, port.Scope.DEVICE))
        else:
            self.world.after(0.01, self.world.arrive, self, row, token)

    def _give_up(self, row_id: str, token: int) -> None:
        flight = self.flights.get(row_id)
        if flight is not None and flight[1].token == token:
            self.answered(flight[0], token, port.Unconfirmed())

    def answered(self, row: Row, token: int, verdict: port.Verdict) -> None:
        """As `Engine._answered`; an answer that comes after the deadline, or to a process that is gone, is lost."""
        if self.is_alive and self.world.now < self.frozen_until:
            self.world.at(self.frozen_until, self._mine(self.answered), row, token, verdict)
            return
        flight = self.flights.get(row.id)
        if not self.is_alive or flight is None or flight[1].token != token:
            return
        del self.flights[row.id]
        world, said = self.world, flight[1]
        lane = self.lanes.find(row.device)
        if lane is not None:
            lane.floor = world.now + said.gap
        wall = START + timedelta(seconds=world.wall)
        outcome = self.backoff.outcome(said, verdict, wall, world.hand.random())
        outcome.mono, outcome.gap = world.now, said.gap
        self.waiting.append(outcome)
        self._record_soon(0.01)

    # -------------------------------------------------------------------------------------------- recording

    def _record_soon(self, seconds: float) -> None:
        if not self.is_recording:
            self.is_recording = True
            self.world.after(seconds, self._mine(self._record))

    def _record(self) -> None:
        try:
            self._db()
        except Away:
            self.world.after(0.25, self._mine(self._record))
            return
        self.writing, self.waiting = self.waiting, []
        seconds = self.world.hand.uniform(0.001, 0.02) if not self.world.chance(0.001) else self.world.hand.uniform(0.1, 8)
        self.world.after(seconds, self._written, self.generation, self.writing)

    def _written(self, generation: int, batch: list[model.Outcome]) -> None:
        """The store writes them or not; then its node hears of it or not."""
        world = self.world
        is_aborted = world.now < world.away_until or world.chance(0.001) or not self.is_alive or generation != self.generation
        stale = set() if is_aborted else {each.id for each in batch if not self._write(each)}
        is_lost = is_aborted or world.chance(0.001)
        self._mine(self._not_recorded if is_lost else self._recorded)(batch, stale)

    def _write(self, outcome: model.Outcome) -> bool:
        """As `store.record`; whether the token was still ours."""
        world, row, device = self.world, self.world.rows[outcome.id], self.world.devices[outcome.device_id]
        at = world.wall - (world.now - (outcome.mono or 0.0))
        shift = timedelta(seconds=at) - (outcome.at - START)
        if row.state is S.UNKNOWN and outcome.state in (S.SENT, S.FAILED):
            row.state = outcome.state
        elif row.state is S.CLAIMED and row.token == outcome.token:
            device.flying = None
            row.deferrals += outcome.counts_deferral
            row.state = outcome.state
            if outcome.state is S.QUEUED:
                if outcome.retry_at is not None:
                    row.not_before = (outcome.retry_at + shift - START).total_seconds()
                self.world.queue(device, row)
                row.token = outcome.token
        if outcome.token == device.token:
            device.next_at = at + device.gap_stored
            if outcome.rest_until is not None:
                device.rest_until = max(device.rest_until, (outcome.rest_until + shift - START).total_seconds())
        return row.token == outcome.token

    def _not_recorded(self, batch: list[model.Outcome], _stale: set[str]) -> None:
        self.waiting = batch + self.waiting
        self.writing = []
        self.world.after(0.25, self._mine(self._record))

    def _recorded(self, batch: list[model.Outcome], stale: set[str]) -> None:
        """As `Engine._recorded`."""
        now, look = self.world.now, []
        self.writing, self.is_recording = [], False
        for outcome in batch:
            lane = self.lanes.find(outcome.device_id)
            if lane is None:
                continue
            if outcome.id in stale or outcome.state is S.QUEUED:
                self.lanes.rest(lane, now)
                look.append(lane.device_id)
            else:
                self.lanes.free(lane, now, (now if outcome.mono is None else outcome.mono) + outcome.gap)
        if look:
            self.look_at(look)
        if self.waiting:
            self._record_soon(0.0)
        self._wake()


def may_go_again(device: Device) -> bool:
    """Whether what was in flight when its holder died may be sent once more: where the gateway drops repeats."""
    return device.dedupes


def claimed(device: Device, row: Row, gap: float) -> model.Claimed:
    """What the verdicts are told of a message."""
    return model.Claimed(
        workspace_id=device.workspace,
        id=model.MessageId(row.id),
        kind=model.MessageKind.CAMPAIGN,
        source_id=model.SourceId(row.source),
        device_id=device.id,
        driver="simulator",
        token=row.token,
        wire_id=row.id,
        phone="",
        media_id=None,
        text="",
        attempts=0,
        gap=gap,
        deferrals=row.deferrals,
    )
