"""What a Cloud number sends: texts, files, templates; and the files that people send."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from hantar.gateways import media, port
from hantar.gateways.cloud import files, service
from hantar.gateways.credentials import (
    Credentials,
    CredentialsRefused,
)
from hantar.kit import upstream
from tests.contract import rig_cloud
from tests.gateways.cloud.samples import ANN, OFFER, PDF, PNG, send, sent

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
