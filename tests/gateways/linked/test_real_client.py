"""A linked device's client against a scripted library: pairing, ends, sessions; every trap of the library in it."""

import asyncio
import contextlib
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hantar.gateways import port
from hantar.gateways.linked import sessions, whatsmeow_line
from hantar.gateways.linked.whatsmeow_client import LinkedClient
from hantar.gateways.linked.whatsmeow_line import Process
from hantar.kit.clock import FakeClock
from tests.gateways.linked.protos import events, jid
from tests.gateways.linked.scripted import OWN, Script, link
from tests.gateways.linked.stage import ANN, HELLO, Road, SlowRoad, Stage

pytestmark = pytest.mark.usefixtures("quick_stop")


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, FakeClock(), Script())


# ---------------------------------------------------------------- pairing


async def test_codes_come_until_one_is_scanned(stage: Stage) -> None:
    api = await stage.opens()
    assert api.new_device
    assert (api.props.os, api.props.kind) == ("Hantar", 0)
    now = stage.time.now()
    for code in ("one", "two"):
        await api.show(code)
    first, second = stage.told
    assert isinstance(first, port.QrCode)
    assert isinstance(second, port.QrCode)
    assert (first.code, first.attempt, first.expires_at) == ("one", 1, now + timedelta(seconds=60))
    assert (second.code, second.attempt, second.expires_at) == ("two", 2, now + timedelta(seconds=20))
    link(stage.path)
    await api.tell(events.PairStatus(ID=jid("60111222333"), Status=2))
    await api.tell(events.Connected(status=True))
    assert stage.kinds()[2:] == [port.PairSucceeded, port.Connected]
    paired = stage.told[2]
    assert isinstance(paired, port.PairSucceeded)
    assert (paired.phone, paired.jid) == ("60111222333", "60111222333@s.whatsapp.net")
    await stage.passes(400)  # the deadline of the pairing is gone
    assert len(stage.told) == 4


async def test_a_pairing_that_only_its_connection_tells_of(stage: Stage) -> None:
    """The library may tell nothing before the pairing has ended."""
    api = await stage.opens()
    await api.show("one")
    link(stage.path)
    await api.tell(events.Connected(status=True))
    assert stage.kinds() == [port.QrCode, port.PairSucceeded, port.Connected]


async def test_codes_that_nobody_scans_end_by_our_own_deadline(stage: Stage) -> None:
    api = await stage.opens()
    await api.show("one")
    await stage.passes(175)
    assert stage.kinds() == [port.QrCode]
    await stage.passes(10)
    assert stage.kinds() == [port.QrCode, port.PairFailed]
    assert api.stops == 1
    assert await stage.opens() is not api  # and a new one may begin


async def test_a_refused_pairing(stage: Stage) -> None:
    api = await stage.opens()
    await api.show("one")
    await api.tell(events.PairStatus(ID=jid(""), Status=1, Error="not allowed"))
    await stage.passes(1)
    assert stage.kinds() == [port.QrCode, port.PairFailed]
    assert api.stops == 1


async def test_a_code_to_type_waits_for_the_first_code_to_scan(stage: Stage) -> None:
    asking = asyncio.create_task(stage.client.pair_code("60111222333"))
    await stage.passes(1)
    assert not asking.done()
    assert stage.api.asked == []
    await stage.api.show("one")
    code = await asking
    assert (code.code, code.expires_at) == ("ABCD-EFGH", stage.time.now() + timedelta(seconds=160))
    assert stage.api.asked == ["60111222333"]


async def test_no_code_to_type_without_a_line_or_for_a_linked_device(stage: Stage) -> None:
    asking = asyncio.create_task(stage.client.pair_code("60111222333"))
    await stage.passes(1)
    stage.api.ending.set_exception(stage.script.library().error("failed to dial"))
    with pytest.raises(port.PairingRefused):  # at once, not after the 30 s a code may take
        await asyncio.wait_for(asking, 5)
    await stage.passes(1)
    await stage.linked()
    with pytest.raises(port.PairingRefused):
        await stage.client.pair_code("60111222333")


async def test_a_refused_code_to_type(stage: Stage) -> None:
    asking = asyncio.create_task(stage.client.pair_code("60111222333"))
    await stage.passes(1)
    stage.api.fails["pair"] = ["server returned error 400"]
    await stage.api.show("one")
    with pytest.raises(port.PairingRefused):
        await asking


# ---------------------------------------------------------------- the line


async def test_a_first_connect_that_fails_is_told_and_may_be_tried_again(stage: Stage) -> None:
    """The library tells nothing of it and does not try again."""
    api = await stage.opens()
    api.ending.set_exception(stage.script.library().error("failed to dial whatsapp web websocket: no such host"))
    await stage.passes(1)
    (told,) = stage.told
    assert isinstance(told, port.Disconnected)
    assert (told.why, told.will_retry) == ("no_network", False)
    assert api.stops == 1
    assert api._stop_finalizer.is_detached
    again = await stage.opens()
    assert again is not api
    assert again.uuid != api.uuid  # the last one's late stop must not end this one


