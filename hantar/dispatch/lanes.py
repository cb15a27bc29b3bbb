"""Lanes in memory: which device may send when, on one heap. A hint only: PostgreSQL decides again in every claim.

A lane is *parked* when it has nothing to send, *waiting* when it will, *ready* when it may now, *busy* while a message of its
is claimed and not yet recorded. Of two campaigns on one device each has its turn; of two workspaces likewise.
"""

import heapq
import operator
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

NEVER = float("inf")
PARKED, WAITING, READY, BUSY = "parked", "waiting", "ready", "busy"


class Queue:
    """The messages of one source that wait in one lane. `source_id` None: single messages, which go before all others."""

    __slots__ = ("due", "name", "priority", "served", "source_id")

    def __init__(self, source_id: str | None, priority: int, due: float) -> None:
        self.source_id, self.priority, self.due = source_id, priority, due
        self.name = source_id or ""
        self.served = 0
        """When it last had its turn, as a number that rises; 0: not yet."""


class Lane:
    """One device's turn. Instants are monotonic seconds."""

    __slots__ = ("device_id", "due", "first", "floor", "freed", "queues", "shard", "state", "workspace_id")

    def __init__(self, workspace_id: str, device_id: str, shard: int) -> None:
        self.workspace_id, self.device_id, self.shard = workspace_id, device_id, shard
        self.queues: list[Queue] = []
        self.first = NEVER
        """When the first of its queues is due."""
        self.due = NEVER
        self.floor = 0.0
        """The pause since our own last send ends then, whatever any wall clock says (F-07)."""
        self.freed = 0.0
        """When its last turn ended: what a look that began before that read of its pause is out of date."""
        self.state = PARKED


@dataclass(slots=True)
class Waiting:
    """What a look found in one lane: when its pause ends, and what waits in it since or until when (monotonic seconds)."""

    workspace_id: str
    device_id: str
    shard: int
    rests_until: float
    queues: list[Queue]


@dataclass(slots=True)
class Turn:
    """A lane that may send now, and what has its turn in it."""

    lane: Lane
    queue: Queue
    due: float


