"""The database itself refuses a simulator's numbers on a real device, whatever the program above it does."""

from typing import Any

import asyncpg
import pytest

from hantar.accounts.model import Caller
from hantar.kit import db, ids
from hantar.policy import model


async def put_policy(database: db.Database, caller: Caller, values: dict[str, Any], number: int = 1) -> None:
    async with database.transaction(caller.workspace_id) as tx:
        sql = "INSERT INTO policies (workspace_id, version, values, reason, at) VALUES ($1, $2, $3, 'x', now())"
        await tx.execute(sql, caller.workspace_id, number, values)


def simulators(name: str) -> Any:
    """What a simulated or demo device may have of this number."""
    return getattr(model.DEFAULTS["demo"], name)


@pytest.mark.parametrize(
    "name", ["device_gap", "device_per_minute", "device_per_hour", "device_per_day", "device_new_chats", "pause_cooldown"]
)
async def test_simulator_numbers_are_refused_in_the_rules_of_linked_devices(
    database: db.Database, alice: Caller, name: str
) -> None:
    number = simulators(name)
    with pytest.raises(asyncpg.CheckViolationError, match="hard limit") as caught:
        await put_policy(database, alice, {"linked": {name: number}})
    assert caught.value.constraint_name == "policy_limit"
    await put_policy(database, alice, {"simulator": {name: number}, "demo": {name: number}})


@pytest.mark.parametrize(
    ("name", "value"),
    [("device_gap", None), ("device_gap", "0"), ("device_per_minute", True), ("device_per_day", [1]), ("device_per_hour", "NaN")],
)
async def test_what_is_no_number_is_no_way_round(database: db.Database, alice: Caller, name: str, value: Any) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="hard limit"):
        await put_policy(database, alice, {"linked": {name: value}})


async def test_by_age_and_numbers_within_the_limits_are_accepted(database: db.Database, alice: Caller) -> None:
    within = {"device_gap": 3, "device_per_minute": 20, "device_per_hour": 500, "device_per_day": 5000}
    await put_policy(database, alice, {"linked": {**within, "device_new_chats": None, "quiet_start": 0}})


async def test_the_installation_s_own_numbers_are_held_too(database: db.Database) -> None:
    sql = "INSERT INTO installation_policy (kind, name, value, origin, at) VALUES ('linked', $1, $2, $3, now())"
    for origin in ("administrator", "environment"):
        with pytest.raises(asyncpg.CheckViolationError, match="hard limit"):
            async with database.door() as tx:
                await tx.execute(sql, "device_per_minute", 600, origin)
    async with database.door() as tx:
        await tx.execute(sql, "device_per_minute", 20, "administrator")
    with pytest.raises(asyncpg.CheckViolationError, match="hard limit"):
        async with database.door() as tx:
            await tx.execute("UPDATE installation_policy SET value = '600'")


DEVICE = """INSERT INTO devices (workspace_id, id, name, driver, is_demo, per_minute, per_hour, per_day, state_since, created_at,
  updated_at) VALUES ($1, $2, 'x', $3, $4, $5, $6, $7, now(), now(), now())"""
FAST = (600, 20_000, 100_000)


async def test_a_linked_device_cannot_have_them_nor_become_one_with_them(database: db.Database, alice: Caller) -> None:
    for numbers in (FAST, (21, 500, 5000), (20, 501, 5000), (20, 500, 5001)):
        with pytest.raises(asyncpg.CheckViolationError, match="linked_within_limits"):
            async with database.transaction(alice.workspace_id) as tx:
                await tx.execute(DEVICE, alice.workspace_id, ids.new_id(), "linked", False, *numbers)
    simulated = ids.new_id()
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute(DEVICE, alice.workspace_id, simulated, "simulator", False, *FAST)
        await tx.execute(DEVICE, alice.workspace_id, ids.new_id(), "linked", False, 20, 500, 5000)
    with pytest.raises(asyncpg.CheckViolationError, match="linked_within_limits"):
        async with database.transaction(alice.workspace_id) as tx:
            await tx.execute("UPDATE devices SET driver = 'linked' WHERE id = $1", simulated)


async def test_only_a_simulated_device_is_a_demo_and_its_kind_is_worked_out_not_written(
    database: db.Database, alice: Caller
) -> None:
    """No switch: the set of rules follows from the driver, in the database."""
    with pytest.raises(asyncpg.CheckViolationError, match="demo_is_simulated"):
        async with database.transaction(alice.workspace_id) as tx:
            await tx.execute(DEVICE, alice.workspace_id, ids.new_id(), "linked", True, 20, 500, 5000)
    with pytest.raises(asyncpg.GeneratedAlwaysError):
        async with database.transaction(alice.workspace_id) as tx:
            await tx.execute("UPDATE devices SET rules_kind = 'simulator'")
    async with database.transaction(alice.workspace_id) as tx:
        for driver, is_demo in (("linked", False), ("cloud", False), ("simulator", False), ("simulator", True)):
            await tx.execute(DEVICE, alice.workspace_id, ids.new_id(), driver, is_demo, 20, 500, 5000)
        rows = await tx.fetch("SELECT rules_kind FROM devices")
    assert sorted(row["rules_kind"] for row in rows) == ["cloud", "demo", "linked", "simulator"]


async def test_program_and_database_have_the_same_hard_limits(database: db.Database) -> None:
    async with database.system() as tx:
        rows = await tx.fetch("SELECT kind, name, least, most FROM policy_limits")
    found = {(row["kind"], row["name"]): (row["least"], row["most"]) for row in rows}
    assert found == {(kind, name): both for kind, limits in model.HARD.items() for name, both in limits.items()}


async def test_no_version_is_ever_rewritten(database: db.Database, alice: Caller) -> None:
    await put_policy(database, alice, {"linked": {"person_cap_day": 1}})
    for sql in ("UPDATE policies SET reason = 'y'", "DELETE FROM policies"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(alice.workspace_id) as tx:
                await tx.execute(sql)


async def test_without_its_guard_the_database_would_take_them(dsn: str, database: db.Database, alice: Caller) -> None:
    """The mutant: drop the triggers and the constraint, and the tests above would pass nothing."""
    owner = await asyncpg.connect(dsn)
    await owner.execute("DROP TRIGGER guard_policy ON policies; ALTER TABLE devices DROP CONSTRAINT linked_within_limits")
    await owner.close()
    await put_policy(database, alice, {"linked": {"device_per_minute": 600}})
    async with database.transaction(alice.workspace_id) as tx:
        await tx.execute(DEVICE, alice.workspace_id, ids.new_id(), "linked", False, *FAST)
