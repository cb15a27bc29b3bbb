"""The library's events into ours. It reads protocol buffers by their names and imports nothing of the library.

What the library tells is data of strangers: nothing here raises for odd content, it is left out.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hantar.gateways import port
from hantar.gateways.linked import whatsmeow_words as words
from hantar.gateways.linked.client import HeardReceipt
from hantar.kit import ids
from hantar.kit.clock import Clock

E = TypeVar("E", bound=port.Event)
OWN_ID = re.compile(r"3EB0[0-9A-F]{18}")
"""The ids this library makes (measured); WhatsApp's programs on phones make others."""
PHONE, LID = ("s.whatsapp.net", "c.us", "hosted"), ("lid", "hosted.lid")
"""Servers of addresses that are a person: by number, by opaque id."""
MANY = ("g.us", "broadcast")
"""Servers of addresses that are more than one person."""
BATCH = 200
"""Messages of the history in one event."""
BAN = timedelta(hours=24)
"""A temporary ban whose end is not told. Ours; the next probe finds out."""
MISSED = 3
"""Heartbeats in a row without an answer (20 to 30 s each) after which a line counts as silent."""
LINKS = 10_000
"""Pairs of number and opaque id that are remembered as told, per device."""

_RECEIPTS = {1: port.ReceiptKind.DELIVERED, 4: port.ReceiptKind.READ, 6: port.ReceiptKind.PLAYED}
"""Types of receipts about what we sent; the others are about our own reading, or the protocol's talk."""
_BANS = {1: 101, 2: 102, 3: 103, 4: 104, 5: 106}
"""The library's numbers of the reasons for a temporary ban, as whatsmeow's codes."""
_FAILURES = {
    **{1: "refused_400", 2: "logged_out", 3: "temporary_ban", 4: "main_device_gone", 5: "logged_out_406"},
    **{6: "outdated", 7: "bad_user_agent", 8: "server_error", 9: "refused_501", 10: "server_unavailable"},
}
"""The library's numbers of reasons for a refused connection: 400, 401, 402, 403, 406, 405, 409, 500, 501, 503."""
_UNLINKED, _BANNED, _OUTDATED = (2, 4, 5), 3, 6


