"""Webhook calls of the Cloud API: whether one is genuine, whom it speaks of, and its contents as port events. All pure.

A call holds many entries, of several numbers, in any order, and comes again for days until it is answered. Nothing in here raises
for what a call holds: what is not understood is left out, and the raw call stays with whoever stored it.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hantar.gateways import port
from hantar.gateways.cloud import codes
from hantar.gateways.credentials import NO_LIMIT, Quality

Places = Mapping[str, Sequence[str]]
"""Number id or business account id → ids of its devices."""

_KINDS = {
    "sent": port.ReceiptKind.SENT,
    "delivered": port.ReceiptKind.DELIVERED,
    "read": port.ReceiptKind.READ,
    "played": port.ReceiptKind.PLAYED,
}
_TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1_000, "TIER_2K": 2_000, "TIER_10K": 10_000, "TIER_100K": 100_000}
_FLAGS = {"FLAGGED": Quality.RED, "UNFLAGGED": Quality.GREEN}
_NO_WORDS = frozenset({"reaction", "system", "ephemeral", "request_welcome"})
"""Kinds of `messages` that are nothing a person wrote to us."""
_PREFIX = "sha256="


def is_signed(body: bytes, header: str | None, secret: str) -> bool:
    """Whether the raw body carries the app's signature (`X-Hub-Signature-256`); False for everything without a secret."""
    if not secret or not header or not header.startswith(_PREFIX):
        return False
    right = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = header.removeprefix(_PREFIX).encode("utf-8", "surrogateescape")
    return hmac.compare_digest(right.encode(), given)


def challenge(query: Mapping[str, str], token: str) -> str | None:
    """What to answer (200, as plain text) to the GET by which an address is set up; None: 403."""
    given = query.get("hub.verify_token", "").encode("utf-8", "surrogateescape")
    is_right = hmac.compare_digest(given, token.encode())
    if not token or not is_right or query.get("hub.mode") != "subscribe":
        return None
    return query.get("hub.challenge", "")


def names_in(payload: Mapping[str, Any]) -> frozenset[str]:
    """Number ids and business account ids that a call speaks of."""
    found = set()
    for change in _changes(payload):
        found |= {change.number_id, change.business_id}
    return frozenset(found - {""})


def events_of(payload: Mapping[str, Any], places: Places, at: datetime) -> list[port.Event]:
    """What a call reports about these devices, in its order; `at` stands where the call says no time."""
    found: list[port.Event] = []
    for change in _changes(payload):
        names = [change.number_id] if change.number_id else [change.business_id]
        for device_id in (each for name in names for each in places.get(name, ())):
            found += _Reader(device_id, change, at).events()
    return found