async def test_opening_twice_is_opening_once(stage: Stage) -> None:
    await stage.opens()
    await stage.client.open()
    assert len(stage.script.made) == 1


async def test_a_device_with_a_session_is_no_new_one(stage: Stage) -> None:
    api = await stage.linked()
    assert not api.new_device


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (events.LoggedOut(OnConnect=False, Reason=2), port.LoggedOut),
        (events.StreamReplaced(), port.StreamReplaced),
        (events.ClientOutdated(), port.ClientOutdated),
        (events.TemporaryBan(Code=1, Expire=60), port.TemporaryBan),
        (events.ConnectFailure(Reason=10), port.Disconnected),
    ],
    ids=["logged out", "replaced", "outdated", "banned", "unavailable"],
)
async def test_what_ends_the_library_client_ends_ours(stage: Stage, event: Any, kind: type) -> None:
    api = await stage.linked()
    await api.tell(event)
    await api.tell(events.Disconnected(status=True))  # what follows from an ended line is nothing new
    await stage.passes(1)
    assert stage.kinds() == [kind]
    assert api.stops == 1
    assert isinstance(await stage.client.send(ANN, HELLO, ref="r"), port.DeviceLost)
    assert await stage.opens() is not api


async def test_a_line_that_comes_back_by_itself_is_kept(stage: Stage) -> None:
    api = await stage.linked()
    await api.tell(events.Disconnected(status=True))
    await stage.client.open()
    await api.tell(events.Connected(status=True))
    assert stage.kinds() == [port.Disconnected, port.Connected]
    assert stage.told[0].will_retry  # type: ignore[attr-defined]
    assert api.stops == 0


async def test_closing_is_no_news(stage: Stage) -> None:
    api = await stage.linked()
    await stage.client.close()
    await stage.passes(1)
    assert stage.told == []
    assert api.stops == 1
    assert sessions.own_jid(stage.path) == OWN
    await stage.client.close()


async def test_a_connection_that_hangs_is_never_doubled(stage: Stage) -> None:
    """Stopping it would wait as long as it hangs; two lines on one session file would be two devices of one pairing."""
    api = await stage.opens()
    await stage.client.close()
    assert api.stops == 0
    await stage.client.open()
    assert len(stage.script.made) == 1
    (told,) = stage.told
    assert isinstance(told, port.Disconnected)
    assert (told.why, told.will_retry) == ("no_network", False)
    api.ending.set_exception(stage.script.library().error("context deadline exceeded"))
    await stage.passes(1)
    assert api.stops == 1
    assert await stage.opens() is not api
    assert len(stage.told) == 1  # its end was nobody's news any more


async def test_without_a_network_the_library_is_not_asked(stage: Stage) -> None:
    """Each of its connects leaves memory and an open file behind; an outage has thousands of them."""
    stage.reach.is_open = False
    for count in (1, 2, 3):
        await stage.client.open()
        await stage.passes(0.1)
        assert [each.why for each in stage.told if isinstance(each, port.Disconnected)] == ["no_network"] * count
    assert stage.script.made == []
    assert isinstance(await stage.client.send(ANN, HELLO, ref="r"), port.DeviceLost)
    with pytest.raises(port.PairingRefused):
        await asyncio.wait_for(stage.client.pair_code("60111222333"), 5)
    link(stage.path)
    with pytest.raises(port.PairingRefused):
        await asyncio.wait_for(stage.client.logout(), 5)
    assert sessions.own_jid(stage.path) == OWN
    stage.reach.is_open = True
    await stage.opens()


async def test_a_process_that_is_used_up_is_given_up_when_no_line_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whatsmeow_line, "SPENT", 3)
    stage = Stage(tmp_path, FakeClock(), Script())
    other = LinkedClient(port.DeviceRef("other"), tmp_path / "o.db", lambda _: None, stage.process, stage.reach)
    opening = asyncio.create_task(other.open())
    await stage.passes(1)
    await opening
    other_api = stage.api
    for _ in range(4):
        await stage.linked()
        await stage.client.close()
    assert stage.retired == []
    road = SlowRoad()
    waiting = LinkedClient(port.DeviceRef("waiting"), tmp_path / "w.db", lambda _: None, stage.process, road)
    await waiting.open()
    await stage.passes(1)
    other_api.ending.set_exception(stage.script.library().error("failed to dial"))
    await stage.passes(1)
    assert stage.retired == [], "its end would count as a crash of the device that is being opened"
    road.is_open = False
    road.known.set()
    await stage.passes(1)
    assert stage.retired == [True]


