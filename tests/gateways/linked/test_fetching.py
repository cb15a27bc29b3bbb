"""Files that people sent: from the library through the host, over the socket, to whoever asks the driver."""

import asyncio
import base64
import contextlib
import json
import os
import signal
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from hantar.gateways import media, port
from hantar.gateways.linked import driver, fetching, files, frames, whatsmeow_files, whatsmeow_words
from hantar.kit.clock import FakeClock
from tests.contract import rig_linked, rigs
from tests.gateways.linked import protos
from tests.gateways.linked.scripted import Api, Script
from tests.gateways.linked.starting import Start

ANN = rigs.person(rigs.ordinary)
LONG = 5 * fetching.PIECE


async def sent(rig: rigs.Rig, device: port.DeviceRef, **extra: str) -> port.MediaRef:
    """A file that Ann sends now."""
    before = len(rig.seen(port.MessageReceived))
    await rig.does(device, "inbound", phone=ANN, extra={"media": "document", **extra})
    found = await rig.until(lambda: rig.seen(port.MessageReceived)[before:])
    assert found[0].media is not None
    return found[0].media  # type: ignore[no-any-return] # until gives back what the test looked for


async def whole(rig: rig_linked.LinkedRig, device: port.DeviceRef, ref: port.MediaRef) -> bytes:
    return b"".join([piece async for piece in rig.driver.fetch_media(device, ref)])


def is_idle(rig: rig_linked.LinkedRig) -> bool:
    return all(not host.in_flight for host in rig.driver._seats.hosts.values())


# ---------------------------------------------------------------------- over the socket


