"""The library's own events, as it encodes them, into ours."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hantar.gateways import port
from hantar.gateways.linked import whatsmeow_events as translating
from hantar.gateways.linked.client import HeardReceipt
from hantar.kit.clock import FakeClock
from tests.gateways.linked import protos
from tests.gateways.linked.protos import e2e, events, history, jid, web

ANN, ANNS_LID = "60123456789", "99887766"
OURS = "3EB0C49E647D4CCCDC252B"
AT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


@pytest.fixture
def fake() -> FakeClock:
    return FakeClock()


@pytest.fixture
def translator(fake: FakeClock) -> translating.Translator:
    return translating.Translator("device", fake)


def message(content: Any, **more: Any) -> Any:
    """A message from Ann, as the library tells it."""
    about = {"Chat": jid(ANN), "Sender": jid(ANN), "IsFromMe": False, "IsGroup": False, **more.pop("source", {})}
    source = events.MessageSource(**about)
    info = events.MessageInfo(MessageSource=source, ID="3A01", Timestamp=int(AT.timestamp()), Pushname="Ann", **more)
    return events.Message(Info=info, Message=content)


def heard(translator: translating.Translator, content: Any, **more: Any) -> port.MessageReceived:
    (received, *_) = translator.of(message(content, **more))
    assert isinstance(received, port.MessageReceived)
    return received


# ---------------------------------------------------------------- the line


@pytest.mark.parametrize(
    ("event", "kind", "more"),
    [
        (events.Connected(status=True), port.Connected, {}),
        (events.KeepAliveRestored(), port.Connected, {}),
        (events.Disconnected(status=True), port.Disconnected, {"will_retry": True}),
        (events.StreamError(Code="503"), port.Disconnected, {"why": "stream_error_503", "will_retry": True}),
        (events.KeepAliveTimeout(ErrorCount=3, LastSuccess=1), port.Silent, {}),
        (events.StreamReplaced(), port.StreamReplaced, {}),
        (events.ClientOutdated(), port.ClientOutdated, {}),
        (events.LoggedOut(OnConnect=False, Reason=1), port.LoggedOut, {"why": "logged_out"}),
        (events.LoggedOut(OnConnect=True, Reason=4), port.LoggedOut, {"why": "main_device_gone"}),
        (events.ConnectFailure(Reason=2), port.LoggedOut, {"why": "logged_out"}),
        (events.ConnectFailure(Reason=4), port.LoggedOut, {"why": "main_device_gone"}),
        (events.ConnectFailure(Reason=5), port.LoggedOut, {"why": "logged_out_406"}),
        (events.ConnectFailure(Reason=6), port.ClientOutdated, {}),
        (events.ConnectFailure(Reason=8), port.Disconnected, {"why": "server_error", "will_retry": False}),
        (events.ConnectFailure(Reason=10), port.Disconnected, {"why": "server_unavailable", "will_retry": False}),
        (events.ConnectFailure(Reason=7), port.Disconnected, {"why": "bad_user_agent", "will_retry": False}),
        (events.ConnectFailure(Reason=3), port.TemporaryBan, {"code": 402}),
    ],
    ids=lambda value: getattr(type(value), "__name__", ""),
)
def test_what_is_told_about_the_line(translator: translating.Translator, event: Any, kind: type, more: dict[str, Any]) -> None:
    (told,) = translator.of(event)
    assert type(told) is kind
    assert {name: getattr(told, name) for name in more} == more
    assert told.device_id == "device"
    (again,) = translator.of(event)
    assert again.event_id != told.event_id  # it happened twice


@pytest.mark.parametrize(("code", "known_as"), [(1, 101), (2, 102), (3, 103), (4, 104), (5, 106)])
def test_a_ban_ends_seconds_from_now(translator: translating.Translator, fake: FakeClock, code: int, known_as: int) -> None:
    (ban,) = translator.of(events.TemporaryBan(Code=code, Expire=7200))
    assert isinstance(ban, port.TemporaryBan)
    assert (ban.until, ban.code) == (fake.now() + timedelta(hours=2), known_as)


def test_a_ban_without_an_end_is_looked_at_a_day_later(translator: translating.Translator, fake: FakeClock) -> None:
    (ban,) = translator.of(events.TemporaryBan(Code=1, Expire=0))
    assert isinstance(ban, port.TemporaryBan)
    assert ban.until == fake.now() + timedelta(days=1)


def test_one_missed_heartbeat_is_nothing(translator: translating.Translator) -> None:
    assert translator.of(events.KeepAliveTimeout(ErrorCount=1, LastSuccess=1)) == []
    assert translator.of(events.KeepAliveTimeout(ErrorCount=4, LastSuccess=1)) == []


def test_what_ends_a_client() -> None:
    ends = {port.LoggedOut: {"why": ""}, port.StreamReplaced: {}, port.Disconnected: {"why": "", "will_retry": False}}
    own = translating.Translator("device", FakeClock()).own
    assert all(translating.is_final(own(kind, **more)) for kind, more in ends.items())
    assert not translating.is_final(own(port.Disconnected, why="", will_retry=True))
    assert not translating.is_final(own(port.Connected))


# ---------------------------------------------------------------- messages


def test_a_text(translator: translating.Translator) -> None:
    received = heard(translator, e2e.Message(conversation="Hello"))
    assert received.sender == port.Address(ANN)
    assert (received.text, received.wire_id, received.push_name, received.at) == ("Hello", "3A01", "Ann", AT)
    assert (received.quoted_wire_id, received.in_group) == (None, False)
    assert heard(translator, e2e.Message(conversation="Hello")) == received  # told again it is the same


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text="long")), "long"),
        (e2e.Message(imageMessage=e2e.ImageMessage(caption="a picture")), "a picture"),
        (e2e.Message(imageMessage=e2e.ImageMessage(mimetype="image/jpeg")), ""),
        (e2e.Message(videoMessage=e2e.VideoMessage(caption="a film")), "a film"),
        (e2e.Message(audioMessage=e2e.AudioMessage(seconds=3)), ""),
        (e2e.Message(buttonsResponseMessage=e2e.ButtonsResponseMessage(selectedDisplayText="STOP")), "STOP"),
        (e2e.Message(listResponseMessage=e2e.ListResponseMessage(title="Second")), "Second"),
        (e2e.Message(templateButtonReplyMessage=e2e.TemplateButtonReplyMessage(selectedDisplayText="Yes")), "Yes"),
        (e2e.Message(ephemeralMessage=e2e.FutureProofMessage(message=e2e.Message(conversation="soon gone"))), "soon gone"),
        (
            e2e.Message(
                documentWithCaptionMessage=e2e.FutureProofMessage(
                    message=e2e.Message(documentMessage=e2e.DocumentMessage(caption="the list"))
                )
            ),
            "the list",
        ),
        (e2e.Message(protocolMessage=e2e.ProtocolMessage(type=14, editedMessage=e2e.Message(conversation="STOP"))), "STOP"),
    ],
)
def test_words_are_found_wherever_they_are(translator: translating.Translator, content: Any, text: str) -> None:
    assert heard(translator, content).text == text


def test_a_reply_names_what_it_answers(translator: translating.Translator) -> None:
    context = e2e.ContextInfo(stanzaID=OURS, participant=f"{ANN}@s.whatsapp.net")
    for content in (
        e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text="yes", contextInfo=context)),
        e2e.Message(imageMessage=e2e.ImageMessage(caption="this one", contextInfo=context)),
    ):
        assert heard(translator, content).quoted_wire_id == OURS


def test_a_file_is_told_with_what_is_said_of_it(translator: translating.Translator) -> None:
    where = {
        "directPath": "/v/t62/x",
        "mediaKey": b"k" * 32,
        "fileEncSHA256": b"e" * 32,
        "fileSHA256": b"s" * 32,
        "fileLength": 4711,
    }
    image = e2e.ImageMessage(mimetype="image/jpeg", caption="look", **where)
    found = heard(translator, e2e.Message(imageMessage=image)).media
    assert found is not None
    assert (found.kind, found.mime, found.name, found.size) == ("image", "image/jpeg", "", 4711)
    kind, path, *_, size = json.loads(base64.urlsafe_b64decode(found.ref))
    assert (kind, path, size) == ("image", "/v/t62/x", 4711)
    document = e2e.DocumentMessage(mimetype="application/pdf", fileName="list.pdf", **where)
    found = heard(translator, e2e.Message(documentMessage=document)).media
    assert found is not None
    assert (found.kind, found.name) == ("document", "list.pdf")
    voice = heard(translator, e2e.Message(audioMessage=e2e.AudioMessage(mimetype="audio/ogg; codecs=opus", **where))).media
    assert voice is not None
    assert voice.kind == "audio"
    assert heard(translator, e2e.Message(conversation="no file")).media is None


@pytest.mark.parametrize(
    "content",
    [
        e2e.Message(),
        e2e.Message(reactionMessage=e2e.ReactionMessage(text="👍")),
        e2e.Message(protocolMessage=e2e.ProtocolMessage(type=0)),
        e2e.Message(senderKeyDistributionMessage=e2e.SenderKeyDistributionMessage(groupID="x")),
    ],
)
def test_the_protocols_own_talk_is_no_message(translator: translating.Translator, content: Any) -> None:
    assert translator.of(message(content)) == []


def test_a_sender_known_by_opaque_id_only_has_no_phone(translator: translating.Translator) -> None:
    source = {"Chat": jid(ANNS_LID, "lid"), "Sender": jid(ANNS_LID, "lid")}
    told = translator.of(message(e2e.Message(conversation="Hi"), source=source))
    assert [type(each) for each in told] == [port.MessageReceived]
    assert told[0].sender == port.Address(None, f"{ANNS_LID}@lid")


def test_both_names_of_a_person_are_linked_once(translator: translating.Translator) -> None:
    source = {"Chat": jid(ANNS_LID, "lid"), "Sender": jid(ANNS_LID, "lid"), "SenderAlt": jid(ANN)}
    told = translator.of(message(e2e.Message(conversation="Hi"), source=source))
    assert told[0].sender == port.Address(ANN, f"{ANNS_LID}@lid")
    assert isinstance(told[1], port.IdentityLinked)
    assert (told[1].phone, told[1].opaque) == (ANN, f"{ANNS_LID}@lid")
    assert len(translator.of(message(e2e.Message(conversation="Hi"), source=source))) == 1


def test_words_in_groups_and_status_lists_are_marked(translator: translating.Translator) -> None:
    for chat in (jid("12036304", "g.us"), jid("status", "broadcast")):
        assert heard(translator, e2e.Message(conversation="STOP"), source={"Chat": chat}).in_group
    news = {"Chat": jid("1203", "newsletter"), "Sender": jid("1203", "newsletter")}
    assert translator.of(message(e2e.Message(conversation="News"), source=news)) == []


def test_what_the_phone_itself_sent(translator: translating.Translator) -> None:
    source = {"IsFromMe": True, "Sender": jid("60999")}
    (sent,) = translator.of(message(e2e.Message(conversation="I will call you"), source=source))
    assert isinstance(sent, port.MessageSentElsewhere)
    assert (sent.to, sent.wire_id, sent.text) == (port.Address(ANN), "3A01", "I will call you")
    assert translator.of(message(e2e.Message(conversation="x"), source=source, Category="peer")) == []


# ---------------------------------------------------------------- receipts


def receipt(kind: int, *wire_ids: str, **source: Any) -> Any:
    about = {"Chat": jid(ANN), "Sender": jid(ANN), "IsFromMe": False, "IsGroup": False, **source}
    return events.Receipt(
        MessageSource=events.MessageSource(**about), MessageIDs=wire_ids, Timestamp=int(AT.timestamp()), Type=kind
    )


@pytest.mark.parametrize(
    ("number", "kind"), [(1, port.ReceiptKind.DELIVERED), (4, port.ReceiptKind.READ), (6, port.ReceiptKind.PLAYED)]
)
def test_how_far_messages_got(translator: translating.Translator, number: int, kind: port.ReceiptKind) -> None:
    (told,) = translator.of(receipt(number, OURS, OURS[:-1] + "0"))
    assert isinstance(told, HeardReceipt)
    assert (told.wire_ids, told.kind, told.at) == ((OURS, OURS[:-1] + "0"), kind, AT)
    assert (told.chat, told.could_be_ours) == (port.Address(ANN), True)
    assert translator.of(receipt(number, OURS, OURS[:-1] + "0")) == [told]


def test_an_id_made_elsewhere_is_not_ours(translator: translating.Translator) -> None:
    for wire_id in ("3A0123456789ABCDEF01", "AC12" * 8, "3EB0" + "G" * 18, ""):
        (told,) = translator.of(receipt(1, wire_id))
        assert isinstance(told, HeardReceipt)
        assert not told.could_be_ours


@pytest.mark.parametrize("number", [2, 3, 5, 7, 8, 9, 10, 11])
def test_other_receipts_say_nothing(translator: translating.Translator, number: int) -> None:
    assert translator.of(receipt(number, OURS)) == []


def test_own_devices_and_groups_are_no_recipients(translator: translating.Translator) -> None:
    assert translator.of(receipt(1, OURS, IsFromMe=True)) == []
    assert translator.of(receipt(1, OURS, Chat=jid("1203", "g.us"), IsGroup=True)) == []
    assert translator.of(receipt(1)) == []


# ---------------------------------------------------------------- history


def past(number: int, text: str, *, ours: bool = False) -> Any:
    key = {"remoteJID": f"{ANN}@s.whatsapp.net", "fromMe": ours, "ID": f"OLD{number}"}
    info = web.WebMessageInfo(key=key, message=e2e.Message(conversation=text), messageTimestamp=int(AT.timestamp()) + number)
    return history.HistorySyncMsg(message=info)


def test_history_comes_in_pieces(translator: translating.Translator) -> None:
    many = [past(number, f"text {number}", ours=number % 2 == 1) for number in range(450)]
    chat = history.Conversation(ID=f"{ANN}@s.whatsapp.net", lidJID=f"{ANNS_LID}@lid", messages=many)
    group = history.Conversation(ID="1203@g.us", messages=[past(1, "in a group")])
    data = history.HistorySync(syncType=3, conversations=[chat, group])
    *batches, linked = translator.of(events.HistorySync(Data=data))
    sizes = [len(each.messages) for each in batches if isinstance(each, port.HistoryBatch)]
    assert sizes == [200, 200, 50]
    assert isinstance(linked, port.IdentityLinked)
    first, second = batches[0].messages[:2]  # type: ignore[attr-defined]
    assert isinstance(first, port.MessageReceived)
    assert isinstance(second, port.MessageSentElsewhere)
    assert first.sender == second.to == port.Address(ANN, f"{ANNS_LID}@lid")
    assert (first.text, second.wire_id) == ("text 0", "OLD1")
    assert len({each.event_id for each in batches}) == 3
    again = translator.of(events.HistorySync(Data=data))
    assert [each.event_id for each in again] == [each.event_id for each in batches]


def test_numbers_of_opaque_ids_in_the_history(translator: translating.Translator) -> None:
    pair = {"pnJID": f"{ANN}@s.whatsapp.net", "lidJID": f"{ANNS_LID}:3@lid"}
    (told,) = translator.of(events.HistorySync(Data=history.HistorySync(syncType=0, phoneNumberToLidMappings=[pair])))
    assert isinstance(told, port.IdentityLinked)
    assert (told.phone, told.opaque) == (ANN, f"{ANNS_LID}@lid")


def test_odd_stamps_count_as_now(translator: translating.Translator, fake: FakeClock) -> None:
    for stamp in (0, -5, 10**18):
        received = message(e2e.Message(conversation="x"))
        received.Info.Timestamp = stamp
        assert translator.of(received)[0].at == fake.now()
    received.Info.Timestamp = int(AT.timestamp() * 1000)
    assert translator.of(received)[0].at == AT


def test_every_kind_we_ask_for_exists() -> None:
    names = set(protos.events.DESCRIPTOR.message_types_by_name)
    assert set(translating.KINDS) <= names
