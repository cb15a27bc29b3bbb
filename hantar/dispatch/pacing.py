"""When a device may send next. Pure: (lane, delays, now, random) → the slot. Pacing is courtesy and load control, nothing more.

Reserve, then re-arm (reliability.md 4): a claim reserves `now + send_timeout + gap`; the acknowledgement re-arms to
`ack + gap`. A crash in between costs one device at most one timeout of silence, never a short gap.
"""

from datetime import datetime, timedelta

from hantar.kit import windows
from hantar.outbox import model as outbox, pace
from hantar.policy.model import Rules


def gap(lane: outbox.Lane, head: outbox.Head, random: float, floor: float = 0.0) -> float:
    """Seconds until this device may send again: the message's own delay, never below the device's or the policy's `floor`."""
    own = pace.between(head.min_delay, head.max_delay, random)
    return max(own, pace.between(lane.min_delay, lane.max_delay, random), floor)


def reserve(
    lane: outbox.Lane,
    head: outbox.Head,
    now: datetime,
    timeout: timedelta,
    random: float,
    floor: float = 0.0,
    is_new_chat: bool = False,
) -> outbox.Slot:
    """The slot to write when this head is claimed now and leaves when the lane's pause is over; `floor` is the policy's
    `device_gap` in seconds.
    """
    pause = gap(lane, head, random, floor)
    leaves_at = max(now, lane.ready_at)
    return outbox.Slot(
        gap=pause,
        rest=(leaves_at - now + timeout).total_seconds() + pause,
        used=windows.added(lane.used, leaves_at, is_new_chat),
    )


def full_until(lane: outbox.Lane, rules: Rules, now: datetime) -> datetime | None:
    """Until when the limits per minute, hour and day hold the device back, its own or the policy's; None: they do not."""
    if lane.used is None:
        return None
    return windows.free_at(
        lane.used,
        now,
        min(lane.per_minute, rules.device_per_minute),
        min(lane.per_hour, rules.device_per_hour),
        min(lane.per_day, rules.device_per_day),
    )
