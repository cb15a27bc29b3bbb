"""Numbers are looked up once, gently, before their first message; no answer stops nobody."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from hantar.dispatch import checker
from hantar.gateways import port
from hantar.kit import clock as clocks, db
from hantar.outbox import checks
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(60)]


class Service:
    """A driver that only looks numbers up: how it answers, and what it was asked."""

    name = "linked"

    def __init__(self, clock: clocks.Clock, *, simulated: bool = False) -> None:
        self.caps = port.Capabilities(number_check=True, simulated=simulated, unofficial=not simulated)
        self._clock = clock
        self.asked: list[list[str]] = []
        self.at: list[float] = []
        self.absent: set[str] = set()
        self.takes = 0.1
        self.raises: Exception | None = None
        self.at_once = self.most_at_once = 0

    async def check_numbers(self, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
        self.asked.append(list(phones))
        self.at.append(self._clock.monotonic())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._clock.sleep(self.takes)
        finally:
            self.at_once -= 1
        if self.raises is not None:
            raise self.raises
        return [port.NumberStatus(phone, phone not in self.absent) for phone in phones]


class Desk:
    """A checker at work on a fleet's database."""

    def __init__(self, fleet: Fleet, service: Any) -> None:
        self.fleet, self.service = fleet, service
        self.checker = checker.Checker(fleet.db, {"linked": service}, fleet.clock)
        self.stop = asyncio.Event()
        self.running = asyncio.create_task(self.checker.run(self.stop))

    async def ask(self, device: str, phones: Sequence[str], messages: Sequence[str] = ()) -> None:
        people = [await self.fleet.person(phone) for phone in phones]
        asked = zip(people, phones, messages or [None] * len(phones), strict=True)
        subjects = [checks.Subject(self.fleet.workspace, *each) for each in asked]
        self.checker.ask(checker.Ask("linked", device, 1, each) for each in subjects)

    async def let(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            await self.fleet.clock.advance(0.1)
            await asyncio.sleep(0.002)  # the database answers in real time

    async def known(self, phone: str) -> tuple[bool, bool | None, bool]:
        """What is remembered, once something is: the database works in real time."""
        sql = "SELECT checked_at, is_on_whatsapp, is_check_simulated FROM persons WHERE id = $1"
        person = await self.fleet.person(phone)
        for _ in range(500):
            [row] = await self.fleet.sql(sql, person)
            if row["checked_at"] is not None:
                break
            await self.let(0.1)
        return row["checked_at"] is not None, row["is_on_whatsapp"], row["is_check_simulated"]

    async def close(self) -> None:
        self.stop.set()
        for _ in range(100):
            if self.running.done():
                break
            await self.fleet.clock.advance(0.1)
        await asyncio.wait_for(self.running, 5)


@pytest.fixture
async def desk(fleet: Fleet) -> Any:
    made = Desk(fleet, Service(fleet.clock))
    yield made
    await made.close()


async def test_what_was_found_is_remembered_and_told_to_the_lane(desk: Desk) -> None:
    told: list[Any] = []
    desk.fleet.bus.subscribe("outbox.queued", told.append)
    [device] = await desk.fleet.add_devices(1)
    desk.service.absent = {PHONES[1]}
    await desk.ask(device, PHONES[:2])
    await desk.let(3)
    assert await desk.known(PHONES[0]) == (True, True, False)
    assert await desk.known(PHONES[1]) == (True, False, False)
    assert {fact.workspace_id for fact in told} == {desk.fleet.workspace}
    assert all(fact.data["device_ids"] == [device] for fact in told)


async def test_a_real_device_asks_once_at_a_time_few_numbers_and_with_pauses(desk: Desk) -> None:
    [device] = await desk.fleet.add_devices(1)
    await desk.ask(device, PHONES[:50])
    await desk.let(10)
    assert [len(each) for each in desk.service.asked] == [20, 20, 10]
    assert sorted(phone for each in desk.service.asked for phone in each) == PHONES[:50]
    assert desk.service.most_at_once == 1
    gaps = [later - before for before, later in zip(desk.service.at, desk.service.at[1:], strict=False)]
    assert min(gaps) >= checker.PAUSE


async def test_devices_ask_beside_each_other(desk: Desk) -> None:
    devices = await desk.fleet.add_devices(4)
    desk.service.takes = 3.0
    for device, phone in zip(devices, PHONES, strict=False):
        await desk.ask(device, [phone])
    await desk.let(2)
    assert desk.service.most_at_once == 4


async def test_asking_again_while_it_is_looked_up_asks_the_service_once(desk: Desk) -> None:
    [device] = await desk.fleet.add_devices(1)
    desk.service.takes = 2.0
    for _ in range(5):
        await desk.ask(device, PHONES[:1])
        await desk.let(0.1)
    await desk.let(4)
    assert desk.service.asked == [[PHONES[0]]]


async def test_two_lanes_that_wait_for_one_person_ask_once_and_both_hear_of_it(desk: Desk) -> None:
    told: list[Any] = []
    desk.fleet.bus.subscribe("outbox.queued", told.append)
    devices = await desk.fleet.add_devices(2)
    desk.service.takes = 1.0
    for device in devices:
        await desk.ask(device, PHONES[:1])
        await desk.let(0.2)
    assert await desk.known(PHONES[0]) == (True, True, False)
    assert desk.service.asked == [[PHONES[0]]]
    assert told[-1].data["device_ids"] == sorted(devices)


async def test_a_lane_that_asks_while_the_answer_is_being_stored_hears_of_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    desk.fleet.bus.subscribe("outbox.queued", told.append)
    first, late = await desk.fleet.add_devices(2)
    whole, subject = checker._tell, checks.Subject(desk.fleet.workspace, await desk.fleet.person(PHONES[0]), PHONES[0])

    def tell(*words: Any) -> None:
        whole(*words)
        monkeypatch.setattr(checker, "_tell", whole)
        desk.checker.ask([checker.Ask("linked", late, 1, subject)])

    monkeypatch.setattr(checker, "_tell", tell)
    await desk.ask(first, PHONES[:1])
    await desk.known(PHONES[0])
    await desk.let(1)
    assert {device for fact in told for device in fact.data["device_ids"]} == {first, late}
    assert len(desk.service.asked) == 1


async def test_what_was_stored_is_asked_again_when_somebody_asks_again(desk: Desk) -> None:
    [device] = await desk.fleet.add_devices(1)
    for _ in range(2):
        await desk.ask(device, PHONES[:1])
        await desk.known(PHONES[0])
        await desk.let(3)
    assert len(desk.service.asked) == 2


async def test_a_look_ahead_that_fails_costs_nobody_the_answer(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*words: Any) -> list[checks.Subject]:
        raise RuntimeError("a statement broke")

    monkeypatch.setattr(checks, "ahead", broken)
    [device] = await fleet.add_devices(1)
    desk = Desk(fleet, Service(fleet.clock, simulated=True))
    await desk.ask(device, PHONES[:1])
    assert await desk.known(PHONES[0]) == (True, True, True)
    await desk.close()


@pytest.mark.parametrize("failure", ["silent", "not_paired", "broken", "forgets"])
async def test_without_an_answer_the_message_goes_without_and_says_so(desk: Desk, failure: str) -> None:
    [device] = await desk.fleet.add_devices(1)
    [message] = await desk.fleet.enqueue(device, PHONES[:1])
    failures: dict[str, Exception] = {"not_paired": port.NotPaired(), "broken": RuntimeError("the library broke")}
    desk.service.raises = failures.get(failure)
    if failure == "silent":
        desk.service.takes = 10_000.0
    if failure == "forgets":
        desk.service.check_numbers = _nothing
    await desk.ask(device, PHONES[:1], [message])
    await desk.let(checker.PATIENCE + 2)
    assert await desk.known(PHONES[0]) == (True, None, False)
    [event] = await desk.fleet.sql("SELECT kind, cause FROM message_events WHERE message_id = $1", message)
    assert (event["kind"], event["cause"]) == ("wait", "number_check")


async def _nothing(_device: port.DeviceRef, _phones: list[str]) -> list[port.NumberStatus]:
    return []


async def test_the_simulated_world_is_asked_ahead_and_a_real_service_is_not(fleet: Fleet) -> None:
    [device] = await fleet.add_devices(1)
    await fleet.enqueue(device, PHONES[:30])
    for simulated, count in ((False, 1), (True, checker.TOGETHER)):
        desk = Desk(fleet, Service(fleet.clock, simulated=simulated))
        await desk.ask(device, PHONES[:1])
        await desk.let(1)
        await desk.close()
        assert [len(each) for each in desk.service.asked] == [count]


async def test_who_was_looked_up_lately_is_not_looked_up_ahead_again(fleet: Fleet) -> None:
    [device] = await fleet.add_devices(1)
    await fleet.enqueue(device, PHONES[:10])
    people = [await fleet.person(phone) for phone in PHONES[:10]]
    now = fleet.clock.now()
    await fleet.sql("UPDATE persons SET checked_at = $2, is_on_whatsapp = true WHERE id = ANY($1::uuid[])", people[:3], now)
    told = "UPDATE persons SET checked_at = $2, is_on_whatsapp = $3, is_check_simulated = true WHERE id = ANY($1::uuid[])"
    await fleet.sql(told, people[3:6], now, True)
    await fleet.sql(told, people[6:7], now, None)
    async with fleet.db.system() as tx:
        found = await checks.ahead(tx, fleet.workspace, device, 20, now)
    assert {each.person_id for each in found} == {*people[:3], *people[7:]}, "what a real service said means nothing here"


async def test_while_the_database_is_away_what_was_found_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    [device] = await desk.fleet.add_devices(1)
    whole, tries = checks.keep, 0

    async def keep(*words: Any) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise db.DatabaseAway
        await whole(*words)

    monkeypatch.setattr(checks, "keep", keep)
    await desk.ask(device, PHONES[:1])
    await desk.let(6)
    assert tries == 3
    assert await desk.known(PHONES[0]) == (True, True, False)


async def test_the_simulator_answers_for_real(fleet: Fleet) -> None:
    [device] = await fleet.add_devices(1)
    desk = Desk(fleet, fleet.driver)
    await desk.ask(device, PHONES[:1])
    await desk.let(1)
    assert await desk.known(PHONES[0]) == (True, True, True)
    await desk.close()
