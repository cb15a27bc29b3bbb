"""A lane is claimed a moment before its turn and its message held until then: nothing leaves early, and hardly anything late."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from hantar.dispatch import claims, engine, sending
from hantar.dispatch.lanes import Lanes, Queue, Waiting
from tests.fleet import Fleet

PAUSE = 1.0


async def spaced(fleet: Fleet, messages: int = 6) -> list[float]:
    """One device sends so many with a pause of a second; the seconds between an answer and the next arrival."""
    device = (await fleet.add_devices(1))[0]
    source = await fleet.add_source(gap=PAUSE)
    await fleet.enqueue(device, [f"6012345000{n}" for n in range(messages)], source=source)
    await fleet.run(messages * 1.5, step=0.02)
    sent = [float(line["mono"]) for line in fleet.book.lines() if line["effect"] == "sent"]
    assert len(sent) == messages
    return [after - before for before, after in itertools.pairwise(sent)]


async def test_a_pause_is_kept_and_hardly_longer(fleet: Fleet) -> None:
    """Not even a step of the engine is added: the claim was made before."""
    gaps = await spaced(fleet)
    assert min(gaps) >= PAUSE
    assert max(gaps) < PAUSE + 0.06 + 0.02 + 2 * sending.STEP, "the answer, one step of this test, and what is let go together"
    assert (await fleet.verdict()).early == 0


async def test_mutant_what_is_claimed_leaves_at_once(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then pauses are too short, and the judge sees it."""
    start = sending.Sender.start
    monkeypatch.setattr(sending.Sender, "start", lambda self, message, claimed_at, _at=0.0: start(self, message, claimed_at))
    assert min(await spaced(fleet)) < PAUSE


def lanes_with(*queues: Queue, rests_until: float) -> Lanes:
    lanes = Lanes(lead=engine.LEAD)
    lanes.learn([Waiting("w", "d", 0, rests_until, list(queues))], [], 1.0)
    return lanes


def test_only_a_pause_is_run_ahead_of_never_a_messages_own_time() -> None:
    """A campaign that begins at 9 is not looked at before 9."""
    resting = lanes_with(Queue("s", 5, 1.0), rests_until=10.0)
    assert resting.due(10.0 - engine.LEAD - 0.001, 5) == []
    assert [turn.due for turn in resting.due(10.0 - engine.LEAD, 5)] == [10.0]
    later = lanes_with(Queue("s", 5, 10.0), rests_until=1.0)
    assert later.due(9.999, 5) == []
    assert [turn.due for turn in later.due(10.0, 5)] == [10.0]


async def test_rules_are_those_of_the_instant_at_which_it_leaves(fleet: Fleet) -> None:
    """The evening begins between the claim and the turn: it stays."""
    assert await sent_at_the_border(fleet) == 1


async def test_mutant_rules_of_the_instant_of_the_claim(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it leaves in the evening."""
    ruling = claims._ruling

    def by_the_claim(head, known, bound, at, can_check):  # type: ignore[no-untyped-def]
        return ruling(head, known, bound, fleet.clock.now(), can_check)

    monkeypatch.setattr(claims, "_ruling", by_the_claim)
    assert await sent_at_the_border(fleet) == 2


async def sent_at_the_border(fleet: Fleet) -> int:
    """Of two messages to Kuala Lumpur, where the window closes at 10:01; the second has its turn 30 ms later: how many leave."""
    border = datetime(2026, 12, 1, 2, 1, tzinfo=UTC)
    await fleet.set_rules(quiet_start=480, quiet_end=601)
    device = (await fleet.add_devices(1))[0]
    await fleet.enqueue(device, ["60123450001", "60123450002"], source=await fleet.add_source(gap=PAUSE))
    await fleet.clock.advance((border - fleet.clock.now()).total_seconds() - 2)
    await fleet.engine.leases.beat()
    await fleet.run(0.5, step=0.05)
    assert len(fleet.reached()) == 1
    async with fleet.db.system() as tx:
        await tx.execute("UPDATE lanes SET next_at = $1", border + timedelta(milliseconds=30))
    await fleet.run(3, step=0.02)
    return len(fleet.reached())


async def test_a_stop_lets_go_what_is_held(fleet: Fleet) -> None:
    """It leaves at its time and is answered; nothing is in doubt."""
    await held(fleet)
    landing = asyncio.create_task(fleet.engine.sender.land(5))
    await fleet.clock.advance(0.5)
    await landing
    await fleet.engine.flush()
    assert len(fleet.reached()) == 2
    assert "claimed" not in await fleet.states()


async def test_what_is_held_when_the_server_dies_goes_once(fleet: Fleet) -> None:
    """It was claimed and never left; where ids are dropped twice it goes again."""
    await held(fleet)
    flights = list(fleet.engine.sender.flights)
    assert len(flights) == 1
    fleet.engine.sender.flights.clear()
    fleet.engine = fleet.new_engine()
    await fleet.clock.advance(3.5)
    await fleet.engine.leases.beat()
    await fleet.run(60)
    found = await fleet.verdict()
    assert (found.lost, found.duplicated, found.early, found.effects) == (0, 0, 0, 2)


async def test_what_is_held_has_no_deadline_yet(fleet: Fleet) -> None:
    """The first one's deadline comes while the second is held: whoever watches deadlines has nothing to watch and says so."""
    timeout = fleet.driver.caps.send_timeout.total_seconds()
    device = (await fleet.add_devices(1))[0]
    await fleet.enqueue(device, ["60123450001", "60123450002"], source=await fleet.add_source(gap=timeout))
    await fleet.run(1, step=0.05)
    assert len(fleet.reached()) == 1
    sender = fleet.engine.sender
    for _ in range(2000):
        await fleet.run(0.01, step=0.01)
        if sender._held and sender._timer is None:
            break
    assert (len(sender.flights), len(sender._held), sender._timer) == (1, 1, None)
    await fleet.run(0.3, step=0.02)
    assert len(fleet.reached()) == 2


async def held(fleet: Fleet) -> None:
    """One of two has been sent, the other is claimed and held."""
    device = (await fleet.add_devices(1))[0]
    source = await fleet.add_source(gap=PAUSE)
    await fleet.enqueue(device, ["60123450001", "60123450002"], source=source)
    for _ in range(200):
        await fleet.run(0.02, step=0.02)
        if fleet.engine.sender._held:
            break
    assert (await fleet.states())["claimed"] == 1
