"""The simulator's own record of what really happened: append-only, one JSON line for each effect and fault.

The engine cannot write it and never reads it; tests compare it with the database. A line that a crash cut in half never happened.
A file is put aside when it is long and never written again, except to take an erased person out; what a start needs of the files
put aside stands in a snapshot, so that it reads only what came after.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Line = dict[str, Any]
State = dict[str, Any]
"""What a world must know of the past, as `memory.state` makes it."""
IsTheirs = Callable[[str], bool]
"""Whether what a device (its id) has to do with the erased person is to go."""
ERASED = "erased"
"""Stands where a person's number or id stood."""
LONG = 60_000
"""Lines after which a file is put aside: a start reads no more than these, in about a second."""
CHUNK = 1 << 18
"""Bytes that are read and understood at once."""


class Effect(NamedTuple):
    """A line about a message at the service's door."""

    mono: float
    at: str
    token: int
    device: str
    to: str
    ref: str
    wire: str | None
    body: str
    effect: str
    verdict: str
    fault: str | None

    def text(self) -> str:
        """The line as it is written: `json.dumps` of the same takes four times as long, and every message has one."""
        wire = "null" if self.wire is None else quoted(self.wire)
        fault = "null" if self.fault is None else quoted(self.fault)
        return (
            f'{{"mono":{self.mono!r},"at":"{self.at}","token":{self.token},"device":{quoted(self.device)},"to":{quoted(self.to)},'
            f'"ref":{quoted(self.ref)},"wire":{wire},"body":{quoted(self.body)},"effect":"{self.effect}",'
            f'"verdict":"{self.verdict}","fault":{fault}}}'
        )


class Ledger(Protocol):
    """Where a world writes what happened."""

    def append(self, line: Line) -> None: ...

    def note(self, effect: Effect) -> None: ...

    def flush(self) -> None: ...

    def lines(self) -> Iterator[Line]:
        """Everything, from the beginning."""
        ...

    def snapshot(self) -> State | None:
        """The last state that was kept."""
        ...

    def since(self) -> Iterator[Line]:
        """What came after the snapshot."""
        ...

    def put_aside(self) -> None:
        """End what is written so far; what comes is written apart from it."""
        ...

    def keep(self, state: State) -> None:
        """Remember this as the state after everything that was put aside."""
        ...

    def amend(self, change: Callable[[State], State]) -> None:
        """Change the state that was kept, if there is one."""
        ...

    def mark(self, stamp: float) -> None:
        """Remember that every event due before this instant (seconds since 1970) has been taken."""
        ...

    def marked(self) -> float: ...

    def redact(self, names: set[str], is_theirs: IsTheirs) -> None:
        """Take these numbers and ids out of the lines, with the words that came from them or went to them."""
        ...


class MemoryLedger:
    """A ledger that lives as long as a test."""

    def __init__(self) -> None:
        self.kept: list[Line] = []
        self._mark = 0.0

    def append(self, line: Line) -> None:
        self.kept.append(line)

    def note(self, effect: Effect) -> None:
        self.kept.append(effect._asdict())

    def flush(self) -> None:
        return None

    def lines(self) -> Iterator[Line]:
        return iter(list(self.kept))

    def snapshot(self) -> State | None:
        return None

    def since(self) -> Iterator[Line]:
        return self.lines()

    def put_aside(self) -> None:
        return None

    def keep(self, state: State) -> None:
        return None

    def amend(self, change: Callable[[State], State]) -> None:
        return None

    def mark(self, stamp: float) -> None:
        self._mark = stamp

    def marked(self) -> float:
        return self._mark

    def redact(self, names: set[str], is_theirs: IsTheirs) -> None:
        self.kept = [redacted(line, names, is_theirs) for line in self.kept]


class InUse(RuntimeError):
    """Another simulator writes this ledger."""


