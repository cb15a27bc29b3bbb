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
    common = pace.between(lane.min_delay, lane.max_delay, random)
    longer = common if common > own else own
    return floor if floor > longer else longer


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
    ready_at = lane.ready_at
    if ready_at > now:
        rest, leaves_at = (ready_at - now + timeout).total_seconds() + pause, ready_at
    else:
        rest, leaves_at = timeout.total_seconds() + pause, now
    return outbox.Slot(pause, rest, windows.added(lane.used, leaves_at, is_new_chat))


def full_until(lane: outbox.Lane, rules: Rules, now: datetime) -> datetime | None:
    """Until when the limits per minute, hour and day hold the device back, its own or the policy's; None: they do not."""
    if lane.used is None:
        return None
    minute, hour, day = rules.device_per_minute, rules.device_per_hour, rules.device_per_day
    return windows.free_at(
        lane.used,
        now,
        lane.per_minute if lane.per_minute < minute else minute,
        lane.per_hour if lane.per_hour < hour else hour,
        lane.per_day if lane.per_day < day else day,
    )
