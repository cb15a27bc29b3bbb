"""The Cloud API's driver over real HTTP: opening, what is sent, files, templates, lost replies, closing."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from hantar.gateways import keeping, port
from hantar.gateways.cloud import codes, driver, service
from hantar.gateways.credentials import (
    NO_LIMIT,
    CheckedNumber,
    Credentials,
    CredentialsRefused,
    HasCredentials,
    Quality,
    ServiceAway,
)
from hantar.kit import clock, upstream
from tests.contract import rig_cloud
from tests.gateways.cloud.samples import ANN, PNG, send

# ---------------------------------------------------------------------- opening and asking


def test_it_offers_what_devices_with_credentials_need() -> None:
    made = driver.CloudDriver(
        service.Service(upstream.Upstream("http://127.0.0.1:9"), "v25.0"), keeping.Nowhere(), clock.FakeClock()
    )
    assert isinstance(made, HasCredentials)
    assert made.caps.credentials
    assert made.caps.echoes_ref
    assert not made.caps.unofficial


async def test_opening_says_connected_and_what_the_service_thinks_of_the_number(rig: rig_cloud.CloudRig) -> None:
    await rig.linked()
    [quality] = await rig.until(lambda: rig.seen(port.NumberQuality))
    assert (quality.quality, quality.tier) == (Quality.GREEN, 2_000)
    assert rig.seen(port.PairSucceeded) == [], "it is the number that was written down"


async def test_another_number_than_the_one_written_down_is_told(rig: rig_cloud.CloudRig) -> None:
    rig.cloud.add("100", "token", phone="60199999999")
    for name, phone in (("known", "60111111111"), ("unknown", None)):
        rig.holds(name, Credentials("100", "token"))
        await rig.driver.open(port.DeviceRef(name, 0, phone))
        [paired] = await rig.until(lambda name=name: rig.seen(port.PairSucceeded, name))
        assert (paired.phone, paired.jid) == ("60199999999", "60199999999@s.whatsapp.net")
        await rig.until(lambda name=name: rig.seen(port.Connected, name))


@pytest.mark.parametrize(
    ("given", "lost", "why"),
    [
        (Credentials("100", "EAAwrong"), 0, "token"),
        (Credentials("555", "EAAsecret"), 0, "number_gone"),
        (Credentials("100", "EAAsecret"), 131031, "locked"),
        (Credentials("100", "EAAsecret"), 368, "policy"),
        (Credentials("100", "EAAsecret"), 131042, "payment"),
        (Credentials("100", "EAAsecret"), 133010, "not_registered"),
    ],
)
async def test_credentials_the_service_does_not_take_are_refused(
    rig: rig_cloud.CloudRig, given: Credentials, lost: int, why: str
) -> None:
    rig.cloud.add("100", "EAAsecret").lost = lost
    device = rig.holds("d", given)
    await rig.driver.open(device)
    [refused] = await rig.until(lambda: rig.seen(port.Refused))
    assert refused.why == why
    assert isinstance(await send(rig, device, port.Content("x")), port.DeviceLost)
    with pytest.raises(CredentialsRefused) as caught:
        await rig.driver.check(given)
    assert caught.value.field == ("token" if why == "token" else "number_id")
    assert given.token not in str(caught.value)


@pytest.mark.parametrize("data", [None, b"", b"[]", b'{"number_id": "1"}'])
async def test_a_device_without_usable_credentials_says_so(rig: rig_cloud.CloudRig, data: bytes | None) -> None:
    if data is not None:
        await rig.keeps.save("d", data)
    await rig.driver.open(port.DeviceRef("d"))
    [refused] = await rig.until(lambda: rig.seen(port.Refused))
    assert refused.why == "no_credentials"


async def test_a_service_that_cannot_be_reached_is_tried_again_by_the_keeper() -> None:
    rig = await rig_cloud.start()
    rig.cloud.add("100", "token")
    device = rig.holds("d", Credentials("100", "token"))
    await rig.cloud.stop()
    await rig.driver.open(device)
    [gone] = await rig.until(lambda: rig.seen(port.Disconnected))
    assert (gone.why, gone.will_retry) == ("no_network", True)
    with pytest.raises(ServiceAway):
        await rig.driver.check(Credentials("100", "token"))
    await rig.close()


async def test_a_check_sends_and_keeps_nothing(rig: rig_cloud.CloudRig) -> None:
    rig.cloud.add("100", "token", phone="60123456789").tier = "TIER_UNLIMITED"
    found = await rig.driver.check(Credentials("100", "token", "9001"))
    assert found == CheckedNumber("60123456789", "Kedai Aminah", Quality.GREEN, NO_LIMIT)
    assert rig.cloud.calls == ["GET 100", "GET message_templates"]
    assert rig.cloud.ledger == rig.events == []


async def test_a_check_names_the_business_account_that_is_wrong(rig: rig_cloud.CloudRig) -> None:
    rig.cloud.add("100", "token")
    with pytest.raises(CredentialsRefused) as caught:
        await rig.driver.check(Credentials("100", "token", "5555"))
    assert caught.value.field == "business_id"


async def test_versions_that_call_the_limit_by_its_older_name_are_understood(rig: rig_cloud.CloudRig) -> None:
    rig.cloud.knows_limit = False
    rig.cloud.add("100", "token").tier = "TIER_1K"
    assert (await rig.driver.check(Credentials("100", "token"))).tier == 1_000


async def test_a_disconnect_while_opening_wins(rig: rig_cloud.CloudRig) -> None:
    rig.cloud.add("100", "token")
    device = rig.holds("d", Credentials("100", "token"))
    await rig.driver.open(device)
    await rig.driver.disconnect(device)
    await rig.until(lambda: rig.seen(port.Disconnected))
    await rig.passes(0.1)
    assert rig.seen(port.Connected) == []


# ---------------------------------------------------------------------- when the answer is lost


@pytest.mark.parametrize("kind", ["drop", "half"])
@pytest.mark.parametrize("effect", [True, False])
async def test_a_lost_answer_is_unconfirmed_whether_it_went_out_or_not(rig: rig_cloud.CloudRig, kind: str, effect: bool) -> None:
    device = await rig.linked()
    rig.cloud.fails(kind, effect=effect)
    assert isinstance(await send(rig, device, port.Content("x"), "ref-1"), port.Unconfirmed)
    assert len(rig.cloud.ledger) == effect, "and it is not sent again"
    assert rig.cloud.calls.count("POST messages") == 1
    if effect:
        [first, *_] = await rig.until(lambda: rig.seen(port.Receipt))
        assert (first.ref, first.wire_ids) == ("ref-1", (rig.cloud.ledger[0].wire_id,)), "the status settles it exactly"


async def test_no_answer_in_time_is_unconfirmed(rig: rig_cloud.CloudRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ANSWER", 0.2)
    device = await rig.linked()
    rig.cloud.fails("silent", effect=True)
    assert isinstance(await send(rig, device, port.Content("x")), port.Unconfirmed)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, port.Unconfirmed), (500, port.Unconfirmed), (502, port.Unconfirmed), (403, port.Deferred), (413, port.Deferred)],
)
async def test_a_page_of_something_in_between_is_no_word_of_the_service(
    rig: rig_cloud.CloudRig, status: int, kind: type[port.Verdict]
) -> None:
    device = await rig.linked()
    rig.cloud.fails("page", status)
    verdict = await send(rig, device, port.Content("x"))
    assert isinstance(verdict, kind)
    if isinstance(verdict, port.Deferred):
        assert (verdict.after, verdict.scope) == (codes.BY_PROXY, port.Scope.DEVICE)


async def test_an_answer_without_an_id_is_unconfirmed(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    rig.cloud.fails("blank")
    assert isinstance(await send(rig, device, port.Content("x")), port.Unconfirmed)
    assert len(rig.cloud.ledger) == 1


async def test_a_service_that_is_away_certainly_took_nothing() -> None:
    rig = await rig_cloud.start()
    device = await rig.linked()
    await rig.cloud.stop()
    verdict = await send(rig, device, port.Content("x"))
    # the kept connection is found closed before anything is written, and no new one is to be had
    assert isinstance(verdict, port.Deferred)
    assert verdict.scope is port.Scope.DEVICE
    assert isinstance(await send(rig, device, port.Content("", PNG)), port.Deferred)
    await rig.close()


async def test_an_unforeseen_failure_is_doubt(rig: rig_cloud.CloudRig, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await rig.linked()

    async def broken(*_: Any, **__: Any) -> service.Reply:
        raise ZeroDivisionError

    monkeypatch.setattr(service.Service, "send", broken)
    assert isinstance(await send(rig, device, port.Content("x")), port.Unconfirmed)
    monkeypatch.setattr(service.Service, "upload", broken)
    assert isinstance(await send(rig, device, port.Content("", PNG)), port.Deferred), "of the message nothing had left"


async def test_closing_while_a_file_is_brought_leaves_no_doubt_about_its_message(
    rig: rig_cloud.CloudRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await rig.linked()
    reached = asyncio.Event()

    async def slow(*_: Any, **__: Any) -> service.Reply:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(service.Service, "upload", slow)
    sends = [asyncio.ensure_future(send(rig, device, port.Content("", PNG), f"m{n}")) for n in range(3)]
    await asyncio.wait_for(reached.wait(), 5)
    await rig.driver.close(timedelta(0))
    assert [type(each) for each in await asyncio.gather(*sends)] == [port.Deferred] * 3


# ---------------------------------------------------------------------- webhooks through the driver


async def test_events_that_were_not_taken_are_raised_to_whoever_stored_the_call(rig: rig_cloud.CloudRig) -> None:
    await rig.linked()
    rig.cloud.deliver = None
    rig.cloud.writes("1000", phone=ANN, text="Hi")
    [body] = rig.cloud.calls_of()
    rig.refuse_events = 1
    with pytest.raises(ConnectionError):
        await rig.driver.take_hook(json.loads(body), rig.places)
    assert await rig.driver.take_hook(json.loads(body), rig.places) == 1
    assert [each.text for each in rig.seen(port.MessageReceived)] == ["Hi"]


async def test_who_an_id_belongs_to_is_told_once(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    rig.cloud.people[ANN] = rig_cloud.fake.Person(opaque="MY.77")
    for n in range(3):
        await send(rig, device, port.Content("x"), f"m{n}")
    await rig.until(lambda: len(rig.seen(port.Receipt)) == 9)
    assert [(each.phone, each.opaque) for each in rig.seen(port.IdentityLinked)] == [(ANN, "MY.77")]


async def test_a_banned_account_sends_nothing_from_then_on(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    await rig.does(device, "ban")
    await rig.until(lambda: rig.seen(port.Refused))
    asked = len(rig.cloud.calls)
    assert isinstance(await send(rig, device, port.Content("x")), port.DeviceLost)
    assert len(rig.cloud.calls) == asked


async def test_secrets_and_texts_stay_out_of_the_log(rig: rig_cloud.CloudRig, capsys: pytest.CaptureFixture[str]) -> None:
    device = await rig.linked()
    for code in (190, 131048):
        rig.cloud.fails("code", code)
        await send(rig, device, port.Content("a private text"))
        await rig.driver.open(device)
        await rig.until(lambda: device.device_id in rig.driver._standing.lines)
    said = capsys.readouterr()
    said_all = said.out + said.err
    assert "cloud.lost" in said_all
    assert not any(each in said_all for each in ("token-of-device-1", "a private text", ANN))
