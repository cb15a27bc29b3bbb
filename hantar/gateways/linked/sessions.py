"""Session files: one SQLite file for each linked device, on a local disk while it is in use, copied out whole and put back.

The library cannot encrypt the running file; the copy that is kept is sealed elsewhere (`devices/secrets.py`) and is the master. A
copy is always made through SQLite's backup call: the file itself may be in the middle of a write. An old copy is old ratchet
state: after it was put back, expect to pair again.
"""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

MOST = 256 * 1024 * 1024
"""Bytes of a session unpacked at most. An empty file is 160 KiB (measured); contacts and names make it a few megabytes."""
_HEADER = b"SQLite format 3\0"
_BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside its file, by the end of the name."""
_BUSY = 5.0
"""Seconds to wait for the library to end a write."""

Mark = tuple[int, ...]
"""When and how long a file and its log were written last: another mark, another content."""


class NoSession(ValueError):
    """These bytes are no session of a linked device."""


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_BUSY)
    try:
        yield connection
    finally:
        connection.close()


def own_jid(path: Path) -> str | None:
    """The address under which the file's device is linked (`60123456789:12@s.whatsapp.net`); None when it is not linked."""
    if not path.is_file():
        return None
    try:
        with _reading(path) as connection:
            row = connection.execute("SELECT jid FROM whatsmeow_device LIMIT 1").fetchone()
    except sqlite3.Error:
        return None  # empty, not yet migrated, or no database
    return str(row[0]) if row else None


def make_ready(path: Path) -> None:
    """An empty file for our account alone, where there is none: SQLite would make one that others may read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def mark(path: Path) -> Mark:
    """The mark of a file as it is now; look at it before copying, so that a write during the copy is seen later."""
    found: list[int] = []
    for end in _BESIDE[:2]:
        with contextlib.suppress(FileNotFoundError):
            status = path.with_name(path.name + end).stat()
            found += [status.st_mtime_ns, status.st_size]
    return tuple(found)


def copied(path: Path) -> bytes | None:
    """One consistent copy, packed; None when the file holds no linked device. Raises `sqlite3.Error` when it cannot be read."""
    if own_jid(path) is None:
        return None
    with _reading(path) as connection, contextlib.closing(sqlite3.connect(":memory:")) as copy:
        connection.backup(copy)
        return zlib.compress(copy.serialize(), level=6)


def put_back(path: Path, session: bytes) -> None:
    """Write a copy to its place, whole or not at all; raises `NoSession` for anything else than a sound copy."""
    content = _unpacked(session)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _check(draft)
        remove(path)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def _unpacked(session: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(session, MOST)
    except zlib.error:
        raise NoSession("not packed as a session is") from None
    if not unpacker.eof or not content.startswith(_HEADER):
        raise NoSession("cut short, too large, or no SQLite file")
    return content


def _check(path: Path) -> None:
    try:
        with _reading(path) as connection:
            is_sound = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.Error:
        is_sound = False
    if not is_sound or own_jid(path) is None:
        raise NoSession("damaged, or of no linked device")


def remove(path: Path) -> None:
    """Drop the file and whatever lies beside it."""
    for end in _BESIDE:
        path.with_name(path.name + end).unlink(missing_ok=True)