class FileLedger:
    """A ledger in a folder of its own; `flush` hands the lines to the system, so they outlive a killed process.

    Nothing is lost at any point: a file is put aside by its name alone, and the snapshot says up to which file it speaks.
    Raises `InUse` while another process has the folder.
    """

    def __init__(self, folder: Path, *, long: int = LONG) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path, self._long = folder / "ledger.jsonl", long
        self._mark_path, self._snapshot_path = folder / "taken", folder / "snapshot.json"
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise InUse(str(folder)) from error
        for left in folder.glob("*.new"):
            left.unlink()
        self._waiting: list[str] = []
        self._upto, self._aside = 0, _last(self.path)
        self._file = self._open()
        self._length = _length(self.path)

    def _open(self) -> int:
        """The file that is written; a line that a crash cut in half is ended, so that it cannot swallow the next one."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")
        return file

    def append(self, line: Line) -> None:
        self._waiting.append(json.dumps(line, separators=(",", ":")))

    def note(self, effect: Effect) -> None:
        self._waiting.append(effect.text())

    def flush(self) -> None:
        if self._waiting:
            data = ("\n".join(self._waiting) + "\n").encode()
            self._length += len(self._waiting)
            self._waiting.clear()
            while data:
                data = data[os.write(self._file, data) :]

    def lines(self) -> Iterator[Line]:
        return read(self.path)

    # ------------------------------------------------------------------ files put aside

    @property
    def is_long(self) -> bool:
        """Whether it is time to put the file aside."""
        return self._length >= self._long

    def put_aside(self) -> None:
        """Go on in a new file. Until a state is kept, a start reads the old one as well."""
        self.flush()
        os.close(self._file)
        self._aside += 1
        self.path.rename(self.path.with_name(f"ledger-{self._aside:06d}.jsonl"))
        self._file, self._length = self._open(), 0

    def keep(self, state: State) -> None:
        """Written beside the old one, which it replaces at once."""
        self._keep(self._aside, state)

    def _keep(self, upto: int, state: State) -> None:
        text = json.dumps({"upto": upto, "state": state}, separators=(",", ":"))
        _write(self._snapshot_path, text.encode(), is_safe=True)

    def _kept(self) -> tuple[int, State | None]:
        """The number of the last file for which it speaks; none when there is none, or none that can be read."""
        try:
            found = json.loads(self._snapshot_path.read_bytes())
            return int(found["upto"]), found["state"]
        except (FileNotFoundError, ValueError):
            return 0, None

    def snapshot(self) -> State | None:
        self._upto, state = self._kept()
        return state

    def amend(self, change: Callable[[State], State]) -> None:
        upto, state = self._kept()
        if state is not None:
            self._keep(upto, change(state))

    def since(self) -> Iterator[Line]:
        return read(self.path, after=self._upto)

    # ------------------------------------------------------------------ marks and erasure

    def mark(self, stamp: float) -> None:
        _write(self._mark_path, repr(stamp).encode(), is_safe=False)

    def marked(self) -> float:
        try:
            return float(self._mark_path.read_text())
        except (FileNotFoundError, ValueError):
            return 0.0

    def redact(self, names: set[str], is_theirs: IsTheirs) -> None:
        """Each file that holds such a name is written anew beside itself and replaced: a crash leaves the old or the new one."""
        self.flush()
        words = [quoted(name)[1:-1].encode() for name in names]
        for path in _parts(self.path):
            data = path.read_bytes()
            if any(word in data for word in words):
                lines = data.splitlines(keepends=True)
                data = b"".join(_without(line, words, names, is_theirs) for line in lines)
                _write(path, data, is_safe=True)
        os.close(self._file)
        self._file = self._open()

    def close(self) -> None:
        """Write what waits and let others have the folder."""
        self.flush()
        os.close(self._file)
        os.close(self._lock)


def _write(path: Path, data: bytes, *, is_safe: bool) -> None:
    """Put a whole file in the place of another; `is_safe`: also if the machine loses its power."""
    beside = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        if is_safe:
            file.flush()
            os.fsync(file.fileno())
    beside.replace(path)


def _without(text: bytes, words: list[bytes], names: set[str], is_theirs: IsTheirs) -> bytes:
    if not any(word in text for word in words):
        return text
    try:
        line = json.loads(text)
    except ValueError:
        return b"\n"  # cut in half: it never happened
    changed = redacted(line, names, is_theirs)
    return text if changed is line else json.dumps(changed, separators=(",", ":")).encode() + b"\n"


def redacted(line: Line, names: set[str], is_theirs: IsTheirs) -> Line:
    """The line without these names; where one of them stood, what was said and by whom goes too."""
    more = line.get("more") or {}
    if line.get("to") not in names and not any(value in names for value in more.values() if isinstance(value, str)):
        return line
    if not is_theirs(line.get("device") or ""):
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


# ---------------------------------------------------------------------- reading


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _parts(path: Path, after: int = 0) -> list[Path]:
    """The files of a ledger in order: those put aside with a higher number, then the one that is written."""
    aside = sorted(path.parent.glob("ledger-*.jsonl"), key=_number)
    return [*(each for each in aside if _number(each) > after), *([path] if path.exists() else [])]


def _last(path: Path) -> int:
    """The number of the file that was put aside last, 0 before the first."""
    return max((_number(each) for each in path.parent.glob("ledger-*.jsonl")), default=0)


def _length(path: Path) -> int:
    """How many lines a file has."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def read(path: Path, *, after: int = 0) -> Iterator[Line]:
    """The lines of a ledger (its `ledger.jsonl` with the files put aside), without the ones that a crash cut in half."""
    for part in _parts(path, after):
        with part.open("rb") as file:
            while texts := file.readlines(CHUNK):
                yield from (line for line in _understood(texts) if isinstance(line, dict))


def _understood(texts: list[bytes]) -> list[Any]:
    """Lines together, which takes half the time of one by one; one by one when there is a broken one among them."""
    if not texts[-1].endswith(b"\n"):
        texts.pop()
    try:
        found: list[Any] = json.loads(b"[" + b",".join(texts) + b"]")
    except ValueError:
        found = []
        for text in texts:
            with contextlib.suppress(ValueError):
                found.append(json.loads(text))
    return found
