"""The simulator's record over a long life: files put aside, a snapshot in their stead, and nothing forgotten on the way."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from hantar.gateways import port
from hantar.gateways.simulator import chance, faults, ledger, memory, pairing
from hantar.gateways.simulator.refusals import Shipment
from hantar.gateways.simulator.world import World
from tests.contract import rigs
from tests.gateways.test_world import EXACT, Stage

ODD = chance.Options(connect=(0, 0), linking=(0, 0), oddities=0.3, lost_ack=0.1)
PEOPLE = [f"6015{n:07d}" for n in range(120)]


def reopened(stage: Stage, folder: Path, options: chance.Options = ODD) -> Stage:
    """The same ledger under another world, as after a restart."""
    assert isinstance(stage.book, ledger.FileLedger)
    stage.world.save()
    stage.book.close()
    return Stage(ledger.FileLedger(folder), options, stage.time)


def known(world: World) -> object:
    """All that a restart must bring back, in no particular order where none is promised; the last one taken may come twice."""
    found, marked = memory.state(world), world.book.marked()
    due = {kind: sorted(json.dumps(row) for row in rows if row[0] > marked) for kind, rows in found["due"].items()}
    return {**found, "due": due, "devices": sorted(map(json.dumps, found["devices"]))}


async def busy(stage: Stage, cut: Callable[[], None]) -> None:
    """Everything a ledger can hold, with a cut in the middle of it."""
    device = stage.link("a")
    stage.link("b")
    stage.link("c")
    for n, to in enumerate(PEOPLE):
        if n == 60:
            cut()
        stage.world.send(shipment("a" if n % 2 else "b", to, f"m{n}"), lambda verdict: None)
        await stage.passes(0.5, 0.5)
        if n % 7 == 0 and stage.told:
            stage.world.take(stage.told[len(stage.told) * 3 // 4].seq)
    for action, more in (
        ("inbound", {"phone": PEOPLE[0], "text": "Hi", "opaque": "1@lid", "for_seconds": 60.0}),
        ("restrict", {"for_seconds": 600.0}),
        ("rate_limit", {"for_seconds": 600.0}),
        ("offline", {"for_seconds": 30.0}),
    ):
        faults.simulate(stage.world, device, port.SimulatorAction(action, **more))
        cut()
    pairing.forget(stage.world, "c")
    faults.simulate(stage.world, port.DeviceRef("b"), port.SimulatorAction("log_out"))
    stage.world.send(shipment("a", PEOPLE[1], "late", token=4), lambda verdict: None)


def shipment(device: str, to: str, ref: str, token: int = 1) -> Shipment:
    """A text to somebody."""
    return Shipment(device, token, to, None, ref, "hash")


async def test_a_snapshot_and_the_lines_after_it_say_the_same_as_all_lines(tmp_path: Path) -> None:
    whole = Stage(ledger.FileLedger(tmp_path / "whole"), ODD)
    await busy(whole, lambda: None)
    parted = Stage(ledger.FileLedger(tmp_path / "parted"), ODD)
    await busy(parted, parted.world.compact)
    one, other = reopened(whole, tmp_path / "whole"), reopened(parted, tmp_path / "parted")
    assert (tmp_path / "parted" / "snapshot.json").exists()
    assert len(list((tmp_path / "parted").glob("ledger-*.jsonl"))) == 5
    assert known(one.world) == known(other.world)
    assert any(memory.state(one.world)["due"].values())
    await one.passes(1200, 5)
    await other.passes(1200, 5)
    assert set(one.receipts()) == set(other.receipts())


async def test_the_record_is_complete_and_in_order_over_all_files(tmp_path: Path) -> None:
    stage = Stage(ledger.FileLedger(tmp_path), ODD)
    await busy(stage, stage.world.compact)
    stage.book.flush()
    found = list(ledger.read(tmp_path / "ledger.jsonl"))
    monos = [line["mono"] for line in found]
    assert monos == sorted(monos)
    refs = [line["ref"] for line in found if line.get("ref")]
    assert refs == [f"m{n}" for n in range(len(PEOPLE))] + ["late"]
    assert found == list(stage.book.lines())


@pytest.mark.parametrize("point", ["put aside and nothing kept", "a snapshot half written", "a snapshot that cannot be read"])
async def test_a_crash_while_the_ledger_is_put_aside_loses_nothing(tmp_path: Path, point: str) -> None:
    stage = Stage(ledger.FileLedger(tmp_path), ODD)
    await busy(stage, stage.world.compact)
    assert isinstance(stage.book, ledger.FileLedger)
    stage.world.save()
    before = known(stage.world)
    stage.book.put_aside()
    if point == "a snapshot half written":
        (tmp_path / "snapshot.json.new").write_text('{"upto":')
    elif point == "a snapshot that cannot be read":
        (tmp_path / "snapshot.json").write_text('{"upto":')
    again = reopened(stage, tmp_path)
    assert known(again.world) == before
    assert not list(tmp_path.glob("*.new"))


async def test_what_was_told_and_not_taken_is_told_again_after_a_snapshot(tmp_path: Path) -> None:
    stage = Stage(ledger.FileLedger(tmp_path), EXACT)
    device = stage.link()
    stage.send("m1")
    faults.simulate(stage.world, device, port.SimulatorAction("inbound", phone=PEOPLE[0], text="Hi"))
    await stage.passes(1200, 5)
    told = stage.receipts()
    assert told
    stage.world.compact()
    again = reopened(stage, tmp_path, EXACT)
    await again.passes(5)
    assert again.receipts() == told
    assert [each.text for each in again.told if isinstance(each, port.MessageReceived)] == ["Hi"]


def test_a_line_is_written_as_json_would_write_it() -> None:
    effect = ledger.Effect(1.5, "2026-12-01T02:00:00+00:00", 3, 'd"\\', "60é", "r\n", None, "b", "sent", "accepted", None)
    assert json.loads(effect.text()) == effect._asdict()
    other = effect._replace(wire='w"', fault="lose_ack")
    assert other.text() == json.dumps(other._asdict(), separators=(",", ":"))


def test_a_long_ledger_asks_to_be_put_aside(tmp_path: Path) -> None:
    book = ledger.FileLedger(tmp_path, long=3)
    for n in range(3):
        assert not book.is_long
        book.append({"device": "d", "effect": "fault", "n": n})
        book.flush()
    assert book.is_long
    book.close()
    book = ledger.FileLedger(tmp_path, long=3)
    assert book.is_long, "also after a restart"
    book.put_aside()
    assert not book.is_long
    book.close()


@pytest.mark.slow
async def test_the_host_puts_its_ledger_aside_while_it_works_and_may_be_killed(tmp_path: Path) -> None:
    rig = await rigs.host(tmp_path, long=200)
    device = await rig.linked()
    ann = rigs.person(rigs.ordinary)
    folder = tmp_path / "simulator"
    for round_ in range(3):
        sends = [rig.driver.send(device, port.Address(ann), port.Content("x"), ref=f"r{round_}m{n}") for n in range(250)]
        verdicts = [await each for each in sends]
        assert all(isinstance(each, port.Accepted) for each in verdicts)
        await rig.until(lambda wanted=round_: len(list(folder.glob("ledger-*.jsonl"))) > wanted)
    await rig.until((folder / "snapshot.json").exists)
    pid = rig.driver._line.pid  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGKILL)
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    assert await rig.send(device, ann, "r2m0") == verdicts[0]
    await rig.close()
    effects = [line["ref"] for line in ledger.read(folder / "ledger.jsonl") if line["effect"] == "sent"]
    assert sorted(effects) == sorted(f"r{round_}m{n}" for round_ in range(3) for n in range(250))
