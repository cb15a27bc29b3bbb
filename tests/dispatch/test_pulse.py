"""What the engine says about itself: the line in the log, and the few questions to the database behind it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from hantar.dispatch import pulse
from hantar.dispatch.figures import Figures
from hantar.kit import db
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(20)]


class Engine:
    """Counters a test moves, and lanes by state."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.states: Mapping[str, int] = {"parked": 3, "busy": 0}

    def sends(self, count: int, seconds: float) -> None:
        for _ in range(count):
            self.figures.claimed += 1
            self.figures.recorded += 1
            self.figures.answer_seconds.add(seconds)

    def pulse(self) -> pulse.Pulse:
        return pulse.Pulse(self.figures, lambda: self.states)


async def test_a_line_while_something_is_sent_and_none_while_idle(fleet: Fleet) -> None:
    await fleet.add_devices(3)
    engine = Engine()
    teller = pulse.Teller(engine.pulse(), pulse.Watch(fleet.db, fleet.clock), fleet.clock, 30)
    stop = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(teller.run(stop))
        await fleet.clock.advance(60)
        await fleet.heard()
        assert lines(logs) == []
        engine.sends(20, 0.05)
        engine.states = {"parked": 1, "busy": 2}
        await fleet.clock.advance(30)
        await until(lambda: bool(lines(logs)))
        engine.states = {"parked": 3, "busy": 0}
        await fleet.clock.advance(30)
        await fleet.clock.advance(30)
        stop.set()
        await asyncio.wait_for(running, 10)
    (line,) = lines(logs)
    assert (line["per_minute"], line["mean_ms"], line["devices_busy"], line["devices"]) == (40, 50.0, 2, 3)
    assert line["queue_age_s"] == 0.0


def lines(logs: list[Any]) -> list[Any]:
    return [each for each in logs if each["event"] == "engine.progress"]


async def until(is_there: Any) -> None:
    for _ in range(2000):
        if is_there():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


async def test_a_message_under_way_is_not_idle(fleet: Fleet) -> None:
    engine = Engine()
    engine.states = {"busy": 1}
    teller = pulse.Teller(engine.pulse(), pulse.Watch(fleet.db, fleet.clock), fleet.clock, 30)
    await fleet.clock.advance(30)
    line = await teller.look()
    assert line is not None
    assert (line["per_minute"], line["mean_ms"], line["devices_busy"]) == (0, 0.0, 1)


async def test_the_line_is_written_without_the_database_too(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    watch = pulse.Watch(fleet.db, fleet.clock)
    teller = pulse.Teller(engine.pulse(), watch, fleet.clock, 30)
    engine.sends(3, 0.1)
    await fleet.clock.advance(30)

    async def away(_tx: db.Tx) -> pulse.Census:
        raise db.DatabaseAway

    monkeypatch.setattr(pulse, "count", away)
    line = await teller.look()
    assert line is not None
    assert (line["per_minute"], line["devices"], line["queue_age_s"]) == (6, 3, None)


async def test_queue_age_is_of_what_nothing_holds_back(fleet: Fleet) -> None:
    first, second, third = await fleet.add_devices(3)
    open_, shut = await fleet.add_source(), await fleet.add_source()
    await fleet.enqueue(second, PHONES[:1], source=open_)
    await fleet.enqueue(third, PHONES[1:2], source=open_)
    await fleet.enqueue(first, PHONES[2:3], source=shut)
    await fleet.sql("UPDATE sources SET is_open = false WHERE id = $1", shut)
    await fleet.set_device(second, state="offline")
    await fleet.set_device(third, sending_paused=True)
    await fleet.clock.advance(100)
    await fleet.enqueue(first, PHONES[3:4], source=open_)
    await fleet.clock.advance(20)
    async with fleet.db.system() as tx:
        seen = await pulse.count(tx)
    assert seen.queue_age == pytest.approx(20)
    assert (dict(seen.devices), seen.unknown) == ({"online": 2, "offline": 1}, 0)


async def test_the_database_is_asked_seldom(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer serves everybody for five seconds, and for longer when it took long."""
    asked = []

    async def slow(_tx: db.Tx) -> pulse.Census:
        asked.append(fleet.clock.monotonic())
        fleet.clock._elapsed += 1.0
        return pulse.Census(0, 0, {})

    monkeypatch.setattr(pulse, "count", slow)
    watch = pulse.Watch(fleet.db, fleet.clock)
    await asyncio.gather(*(watch.census() for _ in range(5)))
    assert len(asked) == 1
    await fleet.clock.advance(18)
    await watch.census()
    assert len(asked) == 1
    await fleet.clock.advance(1)
    await watch.census()
    assert len(asked) == 2


async def test_what_may_have_arrived_is_counted_by_its_own_index(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    made = await fleet.enqueue(device, PHONES[:3])
    await fleet.sql("UPDATE messages SET state = 'claimed' WHERE id = ANY($1::uuid[])", made[:2])
    await fleet.sql("UPDATE messages SET state = 'unknown' WHERE id = $1", made[0])
    async with fleet.db.system() as tx:
        assert (await pulse.count(tx)).unknown == 1
        await tx.execute("SET LOCAL enable_seqscan = off")
        plan = await tx.fetch("EXPLAIN SELECT count(*) FROM messages WHERE stage = 'unknown'")
    assert "messages_unknown" in "\n".join(row[0] for row in plan)


async def test_the_engine_s_own_pulse(fleet: Fleet) -> None:
    """The real engine's counters: what it claimed, what became of it, how long answers took."""
    devices = await fleet.add_devices(3)
    for number, device in enumerate(devices):
        await fleet.enqueue(device, PHONES[number * 2 : number * 2 + 2])
    beat = pulse.of(fleet.engine)
    teller = pulse.Teller(beat, pulse.Watch(fleet.db, fleet.clock), fleet.clock, 30)
    await fleet.run(30)
    figures = beat.figures
    assert (figures.claimed, figures.recorded, figures.outcomes["sent"]) == (6, 6, 6)
    assert (figures.answer_seconds.count, beat.waiting(), beat.shards()) == (6, 0, 64)
    assert 0.02 <= figures.answer_seconds.mean <= 0.3  # the simulator answers within 20 to 80 ms, and steps are 100 ms
    line = await teller.look()
    assert line is not None
    assert (line["per_minute"], line["devices_busy"], line["devices"]) == (12, 0, 3)
    await fleet.clock.advance(30)
    assert await teller.look() is None
