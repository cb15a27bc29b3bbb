"""Live counters of each broadcast, in memory: what was sent and failed since this process saw it begin, and how fast.

They come from facts, so they are hints: the database has the truth. A finished broadcast keeps its counters for a while
(`BROADCAST_POOL_CLEANUP_MINUTES`), so that whoever looks a moment later still sees how it went.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime

from hantar.kit import clock, cluster

OVER = 60
"""Seconds over which a rate is taken."""
FORGOTTEN = 86_400.0
"""Seconds without news after which a broadcast is dropped although nobody told us that it had ended."""
RUNNING = frozenset({"triggered", "processing", "paused"})


@dataclass(slots=True)
class Broadcast:
    """One campaign's counters; `seconds` are the last sends, as (monotonic second, how many)."""

    campaign_id: str
    began_at: datetime
    counts: Counter[str] = field(default_factory=Counter)
    seconds: deque[tuple[int, int]] = field(default_factory=deque)
    fastest: float = 0.0
    """Most messages in one minute."""
    heard: float = 0.0
    ended_at: datetime | None = None
    ended_mono: float | None = None

    def sent(self, second: int) -> None:
        """Count one message that was sent."""
        if self.seconds and self.seconds[-1][0] == second:
            self.seconds[-1] = (second, self.seconds[-1][1] + 1)
        else:
            self.seconds.append((second, 1))
        self.fastest = max(self.fastest, self.rate(second))

    def rate(self, second: int) -> float:
        """Messages in the minute that ends now."""
        while self.seconds and self.seconds[0][0] <= second - OVER:
            self.seconds.popleft()
        return float(sum(count for _, count in self.seconds))


class Live:
    """The broadcasts of this process, by workspace."""

    def __init__(self, bus: cluster.Bus, clock_: clock.Clock, keep_minutes: float) -> None:
        self._clock, self._keep = clock_, 60 * keep_minutes
        self._known: dict[str, dict[str, Broadcast]] = {}
        bus.subscribe("message.status", self._moved)
        bus.subscribe("campaign.status", self._status)

    def of(self, workspace_id: str) -> list[Broadcast]:
        """Those that run, and those that ended a short while ago; the latest first."""
        self._clean()
        found = self._known.get(workspace_id, {}).values()
        return sorted(found, key=lambda each: (each.began_at, each.campaign_id), reverse=True)

    def rate(self, broadcast: Broadcast) -> float:
        """Messages of the last minute."""
        return broadcast.rate(int(self._clock.monotonic()))

    def _moved(self, fact: cluster.Fact) -> None:
        campaign_id, state = fact.data.get("campaign_id"), fact.data.get("state")
        if campaign_id is None or fact.workspace_id is None or state not in ("sent", "failed", "unknown"):
            return
        broadcast = self._at(fact.workspace_id, campaign_id)
        broadcast.counts[state] += 1
        if state == "sent":
            broadcast.sent(int(self._clock.monotonic()))

    def _status(self, fact: cluster.Fact) -> None:
        campaign_id, status = fact.data.get("campaign_id"), fact.data.get("status")
        if campaign_id is None or fact.workspace_id is None:
            return
        known = self._known.get(fact.workspace_id, {}).get(campaign_id)
        if status in RUNNING:
            if known is not None or status != "paused":
                again = self._at(fact.workspace_id, campaign_id)
                again.ended_at = again.ended_mono = None
        elif known is not None and known.ended_mono is None:
            known.ended_at, known.ended_mono = self._clock.now(), self._clock.monotonic()
        self._clean()

    def _at(self, workspace_id: str, campaign_id: str) -> Broadcast:
        ours = self._known.setdefault(workspace_id, {})
        if campaign_id not in ours:
            ours[campaign_id] = Broadcast(campaign_id, self._clock.now())
        ours[campaign_id].heard = self._clock.monotonic()
        return ours[campaign_id]

    def _clean(self) -> None:
        """Forget what ended long enough ago."""
        now = self._clock.monotonic()
        for workspace_id, ours in list(self._known.items()):
            for campaign_id, each in list(ours.items()):
                is_over = each.ended_mono is not None and now - each.ended_mono >= self._keep
                if is_over or now - each.heard >= FORGOTTEN:
                    del ours[campaign_id]
            if not ours:
                del self._known[workspace_id]
