"""Every row of the verdict map, by the library's own words."""

from datetime import timedelta

import pytest

from hantar.gateways import media, port
from hantar.gateways.linked import verdicts

REF = "a message"
Scope = port.Scope


@pytest.mark.parametrize(
    "text",
    [
        "timed out waiting for message send response",
        "websocket disconnected before message send returned response",
        "failed to send message node: frame socket is closed",
        "failed to send message node: websocket not connected",  # said of the very moment of sending: still doubt
        "a text that nobody has ever seen",
        "",
    ],
)
def test_doubt_is_unconfirmed(text: str) -> None:
    assert isinstance(verdicts.Judge().of_send(text, REF), port.Unconfirmed)


@pytest.mark.parametrize(
    "text",
    [
        "client is nil",
        "websocket not connected",
        "the store doesn't contain a device JID",
        "failed to get user info for 60123456789@s.whatsapp.net: failed to send usync query: websocket not connected",
    ],
)
def test_without_a_line_nothing_left(text: str) -> None:
    verdict = verdicts.Judge().of_send(text, REF)
    assert isinstance(verdict, port.DeviceLost)
    assert verdict.until is None


def test_463_holds_new_chats() -> None:
    verdict = verdicts.Judge().of_send("server returned error 463", REF)
    assert verdict == port.Deferred(timedelta(hours=24), Scope.NEW_CHATS, "server returned error 463")


@pytest.mark.parametrize(("code", "first", "most"), [(429, 60, 3600), (500, 30, 600), (503, 30, 600), (599, 30, 600)])
def test_too_many_and_trouble_rest_the_device_longer_each_time(code: int, first: int, most: int) -> None:
    judge = verdicts.Judge()
    waits = []
    for number in range(20):
        verdict = judge.of_send(f"server returned error {code}", f"message {number}")
        assert isinstance(verdict, port.Deferred)
        assert verdict.scope is Scope.DEVICE
        waits.append(verdict.after.total_seconds())
    assert waits[:3] == [first, 2 * first, 4 * first]
    assert max(waits) == most
    judge.accepted(REF)
    again = judge.of_send(f"server returned error {code}", REF)
    assert isinstance(again, port.Deferred)
    assert again.after.total_seconds() == first


@pytest.mark.parametrize("code", [400, 401, 403, 404, 420, 479])
def test_another_refusal_is_tried_once_more_and_then_final(code: int) -> None:
    judge = verdicts.Judge()
    text = f"server returned error {code}"
    first = judge.of_send(text, REF)
    assert first == port.Deferred(timedelta(minutes=5), Scope.MESSAGE, text)
    assert isinstance(judge.of_send(text, "another message"), port.Deferred)
    assert judge.of_send(text, REF) == port.Rejected(port.Reason.ACCOUNT_REFUSED, text)


def test_a_message_that_went_out_is_forgotten() -> None:
    judge = verdicts.Judge()
    judge.of_send("server returned error 400", REF)
    judge.accepted(REF)
    assert isinstance(judge.of_send("server returned error 400", REF), port.Deferred)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "REMEMBERED", 3)
    judge = verdicts.Judge()
    for number in range(10):
        judge.of_send("server returned error 400", f"{number}")
    assert len(judge._refused) == 3
    assert isinstance(judge.of_send("server returned error 400", "9"), port.Rejected)
    assert isinstance(judge.of_send("server returned error 400", "0"), port.Deferred)


def test_a_question_before_the_message_is_no_message() -> None:
    judge = verdicts.Judge()
    text = "failed to get device list: failed to send usync query: info query timed out"
    found = [judge.of_send(text, REF) for _ in range(verdicts.LOOKUPS + 1)]
    waits = [each.after.total_seconds() for each in found[:-1] if isinstance(each, port.Deferred) and each.scope is Scope.MESSAGE]
    assert waits == [30, 60, 120, 240, 480]
    assert found[-1] == port.Rejected(port.Reason.UNDELIVERABLE, text)
    busy = judge.of_send("failed to send usync query: info query returned status 429: rate-overlimit", "other")
    assert isinstance(busy, port.Deferred)
    assert busy.scope is Scope.DEVICE


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("failed to refresh media connections: failed to query media connections: websocket not connected", port.DeviceLost),
        ("upload failed with status code 413", port.Rejected),
        ("upload failed with status code 503", port.Deferred),
        ("failed to execute request: EOF", port.Deferred),
    ],
)
def test_a_failed_upload_left_no_message(text: str, verdict: type) -> None:
    assert isinstance(verdicts.Judge().of_upload(text, REF), verdict)


def test_no_full_number_in_a_reason() -> None:
    why = verdicts.plain("failed to get user info for 60123456789@s.whatsapp.net\nto fill 4915112345678:3@lid")
    assert "60123456789" not in why
    assert "4915112345678" not in why
    assert "\n" not in why
    assert why.startswith("failed to get user info for 6012")


ADDRESS = "https://mmg.whatsapp.net/v/t62/secret?oe=1&hash=2"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("failed to download media from last host: download failed with status code 403", media.MediaGone),
        ("failed to download media from last host: download failed with status code 404", media.MediaGone),
        ("download failed with status code 410", media.MediaGone),
        ("failed to download media from last host: download failed with status code 503", port.PairingRefused),
        ("download failed with status code 4040", port.PairingRefused),
        ("failed to refresh media connections: client is nil", port.NotPaired),
        ("failed to refresh media connections: websocket not connected", port.NotPaired),
        ("failed to refresh media connections: info query timed out", port.PairingRefused),
        ("invalid media hmac", port.PairingRefused),
        (f'Get "{ADDRESS}": dial tcp: lookup mmg.whatsapp.net: no such host', port.PairingRefused),
        ("", port.PairingRefused),
    ],
)
def test_why_a_file_did_not_come(text: str, kind: type[Exception]) -> None:
    assert type(verdicts.of_fetch(text)) is kind
    assert "secret" not in str(verdicts.of_fetch(text)) + verdicts.without_address(text)
