"""How much a device sent lately: limits that hold in every minute, hour and day, wherever it begins. Pure; a few bytes a lane.

Sends are counted in slices of time. A slice counts wholly until its end has left the window, so no 60 s, 3,600 s or 86,400 s
ever hold more than the limit. The price: a device that sends as fast as it may waits up to one slice longer than it must.
A clock that goes back ages nothing: what was counted stays, and what is sent meanwhile is counted as of the latest instant seen.
Instants are seconds since 1970 or datetimes with a zone. Bytes that are not ours raise ValueError.
"""

import struct
from datetime import UTC, datetime
from typing import Any, NamedTuple

Instant = datetime | float

MINUTE, HOUR, DAY = 60, 3600, 86_400
MINUTE_SLICE, HOUR_SLICE, DAY_SLICE = 5, 180, 3600
"""Seconds in one slice of each window: a twelfth, a twentieth and a twenty-fourth of it (our own numbers)."""
_M, _H, _D = MINUTE // MINUTE_SLICE + 1, HOUR // HOUR_SLICE + 1, DAY // DAY_SLICE + 1
"""Slices that can count: those of a whole window, and the one in which now is."""
_NARROW = struct.Struct(f"<BI{_M}B{_H}H{2 * _D}H")
"""Version 1: the newest slice of 5 s by its number, then slices of the minute, hour, day, and new conversations, newest first."""
_WIDE = struct.Struct(f"<BI{_M + _H + 2 * _D}I")
"""Version 2, for counts that do not fit: more than 255 messages in 5 s, or 65,535 in an hour."""
_FORMATS = {_NARROW.size: (1, _NARROW), _WIDE.size: (2, _WIDE)}
_HEAD = struct.Struct("<BI")
_SHORT = struct.Struct("<H")
_MOST_BYTE, _MOST_SHORT = 255, 65_535
_IN_HOUR, _IN_DAY = HOUR_SLICE // MINUTE_SLICE, DAY_SLICE // MINUTE_SLICE
_LONG_AGO = DAY // MINUTE_SLICE
"""A clock that went back by more slices than these was wrong before."""
_MINUTES = 2
_HOURS = _MINUTES + _M
_DAYS = _HOURS + _H
_CHATS = _DAYS + _D
_END = _CHATS + _D
"""Where each window begins among the values, and where the last one ends."""
_HOURS_BYTE = _HEAD.size + _M
_DAYS_BYTE = _HOURS_BYTE + 2 * _H
_CHATS_BYTE = _DAYS_BYTE + 2 * _D
_NOTHING = bytes(2 * max(_M, _H, _D))


class Counts(NamedTuple):
    """Messages that count in the minute, hour and day, and new conversations that count in the day."""

    minute: int
    hour: int
    day: int
    chats: int


def added(blob: bytes | None, now: Instant, is_new_chat: bool) -> bytes:
    """What to keep after one more message that leaves now; `is_new_chat`: it begins a conversation."""
    newest = _slice(now)
    if blob is None:
        return _NARROW.pack(
            1, newest, 1, *(0,) * (_M - 1), 1, *(0,) * (_H - 1), 1, *(0,) * (_D - 1), is_new_chat, *(0,) * (_D - 1)
        )
    quick = _added_narrow(blob, newest, is_new_chat) if len(blob) == _NARROW.size else None
    return _added_any(blob, newest, is_new_chat) if quick is None else quick


def counts(blob: bytes | None, now: Instant) -> Counts:
    """What counts against a limit now."""
    if blob is None:
        return Counts(0, 0, 0, 0)
    flat, (short, middle, long) = _as_of(blob, _slice(now))
    return Counts(
        sum(flat[_MINUTES : _HOURS - short]),
        sum(flat[_HOURS : _DAYS - middle]),
        sum(flat[_DAYS : _CHATS - long]),
        sum(flat[_CHATS : _END - long]),
    )


