"""The spool: nothing that was heard is lost, nothing that was taken is told again."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from hantar.gateways import plain, port
from hantar.gateways.linked import files, frames, spool

AT = datetime(2026, 11, 21, tzinfo=UTC)


def message(number: int, text: str = "Hi") -> port.MessageReceived:
    wire = f"in-{number}"
    return port.MessageReceived(device_id="d", event_id=wire, at=AT, sender=port.Address("60123456789"), wire_id=wire, text=text)


def connected() -> port.Connected:
    return port.Connected(device_id="d", event_id="c", at=AT)


def told(kept: spool.Spool, most: int = 1000) -> list[int]:
    return [seq for seq, _ in kept.next(most)]


def test_what_was_heard_and_not_taken_is_told_again_after_a_restart(tmp_path: Path) -> None:
    kept = spool.Spool(tmp_path / "0.jsonl")
    for number in range(1, 11):
        assert kept.append(message(number)) == number
    assert told(kept, 4) == [1, 2, 3, 4]
    assert told(kept) == [5, 6, 7, 8, 9, 10]
    kept.take(3)
    again = spool.Spool(tmp_path / "0.jsonl")  # the first was killed: nobody closed it
    found = again.next(1000)
    assert [seq for seq, _ in found] == [4, 5, 6, 7, 8, 9, 10]
    assert plain.plain_to(found[0][1]) == message(4)
    assert again.append(message(11)) == 11
    kept.close()
    again.close()


def test_what_the_parent_has_heard_is_not_told_again_but_waits_for_its_word(tmp_path: Path) -> None:
    path = tmp_path / "0.jsonl"
    kept = spool.Spool(path)
    for number in range(1, 6):
        kept.append(message(number))
    kept.close()
    again = spool.Spool(path, after=3)
    assert told(again) == [4, 5]
    assert spool.is_left(path)
    again.take(5)
    assert not spool.is_left(path), "nothing of people stays on the disk"
    again.close()
    last = spool.Spool(path)
    assert last.append(message(6)) == 6, "numbers rise over restarts"
    last.close()


def test_a_line_of_a_former_life_is_not_told_open_again(tmp_path: Path) -> None:
    kept = spool.Spool(tmp_path / "0.jsonl")
    kept.append(connected())
    kept.append(message(2))
    kept.append(connected())
    assert told(kept) == [1, 2, 3]
    kept.close()
    again = spool.Spool(tmp_path / "0.jsonl")
    assert told(again) == [2]
    again.append(connected())
    assert told(again) == [4]
    again.close()


def test_a_line_cut_in_half_never_happened(tmp_path: Path) -> None:
    path = tmp_path / "0.jsonl"
    kept = spool.Spool(path)
    kept.append(message(1))
    kept.append(message(2))
    kept.close()
    path.write_bytes(path.read_bytes()[:-7])
    again = spool.Spool(path)
    assert again.append(message(3)) == 2
    assert told(again) == [1, 2]
    again.close()


def test_a_spool_that_is_never_empty_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LONG", 4000)
    path = tmp_path / "0.jsonl"
    kept = spool.Spool(path)
    heard = []
    for number in range(1, 501):
        kept.append(message(number))
        heard += told(kept, 3)
        kept.take(number - 5)
    heard += told(kept)
    assert heard == list(range(1, 501))
    assert path.stat().st_size < 8000
    kept.close()
    again = spool.Spool(path)
    assert told(again) == [496, 497, 498, 499, 500]
    again.close()


def test_a_long_event_comes_whole(tmp_path: Path) -> None:
    kept = spool.Spool(tmp_path / "0.jsonl")
    batch = port.HistoryBatch(device_id="d", event_id="h", at=AT, messages=tuple(message(n, "x" * 1000) for n in range(3000)))
    kept.append(batch)
    kept.append(message(2))
    [(_, value)] = kept.next(1)
    assert plain.plain_to(value) == batch
    assert told(kept) == [2]
    kept.close()


def test_a_full_disk_keeps_an_event_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = spool.Spool(tmp_path / "0.jsonl")
    kept.append(message(1))
    with monkeypatch.context() as full:
        full.setattr(spool.os, "write", lambda file, data: (_ for _ in ()).throw(OSError(28, "no space left")))
        kept.append(message(2))
    kept.append(message(3))
    assert told(kept) == [1, 2, 3]
    kept.take(3)
    assert told(kept) == []
    kept.close()


def test_frames_come_whole_in_any_pieces_with_their_files() -> None:
    data = bytes(range(256)) * 50
    content = port.Content("Hello", port.MediaBytes("application/pdf", data, "a.pdf", sha256(data).digest()), reply_to="m1")
    values, name = frames.content_out(content)
    assert frames.file_of(values) == name == sha256(data).hexdigest()
    line = frames.pack("ask", 1, values, data=data) + frames.pack("beat")
    reader, found = frames.Reader(), list[frames.Frame]()
    for at in range(0, len(line), 1000):
        found += reader.frames(line[at : at + 1000])
    assert [each.word for each in found] == ["ask", "beat"]
    assert frames.content_in(found[0].values[2], found[0].data) == content


def test_a_host_keeps_the_files_used_last_and_one_in_any_case() -> None:
    shelf = files.Shelf(most=10)
    for name in ("a", "b"):
        shelf.put(name, bytes(5))
    assert shelf.get("a") == bytes(5)
    shelf.put("a", bytes(4))
    shelf.put("c", bytes(5))
    assert (shelf.get("a"), shelf.get("c")) == (bytes(4), bytes(5))
    with pytest.raises(files.Lacking):
        shelf.get("b")
    shelf.put("d", bytes(50))
    assert shelf.get("d") == bytes(50)
    with pytest.raises(files.Lacking):
        shelf.get("c")


@pytest.mark.parametrize("noise", [b"\xff" * 8, b"\x00\x00\x00\x02\x00\x00\x00\x00{]", b"a library prints something here\n"])
def test_noise_is_a_broken_line(noise: bytes) -> None:
    with pytest.raises(frames.BrokenLine):
        list(frames.Reader().frames(noise))
