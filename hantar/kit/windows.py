"""How much a device sent lately: limits that hold in every minute, hour and day, wherever it begins. Pure; a few bytes a lane.

Sends are counted in slices of time. A slice counts wholly until its end has left the window, so no 60 s, 3,600 s or 86,400 s
ever hold more than the limit. The price: a device that sends as fast as it may waits up to one slice longer than it must.
A clock that goes back ages nothing: what was counted stays, and what is sent meanwhile is counted as of the latest instant seen.
Instants are seconds since 1970 or datetimes with a zone. Bytes that are not ours raise ValueError.
"""

import struct
from collections.abc import Sequence
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
_PIECES = struct.Struct(f"<BI{_M}sH{2 * _H - 2}sH{2 * _D - 2}sH{2 * _D - 2}s")
"""Version 1 in pieces: the minute whole, of the other windows the newest slice and the rest."""
_WINDOWS = struct.Struct(f"<xI{_M}s{2 * _H}s{2 * _D}s{2 * _D}s").unpack
"""Version 1 as the number of the newest slice, and each window's bytes."""
_int = int.from_bytes
_SHORT = struct.Struct("<H")
_NUMBER = slice(1, 5)
_MINUTES_BYTE = 5
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
_HOURS_BYTE = _MINUTES_BYTE + _M
_DAYS_BYTE = _HOURS_BYTE + 2 * _H
_CHATS_BYTE = _DAYS_BYTE + 2 * _D
_END_BYTE = _CHATS_BYTE + 2 * _D
_NOTHING = bytes(2 * max(_M, _H, _D))
_ONE_FIRST = tuple(b"\x01" + bytes(gone - 1) for gone in range(1, _M + 1))
"""What the minute begins with after so many slices and one more message."""
_LARGE = int.from_bytes(b"\x00\xf8" * _D, "little")
"""The bits of slices that hold 2,048 or more: without them, 25 slices stay below 65,535 together."""


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
    if len(blob) != _END_BYTE or blob[0] != 1:
        return _counts_any(blob, now)
    was, minute, hour, day, chats = _WINDOWS(blob)
    newest = _slice(now)
    if newest > was:
        short, middle, long = _ages(newest, was)
        minute, hour = minute[: _M - short], hour[: 2 * (_H - middle)]
        day, chats = day[: 2 * (_D - long)], chats[: 2 * (_D - long)]
    return Counts(sum(minute), _total(hour), _total(day), _total(chats))


def chats(blob: bytes | None, now: Instant) -> int:
    """New conversations that count in the day: `counts(blob, now).chats` at less than half of its price."""
    if blob is None:
        return 0
    if len(blob) != _END_BYTE or blob[0] != 1:
        return _counts_any(blob, now).chats
    gone = _slice(now) // _IN_DAY - _int(blob[_NUMBER], "little") // _IN_DAY
    return _total(blob[_CHATS_BYTE : _END_BYTE - 2 * min(gone, _D)] if gone > 0 else blob[_CHATS_BYTE:])


