"""Erasing a person reaches the simulator's own record (I-24)."""

import asyncio
import json
from datetime import timedelta

from hantar.gateways import forget, port
from hantar.gateways.simulator import driver, ledger, lines
from tests.fleet import CALM

NUMBER, OTHER, LID = "60123000111", "60123000222", "12345678901234@lid"


async def test_the_driver_leaves_no_trace_of_an_erased_person(fake_clock, tmp_path):
    book = ledger.FileLedger(tmp_path)
    simulator = driver.SimulatorDriver(lines.InProcess(fake_clock, book, options=CALM), fake_clock, CALM)
    taken: list[port.Event] = []

    async def sink(event: port.Event) -> None:
        taken.append(event)

    await simulator.start(sink)
    device = port.DeviceRef("d1", 1, "60120000001")
    await simulator.open(device)
    await fake_clock.advance(1)
    await simulator.simulate(device, port.SimulatorAction("scan", phone="60120000001"))
    await fake_clock.advance(5)
    for number in (NUMBER, OTHER):
        await _sent(simulator, fake_clock, device, number)
    said = port.SimulatorAction("inbound", phone=NUMBER, text="My secret words", opaque=LID, extra={"name": "Siti"})
    await simulator.simulate(device, said)
    await fake_clock.advance(1)
    book.flush()
    assert NUMBER in book.path.read_text()
    assert isinstance(simulator, forget.Forgets)

    await simulator.forget_people([NUMBER, LID])

    text = book.path.read_text()
    assert not [word for word in (NUMBER, LID, "secret", "Siti") if word in text]
    assert OTHER in text, "nobody else's record is touched"
    assert all(json.loads(line)["device"] == "d1" for line in text.splitlines())
    before = len(taken)
    await fake_clock.advance(60)
    linked = [each for each in taken[before:] if isinstance(each, port.IdentityLinked)]
    assert linked == [], "what was on its way never arrives"
    await _sent(simulator, fake_clock, device, OTHER)
    book.flush()
    assert book.path.read_text().count(OTHER) > text.count(OTHER), "the new file is the one that is written"
    await simulator.close(timedelta())
    book.close()
    ledger.FileLedger(tmp_path).close()


async def _sent(simulator, fake_clock, device, number):
    sending = asyncio.ensure_future(
        simulator.send(
            device, port.Address(phone=number), port.Content(text="Hello"), ref=f"R{int(number) % 97}{fake_clock.monotonic()}"
        )
    )
    await fake_clock.advance(2)
    assert isinstance(await asyncio.wait_for(sending, 5), port.Accepted)