async def come_and_go(tmp_path: Path, lock: Any = None) -> int:
    """Twenty devices open and end at once; how many changed the library's tables at the same time, at most."""
    script, time = Script(), FakeClock()
    process = Process(script.library(), time, None, lambda: None)
    process.lock = lock or process.lock
    clients = []
    for number in range(20):
        path = tmp_path / f"{number}.db"
        clients.append(LinkedClient(port.DeviceRef(f"{number}"), path, lambda _: None, process, Road()))
    opening = [asyncio.create_task(each.open()) for each in clients]
    for _ in range(50):
        await time.advance(0.2)
    await asyncio.gather(*opening)
    for each in script.made:  # all at once, as when the network swallows everything and the library gives up
        each.ending.set_exception(script.library().error("context deadline exceeded"))
    await time.settle(50)
    await asyncio.gather(*(each.close() for each in clients))
    assert [each.stops for each in script.made] == [1] * 20
    assert len(script.made) == 20
    return script.most_at_once


async def test_the_librarys_tables_are_changed_one_at_a_time(tmp_path: Path) -> None:
    """Two stops that end together abort the process (seen)."""
    assert await come_and_go(tmp_path) == 1


async def test_mutant_without_the_lock_is_found(tmp_path: Path) -> None:
    assert await come_and_go(tmp_path, contextlib.nullcontext()) > 1


async def test_what_keeps_a_line_from_beginning_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Script, name: str, **more: Any) -> Any:
        raise OSError("no more threads")

    monkeypatch.setattr(Script, "NewAClient", broken)
    await stage.client.open()
    await stage.passes(1)
    (told,) = stage.told
    assert isinstance(told, port.Disconnected)
    assert (told.why, told.will_retry) == ("connection_failed", False)
    assert stage.process._live == 0
    monkeypatch.undo()
    await stage.opens()


async def test_an_event_that_cannot_be_read_ends_nothing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    api = await stage.linked()
    broken = events.Message()
    handler = api.event.handlers["Message"]
    with caplog.at_level(logging.WARNING, "hantar.linked"):
        await handler(api, broken)
    await api.tell(events.Connected(status=True))
    assert port.Connected in stage.kinds()


# ---------------------------------------------------------------- unlinking and sessions


async def test_unlinking_tells_whatsapp_and_drops_the_file(stage: Stage) -> None:
    api = await stage.linked()
    await stage.client.logout()
    assert api.asked == ["logout"]
    assert not stage.path.exists()
    assert api.stops == 1
    assert stage.told == []  # it was asked for: the host says so when it is done


async def test_unlinking_connects_when_it_must(stage: Stage) -> None:
    await stage.linked()
    await stage.client.close()
    await stage.passes(1)
    unlinking = asyncio.create_task(stage.client.logout())
    await stage.passes(0.5)
    await stage.api.tell(events.Connected(status=True))
    await unlinking
    assert stage.api.asked == ["logout"]
    assert not stage.path.exists()


async def test_nothing_is_dropped_when_whatsapp_was_not_told(stage: Stage) -> None:
    api = await stage.linked()
    api.fails["logout"] = ["error sending logout request: websocket not connected"]
    with pytest.raises(port.PairingRefused):
        await stage.client.logout()
    assert sessions.own_jid(stage.path) == OWN
    assert isinstance(await stage.client.send(ANN, HELLO, ref="r"), port.Accepted)  # and it goes on as before
    await stage.client.close()
    unlinking = asyncio.create_task(stage.client.logout())
    await stage.passes(0.5)
    stage.api.ending.set_exception(stage.script.library().error("failed to dial"))
    with pytest.raises(port.PairingRefused):
        await asyncio.wait_for(unlinking, 5)
    assert sessions.own_jid(stage.path) == OWN


async def test_a_device_without_a_link_is_dropped_without_a_word(stage: Stage) -> None:
    await stage.opens()
    await stage.client.logout()
    assert not stage.path.exists()
    await stage.client.forget()


async def test_a_session_is_handed_out_when_it_changed(stage: Stage) -> None:
    assert await stage.client.snapshot() is None
    await stage.opens()
    assert await stage.client.snapshot() is None  # not linked: nothing worth keeping
    link(stage.path)
    copy = await stage.client.snapshot()
    assert copy is not None
    assert await stage.client.snapshot() is not None  # not yet stored
    stage.client.kept()
    assert await stage.client.snapshot() is None
    stage.path.touch()
    assert await stage.client.snapshot() is None  # written, and the same again
    link(stage.path, "60444555666:1@s.whatsapp.net")
    assert await stage.client.snapshot() is not None
    await stage.client.forget()
    assert await stage.client.snapshot() is None
    sessions.put_back(stage.path, copy)
    assert sessions.own_jid(stage.path) == OWN
