"""The Cloud API's driver over real HTTP: opening, what is sent, files, templates, lost replies, closing."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from hantar.gateways import keeping, media, port
from hantar.gateways.cloud import codes, driver, files, service
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

ANN = "60121111111"
PNG = port.MediaBytes("image/png", b"\x89PNG\r\n\x1a\n" + b"x" * 500)
PDF = port.MediaBytes("application/pdf", b"%PDF-1.7 ...", "Prices 2026.pdf")
OFFER = {
    "id": "1",
    "name": "offer",
    "language": "ms",
    "status": "APPROVED",
    "category": "MARKETING",
    "parameter_format": "POSITIONAL",
    "components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hi {{1}}, {{2}} today, {{1}}!"}],
}


@pytest.fixture
async def rig() -> AsyncIterator[rig_cloud.CloudRig]:
    """The driver and the fake service."""
    made = await rig_cloud.start()
    yield made
    await made.close()


def sent(rig: rig_cloud.CloudRig) -> dict[str, Any]:
    """The body of the last message that went out."""
    return rig.cloud.ledger[-1].body


async def send(rig: rig_cloud.CloudRig, device: port.DeviceRef, content: port.Content, ref: str = "m1") -> port.Verdict:
    return await rig.driver.send(device, port.Address(ANN), content, ref=ref)


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


# ---------------------------------------------------------------------- what is sent


async def test_a_text_carries_our_ref_and_shows_no_preview(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    verdict = await send(rig, device, port.Content("Hello", reply_to="wamid.IN1"), "ref-1")
    assert isinstance(verdict, port.Accepted)
    assert verdict.wire_id == rig.cloud.ledger[0].wire_id
    assert sent(rig) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": ANN,
        "type": "text",
        "text": {"body": "Hello", "preview_url": False},
        "context": {"message_id": "wamid.IN1"},
        "biz_opaque_callback_data": "ref-1",
    }
    await rig.until(lambda: len(rig.seen(port.Receipt)) == 3)
    assert {each.ref for each in rig.seen(port.Receipt)} == {"ref-1"}


async def test_a_person_without_a_number_is_written_to_by_their_id(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    to = port.Address(None, "US.13491208655302741918")
    assert isinstance(await rig.driver.send(device, to, port.Content("Hi"), ref="m1"), port.Accepted)
    assert sent(rig)["recipient"] == "US.13491208655302741918"
    assert "to" not in sent(rig)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (port.Content("x" * 4097), port.Reason.TOO_LARGE),
        (port.Content("x" * 1025, PNG), port.Reason.TOO_LARGE),
        (port.Content("  "), port.Reason.INVALID_CONTENT),
        (port.Content("", port.MediaBytes("image/webp", b"x")), port.Reason.UNSUPPORTED),
        (port.Content("", port.MediaBytes("image/png", b"")), port.Reason.INVALID_CONTENT),
    ],
)
async def test_what_the_service_never_takes_is_not_brought_there(
    rig: rig_cloud.CloudRig, content: port.Content, reason: port.Reason
) -> None:
    device = await rig.linked()
    asked = len(rig.cloud.calls)
    verdict = await send(rig, device, content)
    assert isinstance(verdict, port.Rejected)
    assert verdict.reason is reason
    assert len(rig.cloud.calls) == asked


# ---------------------------------------------------------------------- files


async def test_a_file_is_brought_once_for_a_whole_burst_and_sent_by_its_id(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    verdicts = await asyncio.gather(*(send(rig, device, port.Content("Look", PNG), f"m{n}") for n in range(20)))
    assert all(isinstance(each, port.Accepted) for each in verdicts)
    assert rig.cloud.calls.count("POST media") == 1
    [(media_id, (mime, data))] = rig.cloud.files.items()
    assert (mime, data) == (PNG.mime, PNG.data)
    assert {json.dumps(each.body["image"]) for each in rig.cloud.ledger} == {json.dumps({"id": media_id, "caption": "Look"})}
    await send(rig, device, port.Content("", PDF), "doc")
    assert sent(rig)["document"] == {"id": max(rig.cloud.files), "filename": "Prices 2026.pdf"}


async def test_a_file_is_brought_again_when_its_id_is_too_old(rig: rig_cloud.CloudRig, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await rig.linked()
    monkeypatch.setattr(files, "KEPT", timedelta(0))
    for n in range(2):
        assert isinstance(await send(rig, device, port.Content("", PNG), f"m{n}"), port.Accepted)
    assert rig.cloud.calls.count("POST media") == 2


async def test_a_file_that_the_service_has_dropped_is_brought_again_and_the_message_waits(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    assert isinstance(await send(rig, device, port.Content("", PNG)), port.Accepted)
    rig.cloud.files.clear()
    verdict = await send(rig, device, port.Content("", PNG), "m2")
    assert isinstance(verdict, port.Deferred)
    assert isinstance(await send(rig, device, port.Content("", PNG), "m2"), port.Accepted)


async def test_a_bad_message_with_a_fresh_file_is_refused_for_good(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    rig.cloud.fails("code", 131009, to=ANN)
    assert isinstance(await send(rig, device, port.Content("", PNG)), port.Rejected)


@pytest.mark.parametrize(
    ("code", "kind"), [(131053, port.Rejected), (131016, port.Deferred), (190, port.DeviceLost), (999_999, port.Deferred)]
)
async def test_a_file_that_is_not_taken_decides_about_its_message(rig: rig_cloud.CloudRig, code: int, kind: type) -> None:
    device = await rig.linked()
    rig.cloud.fails("code", code, to="media")
    assert isinstance(await send(rig, device, port.Content("", PNG)), kind)
    assert rig.cloud.ledger == []


@pytest.mark.parametrize(
    "at", ["https://elsewhere.example", "http://files.facebook.com", "https://facebook.com.evil.example", "no address"]
)
async def test_a_file_somewhere_else_is_not_asked_for_under_our_token(rig: rig_cloud.CloudRig, at: str) -> None:
    device = await rig.linked()
    rig.cloud.sends_file("1000", ANN, "document", "application/pdf", b"%PDF", filename="Order.pdf")
    [said] = await rig.until(lambda: rig.seen(port.MessageReceived))
    assert said.media == port.MediaRef("document", "application/pdf", "Order.pdf", 0, said.media.ref)
    rig.cloud.files_at = at
    with pytest.raises(media.MediaGone):
        await anext(rig.driver.fetch_media(device, said.media))
    rig.cloud.files_at = ""
    assert await anext(rig.driver.fetch_media(device, said.media)) == b"%PDF"


def test_the_services_own_house_may_be_asked_for_files() -> None:
    door = upstream.Upstream("https://graph.facebook.com", houses=service.HOUSES)
    assert door._is_ours("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1")
    assert not door._is_ours("https://user@lookaside.fbsbx.com/")
    assert not door._is_ours("https://notfbsbx.com/")


# ---------------------------------------------------------------------- templates


async def test_a_template_goes_out_with_its_picture_and_values(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    rig.cloud.templates["9001"] = [OFFER]
    rig.cloud.people[ANN] = rig_cloud.fake.Person(in_window=False)
    content = port.Content(media=PNG, template=port.Template("offer", "ms", ("Ann", "20 %")))
    assert isinstance(await send(rig, device, content), port.Accepted)
    assert sent(rig)["template"] == {
        "name": "offer",
        "language": {"code": "ms"},
        "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"id": next(iter(rig.cloud.files))}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ann"}, {"type": "text", "text": "20 %"}]},
        ],
    }
    assert sent(rig)["biz_opaque_callback_data"] == "m1"
    text = await send(rig, device, port.Content("Hi"), "m2")
    assert isinstance(text, port.Rejected)
    assert text.reason is port.Reason.NEEDS_TEMPLATE


@pytest.mark.parametrize(
    ("change", "parameters", "reason"),
    [
        ({"status": "PAUSED"}, ("a", "b"), port.Reason.TEMPLATE_PAUSED),
        ({"status": "DISABLED"}, ("a", "b"), port.Reason.TEMPLATE_PAUSED),
        ({"language": "en"}, ("a", "b"), port.Reason.TEMPLATE_MISSING),
        ({}, ("a",), port.Reason.TEMPLATE_MISSING),
    ],
)
async def test_a_template_that_cannot_go_is_refused(
    rig: rig_cloud.CloudRig, change: Mapping[str, Any], parameters: tuple[str, ...], reason: port.Reason
) -> None:
    device = await rig.linked()
    rig.cloud.templates["9001"] = [OFFER | change]
    verdict = await send(rig, device, port.Content(media=PNG, template=port.Template("offer", "ms", parameters)))
    assert isinstance(verdict, port.Rejected)
    assert verdict.reason is reason


async def test_templates_are_listed_page_by_page_with_what_hantar_cannot_fill(rig: rig_cloud.CloudRig) -> None:
    device = await rig.linked()
    body = {"type": "BODY", "text": "Hi"}
    link = {"type": "URL", "url": "https://shop.example/{{1}}", "text": "Open"}
    rig.cloud.templates["9001"] = [
        OFFER | {"quality_score": {"score": "GREEN"}, "rejected_reason": "NONE"},
        OFFER | {"name": "named", "parameter_format": "NAMED", "components": [{"type": "BODY", "text": "Hi {{name}}"}]},
        OFFER | {"name": "headed", "components": [{"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}, body]},
        OFFER | {"name": "placed", "components": [{"type": "HEADER", "format": "LOCATION"}, body]},
        OFFER | {"name": "linked", "components": [body, {"type": "BUTTONS", "buttons": [link]}]},
        OFFER | {"name": "cards", "components": [body, {"type": "CAROUSEL", "cards": []}]},
        OFFER | {"name": "plain", "components": [body, {"type": "FOOTER", "text": "STOP"}, {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Stop"}, link | {"url": "https://shop.example"}]}]},
        OFFER | {"name": "bad", "status": "REJECTED", "rejected_reason": "SCAM"},
    ]  # fmt: skip
    rig.cloud.page_size = 3
    found = {each.name: each for each in await rig.driver.templates(device)}
    assert list(found) == [each["name"] for each in rig.cloud.templates["9001"]]
    assert (found["offer"].places, found["offer"].header, found["offer"].quality, found["offer"].cannot) == (
        2,
        "image",
        "GREEN",
        "",
    )
    assert {name for name, each in found.items() if each.cannot} == {"named", "headed", "placed", "linked", "cards"}
    assert (found["bad"].status, found["bad"].why) == ("REJECTED", "SCAM")


async def test_templates_need_the_business_accounts_id(rig: rig_cloud.CloudRig) -> None:
    rig.cloud.add("100", "token")
    device = rig.holds("d", Credentials("100", "token"))
    with pytest.raises(CredentialsRefused):
        await rig.driver.templates(device)


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
