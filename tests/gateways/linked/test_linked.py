"""Session hosts as they are: real processes that are killed, hang, crash and print, with a scripted library in them."""

import asyncio
import functools
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hantar.gateways import port
from hantar.gateways.linked import driver, files, frames, hosts, watch
from hantar.kit import clock
from tests.contract import rig_linked, rigs
from tests.gateways.linked.starting import Start

ANN = rigs.person(rigs.ordinary)
BOB = "60129999999"


def refs_of(rig: rigs.Rig) -> list[str | None]:
    return [each.ref for each in rig.seen(port.Receipt)]


# ---------------------------------------------------------------------- death under load


async def keep_sending(rig: rigs.Rig, device: port.DeviceRef, said: dict[str, list[port.Verdict]], stop: asyncio.Event) -> None:
    """Send one message after the other as the engine does: again what certainly did not leave, never what is in doubt."""
    number = 0
    while not stop.is_set():
        ref = f"{device.device_id}:{number}"
        verdict = await rig.driver.send(device, port.Address(ANN), port.Content("Hello"), ref=ref)
        said.setdefault(ref, []).append(verdict)
        if isinstance(verdict, port.DeviceLost):
            await asyncio.sleep(0.05)
        else:
            number += 1


async def kill_under_load(rig: rig_linked.LinkedRig) -> None:
    """Two hosts with three devices each send without a pause; one host is killed; all must hold what was promised."""
    devices = [await rig.linked(f"device-{number}") for number in range(6)]
    struck, others = devices[:3], devices[3:]
    pid = rig.driver.pid_of("device-0")
    assert pid is not None
    assert pid != rig.driver.pid_of("device-3")
    said: dict[str, list[port.Verdict]] = {}
    stop = asyncio.Event()
    senders = [asyncio.create_task(keep_sending(rig, each, said, stop)) for each in devices]
    await rig.until(lambda: len(said) > 30)
    os.kill(pid, signal.SIGKILL)
    await rig.until(lambda: all(len(rig.seen(port.Connected, each.device_id)) == 2 for each in struck))
    before = len(said)
    await rig.until(lambda: len(said) > before + 30)
    stop.set()
    await asyncio.gather(*senders)

    sent = Counter(each["ref"] for each in rig.effects())
    assert max(sent.values()) == 1, "a message was sent again"
    for ref, verdicts in said.items():
        assert isinstance(verdicts[-1], port.Accepted | port.Unconfirmed)
        assert all(isinstance(each, port.DeviceLost) for each in verdicts[:-1])
        assert sent[ref] == 1 or isinstance(verdicts[-1], port.Unconfirmed), "accepted, and it never left"
    doubtful = {ref.partition(":")[0] for ref, verdicts in said.items() if isinstance(verdicts[-1], port.Unconfirmed)}
    assert doubtful == {each.device_id for each in struck}, "what was in flight is unconfirmed, and nothing else"
    gone = {each.device_id: each.why for each in rig.seen(port.Disconnected)}
    assert gone == {each.device_id: "gateway_restart" for each in struck}
    assert [len(rig.seen(port.Connected, each.device_id)) for each in others] == [1, 1, 1], "other hosts are unaffected"


LOADED: dict[str, Any] = {"most": 3, "options": {"world": {"latency": (0.05, 0.2)}}}


@pytest.mark.slow
async def test_a_host_killed_under_load_sends_nothing_again_and_comes_back(start: Start) -> None:
    await kill_under_load(await start(**LOADED))


def _forgetful(asked: "asyncio.Future[Any]", verdict: Callable[[Any], port.Verdict]) -> port.Verdict:
    """The bug: a host's death is taken for a refusal."""
    return port.DeviceLost(None) if isinstance(asked.exception(), hosts.HostCut) else verdict(asked)


