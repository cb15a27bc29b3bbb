"""What drivers keep: sealed, bound to its device and driver, opened by nobody else."""

import logging
from collections.abc import Callable

import pytest

from hantar.accounts.model import Caller
from hantar.devices import secrets
from hantar.gateways import keeping
from hantar.kit import db
from hantar.kit.ids import new_id

KEY = bytes(range(32))
SESSION = b"noise key and all that " * 40


def keep(database: db.Database, driver: str = "linked", key: bytes = KEY) -> keeping.Keeps:
    return secrets.of(database, key)(driver)


@pytest.fixture
async def device(database: db.Database, alice: Caller) -> str:
    return await make_device(database, alice)


async def make_device(database: db.Database, owner: Caller, driver: str = "linked") -> str:
    device_id = new_id()
    async with database.system() as tx:
        now = await tx.now()
    async with database.transaction(owner.workspace_id) as tx:
        sql = (
            "INSERT INTO devices (workspace_id, id, name, driver, state_since, created_at, updated_at)"
            " VALUES ($1, $2, 'Shop', $3, $4, $4, $4)"
        )
        await tx.execute(sql, owner.workspace_id, device_id, driver, now)
    return device_id


async def raw(database: db.Database, device_id: str) -> bytes | None:
    async with database.system() as tx:
        sealed: bytes | None = await tx.fetchval("SELECT sealed FROM device_secrets WHERE device_id = $1", device_id)
    return sealed


async def put(database: db.Database, device_id: str, sealed: bytes) -> None:
    async with database.system() as tx:
        assert await tx.execute("UPDATE device_secrets SET sealed = $2 WHERE device_id = $1", device_id, sealed) == 1


async def test_what_is_kept_comes_back_and_the_newest_wins(database: db.Database, device: str) -> None:
    kept = keep(database)
    assert await kept.load(device) is None
    await kept.save(device, b"first")
    await kept.save(device, SESSION)
    assert await kept.load(device) == SESSION
    await kept.drop(device)
    assert await kept.load(device) is None
    assert await raw(database, device) is None


async def test_the_database_holds_nothing_readable(database: db.Database, device: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept = keep(database)
    await kept.save(device, SESSION)
    first = await raw(database, device)
    assert first is not None
    assert b"noise key" not in first
    await kept.save(device, SESSION)
    assert await raw(database, device) != first  # another nonce each time
    assert KEY.hex() not in caplog.text
    assert "noise key" not in caplog.text + repr(kept) + repr(vars(kept))


@pytest.mark.parametrize(
    "harm",
    [
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: sealed[:1] + bytes([sealed[1] ^ 1]) + sealed[2:],
        lambda sealed: sealed[:30] + bytes([sealed[30] ^ 0x80]) + sealed[31:],
        lambda sealed: b"\x02" + sealed[1:],
        lambda sealed: sealed[:10],
        lambda sealed: b"",
    ],
    ids=["tag", "nonce", "content", "version", "cut", "empty"],
)
async def test_a_changed_value_does_not_open(database: db.Database, device: str, harm: Callable[[bytes], bytes]) -> None:
    kept = keep(database)
    await kept.save(device, SESSION)
    sealed = await raw(database, device)
    assert sealed is not None
    await put(database, device, harm(sealed))
    with pytest.raises(keeping.Unreadable):
        await kept.load(device)
    assert await raw(database, device) is not None  # it stays: a right key may come back


async def test_another_key_does_not_open_it(database: db.Database, device: str) -> None:
    await keep(database).save(device, SESSION)
    with pytest.raises(keeping.Unreadable):
        await keep(database, key=bytes(32)).load(device)
    assert await keep(database).load(device) == SESSION


async def test_another_devices_value_does_not_open(database: db.Database, alice: Caller, mallory: Caller) -> None:
    """Mallory who could write into the database gains no pairing by copying one."""
    hers, his = await make_device(database, alice), await make_device(database, mallory)
    kept = keep(database)
    await kept.save(hers, SESSION)
    await kept.save(his, b"his own")
    stolen = await raw(database, hers)
    assert stolen is not None
    await put(database, his, stolen)
    with pytest.raises(keeping.Unreadable):
        await kept.load(his)


async def test_another_drivers_value_does_not_open(database: db.Database, alice: Caller) -> None:
    device = await make_device(database, alice, "cloud")
    await keep(database).save(device, SESSION)  # not a linked device, so nothing is kept
    assert await raw(database, device) is None
    await keep(database, "cloud").save(device, b"token")
    assert await keep(database).load(device) is None
    await keep(database).drop(device)
    assert await keep(database, "cloud").load(device) == b"token"
    seal = secrets.Seal(KEY)
    with pytest.raises(keeping.Unreadable):
        seal.open(seal.close(b"token", device, "cloud"), device, "linked")


async def test_mallory_sees_no_secret_of_alice(database: db.Database, alice: Caller, mallory: Caller, device: str) -> None:
    await keep(database).save(device, SESSION)
    async with database.transaction(mallory.workspace_id) as tx:
        assert await tx.fetch("SELECT * FROM device_secrets") == []
        assert await tx.execute("DELETE FROM device_secrets WHERE device_id = $1", device) == 0
    async with database.transaction(alice.workspace_id) as tx:
        assert len(await tx.fetch("SELECT * FROM device_secrets")) == 1


async def test_a_device_that_is_gone_keeps_nothing(database: db.Database, alice: Caller, device: str) -> None:
    kept = keep(database)
    await kept.save(device, SESSION)
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute("DELETE FROM devices WHERE id = $1", device)
    assert await raw(database, device) is None
    await kept.save(device, SESSION)
    assert await kept.load(device) is None
    assert await kept.load("no id at all") is None


async def test_too_much_is_refused(database: db.Database, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "MOST", 10)
    with pytest.raises(ValueError, match="too many"):
        await keep(database).save(device, b"x" * 11)
