"""When a device may send next. Pure: (lane, delays, now, random) → the slot. Pacing is courtesy and load control, nothing more.

Reserve, then re-arm (reliability.md 4): a claim reserves `now + send_timeout + gap`; the acknowledgement re-arms to
`ack + gap`. A crash in between costs one device at most one timeout of silence, never a short gap.
"""

from datetime import datetime, timedelta

from hantar.outbox import model as outbox
from hantar.outbox import pace
from hantar.outbox.pace import DAY, HOUR, MINUTE


def gap(lane: outbox.Lane, head: outbox.Head, random: float, floor: float = 0.0) -> float:
    """Seconds until this device may send again: the message's own delay, never below the device's or the policy's `floor`."""
    own = pace.between(head.min_delay, head.max_delay, random)
    return max(own, pace.between(lane.min_delay, lane.max_delay, random), floor)


def _count(started: datetime, used: int, now: datetime, length: timedelta) -> int:
    """One more in a window that begins with its first message; a window that is over begins anew, at one."""
    return 1 if now - started >= length else used + 1


def reserve(
    lane: outbox.Lane,
    head: outbox.Head,
    now: datetime,
    timeout: timedelta,
    random: float,
    floor: float = 0.0,
    is_new_chat: bool = False,
) -> outbox.Slot:
    """The slot to write when this head is claimed now; `floor` is the policy's `device_gap` in seconds."""
    pause = gap(lane, head, random, floor)
    return outbox.Slot(
        gap=pause,
        rest=timeout.total_seconds() + pause,
        minute_count=_count(lane.minute_at, lane.minute_count, now, MINUTE),
        hour_count=_count(lane.hour_at, lane.hour_count, now, HOUR),
        day_count=_count(lane.day_at, lane.day_count, now, DAY),
        chats_count=_count(lane.chats_at, lane.chats_count, now, DAY) if is_new_chat else None,
    )
