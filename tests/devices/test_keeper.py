"""The keeper: from wishes to lines, through restarts, outages, bans and silence. Simulated hours, no real ones."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from hantar.accounts.model import Caller
from hantar.devices import keeper, model, service, store, words
from hantar.gateways import port
from hantar.gateways.port import DeviceState as S
from hantar.gateways.simulator import memory
from hantar.kit import clock, cluster, db
from tests.devices.stage import Stage, WatchedDatabase


async def make(database: db.Database, caller: Caller, name: str = "Shop") -> model.Device:
    async with database.transaction(caller.workspace_id) as tx:
        return await service.create(tx, caller.workspace_id, service.New(name, "simulator"))


async def online(stage: Stage, database: db.Database, caller: Caller) -> str:
    """A device that is linked and online."""
    made = await make(database, caller)
    async with database.transaction(caller.workspace_id) as tx:
        made = await service.want_connected(tx, made.id)
    await stage.keeper.open(made)
    await stage.until(lambda device: device.state is S.PAIRING, made.id)
    await stage.does(made.id, "scan")
    await stage.until(lambda device: device.state is S.ONLINE, made.id)
    return made.id


@pytest.fixture
async def device(stage: Stage, database: db.Database, alice: Caller) -> str:
    return await online(stage, database, alice)


async def test_after_an_outage_a_device_comes_back_by_itself(stage: Stage, device: str) -> None:
    await stage.does(device, "offline", for_seconds=100)
    gone = await stage.until(lambda each: each.state is S.OFFLINE, device)
    assert gone.state_reason == "no_network"
    back = await stage.until(lambda each: each.state is S.ONLINE, device)
    assert (back.state_since - gone.state_since).total_seconds() < 130


async def test_retries_grow_apart_while_the_service_is_away(stage: Stage, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[float] = []
    real = stage.driver.open

    async def counting(ref: port.DeviceRef) -> None:
        opened.append(stage.time.monotonic())
        await real(ref)

    monkeypatch.setattr(stage.driver, "open", counting)
    await stage.does(device, "offline")
    await stage.passes(1800, 2)
    gaps = [later - sooner for sooner, later in itertools.pairwise(opened)]
    assert 8 <= len(opened) <= 20
    assert gaps[0] <= 12  # time moves in steps of 2 s
    assert 250 < gaps[-1] < 350
    history = [each for each in stage.told("device.status") if each["state"] == "offline"]
    assert len(history) == 1, "trying again is no news"


async def test_a_ban_is_waited_for_and_then_tried_once(stage: Stage, device: str) -> None:
    await stage.does(device, "ban", for_seconds=7200)
    banned = await stage.until(lambda each: each.state is S.BANNED_UNTIL, device)
    assert banned.hold_until is not None
    await stage.passes(7000, 60)
    assert (await stage.device(device)).state is S.BANNED_UNTIL
    back = await stage.until(lambda each: each.state is S.ONLINE, device, 400)
    assert back.state_since >= banned.hold_until
    assert back.hold_until is None


async def test_a_restriction_ends_by_itself(stage: Stage, device: str) -> None:
    await stage.does(device, "restrict", for_seconds=3600)
    await stage.until(lambda each: each.state is S.RESTRICTED, device)
    await stage.passes(3500, 60)
    assert (await stage.device(device)).state is S.RESTRICTED
    await stage.until(lambda each: each.state is S.ONLINE, device, 300)


async def test_a_lock_without_an_end_is_looked_at_after_a_day(stage: Stage, device: str) -> None:
    await stage.does(device, "restrict")
    locked = await stage.until(lambda each: each.state is S.RESTRICTED, device)
    assert locked.hold_until == locked.state_since + timedelta(hours=24)


async def test_a_silent_device_is_restarted_once(stage: Stage, device: str) -> None:
    await stage.does(device, "silent")
    for number in (1, 2):
        verdict = await stage.wait(
            stage.driver.send(port.DeviceRef(device), port.Address("60123456789"), port.Content("x"), ref=f"m{number}")
        )
        assert isinstance(verdict, port.Unconfirmed)
    states = [each["state"] for each in stage.told("device.status")]
    await stage.until(lambda each: each.state is S.ONLINE, device)
    states = [each["state"] for each in stage.told("device.status")]
    assert states[-2:] == ["suspect", "online"]


async def test_nobody_fights_for_a_line_that_was_opened_elsewhere(stage: Stage, device: str) -> None:
    await stage.does(device, "replace")
    await stage.until(lambda each: each.state is S.REPLACED, device)
    await stage.passes(3600, 60)
    assert (await stage.device(device)).state is S.REPLACED


async def test_a_permanent_ban_waits_for_a_person(stage: Stage, device: str) -> None:
    await stage.does(device, "ban")
    refused = await stage.until(lambda each: each.state is S.REFUSED, device)
    await stage.passes(3600, 60)
    found = await stage.device(device)
    assert found.state is S.REFUSED
    assert "for good" in words.of(refused.state, refused.state_reason)


async def test_an_older_event_that_comes_late_changes_nothing(stage: Stage, device: str) -> None:
    old = port.Disconnected(device_id=device, event_id="old", at=stage.time.now(), seq=1, why="no_network", will_retry=True)
    await stage.wait(stage.keeper.take(old))
    assert (await stage.device(device)).state is S.ONLINE


async def test_events_of_unknown_devices_and_other_kinds_are_nothing_to_it(stage: Stage) -> None:
    stranger = "00000000-0000-7000-8000-000000000000"
    at = stage.time.now()
    await stage.wait(stage.keeper.take(port.Connected(device_id=stranger, event_id="x", at=at)))
    received = port.MessageReceived(device_id=stranger, event_id="y", at=at, sender=port.Address("1"), wire_id="w")
    await stage.keeper.take(received)


# ---------------------------------------------------------------------- restarts


@pytest.fixture
async def second(
    stage: Stage, database: WatchedDatabase, fake_clock: clock.FakeClock, bus: cluster.LocalBus
) -> AsyncIterator[Stage]:
    """A stage that is not started yet, on the same database."""
    made = Stage(database, fake_clock, bus)
    yield made
    await made.close()


async def test_after_a_restart_everything_wanted_comes_back_and_nothing_else(
    stage: Stage, database: db.Database, alice: Caller, second: Stage
) -> None:
    wanted = [await online(stage, database, alice) for _ in range(3)]
    stopped = await online(stage, database, alice)
    async with database.transaction(alice.workspace_id) as tx:
        await service.want_stopped(tx, stopped)
    pairing = await make(database, alice)
    async with database.transaction(alice.workspace_id) as tx:
        await service.want_connected(tx, pairing.id)
    await stage.keeper.open(pairing)
    await stage.until(lambda each: each.state is S.PAIRING, pairing.id)
    await stage.close()
    # the new world takes over the links from the old one's ledger
    for line in stage.book.lines():
        second.book.append(line)
    memory.restore(second.driver._line.world, second.book)  # type: ignore[attr-defined]
    await second.start()
    for each in wanted:
        await second.until(lambda device: device.state is S.ONLINE, each)
    await second.passes(5)
    assert (await second.device(stopped)).state is S.STOPPED
    assert (await second.device(pairing.id)).state is S.NEW


async def test_a_link_that_the_gateway_lost_is_said_and_not_paired_by_itself(
    stage: Stage, database: db.Database, alice: Caller, second: Stage
) -> None:
    device = await online(stage, database, alice)
    await stage.close()
    await second.start()  # an empty world
    lost = await second.until(lambda each: each.state is S.LOGGED_OUT, device)
    assert lost.state_reason == "link_lost"
    await second.passes(200, 1)
    assert (await second.device(device)).state is S.LOGGED_OUT
    assert second.told("device.logged_out")[-1]["reason"] == "link_lost"


async def test_a_fleet_comes_up_a_few_at_a_time(
    stage: Stage, database: db.Database, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RAMP", 4)
    async with database.door() as tx:
        await tx.execute("UPDATE workspaces SET device_limit = 50 WHERE id = $1", alice.workspace_id)
    devices = [await make(database, alice, f"d{n}") for n in range(15)]
    flying: list[int] = []
    real = stage.driver.open

    async def slow(ref: port.DeviceRef) -> None:
        flying.append(len(stage.keeper._opening))
        await real(ref)

    for each in devices:
        await stage.driver.open(port.DeviceRef(each.id))
        await stage.does(each.id, "scan")
    await stage.passes(1)
    async with database.system() as tx:
        await tx.execute("UPDATE devices SET wanted = 'connected', is_linked = true, state = 'connecting'")
    monkeypatch.setattr(stage.driver, "open", slow)
    stage.keeper.wake()
    for each in devices:
        await stage.until(lambda device: device.state is S.ONLINE, each.id)
    assert max(flying) <= 4


class AwayAtFirst:
    """A database that does not answer the first few times."""

    def __init__(self, database: db.Database, times: int) -> None:
        self._real, self._left = database, times

    def system(self) -> AbstractAsyncContextManager[db.Tx]:
        if self._left:
            self._left -= 1
            raise db.DatabaseAway
        return self._real.system()


async def test_while_the_database_is_away_no_event_overtakes_another(
    database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus, alice: Caller
) -> None:
    made = await make(database, alice)
    async with database.transaction(alice.workspace_id) as tx:
        await service.want_connected(tx, made.id)
    away = AwayAtFirst(database, 3)
    kept = keeper.Keeper(away, {}, fake_clock)  # type: ignore[arg-type]
    at = fake_clock.now()
    paired = port.PairSucceeded(device_id=made.id, event_id="1", at=at, seq=1, phone="60123456789", jid="j")
    connected = port.Connected(device_id=made.id, event_id="2", at=at, seq=2)
    taken = asyncio.gather(kept.take(paired), kept.take(connected))
    while not taken.done():
        await fake_clock.advance(0.5)
        await asyncio.sleep(0.005)
    async with database.system() as tx:
        found = await store.find(tx, made.id)
    assert found is not None
    assert (found.state, found.is_linked) == (S.ONLINE, True)
