"""A number is looked up once before its first message; who is not there gets nothing, and nobody else waits for long."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hantar.dispatch import checker
from hantar.gateways import port
from hantar.outbox import explain, facts, history, model as outbox, rules, service
from hantar.people import why
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(40)]
SENT = {"sent", "delivered", "read"}


class Asked:
    """What the service was asked, and who it says is not there."""

    def __init__(self, fleet: Fleet, patch: pytest.MonkeyPatch, *absent: str) -> None:
        self.calls: list[list[str]] = []
        self.absent, self._whole, self.fails = set(absent), fleet.driver.check_numbers, False
        patch.setattr(fleet.driver, "check_numbers", self._answer)

    async def _answer(self, device: port.DeviceRef, phones: list[str]) -> list[port.NumberStatus]:
        self.calls.append(list(phones))
        if self.fails:
            raise port.PairingRefused("The world is away.")
        return [port.NumberStatus(each.phone, each.phone not in self.absent) for each in await self._whole(device, phones)]

    @property
    def numbers(self) -> list[str]:
        return [phone for call in self.calls for phone in call]


@pytest.fixture
async def checked(fleet: Fleet) -> AsyncIterator[Fleet]:
    """A fleet whose rules want numbers looked up, with the looking up at work."""
    await fleet.set_rules(number_check=True)
    stop = asyncio.Event()
    running = asyncio.create_task(fleet.engine.checker.run(stop))
    yield fleet
    stop.set()
    for _ in range(100):
        await fleet.clock.advance(0.1)
        if running.done():
            break
    await asyncio.wait_for(running, 5)


async def by_phone(fleet: Fleet) -> dict[str, tuple[str, str | None]]:
    return {row["phone"]: (row["state"], row["reason"]) for row in await fleet.rows()}


async def test_who_is_not_there_gets_nothing_and_everybody_is_asked_about_once(
    checked: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(checked, monkeypatch, PHONES[1], PHONES[5])
    [device] = await checked.add_devices(1)
    await checked.add_leads(device, PHONES[:8])
    for _ in range(2):
        await checked.launch(min_delay_seconds=0, max_delay_seconds=0)
        await checked.run(6)
    found = await by_phone(checked)
    assert {found[PHONES[1]], found[PHONES[5]]} == {("suppressed", "not_on_whatsapp")}
    assert {state for phone, (state, _) in found.items() if phone not in asked.absent} <= SENT
    assert sorted(asked.numbers) == PHONES[:8]
    assert PHONES[1] not in checked.reached()
    assert len(checked.reached()) == 12


async def test_they_leave_in_the_order_of_their_leads(checked: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(checked, monkeypatch)
    [device] = await checked.add_devices(1)
    await checked.add_leads(device, PHONES[:30])
    await checked.launch(min_delay_seconds=0, max_delay_seconds=0)
    await checked.run(15)
    assert checked.reached() == PHONES[:30]


async def test_the_first_message_waits_well_under_a_second(checked: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(checked, monkeypatch)
    [device] = await checked.add_devices(1)
    await checked.enqueue(device, PHONES[:1])
    began = checked.clock.monotonic()
    for _ in range(20):
        await checked.run(0.05, 0.05)
        for _ in range(50):  # the call looks into the database in real time, while the clock of the test stands
            if checked.engine.checker._calls:
                await asyncio.sleep(0.001)
    assert checked.reached() == PHONES[:1]
    [line] = [line for line in checked.book.lines() if line["effect"] == "sent"]
    assert float(line["mono"]) - began < 0.5


async def test_a_service_that_does_not_answer_stops_nobody(checked: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(checked, monkeypatch)
    asked.fails = True
    [device] = await checked.add_devices(1)
    [message] = await checked.enqueue(device, PHONES[:1])
    await checked.run(checker.PATIENCE + 3)
    assert checked.reached() == PHONES[:1]
    events = await checked.sql("SELECT kind, cause, detail FROM message_events WHERE message_id = $1", message)
    assert [(each["kind"], each["cause"]) for each in events] == [("wait", "number_check")]
    assert len(asked.calls) == 1


async def test_people_we_know_are_not_looked_up(checked: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(checked, monkeypatch)
    [device] = await checked.add_devices(1)
    await checked.says(device, "Hello", PHONES[0])
    await checked.enqueue(device, PHONES[:1])
    sql = "UPDATE persons SET checked_at = $2, is_on_whatsapp = true, is_check_simulated = true WHERE id = $1"
    await checked.sql(sql, await checked.person(PHONES[1]), checked.clock.now())
    await checked.enqueue(device, PHONES[1:2])
    await checked.run(3)
    assert sorted(checked.reached()) == PHONES[:2]
    assert asked.calls == []


async def test_where_the_rules_do_not_want_it_nobody_is_looked_up(checked: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(checked, monkeypatch, PHONES[0])
    await checked.set_rules(number_check=False)
    [device] = await checked.add_devices(1)
    await checked.enqueue(device, PHONES[:1])
    await checked.run(3)
    assert (asked.calls, checked.reached()) == ([], PHONES[:1])


async def test_what_a_simulated_service_said_means_nothing_for_a_real_device(fleet: Fleet) -> None:
    [device] = await fleet.add_devices(1)
    person, now = await fleet.person(PHONES[0]), fleet.clock.now()
    for is_simulated, expected in ((True, now), (False, None)):
        sql = "UPDATE persons SET checked_at = $2, is_on_whatsapp = false, is_check_simulated = $3 WHERE id = $1"
        await fleet.sql(sql, person, now, is_simulated)
        async with fleet.db.system() as tx:
            [found] = await facts.read(tx, [facts.Subject(fleet.workspace, person, device)], now)
        assert found.checked_at == expected


async def test_a_single_message_to_somebody_who_is_not_there_is_refused_and_said_why(fleet: Fleet) -> None:
    await fleet.set_rules(number_check=True)
    [device] = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1])
    [before] = await fleet.enqueue(device, PHONES[:1])
    person = await fleet.person(PHONES[0])
    sql = "UPDATE persons SET checked_at = $2, is_on_whatsapp = false, is_check_simulated = true WHERE id = $1"
    await fleet.sql(sql, person, fleet.clock.now())
    await fleet.run(2)
    async with fleet.db.transaction(fleet.workspace) as tx:
        with pytest.raises(outbox.NotOnWhatsApp):
            await service.send(tx, fleet.workspace, service.Direct(device, f"+{PHONES[0]}", "Hello", is_manual=True), None)
        assert [each.code for each in await why.not_now(tx, fleet.workspace, person, None)] == ["not_on_whatsapp"]
        steps = explain.why(await history.read(tx, fleet.workspace, before)).steps
    assert ("number_check", "stop") in {(step.rule, step.outcome) for step in steps}


async def test_after_thirty_days_it_is_asked_again(checked: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(checked, monkeypatch, PHONES[0])
    [device] = await checked.add_devices(1)
    for days, calls in ((0, 1), (29, 1), (2, 2)):
        await checked.clock.advance(days * 86_400)
        await checked.engine.leases.beat()
        await checked.enqueue(device, PHONES[:1])
        await checked.run(3)
        assert len(asked.calls) == calls
    assert {state for state, _ in (await by_phone(checked)).values()} == {"suppressed"}


async def test_mutant_without_the_rule_the_absent_are_written_to(checked: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rules.judge

    def careless(*words: Any, **named: Any) -> rules.Ruling:
        return whole(*words, **{**named, "is_checkable": False})

    monkeypatch.setattr(rules, "judge", careless)
    with pytest.raises((AssertionError, KeyError)):
        await test_who_is_not_there_gets_nothing_and_everybody_is_asked_about_once(checked, monkeypatch)
