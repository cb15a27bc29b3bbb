"""The contract of every driver. A test that needs an ability is skipped for drivers that do not declare it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hantar.gateways import media, port
from hantar.kit import clock
from tests.contract import rig_cloud, rig_linked, rigs

ANN = rigs.person(rigs.ordinary)
NOBODY = rigs.person(lambda who: not who.exists)


@pytest.fixture(
    params=["in_process", "cloud", pytest.param("host", marks=pytest.mark.slow), pytest.param("linked", marks=pytest.mark.slow)]
)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[rigs.Rig]:
    """A started driver of each kind."""
    if request.param == "in_process":
        made = await rigs.in_process()
    elif request.param == "cloud":
        made = await rig_cloud.start()
    else:
        made = await (rigs.host(tmp_path) if request.param == "host" else rig_linked.start(tmp_path))
    yield made
    await made.close()


def receipts(rig: rigs.Rig, wire: str) -> list[str]:
    return [each.kind.value for each in rig.seen(port.Receipt) if wire in each.wire_ids]


# ---------------------------------------------------------------------- capabilities


async def test_a_driver_declares_what_it_can_do(rig: rigs.Rig) -> None:
    caps = rig.driver.caps
    assert isinstance(caps, port.Capabilities)
    assert caps.send_timeout > timedelta(0)
    assert not caps.deduplicates or caps.caller_message_id, "who deduplicates does so by an id that we choose"
    assert rig.driver.name


# ---------------------------------------------------------------------- pairing


async def test_a_new_device_shows_a_code_and_goes_online_after_the_scan(rig: rigs.Rig) -> None:
    rig.needs("pairing_qr")
    device = port.DeviceRef("device-1", 0, "60111111111")
    assert not await rig.wait(rig.driver.is_linked(device))
    await rig.driver.open(device)
    [code] = await rig.until(lambda: rig.seen(port.QrCode))
    assert code.attempt == 1
    assert code.expires_at > code.at
    assert code.code
    await rig.does(device, "scan")
    await rig.until(lambda: rig.seen(port.Connected))
    [paired] = rig.seen(port.PairSucceeded)
    assert paired.phone == "60111111111"
    assert paired.jid.startswith(paired.phone)
    assert await rig.wait(rig.driver.is_linked(device))


async def test_opening_again_while_a_code_is_shown_changes_nothing(rig: rigs.Rig) -> None:
    rig.needs("pairing_qr")
    device = port.DeviceRef("device-1")
    await rig.driver.open(device)
    await rig.until(lambda: rig.seen(port.QrCode))
    await rig.driver.open(device)
    await rig.passes(0.1)
    assert len(rig.seen(port.QrCode)) == 1


async def test_a_device_is_linked_by_an_eight_character_code(rig: rigs.Rig) -> None:
    rig.needs("pairing_code")
    device = port.DeviceRef("device-1")
    code = await rig.wait(rig.driver.pair_code(device, "60123456789"))
    assert len(code.code) == 8
    with pytest.raises(port.PairingRefused):
        await rig.does(device, "scan", code="WRONGONE")
    await rig.does(device, "scan", code=f"{code.code[:4]}-{code.code[4:]}".lower())
    await rig.until(lambda: rig.seen(port.Connected))
    assert rig.seen(port.PairSucceeded)[0].phone == "60123456789"


async def test_a_pair_code_needs_a_number_and_an_unlinked_device(rig: rigs.Rig) -> None:
    with pytest.raises(port.PairingRefused):
        await rig.wait(rig.driver.pair_code(port.DeviceRef("device-2"), "0123"))
    device = await rig.linked()
    with pytest.raises(port.PairingRefused):
        await rig.wait(rig.driver.pair_code(device, "60123456789"))


async def test_history_arrives_after_linking_in_pieces_that_overlap(rig: rigs.Rig) -> None:
    rig.needs("history")
    await rig.linked()
    first, second = await rig.until(lambda: len(rig.seen(port.HistoryBatch)) == 2 and rig.seen(port.HistoryBatch))
    ids = [{each.wire_id for each in batch.messages} for batch in (first, second)]
    assert ids[0] & ids[1]


async def test_closing_the_line_keeps_the_link(rig: rigs.Rig) -> None:
    device = await rig.linked()
    paired = len(rig.seen(port.PairSucceeded))
    await rig.driver.disconnect(device)
    [gone] = await rig.until(lambda: rig.seen(port.Disconnected))
    assert not gone.will_retry
    assert isinstance(await rig.send(device, ANN, "m1"), port.DeviceLost)
    await rig.driver.open(device)
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    assert len(rig.seen(port.PairSucceeded)) == paired
    assert await rig.wait(rig.driver.is_linked(device))


async def test_logging_out_destroys_the_link_and_pairing_makes_a_new_one(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.wait(rig.driver.logout(device))
    [out] = await rig.until(lambda: rig.seen(port.LoggedOut))
    assert out.why == "user"
    assert not await rig.wait(rig.driver.is_linked(device))
    assert isinstance(await rig.send(device, ANN, "m1"), port.DeviceLost)
    await rig.pairs(device)
    assert isinstance(await rig.send(device, ANN, "m1"), port.Accepted)


async def test_a_forgotten_device_has_no_link(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.wait(rig.driver.forget(device))
    assert not await rig.wait(rig.driver.is_linked(device))


# ---------------------------------------------------------------------- verdicts


async def test_an_accepted_message_is_delivered_and_read(rig: rigs.Rig) -> None:
    device = await rig.linked()
    wires = []
    for ref in (f"m{number}" for number in range(20)):
        verdict = await rig.send(device, ANN, ref)
        assert isinstance(verdict, port.Accepted)
        assert verdict.wire_id == ref or not rig.driver.caps.caller_message_id
        wires.append(verdict.wire_id)
    assert len(set(wires)) == len(wires)
    await rig.until(lambda: all("delivered" in receipts(rig, wire) for wire in wires))
    await rig.until(lambda: any("read" in receipts(rig, wire) for wire in wires))


async def test_a_number_that_is_not_on_whatsapp_is_refused(rig: rigs.Rig) -> None:
    device = await rig.linked()
    verdict = await rig.send(device, NOBODY, "m1")
    # a service that does not say who is on WhatsApp does not say it here either
    said = port.Reason.NOT_ON_WHATSAPP if rig.driver.caps.number_check else port.Reason.UNDELIVERABLE
    assert verdict == port.Rejected(said, verdict.why)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("to", "content", "reason"),
    [
        (port.Address("12"), port.Content("x"), port.Reason.INVALID_ADDRESS),
        (port.Address(), port.Content("x"), port.Reason.INVALID_ADDRESS),
        (port.Address(ANN), port.Content(""), port.Reason.INVALID_CONTENT),
        (port.Address(ANN), port.Content("", port.MediaBytes("image/svg+xml", b"x")), port.Reason.UNSUPPORTED),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_its_reason(
    rig: rigs.Rig, to: port.Address, content: port.Content, reason: port.Reason
) -> None:
    device = await rig.linked()
    verdict = await rig.wait(rig.driver.send(device, to, content, ref="m1"))
    assert isinstance(verdict, port.Rejected)
    assert verdict.reason is reason


async def test_a_picture_goes_out_with_its_caption(rig: rigs.Rig) -> None:
    device = await rig.linked()
    content = port.Content("caption", port.MediaBytes("image/png", b"\x89PNG" * 1000))
    assert isinstance(await rig.wait(rig.driver.send(device, port.Address(ANN), content, ref="m1")), port.Accepted)


FILES = {
    "image": port.MediaBytes("image/jpeg", b"\xff\xd8\xff" * 10),
    "video": port.MediaBytes("video/mp4", b"\x00\x00\x00\x18ftypisom" * 10, "film.mp4"),
    "audio": port.MediaBytes("audio/ogg; codecs=opus", b"OggS" * 10),
    "document": port.MediaBytes("application/pdf", b"%PDF-1.7\n%%EOF", "Prices 2026.pdf"),
}


@pytest.mark.parametrize("kind", sorted(FILES))
async def test_a_driver_takes_the_files_it_says_and_refuses_the_others(rig: rigs.Rig, kind: port.FileKind) -> None:
    device = await rig.linked()
    content = port.Content("" if kind == "audio" else "caption", FILES[kind])
    verdict = await rig.wait(rig.driver.send(device, port.Address(ANN), content, ref="m1"))
    if kind in rig.driver.caps.files:
        assert isinstance(verdict, port.Accepted), verdict
    else:
        assert isinstance(verdict, port.Rejected)
        assert verdict.reason is port.Reason.UNSUPPORTED


async def test_audio_with_a_text_is_refused_rather_than_sent_without_it(rig: rigs.Rig) -> None:
    device = await rig.linked()
    content = port.Content("Listen to this", FILES["audio"])
    verdict = await rig.wait(rig.driver.send(device, port.Address(ANN), content, ref="m1"))
    assert isinstance(verdict, port.Rejected)
    assert verdict.reason in (port.Reason.INVALID_CONTENT, port.Reason.UNSUPPORTED)


@pytest.mark.parametrize(("mime", "most"), [("image/jpeg", 5_000_000), ("video/mp4", 16_000_000), ("audio/mpeg", 16_000_000)])
async def test_a_file_over_the_services_limit_is_refused(rig: rigs.Rig, mime: str, most: int) -> None:
    device = await rig.linked()
    content = port.Content("", port.MediaBytes(mime, b"x" * (most + 1)))
    if content.media.kind not in rig.driver.caps.files:  # type: ignore[union-attr]
        pytest.skip("this driver sends no such files")
    verdict = await rig.wait(rig.driver.send(device, port.Address(ANN), content, ref="m1"))
    assert isinstance(verdict, port.Rejected)
    assert verdict.reason is port.Reason.TOO_LARGE


async def received(rig: rigs.Rig, device: port.DeviceRef, **extra: str) -> port.MediaRef:
    """A file that somebody sends now."""
    await rig.does(device, "inbound", phone=ANN, extra=extra)
    (said,) = await rig.until(lambda: [each for each in rig.seen(port.MessageReceived) if each.media])
    assert said.text == ""
    ref: port.MediaRef = said.media
    return ref


async def fetched(rig: rigs.Rig, device: port.DeviceRef, ref: port.MediaRef) -> list[bytes]:
    """All pieces of a file."""
    assert isinstance(rig.driver, media.FetchesMedia)

    async def read() -> list[bytes]:
        return [piece async for piece in rig.driver.fetch_media(device, ref)]

    found: list[bytes] = await rig.wait(read())
    return found


BEGINS = {"image": b"\x89PNG", "video": b"\x00\x00\x00\x18ftyp", "audio": b"OggS", "document": b"%PDF-"}


@pytest.mark.parametrize("kind", sorted(FILES))
async def test_a_file_that_somebody_sends_is_told_and_can_be_fetched(rig: rigs.Rig, kind: str) -> None:
    if not isinstance(rig.driver, media.FetchesMedia):
        pytest.skip("this driver fetches no files")
    device = await rig.linked()
    ref = await received(rig, device, media=kind)
    pieces = await fetched(rig, device, ref)
    data = b"".join(pieces)
    assert ref.kind == kind
    assert ref.size in (0, len(data)), "0: the service says it when it is asked for the file"
    assert data.startswith(BEGINS[kind])
    assert port.MediaBytes(ref.mime, data).kind == kind
    assert await fetched(rig, device, ref) == pieces, "as often as it is asked for"


async def test_a_file_is_gone_in_the_end_and_no_other_device_gets_it(rig: rigs.Rig) -> None:
    if not isinstance(rig.driver, media.FetchesMedia):
        pytest.skip("this driver fetches no files")
    device, other = await rig.linked(), await rig.linked("device-2")
    ref = await received(rig, device, media="document", media_seconds="60")
    assert await fetched(rig, device, ref)
    for whose, asked in ((other, ref), (device, replace(ref, ref="made up"))):
        with pytest.raises(media.MediaGone):
            await fetched(rig, whose, asked)
    if isinstance(rig.time, clock.FakeClock):  # under a real clock a minute is too long to wait
        await rig.passes(61)
        with pytest.raises(media.MediaGone):
            await fetched(rig, device, ref)
    await rig.driver.disconnect(device)
    await rig.until(lambda: rig.seen(port.Disconnected))
    with pytest.raises(port.NotPaired):
        await fetched(rig, device, ref)


async def test_too_fast_is_deferred_until_the_sender_slows_down(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.does(device, "rate_limit", for_seconds=60)
    verdict = await rig.send(device, ANN, "m1")
    assert isinstance(verdict, port.Deferred)
    assert verdict.scope is port.Scope.DEVICE
    assert verdict.after > timedelta(0)


async def test_under_a_reach_out_lock_new_chats_wait_and_warm_ones_go(rig: rigs.Rig) -> None:
    rig.needs("pairing_qr")
    device = await rig.linked()
    await rig.does(device, "inbound", phone=ANN, text="Hi")
    await rig.does(device, "restrict", for_seconds=3600)
    [locked] = await rig.until(lambda: rig.seen(port.ReachOutLocked))
    assert locked.until is not None
    other = rigs.person(lambda who: rigs.ordinary(who), seed=1)[:-3] + "999"
    verdict = await rig.send(device, other, "m1")
    assert isinstance(verdict, port.Deferred)
    assert verdict.scope is port.Scope.NEW_CHATS
    assert isinstance(await rig.send(device, ANN, "m2"), port.Accepted)


async def test_a_refusal_on_request_is_for_ever(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.does(device, "reject", phone=ANN)
    assert isinstance(await rig.send(device, ANN, "m1"), port.Rejected)
    assert isinstance(await rig.send(device, ANN, "m2"), port.Accepted)


async def test_a_message_may_be_accepted_first_and_fail_later(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.does(device, "reject_late")
    verdict = await rig.send(device, ANN, "m1")
    assert isinstance(verdict, port.Accepted)
    [failed] = await rig.until(lambda: rig.seen(port.MessageFailed))
    assert failed.wire_id == verdict.wire_id
    assert receipts(rig, verdict.wire_id) == []


async def test_a_lost_answer_is_unconfirmed_though_the_message_went_out(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.does(device, "lose_ack", for_seconds=3600)
    for number in range(12):
        assert isinstance(await rig.send(device, ANN, f"m{number}"), port.Unconfirmed)
    await rig.until(lambda: rig.seen(port.Receipt))
    if rig.driver.caps.echoes_ref:
        await rig.until(lambda: {each.ref for each in rig.seen(port.Receipt)} == {f"m{number}" for number in range(12)})


async def test_a_repeated_id_has_one_effect_and_the_same_answer(rig: rigs.Rig) -> None:
    rig.needs("deduplicates")
    device = await rig.linked()
    first = await rig.send(device, ANN, "m1")
    assert await rig.send(device, ANN, "m1") == first
    await rig.does(device, "lose_ack")
    assert isinstance(await rig.send(device, ANN, "m2"), port.Unconfirmed)
    assert isinstance(await rig.send(device, ANN, "m2"), port.Accepted)


async def test_an_unknown_device_cannot_send(rig: rigs.Rig) -> None:
    assert isinstance(await rig.send(port.DeviceRef("stranger"), ANN, "m1"), port.DeviceLost)


async def test_a_stale_fencing_token_sends_nothing(rig: rigs.Rig) -> None:
    device = await rig.linked()
    new, old = port.DeviceRef(device.device_id, 7), port.DeviceRef(device.device_id, 6)
    assert isinstance(await rig.send(new, ANN, "m1"), port.Accepted)
    assert isinstance(await rig.send(old, ANN, "m2"), port.DeviceLost)
    assert isinstance(await rig.send(new, ANN, "m3"), port.Accepted)


@pytest.mark.slow
async def test_a_whole_burst_in_flight_is_answered(rig: rigs.Rig) -> None:
    device = await rig.linked()
    sends = [rig.driver.send(device, port.Address(ANN), port.Content("x"), ref=f"m{n}") for n in range(500)]
    verdicts = await rig.wait(asyncio.gather(*sends))
    assert all(isinstance(each, port.Accepted) for each in verdicts)


# ---------------------------------------------------------------------- losing the device


@pytest.mark.parametrize(
    ("action", "more", "event"),
    [
        ("offline", {}, port.Disconnected),
        ("log_out", {}, port.LoggedOut),
        ("replace", {}, port.StreamReplaced),
        ("ban", {"for_seconds": 3600}, port.TemporaryBan),
        ("ban", {}, port.Refused),
        ("outdate", {}, port.ClientOutdated),
    ],
)
async def test_a_lost_device_says_so_and_then_sends_nothing(
    rig: rigs.Rig, action: str, more: dict[str, float], event: type[port.Event]
) -> None:
    if event is not port.Refused:
        rig.needs("pairing_qr")  # only a line that a phone holds can be cut, taken over or ended by it
    device = await rig.linked()
    await rig.does(device, action, **more)
    await rig.until(lambda: rig.seen(event))
    assert isinstance(await rig.send(device, ANN, "m1"), port.DeviceLost)


async def test_a_ban_has_an_end_and_a_code(rig: rigs.Rig) -> None:
    rig.needs("pairing_qr")
    device = await rig.linked()
    await rig.does(device, "ban", for_seconds=3600, extra={"code": "104"})
    [ban] = await rig.until(lambda: rig.seen(port.TemporaryBan))
    assert ban.code == 104
    assert ban.until > ban.at
    verdict = await rig.send(device, ANN, "m1")
    assert isinstance(verdict, port.DeviceLost)
    assert verdict.until == ban.until


async def test_a_device_comes_back_by_itself_after_an_outage(rig: rigs.Rig) -> None:
    rig.needs("pairing_qr")
    device = await rig.linked()
    await rig.does(device, "offline", for_seconds=0.3)
    [gone] = await rig.until(lambda: rig.seen(port.Disconnected))
    assert gone.will_retry
    await rig.until(lambda: len(rig.seen(port.Connected)) == 2)
    assert isinstance(await rig.send(device, ANN, "m1"), port.Accepted)


# ---------------------------------------------------------------------- what comes in


async def test_a_message_from_a_person_arrives_with_what_it_quotes(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.send(device, ANN, "m1")
    await rig.does(device, "inbound", phone=ANN, text="STOP", extra={"quoted": "m1"})
    [message] = await rig.until(lambda: rig.seen(port.MessageReceived))
    assert (message.sender.phone, message.text, message.quoted_wire_id) == (ANN, "STOP", "m1")


async def test_a_sender_without_a_number_is_never_given_one(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.does(device, "inbound", phone=ANN, text="Hi", opaque="123@lid", for_seconds=0.1)
    [message] = await rig.until(lambda: rig.seen(port.MessageReceived))
    assert message.sender == port.Address(None, "123@lid")
    [linked] = await rig.until(lambda: rig.seen(port.IdentityLinked))
    assert (linked.phone, linked.opaque) == (ANN, "123@lid")


async def test_what_the_owner_writes_on_the_phone_is_reported(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.does(device, "sent_elsewhere", phone=ANN)
    [message] = await rig.until(lambda: rig.seen(port.MessageSentElsewhere))
    assert message.to.phone == ANN


async def test_numbers_can_be_checked(rig: rigs.Rig) -> None:
    rig.needs("number_check")
    device = await rig.linked()
    found = await rig.wait(rig.driver.check_numbers(device, [ANN, NOBODY]))
    assert [each.exists for each in found] == [True, False]
    with pytest.raises(port.NotPaired):
        await rig.wait(rig.driver.check_numbers(port.DeviceRef("stranger"), [ANN]))


# ---------------------------------------------------------------------- events and endings


async def test_events_have_rising_numbers_and_come_again_until_taken(rig: rigs.Rig) -> None:
    rig.refuse_events = 2
    await rig.linked()
    await rig.until(lambda: rig.refuse_events == 0)
    numbers = [each.seq for each in sorted(rig.events, key=lambda each: each.seq)]
    assert len(set(numbers)) == len(numbers)
    assert numbers[0] > 0


async def test_closing_with_sends_in_flight_answers_every_one(rig: rigs.Rig) -> None:
    device = await rig.linked()
    await rig.does(device, "silent", for_seconds=3600)
    sends = [asyncio.ensure_future(rig.driver.send(device, port.Address(ANN), port.Content("x"), ref=f"m{n}")) for n in range(20)]
    await rig.passes(0.05)
    await rig.wait(rig.driver.close(timedelta(seconds=0.1)))
    verdicts = await rig.wait(asyncio.gather(*sends))
    assert all(isinstance(each, port.Unconfirmed) for each in verdicts)
    assert isinstance(await rig.send(device, ANN, "late"), port.DeviceLost)


async def test_closing_twice_is_no_harm(rig: rigs.Rig) -> None:
    await rig.wait(rig.driver.close(timedelta(seconds=0.1)))
    await rig.wait(rig.driver.close(timedelta(seconds=0.1)))
