"""Webhook calls: the challenge, the signature, every kind of event, and what comes malformed."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hantar.gateways import port
from hantar.gateways.cloud import webhooks
from hantar.gateways.credentials import NO_LIMIT, Quality

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
PLACES = {"100": ["d1"], "9001": ["d1", "d2"]}
ABOUT = {"metadata": {"phone_number_id": "100", "display_phone_number": "60111111111"}}


def call(field: str, value: dict[str, Any], *, time: Any = None, business: str = "9001") -> dict[str, Any]:
    entry = {"id": business, "changes": [{"field": field, "value": value}]} | ({"time": time} if time else {})
    return {"object": "whatsapp_business_account", "entry": [entry]}


def events(field: str, value: dict[str, Any], **more: Any) -> list[port.Event]:
    return webhooks.events_of(call(field, value, **more), PLACES, NOW)


def one(field: str, value: dict[str, Any], **more: Any) -> Any:
    [found] = events(field, value, **more)
    return found


def status(**more: Any) -> dict[str, Any]:
    told = {"id": "wamid.1", "status": "sent", "timestamp": "1750857384", "recipient_id": "60121111111"}
    return ABOUT | {"statuses": [told | more]}


def message(**more: Any) -> dict[str, Any]:
    said = {"from": "60121111111", "id": "wamid.2", "timestamp": "1750857384", "type": "text", "text": {"body": "Hi"}}
    contact = {"profile": {"name": "Ann"}, "wa_id": "60121111111"}
    return ABOUT | {
        "contacts": [contact],
        "messages": [{key: value for key, value in (said | more).items() if value is not None}],
    }


# ---------------------------------------------------------------------- genuine or not


def test_only_the_raw_body_under_the_apps_secret_is_genuine() -> None:
    body = b'{"entry": []}'
    header = "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert webhooks.is_signed(body, header, "secret")
    assert not webhooks.is_signed(body + b" ", header, "secret")
    assert not webhooks.is_signed(body, header, "other")
    assert not webhooks.is_signed(body, header.upper(), "secret")
    assert not webhooks.is_signed(body, header.removeprefix("sha256="), "secret")
    assert not webhooks.is_signed(body, None, "secret")
    assert not webhooks.is_signed(body, "sha256=\udcff", "secret")
    assert not webhooks.is_signed(body, "sha256=" + hmac.new(b"", body, hashlib.sha256).hexdigest(), ""), "no secret, no trust"


def test_the_challenge_is_answered_to_who_knows_the_token() -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "word", "hub.challenge": "1158201444"}
    assert webhooks.challenge(asked, "word") == "1158201444"
    assert webhooks.challenge(asked, "other") is None
    assert webhooks.challenge(asked | {"hub.mode": "unsubscribe"}, "word") is None
    assert webhooks.challenge(asked | {"hub.verify_token": ""}, "") is None, "no token set, nobody knows it"
    assert webhooks.challenge({}, "word") is None


# ---------------------------------------------------------------------- outcomes


@pytest.mark.parametrize("word", ["sent", "delivered", "read", "played"])
def test_a_status_is_a_receipt_with_our_ref(word: str) -> None:
    found = one("messages", status(status=word, biz_opaque_callback_data="ref-1"))
    assert found == port.Receipt(
        device_id="d1",
        event_id=f"wamid.1:{word}",
        at=datetime.fromtimestamp(1750857384, UTC),
        wire_ids=("wamid.1",),
        kind=port.ReceiptKind(word),
        ref="ref-1",
    )


def test_a_status_of_a_message_that_was_not_ours_has_no_ref() -> None:
    assert one("messages", status()).ref is None


def test_a_failed_status_has_its_reason_and_our_ref() -> None:
    found = one("messages", status(status="failed", biz_opaque_callback_data="ref-1", errors=[{"code": 131049}]))
    assert (found.reason, found.ref, found.wire_id) == (port.Reason.CAPPED, "ref-1", "wamid.1")
    assert webhooks.failures_in(call("messages", status(status="failed", errors=[{"code": 131049}]))) == [("100", 131049)]


def test_a_message_refused_because_of_a_stop_is_an_opt_out_too() -> None:
    failed, stop = events("messages", status(status="failed", errors=[{"code": 131050}]))
    assert failed.reason is port.Reason.OPTED_OUT
    assert (stop.who, stop.way) == (port.Address("60121111111"), "stop")


def test_a_delivery_that_names_both_says_who_an_id_belongs_to() -> None:
    _, linked = events("messages", status(status="delivered", recipient_user_id="MY.77"))
    assert (linked.phone, linked.opaque) == ("60121111111", "MY.77")
    assert len(events("messages", status(status="sent", recipient_user_id="MY.77"))) == 1, "once for each message is enough"


# ---------------------------------------------------------------------- people


def test_a_message_from_a_person() -> None:
    found = one("messages", message(context={"id": "wamid.1", "from": "60111111111"}))
    assert found == port.MessageReceived(
        device_id="d1",
        event_id="wamid.2",
        at=datetime.fromtimestamp(1750857384, UTC),
        sender=port.Address("60121111111"),
        wire_id="wamid.2",
        text="Hi",
        push_name="Ann",
        quoted_wire_id="wamid.1",
    )


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"type": "button", "button": {"text": "STOP", "payload": "x"}}, "STOP"),
        ({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "1", "title": "Yes"}}}, "Yes"),
        ({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Rice"}}}, "Rice"),
        ({"type": "image", "image": {"id": "5", "caption": "Look"}}, "Look"),
        ({"type": "audio", "audio": {"id": "5"}}, ""),
        ({"type": "unsupported", "errors": [{"code": 131051}]}, ""),
    ],
)
def test_what_a_person_said_in_other_ways(more: dict[str, Any], text: str) -> None:
    assert one("messages", message(**more)).text == text


def test_a_person_without_a_number_is_never_given_one() -> None:
    value = message(**{"from": None, "from_user_id": "US.13491208655302741918"})
    value["contacts"] = [{"profile": {"name": "Ann"}, "user_id": "US.13491208655302741918"}]
    assert one("messages", value).sender == port.Address(None, "US.13491208655302741918")


def test_an_id_where_a_number_was_is_no_number() -> None:
    assert one("messages", message(**{"from": "US.1349"})).sender == port.Address(None, "US.1349")


def test_a_number_and_an_id_come_together_when_both_are_known() -> None:
    value = message()
    value["contacts"][0]["user_id"] = "MY.77"
    assert one("messages", value).sender == port.Address("60121111111", "MY.77")


def test_a_message_in_a_group_is_not_to_us_alone() -> None:
    assert one("messages", message(group_id="g1")).in_group


@pytest.mark.parametrize("kind", ["reaction", "system", "request_welcome"])
def test_what_nobody_wrote_is_no_message(kind: str) -> None:
    assert events("messages", message(type=kind)) == []


def test_a_stop_at_the_service_is_an_opt_out_and_a_resume_releases_nobody() -> None:
    said = {"wa_id": "60121111111", "category": "marketing_messages", "value": "stop", "timestamp": 1731705721}
    found = one("user_preferences", ABOUT | {"user_preferences": [said]})
    assert (found.who, found.way) == (port.Address("60121111111"), "stop")
    assert events("user_preferences", ABOUT | {"user_preferences": [said | {"value": "resume"}]}) == []
    changed = message(type="system", system={"type": "user_preference_changed", "marketing": "stop"})
    assert isinstance(one("messages", changed), port.OptOut)


def test_what_the_business_writes_in_its_own_app() -> None:
    echo = {"from": "60111111111", "to": "60121111111", "id": "wamid.3", "timestamp": "1", "type": "text", "text": {"body": "Hi"}}
    found = one("smb_message_echoes", ABOUT | {"message_echoes": [echo]})
    assert (found.to.phone, found.wire_id, found.text) == ("60121111111", "wamid.3", "Hi")


# ---------------------------------------------------------------------- templates, numbers, accounts


def test_news_of_a_template_concerns_every_number_of_the_account() -> None:
    value = {"event": "PAUSED", "message_template_name": "offer", "message_template_language": "ms", "reason": "NONE"}
    found = events("message_template_status_update", value, time=1739321024)
    assert [each.device_id for each in found] == ["d1", "d2"]
    assert (found[0].name, found[0].language, found[0].status, found[0].why) == ("offer", "ms", "PAUSED", "")
    assert found[0].at == datetime.fromtimestamp(1739321024, UTC)
    again = events("message_template_status_update", value, time=1739321024)
    later = events("message_template_status_update", value, time=1739321999)
    assert again[0].event_id == found[0].event_id != later[0].event_id


def test_a_template_moves_to_another_category_or_is_taken_badly() -> None:
    value = {"message_template_name": "offer", "message_template_language": "ms"}
    moved = events("template_category_update", value | {"previous_category": "UTILITY", "new_category": "MARKETING"})[0]
    assert (moved.category, moved.status) == ("MARKETING", "")
    judged = events("message_template_quality_update", value | {"new_quality_score": "RED"})[0]
    assert (judged.status, judged.why) == ("", "quality RED")


@pytest.mark.parametrize(
    ("value", "quality", "tier"),
    [
        ({"event": "ONBOARDING", "max_daily_conversations_per_business": "TIER_2K"}, None, 2_000),
        ({"event": "UPGRADE", "old_limit": "TIER_1K", "current_limit": "TIER_10K"}, None, 10_000),
        ({"event": "UPGRADE", "current_limit": "TIER_UNLIMITED"}, None, NO_LIMIT),
        ({"event": "FLAGGED", "current_limit": "TIER_1K"}, Quality.RED, 1_000),
        ({"event": "UNFLAGGED"}, Quality.GREEN, None),
    ],
)
def test_news_of_a_number(value: dict[str, Any], quality: Quality | None, tier: int | None) -> None:
    found = events("phone_number_quality_update", {"display_phone_number": "60111111111", **value})[0]
    assert (found.quality, found.tier) == (quality, tier)


def test_throughput_is_no_limit_of_people() -> None:
    assert events("phone_number_quality_update", {"event": "THROUGHPUT_UPGRADE", "current_limit": "TIER_UNLIMITED"}) == []


def test_a_capability_update_names_the_limit_as_a_number() -> None:
    assert events("business_capability_update", {"max_daily_conversation_per_phone": 250})[0].tier == 250
    assert events("business_capability_update", {"max_daily_conversations_per_business": -1})[0].tier == NO_LIMIT
    assert events("business_capability_update", {"max_phone_numbers_per_business": 25}) == []


def test_what_happens_to_an_account() -> None:
    banned = call("account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}})
    assert [type(each) for each in webhooks.events_of(banned, PLACES, NOW)] == [port.Refused, port.Refused]
    assert webhooks.banned_in(banned) == ["9001"]
    warned = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}}
    assert events("account_update", warned) == []
    shut = [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": "2026-12-12T07:09:27.000Z"}]
    locked = events("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": shut})[0]
    assert locked.until == datetime(2026, 12, 12, 7, 9, 27, tzinfo=UTC)
    other = [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION", "expiration": "2026-12-12T07:09:27.000Z"}]
    assert events("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": other}) == []


# ---------------------------------------------------------------------- whose, and what is malformed


def test_a_call_names_whom_it_speaks_of_and_what_is_not_ours_is_left_out() -> None:
    mixed = {"entry": call("messages", status())["entry"] + call("messages", message(), business="9002")["entry"]}
    assert webhooks.names_in(mixed) == {"100", "9001", "9002"}
    assert webhooks.events_of(mixed, {"555": ["d9"]}, NOW) == []
    assert len(webhooks.events_of(mixed, PLACES, NOW)) == 2, "a number's messages are its own, whatever the account is called"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"entry": None},
        {"entry": [None, 1, "x", {"changes": {}}, {"id": 9001, "changes": [None, {"value": []}, {"field": 5, "value": {}}]}]},
        call("messages", ABOUT | {"statuses": [{}, {"id": 1}, {"id": "w", "status": "wobbly"}, None]}),
        call("messages", ABOUT | {"messages": [{}, {"from": "60121111111"}, {"id": "w", "from": "", "from_user_id": ""}]}),
        call("messages", {"metadata": "100", "statuses": [{"id": "w", "status": "sent"}]}, business="7"),
        call("user_preferences", ABOUT | {"user_preferences": [{"value": "stop"}]}),
        call("smb_message_echoes", ABOUT | {"message_echoes": [{"to": "60121111111"}]}),
        call("message_template_status_update", {"event": "PAUSED"}),
        call("phone_number_quality_update", {"event": "FLAGGING", "current_limit": {"x": 1}}),
        call("account_update", {"restriction_info": "all", "ban_info": 5}),
        call("something_new", {"a": 1}),
    ],
)
def test_what_is_malformed_is_left_out(payload: dict[str, Any]) -> None:
    assert webhooks.events_of(payload, PLACES, NOW) == []
    assert webhooks.failures_in(payload) == webhooks.banned_in(payload) == []


@pytest.mark.parametrize("time", ["99999999999999999999", "-5", "soon", "", None, {}])
def test_a_time_that_makes_no_sense_is_the_calls_own(time: Any) -> None:
    assert one("messages", status(timestamp=time)).at == NOW


def test_a_call_survives_json_and_back() -> None:
    payload = json.loads(json.dumps(call("messages", message())))
    assert webhooks.events_of(payload, PLACES, NOW) == webhooks.events_of(payload, PLACES, NOW)
