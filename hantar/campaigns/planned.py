"""A plan as it is shown: its numbers, its devices, its people. Values only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hantar.campaigns import audience, forecast, optout_line, schedule, timetable


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One device's part; times are None when nobody of it ever gets a turn."""

    course: forecast.Course
    turns: timetable.Timetable
    late_at: datetime | None
    would_expire: int

    @property
    def never(self) -> int:
        """How many get no turn by these rules: their hours never come, or the rules drop who is late."""
        return sum(self.turns.never)


@dataclass(frozen=True, slots=True)
class Moved:
    """How many leave later than their turn, for one cause, and when the last of them may."""

    cause: str
    count: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Canary:
    """So many people first, then so many clean seconds."""

    size: int
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan in numbers; its recipients are paged by `recipients`."""

    id: str
    hash: str | None
    """None: only to look at (`as_kind`), never to be started."""
    as_kind: Literal["linked"] | None
    shares: audience.Shares
    devices: tuple[DevicePlan, ...]
    moved: tuple[Moved, ...]
    starts_at: datetime
    eta_at: datetime | None
    eta_late_at: datetime | None
    line: optout_line.Line
    canary: Canary | None
    warnings: tuple[schedule.Warning_, ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a plan."""

    lead_id: str
    name: str
    phone: str
    device_id: str | None
    device_name: str | None
    earliest_at: datetime | None
    moved_by: str | None
    time_zone: str | None
    zones: tuple[str, ...]
    local_time: str | None
    text: str
    included: bool
    reason: str | None
    has_consent: bool
