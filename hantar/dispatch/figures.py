"""What the engine counts about itself: rates, lateness, how long claims and records take. For metrics, log lines, benchmarks.

Everything is a plain number in memory that rises from the start of the process; whoever wants a rate subtracts two readings.
"""

import bisect
from collections import Counter

BOUNDS = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.075, 0.1),
    *(0.125, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0),
)
"""Upper bounds in seconds, close together where the bars of our benchmarks lie."""


class Histogram:
    """Durations in seconds, sorted into slots as they come; flat memory."""

    __slots__ = ("count", "counts", "most", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.count = 0
        self.total = 0.0
        self.most = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        self.count += 1
        self.total += seconds
        if seconds > self.most:
            self.most = seconds

    @property
    def buckets(self) -> list[tuple[float, int]]:
        """Each upper bound with how many lie in its slot alone; the last bound is infinite."""
        return list(zip((*BOUNDS, float("inf")), self.counts, strict=True))

    @property
    def mean(self) -> float:
        """Seconds; 0 when nothing was counted."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, share: float) -> float:
        """Below how many seconds this share of all lies: the upper bound of its slot, so never a flattering figure."""
        wanted, seen = share * self.count, 0
        for bound, count in self.buckets:
            seen += count
            if seen >= wanted and seen:
                return min(bound, self.most)
        return 0.0

    def since(self, before: "Histogram") -> "Histogram":
        """What came after an earlier copy; its longest is the longest of all."""
        made = Histogram()
        made.counts = [now - then for now, then in zip(self.counts, before.counts, strict=True)]
        made.count, made.total, made.most = self.count - before.count, self.total - before.total, self.most
        return made

    def copy(self) -> "Histogram":
        """The same, which does not rise any more."""
        made = Histogram()
        made.counts, made.count, made.total, made.most = list(self.counts), self.count, self.total, self.most
        return made


class Figures:
    """The engine's own numbers."""

    __slots__ = ("answer_seconds", "away", "claim_seconds", "claimed", "lateness", "outcomes", "record_seconds", "recorded")

    def __init__(self) -> None:
        self.claimed = 0
        """Messages claimed."""
        self.recorded = 0
        """Outcomes written."""
        self.away = 0
        """How often the database did not answer."""
        self.outcomes: Counter[str] = Counter()
        """Outcomes by the state they led to."""
        self.lateness = Histogram()
        """From the instant a lane might send to the call of its driver; a lane that had nothing to send was not late."""
        self.claim_seconds = Histogram()
        """A claim's transaction, from BEGIN to COMMIT."""
        self.record_seconds = Histogram()
        """A record's transaction."""
        self.answer_seconds = Histogram()
        """From the begin of a message's claim to its driver's verdict."""
