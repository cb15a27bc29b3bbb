"""The key of keyed hashes: made once, for us alone, never over another; and the hashes themselves."""

import hashlib
import hmac
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hantar.kit import keyed


def test_there_is_none_at_first(tmp_path: Path) -> None:
    assert keyed.load(tmp_path) is None


def test_a_new_key_is_kept_for_us_alone(tmp_path: Path) -> None:
    key = keyed.make(tmp_path)
    file = tmp_path / keyed.FILE
    assert len(key) == keyed.LENGTH
    assert keyed.load(tmp_path) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == [file.name], "no draft is left"


def test_a_key_is_never_made_over_another(tmp_path: Path) -> None:
    key = keyed.make(tmp_path)
    assert keyed.make(tmp_path) == key
    assert keyed.load(tmp_path) == key


def test_keys_differ(tmp_path: Path) -> None:
    assert keyed.make(tmp_path / "one") != keyed.make(tmp_path / "other")


def test_many_starts_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as hands:
        made = list(hands.map(lambda _: keyed.make(tmp_path), range(32)))
    assert set(made) == {keyed.load(tmp_path)}
    assert len(list((tmp_path / keyed.FILE).parent.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"\n", b"hello", b"ab" * 31, b"ab" * 33, b"zz" * 32, b"\xff" * 64, b"\x00" * 32])
def test_a_spoilt_file_is_told_from_a_missing_one(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / keyed.FILE
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(keyed.KeyUnreadable, match=r"fingerprint\.key"):
        keyed.load(tmp_path)
    with pytest.raises(keyed.KeyUnreadable):
        keyed.make(tmp_path)
    assert file.read_bytes() == content, "what may be a damaged key is not written over"


def test_a_folder_in_its_place_is_no_key(tmp_path: Path) -> None:
    (tmp_path / keyed.FILE).mkdir(parents=True)
    with pytest.raises(keyed.KeyUnreadable):
        keyed.load(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="only an account without all rights can be refused")
def test_a_file_we_may_not_read(tmp_path: Path) -> None:
    keyed.make(tmp_path)
    (tmp_path / keyed.FILE).chmod(0)
    with pytest.raises(keyed.KeyUnreadable, match="PermissionError"):
        keyed.load(tmp_path)


def test_a_key_may_have_space_around_it(tmp_path: Path) -> None:
    key = keyed.make(tmp_path)
    (tmp_path / keyed.FILE).write_text(f"  {key.hex().upper()}\r\n\n")
    assert keyed.load(tmp_path) == key


def test_the_hash_is_an_hmac() -> None:
    key = bytes(range(32))
    assert keyed.fingerprint(key, "phone", "60123456789") == hmac.digest(key, b"phone:60123456789", hashlib.sha256)


def test_kinds_values_and_keys_keep_apart() -> None:
    one, other = bytes(32), bytes([1]) * 32
    made = {
        keyed.fingerprint(key, kind, value)
        for key in (one, other)
        for kind in ("phone", "lid", "jid", "chat")
        for value in ("60123456789", "60123456780")
    }
    assert len(made) == 16


def test_the_check_gives_nothing_away() -> None:
    key = bytes(range(32))
    assert key not in keyed.check(key)
    assert keyed.check(key) != keyed.check(bytes(32))
    assert keyed.check(key) == keyed.check(bytes(range(32)))
