"""The simulator's own record of what really happened: append-only, one JSON line for each effect and fault.

The engine cannot write it and never reads it; tests compare it with the database. A line that a crash cut in half never happened.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

Line = dict[str, Any]
ERASED = "erased"
"""Stands where a person's number or id stood."""


class Ledger(Protocol):
    """Where a world writes what happened."""

    def append(self, line: Line) -> None: ...

    def flush(self) -> None: ...

    def lines(self) -> Iterator[Line]: ...

    def mark(self, stamp: float) -> None:
        """Remember that every event due before this instant (seconds since 1970) has been taken."""
        ...

    def marked(self) -> float: ...

    def redact(self, names: set[str]) -> None:
        """Take these numbers and ids out of every line, with the words that came from them or went to them."""
        ...


class MemoryLedger:
    """A ledger that lives as long as a test."""

    def __init__(self) -> None:
        self.kept: list[Line] = []
        self._mark = 0.0

    def append(self, line: Line) -> None:
        self.kept.append(line)

    def flush(self) -> None:
        return None

    def lines(self) -> Iterator[Line]:
        return iter(list(self.kept))

    def mark(self, stamp: float) -> None:
        self._mark = stamp

    def marked(self) -> float:
        return self._mark

    def redact(self, names: set[str]) -> None:
        self.kept = [redacted(line, names) for line in self.kept]


class InUse(RuntimeError):
    """Another simulator writes this ledger."""


class FileLedger:
    """A ledger in a folder of its own; `flush` hands the lines to the system, so they outlive a killed process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / "ledger.jsonl"
        self._mark_path = folder / "taken"
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._file = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise InUse(str(self.path)) from error
        self._waiting: list[str] = []
        self._heal()

    def _heal(self) -> None:
        """End a line that a crash cut in half, so that it cannot swallow the next one."""
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def append(self, line: Line) -> None:
        self._waiting.append(json.dumps(line, separators=(",", ":")))

    def flush(self) -> None:
        if self._waiting:
            data = ("\n".join(self._waiting) + "\n").encode()
            self._waiting.clear()
            while data:
                data = data[os.write(self._file, data) :]

    def lines(self) -> Iterator[Line]:
        return read(self.path)

    def mark(self, stamp: float) -> None:
        beside = self._mark_path.with_suffix(".new")
        beside.write_text(repr(stamp))
        beside.replace(self._mark_path)

    def marked(self) -> float:
        try:
            return float(self._mark_path.read_text())
        except (FileNotFoundError, ValueError):
            return 0.0

    def redact(self, names: set[str]) -> None:
        """Rewrite the file beside itself and take its place at once: a crash leaves the old file or the new one, whole."""
        self.flush()
        beside = self.path.with_suffix(".redacted")
        beside.unlink(missing_ok=True)
        new = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(new, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with os.fdopen(os.dup(new), "w", encoding="utf-8") as file:
            for line in read(self.path):
                file.write(json.dumps(redacted(line, names), separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        os.close(self._file)
        self._file = new

    def close(self) -> None:
        """Write what waits and let others have the file."""
        self.flush()
        os.close(self._file)


def redacted(line: Line, names: set[str]) -> Line:
    """The line without these names; where one of them stood, what was said and by whom goes too."""
    more = line.get("more") or {}
    if line.get("to") not in names and not any(value in names for value in more.values() if isinstance(value, str)):
        return line
    changed = dict(line)
    if changed.get("to") in names:
        changed["to"] = ERASED
    if more:
        changed["more"] = {key: _redacted(key, value, names) for key, value in more.items()}
    return changed


def _redacted(key: str, value: Any, names: set[str]) -> Any:
    if isinstance(value, str) and value in names:
        return ERASED
    return "" if key in ("text", "name") else value


def read(path: Path) -> Iterator[Line]:
    """The lines of a ledger, without the ones that a crash cut in half."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            if not text.endswith("\n"):
                return
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line
