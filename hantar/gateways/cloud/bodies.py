"""A message as the Cloud API wants it, and what it would refuse anyway, said before anything is sent. Pure."""

import re
from typing import Any

from hantar.gateways import port
from hantar.gateways.port import Reason

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
"""Characters (the service's documentation)."""
LONGEST_REF = 512
"""Characters of what comes back with every status (the service's documentation)."""
MB = 1_000_000
_LIMITS = {"image": 5 * MB, "video": 16 * MB, "audio": 16 * MB, "document": 100 * MB}
"""Bytes by kind of file (the service's documentation)."""
_TYPES = {
    "image": {"image/jpeg", "image/png"},
    "video": {"video/mp4", "video/3gpp"},
    "audio": {"audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"},
}
_PHONE = re.compile(r"[1-9]\d{6,14}")
_OPAQUE = re.compile(r"[\x21-\x7e]{1,256}")


def refusal(to: port.Address, content: port.Content) -> port.Rejected | None:
    """Why this can never be sent as it is; None when it may."""
    if not (_PHONE.fullmatch(to.phone) if to.phone else _OPAQUE.fullmatch(to.opaque or "")):
        return port.Rejected(Reason.INVALID_ADDRESS, "This is not an address of a person.")
    if content.media is not None and (found := _bad_media(content.media)) is not None:
        return found
    if content.template is not None:
        return None
    return _bad_words(content)


def _bad_media(media: port.MediaBytes) -> port.Rejected | None:
    mime = media.mime.partition(";")[0].strip().lower()
    if media.kind in _TYPES and mime not in _TYPES[media.kind]:
        return port.Rejected(Reason.UNSUPPORTED, f"The Cloud API takes no {mime}.")
    if not media.data:
        return port.Rejected(Reason.INVALID_CONTENT, "The file is empty.")
    if len(media.data) > _LIMITS[media.kind]:
        return port.Rejected(Reason.TOO_LARGE, f"A file of this kind may have {_LIMITS[media.kind] // MB} MB.")
    return None


def _bad_words(content: port.Content) -> port.Rejected | None:
    if content.media is None:
        if not content.text.strip():
            return port.Rejected(Reason.INVALID_CONTENT, "There is nothing to send.")
        longest = LONGEST_TEXT
    else:
        if content.media.kind == "audio" and content.text:
            return port.Rejected(Reason.UNSUPPORTED, "Sound goes without a caption.")
        longest = LONGEST_CAPTION
    if len(content.text) > longest:
        return port.Rejected(Reason.TOO_LARGE, f"The text may have {longest:,} characters.")
    return None


def message(to: port.Address, content: port.Content, ref: str, media_id: str | None) -> dict[str, Any]:
    """The body of a send; the file, if there is one, is named by its id at the service."""
    whom = {"to": to.phone} if to.phone else {"recipient": to.opaque}
    body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", **whom}
    body |= {"biz_opaque_callback_data": ref[:LONGEST_REF], **_what(content, media_id)}
    if content.reply_to:
        body["context"] = {"message_id": content.reply_to}
    return body


def _what(content: port.Content, media_id: str | None) -> dict[str, Any]:
    if content.template is not None:
        return {"type": "template", "template": _template(content.template, content.media, media_id)}
    if content.media is None:
        return {"type": "text", "text": {"body": content.text, "preview_url": False}}
    return {"type": content.media.kind, content.media.kind: _file(content.media, media_id, content.text)}


def _file(media: port.MediaBytes, media_id: str | None, caption: str = "") -> dict[str, Any]:
    named = {"filename": media.name} if media.kind == "document" and media.name else {}
    return {"id": media_id, **({"caption": caption} if caption else {}), **named}


def _template(template: port.Template, media: port.MediaBytes | None, media_id: str | None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if media is not None:
        filled = {"type": media.kind, media.kind: _file(media, media_id)}
        parts.append({"type": "header", "parameters": [filled]})
    if template.parameters:
        parts.append({"type": "body", "parameters": [{"type": "text", "text": each} for each in template.parameters]})
    return {"name": template.name, "language": {"code": template.language}, **({"components": parts} if parts else {})}
