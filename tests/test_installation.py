"""The key is settled before anything is sent: a server that would forget every opt-out does not start."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from hantar import installation
from hantar.kit import keyed


async def stored(dsn: str) -> bytes | None:
    connection = await asyncpg.connect(dsn)
    try:
        found: bytes | None = await connection.fetchval("SELECT key_check FROM installation")
        return found
    finally:
        await connection.close()


async def test_the_first_start_makes_it_and_the_next_finds_it(dsn: str, tmp_path: Path) -> None:
    assert await stored(dsn) is None
    key = await installation.settle_key(dsn, tmp_path)
    assert keyed.load(tmp_path) == key
    assert await stored(dsn) == keyed.check(key)
    assert await installation.settle_key(dsn, tmp_path) == key


async def test_a_missing_file_stops_the_start(dsn: str, tmp_path: Path) -> None:
    await installation.settle_key(dsn, tmp_path)
    file = tmp_path / keyed.FILE
    kept = file.read_text()
    file.unlink()
    with pytest.raises(installation.WrongKey, match=r"fingerprint\.key is missing"):
        await installation.settle_key(dsn, tmp_path)
    assert not file.exists(), "no new key takes its place"
    file.write_text(kept)
    assert (await installation.settle_key(dsn, tmp_path)).hex() == kept.strip()


async def test_another_key_stops_the_start(dsn: str, tmp_path: Path) -> None:
    await installation.settle_key(dsn, tmp_path)
    (tmp_path / keyed.FILE).write_text("ab" * 32)
    with pytest.raises(installation.WrongKey, match="is not the right one"):
        await installation.settle_key(dsn, tmp_path)
    assert (tmp_path / keyed.FILE).read_text() == "ab" * 32


@pytest.mark.parametrize("is_new", [True, False])
async def test_an_unreadable_file_stops_the_start(dsn: str, tmp_path: Path, is_new: bool) -> None:
    if not is_new:
        await installation.settle_key(dsn, tmp_path)
    before = await stored(dsn)
    (tmp_path / keyed.FILE).parent.mkdir(exist_ok=True)
    (tmp_path / keyed.FILE).write_text("half a k")
    with pytest.raises(installation.WrongKey, match="does not hold a key"):
        await installation.settle_key(dsn, tmp_path)
    assert await stored(dsn) == before


async def test_a_key_from_a_start_that_died_half_way_is_used(dsn: str, tmp_path: Path) -> None:
    key = keyed.make(tmp_path)
    assert await stored(dsn) is None
    assert await installation.settle_key(dsn, tmp_path) == key


async def test_two_starts_at_once_agree(dsn: str, tmp_path: Path) -> None:
    starts = (installation.settle_key(dsn, tmp_path) for _ in range(6))
    keys = await asyncio.wait_for(asyncio.gather(*starts), 30)
    assert set(keys) == {keyed.load(tmp_path)}
    assert await stored(dsn) == keyed.check(keys[0])


async def test_of_two_servers_with_folders_of_their_own_one_starts(dsn: str, tmp_path: Path) -> None:
    starts = (installation.settle_key(dsn, tmp_path / name) for name in ("one", "other"))
    ended = await asyncio.wait_for(asyncio.gather(*starts, return_exceptions=True), 30)
    refused = [each for each in ended if isinstance(each, BaseException)]
    assert [type(each) for each in refused] == [installation.WrongKey]
    assert len([each for each in ended if isinstance(each, bytes)]) == 1


async def test_mutant_a_new_key_for_a_missing_one_is_seen(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: a missing key is quietly replaced, and with it every opt-out forgotten."""
    honest = installation.settle_key

    async def forgetful(dsn: str, data_dir: Path) -> bytes:
        try:
            return await honest(dsn, data_dir)
        except installation.WrongKey:
            connection = await asyncpg.connect(dsn)
            await connection.execute("UPDATE installation SET key_check = NULL")
            await connection.close()
            return await honest(dsn, data_dir)

    monkeypatch.setattr(installation, "settle_key", forgetful)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await test_a_missing_file_stops_the_start(dsn, tmp_path)