def free_at(blob: bytes | None, now: Instant, per_minute: int, per_hour: int, per_day: int) -> datetime | None:
    """The first instant at which one more message may leave, as things stand; None: now."""
    if blob is None:
        return None
    flat, (short, middle, long) = _as_of(blob, _slice(now))
    newest, end = flat[1], 0
    minute, hour, day = flat[_MINUTES : _HOURS - short], flat[_HOURS : _DAYS - middle], flat[_DAYS : _CHATS - long]
    if sum(minute) >= per_minute:
        end = _left_by(minute, per_minute, newest, MINUTE_SLICE, MINUTE)
    if sum(hour) >= per_hour:
        end = max(end, _left_by(hour, per_hour, newest // _IN_HOUR, HOUR_SLICE, HOUR))
    if sum(day) >= per_day:
        end = max(end, _left_by(day, per_day, newest // _IN_DAY, DAY_SLICE, DAY))
    return datetime.fromtimestamp(end, UTC) if end else None


def chats_free_at(blob: bytes | None, now: Instant, limit: int) -> datetime | None:
    """The first instant at which one more conversation may begin, as things stand; None: now. A limit of 0: a day from now."""
    if limit <= 0:
        return datetime.fromtimestamp((_slice(now) + 1) * MINUTE_SLICE + DAY, UTC)
    if blob is None:
        return None
    flat, (_, _, long) = _as_of(blob, _slice(now))
    chats = flat[_CHATS : _END - long]
    if sum(chats) < limit:
        return None
    return datetime.fromtimestamp(_left_by(chats, limit, flat[1] // _IN_DAY, DAY_SLICE, DAY), UTC)


def _slice(now: Instant) -> int:
    """The number of the slice of 5 s in which now is."""
    return int((now.timestamp() if isinstance(now, datetime) else now) // MINUTE_SLICE)


def _left_by(slices: tuple[int, ...], limit: int, newest: int, width: int, window: int) -> int:
    """Seconds since 1970 at which fewer than `limit` (1 or more) will count; `newest` is the number of the first slice."""
    left, age = sum(slices), len(slices)
    while left >= limit and age:
        age -= 1
        left -= slices[age]
    return (newest - age + 1) * width + window


def _as_of(blob: bytes, newest: int) -> tuple[tuple[Any, ...], tuple[int, int, int]]:
    """The values kept, and how many of the oldest slices of the minute, hour and day no longer count in the slice `newest`."""
    version, kind = _FORMATS.get(len(blob), (0, _NARROW))
    if blob[:1] != bytes((version,)) or not version:
        raise ValueError(f"not a count of what a device sent: version {blob[:1].hex()}, {len(blob)} bytes")
    flat = kind.unpack(blob)
    was: int = flat[1]
    if newest > was:
        hours, days = newest // _IN_HOUR - was // _IN_HOUR, newest // _IN_DAY - was // _IN_DAY
        return flat, (min(newest - was, _M), min(hours, _H), min(days, _D))
    return (flat if was - newest <= _LONG_AGO else _just_now(flat, newest)), (0, 0, 0)


def _just_now(flat: tuple[Any, ...], newest: int) -> tuple[int, ...]:
    """After a clock went back by more than a day all that was kept counts as sent now, and nobody is silenced for years."""
    bounds = ((_MINUTES, _HOURS), (_HOURS, _DAYS), (_DAYS, _CHATS), (_CHATS, _END))
    sums = [(sum(flat[first:last]), *(0,) * (last - first - 1)) for first, last in bounds]
    return (flat[0], newest, *(count for each in sums for count in each))


def _added_any(blob: bytes, newest: int, is_new_chat: bool) -> bytes:
    """One more, whatever the counts; the wide format only where they need it."""
    flat, (short, middle, long) = _as_of(blob, newest)
    minute, hour = _moved(flat[_MINUTES:_HOURS], short), _moved(flat[_HOURS:_DAYS], middle)
    day, chats = _moved(flat[_DAYS:_CHATS], long), _moved(flat[_CHATS:_END], long)
    for each in (minute, hour, day):
        each[0] += 1
    chats[0] += is_new_chat
    is_narrow = max(minute) <= _MOST_BYTE and max(*hour, *day, *chats) <= _MOST_SHORT
    version, kind = _FORMATS[(_NARROW if is_narrow else _WIDE).size]
    return kind.pack(version, max(newest, flat[1]), *minute, *hour, *day, *chats)


def _moved(slices: tuple[int, ...], by: int) -> list[int]:
    return [0] * by + list(slices[: len(slices) - by])


def _added_narrow(blob: bytes, newest: int, is_new_chat: bool) -> bytes | None:
    """One more, by moving bytes instead of unpacking them; None where that is not enough."""
    version, was = _HEAD.unpack_from(blob)
    if newest < was and was - newest <= _LONG_AGO:
        newest = was
    if newest < was or version != 1:
        return None
    hours, days = newest // _IN_HOUR - was // _IN_HOUR, newest // _IN_DAY - was // _IN_DAY
    minute = _shifted(blob[_HEAD.size : _HOURS_BYTE], newest - was)
    hour = _shifted(blob[_HOURS_BYTE:_DAYS_BYTE], 2 * hours) if hours else blob[_HOURS_BYTE:_DAYS_BYTE]
    day, chats = blob[_DAYS_BYTE:_CHATS_BYTE], blob[_CHATS_BYTE:]
    if days:
        day, chats = _shifted(day, 2 * days), _shifted(chats, 2 * days)
    in_hour, in_day, begun = hour[0] + 256 * hour[1], day[0] + 256 * day[1], chats[0] + 256 * chats[1]
    if minute[0] == _MOST_BYTE or in_hour == _MOST_SHORT or in_day == _MOST_SHORT or begun == _MOST_SHORT:
        return None
    ready = bytearray(b"".join((_HEAD.pack(1, newest), minute, hour, day, chats)))
    ready[_HEAD.size] += 1
    _SHORT.pack_into(ready, _HOURS_BYTE, in_hour + 1)
    _SHORT.pack_into(ready, _DAYS_BYTE, in_day + 1)
    if is_new_chat:
        _SHORT.pack_into(ready, _CHATS_BYTE, begun + 1)
    return bytes(ready)


def _shifted(piece: bytes, room: int) -> bytes:
    """Bytes moved on by `room`, nothing in front."""
    size = len(piece)
    return _NOTHING[:room] + piece[: size - room] if room < size else _NOTHING[:size]