@pytest.mark.slow
async def test_mutant_death_taken_for_a_refusal_is_found(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_verdict", functools.partial(_forgetful, verdict=driver._verdict))
    found = []
    for _ in range(3):  # on a busy machine a death may find nothing that has left
        rig = await start(**LOADED)
        with pytest.raises(AssertionError) as caught:
            await kill_under_load(rig)
        await rig.close()
        found.append(str(caught.value))
        if "sent again" in found[-1]:
            return
    pytest.fail(f"the mutant lives: {found}")


# ---------------------------------------------------------------------- events


@pytest.mark.slow
async def test_what_nobody_took_is_told_by_the_next_program_and_then_never_again(start: Start) -> None:
    first = await start()
    device = await first.linked()
    await first.until(lambda: len(first.seen(port.HistoryBatch)) == 2)
    first.refuse_events = 1_000_000
    await first.does(device, "inbound", phone=ANN, text="STOP")
    await first.close()
    assert not first.seen(port.MessageReceived)
    second = await start()
    [message] = await second.until(lambda: second.seen(port.MessageReceived))
    assert message.text == "STOP"
    assert not second.seen(port.Connected), "a line of the former program is not open"
    await second.until(lambda: not any(spool.stat().st_size for spool in (second.setup.folder / "spool").glob("*.jsonl")))
    await second.close()
    third = await start()
    await third.driver.open(device)
    await third.until(lambda: third.seen(port.Connected))
    assert not third.seen(port.MessageReceived)


async def die_untaken(rig: rig_linked.LinkedRig) -> None:
    """A host dies while what it told is not taken yet; each thing must be brought once."""
    device = await rig.linked()
    await rig.until(lambda: len(rig.seen(port.HistoryBatch)) == 2)
    rig.refuse_events = 1_000_000
    await rig.does(device, "inbound", phone=ANN, text="Hello")
    host = rig.driver._seats.hosts[0]
    before = host.pid
    await rig.does(device, "crash")
    await rig.until(lambda: host.pid not in (None, before) and host.is_ready)
    await rig.passes(0.3)  # what the new one has to say is said
    rig.refuse_events = 0
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2 and rig.seen(port.MessageReceived))
    await rig.does(device, "inbound", phone=ANN, text="again")
    await rig.until(lambda: len(rig.seen(port.MessageReceived)) >= 2 and not host.courier._tasks)
    assert [each.text for each in rig.seen(port.MessageReceived)] == ["Hello", "again"]
    numbers = [each.seq for each in rig.seen(port.MessageReceived)]
    assert numbers == sorted(numbers)


@pytest.mark.slow
async def test_an_event_is_brought_once_though_its_host_dies_before_it_is_taken(start: Start) -> None:
    await die_untaken(await start())


