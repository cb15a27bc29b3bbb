"""What the simulated service says, and what becomes of the messages: the lines of the verdict maps it can play (F-09)."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from hantar.dispatch import verdicts
from hantar.gateways import port
from hantar.outbox import model
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(12)]


async def ready(fleet: Fleet, count: int = 1, **columns: Any) -> tuple[str, list[str]]:
    """A device with messages to so many people."""
    [device] = await fleet.add_devices(1)
    return device, await fleet.enqueue(device, PHONES[:count], **columns)


async def row(fleet: Fleet, message: str) -> Mapping[str, Any]:
    return (await fleet.sql("SELECT * FROM messages WHERE id = $1", message))[0]


async def ended(fleet: Fleet, message: str) -> tuple[str, str | None]:
    found = await row(fleet, message)
    return found["state"], found["reason"]


async def events(fleet: Fleet, message: str) -> list[tuple[str, str]]:
    sql = "SELECT kind, cause FROM message_events WHERE message_id = $1 ORDER BY at, id"
    return [(each["kind"], each["cause"]) for each in await fleet.sql(sql, message)]


def answers(fleet: Fleet, patch: pytest.MonkeyPatch, answer: Callable[[], port.Verdict | None]) -> None:
    """The gateway says so, as long as it says anything; then it sends."""
    send = fleet.driver.send

    async def say(*words: Any, **named: Any) -> port.Verdict:
        return answer() or await send(*words, **named)

    patch.setattr(fleet.driver, "send", say)


def times(verdict: port.Verdict, count: int) -> Callable[[], port.Verdict | None]:
    left = [verdict] * count
    return lambda: left.pop() if left else None


# ---------------------------------------------------------------- what the simulated world plays by itself


async def test_refused_for_ever(fleet: Fleet) -> None:
    device, [message] = await ready(fleet)
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction("reject", phone=PHONES[0]))
    await fleet.run(3)
    assert await ended(fleet, message) == ("failed", "undeliverable")


async def test_an_address_that_is_none(fleet: Fleet) -> None:
    _, [message] = await ready(fleet)
    await fleet.sql("UPDATE messages SET phone = '12' WHERE id = $1", message)
    await fleet.run(3)
    assert await ended(fleet, message) == ("failed", "invalid_address")


async def test_no_new_conversations_wait_and_never_move(fleet: Fleet) -> None:
    device, [message] = await ready(fleet)
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction("restrict", for_seconds=30))
    await fleet.run(3)
    found = await row(fleet, message)
    assert (found["state"], found["device_id"], found["deferrals"]) == ("queued", device, 0)
    assert ("deferred", "new_chats") in await events(fleet, message)
    await fleet.run(60, 0.25)
    assert (await row(fleet, message))["state"] in ("sent", "delivered", "read")


async def test_a_device_that_is_too_fast_is_slowed_down_and_everything_still_goes(fleet: Fleet) -> None:
    device, messages = await ready(fleet, 4)
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction("rate_limit", for_seconds=20))
    await fleet.run(60, 0.25)
    assert {(await row(fleet, each))["state"] for each in messages} <= {"sent", "delivered", "read"}
    assert {(await row(fleet, each))["deferrals"] for each in messages} == {0}, "the device was put off, not they"
    assert (await fleet.verdict()).is_clean


async def test_a_lost_line_loses_nothing(fleet: Fleet) -> None:
    device, [message] = await ready(fleet)
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction("offline", for_seconds=5))
    await fleet.run(2)
    found = await row(fleet, message)
    assert (found["state"], found["attempts"], found["deferrals"]) == ("queued", 0, 0)
    assert ("lost", "device") in await events(fleet, message)


async def test_a_ban_rests_the_lane_until_its_end(fleet: Fleet) -> None:
    device, [message] = await ready(fleet)
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction("ban", for_seconds=600))
    await fleet.run(3)
    assert (await row(fleet, message))["state"] == "queued"
    [lane] = await fleet.sql("SELECT rest_until FROM lanes WHERE device_id = $1", device)
    assert lane["rest_until"] > fleet.clock.now() + timedelta(seconds=500)


@pytest.mark.parametrize("fault", ["lose_ack", "lose_trace", "silent"])
async def test_no_answer_is_doubt_and_never_a_repeat(fleet: Fleet, fault: str) -> None:
    device, [message] = await ready(fleet)
    await fleet.driver.simulate(port.DeviceRef(device), port.SimulatorAction(fault, for_seconds=60))
    await fleet.run(15, 0.25)
    assert (await row(fleet, message))["state"] in ("unknown", "sent", "delivered", "read")
    assert (await fleet.verdict()).duplicated == 0
    assert len(fleet.reached()) <= 1


# ---------------------------------------------------------------- what only a real service says


@pytest.mark.parametrize("scope", [port.Scope.MESSAGE, port.Scope.CHAT])
async def test_put_off_again_and_again_it_fails_and_why_tells_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, scope: port.Scope
) -> None:
    _, [message] = await ready(fleet)
    monkeypatch.setattr(verdicts, "BASE", timedelta(seconds=1))
    answers(fleet, monkeypatch, times(port.Deferred(timedelta(seconds=2), scope, "Busy."), 99))
    seen = []
    for _ in range(90):
        await fleet.run(1, 0.25)
        seen.append(len(await events(fleet, message)))
        if (await row(fleet, message))["state"] == "failed":
            break
    found = await row(fleet, message)
    assert (found["state"], found["reason"], found["deferrals"]) == ("failed", verdicts.NOT_TAKEN, verdicts.RETRIES)
    assert "Busy." in found["error"]
    assert await events(fleet, message) == [("deferred", scope.value)] * verdicts.RETRIES
    assert len(seen) >= 2 + 4 + 8
    assert fleet.reached() == []


async def test_put_off_three_times_it_still_goes_and_others_go_meanwhile(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    _, [message, other] = await ready(fleet, 2)
    answers(fleet, monkeypatch, times(port.Deferred(timedelta(seconds=1)), verdicts.RETRIES))
    await fleet.run(60, 0.25)
    for each in (message, other):
        assert (await row(fleet, each))["state"] in ("sent", "delivered", "read")
    assert sorted(fleet.reached()) == sorted(PHONES[:2])


async def test_a_lost_line_does_not_count_against_the_message(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    _, [message] = await ready(fleet)
    answers(fleet, monkeypatch, times(port.DeviceLost(None, "websocket not connected"), verdicts.RETRIES + 3))
    await fleet.run(20, 0.25)
    assert (await row(fleet, message))["state"] in ("sent", "delivered", "read")


async def test_a_device_asked_to_slow_down_rests_longer_each_time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    _, [message] = await ready(fleet)
    at: list[float] = []

    def slow() -> port.Verdict | None:
        at.append(fleet.clock.monotonic())
        return port.Deferred(timedelta(seconds=5), port.Scope.DEVICE) if len(at) <= 3 else None

    answers(fleet, monkeypatch, slow)
    await fleet.run(60, 0.25)
    gaps = [later - before for before, later in pairwise(at)]
    assert [least <= gap <= least * 1.25 + 2 for gap, least in zip(gaps, (5, 10, 20), strict=True)] == [True] * 3
    assert (await row(fleet, message))["state"] in ("sent", "delivered", "read")
    assert model.S.QUEUED in model.MOVES[model.S.CLAIMED]