class Translator:
    """Of one device: it knows which device tells, and what was told already of who is who."""

    def __init__(self, device_id: str, clock: Clock) -> None:
        self._device_id, self._clock = device_id, clock
        self._linked: set[tuple[str, str]] = set()

    def of(self, event: Any) -> list[port.Event]:
        """Ours for one of the library's; none for what says nothing to us."""
        translate = _KINDS.get(event.DESCRIPTOR.name)
        return [] if translate is None else translate(self, event)

    # ------------------------------------------------------------------ the line

    def own(self, kind: Callable[..., E], **more: Any) -> E:
        """An event that happened now, and once."""
        return kind(device_id=self._device_id, event_id=ids.new_id(), at=self._clock.now(), **more)

    def _id(self, what: str) -> str:
        """The id of what may be told again. Two devices of ours may hear the same message: it begins with the device."""
        return f"{self._device_id}:{what}"

    def _connected(self, _event: Any) -> list[port.Event]:
        return [self.own(port.Connected)]

    def _disconnected(self, _event: Any) -> list[port.Event]:
        return [self.own(port.Disconnected, why="connection_lost", will_retry=True)]

    def _missed(self, event: Any) -> list[port.Event]:
        return [self.own(port.Silent)] if event.ErrorCount == MISSED else []

    def _stream_error(self, event: Any) -> list[port.Event]:
        code = re.sub(r"\W", "", event.Code)[:20]
        return [self.own(port.Disconnected, why=f"stream_error_{code}", will_retry=True)]

    def _replaced(self, _event: Any) -> list[port.Event]:
        return [self.own(port.StreamReplaced)]

    def _outdated(self, _event: Any) -> list[port.Event]:
        return [self.own(port.ClientOutdated)]

    def _logged_out(self, event: Any) -> list[port.Event]:
        return [self.own(port.LoggedOut, why=_FAILURES.get(event.Reason, "logged_out") if event.OnConnect else "logged_out")]

    def _banned(self, event: Any) -> list[port.Event]:
        rest = timedelta(seconds=event.Expire) if 0 < event.Expire < 10**9 else BAN  # seconds from now, no instant
        return [self.own(port.TemporaryBan, until=self._clock.now() + rest, code=_BANS.get(event.Code, event.Code))]

    def _refused(self, event: Any) -> list[port.Event]:
        why = _FAILURES.get(event.Reason, f"refused_{event.Reason}")
        if event.Reason in _UNLINKED:
            return [self.own(port.LoggedOut, why=why)]
        if event.Reason == _OUTDATED:
            return [self.own(port.ClientOutdated)]
        if event.Reason == _BANNED:
            return [self.own(port.TemporaryBan, until=self._clock.now() + BAN, code=402)]
        return [self.own(port.Disconnected, why=why, will_retry=False)]

    # ------------------------------------------------------------------ messages

    def _message(self, event: Any) -> list[port.Event]:
        info, source = event.Info, event.Info.MessageSource
        message = words.unwrapped(event.Message)
        is_many = source.Chat.Server in MANY
        if info.Category == "peer" or not (is_many or _is_person(source.Chat)) or not words.is_from_a_person(message):
            return []
        about = {
            "device_id": self._device_id,
            "event_id": self._id(f"message:{info.ID}"),
            "at": self._at(info.Timestamp),
            "wire_id": info.ID,
        }
        if source.IsFromMe:
            if is_many:
                return []
            to = address(source.Chat, source.RecipientAlt)
            sent = port.MessageSentElsewhere(to=to, text=words.text_of(message), **about)
            return [sent, *self._who(to, sent.at)]
        sender = address(source.Sender, source.SenderAlt)
        received = port.MessageReceived(
            sender=sender,
            text=words.text_of(message),
            push_name=info.Pushname[:200],
            quoted_wire_id=words.quoted_in(message),
            in_group=is_many,
            media=words.file_in(message),
            **about,
        )
        return [received, *self._who(sender, received.at)]

    def _who(self, who: port.Address, at: datetime) -> list[port.Event]:
        """That a number and an opaque id are one person, told once."""
        if who.phone is None or who.opaque is None or (who.phone, who.opaque) in self._linked:
            return []
        if len(self._linked) >= LINKS:
            self._linked.clear()
        self._linked.add((who.phone, who.opaque))
        event_id = self._id(f"identity:{who.phone}:{who.opaque}")
        return [port.IdentityLinked(device_id=self._device_id, event_id=event_id, at=at, phone=who.phone, opaque=who.opaque)]

    def _receipt(self, event: Any) -> list[port.Event]:
        source, kind = event.MessageSource, _RECEIPTS.get(event.Type)
        wire_ids = tuple(event.MessageIDs)
        if kind is None or not wire_ids or source.IsFromMe or not _is_person(source.Chat):
            return []
        heard = HeardReceipt(
            device_id=self._device_id,
            event_id=self._id(f"receipt:{kind.value}:{_digest(wire_ids)}"),
            at=self._at(event.Timestamp),
            wire_ids=wire_ids,
            kind=kind,
            chat=address(source.Chat, source.SenderAlt),
            could_be_ours=all(OWN_ID.fullmatch(each) for each in wire_ids),
        )
        return [heard]

    # ------------------------------------------------------------------ history

    def _history(self, event: Any) -> list[port.Event]:
        found: list[port.MessageReceived | port.MessageSentElsewhere] = []
        people: list[port.Event] = []
        for chat in event.Data.conversations:
            who = of_texts(chat.ID, chat.pnJID, chat.lidJID)
            if who is not None:
                found += filter(None, (self._past(each.message, who) for each in chat.messages))
                people += self._who(who, self._clock.now())
        for pair in event.Data.phoneNumberToLidMappings:
            who = of_texts(pair.pnJID, pair.lidJID)
            people += self._who(who, self._clock.now()) if who is not None else []
        batches = [tuple(found[at : at + BATCH]) for at in range(0, len(found), BATCH)]
        return [*(self._batch(each) for each in batches), *people]

    def _batch(self, messages: tuple[port.MessageReceived | port.MessageSentElsewhere, ...]) -> port.Event:
        event_id = self._id(f"history:{_digest(each.wire_id for each in messages)}")
        return port.HistoryBatch(device_id=self._device_id, event_id=event_id, at=self._clock.now(), messages=messages)

    def _past(self, web: Any, who: port.Address) -> port.MessageReceived | port.MessageSentElsewhere | None:
        message = words.unwrapped(web.message)
        wire_id = web.key.ID
        if not wire_id or not web.messageTimestamp or not words.is_from_a_person(message):
            return None
        about: dict[str, Any] = {
            "device_id": self._device_id,
            "event_id": self._id(f"message:{wire_id}"),
            "at": self._at(web.messageTimestamp),
        }
        text = words.text_of(message)
        if web.key.fromMe:
            return port.MessageSentElsewhere(to=who, wire_id=wire_id, text=text, **about)
        more: dict[str, Any] = {"quoted_wire_id": words.quoted_in(message), "media": words.file_in(message)}
        return port.MessageReceived(sender=who, wire_id=wire_id, text=text, push_name=web.pushName[:200], **more, **about)

    def _at(self, stamp: int) -> datetime:
        """The instant of a stamp in seconds, or milliseconds; now for what is neither."""
        seconds = stamp / 1000 if stamp > 10**11 else stamp
        now = self._clock.now()
        if not 10**9 < seconds < now.timestamp() + 86_400:
            return now
        return datetime.fromtimestamp(seconds, UTC)