@pytest.mark.slow
async def test_mutant_a_parent_that_forgets_what_it_heard_is_found(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    real = hosts.Host._spawn

    async def forgetful(host: hosts.Host) -> None:
        host._last_seq = 0
        await real(host)

    monkeypatch.setattr(hosts.Host, "_spawn", forgetful)
    with pytest.raises(AssertionError, match="Hello"):
        await die_untaken(await start())


async def test_what_a_library_prints_reaches_nobody(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    rig = await start()
    device = await rig.linked()
    await rig.does(device, "print")
    assert isinstance(await rig.send(device, ANN, "m1"), port.Accepted)
    assert not rig.seen(port.Disconnected)
    assert capfd.readouterr().out == ""


async def test_a_file_goes_to_a_host_once_and_again_when_the_host_has_it_no_longer(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[int] = []
    real = frames.pack
    monkeypatch.setattr(frames, "pack", lambda *values, data=b"": (brought.append(len(data)), real(*values, data=data))[1])
    rig = await start(most=1)
    devices = [await rig.linked(f"device-{number}") for number in range(2)]
    picture = port.Content("Look", port.MediaBytes("image/png", b"\x89PNG" * 50_000))
    paper = port.Content("Read", port.MediaBytes("application/pdf", b"%PDF" * 10_000, "a.pdf"))

    async def send(device: port.DeviceRef, content: port.Content, ref: str) -> port.Verdict:
        return await rig.driver.send(device, port.Address(ANN), content, ref=ref)

    sends = [send(device, content, f"m{n}") for n in range(10) for device in devices for content in (picture, paper)]
    assert all(isinstance(each, port.Accepted) for each in await asyncio.gather(*sends))
    assert sorted(size for size in brought if size) == [40_000, 40_000, 200_000, 200_000]
    brought.clear()
    other = port.Content("New", port.MediaBytes("image/png", b"\x89PNG" * 1000))
    rig.driver._seats.hosts[0].files.add(files.digest(other.media))  # type: ignore[arg-type] # it has one; as if it had been dropped
    assert isinstance(await send(devices[0], other, "again"), port.Accepted)
    assert [size for size in brought if size] == [4000]
    bodies = {each["body"] for each in rig.effects()}
    assert len(bodies) == 3, "what arrives is what was sent"


# ---------------------------------------------------------------------- deadlines, silence, flapping


async def test_a_send_without_an_answer_ends_in_doubt_and_a_late_answer_settles_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "SEND_WITHIN", 0.3)
    rig = await start()
    device = await rig.linked()
    await rig.does(device, "slow", for_seconds=0.8)
    verdicts = await asyncio.gather(*(rig.send(device, ANN, ref) for ref in ("m1", "m2")))
    assert all(isinstance(each, port.Unconfirmed) for each in verdicts)
    await rig.until(lambda: rig.seen(port.Silent))
    await rig.until(lambda: {"m1", "m2"} <= set(refs_of(rig)))
    sent = {each["ref"]: each["wire"] for each in rig.effects()}
    settled = [each for each in rig.seen(port.Receipt) if each.ref]
    assert {each.ref: each.wire_ids for each in settled} == {ref: (wire,) for ref, wire in sent.items()}


@pytest.mark.slow
async def test_a_host_that_hangs_puts_its_devices_in_doubt_and_is_killed(start: Start) -> None:
    rig = await start(beat=0.4)
    device = await rig.linked()
    pid = rig.driver.pid_of(device.device_id)
    hung = asyncio.create_task(rig.does(device, "hang", for_seconds=60))
    await rig.until(lambda: rig.seen(port.Silent))
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    assert rig.driver.pid_of(device.device_id) != pid
    assert await hung == {}


async def test_a_client_that_never_connects_is_restarted_and_then_rests(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ANSWER", 0.4)
    rig = await start(options={"mute_on_open": ["device-1"]})
    await rig.driver.open(port.DeviceRef("device-1"))
    gone = await rig.until(lambda: len(rig.seen(port.Disconnected)) == 2 and rig.seen(port.Disconnected))
    assert {(each.why, each.will_retry) for each in gone} == {("no_answer", True)}
    await rig.passes(0.7)
    assert len(rig.seen(port.Disconnected)) == 2, "now it rests"


async def test_a_line_that_flaps_rests_and_comes_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FIRST_HOLD", 0.4)
    rig = await start()
    device = await rig.linked()
    await rig.does(device, "flap", times=watch.FLAPS)
    seen = await rig.until(lambda: len(rig.seen(port.Connected)) == watch.FLAPS + 1 and rig.seen(port.Connected))
    assert "flapping" in {each.why for each in rig.seen(port.Disconnected)}
    assert (seen[-1].at - seen[-2].at).total_seconds() >= 0.4
    assert isinstance(await rig.send(device, ANN, "m1"), port.Accepted)


# ---------------------------------------------------------------------- crashes and quarantine


@pytest.mark.slow
async def test_a_device_whose_opening_crashes_the_host_is_put_aside_and_the_others_live(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "FIRST_RESTART", 0.02)
    rig = await start(options={"crash_on_open": ["bad"]})
    good = [await rig.linked(f"good-{number}") for number in range(2)]
    await rig.driver.open(port.DeviceRef("bad"))
    [refused] = await rig.until(lambda: rig.seen(port.Refused), 40)
    assert (refused.device_id, refused.why) == ("bad", "quarantined")
    await rig.until(lambda: all(len(rig.seen(port.Connected, each.device_id)) == watch.CRASHES + 1 for each in good))
    assert isinstance(await rig.send(good[0], ANN, "m1"), port.Accepted)
    assert not {each.device_id for each in rig.seen(port.Refused)} - {"bad"}


def test_the_last_words_of_a_host_name_the_reason_without_numbers_of_people() -> None:
    words = hosts._LastWords()
    words.data_received(b"goroutine 7 [running]: sent to 60123456789\npanic: concurrent map writes for 60123456789\nmore\n")
    assert words.telling() == "panic: concurrent map writes for …"
    words = hosts._LastWords()
    words.data_received(b"Traceback (most recent call last):\n  x\nImportError: libmagic is missing\n")
    assert words.telling() == "ImportError: libmagic is missing"


# ---------------------------------------------------------------------- settling what is unconfirmed


async def test_an_unknown_wire_id_settles_the_one_message_it_can_be(start: Start) -> None:
    rig = await start()
    device = await rig.linked()
    await rig.does(device, "lose_trace", for_seconds=3600)
    assert isinstance(await rig.send(device, ANN, "m1"), port.Unconfirmed)
    await rig.does(device, "receipt", wire="W0", kind="delivered", phone=BOB)
    await rig.does(device, "receipt", wire="W1", kind="delivered", phone=ANN)
    await rig.does(device, "receipt", wire="W1", kind="read", phone=ANN)
    await rig.does(device, "receipt", wire="W2", kind="delivered", phone=ANN)
    await rig.until(lambda: len(rig.seen(port.Receipt)) == 4)
    assert [(each.wire_ids, each.ref) for each in rig.seen(port.Receipt)] == [
        (("W0",), None),  # another chat
        (("W1",), "m1"),
        (("W1",), None),  # known by now
        (("W2",), None),  # nothing waits any more
    ]
    assert type(rig.seen(port.Receipt)[0]) is port.Receipt


async def test_what_could_be_two_messages_or_was_written_on_the_phone_settles_nothing(start: Start) -> None:
    rig = await start()
    device = await rig.linked()
    await rig.does(device, "lose_trace", for_seconds=3600)
    assert isinstance(await rig.send(device, ANN, "m1"), port.Unconfirmed)
    await rig.does(device, "sent_elsewhere", phone=ANN)
    [elsewhere] = await rig.until(lambda: rig.seen(port.MessageSentElsewhere))
    await rig.does(device, "receipt", wire=elsewhere.wire_id, kind="delivered", phone=ANN)
    assert isinstance(await rig.send(device, ANN, "m2"), port.Unconfirmed)
    await rig.does(device, "receipt", wire="W1", kind="delivered", phone=ANN)
    await rig.until(lambda: len(rig.seen(port.Receipt)) == 2)
    assert refs_of(rig) == [None, None]


async def test_a_reply_that_quotes_an_unknown_wire_id_settles_too(start: Start) -> None:
    rig = await start()
    device = await rig.linked()
    await rig.does(device, "lose_trace", for_seconds=3600)
    assert isinstance(await rig.send(device, ANN, "m1"), port.Unconfirmed)
    await rig.does(device, "inbound", phone=ANN, text="Yes", extra={"quoted": "W1"})
    [message] = await rig.until(lambda: rig.seen(port.MessageReceived))
    [receipt] = await rig.until(lambda: rig.seen(port.Receipt))
    assert (receipt.wire_ids, receipt.ref, receipt.kind) == (("W1",), "m1", port.ReceiptKind.DELIVERED)
    assert message.quoted_wire_id == "W1"


# ---------------------------------------------------------------------- sessions


class Drawer:
    """Keeps sessions as the program does, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def load(self, device_id: str) -> bytes | None:
        return self.kept.get(device_id)

    async def save(self, device_id: str, data: bytes) -> None:
        self.kept[device_id] = data

    async def drop(self, device_id: str) -> None:
        self.kept.pop(device_id, None)


async def test_a_session_is_kept_comes_back_from_its_copy_and_goes_with_the_link(start: Start) -> None:
    drawer = Drawer()
    first = await start(keeps=drawer)
    device = await first.linked()
    await first.close()
    assert b"60111111111" in drawer.kept[device.device_id]
    for file in (first.setup.folder / "sessions").iterdir():
        file.unlink()
    second = await start(keeps=drawer)
    assert await second.driver.is_linked(device)
    await second.driver.open(device)
    await second.until(lambda: second.seen(port.Connected))
    assert not second.seen(port.QrCode)
    await second.does(device, "log_out")
    await second.until(lambda: second.seen(port.LoggedOut) and not drawer.kept)
    assert not await second.driver.is_linked(device)
    assert oct((second.setup.folder / "sessions").stat().st_mode)[-3:] == "700"


# ---------------------------------------------------------------------- processes


async def test_a_host_starts_in_the_main_thread_alone(tmp_path: Path) -> None:
    host = hosts.Host(0, hosts.Setup(tmp_path, rig_linked.LIBRARY), None, None, clock.SystemClock())  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(host.start)


async def test_a_library_is_told_no_password(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://hantar:canary@localhost/hantar")
    monkeypatch.setenv("APP_BASIC_AUTH", "admin:canary")
    rig = await start()
    device = await rig.linked()
    told = Path(f"/proc/{rig.driver.pid_of(device.device_id)}/environ").read_bytes()
    assert b"PATH=" in told
    assert b"canary" not in told


async def test_a_closed_driver_leaves_no_process(start: Start) -> None:
    rig = await start()
    device = await rig.linked()
    pid = rig.driver.pid_of(device.device_id)
    assert pid is not None
    await rig.driver.close(timedelta(seconds=1))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(port.PairingRefused):
        await rig.driver.is_linked(device)


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.contract import rig_linked
async def main():
    rig = await rig_linked.start(Path(sys.argv[1]))
    device = await rig.linked()
    print(rig.driver.pid_of(device.device_id), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_host_ends_with_its_parent(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PARENT, str(tmp_path)]
    parent = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    try:
        assert parent.stdout is not None
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        os.kill(pid, 0)
        parent.kill()
        async with asyncio.timeout(10):
            while is_alive(pid):
                await asyncio.sleep(0.02)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
