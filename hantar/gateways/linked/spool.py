"""What a session host heard and nobody has taken yet, in a file: written before anything else, told again after a restart.

The library acknowledges a message to WhatsApp before our code sees it, so what is lost here is lost for good. The file is written
without `fsync`: it survives the death of the process, which is what happens; a power cut may cost the last seconds.
"""

import json
import os
import threading
from collections import deque
from pathlib import Path
from typing import Any

from hantar.gateways import plain, port

PASSING = (port.Connected, port.Disconnected, port.QrCode, port.PairCode, port.PairFailed, port.Silent)
"""Events about a line that ended with the process that told them: never told again after a restart."""
_PASSING_NAMES = {kind.__name__ for kind in PASSING}
LONG = 8 << 20
"""Bytes after which what was taken is cut off the front, while there is always something that was not."""

_write = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Spool:
    """A queue of events in a file, numbered from 1 upwards, over restarts too. `append` may be called from any thread."""

    def __init__(self, path: Path, after: int = 0) -> None:
        """`after`: the last number that the parent has heard of; nothing up to it is told again."""
        self._path, self._lock = path, threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._mark = os.open(path.with_suffix(".taken"), os.O_RDWR | os.O_CREAT, 0o600)
        self.taken = int(os.pread(self._mark, 32, 0).strip() or b"0")
        self._offsets: deque[tuple[int, int]] = deque()  # number and place of what was not taken
        self._loose: deque[tuple[int, Any]] = deque()  # what found no room on the disk
        self.said = max(after, self.taken)
        self._recovered = self._recover()
        self.last = max(self.said, self._recovered)
        self._cursor = self._place_after(self.said)

    def _recover(self) -> int:
        """Find what was not taken; a line that a crash cut in half never happened. Returns the last number."""
        size, at, last = os.fstat(self._file).st_size, 0, 0
        with open(self._path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n") or (seq := _number(line)) is None:
                    break
                last = seq
                if seq > self.taken:
                    self._offsets.append((seq, at))
                at += len(line)
        if at < size:
            os.ftruncate(self._file, at)
        self._size = at
        return last

    def _place_after(self, seq: int) -> int:
        return next((at for number, at in self._offsets if number > seq), self._size)

    def append(self, event: port.Event) -> int:
        """Keep an event; returns its number. A full disk keeps it in memory, so that it is told at least."""
        with self._lock:
            self.last += 1
            value = plain.to_plain(event)
            line = _write([self.last, value]).encode() + b"\n"
            try:
                if os.write(self._file, line) != len(line):
                    os.ftruncate(self._file, self._size)
                    raise OSError("half a line")
            except OSError:
                self._loose.append((self.last, value))
                return self.last
            self._offsets.append((self.last, self._size))
            self._size += len(line)
            return self.last

    def next(self, most: int) -> list[tuple[int, Any]]:
        """What was not told yet, in its order, as (number, plain event), so many at most."""
        with self._lock:
            found: list[tuple[int, Any]] = []
            while len(found) < most and self._cursor < self._size:
                found += self._read(most - len(found))
            while len(found) < most and self._loose:
                found.append(self._loose.popleft())
            if found:
                self.said = max(self.said, max(seq for seq, _ in found))
            return sorted(found, key=lambda each: each[0])

    def _read(self, most: int) -> list[tuple[int, Any]]:
        data = os.pread(self._file, 1 << 20, self._cursor)
        end = data.rfind(b"\n")
        if end < 0:  # one line is longer than that
            data = os.pread(self._file, self._size - self._cursor, self._cursor)
            end = data.index(b"\n")
        found = []
        for line in data[: end + 1].splitlines(keepends=True)[:most]:
            self._cursor += len(line)
            seq, value = json.loads(line)
            if seq > self._recovered or value[0] not in _PASSING_NAMES:
                found.append((seq, value))
        return found

    def take(self, seq: int) -> None:
        """All up to this number are taken; they are never told again, and soon gone from the disk."""
        with self._lock:
            if seq <= self.taken:
                return
            self.taken = min(seq, self.last)
            os.pwrite(self._mark, f"{self.taken:020d}".encode(), 0)
            while self._offsets and self._offsets[0][0] <= self.taken:
                self._offsets.popleft()
            if not self._offsets and self._size:
                os.ftruncate(self._file, 0)
                self._size = self._cursor = 0
            elif self._offsets and self._offsets[0][1] > LONG:
                self._cut()

    def _cut(self) -> None:
        """Write what was not taken into a new file and put it in the place of this one."""
        begin = self._offsets[0][1]
        new = self._path.with_suffix(".new")
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            at = begin
            while at < self._size:
                at += os.write(file, os.pread(self._file, 1 << 20, at))
            os.rename(new, self._path)
        except OSError:
            os.close(file)
            return
        os.close(self._file)
        self._file = file
        self._offsets = deque((seq, at - begin) for seq, at in self._offsets)
        self._size -= begin
        self._cursor = max(0, self._cursor - begin)

    def close(self) -> None:
        """Let go of the files; they stay."""
        os.close(self._file)
        os.close(self._mark)


def _number(line: bytes) -> int | None:
    try:
        seq, _ = json.loads(line)
    except ValueError:
        return None
    return int(seq)


def is_left(path: Path) -> bool:
    """Whether a spool holds anything that was not taken."""
    return path.exists() and path.stat().st_size > 0


def path(folder: Path, slot: int) -> Path:
    """Where the spool of a host is."""
    return folder / "spool" / f"{slot}.jsonl"
