"""The simulated world itself: the same again under the same seed, in any order, over restarts."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from hantar.gateways import port
from hantar.gateways.simulator import chance, driver, faults, ledger, lines, pairing, phone
from hantar.gateways.simulator.refusals import Shipment
from hantar.gateways.simulator.world import World
from hantar.kit import clock
from tests.contract import rigs

EXACT = chance.Options(latency=(0.0, 0.0), connect=(0.0, 0.0), linking=(0.0, 0.0))
ANN = rigs.person(rigs.ordinary, EXACT)


class Stage:
    """A world, its clock, its ledger and what it told."""

    def __init__(
        self, book: ledger.Ledger | None = None, options: chance.Options = EXACT, time: clock.FakeClock | None = None
    ) -> None:
        self.time, self.book = time or clock.FakeClock(), book or ledger.MemoryLedger()
        self.told: list[port.Event] = []
        self.verdicts: dict[str, port.Verdict] = {}
        self.world = World(seed=1, clock=self.time, book=self.book, tell=self.told.append, options=options)

    async def passes(self, seconds: float, step: float = 1.0) -> None:
        while seconds > 0:
            await self.time.advance(min(step, seconds))
            self.world.fire()
            seconds -= step

    def link(self, name: str = "d") -> port.DeviceRef:
        device = port.DeviceRef(name, 0, "60111111111")
        pairing.open_line(self.world, device)
        pairing.scan(self.world, device, None, None)
        for _ in range(3):
            self.world.fire()
        assert self.world.at(name).is_connected
        return device

    def send(self, ref: str, to: str = ANN, device: str = "d", token: int = 0) -> port.Verdict:
        shipment = Shipment(device, token, to, None, ref, "hash")
        answer: Callable[[port.Verdict], None] = lambda verdict: self.verdicts.__setitem__(ref, verdict)  # noqa: E731
        self.world.send(shipment, answer)
        return self.verdicts[ref]

    def receipts(self) -> list[tuple[str, str]]:
        return sorted((each.wire_ids[0], each.kind.value) for each in self.told if isinstance(each, port.Receipt))

    def effects(self, ref: str) -> list[str]:
        return [line["effect"] for line in self.book.lines() if line.get("ref") == ref]


async def test_six_codes_are_shown_and_then_the_pairing_has_expired() -> None:
    stage = Stage()
    pairing.open_line(stage.world, port.DeviceRef("d"))
    await stage.passes(59)
    assert [each.attempt for each in stage.told if isinstance(each, port.QrCode)] == [1]
    await stage.passes(1)
    assert [each.attempt for each in stage.told if isinstance(each, port.QrCode)] == [1, 2]
    await stage.passes(101)
    codes = [each for each in stage.told if isinstance(each, port.QrCode)]
    assert [each.attempt for each in codes] == [1, 2, 3, 4, 5, 6]
    assert len({each.code for each in codes}) == 6
    assert [each.why for each in stage.told if isinstance(each, port.PairFailed)] == ["expired"]
    with pytest.raises(port.PairingRefused):
        pairing.scan(stage.world, port.DeviceRef("d"), None, None)


async def test_an_old_picture_and_a_late_code_link_nothing() -> None:
    stage = Stage()
    device = port.DeviceRef("d")
    code = pairing.pair_code(stage.world, device, "60123456789")
    first = next(each for each in stage.told if isinstance(each, port.QrCode))
    await stage.passes(61)
    with pytest.raises(port.PairingRefused, match="wrong"):
        pairing.scan(stage.world, device, None, first.code)
    stage.world.at("d").pairing.typed_ends = stage.world.wall()  # type: ignore[union-attr]
    with pytest.raises(port.PairingRefused, match="old"):
        pairing.scan(stage.world, device, None, code.code)


async def test_the_answer_does_not_depend_on_the_order_of_sends() -> None:
    one, other = Stage(), Stage()
    numbers = [f"6013{n:07d}" for n in range(300)]
    for stage, order in ((one, numbers), (other, numbers[::-1])):
        stage.link()
        for number in order:
            stage.send(f"m{number}", number)
    assert {k: type(v) for k, v in one.verdicts.items()} == {k: type(v) for k, v in other.verdicts.items()}
    await one.passes(30)
    await other.passes(30)
    assert one.receipts() == other.receipts()
    assert len(one.receipts()) > 300


async def test_most_are_delivered_within_three_seconds_and_read_within_twenty_more() -> None:
    stage = Stage()
    stage.link()
    for n in range(1000):
        stage.send(f"m{n}", f"6014{n:07d}")
    await stage.passes(3.1, 0.1)
    kinds = [kind for _, kind in stage.receipts()]
    assert kinds.count("delivered") > 850
    await stage.passes(20, 0.5)
    assert 600 < [kind for _, kind in stage.receipts()].count("read") < 900
    refused = [each for each in stage.verdicts.values() if isinstance(each, port.Rejected)]
    assert 3 <= len(refused) <= 35


async def test_links_ids_and_receipts_survive_a_restart(tmp_path: Path) -> None:
    book = ledger.FileLedger(tmp_path)
    before = Stage(book)
    before.link()
    for n in range(50):
        assert isinstance(before.send(f"m{n}"), port.Accepted)
    book.close()  # killed: nothing was taken, so everything is told again
    book = ledger.FileLedger(tmp_path)
    after = Stage(book, time=before.time)
    assert after.world.at("d").is_linked
    assert isinstance(after.send("m1"), port.DeviceLost | port.Accepted)
    assert after.effects("m1").count("sent") == 1
    await after.passes(1200, 5)
    await before.passes(0)
    assert len([each for each in after.receipts() if each[1] == "delivered"]) >= 50
    book.close()


async def test_receipts_that_were_taken_are_not_told_again(tmp_path: Path) -> None:
    book = ledger.FileLedger(tmp_path)
    before = Stage(book)
    before.link()
    before.send("m1")
    await before.passes(1200, 1)
    assert before.receipts()
    before.world.take(before.told[-1].seq)
    before.world.save()
    book.close()
    book = ledger.FileLedger(tmp_path)
    after = Stage(book, time=before.time)
    await after.passes(60)
    assert len(after.receipts()) <= 1  # the very last one may come twice
    assert not after.told or after.told[0].seq > before.told[-1].seq
    book.close()


async def test_a_line_cut_in_half_never_happened(tmp_path: Path) -> None:
    book = ledger.FileLedger(tmp_path)
    stage = Stage(book)
    stage.link()
    stage.send("m1")
    book.close()
    with book.path.open("ab") as file:
        file.write(b'{"effect":"sent","ref":"m2","dev')
    book = ledger.FileLedger(tmp_path)
    again = Stage(book)
    again.send("m3")
    book.flush()
    assert [line["ref"] for line in again.book.lines() if line.get("ref")] == ["m1", "m3"]
    book.close()


def test_two_worlds_cannot_write_one_ledger(tmp_path: Path) -> None:
    book = ledger.FileLedger(tmp_path)
    with pytest.raises(ledger.InUse):
        ledger.FileLedger(tmp_path)
    book.close()


async def test_without_our_own_ids_a_repeat_is_a_second_effect() -> None:
    stage = Stage(options=chance.Options(latency=(0, 0), connect=(0, 0), linking=(0, 0), caller_ids=False))
    stage.link()
    first, second = stage.send("m1"), stage.send("m1")
    assert isinstance(first, port.Accepted)
    assert isinstance(second, port.Accepted)
    assert first.wire_id != second.wire_id
    assert stage.effects("m1") == ["sent", "sent"]


async def test_the_ledger_holds_every_effect_and_refusal_but_no_text() -> None:
    stage = Stage()
    stage.link()
    stage.send("m1", token=3)
    stage.send("m1", token=3)
    stage.send("m2", token=2)
    faults.simulate(stage.world, port.DeviceRef("d"), port.SimulatorAction("reject"))
    stage.send("m3", token=3)
    assert stage.effects("m1") == ["sent", "repeat"]
    assert stage.effects("m2") == ["forbidden"]
    assert stage.effects("m3") == ["refused"]
    line = next(line for line in stage.book.lines() if line.get("ref") == "m1")
    assert {"mono", "at", "token", "device", "to", "ref", "wire", "body", "effect", "fault"} <= set(line)


async def test_who_slows_down_is_served_again() -> None:
    stage = Stage()
    stage.link()
    faults.simulate(stage.world, port.DeviceRef("d"), port.SimulatorAction("rate_limit", for_seconds=600))
    for n in range(3):
        assert isinstance(stage.send(f"m{n}"), port.Deferred)
        await stage.passes(2)
    await stage.passes(4)
    assert isinstance(stage.send("m9"), port.Accepted)


async def test_a_lost_ack_share_leaves_effects_without_an_answer() -> None:
    options = chance.Options(latency=(0, 0), connect=(0, 0), linking=(0, 0), lost_ack=0.2)
    stage = Stage(options=options)
    stage.link()
    for n in range(500):
        stage.send(f"m{n}")
    lost = [ref for ref, verdict in stage.verdicts.items() if isinstance(verdict, port.Unconfirmed)]
    assert 60 < len(lost) < 140
    assert all(stage.effects(ref) == ["sent"] for ref in lost)
    await stage.passes(30)
    heard = {wire for wire, _ in stage.receipts()}
    assert 0 < len(heard & set(lost)) < len(lost)


async def test_a_full_listener_stops_events_and_never_answers() -> None:
    stage = Stage()
    stage.link()
    for n in range(3000):
        stage.send(f"m{n}")
    await stage.passes(400, 10)
    assert len(stage.told) == 4096
    assert isinstance(stage.send("late"), port.Accepted)
    stage.world.take(stage.told[-1].seq)
    stage.world.fire()
    assert len(stage.told) > 4096


async def test_simulated_people_answer_when_they_are_asked_to() -> None:
    stage = Stage(options=chance.Options(latency=(0, 0), connect=(0, 0), linking=(0, 0), replies=1.0))
    stage.link()
    stage.send("m1")
    await stage.passes(40)
    [reply] = [each for each in stage.told if isinstance(each, port.MessageReceived)]
    assert (reply.sender.phone, reply.quoted_wire_id) == (ANN, "m1")


async def test_two_sends_without_an_answer_make_a_device_silent() -> None:
    time = clock.FakeClock()
    line = lines.InProcess(time, ledger.MemoryLedger(), options=rigs.FAST)
    rig = rigs.Rig(driver.SimulatorDriver(line, time, rigs.FAST), time)
    await rig.driver.start(rig.sink)
    device = await rig.linked()
    await rig.does(device, "silent", for_seconds=3600)
    for ref in ("m1", "m2"):
        assert isinstance(await rig.send(device, ANN, ref), port.Unconfirmed)
    [silent] = await rig.until(lambda: rig.seen(port.Silent))
    assert silent.device_id == device.device_id
    await rig.driver.disconnect(device)
    await rig.driver.open(device)
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    assert isinstance(await rig.send(device, ANN, "m3"), port.Accepted)
    await rig.close()


def test_pair_codes_have_no_letters_that_look_alike() -> None:
    assert not set(phone.ALPHABET) & set("IOU0")


async def test_what_comes_together_is_decided_as_one_by_one() -> None:
    options = chance.Options(latency=(0.0, 0.0), connect=(0, 0), linking=(0, 0), lost_ack=0.2, oddities=0.3, caller_ids=False)
    one, other = Stage(options=options), Stage(options=options)
    numbers = [f"6016{n:07d}" for n in range(200)]
    for stage in (one, other):
        stage.link()
        faults.simulate(stage.world, port.DeviceRef("d"), port.SimulatorAction("reject_late", phone=numbers[3]))
    for number in numbers:
        one.send(f"m{number}", number)
    together = []
    for number in numbers:
        answer = functools.partial(other.verdicts.__setitem__, f"m{number}")
        together.append((Shipment("d", 0, number, None, f"m{number}", "hash"), answer, other.time.monotonic()))
    other.world.send_together(together)
    assert one.verdicts == other.verdicts
    assert {type(each) for each in one.verdicts.values()} >= {port.Accepted, port.Rejected, port.Unconfirmed}
    assert list(one.book.lines()) == list(other.book.lines())
    await one.passes(600, 5)
    await other.passes(600, 5)
    assert one.receipts() == other.receipts()


def test_chance_that_has_no_say_is_not_asked_and_the_delay_is_one_of_the_draws() -> None:
    whole = chance.Options(not_on_whatsapp=0, hides_read=1, is_off=0, blocks=1)
    all_alike = chance.everybody(whole)
    assert all_alike is not None
    for n in range(100):
        assert chance.traits(1, f"60{n}", whole) == all_alike
        lot = chance.message_lot(1, "d", f"60{n}", "m", 1)
        assert chance.delay_of(lot, whole) == pytest.approx(chance.between(whole.latency, chance.draws_of(lot)[7]))
    assert chance.everybody(chance.Options()) is None
    assert len({chance.traits(1, f"60{n}", chance.Options()) for n in range(1000)}) > 1


async def test_a_world_that_rests_wakes_for_a_message_and_tells_answers_within_a_step() -> None:
    time, answered = clock.FakeClock(), {}
    options = chance.Options(latency=(0.01, 0.03), connect=(0, 0), linking=(0, 0), not_on_whatsapp=0)
    line = lines.InProcess(time, ledger.MemoryLedger(), options=options)
    hear = lambda number, verdict: answered.__setitem__(number, time.monotonic())  # noqa: E731
    await line.start(lines.Ears(lambda events: None, hear, lambda: None, lambda: None))
    device = line.world.at("d")
    device.phone, device.is_connected = "60111111111", True
    await time.advance(5)  # nothing is planned: it rests
    sent = {}
    for number in range(40):
        sent[number] = time.monotonic()
        line.send(number, Shipment("d", 0, ANN, None, f"m{number}", "hash"))
        await time.advance(0.003)
    await time.advance(0.1)
    for number, at in sent.items():
        due = at + chance.delay_of(chance.message_lot(1, "d", ANN, f"m{number}", 1), options)
        assert due <= answered[number] <= due + lines.STEP + 1e-9
    await line.close()