def failures_in(payload: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Number id and error code of each message that failed late."""
    return [
        (change.number_id, error_code(each))
        for change in _changes(payload)
        for each in (_many(change.value, "statuses") if change.field == "messages" else ())
        if _text(each, "status") == "failed"
    ]


def banned_in(payload: Mapping[str, Any]) -> list[str]:
    """Business accounts that the service has disabled."""
    return [change.business_id for change in _changes(payload) if change.field == "account_update" and _is_ban(change.value)]


def _is_ban(value: Mapping[str, Any]) -> bool:
    return _text(value, "ban_info", "waba_ban_state") == "DISABLE"


# ---------------------------------------------------------------------- safe steps into what came from outside


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _many(value: Any, key: str) -> list[Mapping[str, Any]]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _text(value: Any, *keys: str) -> str:
    """The text at the end of these keys; numbers count as text, all else is empty."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _digits(text: str) -> str:
    text = text.removeprefix("+")
    return text if text.isascii() and text.isdigit() else ""


def _instant(text: str) -> datetime | None:
    """Unix seconds or ISO 8601."""
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def tier_of(text: str) -> int | None:
    """A messaging limit in the service's words as a number of people; None when it says none."""
    if text == "TIER_UNLIMITED" or text == "-1":
        return NO_LIMIT
    return _TIERS.get(text) or (int(text) if _digits(text) and len(text) < 10 else None)


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of one entry: its field, its value, of which business account and number."""

    field: str
    value: Mapping[str, Any]
    business_id: str
    number_id: str
    time: str


def _changes(payload: Mapping[str, Any]) -> Iterator[_Change]:
    for entry in _many(payload, "entry"):
        for change in _many(entry, "changes"):
            value = _mapping(change, "value")
            number_id = _text(value, "metadata", "phone_number_id")
            yield _Change(_text(change, "field"), value, _text(entry, "id"), number_id, _text(entry, "time"))


# ---------------------------------------------------------------------- one change, for one device


class _Reader:
    """Reads one change for one device."""

    def __init__(self, device_id: str, change: _Change, at: datetime) -> None:
        self._device, self._change = device_id, change
        self._at = _instant(change.time) or at

    def events(self) -> list[port.Event]:
        """What the change reports."""
        value = self._change.value
        match self._change.field:
            case "messages":
                statuses = [event for each in _many(value, "statuses") for event in self._status(each)]
                return statuses + [event for each in _many(value, "messages") for event in self._message(each)]
            case "user_preferences":
                return [event for each in _many(value, "user_preferences") for event in self._preference(each)]
            case "smb_message_echoes" | "message_echoes":
                return [event for each in _many(value, "message_echoes") for event in self._echo(each)]
            case "message_template_status_update" | "template_category_update" | "message_template_quality_update":
                return self._template(value)
            case "phone_number_quality_update" | "business_capability_update":
                return self._quality(value)
            case "account_update":
                return self._account(value)
            case _:
                return []

    def _named(self, key: str, at: datetime | None = None) -> dict[str, Any]:
        """The fields that every event has; `key` makes it count once."""
        return {"device_id": self._device, "event_id": key, "at": at or self._at}

    def _content_key(self, value: Mapping[str, Any]) -> str:
        """A key for what has no id of its own: the same words at the same time are the same event."""
        digest = hashlib.blake2b(repr((sorted(value.items(), key=str), self._change.time)).encode(), digest_size=12)
        return f"{self._change.field}:{digest.hexdigest()}"

    # ------------------------------------------------------------------ people

    def _person(self, phone: str, opaque: str) -> port.Address | None:
        """Who it is, by what is known; never a number made from an id."""
        if phone and not _digits(phone):
            phone, opaque = "", opaque or phone
        known = port.Address(_digits(phone) or None, opaque or None)
        return known if known.phone or known.opaque else None

    def _contact(self, phone: str, opaque: str) -> Mapping[str, Any]:
        """What the change says about a person beside the message."""
        contacts = _many(self._change.value, "contacts")
        for each in contacts:
            if (phone and _text(each, "wa_id") == phone) or (opaque and _text(each, "user_id") == opaque):
                return each
        return contacts[0] if len(contacts) == 1 else {}

    # ------------------------------------------------------------------ messages

    def _message(self, each: Mapping[str, Any]) -> list[port.Event]:
        phone, opaque, wire_id = _text(each, "from"), _text(each, "from_user_id"), _text(each, "id")
        contact = self._contact(phone, opaque)
        sender = self._person(phone, opaque or _text(contact, "user_id"))
        if sender is None or not wire_id:
            return []
        at = _instant(_text(each, "timestamp"))
        if _text(each, "type") in _NO_WORDS:
            is_stop = _text(each, "system", "marketing") == "stop"
            return [port.OptOut(**self._named(f"stop:{wire_id}", at), who=sender, way="stop")] if is_stop else []
        said = port.MessageReceived(
            **self._named(wire_id, at),
            sender=sender,
            wire_id=wire_id,
            text=_words(each),
            media=_file(each),
            push_name=_text(contact, "profile", "name"),
            quoted_wire_id=_text(each, "context", "id") or None,
            in_group=bool(_text(each, "group_id")),
        )
        return [said]

    def _echo(self, each: Mapping[str, Any]) -> list[port.Event]:
        """Written in the business's own app, beside us."""
        wire_id, to = _text(each, "id"), self._person(_text(each, "to"), _text(each, "to_user_id"))
        if to is None or not wire_id:
            return []
        at = _instant(_text(each, "timestamp"))
        return [port.MessageSentElsewhere(**self._named(wire_id, at), to=to, wire_id=wire_id, text=_words(each))]

    def _preference(self, each: Mapping[str, Any]) -> list[port.Event]:
        """Only a stop: what releases a person is their word to us, not a switch at the service."""
        phone, opaque = _text(each, "wa_id"), _text(each, "user_id")
        who = self._person(phone, opaque or _text(self._contact(phone, opaque), "user_id"))
        if who is None or _text(each, "value") != "stop":
            return []
        at = _instant(_text(each, "timestamp"))
        key = f"preference:{who.phone or who.opaque}:{_text(each, 'timestamp')}"
        return [port.OptOut(**self._named(key, at), who=who, way="stop")]

    # ------------------------------------------------------------------ statuses

    def _status(self, each: Mapping[str, Any]) -> list[port.Event]:
        wire_id, status = _text(each, "id"), _text(each, "status")
        if not wire_id:
            return []
        named = self._named(f"{wire_id}:{status}", _instant(_text(each, "timestamp")))
        ref = _text(each, "biz_opaque_callback_data") or None
        if status == "failed":
            return self._failure(each, named, wire_id, ref)
        if status not in _KINDS:
            return []
        told: list[port.Event] = [port.Receipt(**named, wire_ids=(wire_id,), kind=_KINDS[status], ref=ref)]
        if status == "delivered":
            told += self._identity(each, named["at"])
        return told

    def _failure(self, each: Mapping[str, Any], named: dict[str, Any], wire_id: str, ref: str | None) -> list[port.Event]:
        reason = codes.late_reason(error_code(each))
        told: list[port.Event] = [port.MessageFailed(**named, wire_id=wire_id, reason=reason, ref=ref)]
        who = self._person(_text(each, "recipient_id"), _text(each, "recipient_user_id"))
        if reason is port.Reason.OPTED_OUT and who is not None:
            told.append(port.OptOut(**self._named(f"stop:{wire_id}", named["at"]), who=who, way="stop"))
        return told

    def _identity(self, each: Mapping[str, Any], at: datetime) -> list[port.Event]:
        """A number and an id named together are one person."""
        phone = _digits(_text(each, "recipient_id"))
        opaque = _text(each, "recipient_user_id") or _text(self._contact(phone, ""), "user_id")
        if not phone or not opaque:
            return []
        return [port.IdentityLinked(**self._named(f"identity:{phone}:{opaque}", at), phone=phone, opaque=opaque)]

    # ------------------------------------------------------------------ templates, numbers, accounts

    def _template(self, value: Mapping[str, Any]) -> list[port.Event]:
        name, language = _text(value, "message_template_name"), _text(value, "message_template_language")
        if not name or not language:
            return []
        quality = _text(value, "new_quality_score")
        reason = _text(value, "reason").removesuffix("NONE") or (f"quality {quality}" if quality else "")
        return [
            port.TemplateStatus(
                **self._named(self._content_key(value)),
                name=name,
                language=language,
                status=_text(value, "event"),
                category=_text(value, "new_category") or _text(value, "message_template_category"),
                why=reason,
            )
        ]

    def _quality(self, value: Mapping[str, Any]) -> list[port.Event]:
        """A limit belongs to the whole portfolio; throughput is named like one and is none."""
        event = _text(value, "event")
        limit = _text(value, "max_daily_conversations_per_business")
        if not limit and event != "THROUGHPUT_UPGRADE":
            limit = _text(value, "current_limit") or _text(value, "max_daily_conversation_per_phone")
        quality, tier = _FLAGS.get(event), tier_of(limit)
        if quality is None and tier is None:
            return []
        return [port.NumberQuality(**self._named(self._content_key(value)), quality=quality, tier=tier)]

    def _account(self, value: Mapping[str, Any]) -> list[port.Event]:
        """What the service does to a whole account."""
        named = self._named(self._content_key(value))
        if _is_ban(value):
            return [port.Refused(**named, why="banned")]
        for each in _many(value, "restriction_info"):
            if _text(each, "restriction_type") == "RESTRICTED_BIZ_INITIATED_MESSAGING":
                return [port.ReachOutLocked(**named, until=_instant(_text(each, "expiration")))]
        return []


def error_code(status: Mapping[str, Any]) -> int:
    """The code of a failed status; -1 when it names none."""
    errors = _many(status, "errors")
    code = errors[0].get("code") if errors else None
    return code if isinstance(code, int) else -1


_FILES: dict[str, port.FileKind] = {
    "image": "image",
    "sticker": "image",
    "video": "video",
    "audio": "audio",
    "document": "document",
}


def _file(each: Mapping[str, Any]) -> port.MediaRef | None:
    """The file in a message, by its id; how large it is the service says when it is fetched."""
    kind = _text(each, "type")
    ref = _text(each, kind, "id") if kind in _FILES else ""
    if not _digits(ref):
        return None
    return port.MediaRef(_FILES[kind], _text(each, kind, "mime_type")[:100], _text(each, kind, "filename")[:200], 0, ref)


def _words(each: Mapping[str, Any]) -> str:
    """What a person wrote, or chose from what we offered; the caption of a file."""
    kind = _text(each, "type")
    match kind:
        case "text":
            return _text(each, "text", "body")
        case "button":
            return _text(each, "button", "text")
        case "interactive":
            found = _mapping(each, "interactive")
            return (
                _text(found, "button_reply", "title") or _text(found, "list_reply", "title") or _text(found, "nfm_reply", "body")
            )
        case _:
            return _text(each, kind, "caption")