class Lanes:
    """All lanes of this node."""

    def __init__(self, per_source: int | None = None, lead: float = 0.0) -> None:
        self._lead = lead
        """Seconds before its turn at which a lane is asked for; what waits in it must be due by then."""
        self._lanes: dict[str, Lane] = {}
        self._by_workspace: dict[str, dict[str, Lane]] = {}
        self._heap: list[tuple[float, int, float, Lane]] = []
        self._order = 0
        self._ready: dict[str, deque[Lane]] = {}
        self._standing = 0
        """Lanes in there."""
        self._per_source = per_source
        self._busy: dict[str, int] = {}
        """Messages under way by source."""
        self._taken: dict[str, int] = {}
        """Turns by source that were just handed out, of which nothing is under way yet."""

    def __len__(self) -> int:
        return len(self._lanes)

    def by_state(self) -> dict[str, int]:
        """How many lanes stand in each state."""
        counts = dict.fromkeys((PARKED, WAITING, READY, BUSY), 0)
        for lane in self._lanes.values():
            counts[lane.state] += 1
        return counts

    # -------------------------------------------------------------------------------------------- what is known

    def at(self, workspace_id: str, device_id: str, shard: int = -1) -> Lane:
        """The lane of a device; made known when it is new."""
        lane = self._lanes.get(device_id)
        if lane is None:
            lane = self._lanes[device_id] = Lane(workspace_id, device_id, shard)
            self._by_workspace.setdefault(workspace_id, {})[device_id] = lane
        return lane

    def find(self, device_id: str) -> Lane | None:
        """The lane of a device, if it is known."""
        return self._lanes.get(device_id)

    def of(self, workspaces: Iterable[str]) -> list[Lane]:
        """The known lanes of these workspaces."""
        return [lane for each in workspaces for lane in self._by_workspace.get(each, {}).values()]

    def in_shards(self, shards: Iterable[int]) -> list[Lane]:
        """The known lanes of these shards."""
        wanted = set(shards)
        return [lane for lane in self._lanes.values() if lane.shard in wanted]

    def learn(self, found: Iterable[Waiting], asked: Iterable[Lane], began: float) -> None:
        """Take over what a look that began then found; lanes that were asked about and not found have nothing to send."""
        seen = set()
        for each in found:
            lane = self.at(each.workspace_id, each.device_id, each.shard)
            lane.shard = each.shard
            _keep_turns(lane.queues, each.queues)
            lane.queues, lane.first = each.queues, min([queue.due for queue in each.queues], default=NEVER)
            seen.add(each.device_id)
            if lane.state != BUSY:
                rests = each.rests_until if lane.freed < began else 0.0
                self._schedule(lane, max(lane.floor, rests, lane.first))
        for lane in asked:
            if lane.device_id not in seen:
                lane.queues = []
                if lane.state != BUSY:
                    self._park(lane)

    def forget_idle(self, now: float) -> None:
        """Drop lanes that have nothing to send and owe no pause."""
        for device_id, lane in list(self._lanes.items()):
            if lane.state == PARKED and lane.floor <= now:
                del self._lanes[device_id]
                del self._by_workspace[lane.workspace_id][device_id]

    # -------------------------------------------------------------------------------------------- whose turn it is

    def count_ready(self, now: float) -> int:
        """How many lanes stand ready to be asked for (some may have been parked meanwhile)."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            _, _, due, lane = heapq.heappop(heap)
            if lane.state == WAITING and lane.due == due:
                lane.state = READY
                self._ready.setdefault(lane.workspace_id, deque()).append(lane)
                self._standing += 1
        return self._standing

    def due(self, now: float, most: int, *, beside: bool = False) -> list[Turn]:
        """Take up to so many lanes whose turn it is or begins within the lead, one of each workspace in turn; each is ours until
        it is given back.

        `beside`: others may be taken at the same time, so whoever takes them tells by `release` when their claim is over.
        """
        self.count_ready(now)
        turns: list[Turn] = []
        if not beside:
            self._taken.clear()
        while self._ready and len(turns) < most:
            for workspace_id in list(self._ready):
                queue = self._ready.pop(workspace_id)
                lane = queue.popleft()
                self._standing -= 1
                if queue:
                    self._ready[workspace_id] = queue  # to the end of the line
                if lane.state == READY:
                    self._take(lane, now, turns)
                if len(turns) >= most:
                    break
        return turns

    def release(self, turns: Iterable[Turn]) -> None:
        """The claim of these turns is over: what it took is under way, or is not."""
        for turn in turns:
            source = turn.queue.source_id
            if source is not None and source in self._taken:
                self._taken[source] -= 1

    def _take(self, lane: Lane, now: float, turns: list[Turn]) -> None:
        """Let it have its turn, unless each of its sources has as many under way as it may."""
        queue = self._choose(lane, now)
        if queue is None:
            self._schedule(lane, max(lane.floor, lane.first) if lane.first > now else now + FULL)
            return
        if self._per_source is not None and queue.source_id is not None:
            self._taken[queue.source_id] = self._taken.get(queue.source_id, 0) + 1
        lane.state = BUSY
        turns.append(Turn(lane, queue, lane.due))

    def _choose(self, lane: Lane, now: float) -> Queue | None:
        """The source whose turn it is: of the most urgent ones the one that was served longest ago."""
        if len(lane.queues) == 1:
            queue = lane.queues[0]
            return queue if queue.due <= now and not self._is_full(queue.source_id) else None
        able = [each for each in lane.queues if each.due <= now]
        if self._per_source is not None:
            able = [each for each in able if not self._is_full(each.source_id)]
        if not able:
            return None
        queue = min(able, key=_turn)
        self._order += 1
        queue.served = self._order
        return queue

    def _is_full(self, source_id: str | None) -> bool:
        if self._per_source is None or source_id is None:
            return False
        return self._busy.get(source_id, 0) + self._taken.get(source_id, 0) >= self._per_source

    def next_due(self) -> float:
        """When the next lane is to be asked for; `NEVER` when none will."""
        if self._ready:
            return 0.0
        heap = self._heap
        while heap and not (heap[0][3].state == WAITING and heap[0][3].due == heap[0][2]):
            heapq.heappop(heap)
        return heap[0][0] if heap else NEVER

    # -------------------------------------------------------------------------------------------- giving back

    def sent(self, source_id: str) -> None:
        """A message of this source is under way."""
        self._busy[source_id] = self._busy.get(source_id, 0) + 1

    def landed(self, source_id: str) -> None:
        """A message of this source is no longer under way."""
        left = self._busy.get(source_id, 0) - 1
        if left > 0:
            self._busy[source_id] = left
        else:
            self._busy.pop(source_id, None)

    def free(self, lane: Lane, now: float, at: float) -> None:
        """A lane that was ours may have its next turn at this instant; parked when nothing waits in it."""
        lane.freed = now
        if not lane.queues:
            self._park(lane)
            return
        self._schedule(lane, max(at, lane.floor, lane.first))

    def rest(self, lane: Lane, floor: float) -> None:
        """A lane that was ours has nothing to send as far as we know, and is not asked before this instant; a look follows."""
        lane.floor = max(lane.floor, floor)
        self._park(lane)

    def _schedule(self, lane: Lane, due: float) -> None:
        if due == NEVER:
            self._park(lane)
            return
        if lane.state in (WAITING, READY) and lane.due == due:
            return
        lane.state, lane.due = WAITING, due
        self._order += 1
        asked = max(due - self._lead, min(lane.first, due)) if self._lead else due
        heapq.heappush(self._heap, (asked, self._order, due, lane))

    @staticmethod
    def _park(lane: Lane) -> None:
        lane.state, lane.due = PARKED, NEVER


FULL = 0.25
"""Seconds until a lane whose sources are full is looked at again (our own number)."""


_turn = operator.attrgetter("priority", "served", "due", "name")


def _keep_turns(known: list[Queue], found: list[Queue]) -> None:
    """Who had a turn lately stays behind those who had not."""
    if known:
        served = {queue.source_id: queue.served for queue in known}
        for queue in found:
            queue.served = served.get(queue.source_id, 0)
