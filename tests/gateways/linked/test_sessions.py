"""Session files: copied whole while somebody writes, put back whole or not at all, ours alone."""

import os
import random
import sqlite3
import stat
import threading
import zlib
from pathlib import Path

import pytest

from hantar.gateways.linked import sessions

JID = "60123456789:12@s.whatsapp.net"


def make(path: Path, *, is_linked: bool = True) -> None:
    """A file with the library's table as far as we read it, and one that changes."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE ratchet (a INTEGER, b INTEGER)")
        if is_linked:
            connection.execute("INSERT INTO whatsmeow_device VALUES (?)", (JID,))
        connection.execute("INSERT INTO ratchet VALUES (0, 0)")
    connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "device.db"


@pytest.fixture
def linked(path: Path) -> Path:
    sessions.make_ready(path)
    make(path)
    return path


def test_a_file_is_linked_when_it_says_as_whom(path: Path) -> None:
    assert sessions.own_jid(path) is None
    sessions.make_ready(path)
    assert sessions.own_jid(path) is None
    make(path, is_linked=False)
    assert sessions.own_jid(path) is None
    assert sessions.copied(path) is None
    path.unlink()
    make(path)
    assert sessions.own_jid(path) == JID
    path.write_bytes(b"not a database at all, only some text that is long enough to be read as one")
    assert sessions.own_jid(path) is None


def test_only_our_account_reads_it(path: Path) -> None:
    before = os.umask(0)
    try:
        sessions.make_ready(path)
        make(path)
        copy = sessions.copied(path)
        assert copy is not None
        sessions.remove(path)
        sessions.put_back(path, copy)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_copy_comes_back_as_it_was(linked: Path) -> None:
    copy = sessions.copied(linked)
    assert copy is not None
    assert len(copy) < 2000  # packed
    sessions.remove(linked)
    assert not list(linked.parent.iterdir())
    sessions.put_back(linked, copy)
    assert sessions.own_jid(linked) == JID
    assert [each.name for each in linked.parent.iterdir()] == ["device.db"]


def test_a_write_shows_in_the_mark(linked: Path) -> None:
    before = sessions.mark(linked)
    assert sessions.mark(linked) == before
    sessions.copied(linked)
    assert sessions.mark(linked) == before  # looking changes nothing
    with sqlite3.connect(linked) as connection:
        connection.execute("UPDATE ratchet SET a = 1, b = 1")
    connection.close()
    assert sessions.mark(linked) != before


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_copy_holds_whole_writes_only(linked: Path, mode: str) -> None:
    """Somebody writes two equal numbers in each transaction all the while: no copy has them different."""
    stop = threading.Event()
    rounds = 0

    def write() -> None:
        nonlocal rounds
        connection = sqlite3.connect(linked, timeout=10)
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA synchronous = off")
        while not stop.is_set():
            rounds += 1
            with connection:
                connection.execute("UPDATE ratchet SET a = ?", (rounds,))
                connection.execute("UPDATE ratchet SET b = ?", (rounds,))
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = set()
        for _ in range(40):
            copy = sessions.copied(linked)
            assert copy is not None
            held = sqlite3.connect(":memory:")
            held.deserialize(zlib.decompress(copy))
            # a copy of a file with a log still says so in its header, and memory knows no log
            ((a, b),) = held.execute("SELECT a, b FROM ratchet").fetchall() if mode == "delete" else [_looked_up(linked, copy)]
            held.close()
            assert a == b
            seen.add(a)
    finally:
        stop.set()
        writer.join()
    assert rounds > 40
    assert seen


def _looked_up(linked: Path, copy: bytes) -> tuple[int, int]:
    other = linked.with_name("copy.db")
    sessions.put_back(other, copy)
    with sqlite3.connect(other) as connection:
        ((a, b),) = connection.execute("SELECT a, b FROM ratchet").fetchall()
    connection.close()
    sessions.remove(other)
    return a, b


def test_what_is_no_sound_copy_is_refused_and_changes_nothing(linked: Path, tmp_path: Path) -> None:
    good = sessions.copied(linked)
    assert good is not None
    unlinked = tmp_path / "unlinked.db"
    make(unlinked, is_linked=False)
    noise = random.Random(1).randbytes
    content = zlib.decompress(good)
    bad = [
        b"",
        noise(500),
        good[:-20],
        zlib.compress(b"no database"),
        zlib.compress(unlinked.read_bytes()),
        zlib.compress(content[:100] + noise(len(content) - 100)),
        zlib.compress(content[: len(content) // 2]),
    ]
    before = linked.read_bytes()
    for each in bad:
        with pytest.raises(sessions.NoSession):
            sessions.put_back(linked, each)
    assert linked.read_bytes() == before
    assert [each.name for each in linked.parent.iterdir()] == ["device.db"]


def test_a_packed_bomb_is_refused(linked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 10_000)
    with pytest.raises(sessions.NoSession):
        sessions.put_back(linked, zlib.compress(sessions._HEADER + bytes(100_000)))
