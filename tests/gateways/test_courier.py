"""The courier: at least once, in order, settled only when committed, patient after a failure; outcomes by the batch."""

import asyncio
from collections.abc import Sequence

import pytest

from hantar.gateways import courier, port
from hantar.kit import clock, db


class Sink:
    """Takes events and outcomes; commits when the test lets it, refuses when the test says so."""

    def __init__(self) -> None:
        self.committed: list[int] = []
        self.offered: list[list[int]] = []
        self.refusals = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, event: port.Event) -> None:
        await self._take([event])

    async def take_many(self, events: Sequence[port.Event]) -> None:
        await self._take(events)

    async def _take(self, events: Sequence[port.Event]) -> None:
        self.offered.append([each.seq for each in events])
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise db.DatabaseAway
        self.committed += [each.seq for each in events]


def receipt(seq: int, time: clock.Clock) -> port.Receipt:
    return port.Receipt(device_id="d", event_id=str(seq), at=time.now(), seq=seq, wire_ids=("w",), kind=port.ReceiptKind.READ)


def connected(seq: int, time: clock.Clock) -> port.Connected:
    return port.Connected(device_id="d", event_id=str(seq), at=time.now(), seq=seq)


@pytest.fixture
def settled() -> list[int]:
    """The numbers that were reported as taken."""
    return []


async def test_outcomes_go_in_batches_one_after_the_other(fake_clock: clock.FakeClock, settled: list[int]) -> None:
    sink = Sink()
    sink.gate.clear()
    carrier = courier.Courier(sink, settled.append, fake_clock)
    carrier.bring([receipt(n, fake_clock) for n in (1, 2, 3)])
    await fake_clock.settle()
    carrier.bring([receipt(n, fake_clock) for n in (4, 5)])
    carrier.bring([receipt(6, fake_clock)])
    await fake_clock.settle()
    assert (sink.offered, settled) == ([[1, 2, 3]], []), "settled before it was committed, or overtaken"
    sink.gate.set()
    await fake_clock.settle()
    assert (sink.offered, settled) == ([[1, 2, 3], [4, 5, 6]], [3, 6])
    assert len(sink.committed) == 6
    await carrier.close(0)


async def test_a_batch_is_never_longer_than_a_transaction_should_be(
    fake_clock: clock.FakeClock, settled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "MOST", 4)
    sink = Sink()
    carrier = courier.Courier(sink, settled.append, fake_clock)
    carrier.bring([receipt(n, fake_clock) for n in range(1, 11)])
    await fake_clock.settle()
    assert [len(each) for each in sink.offered] == [4, 4, 2]
    assert sink.committed == list(range(1, 11))
    await carrier.close(0)


async def test_a_refused_batch_comes_again_whole_later_and_before_what_follows(
    fake_clock: clock.FakeClock, settled: list[int]
) -> None:
    sink = Sink()
    sink.refusals = 3
    carrier = courier.Courier(sink, settled.append, fake_clock)
    carrier.bring([receipt(1, fake_clock), receipt(2, fake_clock)])
    await fake_clock.settle()
    carrier.bring([receipt(3, fake_clock)])
    offered = []
    for _ in range(12):
        await fake_clock.advance(0.1)
        offered.append(len(sink.offered))
    assert offered[:3] == [2, 2, 3], "0.1 s, then twice as long each time"
    assert sink.committed == [1, 2, 3]
    assert settled == [2, 3]
    await carrier.close(0)


async def test_one_that_waits_holds_up_the_settling_and_nothing_else(fake_clock: clock.FakeClock, settled: list[int]) -> None:
    """A device's event that cannot be stored just now: outcomes go in, but a restart must tell from there on again."""
    sink = Sink()
    sink.refusals = 1
    carrier = courier.Courier(sink, settled.append, fake_clock)
    carrier.bring([connected(1, fake_clock)])
    await fake_clock.settle()
    carrier.bring([receipt(2, fake_clock), connected(3, fake_clock)])
    await fake_clock.settle()
    assert (sink.committed, settled) == ([2, 3], []) or (sink.committed, settled) == ([3, 2], [])
    await fake_clock.advance(0.1)
    assert settled == [3]
    await carrier.close(0)


async def test_a_sink_of_single_events_gets_outcomes_one_by_one(fake_clock: clock.FakeClock, settled: list[int]) -> None:
    taken: list[int] = []

    async def sink(event: port.Event) -> None:
        taken.append(event.seq)

    carrier = courier.Courier(sink, settled.append, fake_clock)
    carrier.bring([receipt(n, fake_clock) for n in (1, 2, 3)])
    await fake_clock.settle()
    assert (taken, settled[-1]) == ([1, 2, 3], 3)
    await carrier.close(0)
