"""What a person wrote, out of WhatsApp's message format: the text in it, a file, and which message it answers.

It reads protocol buffers by their fields' names and imports nothing of the library.
"""

import base64
import json
from typing import Any

from hantar.gateways import port

LONGEST = 65_536
"""Characters of a text at most: what WhatsApp's own programs accept."""
_DEPTH = 6
"""Wrappers within wrappers that are opened at most."""

_WRAPPERS = (
    *("deviceSentMessage", "ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"),
    *("documentWithCaptionMessage", "editedMessage", "botForwardedMessage", "associatedChildMessage"),
)
"""Fields that hold another whole message in `message`."""

_TEXTS = (
    ("conversation", ()),
    ("extendedTextMessage", ("text",)),
    ("imageMessage", ("caption",)),
    ("videoMessage", ("caption",)),
    ("documentMessage", ("caption",)),
    ("buttonsResponseMessage", ("selectedDisplayText",)),
    ("listResponseMessage", ("title",)),
    ("templateButtonReplyMessage", ("selectedDisplayText",)),
    ("interactiveResponseMessage", ("body", "text")),
)
"""Where the words of each kind of message are."""

_FILES: tuple[tuple[str, port.FileKind], ...] = (
    *(("imageMessage", "image"), ("stickerMessage", "image"), ("videoMessage", "video"), ("ptvMessage", "video")),
    *(("audioMessage", "audio"), ("documentMessage", "document")),
)
"""Fields that are files, and how each is shown."""

_SILENT = frozenset(
    {
        *("protocolMessage", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage", "messageContextInfo"),
        *("reactionMessage", "encReactionMessage", "pollUpdateMessage", "keepInChatMessage", "pinInChatMessage"),
        *("placeholderMessage", "stickerSyncRmrMessage", "messageHistoryNotice", "call", "callLogMesssage"),
    }
)
"""Fields that are no words to us: the protocol's own talk, reactions, votes, pins."""


def unwrapped(message: Any) -> Any:
    """The message inside all wrappers; an edit is the new text."""
    for _ in range(_DEPTH):
        inner = next((name for name in _WRAPPERS if message.HasField(name)), None)
        if inner is not None:
            message = getattr(message, inner).message
        elif message.HasField("protocolMessage") and message.protocolMessage.HasField("editedMessage"):
            message = message.protocolMessage.editedMessage
        else:
            break
    return message


def is_from_a_person(message: Any) -> bool:
    """Whether somebody said or sent something; `message` is unwrapped."""
    return any(field.name not in _SILENT for field, _ in message.ListFields())


def text_of(message: Any) -> str:
    """The words of an unwrapped message, "" when it has none (a sticker, a picture without caption)."""
    for name, path in _TEXTS:
        if message.HasField(name):
            found = getattr(message, name)
            for step in path:
                found = getattr(found, step)
            return str(found)[:LONGEST]
    return ""


def quoted_in(message: Any) -> str | None:
    """The wire id of the message that this one answers; None when it answers none."""
    for field, value in message.ListFields():
        if field.message_type is not None and not field.is_repeated and "contextInfo" in field.message_type.fields_by_name:
            return str(value.contextInfo.stanzaID) or None
    return None


def file_in(message: Any) -> port.MediaRef | None:
    """The file of an unwrapped message: what is said of it, and where it lies with the key to it. None without one."""
    for name, kind in _FILES:
        if message.HasField(name):
            found = getattr(message, name)
            place = [kind, found.directPath, *map(_text, (found.mediaKey, found.fileEncSHA256, found.fileSHA256))]
            ref = _text(json.dumps([*place, found.fileLength], separators=(",", ":")).encode())
            title = str(found.fileName)[:200] if name == "documentMessage" else ""
            return port.MediaRef(kind, str(found.mimetype)[:100], title, int(found.fileLength), ref)
    return None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