_KINDS: dict[str, Callable[[Translator, Any], list[port.Event]]] = {
    "Connected": Translator._connected,
    "KeepAliveRestored": Translator._connected,
    "KeepAliveTimeout": Translator._missed,
    "Disconnected": Translator._disconnected,
    "StreamError": Translator._stream_error,
    "StreamReplaced": Translator._replaced,
    "ClientOutdated": Translator._outdated,
    "LoggedOut": Translator._logged_out,
    "TemporaryBan": Translator._banned,
    "ConnectFailure": Translator._refused,
    "Message": Translator._message,
    "Receipt": Translator._receipt,
    "HistorySync": Translator._history,
}
KINDS = (*_KINDS, "PairStatus")
"""Names of the library's events that are asked for; `PairStatus` is the client's own business."""


def is_final(event: port.Event) -> bool:
    """Whether this ends the library's client: it tries nothing more by itself."""
    if isinstance(event, port.Disconnected):
        return not event.will_retry
    return isinstance(event, port.LoggedOut | port.StreamReplaced | port.ClientOutdated | port.TemporaryBan)


def address(jid: Any, other: Any = None) -> port.Address:
    """Who is meant by an address of the library, and by its other form where it is known."""
    phone = opaque = None
    for each in (jid, other):
        if each is not None and each.User:
            phone = phone or (each.User if each.Server in PHONE else None)
            opaque = opaque or (f"{each.User}@lid" if each.Server in LID else None)
    return port.Address(phone, opaque)


def of_texts(*jids: str) -> port.Address | None:
    """The same from texts such as `60123456789:2@s.whatsapp.net`; None when none of them is a person."""
    phone = opaque = None
    for each in jids:
        user, _, server = each.partition("@")
        name = re.split(r"[:.]", user)[0]
        phone = phone or (name if server in PHONE and name else None)
        opaque = opaque or (f"{name}@lid" if server in LID and name else None)
    return port.Address(phone, opaque) if phone or opaque else None


def _is_person(jid: Any) -> bool:
    return bool(jid.User) and jid.Server in (*PHONE, *LID)


def _digest(wire_ids: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(wire_ids).encode()).hexdigest()[:32]