async def test_a_large_file_comes_in_small_pieces(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[int] = []
    real = frames.Reader.frames

    def look(reader: frames.Reader, data: bytes) -> Any:
        for frame in real(reader, data):
            brought.append(len(frame.data))
            yield frame

    monkeypatch.setattr(frames.Reader, "frames", look)
    rig = await start()
    device = await rig.linked()
    ref = await sent(rig, device)
    await rig.does(device, "fetching", bytes=LONG + 256)
    assert await whole(rig, device, ref) == bytes(range(256)) * (LONG // 256 + 1)
    assert [size for size in brought if size] == [fetching.PIECE] * 5 + [256]


async def test_many_files_at_once_come_one_after_the_other_and_whole(start: Start) -> None:
    rig = await start()
    devices = [await rig.linked(f"device-{number}") for number in range(3)]
    refs = [await sent(rig, each) for each in devices]
    alone = [await whole(rig, *each) for each in zip(devices, refs, strict=True)]
    together = await asyncio.gather(*(whole(rig, *each) for each in list(zip(devices, refs, strict=True)) * 3))
    assert together == alone * 3
    assert len({*alone}) == 3


async def test_what_cannot_be_had_any_more(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = await start()
    device = await rig.linked()
    ended = await sent(rig, device, media_seconds="0")
    with pytest.raises(media.MediaGone):
        await whole(rig, device, ended)
    with pytest.raises(media.MediaTooLarge):
        await whole(rig, device, replace(ended, size=fetching.MOST + 1))
    assert await rig.does(device, "fetching", bytes=fetching.MOST + 256) == {"asked": 1}, "the library was not asked for it"
    with pytest.raises(media.MediaTooLarge):
        await whole(rig, device, ended)  # it said less
    await rig.does(device, "fetching")
    assert await whole(rig, device, await sent(rig, device))


async def test_a_library_that_hangs_costs_a_deadline_and_no_more(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = await start()
    device, other = await rig.linked(), await rig.linked("device-2")
    assert rig.driver.pid_of(device.device_id) == rig.driver.pid_of(other.device_id)
    ref = await sent(rig, device)
    await rig.does(device, "fetching", hangs=True)
    monkeypatch.setattr(fetching, "FETCH_WITHIN", 0.3)
    with pytest.raises(port.PairingRefused, match="in time"):
        await whole(rig, device, ref)
    monkeypatch.setattr(fetching, "FETCH_WITHIN", 20.0)
    assert await whole(rig, other, await sent(rig, other)), "one that hangs holds up no other"
    await rig.does(device, "fetching")
    assert await whole(rig, device, ref), "and may be asked for again"
    assert isinstance(await rig.send(device, ANN, "m1"), port.Accepted)


async def test_who_stops_reading_holds_nobody_up(start: Start) -> None:
    rig = await start()
    device = await rig.linked()
    ref = await sent(rig, device)
    await rig.does(device, "fetching", bytes=LONG)
    for _ in range(3):
        async with contextlib.aclosing(rig.driver.fetch_media(device, ref)) as pieces:  # type: ignore[type-var] # a generator
            assert len(await anext(pieces)) == fetching.PIECE
    asking = asyncio.create_task(whole(rig, device, ref))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    assert len(await asyncio.wait_for(whole(rig, device, ref), 10)) == LONG
    await rig.until(lambda: is_idle(rig))


async def cut(rig: rig_linked.LinkedRig) -> None:
    """A host is killed in the middle of a file: whoever reads it is told, and gets it whole when he asks again."""
    device = await rig.linked()
    ref = await sent(rig, device)
    await rig.does(device, "fetching", bytes=LONG)
    pid = rig.driver.pid_of(device.device_id)
    assert pid is not None
    read: list[bytes] = []

    async def reads() -> None:
        async for piece in rig.driver.fetch_media(device, ref):
            read.append(piece)
            if len(read) == 2:
                os.kill(pid, signal.SIGKILL)

    with pytest.raises(port.PairingRefused):
        await reads()
    assert len(b"".join(read)) < LONG
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    assert await whole(rig, device, ref)
    assert is_idle(rig)


@pytest.mark.slow
async def test_a_host_killed_in_the_middle_of_a_file(start: Start) -> None:
    await cut(await start())


@pytest.mark.slow
async def test_mutant_a_file_that_ends_where_its_host_died_is_found(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    real = driver.LinkedDriver._ask

    async def ask(self: driver.LinkedDriver, device: port.DeviceRef, question: str, *values: Any, **more: Any) -> Any:
        try:
            return await real(self, device, question, *values, **more)
        except (port.PairingRefused, files.Lacking):
            if question == "piece":
                return bytes(LONG)  # as if all had been read
            raise

    monkeypatch.setattr(driver.LinkedDriver, "_ask", ask)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await cut(await start())


# ---------------------------------------------------------------------- the host's counter


async def brings(data: bytes) -> bytes:
    return data


async def test_the_counter_keeps_one_file_and_forgets_what_nobody_asks_for() -> None:
    time = FakeClock()
    counter = fetching.Counter(time)
    assert await counter.take("one", lambda: brings(b"1" * (fetching.PIECE + 1))) == fetching.PIECE + 1
    second = asyncio.create_task(counter.take("two", lambda: brings(b"22")))
    await time.settle(10)
    assert not second.done(), "two at once"
    await time.advance(fetching.KEPT - 1)
    assert counter.piece("one", 0) == b"1" * fetching.PIECE
    await time.settle(10)
    await time.advance(fetching.KEPT - 1)
    assert not second.done(), "somebody is reading it"
    await time.advance(2)
    await time.settle(10)
    with pytest.raises(files.Lacking):
        counter.piece("one", fetching.PIECE)
    assert second.done()
    assert await second == 2
    assert counter.piece("two", 0) == b"22"
    with pytest.raises(files.Lacking):
        counter.piece("two", 0)
    with pytest.raises(files.Lacking):
        counter.piece("", 0)


async def test_an_empty_file_and_one_nobody_wants_any_more_leave_the_counter_free() -> None:
    counter, gate = fetching.Counter(FakeClock()), asyncio.Event()

    async def waits() -> bytes:
        await gate.wait()
        return b"late"

    assert await counter.take("empty", lambda: brings(b"")) == 0
    asked = [asyncio.create_task(counter.take(name, waits)) for name in ("a", "b")]
    await asyncio.sleep(0)
    counter.drop("a")
    counter.drop("b")
    counter.drop("nobody's")
    gate.set()
    assert await asyncio.gather(*asked) == [0, 0]
    assert await counter.take("c", lambda: brings(b"3")) == 1


async def test_a_few_that_hang_hold_up_nobody_and_more_do(monkeypatch: pytest.MonkeyPatch) -> None:
    counter, gate = fetching.Counter(FakeClock()), asyncio.Event()

    async def hangs() -> bytes:
        await gate.wait()
        raise OSError

    async def give_up(name: str) -> None:
        asked = asyncio.create_task(counter.take(name, hangs))
        for _ in range(3):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])

    for number in range(fetching.MOST_HANGING):
        await give_up(f"{number}")
        assert await counter.take("x", lambda: brings(b"x")) == 1
        counter.drop("x")
    await give_up("one too many")
    waits = asyncio.create_task(counter.take("y", lambda: brings(b"y")))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waits.done(), "the memory of a host has a bound"
    gate.set()
    assert await asyncio.wait_for(waits, 5) == 1


# ---------------------------------------------------------------------- what the library is asked

WHERE = {"directPath": "/v/t62/x?oe=1", "mediaKey": b"k" * 32, "fileEncSHA256": b"e" * 32, "fileSHA256": b"s" * 32}
KINDS = {
    "imageMessage": (protos.e2e.ImageMessage, "imageMessage"),
    "stickerMessage": (protos.e2e.StickerMessage, "imageMessage"),
    "videoMessage": (protos.e2e.VideoMessage, "videoMessage"),
    "audioMessage": (protos.e2e.AudioMessage, "audioMessage"),
    "documentMessage": (protos.e2e.DocumentMessage, "documentMessage"),
}


def told(name: str = "documentMessage", **other: Any) -> port.MediaRef:
    """What we say of a file in a message, as the library told it."""
    made = KINDS[name][0](mimetype="a/b", URL="https://elsewhere.example/x", **WHERE | {"fileLength": 4} | other)
    found = whatsmeow_words.file_in(protos.e2e.Message(**{name: made}))
    assert found is not None
    return found


@pytest.fixture
async def api() -> Api:
    made = Script().NewAClient("x.db", props=None, uuid="x", new_device=False)
    made.files[str(WHERE["directPath"])] = b"file"
    return made


def fetch(api: Api, ref: port.MediaRef, most: int = 100) -> Coroutine[Any, Any, bytes]:
    return whatsmeow_files.fetch(api.library.library(), api, ref, most)


@pytest.mark.parametrize("name", KINDS)
async def test_the_library_is_asked_for_the_file_of_the_message_and_for_no_address(api: Api, name: str) -> None:
    assert await fetch(api, told(name)) == b"file"
    [message] = api.fetched
    [(field, file)] = message.ListFields()
    assert field.name == KINDS[name][1]
    assert {each.name: value for each, value in file.ListFields()} == WHERE | {"fileLength": 4}
    assert type(message).FromString(message.SerializeToString()) == message, "the library takes it as bytes"


@pytest.mark.parametrize("path", [".example.com/x", "@example.com/x", ":1@example.com/x", "", "/a b", "/a\r\nHost: x", "/é"])
async def test_a_path_that_leads_elsewhere_is_no_path(api: Api, path: str) -> None:
    with pytest.raises(media.MediaGone):
        await fetch(api, told(directPath=path))
    assert not api.fetched


@pytest.mark.parametrize("ref", ["made up", "", "é", *(base64.urlsafe_b64encode(each).decode() for each in (b"{", b"[]", b"7"))])
async def test_a_reference_that_is_none_of_ours(api: Api, ref: str) -> None:
    with pytest.raises(media.MediaGone):
        await fetch(api, replace(told(), ref=ref))


async def test_a_file_that_is_too_large_is_not_asked_for(api: Api) -> None:
    with pytest.raises(media.MediaTooLarge):
        await fetch(api, told(fileLength=101))
    assert not api.fetched


async def test_an_ended_address_and_a_cut_line(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    address = "https://mmg.whatsapp.net/v/t62/x?oe=1"
    api.fails["download"] = [
        "failed to download media from last host: download failed with status code 403",
        "failed to refresh media connections: websocket not connected",
        f'failed to download media from last host: Get "{address}": EOF',
    ]
    for kind in (media.MediaGone, port.NotPaired, port.PairingRefused):
        with pytest.raises(kind):
            await fetch(api, told())
    assert "EOF" in caplog.text
    assert "mmg.whatsapp.net" not in caplog.text
    assert await fetch(api, told()) == b"file"


async def test_a_reference_of_the_wrong_shape(api: Api) -> None:
    place = json.loads(base64.urlsafe_b64decode(told().ref))
    for at, wrong in ((0, "poll"), (0, []), (1, None), (2, 7), (5, "4"), (5, True), (5, -1)):
        spoilt = [*place[:at], wrong, *place[at + 1 :]]
        with pytest.raises(media.MediaGone):
            await fetch(api, replace(told(), ref=base64.urlsafe_b64encode(json.dumps(spoilt).encode()).decode()))