def free_at(blob: bytes | None, now: Instant, per_minute: int, per_hour: int, per_day: int) -> datetime | None:
    """The first instant at which one more message may leave, as things stand; None: now."""
    if blob is None:
        return None
    if len(blob) != _END_BYTE or blob[0] != 1:
        return _free_at_any(blob, now, per_minute, per_hour, per_day)
    was, minute, hours, days, _ = _WINDOWS(blob)
    hour, day = _int(hours, "little"), _int(days, "little")
    in_hour = (_total(hours) if hour & _LARGE else hour % _MOST_SHORT) >= per_hour  # as `_total`, without the price of a call
    in_day = (_total(days) if day & _LARGE else day % _MOST_SHORT) >= per_day
    in_minute = sum(minute) >= per_minute
    if not (in_minute or in_hour or in_day):
        return None  # time passes and less of it counts, so there is room whatever the hour
    newest, end = _slice(now), 0
    if was - newest > _LONG_AGO:
        return _free_at_any(blob, now, per_minute, per_hour, per_day)
    short, middle, long = _ages(newest, was)
    if in_minute:
        end = _left_by(minute[: _M - short], per_minute, was, MINUTE_SLICE, MINUTE)
    if in_hour:
        end = max(end, _left_by(_shorts(hours, _H - middle), per_hour, was // _IN_HOUR, HOUR_SLICE, HOUR))
    if in_day:
        end = max(end, _left_by(_shorts(days, _D - long), per_day, was // _IN_DAY, DAY_SLICE, DAY))
    return datetime.fromtimestamp(end, UTC) if end else None


def chats_free_at(blob: bytes | None, now: Instant, limit: int) -> datetime | None:
    """The first instant at which one more conversation may begin, as things stand; None: now. A limit of 0: a day from now."""
    if limit <= 0:
        return datetime.fromtimestamp((_slice(now) + 1) * MINUTE_SLICE + DAY, UTC)
    if blob is None:
        return None
    flat, (_, _, long) = _as_of(blob, _slice(now))
    end = _left_by(flat[_CHATS : _END - long], limit, flat[1] // _IN_DAY, DAY_SLICE, DAY)
    return datetime.fromtimestamp(end, UTC) if end else None


def _slice(now: Instant) -> int:
    """The number of the slice of 5 s in which now is."""
    return int(now.timestamp() if isinstance(now, datetime) else now) // MINUTE_SLICE


def _ages(newest: int, was: int) -> tuple[int, int, int]:
    """How many of the oldest slices of the minute, hour and day no longer count in the slice `newest`, when `was` was the
    newest that counted. A clock that went back ages nothing.
    """
    if newest <= was:
        return 0, 0, 0
    return min(newest - was, _M), min(newest // _IN_HOUR - was // _IN_HOUR, _H), min(newest // _IN_DAY - was // _IN_DAY, _D)


def _total(piece: bytes) -> int:
    """The sum of two-byte numbers. A number's digits in base n + 1 sum to it modulo n: one division instead of 25 additions."""
    number = _int(piece, "little")
    if number & _LARGE:
        return sum(piece[::2]) + 256 * sum(piece[1::2])
    return number % _MOST_SHORT


def _shorts(piece: bytes, newest: int) -> tuple[int, ...]:
    """So many of the newest two-byte numbers, one by one."""
    return struct.unpack_from(f"<{newest}H", piece)


def _counts_any(blob: bytes, now: Instant) -> Counts:
    """What counts, whichever form it is kept in."""
    flat, (short, middle, long) = _as_of(blob, _slice(now))
    return Counts(
        sum(flat[_MINUTES : _HOURS - short]),
        sum(flat[_HOURS : _DAYS - middle]),
        sum(flat[_DAYS : _CHATS - long]),
        sum(flat[_CHATS : _END - long]),
    )


def _free_at_any(blob: bytes, now: Instant, per_minute: int, per_hour: int, per_day: int) -> datetime | None:
    """The instant at which all three limits have room, whichever form it is kept in."""
    flat, (short, middle, long) = _as_of(blob, _slice(now))
    newest = flat[1]
    end = max(
        _left_by(flat[_MINUTES : _HOURS - short], per_minute, newest, MINUTE_SLICE, MINUTE),
        _left_by(flat[_HOURS : _DAYS - middle], per_hour, newest // _IN_HOUR, HOUR_SLICE, HOUR),
        _left_by(flat[_DAYS : _CHATS - long], per_day, newest // _IN_DAY, DAY_SLICE, DAY),
    )
    return datetime.fromtimestamp(end, UTC) if end else None


def _left_by(slices: Sequence[int], limit: int, newest: int, width: int, window: int) -> int:
    """Seconds since 1970 at which fewer than `limit` will count, 0: they are fewer; `newest` is the number of the first slice."""
    left, age = sum(slices), len(slices)
    if left < limit:
        return 0
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
    return (flat if was - newest <= _LONG_AGO else _just_now(flat, newest)), _ages(newest, was)


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
    version, was, minute, hour, hours, day, days, begun, chats = _PIECES.unpack(blob)
    if version != 1 or was - newest > _LONG_AGO:
        return None
    gone = newest - was
    if gone <= 0:
        newest = was
        if minute[0] == _MOST_BYTE:
            return None
        minute = bytes((minute[0] + 1,)) + minute[1:]
    else:
        minute = _ONE_FIRST[gone - 1] + minute[: _M - gone] if gone < _M else _ONE_FIRST[-1]
        moved = newest // _IN_HOUR - was // _IN_HOUR
        if moved:
            hour, hours = 0, _moved_on(hour, hours, moved)
            moved = newest // _IN_DAY - was // _IN_DAY
            if moved:
                day, days, begun, chats = 0, _moved_on(day, days, moved), 0, _moved_on(begun, chats, moved)
    if hour == _MOST_SHORT or day == _MOST_SHORT or begun == _MOST_SHORT:
        return None
    return _PIECES.pack(1, newest, minute, hour + 1, hours, day + 1, days, begun + is_new_chat, chats)


def _moved_on(first: int, rest: bytes, by: int) -> bytes:
    """The slices behind the newest after the newest moved on by so many (1 or more)."""
    size, room = len(rest), 2 * by - 2
    return _NOTHING[:room] + _SHORT.pack(first) + rest[: size - room - 2] if room < size else _NOTHING[:size]
